"""f(W) = 1/4 ||W - Y||_F^4: bounded below, its gradient Lipschitz on bounded sets only."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic.context import Arithmetic, Matrix, Scalar, inner, scaled, squared_norm
from lora_proofs.mathematics import words
from lora_proofs.mathematics.words import Symbol, Word


@dataclass(frozen=True)
class Quartic:
    """f(W) = 1/4 ||W - Y||_F^4, with the target Y (n x m) as exact rows.

    >>> from lora_proofs.arithmetic import EXACT
    >>> Quartic(((1,),)).gradient(EXACT.matrix([[3]]), EXACT)
    array([[8]], dtype=object)
    """

    Y: Any
    name = "quartic"
    convex = True

    def _residual(self, W: Matrix, ctx: Arithmetic) -> Matrix:
        return W - ctx.matrix(self.Y)

    def value(self, W: Matrix, ctx: Arithmetic) -> Scalar:
        """1/4 ||W - Y||_F^4."""
        return ctx.number(Fraction(1, 4)) * squared_norm(self._residual(W, ctx)) ** 2

    def gradient(self, W: Matrix, ctx: Arithmetic) -> Matrix:
        """||W - Y||_F^2 (W - Y)."""
        X = self._residual(W, ctx)
        return scaled(squared_norm(X), X)

    def hessian(self, W: Matrix, X: Matrix, ctx: Arithmetic) -> Matrix:
        """||W - Y||_F^2 X + 2 <W - Y, X> (W - Y)."""
        Z = self._residual(W, ctx)
        return scaled(squared_norm(Z), X) + scaled(2 * inner(Z, X), Z)

    def lipschitz(self, n: int, m: int) -> int | None:
        """None is global."""
        return None

    def value_word(self, W: Word) -> Word:
        """The value as an expression in W and the symbol Y."""
        (Y,) = self.symbols(W)
        return Fraction(1, 4) * words.squared_norm(W - Y) ** 2

    def symbols(self, W: Word) -> dict[Any, Any]:
        """The target."""
        assert W.shape is not None
        return {Symbol("Y", *W.shape): self.Y}
