"""The flow attains what no adapter of its rank can beat: optimisation meets expressivity.

For a linear model of one layer the best that an adapter of rank r can do is Eckart and Young's
||E - E_r||_F. From B0 = 0 with orthogonal rows of A0 and det(A0 V_r) != 0 the flow's BA tends to
E_r at an explicit rate, so its error is at least the bound and exceeds it by less and less.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, at_most, below
from lora_proofs.claims.rushka_klabjan.frobenius import riccati_bound as toward
from lora_proofs.claims.rushka_klabjan.frobenius import riccati_limit as limit
from lora_proofs.errors import Unavailable
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.mathematics.matrices import best_rank_error
from lora_proofs.solving.flow_field import lora_field

REGIMES = tuple(name for name in limit.REGIMES if name != limit.BLOCKED)
INSTANCES = Instances(limit.draw, REGIMES)
TRIFLE = Fraction(1, 10**30)
"""At the last time the error may be nearer to the bound from below than balls can tell."""


def not_blocked(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """rank (A0 P_r A0') = r."""
    r = len(instance.A0)
    rank = EXACT.rank(toward.gram(instance, toward.projector(instance, r)))
    yield at_least("rank of A0 V_r against r", rank, r)


nonsingular = Assumption("nonsingular", r"$\det(A_0 V_r) \ne 0$", not_blocked)


def errors(instance: Instance, ctx: Arithmetic) -> Iterator[tuple[Any, Any]]:
    """(t, ||Y - W(t)||_F) at the times."""
    everything = EXACT.identity(len(instance.A0[0]))
    for t, distance in toward.distances(instance, everything, ctx):
        yield t, ctx.sqrt(distance)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The error between the bound of Eckart and Young, and that bound plus the distance to E_r."""
    if limit.blocked(instance):
        raise Unavailable("a bound for a singular A0 V_r", ctx.name)
    yield from approaches(instance, ctx, 1)


def approaches(instance: Instance, ctx: Arithmetic, faster: Any) -> Iterator[Comparison]:
    """The error between both bounds, the upper one with a multiple of the rate."""
    r = len(instance.A0)
    best = best_rank_error(toward.residual(instance), r, ctx)
    constant = toward.bound(instance, toward.projector(instance, r), ctx)
    g = ctx.number(faster) * toward.rate(instance, range(r), ctx)
    yield below("0 < rate", 0, g)
    for t, error in errors(instance, ctx):
        yield at_least(
            f"error at t = {t} against the bound on every adapter", error + ctx.number(TRIFLE), best
        )
        excess = constant * ctx.exp(-g * ctx.number(t))
        yield at_most(f"error at t = {t} against the bound and what is left", error, best + excess)


def a_little_faster(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """6/5 of the rate, at the times of the check."""
    yield from approaches(instance, ctx, Fraction(6, 5))


def better(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Rank r doing as well as rank r + 1 may."""
    best = best_rank_error(toward.residual(instance), len(instance.A0) + 1, ctx)
    *_, (t, error) = errors(instance, ctx)
    yield at_most(f"error at t = {t} against the bound for rank r + 1", error, best * 101 / 100)


def attained(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The bound for rank r, from a start that is blocked."""
    best = best_rank_error(toward.residual(instance), len(instance.A0), ctx)
    *_, (t, error) = errors(instance, ctx)
    yield at_most(f"error at t = {t} against the bound for rank r", error, best * 101 / 100)


def at_the_rate_of_the_first(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The bound with the length of the first row for k, against the enclosed flow."""
    x, r, t = instance, len(instance.A0), 12
    flow = lora_field(frobenius(x.Y), x.W0, x.A0, x.B0).enclosure(t, digits=8)
    constant = toward.bound(x, toward.projector(x, r), ctx)
    excess = constant * ctx.exp(-toward.rate(x, range(r), ctx) * t)
    best = best_rank_error(toward.residual(x), r, ctx)
    yield at_most(f"error at t = {t}", ctx.sqrt(2 * flow.loss), best + excess)


FAR_APART = limit.TURNED.replace(Y=[[80, 0], [0, 40]])
OF_RANK_ONE = limit.TURNED.replace(Y=[[2, 0], [0, 0]])
LONGER = Instance(
    W0=[[0, 0, 0], [0, 0, 0]],
    Y=[[2, 0, 0], [0, 1, 0]],
    A0=[[1, 0, 0], [0, 3, 4]],
    B0=[[0, 0], [0, 0]],
)

claim = Claim(
    name="rushka-klabjan/expressivity-bridge",
    title="The flow attains the bound on every adapter of its rank",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Under the assumptions of frobenius-riccati-limit with $\det(A_0 V_r) \ne 0$, along the "
        r"LoRA gradient flow $\|E - E_r\|_F \le \|Y - W\|_F \le \|E - E_r\|_F + 2\mu_1(5\kappa^2 + "
        r"8\mu_1)\,\|(A_0 V_r)^{-1}\|_F^2\, e^{-(\mu_r - \mu_{r+1})t}$: training attains in the "
        r"limit what no adapter of rank $r$ can beat, the optimum of a linear model with one layer."
    ),
    assumptions=(toward.orthogonal_rows, toward.zero_b, limit.gap, nonsingular),
    instances=INSTANCES,
    check=check,
    controls=(
        Control(
            toward.orthogonal_rows,
            (LONGER,),
            "a longer row turns more slowly than the length of the first says",
            at_the_rate_of_the_first,
        ),
        Control(toward.zero_b, (limit.SADDLE,), "B0 = -A0' on one mode: the error stays"),
        Control(nonsingular, (limit.MISSED,), "the flow is blocked from E_r", attained),
        Control(None, (OF_RANK_ONE,), "6/5 of the rate, for E of rank r", a_little_faster),
        Control(
            None, (limit.TURNED, FAR_APART), "the bound for rank r + 1 attained by rank r", better
        ),
    ),
    arithmetics=("ball", "multiprecision"),
    limit="the distance to E_r is below a bound for all times that falls to 0",
    note=(
        "That no adapter of rank r does better is the theorem of Eckart, Young and Mirsky, "
        "recalled; for one linear layer it is the lower bound of the expressive-power paper."
    ),
)
