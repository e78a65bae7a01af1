"""The balanced start from the SVD of a positive semidefinite W0 does not reach zero loss.

With A0 = S_r^{1/2} V_r', B0 = U_r S_r^{1/2} and U = V the start is on the cone B = A', which the
flow keeps. So tr W = tr W0 + ||A||^2 never falls below w0 = tr W0 and tends to it.
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
    below,
    equal,
    squared_norm,
    trace,
)
from lora_proofs.claims.rushka_klabjan.trace_squared import kept_cone as cone
from lora_proofs.claims.rushka_klabjan.trace_squared.spectral_start import diagonal
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.language.lemmas import flows as lemma
from lora_proofs.mathematics.flows import trace_squared_final_loss
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.words import Relation, Scalar, Trace
from lora_proofs.strategies.draw import Draw, ratio
from lora_proofs.strategies.matrices import orthogonal_matrix
from lora_proofs.strategies.spectra import spectrum
from lora_proofs.symbolic.steps import Step, cited, inequality

DECAY = Scalar("e^(-2 w0 t)", latex=r"e^{-2 w_0 t}")
UPPER = "tr W against w0 + ||A0||^2 e^(-2 w0 t)"
FALLS = Relation(cone.T, "<=", Trace(cone.F) + DECAY * cone.START_SIZE, UPPER)


def derive() -> Iterator[Step]:
    """The cone is kept; ||A||^2 falls at least at the rate 2 w0."""
    found = cone.proof()
    yield from found.steps
    rate = inequality(
        cone.SIZE_RATE,
        -(2 * Trace(cone.F)) * cone.SIZE,
        "||A||^2 is not negative",
        rule="combine",
        uses=(found.floor, found.product),
    )
    yield rate
    size = cited(
        lemma.GRONWALL,
        "for ||A||^2",
        substitution={
            lemma.QUANTITY_RATE: cone.SIZE_RATE,
            lemma.EXPONENT_RATE: -(2 * Trace(cone.F)),
            lemma.QUANTITY_LATER: cone.SIZE,
            lemma.QUANTITY_START: cone.START_SIZE,
            lemma.EXPONENTIAL: DECAY,
        },
        discharged_by={"rate": rate, "solution": "flow"},
    )
    yield size
    yield cone.lower_bound(found)
    yield inequality(
        FALLS.left,
        FALLS.right,
        "tr W = w0 + ||A||^2",
        rule="combine",
        uses=(found.product, size),
        label=UPPER,
    )


SPECTRA = {"tied": "tied", "flat": "flat", "with zeros": "with zeros"}
REGIMES = (
    "distinct", "r = 1", "r = n", "n = 1", *SPECTRA, "axes", "tiny scale", "huge scale", "start",
)  # fmt: skip


def draw(source: Draw, regime: str) -> Instance:
    """W0 = V S V' with squares of rationals for eigenvalues, and a point of the orbit."""
    n = 1 if regime == "n = 1" else source.integer(2, 4)
    r = {"r = 1": 1, "r = n": n}.get(regime, source.integer(1, n))
    scale = Fraction(2) ** {"tiny scale": -30, "huge scale": 12}.get(regime, 0)
    roots = [scale * d for d in spectrum(source, n, SPECTRA.get(regime, "distinct"))]
    roots[0] = roots[0] or Fraction(1)
    V = orthogonal_matrix(source, n, dyadic=regime == "axes")
    y = Fraction(1) if regime == "start" else 1 + ratio(source, 1, 24, 4)
    return balanced_instance(roots, r, V, y).replace(regimes=(regime,))


def balanced_instance(roots: Any, r: int, V: Any, y: Fraction) -> Instance:
    """The balanced start of rank r for W0 = V diag(roots^2) V'."""
    C, D, V_r = diagonal(roots) @ V.mT, diagonal(roots[:r]), V[:, :r]
    return Instance(F=C.mT @ C, C=C, V=V_r, D=D, A0=D @ V_r.mT, B0=V_r @ D, y=y)


INSTANCES = Instances(draw, REGIMES)


def decay(instance: Instance, ctx: Arithmetic, rate: int = 2) -> Any:
    """e^{-2 w0 t} at the time t at which the orbit on the cone is at y."""
    w = trace(instance.lift(EXACT).F)
    return ctx.exp(-ctx.number(rate * w) * cone.time(instance, ctx))


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The symbols at a point of the orbit."""
    return {**cone.values(instance, ctx), DECAY: decay(instance, ctx)}


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The loss and the trace at a point of the orbit, from both sides; the time by the flow."""
    yield from cone.never_below(instance, EXACT)
    yield falls(UPPER, instance, ctx)
    yield cone.on_time(instance)
    final = trace_squared_final_loss(instance.F, instance.A0, instance.B0)
    yield equal("measured: the final loss", final, trace(instance.lift(EXACT).F) ** 2 / 2)


def falls(label: str, instance: Instance, ctx: Arithmetic, rate: int = 2) -> Comparison:
    """The trace of W against w0 + ||A0||^2 e^{-rate w0 t}; exact at t = 0, where both are equal."""
    ctx = EXACT if instance.y == 1 else ctx
    x = instance.lift(EXACT)
    A, B = cone.factors(instance, EXACT)
    right = ctx.number(trace(x.F)) + decay(instance, ctx, rate) * ctx.number(squared_norm(x.A0))
    return at_most(label, ctx.number(trace(x.F + B @ A)), right)


def is_positive(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """W0 = C'C with tr W0 > 0."""
    yield from cone.is_positive(instance, ctx)
    yield below("0 < tr W0", ctx.number(0), trace(instance.lift(ctx).F))


def reaches_zero(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Zero loss claimed of the start, judged by the level that is kept for good."""
    yield from cone.never_below(instance, EXACT)
    final = trace_squared_final_loss(instance.F, instance.A0, instance.B0)
    yield at_most("the loss that is kept for all time", final, 0)


def twice_as_fast(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The rate 4 w0 in place of 2 w0."""
    yield falls("tr W against w0 + ||A0||^2 e^(-4 w0 t)", instance, ctx, rate=4)


positive = Assumption(
    "positive",
    r"$W_0 = C^\top C$ is positive semidefinite and $w_0 = \mathrm{tr} W_0 > 0$; it is the frozen "
    r"weight $F$",
    is_positive,
    relations=(cone.POSITIVE,),
)
balanced = Assumption(
    "balanced",
    r"$A_0 = D V_r^\top$ and $B_0 = V_r D^\top$, with $D = S_r^{1/2}$ and $U = V$, as "
    r"$W_0 = V S V^\top$",
    cone.is_balanced,
    relations=cone.BALANCED,
)
NEGATIVE = Instance(F=[[-2]], V=[[1]], D=[[1]], A0=[[1]], B0=[[1]], y=1)
ZERO_B = Instance(F=[[1]], C=[[1]], V=[[1]], D=[[1]], A0=[[1]], B0=[[0]], y="3/2")
SMALL, BEGUN, LATE = (
    balanced_instance([Fraction(2), Fraction(1)], 1, EXACT.identity(2), y)
    for y in (Fraction(3, 2), Fraction(1), Fraction(64))
)

claim = Claim(
    name="rushka-klabjan/trace-squared-balanced-start",
    title="The balanced start of a positive semidefinite weight keeps its loss",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Let $f = \tfrac12(\mathrm{tr} W)^2$ and let $W_0 = V S V^\top$ be positive semidefinite "
        r"with $w_0 = \mathrm{tr} W_0 > 0$. From the balanced spectral start "
        r"$A_0 = S_r^{1/2} V_r^\top$, $B_0 = V_r S_r^{1/2}$, with $W_0$ kept, the LoRA gradient "
        r"flow has at every time $t \ge 0$ at least the loss $\tfrac12 w_0^2$, and "
        r"$\mathrm{tr} W(t) \le w_0 + \|A_0\|_F^2\, e^{-2 w_0 t}$: its loss falls to "
        r"$\tfrac12 w_0^2$, and not to 0."
    ),
    assumptions=(positive, balanced, cone.flow),
    instances=INSTANCES,
    check=check,
    conclusion=(cone.KEPT, FALLS),
    derive=derive,
    interpret=interpret,
    kind="invariance",
    controls=(
        Control(positive, (NEGATIVE,), "a negative trace: the same start is below w0^2/2"),
        Control(balanced, (ZERO_B,), "B0 = 0: the loss falls below w0^2/2"),
        Control(None, (SMALL, BEGUN, LATE), "zero loss claimed of the start", reaches_zero),
        Control(None, (SMALL,), "the trace falls at twice the rate", twice_as_fast),
    ),
    note=(
        "For a negative semidefinite W0 the singular vectors have U = -V, and B0 = -A0' is the "
        "mirror image. Off the cones, as for almost every non-symmetric W0, the loss goes to 0: "
        "see trace-squared-zero-loss."
    ),
)
