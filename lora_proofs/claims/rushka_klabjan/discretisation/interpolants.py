"""Between the steps: the iterates joined by lines, or held until the next step, and the flow.

The flow's derivative is L K-Lipschitz, so the line through the flow at kh and kh + h misses it by
at most L K h^2 / 8; lines through points within e of its ends are within e of that line. And the
flow moves by at most K h in a step. With the bound of gradient-flow-limit at the steps this gives
both bounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import (
    Arithmetic,
    Comparison,
    at_most,
    below,
    rational,
    squared_norm,
)
from lora_proofs.claims.rushka_klabjan.discretisation import gradient_flow_limit as limit
from lora_proofs.claims.rushka_klabjan.discretisation import limit_bound
from lora_proofs.claims.rushka_klabjan.discretisation import limit_runs as runs
from lora_proofs.claims.rushka_klabjan.discretisation import nearly_attained as near
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw

PARTS = (Fraction(1, 2), Fraction(999, 1000))
"""How far into a step is looked: where lines miss most, and close to the next step."""


def draw(source: Draw, regime: str) -> Instance:
    """The problems of gradient-flow-limit, in closed form, and some of limit-bound."""
    loss, start = regime.split(", ", 1)
    if loss == "trace-squared":
        return limit.draw(source, start).replace(regimes=(regime,))
    return limit_bound.draw(source, regime)


CLOSED = ("generic", "zero B0", "zero W0", "r > min(n, m)", "cone")
ENCLOSED = ("frobenius, generic", "log-cosh, zero B0")
INSTANCES = Instances(draw, (*(f"trace-squared, {start}" for start in CLOSED), *ENCLOSED))


def looked_at(instance: Instance) -> list[tuple[int, Fraction]]:
    """The first and the last step, each with how far into it."""
    steps = sorted({0, int(instance.steps) - 1})
    return [(k, part) for k in steps for part in PARTS]


def distances(instance: Instance, ctx: Arithmetic) -> Iterator[tuple[str, Any, Any]]:
    """For each mode and time: the distances of line and of held iterate from the flow."""
    found, places = runs.run(instance, ctx), looked_at(instance)
    times = [rational(instance.h) * (k + part) for k, part in places]
    flow = list(runs.flow_points(instance, times, ctx))
    for mode, points in found.iterates.items():
        for (k, part), there in zip(places, flow, strict=True):
            share, held, joined = ctx.number(part), ctx.number(0), ctx.number(0)
            for now, later, X in zip(points[k], points[k + 1], there, strict=True):
                held = held + squared_norm(now - X)
                joined = joined + squared_norm(now + share * (later - now) - X)
            yield f"{mode}: {part} into step {k + 1}", ctx.sqrt(joined), ctx.sqrt(held)


def compared(
    instance: Instance, ctx: Arithmetic, at_steps: Any, bend: Any, move: Any
) -> Iterator[Comparison]:
    """Both distances, against multiples of C h (e^{LT} - 1), of L^2 K h^2 / 8 and of L K h."""
    x, constants = instance.lift(ctx), runs.constants(instance, ctx)
    L, growth = constants["L"], ctx.exp(constants["L"] * x.T) - 1
    for name, joined, held in distances(instance, ctx):
        mode = name.split(":")[0]
        error = at_steps * constants[mode] * x.h * growth
        yield at_most(f"{name}, lines", L * joined, error + bend * L**2 * x.K * x.h**2 / 8)
        yield at_most(f"{name}, held", L * held, error + move * L * x.K * x.h)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Both bounds in the first and the last step."""
    yield from compared(instance, ctx, 1, 1, 1)


def steps_forgotten(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The iterates claimed to be on the flow at the steps."""
    yield from compared(instance, ctx, 0, 1, 1)


def nothing_between(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The bound at the steps claimed of held iterates between them."""
    yield from compared(instance, ctx, 1, 1, 0)


def half_a_move(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """K h / 2 for held iterates, as if the nearer of two were taken."""
    yield from compared(instance, ctx, 1, 1, ctx.number(Fraction(1, 2)))


def strictly(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Both bounds, claimed never to be attained."""
    for c in check(instance, ctx):
        yield below(c.label, c.left, c.right)


TIGHT = (limit_bound.TIGHT, near.A_ALONE, near.B_ALONE)

claim = Claim(
    name="rushka-klabjan/interpolants",
    title="Between the steps the iterates are near the flow too",
    source=Source("rushka-klabjan", "", "reconstructed", "summary"),
    statement=(
        r"With the hypotheses and constants of gradient-flow-limit, let $\theta_h$ join the "
        r"iterates of one mode by lines, $\theta_h(kh) = \theta_k$, and let $\bar\theta_h(t) = "
        r"\theta_k$ for $kh \le t < kh + h$. Then, for all $t$ in a step that ends by $T$, $L\, "
        r"\|\theta_h(t) - \theta(t)\| \le C h\,(e^{LT} - 1) + \tfrac18 L^2Kh^2$ and $L\, "
        r"\|\bar\theta_h(t) - \theta(t)\| \le C h\,(e^{LT} - 1) + LKh$."
    ),
    assumptions=limit.ASSUMPTIONS,
    instances=INSTANCES,
    check=check,
    controls=(
        *limit.CONTROLS,
        Control(None, TIGHT, "the errors at the steps are forgotten", steps_forgotten),
        Control(None, TIGHT, "nothing is added for what is held between steps", nothing_between),
        Control(None, TIGHT, "K h / 2 for what is held", half_a_move),
        Control(None, (near.REST,), "strict bounds: at rest all sides are 0", strictly),
    ),
    arithmetics=("ball", "multiprecision"),
    note="Certified in the first and the last step, in the middle and near the end of each.",
)
