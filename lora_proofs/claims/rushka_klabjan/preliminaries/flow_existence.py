"""The LoRA flow of a loss that is bounded below exists for all time.

By the Hoelder bound from 0 to t, ||theta(t) - theta0||^2 <= t (g(0) - g(t)) <= t (g(0) - f*): the
solution stays within ||theta0|| + sqrt(t (g(0) - f*)) as long as it exists. A solution that stays
bounded on bounded intervals does not end, where the field is locally Lipschitz.
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
    rational,
    squared_norm,
)
from lora_proofs.claims.rushka_klabjan.discretisation.limit_runs import problem_loss, up
from lora_proofs.claims.rushka_klabjan.preliminaries import solutions
from lora_proofs.claims.rushka_klabjan.preliminaries.hoelder_in_time import WAY, value_at, way
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.language.lemmas import flows as lemmas
from lora_proofs.language.lemmas.calculus import ELAPSED, LATER, POINT
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.limit_constants import frobenius
from lora_proofs.mathematics.losses import loss_from_instance
from lora_proofs.mathematics.words import Relation, Scalar, word
from lora_proofs.strategies.draw import Draw
from lora_proofs.symbolic.steps import Step, assumed, cited, inequality

FLOOR = Scalar("f*", latex="f_*")
REACH = Scalar("R", nonnegative=True)
EXCESS = Scalar("e", nonnegative=True)
BELOW = Relation(value_at(LATER), "=", FLOOR + EXCESS)
ROOT = Relation(ELAPSED * (value_at(POINT) - FLOOR), "<=", REACH**2)
DISTANCE, RADIUS = "squared distance from the start", "norm of the factors"
CONCLUSION = (
    Relation(WAY**2, "<=", ELAPSED * (value_at(POINT) - FLOOR), DISTANCE),
    Relation(frobenius(*LATER), "<=", frobenius(*POINT) + REACH, RADIUS),
)


def within(flow: str) -> Iterator[Step]:
    """||theta(t) - theta0||^2 <= t (g(0) - f*), then ||theta(t)|| <= ||theta0|| + R."""
    hoelder = list(way(flow))
    yield from hoelder
    yield (least := assumed("bounded_below", BELOW, "e >= 0 is the excess of g(t) over f*"))
    near, far = CONCLUSION
    above = "the loss at time t is at least f*"
    parts = (hoelder[-1], least)
    yield (distance := inequality(near.left, near.right, above, rule="combine", uses=parts))
    yield (root := assumed("reach", ROOT, "R is that large"))
    chain = (distance, root)
    yield (squared := inequality(WAY**2, REACH**2, "chain", rule="combine", uses=chain))
    yield (length := inequality(WAY, REACH, "take roots", rule="square root", uses=(squared,)))
    sizes = frobenius(*POINT) + WAY
    yield (split := inequality(frobenius(*LATER), sizes, "start plus way", rule="triangle"))
    yield inequality(near.left, near.right, above, rule="combine", uses=parts, label=DISTANCE)
    uses = (split, length)
    yield inequality(far.left, far.right, "bound the way", rule="combine", uses=uses, label=RADIUS)


def derive() -> Iterator[Step]:
    """The solution stays bounded, so it does not end."""
    steps = list(within("flow"))
    yield from steps
    yield cited(
        lemmas.EXTENSION,
        "the solution stays bounded on every bounded interval",
        substitution={lemmas.RADIUS: frobenius(*POINT) + REACH},
        discharged_by={
            "bounded": steps[-1],
            "finite": "reach",
            "solution": "flow",
            "field": "smooth",
        },
    )


def smooth_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The gradient moves at most ``Lf`` times as far as the weight, from W0 to W0 + B0 A0."""
    x = instance.lift(ctx)
    start = x.W0 + x.B0 @ x.A0
    loss = problem_loss(instance, ctx)
    change = squared_norm(loss.gradient(start, ctx) - loss.gradient(x.W0, ctx))
    bound = ctx.number(instance.Lf) ** 2 * squared_norm(start - x.W0)
    yield at_most("squared change of the gradient at the start", change, bound)


def reach_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """R^2 >= (t - s) (g(s) - f*), and R >= 0."""
    first, _ = solutions.between(instance, ctx)
    gap = solutions.loss_at(instance, first, ctx) - ctx.number(instance.floor)
    yield at_most("0 against R", 0, EXACT.number(instance.reach))
    bound = ctx.number(instance.reach) ** 2
    yield at_most("t (g(0) - f*) against R^2", ctx.number(instance.t - instance.s) * gap, bound)


flow = Assumption(
    "flow",
    r"$\theta = (A, B)$ solves $\dot A = -B^\top G$, $\dot B = -G A^\top$ as long as it exists, "
    r"with $f$ continuously differentiable; $t$ is any time at which it exists",
    solutions.ordered,
    technical="without the equation there is nothing to say; hoelder-in-time has the control",
    relations=(Relation(word(0), "<=", ELAPSED),),
)
smooth = Assumption(
    "smooth",
    r"$\nabla f$ is locally Lipschitz",
    smooth_holds,
    technical="for existence alone continuity is enough (Peano); the flow would not be unique",
)
bounded_below = Assumption(
    "bounded_below",
    r"$f \ge f_* > -\infty$",
    solutions.above_floor,
    relations=(BELOW, Relation(word(0), "<=", EXCESS)),
)
reach = Assumption(
    "reach",
    r"$R \ge 0$ and $R^2 \ge t\,(g(0) - f_*)$, with $R$ bounded on bounded intervals of $t$",
    reach_holds,
    technical="it names a root",
    relations=(ROOT, Relation(word(0), "<=", REACH)),
)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The distance from the start, and the norm of the factors."""
    first, last = solutions.between(instance, ctx)
    gap = solutions.loss_at(instance, first, ctx) - ctx.number(instance.floor)
    moved = solutions.squared_distance(last, first)
    yield at_most(DISTANCE, moved, ctx.number(instance.t - instance.s) * gap)
    size, start = (ctx.sqrt(solutions.squared_size(x)) for x in (last, first))
    yield at_most(RADIUS, size, start + ctx.number(instance.reach))


def no_larger(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The factors claimed never to grow."""
    first, last = solutions.between(instance, ctx)
    yield at_most("size", solutions.squared_size(last), solutions.squared_size(first))


def strictly(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Both bounds claimed never to be attained."""
    for c in check(instance, ctx):
        yield below(c.label, c.left, c.right)


def draw(source: Draw, regime: str) -> Instance:
    """A problem from time 0, with a root that is a little too large."""
    problem = solutions.draw(source, regime)
    problem = problem.replace(t=problem.t - problem.s, s=Fraction(0), Lf=Fraction(4))
    return problem.replace(reach=up(problem.t * (level(problem) - problem.floor)) + Fraction(1, 8))


def level(problem: Instance) -> Fraction:
    """A rational bound of the loss at the start: log cosh(x) <= x^2/2."""
    x = problem.lift(EXACT)
    start = x.W0 + x.B0 @ x.A0
    if problem.loss == "log-cosh":
        return rational(squared_norm(start - x.Y) / 2)
    return rational(loss_from_instance(problem).value(start, EXACT))


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """Both times, f*, the excess at time t and R."""
    floor = ctx.number(instance.floor)
    _, last = solutions.between(instance, ctx)
    return {
        **solutions.symbols(instance, ctx),
        ELAPSED: ctx.number(instance.t - instance.s),
        FLOOR: floor,
        EXCESS: solutions.loss_at(instance, last, ctx) - floor,
        REACH: ctx.number(instance.reach),
    }


BLOW_UP = Instance(
    loss="concave-square", W0=[[0]], A0=[[1]], B0=[[1]], s=0, t="499/1000", floor=-10, reach=3, Lf=1
)
AT_ITS_FLOOR = BLOW_UP.replace(t="1/100", floor="-5207/10000", reach="3/200")
"""The floor is next to the loss at time t, and the speed is nearly constant: all but attained."""
NEAR_ITS_TARGET = Instance(
    loss="trace-squared", W0=[["-101/100"]], A0=[[2]], B0=[["1/2"]], s=0, t=1, floor=0,
    reach="1/100", Lf=1,
)  # fmt: skip
AT_REST = NEAR_ITS_TARGET.replace(W0=[[0]], A0=[[0]], B0=[[0]], reach=0)
STEEP = Instance(
    loss="frobenius", W0=[[0]], Y=[[20]], A0=[[1]], B0=[[1]], s=0, t=2, floor=0, reach=20, Lf=1
)

claim = Claim(
    name="rushka-klabjan/flow-existence",
    title="The flow of a loss that is bounded below exists for all time",
    source=Source("rushka-klabjan", "Remark 1.5", "reconstructed", "summary"),
    statement=(
        r"If $\nabla f$ is locally Lipschitz and $f \ge f_*$, the LoRA gradient flow exists for "
        r"all $t \ge 0$ from every start, with $\|\theta(t) - \theta(0)\|^2 \le t\,(g(0) - f_*)$ "
        r"and $\|\theta(t)\| \le \|\theta(0)\| + \sqrt{t\,(g(0) - f_*)}$, where $\theta = (A, B)$ "
        r"and $g = f(W_0 + BA)$."
    ),
    assumptions=(flow, smooth, bounded_below, reach),
    instances=Instances(draw, solutions.REGIMES),
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(
            bounded_below,
            (BLOW_UP,),
            "f = -w^2/2 with a globally Lipschitz gradient: the flow from a = b = 1 blows up at "
            "t = 1/2 and is beyond the bound before",
        ),
        Control(
            None,
            (STEEP, AT_ITS_FLOOR, NEAR_ITS_TARGET),
            "the factors claimed never to grow",
            no_larger,
        ),
        Control(None, (AT_REST,), "bounds that are never attained: at rest at 0", strictly),
    ),
    arithmetics=("ball", "multiprecision"),
    note="Nothing is said about boundedness as t grows: the bound grows like the root of t.",
)
