"""Both factors are bounded by their product and by the conserved difference B'B - AA'.

With D = B'B - AA', x = ||B||_2^2 and B B'B B' = (BA)(BA)' + B D B': x^2 <= ||BA||_2^2 + ||D||_2 x,
so (x - d/2)^2 <= d^2/4 + p^2 for d >= ||D||_2 and p >= ||BA||_2, that is x <= (d + sqrt(d^2 +
4 p^2))/2. With A'A A'A = (BA)'(BA) - A'DA the same holds for ||A||_2^2.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, at_most, squared_norm
from lora_proofs.claims.rushka_klabjan.discretisation.limit_runs import norm_at_most, up
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.language.lemmas.flows import (
    FOURTH_LEFT,
    FOURTH_RIGHT,
    GRAM_LEFT,
    GRAM_RIGHT,
    LEFT,
    PRODUCT,
    RIGHT,
)
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.limit_constants import operator
from lora_proofs.mathematics.notation import A, B
from lora_proofs.mathematics.words import Relation, Scalar, Word, word
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.problems import lora_problem
from lora_proofs.symbolic.steps import Lemma, Step, assumed, cited, inequality

REGIMES = (
    "generic", "zero B0", "zero A0", "rank deficient", "r = 1", "r = min(n, m)", "r > min(n, m)",
    "cone", "orthonormal rows", "tiny scale", "huge scale",
)  # fmt: skip
DIFFERENCE = B.T @ B - A @ A.T
d, p = Scalar("d", nonnegative=True), Scalar("p", nonnegative=True)
s = Scalar("s", nonnegative=True)
ON_B, ON_A = "||B||_2^2", "||A||_2^2"
ROOT = Relation(d**2 / 4 + p**2, "<=", s**2 / 4)
BOUNDS = (Relation(operator(DIFFERENCE), "<=", d), Relation(operator(B @ A), "<=", p))
CONCLUSION = tuple(
    Relation(operator(X) ** 2, "<=", (d + s) / 2, label) for X, label in ((B, ON_B), (A, ON_A))
)


WHY = "a product is bounded by its factors"


def middle(X: Word, lemmas: tuple[Lemma, Lemma], D: Word) -> Iterator[Step]:
    """The fourth power of ||X||, the square of ||BA||, and what D adds between them."""
    fourth_lemma, gram = lemmas
    yield (fourth := cited(fourth_lemma, "a Gram matrix, twice", substitution=_put(X)))
    yield (square := cited(gram, "a Gram matrix", substitution={PRODUCT: B @ A}))
    assert fourth.relation and square.relation
    left, inside = (D @ B.T, B @ D @ B.T) if X is B else (D @ A, A.T @ D @ A)
    whole, outer, inner = fourth.relation.right, square.relation.left, operator(inside)
    yield inequality(whole, outer + inner, "B'B = AA' + D in the middle", rule="triangle")
    right = operator(left) * operator(X)
    yield inequality(inner, right, WHY, rule="submultiplicative")
    right = operator(D) * operator(X)
    yield inequality(operator(left), right, WHY, rule="submultiplicative")


def _put(X: Word) -> dict[Word, Word]:
    return {LEFT: B} if X is B else {RIGHT: A}


def quadratic(X: Word, steps: list[Step], given: tuple[Step, Step, Step]) -> Iterator[Step]:
    """Solve x^2 <= p^2 + d x for x = ||X||^2, up to the last line."""
    fourth, square, split, one, two = steps
    on_D, on_BA, root = given
    x = operator(X) ** 2
    assert split.relation
    used = (split, square, one, two, on_D, on_BA)
    yield (main := inequality(
        split.relation.left, p**2 + d * x, "bound the middle", rule="combine", uses=used
    ))  # fmt: skip
    square_of = (x - d / 2) ** 2
    uses = (fourth, main)
    yield (whole := inequality(
        square_of, d**2 / 4 + p**2, "complete the square", rule="combine", uses=uses
    ))  # fmt: skip
    uses = (whole, root)
    yield (under := inequality(square_of, s**2 / 4, "chain", rule="combine", uses=uses))
    yield inequality(x - d / 2, s / 2, "take roots", rule="square root", uses=(under,))


def derive() -> Iterator[Step]:
    """Both factors in the same way."""
    on_D, on_BA = (assumed("bounds", r, "granted by bounds") for r in BOUNDS)
    yield from (on_D, on_BA)
    yield (root := assumed("root", ROOT, "s is that large"))
    for_B = list(middle(B, (FOURTH_LEFT, GRAM_LEFT), DIFFERENCE))
    for_A = list(middle(A, (FOURTH_RIGHT, GRAM_RIGHT), -DIFFERENCE))
    ends = []
    for X, steps in ((B, for_B), (A, for_A)):
        found = list(quadratic(X, steps, (on_D, on_BA, root)))
        yield from (*steps, *found)
        ends.append(found[-1])
    for relation, near in zip(CONCLUSION, ends, strict=True):
        yield inequality(
            relation.left, relation.right, "solve for x", rule="combine", uses=(near,),
            label=relation.label,
        )  # fmt: skip


def bounds_hold(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """||D||_2 <= d and ||BA||_2 <= p."""
    x = instance.lift(ctx)
    yield norm_at_most("||B'B - AA'||_2", x.B0.mT @ x.B0 - x.A0 @ x.A0.mT, x.d, ctx)
    yield norm_at_most("||BA||_2", x.B0 @ x.A0, x.p, ctx)


def root_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """s^2 >= d^2 + 4 p^2, and none of them is negative."""
    x = instance.lift(EXACT)
    yield at_most("d^2 + 4 p^2 against s^2", x.d**2 + 4 * x.p**2, x.s**2)
    for name in ("d", "p", "s"):
        yield at_least(name, getattr(x, name), 0)


bounds = Assumption(
    "bounds",
    r"$\|B^\top B - A A^\top\|_2 \le d$ and $\|BA\|_2 \le p$",
    bounds_hold,
    relations=BOUNDS,
)
root = Assumption(
    "root",
    r"$d, p, s \ge 0$ and $s^2 \ge d^2 + 4p^2$",
    root_holds,
    technical="they name bounds and a root",
    relations=(ROOT, *(Relation(word(0), "<=", c) for c in (d, p, s))),
)


def squares(instance: Instance, ctx: Arithmetic) -> Iterator[tuple[str, Any]]:
    """The squared operator norms of both factors."""
    x = instance.lift(ctx)
    for label, X in ((ON_B, x.B0), (ON_A, x.A0)):
        yield label, ctx.operator_norm(X) ** 2


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Both squared norms against (d + s)/2."""
    bound = ctx.number((instance.d + instance.s) / 2)
    for label, value in squares(instance, ctx):
        yield at_most(label, value, bound)


def product_only(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The bound by the product alone."""
    for label, value in squares(instance, ctx):
        yield at_most(f"{label} against ||BA||_2", value, ctx.number(instance.p))


def without_four(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The root of d^2 + p^2."""
    d_, p_ = (ctx.number(x) for x in (instance.d, instance.p))
    for label, value in squares(instance, ctx):
        yield at_most(label, value, (d_ + ctx.sqrt(d_**2 + p_**2)) / 2)


def draw(source: Draw, regime: str) -> Instance:
    """Factors of a regime, with bounds a little above the Frobenius norms of D and BA."""
    problem = lora_problem(source, regime, loss="frobenius")
    x = problem.lift(EXACT)
    A0, B0 = x.A0, x.B0
    more = Fraction(1, source.choice((8, 64, 1024)))
    d_ = up(squared_norm(B0.mT @ B0 - A0 @ A0.mT), grain=64) + more
    p_ = up(squared_norm(B0 @ A0), grain=64) + more
    s_ = up(d_**2 + 4 * p_**2, grain=64) + more
    return Instance(regimes=(regime,), A0=A0, B0=B0, d=d_, p=p_, s=s_)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The factors and the three bounds."""
    x = instance.lift(ctx)
    return {A: x.A0, B: x.B0, d: x.d, p: x.p, s: x.s}


BALANCED = Instance(A0=[[2]], B0=[[2]], d=0, p=4, s=8)
WIDE = Instance(A0=[[0]], B0=[[2]], d=4, p=0, s=4)
LOOSE = Instance(A0=[[2]], B0=[[2]], d=0, p=1, s=2)

claim = Claim(
    name="rushka-klabjan/norm-bounds",
    title="The factors are bounded by their product and their balance",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"If $\|B^\top B - A A^\top\|_2 \le d$ and $\|BA\|_2 \le p$, then $\max(\|A\|_2^2, "
        r"\|B\|_2^2) \le \tfrac12 \bigl(d + \sqrt{d^2 + 4 p^2}\bigr)$."
    ),
    assumptions=(bounds, root),
    instances=Instances(draw, REGIMES),
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(bounds, (LOOSE,), "a bound on the product that is too small"),
        Control(None, (WIDE,), "the balance is left out", product_only),
        Control(None, (BALANCED,), "the factor 4 is left out", without_four),
    ),
    arithmetics=("ball", "multiprecision"),
    note=(
        "Along the LoRA flow the difference, and with it d, is a constant of the start (the claim "
        "classical/balancedness): bounded products then bound the factors for all time."
    ),
)
