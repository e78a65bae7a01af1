"""For orthogonal rows of one length the relative error is sqrt(n/r - 1): 0 at r = n.

A0 A0' = c I makes tr M = c r and tr(M^2) = c^2 r for M = A0'A0, so the effective rank is r.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    Comparison,
    below,
    equal,
    squared_norm,
    trace,
)
from lora_proofs.claims.rushka_klabjan.trace_squared.relative_error import (
    A0,
    ERROR,
    FULL_SIZE,
    M,
    S,
    distance,
    interpret,
    k,
    library,
    n,
    phi,
    r,
    start,
)
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics import words
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.words import Identity, Relation, Scalar, Trace, word
from lora_proofs.strategies.draw import Draw, fraction
from lora_proofs.strategies.matrices import orthonormal_rows
from lora_proofs.symbolic.steps import Step, assumed, identity

LENGTH = Scalar("c")
ROWS = (
    Relation(Trace(M @ M), "=", LENGTH**2 * r),
    Relation(S, "=", LENGTH * r),
    Relation(k * LENGTH * r, "=", n * phi),
)
OF_ROWS, ORTHOGONAL = "r ||dW - F||^2", "||A0 A0' - c I||^2"
CONCLUSION = (
    Relation(words.squared_norm(A0 @ A0.T - LENGTH * Identity("r")), "=", word(0), ORTHOGONAL),
    Relation(r * ERROR, "=", (n - r) * FULL_SIZE, OF_ROWS),
)


def derive() -> Iterator[Step]:
    """tr M = c r and tr(M^2) = c^2 r."""
    squares, sizes, update = (assumed("orthogonal_rows", x, "by assumption") for x in ROWS)
    yield from (squares, sizes, update)
    rows, error = CONCLUSION
    why = "expand the square"
    yield identity(rows.left, rows.right, why, given=(squares, sizes), label=ORTHOGONAL)
    given = (squares, sizes, update)
    yield identity(error.left, error.right, why, given=given, label=OF_ROWS)


def draw(source: Draw, regime: str) -> Instance:
    """A0 with orthogonal rows of one length; c stands for the squared length."""
    order = source.integer(1, 5)
    rank = {"r = 1": 1, "r = n": order}.get(regime, source.integer(1, order))
    scale = {"tiny": Fraction(1, 2**30), "huge": Fraction(2**30)}.get(regime)
    scale = scale or abs(fraction(source)) or Fraction(1)
    Q = orthonormal_rows(source, rank, order, dyadic=regime == "coordinates")
    W0 = [[fraction(source) for _ in range(order)] for _ in range(order)]
    if regime == "zero trace":
        W0[0][0] -= sum(W0[i][i] for i in range(order))
    return start(W0, EXACT.number(scale) * Q, c=scale**2).replace(regimes=(regime,))


INSTANCES = Instances(
    draw, ("generic", "r = 1", "r = n", "coordinates", "zero trace", "tiny", "huge")
)


def rows_hold(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A0 A0' = c I with c > 0, and both updates bring the trace to 0."""
    v, rank = instance.lift(ctx), len(instance.A0)
    gram = v.A0 @ v.A0.mT
    yield below("0 < c", 0, v.c)
    yield equal("tr M against c r", trace(gram), v.c * rank)
    yield equal("tr(M^2) against c^2 r", squared_norm(gram), v.c**2 * rank)
    yield equal("k c r against tr W0", v.k * v.c * rank, trace(v.W0))
    yield equal("n phi against tr W0", ctx.number(len(instance.W0)) * v.phi, trace(v.W0))


orthogonal_rows = Assumption(
    "orthogonal_rows",
    r"$\mathrm{tr} M = c r$ and $\mathrm{tr}(M^2) = c^2 r$ with $c > 0$, which says $A_0 A_0^\top "
    r"= c I_r$ (so $r \le n$); the updates are $-k A_0^\top A_0$ "
    r"with $k c r = w_0$ and $-\varphi I$ with $n\varphi = w_0$",
    rows_hold,
    relations=ROWS,
)


def with_length(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """With the squared length of the rows."""
    return {**interpret(instance, ctx), LENGTH: instance.lift(ctx).c}


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The distance itself."""
    v, rank = instance.lift(ctx), len(instance.A0)
    off = v.A0 @ v.A0.mT - v.c * ctx.identity(rank)
    yield equal(ORTHOGONAL, squared_norm(off), ctx.number(0))
    error, size, *_ = distance(instance, ctx)
    n_, r_ = ctx.number(len(instance.W0)), ctx.number(len(instance.A0))
    yield equal(OF_ROWS, r_ * error, (n_ - r_) * size)
    yield from library(instance)


def off_by_one(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """R^2 = n/r."""
    error, size, *_ = distance(instance, ctx)
    yield equal("R^2 = n/r", len(instance.A0) * error, len(instance.W0) * size)


def inverse_root(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """R^2 = 1/r, without the dimension."""
    error, size, *_ = distance(instance, ctx)
    yield equal("R^2 = 1/r", len(instance.A0) * error, size)


UNEQUAL = start(
    [[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[2, 0, 0], [0, 1, 0]], c="5/2"
)  # fmt: skip
EYE = (start([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[1, 0, 0]], c=1),)

claim = Claim(
    name="rushka-klabjan/trace-squared-error-orthogonal-rows",
    title="The relative error for orthogonal rows: sqrt(n/r - 1)",
    source=Source("rushka-klabjan", "", "reconstructed", "summary"),
    statement=(
        r"If $A_0 A_0^\top = c I_r$ with $c > 0$ and $B_0 = 0$, the updates of the LoRA and the "
        r"full-parameter flow of $\tfrac12(\mathrm{tr} W)^2$, $\Delta W$ and $F$, satisfy "
        r"$\|\Delta W - F\|_F^2 = (n/r - 1)\|F\|_F^2$. For $w_0 \ne 0$ the relative error is "
        r"$\sqrt{n/r - 1} \le \sqrt n\, r^{-1/2}$, and it is 0 at $r = n$."
    ),
    assumptions=(orthogonal_rows,),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=with_length,
    controls=(
        Control(orthogonal_rows, (UNEQUAL,), "orthogonal rows of lengths 2 and 1"),
        Control(None, EYE, "n/r in place of n/r - 1", off_by_one),
        Control(None, EYE, "1/r, without the dimension", inverse_root),
    ),
    note="The bound O(r^{-1/2}) of the summary holds with the constant sqrt(n), for this start.",
)
