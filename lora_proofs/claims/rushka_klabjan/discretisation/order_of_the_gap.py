"""How far sequential and simultaneous iterates part: h v + O(h^2), and v is not 0.

v' = F'(theta) v + s from v(0) = 0, with the source s of the sequential mode: the difference of the
two leading errors. So the gap is of first order in h and no smaller wherever v(T) is not 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    Comparison,
    at_least,
    at_most,
    below,
    rational,
)
from lora_proofs.arithmetic.leaning import remembered
from lora_proofs.claims.rushka_klabjan.discretisation import leading_error as whole
from lora_proofs.claims.rushka_klabjan.discretisation.leading_bounds import (
    bounds,
    distance,
    iterates,
    length,
    with_radius,
    within,
)
from lora_proofs.claims.rushka_klabjan.discretisation.leading_error_equation import pieces
from lora_proofs.errors import Unavailable
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import loss_from_instance
from lora_proofs.solving.leading_error import gap_field
from lora_proofs.strategies.draw import Draw, Rejected
from lora_proofs.strategies.problems import lora_problem

SIMULTANEOUS = "simultaneous"
REGIMES = (
    *(f"{loss}, {mode}" for loss in whole.LOSSES for mode in ("A-first", "B-first")),
    whole.SMALL_STEP,
)


def draw(source: Draw, regime: str) -> Instance:
    """A small problem whose source is not 0 at the start."""
    if regime == whole.SMALL_STEP:
        return whole.small_step(source, whole.MODES[1:])
    loss, mode = regime.split(", ")
    start = "zero B0" if mode == "B-first" and source.integer(0, 1) else "generic"
    problem = lora_problem(source, start, loss=loss, largest=2, mode=mode)
    ready = with_radius(problem, mode, Fraction(1, 8)).replace(regimes=(regime,))
    zeros = {"eA": _zeros(ready.A0), "eB": _zeros(ready.B0)}
    found = pieces(ready.replace(**zeros), EXACT)
    if not any((found.source_B if mode == "A-first" else found.source_A).flat):
        raise Rejected("the source is 0 at the start")
    return ready


def _zeros(rows: Any) -> list[list[int]]:
    return [[0] * len(row) for row in rows]


INSTANCES = Instances(draw, REGIMES)


def both_bounded(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Everything that either mode visits lies within rho."""
    for mode in (SIMULTANEOUS, instance.mode):
        yield from within(instance, ctx, mode)


def apart(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """v(T) is not 0."""
    yield below("0 < ||v(T)||", 0, length(velocity(instance, ctx), ctx))


@remembered(16)
def velocity(instance: Instance, ctx: Any) -> tuple[Any, Any]:
    """v at the last step's time, enclosed."""
    if ctx.name != "ball":
        raise Unavailable("an enclosure of the gap", ctx.name)
    loss, time = loss_from_instance(instance), rational(instance.h) * int(instance.steps)
    field = gap_field(loss, instance.W0, instance.A0, instance.B0, instance.mode)
    end = field.enclosure(time, digits=12)
    return end["e_A"], end["e_B"]


bounded_by_rho = Assumption(
    "bounded_by_rho",
    r"$\|\theta\| \le \rho$ along the flow, along $\theta + he$ of both modes and for all iterates "
    r"of both",
    both_bounded,
)
v_not_zero = Assumption(
    "v_not_zero",
    r"$v(T) \ne 0$",
    apart,
    technical="where v(T) = 0 the gap is of second order or smaller, and both bounds still hold",
)


def sizes(instance: Instance, ctx: Arithmetic) -> tuple[Any, Any, Any]:
    """The gap, h ||v(T)||, and the sum of both bounds on what is left."""
    x = instance.lift(ctx)
    late, early = (iterates(instance, ctx, mode)[-1] for mode in (instance.mode, SIMULTANEOUS))
    rest = [
        bounds(instance, ctx, mode).right(x.h, x.T, ctx) for mode in (SIMULTANEOUS, instance.mode)
    ]
    size = x.h * length(velocity(instance, ctx), ctx)
    return distance(late, early, ctx), size, rest[0] + rest[1]


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The gap between h ||v|| less and more the remainders."""
    gap, size, rest = sizes(instance, ctx)
    yield at_most(f"{instance.mode}: gap against h ||v|| + C h^2", gap, size + rest)
    yield at_least(f"{instance.mode}: gap against h ||v|| - C h^2", gap, size - rest)


def second_order(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The gap claimed to be of second order, as in one step."""
    gap, _, rest = sizes(instance, ctx)
    yield at_most("gap against C h^2 alone", gap, rest)


def twice(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The gap claimed to be twice h ||v||."""
    gap, size, rest = sizes(instance, ctx)
    yield at_least("gap against 2 h ||v|| - C h^2", gap, 2 * size - rest)


def an_eighth(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """An eighth of the remainder, upwards."""
    gap, size, rest = sizes(instance, ctx)
    yield at_most("gap against h ||v|| + C h^2 / 8", gap, size + rest / 8)


def a_ninth_below(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A ninth of the remainder, downwards."""
    gap, size, rest = sizes(instance, ctx)
    yield at_least("gap against h ||v|| - C h^2 / 9", gap, size - rest / 9)


WIDER = whole.TIGHT_A_FIRST
NARROWER = WIDER.replace(B0=[["1/10"]])
OTHER_ORDER = WIDER.replace(mode="B-first")
FAST = WIDER.replace(Y=[[20]], T="1/400000000", h="1/400000000")  # Lambda is about 20

claim = Claim(
    name="rushka-klabjan/order-of-the-gap",
    title="Sequential and simultaneous iterates part at first order in h",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"For $f = \tfrac12\|W - Y\|_F^2$ and $f = \tfrac12(\mathrm{tr} W)^2$, at $T = Nh$: the "
        r"distance between sequential and simultaneous iterates lies between $h\|v(T)\| - ch^2$ "
        r"and $h\|v(T)\| + ch^2$, where $\dot v = F'(\theta)v + s$, $v(0) = 0$ with the source $s$ "
        r"of the sequential mode, and $ch^2$ is the sum of the two bounds of leading-error, in "
        r"which $c$ stays bounded as $h \to 0$. Where $v(T) \ne 0$ it is of first order in $h$ and "
        r"no smaller."
    ),
    assumptions=(bounded_by_rho, whole.finite_horizon, v_not_zero),
    instances=INSTANCES,
    check=check,
    controls=(
        Control(bounded_by_rho, (whole.TOO_NARROW,), "a radius that the start itself exceeds"),
        Control(
            whole.finite_horizon, (whole.TOO_LONG,), "more steps than the horizon of the constants"
        ),
        Control(
            None, (whole.FINE,), "the gap claimed of second order, as in one step", second_order
        ),
        Control(None, (whole.FINE,), "a gap of twice the size", twice),
        Control(
            None, (WIDER, OTHER_ORDER, FAST), "an eighth of the remainder above h ||v||", an_eighth
        ),
        Control(None, (NARROWER,), "a ninth of the remainder below h ||v||", a_ninth_below),
    ),
    arithmetics=("ball",),
    note="One step differs by terms in h^2 (one-step-difference); T/h steps add them up.",
)
