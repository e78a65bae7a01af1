"""On a finite interval the gradient stays bounded, with an explicit constant.

Up to time T the factors stay within Q = ||theta0|| + R, R^2 >= T (g(0) - f*), so the weight moves
by ||BA||_F <= Q^2/2 from W0, and with an Lf-Lipschitz gradient ||G||_F <= ||G(W0)||_F + Lf Q^2/2.
The gradient in the factors, (B'G, GA'), is at most Q times that.
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
    squared_norm,
)
from lora_proofs.claims.rushka_klabjan.discretisation.limit_runs import problem_loss, up
from lora_proofs.claims.rushka_klabjan.preliminaries import flow_existence as existence
from lora_proofs.claims.rushka_klabjan.preliminaries import solutions
from lora_proofs.claims.rushka_klabjan.preliminaries.flow_existence import REACH
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.language.lemmas.calculus import LATER, POINT
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.limit_constants import Lf, frobenius
from lora_proofs.mathematics.notation import W0, f
from lora_proofs.mathematics.words import Named, Relation, Symbol, word
from lora_proofs.strategies.draw import Draw, ratio
from lora_proofs.symbolic.steps import Step, assumed, identity, inequality

X, Z = Symbol("X", "n", "m"), Symbol("Z", "n", "m")
A_T, B_T = LATER
WEIGHT = W0 + B_T @ A_T
G_T, G_0 = f.gradient(WEIGHT), f.gradient(W0)
LIPSCHITZ = Relation(frobenius(f.gradient(X) - f.gradient(Z)), "<=", Lf * frobenius(X - Z))
Q = Named("Q", frobenius(*POINT) + REACH)
BOUND = frobenius(G_0) + Lf * Q**2 / 2
ATTAINED = "nearly attained"
REGIMES = (*solutions.REGIMES, ATTAINED)
IN_WEIGHT, IN_FACTORS = "gradient in the weight", "gradient in the factors"
IN_AB = frobenius(B_T.T @ G_T, G_T @ A_T.T)
CONCLUSION = (
    Relation(frobenius(G_T), "<=", BOUND, IN_WEIGHT),
    Relation(IN_AB, "<=", BOUND * Q, IN_FACTORS),
)


def moved() -> Iterator[Step]:
    """||BA||_F <= (||A||^2 + ||B||^2)/2 = ||theta||^2/2."""
    product, a, b = frobenius(B_T @ A_T), frobenius(A_T), frobenius(B_T)
    why = "a product is bounded by its factors"
    yield (one := inequality(product, b * a, why, rule="submultiplicative"))
    square = ((1, a - b),)
    yield (two := inequality(2 * (b * a), a**2 + b**2, "the difference is a square",
                             rule="sum of squares", squares=square))  # fmt: skip
    whole = frobenius(A_T, B_T) ** 2
    yield (three := identity(whole, a**2 + b**2, "Pythagoras over the blocks"))
    yield inequality(product, whole / 2, "chain", rule="combine", uses=(one, two, three))


def in_factors(blocks: Step) -> Iterator[Step]:
    """||(B'G, GA')||_F <= ||G||_F ||theta||."""
    left, right = frobenius(B_T.T @ G_T), frobenius(G_T @ A_T.T)
    G, a, b = frobenius(G_T), frobenius(A_T), frobenius(B_T)
    why = "a product is bounded by its factors"
    yield (split := identity(IN_AB**2, left**2 + right**2, "Pythagoras over the blocks"))
    yield (one := inequality(left, b * G, why, rule="submultiplicative"))
    yield (two := inequality(right, G * a, why, rule="submultiplicative"))
    theta = frobenius(A_T, B_T)
    whole = G**2 * (a**2 + b**2)
    yield (both := inequality(IN_AB**2, whole, "both blocks", rule="combine",
                              uses=(split, one, two)))  # fmt: skip
    uses = (both, blocks)
    squared = inequality(IN_AB**2, (G * theta) ** 2, "chain", rule="combine", uses=uses)
    yield squared
    yield inequality(IN_AB, G * theta, "take roots", rule="square root", uses=(squared,))


def derive() -> Iterator[Step]:
    """Where the factors are, how far the weight is, what the gradient can be there."""
    inside = list(existence.within("flow"))
    yield from inside
    size = inside[-1]
    way = list(moved())
    yield from way
    at = {X: WEIGHT, Z: W0}
    yield (smooth := assumed("lipschitz", LIPSCHITZ, "G is Lipschitz", substitution=at))
    change = frobenius(G_T - G_0)
    yield (split := inequality(frobenius(G_T), frobenius(G_0) + change, "add and subtract G(W0)",
                               rule="triangle"))  # fmt: skip
    first, second = CONCLUSION
    uses = (split, smooth, way[-1], size)
    yield (near := inequality(first.left, first.right, "collect", rule="combine", uses=uses))
    speed = list(in_factors(way[2]))
    yield from speed
    yield inequality(first.left, first.right, "collect", rule="combine", uses=uses, label=IN_WEIGHT)
    yield inequality(
        second.left, second.right, "bound G and the factors", rule="combine",
        uses=(speed[-1], near, size), label=IN_FACTORS,
    )  # fmt: skip


def lipschitz_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Lf is at least the loss's constant."""
    loss = problem_loss(instance, EXACT)
    constant = loss.lipschitz(len(instance.W0), len(instance.W0[0]))
    yield at_most("Lipschitz constant of the gradient", EXACT.number(constant), instance.Lf)


def horizon_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """t <= T, and R^2 >= T (g(0) - f*)."""
    first, _ = solutions.between(instance, ctx)
    gap = solutions.loss_at(instance, first, ctx) - ctx.number(instance.floor)
    yield at_most("t against T", EXACT.number(instance.t), EXACT.number(instance.T))
    label = "T (g(0) - f*) against R^2"
    yield at_most(label, ctx.number(instance.T) * gap, ctx.number(instance.reach) ** 2)


def signs_hold(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """R, Lf >= 0."""
    yield at_least("R", EXACT.number(instance.reach), 0)
    yield at_least("Lf", EXACT.number(instance.Lf), 0)


lipschitz = Assumption(
    "lipschitz",
    r"$\|\nabla f(X) - \nabla f(Z)\|_F \le L_f \|X - Z\|_F$ for $X, Z$ within $\tfrac12 Q^2$ of "
    r"$W_0$",
    lipschitz_holds,
    relations=(LIPSCHITZ,),
    pattern=(X, Z),
)
reach = Assumption(
    "reach",
    r"$t \le T$ and $R^2 \ge T\,(g(0) - f_*)$, so that $R^2 \ge t\,(g(0) - f_*)$",
    horizon_holds,
    relations=(existence.ROOT,),
)
signs = Assumption(
    "signs",
    r"$R, L_f \ge 0$",
    signs_hold,
    technical="they name a root and a Lipschitz constant",
    relations=(Relation(word(0), "<=", REACH), Relation(word(0), "<=", Lf)),
)


def bound(instance: Instance, ctx: Arithmetic) -> tuple[Any, Any]:
    """The bound on the gradient, and Q."""
    x = instance.lift(ctx)
    start = ctx.sqrt(squared_norm(x.A0) + squared_norm(x.B0)) + x.reach
    base = problem_loss(instance, ctx).gradient(x.W0, ctx)
    return ctx.frobenius_norm(base) + x.Lf * start**2 / 2, start


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The gradient in the weight and in the factors at time t."""
    _, last = solutions.between(instance, ctx)
    G, (top, Q_value) = solutions.gradient_at(instance, last, ctx), bound(instance, ctx)
    yield at_most(IN_WEIGHT, ctx.frobenius_norm(G), top)
    both = squared_norm(last[1].mT @ G) + squared_norm(G @ last[0].mT)
    yield at_most(IN_FACTORS, ctx.sqrt(both), top * Q_value)


def base_only(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The gradient at W0 claimed to be the largest."""
    _, last = solutions.between(instance, ctx)
    base = problem_loss(instance, ctx).gradient(instance.lift(ctx).W0, ctx)
    G = solutions.gradient_at(instance, last, ctx)
    yield at_most(IN_WEIGHT, ctx.frobenius_norm(G), ctx.frobenius_norm(base))


def nearly_attained(start: Fraction) -> Instance:
    """f = w^2/2 from w = start^2 for so short a time that both bounds are nearly attained."""
    return Instance(
        loss="trace-squared", W0=[[0]], A0=[[start]], B0=[[start]], s=0, t="1/1000", T="1/1000",
        floor=0, reach=start**2 / 40, Lf=1,
    )  # fmt: skip


def half_constant(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Half of the constant that goes with Lf, Lf Q^2/4."""
    _, last = solutions.between(instance, ctx)
    base = problem_loss(instance, ctx).gradient(instance.lift(ctx).W0, ctx)
    G, (top, _) = solutions.gradient_at(instance, last, ctx), bound(instance, ctx)
    yield at_most(IN_WEIGHT, ctx.frobenius_norm(G), (top + ctx.frobenius_norm(base)) / 2)


def half_radius(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Q/2 for the size of both factors, as if they were averaged."""
    _, last = solutions.between(instance, ctx)
    G, (top, Q_value) = solutions.gradient_at(instance, last, ctx), bound(instance, ctx)
    both = squared_norm(last[1].mT @ G) + squared_norm(G @ last[0].mT)
    yield at_most(IN_FACTORS, ctx.sqrt(both), top * Q_value / 2)


def start_of_one(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The start of B alone in Q."""
    _, last = solutions.between(instance, ctx)
    x = instance.lift(ctx)
    base = problem_loss(instance, ctx).gradient(x.W0, ctx)
    Q_of_one = ctx.frobenius_norm(x.B0) + x.reach
    G = solutions.gradient_at(instance, last, ctx)
    top = ctx.frobenius_norm(base) + x.Lf * Q_of_one**2 / 2
    yield at_most(IN_WEIGHT, ctx.frobenius_norm(G), top)


def strictly(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The bound in the factors claimed never to be attained."""
    for c in check(instance, ctx):
        yield below(c.label, c.left, c.right)


def draw(source: Draw, regime: str) -> Instance:
    """A problem from time 0, looked at up to a little beyond t."""
    if regime == ATTAINED:
        return nearly_attained(ratio(source, 1, 40, 20)).replace(regimes=(regime,))
    problem = existence.draw(source, regime)
    end = problem.t * (1 + ratio(source, 0, 2, 2))
    level = existence.level(problem) - problem.floor
    smooth = Fraction(len(problem.W0) if problem.loss == "trace-squared" else 1)
    return problem.replace(T=end, reach=up(end * level) + Fraction(1, 8), Lf=smooth)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """As for existence, with the Lipschitz constant."""
    return {**existence.interpret(instance, ctx), Lf: ctx.number(instance.Lf)}


FAST = Instance(
    loss="concave-square", W0=[[0]], A0=[[1]], B0=[[1]], s=0, t="49/100", T="49/100",
    floor=-10, reach=3, Lf=1,
)  # fmt: skip
BEYOND = FAST.replace(T="1/1000", floor=-2000, reach="3/2")
FLAT = Instance(
    loss="trace-squared", W0=[[1, 0], [0, -1]], A0=[[4, 0]], B0=[[4], [0]], s=0, t="1/1000",
    T="1/1000", floor=0, reach="1/2", Lf="1/100",
)  # fmt: skip
AT_ONCE: dict[str, Any] = {"t": "1/100000000", "T": "1/100000000"}
AT_REST = nearly_attained(Fraction(0)).replace(A0=[[0]], B0=[[0]], reach=0)
ONE_SMALL = nearly_attained(Fraction(1)).replace(A0=[[2]], B0=[["1/100"]])
claim = Claim(
    name="rushka-klabjan/bounded-gradient",
    title="The gradient is bounded on a finite interval",
    source=Source("rushka-klabjan", "Remark 1.6", "reconstructed", "summary"),
    statement=(
        r"Let $f \ge f_*$ be continuously differentiable, $Q = \|\theta(0)\| + "
        r"\sqrt{T (g(0) - f_*)}$ and $\nabla f$ be $L_f$-Lipschitz where "
        r"$\|W - W_0\|_F \le \tfrac12 Q^2$. Then along the LoRA flow "
        r"$\|\nabla f(W(t))\|_F \le \|\nabla f(W_0)\|_F + \tfrac12 L_f Q^2$ for $0 \le t \le T$, "
        r"and $\|(B^\top G, G A^\top)\|_F$ is at most $Q$ times that."
    ),
    assumptions=(existence.flow, existence.bounded_below, reach, lipschitz, signs),
    instances=Instances(draw, REGIMES),
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(existence.bounded_below, (FAST,), "f = -w^2/2 runs away before t = 1/2"),
        Control(reach, (BEYOND,), "beyond the interval that the constant is for"),
        Control(lipschitz, (FLAT,), "a Lipschitz constant that is too small"),
        Control(
            None,
            (FLAT.replace(Lf=2, reach=1),),
            "the gradient at W0 claimed to be the largest",
            base_only,
        ),
        Control(
            None,
            (
                nearly_attained(Fraction(1)),
                nearly_attained(Fraction(1, 4)),
                nearly_attained(Fraction(1)).replace(**AT_ONCE, reach="1/10000"),
            ),
            "half of the constant that goes with Lf",
            half_constant,
        ),
        Control(
            None,
            (nearly_attained(Fraction(1)),),
            "half of Q for the size of the factors",
            half_radius,
        ),
        Control(None, (ONE_SMALL,), "the start of B alone in Q", start_of_one),
        Control(None, (AT_REST,), "bounds that are never attained: at rest at 0", strictly),
    ),
    arithmetics=("ball", "multiprecision"),
    note="The constant grows linearly in T; nothing uniform in time follows.",
)
