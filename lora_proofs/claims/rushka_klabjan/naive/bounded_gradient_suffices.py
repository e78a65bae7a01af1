"""False reading: a continuous gradient, bounded where the iterates are, suffices for the limit.

f(W) = W_22 - 2/3 |W_12 - W_21|^{3/2} on 2 x 2 matrices, r = 1, W0 = 0, with vectors a = A', b = B:
W = b a'. Put D = W_21 - W_12 = a1 b2 - a2 b1 and K = sqrt(D) where D >= 0. A-first steps are
  a1+ = a1 + h K b2,   a2+ = a2 - h b2 - h K b1,   D* = a1+ b2 - a2+ b1 = D + h b1 b2 + h K |b|^2,
  b1+ = b1 - h K* a2+, b2+ = b2 - h a2+ + h K* a1+, D+ = D* - h a1+ a2+ + h K* |a+|^2.
Simultaneous steps from a = b keep a = b, so D = 0 (exactly: the kink is then never seen).

Trap. Start at a = b = (p, q) with p, q > 0 and let, up to time T, all a1, b1 be in [p - 1, p + 1]
and all a2, b2 in [0, 2q]. There D and D* are at most (p + 1) 2q, so K, K* <= k with k^2 >=
2q(p + 1), and per unit of time a1 and b1 move by at most 2qk, a2 and b2 by at most 2q + k(p + 1):
with T 2qk <= 1 and T(2q + k(p + 1)) <= q the box is kept up to T. Let S be the sum of h(K + K*) so
far. Then b2 - a2 >= (p - 1)S and 0 <= a1 - b1 <= 2qS, so that with p - 1 >= 2q the difference
b1 b2 - a1+ a2+ = b1(b2 - a2+) - (a1+ - b1)a2+ is not negative. Hence D never falls, K* >= K, and
D+ >= D + 2h(p - 1)^2 K. The first step gives D_1 >= h K*|a+|^2 >= h sqrt(h p q)(p - 1)^2, which is
at least (2/3)^2 h^2 where h <= p q and p >= 2; from D >= (2jh/3)^2 follows
D+ >= (2(j + 1)h/3)^2, as 2j/(2j + 1) >= 2/3. So D >= (2T/3)^2 at T = Nh for every N.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, at_most, equal, rational
from lora_proofs.claims.rushka_klabjan.discretisation.limit_runs import up
from lora_proofs.errors import Unavailable
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.flows import iterate
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw, ratio


@dataclass(frozen=True)
class Kink:
    """f(W) = W_22 - 2/3 |W_12 - W_21|^{3/2}, or W_22 alone; its gradient is Hoelder-1/2."""

    smooth: bool = False

    def gradient(self, W: Any, ctx: Arithmetic) -> Any:
        """E_22 - sgn(d) |d|^{1/2} (E_12 - E_21) with d = W_12 - W_21."""
        gap, G = W[0, 1] - W[1, 0], ctx.zeros(2, 2)
        G[1, 1] = ctx.number(1)
        if not (gap >= 0 or gap <= 0):
            raise Unavailable("the sign of W_12 - W_21", ctx.name, "raise the precision")
        if not self.smooth and not gap == 0:
            root = ctx.sqrt(gap) if gap >= 0 else -ctx.sqrt(-gap)
            G[0, 1], G[1, 0] = -root, root
        return G


def draw(source: Draw, regime: str) -> Instance:
    """A start (p, q) and a number of steps up to a time for which the box is kept."""
    p, q = ratio(source, 16, 24, 8), ratio(source, 2, 4, 8)
    return Instance(regimes=(regime,), p=p, q=q, T="1/32", steps=source.choice((8, 16, 32)))


INSTANCES = Instances(draw)


def conditions(instance: Instance) -> dict[str, bool]:
    """What the trap rests on, decided exactly."""
    p, q, T = instance.p, instance.q, instance.T
    k = up(2 * q * (p + 1))
    return {
        "p >= 2": p >= 2,
        "q > 0": q > 0,
        "T 2qk <= 1": T * 2 * q * k <= 1,
        "T (2q + k(p + 1)) <= q": T * (2 * q + k * (p + 1)) <= q,
        "p - 1 >= 2q": p - 1 >= 2 * q,
        "T <= p q, so h <= p q": 0 < T <= p * q,
    }


def asymmetry(
    instance: Instance, ctx: Arithmetic, mode: str, steps: int, *, smooth: bool = False
) -> Any:
    """D = W_21 - W_12 after a number of steps of size T / steps of the instance."""
    h = rational(instance.T) / int(instance.steps)
    A, B = ctx.matrix([[instance.p, instance.q]]), ctx.matrix([[instance.p], [instance.q]])
    loss: Any = Kink(smooth)  # a gradient is all that a step asks of a loss
    *_, (A, B) = iterate(mode, steps, loss, ctx.zeros(2, 2), A, B, h, ctx)
    W = B @ A
    return W[1, 0] - W[0, 1]


def trapped(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The lower bound seen on the iterates, and the symmetry that simultaneous steps keep."""
    missing = [name for name, holds in conditions(instance).items() if not holds]
    if missing:
        raise Unavailable(f"the trap, which needs {missing[0]}", ctx.name)
    steps = int(instance.steps)
    found = asymmetry(instance, ctx, "A-first", steps)
    yield at_least("A-first: W_21 - W_12 at T", found, ctx.number(lower_bound(instance)))
    kept = asymmetry(instance, EXACT, "simultaneous", 2)
    yield equal("simultaneous: W_21 - W_12", kept, EXACT.number(0))


def lower_bound(instance: Instance) -> Fraction:
    """(2T/3)^2."""
    return (2 * rational(instance.T) / 3) ** 2


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Same limit needs: what A-first keeps for every step size is not above 0, what is the other's.

    Where the trap is not established nothing is compared.
    """
    yield from trapped(instance, ctx)
    label = "W_21 - W_12 at T of A-first for every step size, against the limit of simultaneous"
    yield at_most(label, EXACT.number(lower_bound(instance)), 0)


def symmetric(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A-first claimed to keep W symmetric too."""
    yield at_most("A-first: W_21 - W_12 after two steps",
                  abs(asymmetry(instance, ctx, "A-first", 2)), 0)  # fmt: skip


def without_kink(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The same lower bound claimed of the smooth part of the loss."""
    found = asymmetry(instance, ctx, "A-first", int(instance.steps), smooth=True)
    yield at_least("W_21 - W_12 without the kink", found, ctx.number(lower_bound(instance)))


def hundredfold(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A hundred times the lower bound."""
    found = asymmetry(instance, ctx, "A-first", int(instance.steps))
    yield at_least("W_21 - W_12 at T", found, ctx.number(100 * lower_bound(instance)))


POINT = Instance(p=2, q="1/2", T="1/32", steps=64)

claim = Claim(
    name="rushka-klabjan/naive/bounded-gradient-suffices",
    title="A bounded continuous gradient suffices (false)",
    source=Source(
        "rushka-klabjan",
        "",
        "our reading",
        "summary",
        corrected_by="rushka-klabjan/gradient-flow-limit",
    ),
    statement=(
        r"Our reading, not a claim of the authors: if $\nabla f$ is continuous, and bounded where "
        r"the iterates are, simultaneous and $A$-first iterates have the same limit as $h \to 0$ "
        r"on $[0, T]$. It is false for $f(W) = W_{22} - \tfrac23|W_{12} - W_{21}|^{3/2}$, whose "
        r"gradient is only Hoelder-$\tfrac12$: from $W_0 = 0$, $B_0^\top = A_0 = (p, q)$ with "
        r"$p \ge 2$, $0 < 2q \le p - 1$, simultaneous steps keep $W$ symmetric, while $A$-first "
        r"steps of every size $h = T/N$ have $W_{21} - W_{12} \ge (2T/3)^2$ at a small $T$, here "
        r"$\tfrac{1}{32}$."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    kind="trap",
    controls=(
        Control(None, (POINT,), "A-first steps claimed to keep W symmetric", symmetric),
        Control(None, (POINT,), "the lower bound claimed without the kink", without_kink),
        Control(None, (POINT,), "a hundred times the lower bound", hundredfold),
    ),
    arithmetics=("ball",),
    note=(
        "The flow from this start is not unique: W symmetric is one solution, and the asymmetry "
        "of one A-first step, of order h^2, grows to a size that does not depend on h."
    ),
)
