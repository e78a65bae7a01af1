"""From B0 = 0 with orthogonal rows of A0 the excess loss falls at twice the rate of BA - E_r.

With D = BA - E_r the excess over the least loss is 1/2 ||D||^2 - <E - E_r, BA>. In the notation of
riccati_bound the rows of X beyond r are those of G, so the block of BA beyond r is G_B M^{-1} G_A'
with M^{-1} <= 2 mu_1, and ||G_B|| ||G_A|| <= 1/2 ||G||^2 <= k^2 a^2 e^{-2gt}. Hence

    |<E - E_r, BA>| <= 2 sigma_{r+1} mu_1 k^2 a^2 e^{-2gt},

and 1/2 ||D||^2 is at most half the square of the bound of frobenius-riccati-limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import Arithmetic, BallArithmetic, Comparison, at_most
from lora_proofs.claims.rushka_klabjan.frobenius import expressivity_bridge as bridge
from lora_proofs.claims.rushka_klabjan.frobenius import riccati_bound as toward
from lora_proofs.claims.rushka_klabjan.frobenius import riccati_limit as limit
from lora_proofs.errors import Unavailable
from lora_proofs.language.claim import Claim, Control, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.mathematics.matrices import best_rank_squared_error
from lora_proofs.solving.flow_field import lora_field

FINE = BallArithmetic(160)
"""The excess is a difference of nearly equal numbers, times a factor that grows."""


def scaled(instance: Instance, t: Any, loss: Any, twice: Any) -> Any:
    """The excess of a loss at time t, times e^{``twice`` g t}."""
    r = len(instance.A0)
    least = best_rank_squared_error(toward.residual(instance), r, FINE) / 2
    g = toward.rate(instance, range(r), FINE)
    return (loss - least) * FINE.exp(FINE.number(twice) * g * FINE.number(t))


def constant(instance: Instance) -> Any:
    """C^2/2 + 2 sigma_{r+1} mu_1 k^2 a^2."""
    r, k2 = len(instance.A0), toward.scale(instance)
    C = toward.bound(instance, toward.projector(instance, r), FINE)
    squares = toward.squares(instance)
    top = toward.mu(squares[0], k2, FINE)
    # C = 2 mu_1 (5 k^2 + 8 mu_1) a^2
    rest = C * FINE.number(k2) / (FINE.number(5 * k2) + 8 * top)
    return C * C / 2 + FINE.sqrt(FINE.number(squares[r])) * rest


def excess(instance: Instance, twice: Any) -> Iterator[Comparison]:
    """The scaled excess at each time against the constant."""
    if limit.blocked(instance):
        raise Unavailable("a bound for a singular A0 V_r", "ball")
    with FINE.working():
        for t, error in bridge.errors(instance, FINE):
            found = scaled(instance, t, error * error / 2, twice)
            yield at_most(f"scaled excess loss at t = {t}", found, constant(instance))


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The excess loss against the bound."""
    yield from excess(instance, 2)


def faster(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """6/5 of the rate."""
    yield from excess(instance, Fraction(12, 5))


def twice_as_fast(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Four times the rate of BA - E_r."""
    yield from excess(instance, 4)


def gone(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """An excess loss that falls below 1/10, from a start that is blocked."""
    with FINE.working():
        *_, (t, error) = bridge.errors(instance, FINE)
        found = scaled(instance, t, error * error / 2, 0)
        yield at_most(f"excess loss at t = {t}", found, Fraction(1, 10))


def at_the_rate_of_the_first(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The bound with the length of the first row for k, against the enclosed flow."""
    x, t = instance, 12
    loss = lora_field(frobenius(x.Y), x.W0, x.A0, x.B0).enclosure(t, digits=8).loss
    with FINE.working():
        found = scaled(x, t, loss, 2)
        yield at_most(f"scaled excess loss at t = {t}", found, constant(x))


BOTH_LEFT = limit.TURNED.replace(Y=[[1, 0], [0, "3/5"]])
AT_A_POLE = limit.TURNED.replace(Y=[["3751/2500", 0], [0, "2/5"]], A0=[["6/5", "8/5"]])
"""5 k^2 is a little less than 8 mu_1."""
NEARLY_MISSED = limit.TURNED.replace(A0=[["2000/1000001", "999999/1000001"]])
LARGE = limit.TURNED.replace(Y=[[50, 0], [0, 0]], A0=[["21/5", "28/5"]])

claim = Claim(
    name="rushka-klabjan/frobenius-excess-loss",
    title="The excess loss falls at twice the rate of the matrix",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Under the assumptions of frobenius-riccati-limit with $\det(A_0 V_r) \ne 0$, $a = "
        r"\|(A_0 V_r)^{-1}\|_F$, $C = 2\mu_1(5\kappa^2 + 8\mu_1)a^2$: along the LoRA gradient flow "
        r"$\tfrac12\|Y - W\|_F^2 - \tfrac12\sum_{i > r}\sigma_i^2 \le (\tfrac12 C^2 + "
        r"2\sigma_{r+1}\mu_1\kappa^2 a^2)\, e^{-2(\mu_r - \mu_{r+1})t}$."
    ),
    assumptions=(toward.orthogonal_rows, toward.zero_b, limit.gap, bridge.nonsingular),
    instances=bridge.INSTANCES,
    check=check,
    controls=(
        Control(
            toward.orthogonal_rows,
            (bridge.LONGER,),
            "a longer row turns more slowly than the length of the first says",
            at_the_rate_of_the_first,
        ),
        Control(toward.zero_b, (limit.SADDLE,), "B0 = -A0' on one mode: the excess stays"),
        Control(bridge.nonsingular, (limit.MISSED,), "the flow is blocked from E_r", gone),
        Control(None, (limit.TURNED,), "6/5 of the rate", faster),
        Control(
            None,
            (BOTH_LEFT, AT_A_POLE, LARGE, NEARLY_MISSED),
            "twice the rate of the loss",
            twice_as_fast,
        ),
    ),
    arithmetics=("ball",),
    note="The constants are ours; they follow from the proof in riccati_bound.",
)
