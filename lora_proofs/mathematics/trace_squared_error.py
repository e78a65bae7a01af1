"""How far the LoRA update of 1/2 (tr W)^2 is from that of full fine-tuning, and a loss beside it.

The full-parameter update is -(w0/n) I with w0 = tr W0. From B0 = 0 the LoRA update is
-(w0/S) A0'A0 with S = ||A0||_F^2. R is the distance of the two, divided by the size of the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lora_proofs.arithmetic.context import Arithmetic, Matrix, Scalar, squared_norm, trace
from lora_proofs.errors import BadInput, ShapeMismatch


def full_update(W0: Matrix, ctx: Arithmetic) -> Matrix:
    """The update -(w0/n) I that the full-parameter flow of 1/2 (tr W)^2 ends in.

    W0 is n x n. Rushka & Klabjan, reconstructed.

    >>> from lora_proofs.arithmetic import EXACT
    >>> full_update(EXACT.matrix([[1, 5], [0, 2]]), EXACT)
    array([[-3/2, 0],
           [0, -3/2]], dtype=object)
    """
    n = W0.shape[-1]
    if W0.shape[-2] != n:
        raise ShapeMismatch(f"expected a square W0, got shape {W0.shape[-2:]}")
    return -(trace(W0) / ctx.number(n)) * ctx.identity(n)


def update_from_zero_b(W0: Matrix, A0: Matrix) -> Matrix:
    """The update -(w0/S) A0'A0 that the LoRA flow of 1/2 (tr W)^2 from B0 = 0 ends in.

    W0 is n x n, A0 r x n and not 0; raises ``BadInput`` for A0 = 0. Rushka & Klabjan,
    reconstructed.

    >>> from lora_proofs.arithmetic import EXACT
    >>> update_from_zero_b(EXACT.matrix([[1, 5], [0, 2]]), EXACT.matrix([[3, 0]]))
    array([[-3, 0],
           [0, 0]], dtype=object)
    """
    S = squared_norm(A0)
    if S == 0:
        raise BadInput("A0: expected a matrix that is not 0; from A0 = B0 = 0 nothing moves")
    return -(trace(W0) / S) * (A0.mT @ A0)


def effective_rank(A0: Matrix) -> Scalar:
    """(tr M)^2 / tr M^2 for M = A0'A0, between 1 and rank A0; raises ``BadInput`` for A0 = 0.

    A0 is r x n.

    >>> from lora_proofs.arithmetic import EXACT
    >>> effective_rank(EXACT.matrix([[1, 0, 0], [0, "1/2", 0]]))
    25/17
    """
    gram = A0 @ A0.mT
    if squared_norm(gram) == 0:
        raise BadInput("A0: expected a matrix that is not 0; its effective rank is 0/0")
    return trace(gram) ** 2 / squared_norm(gram)


def relative_error_squared(W0: Matrix, dW: Matrix, ctx: Arithmetic) -> Scalar:
    """R^2 = ||dW + (w0/n) I||_F^2 / (w0^2/n); raises ``BadInput`` where w0 is 0.

    W0 and dW are n x n; exact data give an exact square.

    >>> from lora_proofs.arithmetic import EXACT
    >>> W0, A0 = EXACT.matrix([[1, 5], [0, 2]]), EXACT.matrix([[3, 0]])
    >>> relative_error_squared(W0, update_from_zero_b(W0, A0), EXACT)
    1
    """
    full = full_update(W0, ctx)
    if squared_norm(full) == 0:
        raise BadInput("W0: expected a trace that is not 0; the full-parameter update vanishes")
    return squared_norm(dW - full) / squared_norm(full)


def relative_error(W0: Matrix, dW: Matrix, ctx: Arithmetic) -> Scalar:
    """R, the root of ``relative_error_squared``.

    >>> from lora_proofs.arithmetic import EXACT
    >>> W0 = EXACT.matrix([[1, 5], [0, 2]])
    >>> relative_error(W0, 0 * W0, EXACT)
    1
    """
    return ctx.sqrt(relative_error_squared(W0, dW, ctx))


def orthogonal_rows_error(n: int, r: int, ctx: Arithmetic) -> Scalar:
    """R = sqrt(n/r - 1) for A0 with orthogonal rows of one length, r <= n, and B0 = 0.

    Raises ``BadInput`` for r > n. Rushka & Klabjan, summary; the constant is reconstructed.

    >>> from lora_proofs.arithmetic import EXACT
    >>> orthogonal_rows_error(20, 4, EXACT), orthogonal_rows_error(4, 4, EXACT)
    (2, 0)
    """
    if not 1 <= r <= n:
        raise BadInput(f"expected 1 <= r <= n, got n={n}, r={r}")
    return ctx.sqrt(ctx.number(n) / ctx.number(r) - 1)


@dataclass(frozen=True, eq=False)
class LinearFunctionalPoint:
    """A point of the LoRA flow of 1/2 <C, W>^2 from B0 = 0: A, B, and <C, W>."""

    A: Matrix
    B: Matrix
    value: Scalar


def linear_functional_curve(
    W0: Matrix,
    A0: Matrix,
    U: Matrix,
    s: tuple[Any, ...],
    V: Matrix,
    growth: tuple[Scalar, ...],
    ctx: Arithmetic,
) -> LinearFunctionalPoint:
    """The point with e^{tau s_i} = ``growth[i]`` of the flow of 1/2 <C, W>^2 from B0 = 0.

    C = U diag(s) V' with U (n x k) and V (m x k) of orthonormal columns, W0 n x m, A0 r x m. Then
    A = A0 + A0 V (cosh(tau s) - I) V' and B = -U sinh(tau s) V'A0'. Ours.

    >>> from lora_proofs.arithmetic import EXACT
    >>> I = EXACT.identity(1)
    >>> end = linear_functional_curve(EXACT.matrix([[3]]), I, I, (1,), I, (2,), EXACT)
    >>> end.A[0, 0], end.B[0, 0], end.value
    (5/4, -3/4, 33/16)
    """
    one, half = ctx.number(1), ctx.number("1/2")
    y = [ctx.number(g) for g in growth]
    cosh = _diagonal([half * (g + one / g) - one for g in y], ctx)
    sinh = _diagonal([half * (g - one / g) for g in y], ctx)
    A = A0 + A0 @ V @ cosh @ V.mT
    B = -(U @ sinh @ V.mT @ A0.mT)
    C = U @ _diagonal([ctx.number(x) for x in s], ctx) @ V.mT
    return LinearFunctionalPoint(A, B, trace(C.mT @ (W0 + B @ A)))


def _diagonal(values: list[Scalar], ctx: Arithmetic) -> Matrix:
    out = ctx.zeros(len(values), len(values))
    for i, value in enumerate(values):
        out[i, i] = value
    return out
