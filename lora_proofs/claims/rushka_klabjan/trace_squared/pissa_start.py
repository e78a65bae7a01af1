"""The PiSSA start of a positive semidefinite W0: the trace falls to that of the residual, not to 0.

The balanced pair of the r leading eigenvalues is taken out of W0 and trained, the residual F is
frozen. F is positive semidefinite and the pair is on the cone B = A', which the flow keeps, so
tr W = tr F + ||A||^2, and ||A||^2 falls at least like 1/(1 + 2 ||A0||^2 t).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    Comparison,
    at_most,
    equal,
    squared_norm,
    trace,
)
from lora_proofs.claims.rushka_klabjan.trace_squared import kept_cone as cone
from lora_proofs.claims.rushka_klabjan.trace_squared.balanced_start import SPECTRA
from lora_proofs.claims.rushka_klabjan.trace_squared.spectral_start import diagonal
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.language.lemmas import comparison as lemma
from lora_proofs.mathematics.flows import trace_squared_final_loss
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.words import Relation, Scalar, Symbol, Trace, word
from lora_proofs.strategies.draw import Draw, ratio
from lora_proofs.strategies.matrices import orthogonal_matrix
from lora_proofs.strategies.spectra import spectrum
from lora_proofs.symbolic.steps import Step, assumed, cited, identity, inequality

W0, t = Symbol("W0", "n", "n", latex="W_0"), Scalar("t", nonnegative=True)
TAIL, TOTAL = "trace of the residual", "trace of W at the start"
UPPER = "(tr W - tr F)(1 + 2 ||A0||^2 t) against ||A0||^2"
RESIDUAL = Relation(cone.F, "=", W0 - cone.B0 @ cone.A0)
LEFT_OVER = Relation(Trace(cone.F), "=", Trace(W0) - cone.START_SIZE, TAIL)
FALLS = Relation(
    (cone.T - Trace(cone.F)) * (1 + 2 * cone.START_SIZE * t), "<=", cone.START_SIZE, UPPER
)


def derive() -> Iterator[Step]:
    """The cone is kept; ||A||^2 falls at least like the solution of a' = -2 a^2."""
    found = cone.proof()
    yield from found.steps
    rate = inequality(
        cone.SIZE_RATE,
        -(2 * cone.SIZE**2),
        "tr F is not negative",
        rule="combine",
        uses=(found.floor, found.product),
    )
    sign = cone.nonnegative_size()
    constant = inequality(word(0), word(2), "a number", rule="sum of squares", squares=((2, 1),))
    yield from (rate, sign, constant)
    size = cited(
        lemma.ALGEBRAIC_DECAY,
        "for ||A||^2",
        substitution={
            lemma.RATE: cone.SIZE_RATE,
            lemma.VALUE: cone.SIZE,
            lemma.START: cone.START_SIZE,
            lemma.CONSTANT: 2,
            lemma.TIME: t,
        },
        discharged_by={"rate": rate, "sign": sign, "constant": constant, "solution": "flow"},
    )
    yield size
    residual = assumed("pissa", RESIDUAL, "what is left of W0")
    yield residual
    yield identity(
        LEFT_OVER.left,
        LEFT_OVER.right,
        "tr(B0 A0) = ||A0||^2",
        given=(residual, *found.steps[:2]),
        label=TAIL,
    )
    yield cone.lower_bound(found)
    yield inequality(
        FALLS.left,
        FALLS.right,
        "tr W - tr F = ||A||^2",
        rule="combine",
        uses=(found.product, size),
        label=UPPER,
    )


REGIMES = ("distinct", "r = 1", "r = n", "n = 1", *SPECTRA, "axes", "tiny scale", "start")


def draw(source: Draw, regime: str) -> Instance:
    """W0 = V S V' with squares of rationals for eigenvalues, and a point of the orbit."""
    n = 1 if regime == "n = 1" else source.integer(2, 4)
    r = {"r = 1": 1, "r = n": n}.get(regime, source.integer(1, n))
    scale = Fraction(2) ** {"tiny scale": -10}.get(regime, 0)
    roots = [scale * d for d in spectrum(source, n, SPECTRA.get(regime, "distinct"))]
    roots[0] = roots[0] or Fraction(1)
    V = orthogonal_matrix(source, n, dyadic=regime == "axes")
    y = Fraction(1) if regime == "start" else 1 + ratio(source, 1, 24, 4)
    return pissa_instance(roots, r, V, y).replace(regimes=(regime,))


def pissa_instance(roots: Any, r: int, V: Any, y: Fraction) -> Instance:
    """The PiSSA start of rank r for W0 = V diag(roots^2) V'."""
    D, V_r = diagonal(roots[:r]), V[:, :r]
    rest = diagonal([EXACT.number(0)] * r + list(roots[r:])) @ V.mT
    A0, B0 = D @ V_r.mT, V_r @ D
    W0_ = V @ diagonal([d * d for d in roots]) @ V.mT
    return Instance(W0=W0_, F=W0_ - B0 @ A0, C=rest, V=V_r, D=D, A0=A0, B0=B0, y=y)


INSTANCES = Instances(draw, REGIMES)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The symbols at a point of the orbit."""
    x = instance.lift(ctx)
    return {**cone.values(instance, ctx), W0: x.W0, t: cone.time(instance, ctx)}


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The residual, the loss, and the trace at a point of the orbit."""
    x = instance.lift(EXACT)
    a = squared_norm(x.A0)
    yield equal(TAIL, trace(x.F), trace(x.W0) - a)
    yield from cone.never_below(instance, EXACT)
    A, B = cone.factors(instance, EXACT)
    fallen = ctx.number(trace(B @ A))
    left = fallen * (1 + ctx.number(2 * a) * cone.time(instance, ctx))
    yield at_most(UPPER, left, ctx.number(a))
    yield cone.on_time(instance)
    final = trace_squared_final_loss(instance.F, instance.A0, instance.B0)
    yield equal("measured: the final loss", final, trace(x.F) ** 2 / 2)


def is_positive(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """F = C'C."""
    yield from cone.is_positive(instance, EXACT)


def is_pissa(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """F = W0 - B0 A0."""
    x = instance.lift(EXACT)
    yield equal("F", x.F, x.W0 - x.B0 @ x.A0)


def is_later(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The time is not negative."""
    x = instance.lift(EXACT)
    yield at_most("1 against y", 1, x.y)


def nothing_left(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Zero loss claimed, judged by the level that is kept for good."""
    yield from cone.never_below(instance, EXACT)
    final = trace_squared_final_loss(instance.F, instance.A0, instance.B0)
    yield at_most("the loss that is kept for all time", final, 0)


def whole_weight(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """W0 kept as well, as from the balanced start: the loss stays at least w0^2/2."""
    x = instance.lift(EXACT)
    A, B = cone.factors(instance, EXACT)
    yield at_most("w0^2/2 against the loss", trace(x.W0) ** 2 / 2, trace(x.F + B @ A) ** 2 / 2)


def twice_as_fast(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The rate 4 ||A0||^2 in place of 2 ||A0||^2."""
    x = instance.lift(EXACT)
    A, B = cone.factors(instance, EXACT)
    a = squared_norm(x.A0)
    left = ctx.number(trace(B @ A)) * (1 + ctx.number(4 * a) * cone.time(instance, ctx))
    yield at_most("(tr W - tr F)(1 + 4 ||A0||^2 t)", left, ctx.number(a))


positive = Assumption(
    "positive",
    r"$W_0$ is positive semidefinite, so that the residual $F = C^\top C$ is",
    is_positive,
    relations=(cone.POSITIVE,),
)
balanced = Assumption(
    "balanced",
    r"$A_0 = D V_r^\top$ and $B_0 = V_r D^\top$, with $D = S_r^{1/2}$ and $W_0 = V S V^\top$",
    cone.is_balanced,
    relations=cone.BALANCED,
)
pissa = Assumption(
    "pissa",
    r"the residual $F = W_0 - B_0 A_0$ is frozen and $A$, $B$ are trained",
    is_pissa,
    relations=(RESIDUAL,),
)
later = Assumption(
    "later",
    r"$t \ge 0$",
    is_later,
    technical="the flow is followed forward in time",
    relations=(Relation(word(0), "<=", t),),
)
NEGATIVE = Instance(W0=[[-1]], F=[[-2]], V=[[1]], D=[[1]], A0=[[1]], B0=[[1]], y=1)
UNBALANCED = Instance(W0=[[1]], F=[[1]], C=[[1]], V=[[1]], D=[[1]], A0=[[1]], B0=[[0]], y="3/2")
KEPT_TWICE = Instance(W0=[[1]], F=[[1]], C=[[1]], V=[[1]], D=[[1]], A0=[[1]], B0=[[1]], y=1)
SMALL, LATE = (
    pissa_instance([Fraction(2), Fraction(1)], 1, EXACT.identity(2), y)
    for y in (Fraction(2), Fraction(64))
)
FULL = pissa_instance([Fraction(2), Fraction(1)], 2, EXACT.identity(2), Fraction(2))

claim = Claim(
    name="rushka-klabjan/trace-squared-pissa-start",
    title="The PiSSA start of a positive semidefinite weight ends at the tail of its trace",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Let $f = \tfrac12(\mathrm{tr} W)^2$ and let $W_0 = V S V^\top \ne 0$ be positive "
        r"semidefinite with eigenvalues $\lambda_1 \ge \lambda_2 \ge \dots$. If "
        r"$A_0 = S_r^{1/2} V_r^\top$, $B_0 = V_r S_r^{1/2}$ are trained beside the frozen residual "
        r"$F = W_0 - B_0 A_0$, whose trace is $\sum_{i>r} \lambda_i$, then at every time $t \ge 0$ "
        r"the loss is at least $\tfrac12 (\sum_{i>r} \lambda_i)^2$, and "
        r"$(\mathrm{tr} W(t) - \sum_{i>r} \lambda_i)(1 + 2 \|A_0\|_F^2\, t) \le \|A_0\|_F^2$: the "
        r"loss falls to $\tfrac12 (\sum_{i>r} \lambda_i)^2$."
    ),
    assumptions=(positive, balanced, pissa, later, cone.flow),
    instances=INSTANCES,
    check=check,
    conclusion=(LEFT_OVER, cone.KEPT, FALLS),
    derive=derive,
    interpret=interpret,
    kind="invariance",
    controls=(
        Control(positive, (NEGATIVE,), "a residual with a negative trace"),
        Control(balanced, (UNBALANCED,), "B0 = 0: the loss falls below that of the residual"),
        Control(pissa, (KEPT_TWICE,), "W0 is kept as it is and the pair added to it"),
        Control(None, (SMALL, LATE), "zero loss claimed of the start", nothing_left),
        Control(None, (SMALL,), "the level of the start that keeps W0", whole_weight),
        Control(None, (FULL,), "twice the rate, where the residual is 0", twice_as_fast),
    ),
    note=(
        "Where the rank of W0 is at most r the residual is 0 and the bound on the trace is an "
        "equation: the loss goes to 0, but only like 1/t^2."
    ),
)
