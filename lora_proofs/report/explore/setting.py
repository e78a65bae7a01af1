"""What the page asks for: a claim, a shape, a spectrum, a start and a time, each within bounds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isfinite

from lora_proofs.errors import BadInput

MOST, MOST_LAYERS, MOST_SEED, MOST_LENGTH = 24, 6, 9_999, 600
LOSSES = {"frobenius": "½‖W − Y‖² (Frobenius)", "trace-squared": "½(tr W)² (trace-squared)"}
SPECTRA = {
    "decay": "decay, by the factor",
    "ties": "ties: equal pairs that decay",
    "flat": "flat: all equal",
    "custom": "my own list",
}
STARTS = {
    "orthonormal": "B = 0, A with orthogonal rows",
    "gaussian": "B = 0, A Gaussian",
    "spectral": "B = 0, A along the leading directions",
    "wrong": "B = 0, A along the last directions",
    "aligned": "A and B aligned, leading directions",
    "general": "A and B Gaussian",
    "saddle": "B against A: into the saddle",
}
LIMITS = {
    "n": (1, MOST),
    "m": (1, MOST),
    "r": (1, MOST),
    "layers": (1, MOST_LAYERS),
    "seed": (0, MOST_SEED),
    "factor": (0.05, 1.0),
    "top": (0.1, 5.0),
    "size": (0.01, 3.0),
    "t": (0.1, 50.0),
}
NAMES = {
    "loss": LOSSES,
    "spectrum": SPECTRA,
    "start": STARTS,
}
_NUMBER = re.compile(r"[+-]?(\d{1,20}(\.\d{0,20})?|\.\d{1,20})([eE][+-]?\d{1,3})?")


@dataclass(frozen=True)
class Setting:
    """One instance of the page: W is n x m, the adapter of rank r, its residual has ``sigma``."""

    claim: str = ""
    loss: str = "frobenius"
    n: int = 8
    m: int = 6
    r: int = 2
    layers: int = 2
    spectrum: str = "decay"
    top: float = 2.0
    factor: float = 0.6
    values: str = "3, 2, 1, 0.5"
    start: str = "orthonormal"
    size: float = 0.5
    seed: int = 0
    t: float = 6.0

    @property
    def width(self) -> int:
        """The number of columns: the trace needs a square weight."""
        return self.n if self.loss == "trace-squared" else self.m

    @property
    def most(self) -> int:
        """The largest rank of an update."""
        return min(self.n, self.width)

    @property
    def sigma(self) -> tuple[float, ...]:
        """The min(n, m) singular values, largest first.

        >>> Setting(n=2, m=3, r=1, factor=0.5).sigma
        (2.0, 1.0)
        """
        power = {"decay": 1, "flat": 0}.get(self.spectrum, 1)
        if self.spectrum == "custom":
            own = sorted(_own(self.values), reverse=True)[: self.most]
            return tuple(own + [0.0] * (self.most - len(own)))
        half = 2 if self.spectrum == "ties" else 1
        return tuple(self.top * self.factor ** (power * (i // half)) for i in range(self.most))


def setting(asked: Mapping[str, str]) -> Setting:
    """The setting that parameters ask for; ``BadInput`` says what was expected of a wrong one.

    >>> setting({"n": "4", "r": "3"}).n
    4
    """
    known = {field.name for field in fields(Setting)}
    for name in asked:
        if name not in known:
            raise BadInput(f"{_shown(name)}: expected one of {', '.join(sorted(known))}")
    found = Setting(**{name: _value(name, text) for name, text in asked.items()})  # type: ignore[arg-type]
    if found.r > found.most:
        raise BadInput(f"r: expected a rank from 1 to min(n, m) = {found.most}, got {found.r}")
    _own(found.values)
    return found


def _value(name: str, text: str) -> str | int | float:
    if len(text) > MOST_LENGTH:
        raise BadInput(f"{name}: expected at most {MOST_LENGTH} characters, got {len(text)}")
    if name in NAMES and text not in NAMES[name]:
        raise BadInput(f"{name}: expected one of {', '.join(NAMES[name])}; got {_shown(text)}")
    if name not in LIMITS:
        return text
    least, most = LIMITS[name]
    whole = isinstance(least, int)
    value = _number(name, text, "an integer" if whole else "a number such as 2 or 0.5")
    if not least <= value <= most or (whole and value != int(value)):
        kind = "an integer" if whole else "a number"
        raise BadInput(f"{name}: expected {kind} from {least} to {most}, got {_shown(text)}")
    return int(value) if whole else value


def _number(name: str, text: str, kind: str = "numbers such as 2 or 0.5") -> float:
    if not _NUMBER.fullmatch(text.strip()):
        raise BadInput(f"{name}: expected {kind}, got {_shown(text)}")
    return float(text)


def _own(text: str) -> list[float]:
    parts = [part for part in re.split(r"[\s,;]+", text) if part]
    found = [_number("values", part) for part in parts]
    if not 1 <= len(found) <= MOST or not all(isfinite(x) and 0 <= x <= 5 for x in found):
        raise BadInput(f"values: expected 1 to {MOST} numbers from 0 to 5, got {_shown(text)}")
    return found


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "...")
