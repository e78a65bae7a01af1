"""How fast the Frobenius flow leaves a point that misses a singular direction, once pushed.

Let (u, v, q) be a mode with numbers a and b, and (y, z) a singular pair of E that no factor sees,
with singular value t. The push A + x q z', B + w y q' is the only way to couple q to the pair, and
to first order x' = t w - b^2 x, w' = t x - a^2 w. The growth g is a root of
(g + a^2)(g + b^2) = t^2, that is g = -(a^2 + b^2)/2 +- sqrt(D^2/4 + t^2), D = a^2 - b^2; at the
end of the mode ab = s, so (a^2 + b^2)/2 = sqrt(D^2/4 + s^2). It is positive exactly for t > s. A
mode with a = b = 0 has g = t.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison, at_most, below, equal
from lora_proofs.claims.rushka_klabjan.frobenius import decoupling
from lora_proofs.claims.rushka_klabjan.frobenius.decoupling import (
    AV,
    AZ,
    BQ,
    EZ,
    QA,
    UB,
    YB,
    YE,
    E,
    a,
    b,
    q,
    tau,
    y,
    z,
)
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.flows import lora_vector_field
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.mathematics.notation import A, B
from lora_proofs.mathematics.words import Named, Relation, Scalar, Word, Zero, along
from lora_proofs.strategies.draw import Draw, fraction, ratio
from lora_proofs.symbolic.steps import Step, assumed, identity

x, w = Scalar("x"), Scalar("w")
g = Scalar("g")
PUSH: dict[Any, Word] = {A: x * (q @ z.T), B: w * (y @ q.T)}
FIELD_A, FIELD_B = B.T @ (E - B @ A), (E - B @ A) @ A.T
SIZE = Named("a^2 + b^2", a**2 + b**2)
DIFFERENCE = Named("D", a**2 - b**2)
ROOT = Relation(g**2, "=", tau**2 - a**2 * b**2 - (a**2 + b**2) * g)

OF_A, OF_B = "rate of the push in A", "rate of the push in B"
EIGEN, GROWTH, OWN = "eigenvector", "growth", "(a^2 + b^2)^2"
CONCLUSION = (
    Relation(along(FIELD_A, PUSH), "=", (tau * w - b**2 * x) * (q @ z.T), OF_A),
    Relation(along(FIELD_B, PUSH), "=", (tau * x - a**2 * w) * (y @ q.T), OF_B),
    Relation(tau * tau - a**2 * (g + b**2), "=", g * (g + b**2), EIGEN),
    Relation((2 * g + SIZE) ** 2, "=", DIFFERENCE**2 + 4 * tau**2, GROWTH),
    Relation(SIZE**2, "=", DIFFERENCE**2 + 4 * (a * b) ** 2, OWN),
)
PRODUCTS: tuple[tuple[Word, Word, tuple[Relation, ...]], ...] = (
    (q @ y.T @ E, tau * (q @ z.T), (YE,)),
    (B.T @ B @ q, b**2 * q, (BQ, UB)),
    (E @ z, tau * y, (EZ,)),
    (q.T @ A @ A.T, a**2 * q.T, (QA, AV)),
    (y.T @ B, Zero(1, "r"), (YB,)),
    (A @ z, Zero("r", 1), (AZ,)),
)


def derive() -> Iterator[Step]:
    """The products of the linearised field, the field, then the characteristic equation."""
    used = {r: assumed("mode", r, "the triple is a mode") for r in (BQ, UB, QA, AV)}
    used |= {r: assumed("unseen", r, "the pair is not seen") for r in (YE, EZ, YB, AZ)}
    yield from used.values()
    found = [
        identity(left, right, "one relation after the other", given=tuple(used[r] for r in by))
        for left, right, by in PRODUCTS
    ]
    yield from found
    yield (root := assumed("root", ROOT, "the characteristic equation"))
    of_a, of_b, eigen, growth, own = CONCLUSION
    in_a, in_b = (found[0], found[1], found[4]), (found[2], found[3], found[4], found[5])
    yield identity(of_a.left, of_a.right, "product rule", given=in_a, label=OF_A)
    yield identity(of_b.left, of_b.right, "product rule", given=in_b, label=OF_B)
    yield identity(eigen.left, eigen.right, "w = g + b^2, x = t", given=(root,), label=EIGEN)
    yield identity(growth.left, growth.right, "complete the square", given=(root,), label=GROWTH)
    yield identity(own.left, own.right, "expand", label=OWN)


REGIMES = (
    "larger",
    "smaller",
    "tie",
    "a = b",
    "b = 0",
    "zero row and column",
    "r = 1",
    "the negative root",
)


def draw(source: Draw, regime: str) -> Instance:
    """a and b rational, and a rational t for which the root is rational."""
    a_, b_ = (Fraction(source.integer(1, 8), source.integer(1, 4)) for _ in range(2))
    if regime in ("b = 0", "zero row and column"):
        b_ = Fraction(0)
    if regime == "zero row and column":
        a_ = Fraction(0)
    if regime == "a = b":
        b_ = a_
    half, middle = (a_**2 - b_**2) / 2, (a_**2 + b_**2) / 2
    k = (a_ + b_) ** 2 / 2  # the value for which t = ab; larger ones give a larger t
    if regime == "smaller":
        # t = (k^2 - h^2)/(2k) is 0 at k = |h| and ab at (a + b)^2/2.
        share = ratio(source, 1, 3, 4)
        k = abs(half) + share * (k - abs(half))
    elif regime != "tie":
        k += ratio(source, 1, 8, 2)
    t, radius = (k**2 - half**2) / (2 * k), (k**2 + half**2) / (2 * k)
    growth = -middle + (-radius if regime == "the negative root" else radius)
    numbers = {"sigma": a_ * b_, "tau": t, "a": a_, "b": b_}
    shape = (source.integer(3, 4), 3, 1 if regime == "r = 1" else source.integer(2, 3))
    problem = decoupling.around(source, shape, numbers, alone=False)
    push = {"x": fraction(source, size=2) or 1, "w": fraction(source, size=2) or 1}
    return problem.replace(regimes=(regime,), g=growth, **push)


INSTANCES = Instances(draw, REGIMES)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The symbols are fields of the instance."""
    lifted = instance.lift(ctx)
    return {s: getattr(lifted, s.name) for s in (*decoupling.SYMBOLS, x, w, g)}


def is_root(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """(g + a^2)(g + b^2) = t^2."""
    k = instance.lift(ctx)
    square = (k.g + k.a**2) * (k.g + k.b**2)
    yield equal("(g + a^2)(g + b^2)", square, k.tau**2)


root = Assumption(
    "root",
    r"$\gamma^2 + (a^2 + b^2)\gamma + a^2 b^2 = \tau^2$",
    is_root,
    relations=(ROOT,),
)


def linearised(instance: Instance, ctx: Arithmetic) -> tuple[Any, Any]:
    """The derivative of the hand-written field along the push: it is a cubic, so differences do.

    With f of degree 3, (f(h) - f(-h))/2 = h f' + h^3 f'''/6, at h = 1 and h = 2.
    """
    k = instance.lift(ctx)
    dA, dB = k.x * (k.q @ k.z.mT), k.w * (k.y @ k.q.mT)

    def field(step: int) -> tuple[Any, Any]:
        at = (0 * k.E, k.A + step * dA, k.B + step * dB)
        return lora_vector_field(frobenius(k.E), *at, ctx)

    sixth = ctx.number(Fraction(1, 12))
    found = []
    for one, minus, two, less in zip(*(field(s) for s in (1, -1, 2, -2)), strict=True):
        found.append(sixth * (8 * (one - minus) - (two - less)))
    return found[0], found[1]


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The derivative of the field along the push, and the root."""
    k = instance.lift(ctx)
    in_A, in_B = linearised(instance, ctx)
    yield equal(OF_A, in_A, (k.tau * k.w - k.b**2 * k.x) * (k.q @ k.z.mT))
    yield equal(OF_B, in_B, (k.tau * k.x - k.a**2 * k.w) * (k.y @ k.q.mT))
    yield equal(EIGEN, k.tau**2 - k.a**2 * (k.g + k.b**2), k.g * (k.g + k.b**2))
    size, difference = k.a**2 + k.b**2, k.a**2 - k.b**2
    yield equal(GROWTH, (2 * k.g + size) ** 2, difference**2 + 4 * k.tau**2)
    yield equal(OWN, size**2, difference**2 + 4 * (k.a * k.b) ** 2)
    if 2 * k.g + size > 0:
        same = k.g * (k.tau - k.a * k.b)
        yield at_most("measured: the growth has the sign of t - ab", 0, same)


def growth(a_squared: Any, b_squared: Any, t: Any, ctx: Arithmetic) -> Any:
    """The larger root: sqrt(D^2/4 + t^2) - (a^2 + b^2)/2."""
    half = ctx.number(Fraction(1, 2))
    D = half * (a_squared - b_squared)
    return ctx.sqrt(D * D + t * t) - half * (a_squared + b_squared)


def without_D(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The growth t - s, which holds for a = b alone."""
    k = instance.lift(ctx)
    yield equal("g = t - ab", k.g, k.tau - k.a * k.b)


def same_decay(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """a^2 and b^2 exchanged in the linearised field."""
    k = instance.lift(ctx)
    in_A, _ = linearised(instance, ctx)
    yield equal("x' = t w - a^2 x", in_A, (k.tau * k.w - k.a**2 * k.x) * (k.q @ k.z.mT))


def never_leaves(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Such points claimed to be stable."""
    yield below("the growth", instance.lift(ctx).g, 0)


NUMBERS: dict[str, Any] = {"a": 1, "b": 1, "sigma": 1, "tau": 2, "g": 1, "x": 1, "w": 1}
PLACES: dict[str, Any] = {
    "u": [[1], [0]],
    "v": [[1], [0]],
    "y": [[0], [1]],
    "z": [[0], [1]],
    "q": [[1]],
}
EXAMPLE = Instance(E=[[1, 0], [0, 2]], A=[[1, 0]], B=[[1], [0]], **PLACES, **NUMBERS)
TURNED = EXAMPLE.replace(A=[[2, 0]])
SEEN = EXAMPLE.replace(E=[[1, 0], [0, 3]])
OFF = EXAMPLE.replace(g=2)
UNEQUAL = EXAMPLE.replace(A=[[4, 0]], B=[[1], [0]], a=4, sigma=4, E=[[4, 0], [0, 10]], tau=10, g=4)


claim = Claim(
    name="rushka-klabjan/frobenius-escape-rates",
    title="How fast the flow leaves a point that misses a direction",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Let $(u, v, q)$ be a mode with numbers $a$, $b$ and $(y, z)$ a singular pair of $E = Y - "
        r"W_0$ with singular value $\tau$ that no factor sees. The derivative of the field of the "
        r"LoRA gradient flow of $\tfrac12\|W - Y\|_F^2$ along the push $x\, q z^\top$ in $A$, $w\, "
        r"y q^\top$ in $B$ is $(\tau w - b^2 x)\, q z^\top$ in $A$ and $(\tau x - a^2 w)\, y "
        r"q^\top$ in $B$. So for a root $\gamma$ of $\gamma^2 + (a^2 + b^2)\gamma + a^2 b^2 = "
        r"\tau^2$ the push $x = \tau$, $w = \gamma + b^2$ grows to first order at the rate "
        r"$\gamma$, where $(2\gamma + a^2 + b^2)^2 = D^2 + 4\tau^2$, $D = a^2 - b^2$, and $(a^2 + "
        r"b^2)^2 = D^2 + 4(ab)^2$. Hence the larger $\gamma$ is $\sqrt{D^2/4 + \tau^2} - "
        r"\sqrt{D^2/4 + \sigma^2}$ where the mode has reached $ab = \sigma$, and $\tau$ where $a = "
        r"b = 0$."
    ),
    assumptions=(decoupling.is_a_mode, decoupling.unseen, root),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(decoupling.is_a_mode, (TURNED,), "a mode with another a than it is said to have"),
        Control(decoupling.unseen, (SEEN,), "another singular value than it is said to have"),
        Control(root, (OFF,), "a growth that is no root"),
        Control(None, (UNEQUAL,), "the growth t - s, without D", without_D),
        Control(None, (UNEQUAL,), "a^2 and b^2 exchanged", same_decay),
        Control(None, (EXAMPLE,), "a point that misses a larger direction is stable", never_leaves),
    ),
)
