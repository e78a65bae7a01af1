"""Low-rank adapters as data: the factors of an update, and assumptions that an instance breaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lora_proofs.arithmetic.context import Arithmetic, Matrix, Scalar
from lora_proofs.arithmetic.dense import product
from lora_proofs.errors import BadInput, ShapeMismatch


@dataclass(frozen=True)
class Adapter:
    """The factors of DW = B A, with B: (n, r) and A: (r, m); r = 0 is the zero update.

    >>> from lora_proofs.arithmetic import EXACT
    >>> adapter = Adapter(EXACT.matrix([[1], [2]]), EXACT.matrix([[3, 4]]))
    >>> adapter.rank, adapter.update.tolist()
    (1, [[3, 4], [6, 8]])
    """

    B: Matrix
    A: Matrix

    def __post_init__(self) -> None:
        if self.B.shape[-1] != self.A.shape[-2]:
            raise ShapeMismatch(
                f"adapter: expected B (n, r) and A (r, m), got {self.B.shape} and {self.A.shape}"
            )

    @property
    def rank(self) -> int:
        """Columns of B: the rank that the adapter pays for."""
        return int(self.B.shape[-1])

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the update."""
        return int(self.B.shape[-2]), int(self.A.shape[-1])

    @property
    def update(self) -> Matrix:
        """B A."""
        return self.B @ self.A

    def update_in(self, ctx: Arithmetic) -> Matrix:
        """B A, of factors that are matrices of ``ctx``: zero for rank 0, fast for large ones."""
        return product(self.B, self.A, ctx=ctx)


@dataclass(frozen=True)
class Broken:
    """An assumption that the instance breaks, in words, and the formula that no longer applies."""

    assumption: str
    consequence: str


def zero_adapter(rows: int, columns: int, ctx: Arithmetic) -> Adapter:
    """The adapter of rank 0 for a weight of shape (rows, columns).

    >>> from lora_proofs.arithmetic import EXACT
    >>> zero_adapter(2, 3, EXACT).shape
    (2, 3)
    """
    return Adapter(ctx.zeros(rows, 0), ctx.zeros(0, columns))


def adapted(W: Matrix, adapter: Adapter, ctx: Arithmetic | None = None) -> Matrix:
    """W + B A, of W and factors in one arithmetic; W itself for rank 0; fast where it is named.

    >>> from lora_proofs.arithmetic import EXACT
    >>> W = EXACT.identity(2)
    >>> adapted(W, Adapter(EXACT.matrix([[1], [0]]), EXACT.matrix([[0, 5]]))).tolist()
    [[1, 5], [0, 1]]
    """
    if tuple(W.shape[-2:]) != adapter.shape:
        raise ShapeMismatch(f"adapter: expected an update of shape {W.shape}, got {adapter.shape}")
    if adapter.rank == 0:
        return W
    return W + (adapter.update if ctx is None else adapter.update_in(ctx))


def checked_ranks(ranks: Sequence[int], frozen: Sequence[Matrix]) -> tuple[int, ...]:
    """One rank per layer, whole numbers between 0 and the smaller side; ``BadInput`` elsewhere.

    >>> from lora_proofs.arithmetic import EXACT
    >>> checked_ranks([0, 2], [EXACT.identity(2)] * 2)
    (0, 2)
    """
    if len(ranks) != len(frozen):
        raise BadInput(f"ranks: expected one for each of {len(frozen)} layers, got {len(ranks)}")
    for layer, (r, W) in enumerate(zip(ranks, frozen, strict=True), 1):
        if isinstance(r, bool) or not isinstance(r, int) or not 0 <= r <= min(W.shape):
            raise BadInput(
                f"ranks: expected a whole number between 0 and {min(W.shape)} for layer {layer}, "
                f"got {r!r}"
            )
    return tuple(ranks)


def largest_norm(adapters: Sequence[Adapter], ctx: Arithmetic) -> Scalar:
    """The largest Frobenius norm among the updates, in floats: an exploding adapter shows here.

    >>> from lora_proofs.arithmetic import EXACT
    >>> largest_norm([Adapter(EXACT.matrix([[3]]), EXACT.matrix([[2]]))], EXACT)
    6.0
    """
    return max((_norm(x.update_in(ctx)) for x in adapters), default=0.0)


def _norm(X: Any) -> float:
    from lora_proofs.arithmetic.comparison import size

    total = size((X * X).sum()) if X.size else 0.0
    return float(total**0.5)
