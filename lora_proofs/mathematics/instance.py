"""Instances: exact data that a claim is judged on, printable and replayable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np

from lora_proofs.arithmetic.context import Arithmetic
from lora_proofs.arithmetic.exact import decimal, is_number, rational
from lora_proofs.arithmetic.recorded import Batched
from lora_proofs.errors import BadInput

Rows = tuple[tuple[Fraction, ...], ...]
Field = Any  # Fraction, Rows, a tag (str) or a nested Instance


def _rows(name: str, value: Any) -> Rows:
    rows = []
    for i, row in enumerate(value):
        if isinstance(row, str) or not isinstance(row, list | tuple | np.ndarray):
            raise BadInput(
                f"{name}: expected a matrix as a list of rows, got {row!r} as row {i + 1}"
            )
        entries = []
        for j, entry in enumerate(row):
            try:
                entries.append(rational(entry))
            except BadInput as error:
                raise BadInput(f"{name}[{i + 1}][{j + 1}]: {error}") from None
        rows.append(tuple(entries))
    widths = {len(row) for row in rows}
    if len(widths) != 1 or 0 in widths:
        raise BadInput(
            f"{name}: expected rows of one positive length, got lengths {[len(r) for r in rows]}"
        )
    return tuple(rows)


def _field(name: str, value: Any) -> Field:
    if isinstance(value, Instance):
        return value
    if isinstance(value, Mapping):
        return Instance.from_json(value)
    if isinstance(value, list | tuple | np.ndarray):
        return _rows(name, value)
    try:
        return rational(value)
    except BadInput as error:
        if isinstance(value, str) and is_number(value):
            raise BadInput(f"{name}: {error}") from None
        if isinstance(value, str):
            return value
        raise BadInput(
            f"{name}: expected an exact number, a matrix, a tag or an Instance, got "
            f"{type(value).__name__}={value!r}"
        ) from None


class Lifted(SimpleNamespace):
    """The fields of an instance in one arithmetic, as attributes."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"this instance has no field {name!r}; it has {', '.join(vars(self))}")


@dataclass(frozen=True, init=False, repr=False)
class Instance:
    """Named exact fields: numbers, matrices (rows of fractions), tags and nested instances.

    Fields are read as attributes; ``regimes`` names the regimes that the instance belongs to.
    Raises ``BadInput`` for ragged rows and for entries that are not exact numbers.

    >>> x = Instance(W0=[[1, "1/2"]], t="0.25", loss="frobenius")
    >>> x.t, x.W0
    (Fraction(1, 4), ((Fraction(1, 1), Fraction(1, 2)),))
    >>> Instance.from_json(x.to_json()) == x
    True
    """

    fields: tuple[tuple[str, Field], ...]
    regimes: tuple[str, ...]

    def __init__(self, regimes: tuple[str, ...] | list[str] = (), **fields: Any) -> None:
        for name in fields:
            if hasattr(type(self), name) or name.startswith("_") or name == "fields":
                raise BadInput(
                    f"an instance cannot have a field named {name!r}; choose another name"
                )
        object.__setattr__(self, "regimes", _regimes(regimes))
        object.__setattr__(self, "fields", tuple((k, _field(k, v)) for k, v in fields.items()))

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            for key, value in self.fields:
                if key == name:
                    return value
        raise AttributeError(
            f"this instance has no field {name!r}; it has {', '.join(k for k, _ in self.fields)}"
        )

    def __hash__(self) -> int:
        # A search asks for it again and again, and every entry has to be gone through for it.
        if "_hash" not in self.__dict__:
            object.__setattr__(self, "_hash", hash((self.fields, self.regimes)))
        return int(self.__dict__["_hash"])

    def __getstate__(self) -> dict[str, Any]:
        # Another process hashes text differently.
        return {key: value for key, value in self.__dict__.items() if key != "_hash"}

    def __iter__(self) -> Iterator[str]:
        return (key for key, _ in self.fields)

    def __contains__(self, name: str) -> bool:
        return any(key == name for key, _ in self.fields)

    def __repr__(self) -> str:
        inside = [f"{key}={_shown(value)}" for key, value in self.fields]
        if self.regimes:
            inside.append(f"regimes={self.regimes!r}")
        return f"Instance({', '.join(inside)})"

    def replace(self, **changes: Any) -> Instance:
        """The same instance with some fields changed or added."""
        regimes = changes.pop("regimes", self.regimes)
        return Instance(regimes=regimes, **{**dict(self.fields), **changes})

    def lift(self, ctx: Arithmetic) -> Any:
        """All fields in an arithmetic, as attributes: numbers lifted, matrices as arrays."""
        return Lifted(**{key: _lift(value, ctx) for key, value in self.fields})

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data; ``from_json`` gives the same instance back."""
        out: dict[str, Any] = {key: _plain(value) for key, value in self.fields}
        if self.regimes:
            out["regimes"] = list(self.regimes)
        return out

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Instance:
        """The instance that ``to_json`` wrote."""
        if not isinstance(data, Mapping):
            raise BadInput(f"expected an instance as a JSON object, got {type(data).__name__}")
        fields = {str(k): v for k, v in data.items() if k != "regimes"}
        return cls(regimes=data.get("regimes", ()), **fields)


def _regimes(value: Any) -> tuple[str, ...]:
    if isinstance(value, list | tuple) and all(isinstance(name, str) for name in value):
        return tuple(value)
    raise BadInput(
        f"regimes: expected a list of the names of regimes, got {type(value).__name__}={value!r}"
    )


def _lift(value: Field, ctx: Arithmetic) -> Any:
    if isinstance(value, Fraction | Batched):
        return ctx.number(value)
    if isinstance(value, Instance):
        return value.lift(ctx)
    return value if isinstance(value, str) else ctx.matrix(value)


def _number(x: Fraction) -> int | str:
    return int(x) if x.denominator == 1 and abs(x) < 2**53 else decimal(x)


def _plain(value: Field) -> Any:
    if isinstance(value, Fraction):
        return _number(value)
    if isinstance(value, Instance):
        return value.to_json()
    return value if isinstance(value, str) else [[_number(x) for x in row] for row in value]


def _shown(value: Field) -> str:
    if isinstance(value, Fraction):
        return repr(_number(value))
    return repr(_plain(value)) if isinstance(value, tuple) else repr(value)
