"""A flow instance as data: read, checked entry by entry, and kept exact."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic.context import Matrix
from lora_proofs.arithmetic.exact import EXACT, rational
from lora_proofs.errors import BadInput
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import Loss, frobenius, trace_squared

LOSSES = ("frobenius", "trace-squared")
ADAPTERS = ("lora", "full")
METHODS = ("flow", "simultaneous", "A-first", "B-first")
INFINITE = "inf"
MATRICES = ("W0", "Y", "A0", "B0")
NUMBERS = ("scale", "eta_A", "eta_B", "h")
FIELDS = ("loss", *MATRICES, *NUMBERS, "t", "steps", "adapter", "method")
ALONE = '; "inf" stands alone, not in a list'
SIZE = 1_000_000
STEPS = 1_000_000
Times = list[Fraction] | str


@dataclass(frozen=True, eq=False)
class Problem:
    """What is trained, from where, how, and until when; every number is exact.

    W0 is n x m, A0 r x m, B0 n x r, Y n x m (``frobenius`` only); for the adapter ``full`` there
    are no factors. ``times`` is a list of exact times or ``"inf"``; the discrete methods have a
    step size ``h`` and a number of ``steps`` instead.
    """

    loss: str
    W0: Matrix
    Y: Matrix | None
    A0: Matrix | None
    B0: Matrix | None
    adapter: str
    method: str
    scale: Fraction
    eta_A: Fraction
    eta_B: Fraction
    times: Times
    single: bool
    h: Fraction
    steps: int

    @property
    def f(self) -> Loss:
        """The loss as a value with its gradient."""
        return trace_squared() if self.Y is None else frobenius(rows(self.Y))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of W."""
        n, m = self.W0.shape
        return int(n), int(m)

    @property
    def rates(self) -> dict[str, Fraction]:
        """Scale and rates, as the flow fields take them."""
        return {"scale": self.scale, "eta_A": self.eta_A, "eta_B": self.eta_B}

    @property
    def plain(self) -> bool:
        """Whether scale and both rates are 1."""
        return self.scale == self.eta_A == self.eta_B == 1


def rows(X: Matrix) -> list[list[Any]]:
    """An array as a list of rows."""
    return [list(row) for row in X]


def read_problem(data: Any, *, timed: bool = True) -> Problem:
    """The problem that a JSON object states; ``timed`` asks for a time or for steps.

    Raises ``BadInput`` that names the field or the entry, what was expected and what came.

    >>> p = read_problem({"loss": "frobenius", "W0": [[0]], "Y": [[1]], "A0": [["1/2"]], "t": 1})
    >>> p.A0[0, 0], p.B0[0, 0], p.times
    (1/2, 0, [Fraction(1, 1)])
    """
    if not isinstance(data, Mapping):
        raise BadInput(
            'expected a JSON object such as {"loss": "frobenius", "W0": [[...]], ...}, got '
            f"{_kind(data)}"
        )
    _known(data)
    loss = _tag(data, "loss", LOSSES, None)
    adapter = _tag(data, "adapter", ADAPTERS, "lora")
    method = _tag(data, "method", METHODS, "flow")
    found: dict[str, Any] = {name: _matrix(data, name) for name in MATRICES}
    _fit(found, loss, adapter)
    if adapter == "lora" and found["B0"] is None:
        found["B0"] = EXACT.zeros(found["W0"].shape[0], found["A0"].shape[0])
    numbers = {name: _number(data, name) for name in NUMBERS}
    for name in ("scale", "eta_A", "eta_B"):
        if adapter == "full" and numbers[name] not in (None, 1):
            raise BadInput(
                f"{name}: expected no such field, because full-parameter training is W' = -G; "
                "leave it out"
            )
    times, single = _times(data, method) if timed else ([], True)
    steps = _steps(data, method) if timed else 0
    return Problem(
        loss=loss,
        **found,
        adapter=adapter,
        method=method,
        scale=_positive("scale", numbers["scale"], zero=False),
        eta_A=_positive("eta_A", numbers["eta_A"], zero=True),
        eta_B=_positive("eta_B", numbers["eta_B"], zero=True),
        times=times,
        single=single,
        h=_step_size(numbers["h"], method) if timed else Fraction(0),
        steps=steps,
    )


def _kind(value: Any) -> str:
    names: dict[type, str] = {list: "a list", str: "a text", bool: "a truth value"}
    if value is None:
        return "null"
    return names.get(type(value), f"{value!r}" if isinstance(value, int | float) else "an object")


def _known(data: Mapping[str, Any]) -> None:
    for name in data:
        if name not in FIELDS:
            lower = {field.lower(): field for field in FIELDS}
            near = difflib.get_close_matches(str(name).lower(), lower, n=1, cutoff=0.5)
            hint = f"; did you mean {lower[near[0]]!r}?" if near else ""
            raise BadInput(f"{name}: expected a field among {', '.join(FIELDS)}{hint}")


def _tag(data: Mapping[str, Any], name: str, known: tuple[str, ...], default: str | None) -> str:
    value = data.get(name, default)
    if value is None and name not in data:
        raise BadInput(f"{name}: expected one of {', '.join(known)}, and none is given")
    if not isinstance(value, str) or value not in known:
        raise BadInput(f"{name}: expected one of {', '.join(known)}, got {_shown(value)}")
    return value


def _matrix(data: Mapping[str, Any], name: str) -> Matrix | None:
    if name not in data:
        return None
    value = data[name]
    if not isinstance(value, list) or not value:
        raise BadInput(f"{name}: expected a matrix as a list of rows, got {_shown(value)}")
    if sum(len(row) for row in value if isinstance(row, list)) > SIZE:
        raise BadInput(f"{name}: expected at most {SIZE} entries")
    # ``Instance`` names the entry that is no exact number, and the rows that do not fit.
    return EXACT.matrix(dict(Instance(**{name: value}).fields)[name])


def read_matrix(data: Mapping[str, Any], name: str, label: str = "") -> Matrix | None:
    """The matrix in a field, exact, or ``None``; ``BadInput`` says where, by ``label`` if given.

    >>> read_matrix({"U": [["1/2"]]}, "U").tolist()
    [[1/2]]
    """
    try:
        return _matrix(data, name)
    except BadInput as error:
        raise BadInput(f"{label}: {error}" if label else str(error)) from None


def read_positive(data: Mapping[str, Any], name: str) -> Fraction:
    """The number in a field, 0 or more, or 1 where there is none; ``BadInput`` names the field.

    >>> read_positive({"scale": "1/2"}, "scale"), read_positive({}, "scale")
    (Fraction(1, 2), Fraction(1, 1))
    """
    return _positive(name, _number(data, name), zero=True)


def _fit(found: Mapping[str, Matrix | None], loss: str, adapter: str) -> None:
    """Raise ``BadInput`` for a matrix that is missing, not wanted, or of the wrong shape."""
    if found["W0"] is None:
        raise BadInput("W0: expected the frozen weight as a matrix (n x m), and none is given")
    n, m = found["W0"].shape
    if loss == "trace-squared":
        _unwanted(found, "Y", "the loss trace-squared has no target")
        if n != m:
            raise BadInput(
                f"W0: expected a square matrix for the loss trace-squared, got shape {(n, m)}"
            )
    elif found["Y"] is None:
        raise BadInput(f"Y: expected the target of the loss frobenius, of shape {(n, m)}, got none")
    elif found["Y"].shape != (n, m):
        raise BadInput(f"Y: expected the shape {(n, m)} of W0, got {found['Y'].shape}")
    if adapter == "full":
        for name in ("A0", "B0"):
            _unwanted(found, name, "full-parameter training has no factors")
        return
    _factors_fit(found, int(n), int(m))


def _unwanted(found: Mapping[str, Matrix | None], name: str, why: str) -> None:
    if found[name] is not None:
        raise BadInput(f"{name}: expected no such field, because {why}; leave it out")


def _factors_fit(found: Mapping[str, Matrix | None], n: int, m: int) -> None:
    A0, B0 = found["A0"], found["B0"]
    if A0 is None:
        raise BadInput(
            f"A0: expected the start of the right factor, of shape (r, {m}), and none is given"
        )
    if A0.shape[1] != m:
        raise BadInput(f"A0: expected the shape (r, {m}) for W0 of shape {(n, m)}, got {A0.shape}")
    if B0 is not None and B0.shape != (n, A0.shape[0]):
        raise BadInput(
            f"B0: expected the shape {(n, A0.shape[0])} for W0 of shape {(n, m)} and A0 of shape "
            f"{A0.shape}, got {B0.shape}"
        )


def _number(data: Mapping[str, Any], name: str) -> Fraction | None:
    if name not in data:
        return None
    try:
        return rational(data[name])
    except BadInput as error:
        raise BadInput(f"{name}: {error}") from None


def _positive(name: str, value: Fraction | None, *, zero: bool) -> Fraction:
    if value is None:
        return Fraction(1)
    if value < 0 or (value == 0 and not zero):
        wanted = "a number that is 0 or more" if zero else "a positive number"
        raise BadInput(f"{name}: expected {wanted}, got {value}")
    return value


def _times(data: Mapping[str, Any], method: str) -> tuple[Times, bool]:
    if method != "flow":
        if "t" in data:
            raise BadInput(
                f"t: expected no time, because the method {method} takes a step size h and a "
                "number of steps; leave it out"
            )
        return [], True
    if "t" not in data:
        raise BadInput('t: expected a time, a list of times or "inf", and none is given')
    value = data["t"]
    if value == INFINITE:
        return INFINITE, True
    if not isinstance(value, list):
        return [_time("t", value, '; or "inf" for the limit')], True
    if not value:
        raise BadInput("t: expected one time or more, got an empty list")
    return [_time(f"t[{k}]", one, ALONE) for k, one in enumerate(value, start=1)], False


def _time(name: str, value: Any, hint: str = "") -> Fraction:
    try:
        time = rational(value)
    except BadInput as error:
        raise BadInput(f"{name}: {error}{hint}") from None
    if time < 0:
        raise BadInput(f"{name}: expected a time that is 0 or more, got {time}")
    return time


def _steps(data: Mapping[str, Any], method: str) -> int:
    if method == "flow":
        for name in ("h", "steps"):
            if name in data:
                raise BadInput(
                    f"{name}: expected no such field, because the method flow takes a time t; "
                    f"leave it out, or give a method among {', '.join(METHODS[1:])}"
                )
        return 0
    value = data.get("steps")
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= STEPS:
        raise BadInput(
            f"steps: expected a whole number from 0 to {STEPS} for the method {method}, got "
            f"{'none' if 'steps' not in data else _shown(value)}"
        )
    return value


def _step_size(h: Fraction | None, method: str) -> Fraction:
    if method == "flow":
        return Fraction(0)
    if h is None or h <= 0:
        raise BadInput(
            f"h: expected a positive step size for the method {method}, got "
            f"{'none' if h is None else h}"
        )
    return h


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) < 60 else shown[:57] + "..."
