"""Losses that break one hypothesis each: the material of negative controls."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic.context import Arithmetic, Matrix, Scalar, squared_norm
from lora_proofs.errors import Unavailable


@dataclass(frozen=True)
class ConcaveSquare:
    """f(W) = -1/2 ||W||_F^2: its gradient is 1-Lipschitz, and its LoRA flow blows up.

    >>> from lora_proofs.arithmetic import EXACT
    >>> ConcaveSquare().gradient(EXACT.matrix([[3]]), EXACT)
    array([[-3]], dtype=object)
    """

    name: str = "concave-square"

    def value(self, W: Matrix, ctx: Arithmetic) -> Scalar:
        """-1/2 ||W||_F^2."""
        return -ctx.number(Fraction(1, 2)) * squared_norm(W)

    def gradient(self, W: Matrix, ctx: Arithmetic) -> Matrix:
        """-W."""
        return -W

    def hessian(self, W: Matrix, X: Matrix, ctx: Arithmetic) -> Matrix:
        """-X."""
        return -X

    def lipschitz(self, n: int, m: int) -> int:
        """1."""
        return 1


@dataclass(frozen=True)
class HoelderKink:
    """f(W) = 1/2 ||W - Y||_F^2 - 2/3 |W_12 - W_21|^{3/2} on 2 x 2 matrices.

    Its gradient is continuous and Hoelder-1/2, but not Lipschitz where W_12 = W_21.

    >>> from lora_proofs.arithmetic import EXACT
    >>> loss = HoelderKink(EXACT.zeros(2, 2))
    >>> loss.gradient(EXACT.matrix([[0, "1/4"], [0, 0]]), EXACT)
    array([[0, -1/4],
           [1/2, 0]], dtype=object)
    """

    Y: Any
    name: str = "hoelder-kink"

    def gradient(self, W: Matrix, ctx: Arithmetic) -> Matrix:
        """W - Y - sgn(d) |d|^{1/2} (E_12 - E_21) with d = W_12 - W_21."""
        gap = W[0, 1] - W[1, 0]
        if not (gap >= 0 or gap <= 0):
            raise Unavailable("the sign of W_12 - W_21", ctx.name, "raise the precision")
        root = ctx.sqrt(gap) if gap >= 0 else -ctx.sqrt(-gap)
        kink = ctx.zeros(2, 2)
        kink[0, 1], kink[1, 0] = root, -root
        return W - self.Y - kink

    def lipschitz(self, n: int, m: int) -> None:
        """None exists."""
        return None
