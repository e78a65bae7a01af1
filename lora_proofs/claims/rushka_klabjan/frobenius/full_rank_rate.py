"""With r >= m, B0 = 0 and A0 of rank m the Frobenius loss falls like e^{-2 sigma_m(A0)^2 t}.

No alignment of A0 with E = Y - W0 is asked for, and none of the singular values of E matters: A
never loses what it starts with, because AA' = A0 A0' + B'B.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, at_most, below, equal
from lora_proofs.arithmetic.leaning import remembered
from lora_proofs.claims.rushka_klabjan.frobenius import full_rank_proof as proof
from lora_proofs.errors import Unavailable
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.mathematics.matrices import squared_singular_values
from lora_proofs.mathematics.notation import W0, A, B, Y
from lora_proofs.solving.flow_field import lora_field
from lora_proofs.strategies.draw import Draw, ratio
from lora_proofs.strategies.matrices import full_rank_matrix, matrix, rank_matrix

SHAPES = {
    "r = m": (2, 2, 2),
    "r > m": (2, 1, 2),
    "n < m": (1, 2, 2),
    "n > m": (2, 1, 1),
    "rank-deficient residual": (2, 2, 2),
    "one by one": (1, 1, 1),
}


def half(source: Draw) -> Fraction:
    """A multiple of 1/2 of absolute value at most 1: enclosed flows stay cheap."""
    return ratio(source, -2, 2, 2)


def draw(source: Draw, regime: str) -> Instance:
    """A problem with r >= m, B0 = 0, A0 of rank m, and a short time."""
    n, m, r = SHAPES[regime]
    residual = matrix(source, n, m, entry=half)
    if regime == "rank-deficient residual":
        residual = rank_matrix(source, n, m, 1, entry=half)
    start = matrix(source, n, m, entry=half)
    return Instance(
        regimes=(regime,),
        loss="frobenius",
        W0=start,
        Y=start + residual,
        A0=full_rank_matrix(source, r, m, entry=half),
        B0=EXACT.zeros(n, r),
        t=ratio(source, 1, 4, 64),
    )


INSTANCES = Instances(draw, tuple(SHAPES))


def b_is_zero(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """B0 = 0."""
    B0 = EXACT.matrix(instance.B0)
    yield equal("B0 against 0", B0, 0 * B0)


def columns_independent(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """rank A0 = m, which needs r >= m."""
    A0 = EXACT.matrix(instance.A0)
    yield at_least("rank of A0 against m", EXACT.rank(A0), A0.shape[1])


def named(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The singular values are those that are meant: not negative."""
    least = squared_singular_values(instance.A0, ctx)[-1][0]
    yield at_least("sigma_m(A0)^2 against 0", least, 0)


zero_b = Assumption(proof.ZERO_B, r"$B_0 = 0$", b_is_zero, relations=(proof.NO_START,))
full_rank = Assumption(
    proof.FULL_RANK, r"$\mathrm{rank}\, A_0 = m$, so $r \ge m$", columns_independent
)
names = Assumption(
    proof.NAMES,
    r"$A, B$ are the flow at time $t$ from $A_0, B_0$, which exists for all times; "
    r"$\sigma_m(A_0), \sigma_m(A)$ are the singular values of index $m$, which are not negative",
    named,
    technical="it names the flow and two numbers",
    relations=proof.NONNEGATIVE,
)


@remembered(8)
def enclosed(instance: Instance) -> Any:
    """The flow in balls that surely hold, narrow enough to stand for its values."""
    x = instance
    return lora_field(frobenius(x.Y), x.W0, x.A0, x.B0).enclosure(x.t, digits=27)


def smallest(instance: Instance, ctx: Arithmetic) -> Any:
    """sigma_m(A0)^2; 0 where A0 has fewer rows than columns."""
    if len(instance.A0) < len(instance.A0[0]):
        return ctx.number(0)
    return squared_singular_values(instance.A0, ctx)[-1][0]


def bound(instance: Instance, ctx: Arithmetic, square: Any) -> Any:
    """f(0) e^{-2 square t}."""
    x = instance.lift(ctx)
    start = frobenius(x.Y).value(x.W0 + x.B0 @ x.A0, ctx)
    return start * ctx.exp(-2 * square * x.t)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The enclosed flow at time t."""
    if ctx.name != "ball":
        raise Unavailable("the flow at time t", ctx.name)
    x, flow = instance.lift(ctx), enclosed(instance)
    square = smallest(instance, ctx)
    return {
        A: flow.A,
        B: flow.B,
        W0: x.W0,
        Y: x.Y,
        proof.A_START: x.A0,
        proof.B_START: x.B0,
        proof.S_START: ctx.sqrt(square),
        proof.S_LATER: ctx.singular_values(flow.A)[len(x.A0[0]) - 1],
        proof.DECAY: ctx.exp(-2 * square * x.t),
    }


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The enclosed loss against the bound."""
    square = smallest(instance, ctx)
    yield at_most(proof.BOUND, enclosed(instance).loss, bound(instance, ctx, square))


def twice(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Twice the rate."""
    square = 2 * smallest(instance, ctx)
    yield at_most("loss at time t", enclosed(instance).loss, bound(instance, ctx, square))


def largest(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The largest singular value in place of the smallest; also the smallest of the r < m rows."""
    square = squared_singular_values(instance.A0, ctx)[0][0]
    yield at_most("loss at time t", enclosed(instance).loss, bound(instance, ctx, square))


def strictly(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The bound claimed never to be attained."""
    for c in check(instance, ctx):
        yield below(c.label, c.left, c.right)


def example(A0: Any, B0: Any, Y: Any, t: Any) -> Instance:
    """A problem with W0 = 0."""
    zero = [[0] * len(Y[0])] * len(Y)
    return Instance(loss="frobenius", W0=zero, Y=Y, A0=A0, B0=B0, t=t)


claim = Claim(
    name="rushka-klabjan/frobenius-full-rank-rate",
    title="From B0 = 0 with r >= m the Frobenius loss falls exponentially",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"For $f = \tfrac12\|W - Y\|_F^2$, $r \ge m$, $B_0 = 0$ and $\mathrm{rank}\, A_0 = m$ the "
        r"LoRA gradient flow satisfies $f(W(t)) \le f(W_0)\, e^{-2\sigma_m(A_0)^2 t}$ for every "
        r"$t \ge 0$ and every $Y - W_0$, with no alignment."
    ),
    assumptions=(zero_b, full_rank, names),
    instances=INSTANCES,
    check=check,
    conclusion=proof.CONCLUSION,
    derive=proof.derive,
    interpret=interpret,
    controls=(
        Control(
            zero_b,
            (example([[1]], [[-1]], [[2]], 2),),
            "B0 = -A0': the flow tends to the saddle at 0",
        ),
        Control(
            full_rank,
            (example([[1, 0]], [[0], [0]], [[1, 0], [0, 1]], 2),),
            "r < m, with the singular value of index r in place of the one of index m",
            largest,
        ),
        Control(
            None,
            (example([[1]], [[0]], [["1/16"]], 1),),
            "twice the rate",
            twice,
        ),
        Control(
            None,
            (example([[1, 0], [0, "1/8"]], [[0, 0]], [[0, 1]], 1),),
            "the largest singular value of A0 in place of the smallest",
            largest,
        ),
        Control(
            None,
            (example([[1]], [[0]], [[1]], 0),),
            "a bound that is never attained: at the start",
            strictly,
        ),
    ),
    arithmetics=("ball",),
    note=(
        "The same argument gives f - f* the factor e^{-2 mu sigma_m(A0)^2 t} for every loss with "
        "||grad f||^2 >= 2 mu (f - f*); here mu = 1 and f* = 0."
    ),
)
