"""Gradient flows and gradient steps, for full-parameter and for low-rank training.

With W = W0 + s B A and G = grad f(W): W' = -G for full-parameter training, and
A' = -eta_A s B'G, B' = -eta_B s G A' for the factors. W0 is n x m, B n x r, A r x m, in any
arithmetic; in the array arithmetic leading axes are a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lora_proofs.arithmetic.context import Arithmetic, Matrix
from lora_proofs.errors import BadInput, ShapeMismatch
from lora_proofs.mathematics.closed_forms import (
    ClosedForm,
    TraceSquaredLimit,
    frobenius_full,
    frobenius_scalar_closed_form,
    trace_squared_closed_form,
    trace_squared_final_loss,
    trace_squared_full,
    trace_squared_limit,
)
from lora_proofs.mathematics.flow_equations import equations, sequential_difference
from lora_proofs.mathematics.losses import Loss

__all__ = [
    "METHODS",
    "ClosedForm",
    "TraceSquaredLimit",
    "a_first_step",
    "adapted",
    "b_first_step",
    "equations",
    "frobenius_full",
    "frobenius_scalar_closed_form",
    "full_step",
    "full_vector_field",
    "iterate",
    "lora_vector_field",
    "sequential_difference",
    "simultaneous_step",
    "trace_squared_closed_form",
    "trace_squared_final_loss",
    "trace_squared_full",
    "trace_squared_limit",
]

Factors = tuple[Matrix, Matrix]


def adapted(W0: Matrix, A: Matrix, B: Matrix, ctx: Arithmetic, *, scale: Any = 1) -> Matrix:
    """W = W0 + s B A; raises ``ShapeMismatch`` where the factors do not fit W0.

    >>> from lora_proofs.arithmetic import EXACT
    >>> M = EXACT.matrix
    >>> adapted(M([[1, 0]]), M([[2, 3]]), M([[1]]), EXACT, scale="1/2")
    array([[2, 3/2]], dtype=object)
    """
    (n, m), (r, columns), (rows, inner) = W0.shape[-2:], A.shape[-2:], B.shape[-2:]
    if (rows, columns) != (n, m) or inner != r:
        raise ShapeMismatch(
            f"expected A of shape (r, {m}) and B of shape ({n}, r) for W0 of shape {(n, m)}, "
            f"got A {(r, columns)} and B {(rows, inner)}"
        )
    return W0 + _scaled(scale, B @ A, ctx)


def _scaled(factor: Any, X: Matrix, ctx: Arithmetic) -> Matrix:
    return X if isinstance(factor, int) and factor == 1 else ctx.number(factor) * X


def full_vector_field(loss: Loss, W: Matrix, ctx: Arithmetic) -> Matrix:
    """W' = -G of full-parameter training.

    >>> from lora_proofs.arithmetic import EXACT
    >>> from lora_proofs.mathematics.losses import frobenius
    >>> full_vector_field(frobenius([[3]]), EXACT.matrix([[1]]), EXACT)
    array([[2]], dtype=object)
    """
    return -loss.gradient(W, ctx)


def lora_vector_field(
    loss: Loss,
    W0: Matrix,
    A: Matrix,
    B: Matrix,
    ctx: Arithmetic,
    *,
    scale: Any = 1,
    eta_A: Any = 1,
    eta_B: Any = 1,
) -> Factors:
    """(A', B') = (-eta_A s B'G, -eta_B s G A') at W = W0 + s B A.

    >>> from lora_proofs.arithmetic import EXACT
    >>> from lora_proofs.mathematics.losses import frobenius
    >>> M = EXACT.matrix
    >>> lora_vector_field(frobenius([[3]]), M([[0]]), M([[1]]), M([[2]]), EXACT)
    (array([[2]], dtype=object), array([[1]], dtype=object))
    """
    G = loss.gradient(adapted(W0, A, B, ctx, scale=scale), ctx)
    rate_A = _scaled(eta_A, _scaled(scale, B.mT @ G, ctx), ctx)
    rate_B = _scaled(eta_B, _scaled(scale, G @ A.mT, ctx), ctx)
    return -rate_A, -rate_B


def full_step(loss: Loss, W: Matrix, h: Any, ctx: Arithmetic) -> Matrix:
    """One gradient step W - h G of full-parameter training.

    >>> from lora_proofs.arithmetic import EXACT
    >>> from lora_proofs.mathematics.losses import frobenius
    >>> full_step(frobenius([[3]]), EXACT.matrix([[1]]), "1/4", EXACT)
    array([[3/2]], dtype=object)
    """
    return W + ctx.number(h) * full_vector_field(loss, W, ctx)


def simultaneous_step(
    loss: Loss, W0: Matrix, A: Matrix, B: Matrix, h: Any, ctx: Arithmetic, **rates: Any
) -> Factors:
    """One gradient step of size h that moves both factors at once.

    ``rates`` are ``scale``, ``eta_A`` and ``eta_B``, as in ``lora_vector_field``.

    >>> from lora_proofs.arithmetic import EXACT
    >>> from lora_proofs.mathematics.losses import frobenius
    >>> M = EXACT.matrix
    >>> simultaneous_step(frobenius([[3]]), M([[0]]), M([[1]]), M([[2]]), "1/2", EXACT)
    (array([[2]], dtype=object), array([[5/2]], dtype=object))
    """
    dA, dB = lora_vector_field(loss, W0, A, B, ctx, **rates)
    return A + ctx.number(h) * dA, B + ctx.number(h) * dB


def a_first_step(
    loss: Loss, W0: Matrix, A: Matrix, B: Matrix, h: Any, ctx: Arithmetic, **rates: Any
) -> Factors:
    """One gradient step of size h that moves A first, then B with the gradient at the new A.

    >>> from lora_proofs.arithmetic import EXACT
    >>> from lora_proofs.mathematics.losses import frobenius
    >>> M = EXACT.matrix
    >>> a_first_step(frobenius([[3]]), M([[0]]), M([[1]]), M([[2]]), "1/2", EXACT)
    (array([[2]], dtype=object), array([[1]], dtype=object))
    """
    A = A + ctx.number(h) * lora_vector_field(loss, W0, A, B, ctx, **rates)[0]
    return A, B + ctx.number(h) * lora_vector_field(loss, W0, A, B, ctx, **rates)[1]


def b_first_step(
    loss: Loss, W0: Matrix, A: Matrix, B: Matrix, h: Any, ctx: Arithmetic, **rates: Any
) -> Factors:
    """One gradient step of size h that moves B first, then A with the gradient at the new B.

    >>> from lora_proofs.arithmetic import EXACT
    >>> from lora_proofs.mathematics.losses import frobenius
    >>> M = EXACT.matrix
    >>> b_first_step(frobenius([[3]]), M([[0]]), M([[1]]), M([[2]]), "1/2", EXACT)
    (array([[13/8]], dtype=object), array([[5/2]], dtype=object))
    """
    B = B + ctx.number(h) * lora_vector_field(loss, W0, A, B, ctx, **rates)[1]
    return A + ctx.number(h) * lora_vector_field(loss, W0, A, B, ctx, **rates)[0], B


METHODS: dict[str, Callable[..., Factors]] = {
    "simultaneous": simultaneous_step,
    "A-first": a_first_step,
    "B-first": b_first_step,
}


def iterate(
    method: str,
    steps: int,
    loss: Loss,
    W0: Matrix,
    A: Matrix,
    B: Matrix,
    h: Any,
    ctx: Arithmetic,
    **rates: Any,
) -> Iterator[Factors]:
    """The iterates (A_0, B_0), ..., (A_steps, B_steps) of gradient descent, one after another.

    ``method`` is ``simultaneous``, ``A-first`` or ``B-first``; raises ``BadInput`` otherwise.

    >>> from lora_proofs.arithmetic import EXACT
    >>> from lora_proofs.mathematics.losses import frobenius
    >>> M = EXACT.matrix
    >>> for A, B in iterate("A-first", 2, frobenius([[1]]), M([[0]]), M([[1]]), M([[0]]), 1, EXACT):
    ...     print(A[0, 0], B[0, 0])
    1 0
    1 1
    1 1
    """
    if method not in METHODS:
        raise BadInput(f"method: expected one of {', '.join(METHODS)}, got {method!r}")
    if steps < 0:
        raise BadInput(f"steps: expected a number of steps that is 0 or more, got {steps!r}")
    with ctx.working():
        step_size = ctx.number(h)
    return _iterates(METHODS[method], steps, loss, W0, (A, B), step_size, ctx, rates)


def _iterates(
    step: Callable[..., Factors],
    steps: int,
    loss: Loss,
    W0: Matrix,
    factors: Factors,
    h: Any,
    ctx: Arithmetic,
    rates: dict[str, Any],
) -> Iterator[Factors]:
    yield factors
    for _ in range(steps):
        with ctx.working():
            factors = step(loss, W0, *factors, h, ctx, **rates)
        yield factors
