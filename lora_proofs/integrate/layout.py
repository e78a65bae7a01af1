"""A state as one row of numbers: where each symbol that moves has its entries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import flint

from lora_proofs.integrate.series import entries

Part = tuple[Any, slice, tuple[int, int] | None]
State = dict[Any, Any]


@dataclass(frozen=True)
class Layout:
    """The symbols in order, each with its slice and its shape (``None`` for a scalar)."""

    parts: tuple[Part, ...]
    size: int

    @classmethod
    def of(cls, symbols: Iterable[Any], values: Mapping[Any, Any]) -> Layout:
        """The layout of symbols whose values are balls or FLINT matrices."""
        parts: list[Part] = []
        size = 0
        for symbol in symbols:
            like = values[symbol]
            shape = (like.nrows(), like.ncols()) if isinstance(like, flint.arb_mat) else None
            count = len(entries(like))
            parts.append((symbol, slice(size, size + count), shape))
            size += count
        return cls(tuple(parts), size)

    def row(self, state: Mapping[Any, Any]) -> list[Any]:
        """The entries of a state, one after the other."""
        return [x for symbol, _, _ in self.parts for x in entries(state[symbol])]

    def state(self, row: list[Any]) -> State:
        """The matrices of a row of balls."""
        return {
            symbol: flint.arb_mat(*shape, row[where]) if shape else row[where][0]
            for symbol, where, shape in self.parts
        }
