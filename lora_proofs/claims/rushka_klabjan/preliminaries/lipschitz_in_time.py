"""Under bounded iterates the flow is Lipschitz in time: ||theta(t) - theta(s)|| <= K |t - s|.

Where ||A||_2 <= RA, ||B||_2 <= RB and ||G||_F <= MF along the flow, its speed is at most
sqrt(||B'G||^2 + ||GA'||^2) <= MF sqrt(RA^2 + RB^2) = K.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, at_most, below
from lora_proofs.claims.rushka_klabjan.discretisation.limit_runs import norm_at_most, up
from lora_proofs.claims.rushka_klabjan.preliminaries import flow_existence as existence
from lora_proofs.claims.rushka_klabjan.preliminaries import solutions
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.language.lemmas.calculus import (
    ELAPSED,
    LATER,
    LATER_VELOCITY,
    MEAN_VALUE,
    POINT,
    SPEED,
)
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.limit_constants import MF, RA, RB, K, frobenius, operator
from lora_proofs.mathematics.notation import A, B, G
from lora_proofs.mathematics.words import Relation, word
from lora_proofs.strategies.draw import Draw, ratio
from lora_proofs.symbolic.steps import Step, assumed, cited, identity, inequality

ATTAINED = "nearly attained"
REGIMES = (*solutions.REGIMES, ATTAINED)
LABEL = "way against K times the time"
BOUNDS = (
    Relation(operator(A), "<=", RA),
    Relation(operator(B), "<=", RB),
    Relation(frobenius(G), "<=", MF),
)
ENOUGH = Relation(MF**2 * (RA**2 + RB**2), "<=", K**2)
WAY = frobenius(*(z - y for z, y in zip(LATER, POINT, strict=True)))
FIELD = (-(B.T @ G), -(G @ A.T))
CONCLUSION = Relation(WAY, "<=", K * ELAPSED, LABEL)


def derive() -> Iterator[Step]:
    """The speed is at most K; then the mean value inequality."""
    whole, left, right = frobenius(*FIELD), frobenius(B.T @ G), frobenius(G @ A.T)
    yield (split := identity(whole**2, left**2 + right**2, "Pythagoras over the blocks"))
    why = "a product is bounded by its factors"
    yield (one := inequality(left, operator(B) * frobenius(G), why, rule="submultiplicative"))
    yield (two := inequality(right, frobenius(G) * operator(A), why, rule="submultiplicative"))
    given = [assumed("bounded_iterates", r, "granted by bounded_iterates") for r in BOUNDS]
    yield from given
    yield (enough := assumed("constants", ENOUGH, "K is that large"))
    uses = (split, one, two, *given, enough)
    yield (square := inequality(whole**2, K**2, "bound both blocks", rule="combine", uses=uses))
    yield (speed := inequality(whole, K, "take roots", rule="square root", uses=(square,)))
    yield cited(
        MEAN_VALUE,
        "the flow moves at speed at most K",
        substitution={**dict(zip(LATER_VELOCITY, FIELD, strict=True)), SPEED: K},
        discharged_by={"speed": speed, "solution": "bounded_iterates"},
        label=LABEL,
    )


def bounded_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The bounds at both times; in between by the reach of the flow and the fall of the loss.

    Up to time t the factors stay within ||theta0|| + sqrt(t g(0)), and ||G||_F^2 <= 2 Lf g, which
    never rises, for losses whose infimum is 0.
    """
    x = instance.lift(ctx)
    for name, factors in zip(("s", "t"), solutions.between(instance, ctx), strict=True):
        G_value = solutions.gradient_at(instance, factors, ctx)
        yield norm_at_most(f"||A||_2 at time {name}", factors[0], x.RA, ctx)
        yield norm_at_most(f"||B||_2 at time {name}", factors[1], x.RB, ctx)
        yield at_most(f"||G||_F at time {name}", ctx.frobenius_norm(G_value), x.MF)
    if instance.loss not in ("concave-square", "linear"):
        yield from stays(instance, ctx)


def stays(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """What holds in between, from the start at time 0."""
    x = instance.lift(ctx)
    start = (x.A0, x.B0)
    value = solutions.loss_at(instance, start, ctx)
    radius = ctx.sqrt(solutions.squared_size(start)) + ctx.sqrt(x.t * value)
    yield at_most("||theta0|| + sqrt(t g(0)) against RA", radius, x.RA)
    yield at_most("||theta0|| + sqrt(t g(0)) against RB", radius, x.RB)
    yield at_most("2 Lf g(0) against MF^2", 2 * x.Lf * value, x.MF**2)


def constants_hold(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """K^2 >= MF^2 (RA^2 + RB^2), no constant is negative, and s < t."""
    x = instance.lift(EXACT)
    yield at_most("MF^2 (RA^2 + RB^2)", x.MF**2 * (x.RA**2 + x.RB**2), x.K**2)
    for name in ("RA", "RB", "MF", "K"):
        yield at_least(name, getattr(x, name), 0)
    yield from solutions.ordered(instance, ctx)


bounded_iterates = Assumption(
    "bounded_iterates",
    r"$\theta = (A, B)$ solves the LoRA flow of a continuously differentiable $f$ on $[s, t]$, and "
    r"at every time there $\|A\|_2 \le R_A$, $\|B\|_2 \le R_B$, $\|G\|_F \le M_F$",
    bounded_holds,
    relations=BOUNDS,
)
constants = Assumption(
    "constants",
    r"$R_A, R_B, M_F, K \ge 0$, $K^2 \ge M_F^2 (R_A^2 + R_B^2)$ and $s < t$",
    constants_hold,
    technical="they name constants; any numbers that large serve",
    relations=(ENOUGH, *(Relation(word(0), "<=", c) for c in (RA, RB, MF, K, ELAPSED))),
)


def way(instance: Instance, ctx: Arithmetic) -> Any:
    """||theta(t) - theta(s)||."""
    first, last = solutions.between(instance, ctx)
    return ctx.sqrt(solutions.squared_distance(last, first))


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The way between the two times against K (t - s)."""
    elapsed = ctx.number(instance.t - instance.s)
    yield at_most(LABEL, way(instance, ctx), ctx.number(instance.K) * elapsed)


def larger_radius(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """MF max(RA, RB) for K, as if only one factor moved."""
    elapsed = ctx.number(instance.t - instance.s)
    top = instance.MF * max(instance.RA, instance.RB)
    yield at_most(
        "way against MF max(RA, RB) times the time", way(instance, ctx), ctx.number(top) * elapsed
    )


def squared_time(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The square of the time."""
    elapsed = ctx.number((instance.t - instance.s) ** 2)
    yield at_most("way against K (t - s)^2", way(instance, ctx), ctx.number(instance.K) * elapsed)


def straight(size: Fraction, slope: Fraction) -> Instance:
    """f = slope w: a = b = size e^{-slope t} starts at a speed hardly below K."""
    more = Fraction(1001, 1000)
    return Instance(
        loss="linear", W0=[[0]], C=[[slope]], A0=[[size]], B0=[[size]], s=0, t="1/1000",
        RA=more * size, RB=more * size, MF=more * slope, Lf=1, K=slope * size * 1419 / 1000,
    )  # fmt: skip


def nine_tenths(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A constant a tenth smaller."""
    elapsed = ctx.number((instance.t - instance.s) * 9 / 10)
    yield at_most(LABEL, way(instance, ctx), ctx.number(instance.K) * elapsed)


def strictly(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The bound claimed never to be attained."""
    elapsed = ctx.number(instance.t - instance.s)
    yield below(LABEL, way(instance, ctx), ctx.number(instance.K) * elapsed)


def draw(source: Draw, regime: str) -> Instance:
    """A problem with constants that hold along its flow."""
    if regime == ATTAINED:
        size, slope = (ratio(source, 1, 12, 6) for _ in range(2))
        return straight(size, slope).replace(regimes=(regime,))
    problem = solutions.draw(source, regime)
    x, level = problem.lift(EXACT), existence.level(problem)
    smooth = Fraction(len(problem.W0) if problem.loss == "trace-squared" else 1)
    radius = up(solutions.squared_size((x.A0, x.B0))) + up(problem.t * level) + Fraction(1, 8)
    slope = up(2 * smooth * level) + Fraction(1, 8)
    fields = {"RA": radius, "RB": radius, "MF": slope, "Lf": smooth}
    return problem.replace(**fields, K=up(2 * slope**2 * radius**2))


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """Both times and the constants."""
    x = instance.lift(ctx)
    values = {symbol: getattr(x, symbol.name) for symbol in (RA, RB, MF, K)}
    elapsed = ctx.number(instance.t - instance.s)
    return {**solutions.symbols(instance, ctx), **values, ELAPSED: elapsed}


AWAY = Instance(
    loss="concave-square", W0=[[0]], A0=[[1]], B0=[[1]], s=0, t="49/100",
    RA=2, RB=2, MF=1, Lf=1, K=3,
)  # fmt: skip
DECAY = Instance(
    loss="linear", W0=[[0]], C=[[1]], A0=[[1]], B0=[[1]], s=0, t="1/8",
    RA=1, RB=1, MF=1, Lf=1, K="3/2",
)  # fmt: skip
REST = Instance(
    loss="trace-squared", W0=[[0]], A0=[[0]], B0=[[0]], s=0, t=1, RA=0, RB=0, MF=0, Lf=1, K=0,
)  # fmt: skip
# One factor is 0: a start from twice the other one would be faster than K.
ALONE = tuple(
    Instance(
        loss="trace-squared", W0=[[1]], A0=[[a]], B0=[[1 - a]], s=0, t="1/1000000",
        RA="101/100", RB="101/100", MF="1001/1000", Lf=1, K="36/25",
    )
    for a in (1, 0)
)  # fmt: skip
FAST = tuple(straight(Fraction(size), Fraction(size)) for size in (1, 100))
claim = Claim(
    name="rushka-klabjan/lipschitz-in-time",
    title="The flow is Lipschitz in time",
    source=Source("rushka-klabjan", "Lemma 1.8", "reconstructed", "summary"),
    statement=(
        r"If $\|A\|_2 \le R_A$, $\|B\|_2 \le R_B$ and $\|\nabla f(W)\|_F \le M_F$ along the LoRA "
        r"gradient flow of a continuously differentiable $f$, then "
        r"$\|\theta(t) - \theta(s)\| \le K |t - s|$ with $\theta = (A, B)$ and "
        r"$K = M_F \sqrt{R_A^2 + R_B^2}$."
    ),
    assumptions=(bounded_iterates, constants),
    instances=Instances(draw, REGIMES),
    check=check,
    conclusion=(CONCLUSION,),
    derive=derive,
    interpret=interpret,
    controls=(
        Control(bounded_iterates, (AWAY,), "f = -w^2/2: the flow outruns every speed"),
        Control(None, (DECAY,), "the larger radius in place of both", larger_radius),
        Control(None, (DECAY,), "the square of the time", squared_time),
        Control(None, (*FAST, *ALONE), "a constant a tenth smaller", nine_tenths),
        Control(None, (REST,), "a strict bound: at rest both sides are 0", strictly),
    ),
    arithmetics=("ball", "multiprecision"),
    note="The content of the lemma is reconstructed from its title; the constant is ours.",
)
