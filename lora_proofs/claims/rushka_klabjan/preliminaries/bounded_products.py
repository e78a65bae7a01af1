"""Bounded factors have bounded products, and products that move no more than the factors do.

With ||A||_2, ||A~||_2 <= RA and ||B||_2, ||B~||_2 <= RB: ||BA||_2 <= RA RB, so the weight stays
within ||W0||_2 + RA RB, and ||BA - B~A~||_F <= RA ||B - B~||_F + RB ||A - A~||_F, because
BA - B~A~ = (B - B~) A + B~ (A - A~).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, at_most, squared_norm
from lora_proofs.claims.rushka_klabjan.discretisation.limit_runs import norm_at_most, up
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.limit_constants import RA, RB, frobenius, operator
from lora_proofs.mathematics.notation import W0, A, B
from lora_proofs.mathematics.words import Relation, Symbol, word
from lora_proofs.strategies.draw import Draw, ratio
from lora_proofs.strategies.problems import lora_problem
from lora_proofs.symbolic.steps import Step, assumed, inequality

REGIMES = (
    "generic", "zero B0", "zero A0", "rank deficient", "r = 1", "r = min(n, m)", "r > min(n, m)",
    "zero W0", "tiny scale", "huge scale",
)  # fmt: skip
A_OTHER, B_OTHER = (
    Symbol("A~", "r", "m", latex=r"\tilde A"),
    Symbol("B~", "n", "r", latex=r"\tilde B"),
)
PRODUCT, WEIGHT, CHANGE = "||BA||_2", "||W0 + BA||_2", "||BA - B~A~||_F"
BOUNDS = tuple(
    Relation(operator(X), "<=", R) for X, R in ((A, RA), (B, RB), (A_OTHER, RA), (B_OTHER, RB))
)
CONCLUSION = (
    Relation(operator(B @ A), "<=", RA * RB, PRODUCT),
    Relation(operator(W0 + B @ A), "<=", operator(W0) + RA * RB, WEIGHT),
    Relation(
        frobenius(B @ A - B_OTHER @ A_OTHER),
        "<=",
        RA * frobenius(B - B_OTHER) + RB * frobenius(A - A_OTHER),
        CHANGE,
    ),
)


def derive() -> Iterator[Step]:
    """Products, then the weight, then the change of the product."""
    bounds = [assumed("bounded_factors", r, "granted by bounded_factors") for r in BOUNDS]
    yield from bounds
    on_A, on_B, _, on_B_other = bounds
    why = "a product is bounded by its factors"
    yield (
        split := inequality(
            operator(B @ A), operator(B) * operator(A), why, rule="submultiplicative"
        )
    )
    yield (weight := inequality(
        operator(W0 + B @ A), operator(W0) + operator(B @ A), "two terms", rule="triangle"
    ))  # fmt: skip
    left, change_A, change_B = CONCLUSION[2].left, A - A_OTHER, B - B_OTHER
    first, second = frobenius(change_B @ A), frobenius(B_OTHER @ change_A)
    yield (mixed := inequality(left, first + second, "add and subtract B~A", rule="triangle"))
    yield (one := inequality(
        first, frobenius(change_B) * operator(A), why, rule="submultiplicative"
    ))  # fmt: skip
    yield (two := inequality(
        second, operator(B_OTHER) * frobenius(change_A), why, rule="submultiplicative"
    ))  # fmt: skip
    chains = ((split, on_B, on_A), (weight, split, on_B, on_A), (mixed, one, two, on_A, on_B_other))
    for relation, uses in zip(CONCLUSION, chains, strict=True):
        yield inequality(
            relation.left, relation.right, "bound the factors", rule="combine", uses=uses,
            label=relation.label,
        )  # fmt: skip


def bounded_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The four operator norms against their bounds."""
    x = instance.lift(ctx)
    for name, X, R in (
        ("A", x.A0, x.RA),
        ("B", x.B0, x.RB),
        ("A~", x.A1, x.RA),
        ("B~", x.B1, x.RB),
    ):
        yield norm_at_most(f"||{name}||_2", X, R, ctx)


def signs_hold(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """RA, RB >= 0."""
    yield at_least("RA", EXACT.number(instance.RA), 0)
    yield at_least("RB", EXACT.number(instance.RB), 0)


bounded_factors = Assumption(
    "bounded_factors",
    r"$\|A\|_2, \|\tilde A\|_2 \le R_A$ and $\|B\|_2, \|\tilde B\|_2 \le R_B$",
    bounded_holds,
    relations=BOUNDS,
)
signs = Assumption(
    "signs",
    r"$R_A, R_B \ge 0$",
    signs_hold,
    technical="they bound norms, so they cannot be negative",
    relations=(Relation(word(0), "<=", RA), Relation(word(0), "<=", RB)),
)


def sides(instance: Instance, ctx: Arithmetic) -> Iterator[tuple[str, Any, Any]]:
    """The label and both sides of each conclusion."""
    x = instance.lift(ctx)
    product = x.B0 @ x.A0
    yield PRODUCT, ctx.operator_norm(product), x.RA * x.RB
    yield WEIGHT, ctx.operator_norm(x.W0 + product), ctx.operator_norm(x.W0) + x.RA * x.RB
    change = x.RA * ctx.frobenius_norm(x.B0 - x.B1) + x.RB * ctx.frobenius_norm(x.A0 - x.A1)
    yield CHANGE, ctx.frobenius_norm(product - x.B1 @ x.A1), change


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The three bounds."""
    for label, left, right in sides(instance, ctx):
        yield at_most(label, left, right)


def larger_radius(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The larger of the two bounds in place of their product."""
    x = instance.lift(ctx)
    top = max(instance.RA, instance.RB)
    yield at_most("||BA||_2 against max(RA, RB)", ctx.operator_norm(x.B0 @ x.A0), ctx.number(top))


def one_change(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Only the change of B counted."""
    x = instance.lift(ctx)
    left = ctx.frobenius_norm(x.B0 @ x.A0 - x.B1 @ x.A1)
    yield at_most("||BA - B~A~||_F", left, x.RA * ctx.frobenius_norm(x.B0 - x.B1))


def frobenius_of_weight(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The Frobenius norm of the weight against the operator norms."""
    x = instance.lift(ctx)
    top = ctx.operator_norm(x.W0) + x.RA * x.RB
    yield at_most("||W0 + BA||_F", ctx.frobenius_norm(x.W0 + x.B0 @ x.A0), top)


def draw(source: Draw, regime: str) -> Instance:
    """Two pairs of factors of a regime, with bounds a little above their Frobenius norms."""
    problem = lora_problem(source, regime, loss="frobenius")
    quarter = ratio(source, 1, 4, 4)
    # The second pair is a multiple of the first and a step away from it: B1 moves, A1 shrinks.
    factor = EXACT.number(source.choice((Fraction(1, 2), Fraction(-3, 4), Fraction(1))))
    x = problem.lift(EXACT)
    A1, B1 = factor * x.A0, x.B0 + EXACT.number(quarter) * (0 * x.B0 + 1)
    return problem.replace(
        A1=A1, B1=B1, RA=_above(x.A0, A1) + quarter, RB=_above(x.B0, B1) + quarter
    )


def _above(*matrices: Any) -> Fraction:
    """A rational bound of the Frobenius norms."""
    return max(up(squared_norm(X)) for X in matrices)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """Both pairs of factors and the bounds."""
    x = instance.lift(ctx)
    pairs = {A: x.A0, B: x.B0, A_OTHER: x.A1, B_OTHER: x.B1}
    return {**pairs, W0: x.W0, RA: x.RA, RB: x.RB}


def scalar(a: Any, b: Any, other: tuple[Any, Any], radius: tuple[Any, Any]) -> Instance:
    """An instance of numbers."""
    (a1, b1), (RA_, RB_) = other, radius
    return Instance(W0=[[0]], A0=[[a]], B0=[[b]], A1=[[a1]], B1=[[b1]], RA=RA_, RB=RB_)


I2 = [[1, 0], [0, 1]]
IDENTITIES = Instance(W0=I2, A0=I2, B0=I2, A1=I2, B1=I2, RA="9/8", RB="9/8")

claim = Claim(
    name="rushka-klabjan/bounded-products",
    title="Bounded factors have bounded products",
    source=Source("rushka-klabjan", "Remark 1.3", "reconstructed", "summary"),
    statement=(
        r"If $\|A\|_2, \|\tilde A\|_2 \le R_A$ and $\|B\|_2, \|\tilde B\|_2 \le R_B$, then "
        r"$\|BA\|_2 \le R_A R_B$, $\|W_0 + BA\|_2 \le \|W_0\|_2 + R_A R_B$ and "
        r"$\|BA - \tilde B \tilde A\|_F \le R_A \|B - \tilde B\|_F + R_B \|A - \tilde A\|_F$."
    ),
    assumptions=(bounded_factors, signs),
    instances=Instances(draw, REGIMES),
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(
            bounded_factors,
            (scalar(2, 1, (2, 1), (1, 1)),),
            "a factor twice as large as its bound",
        ),
        Control(
            None,
            (scalar(2, 2, (2, 2), (2, 2)),),
            "the larger bound in place of the product of the two",
            larger_radius,
        ),
        Control(
            None,
            (scalar(2, 1, (1, 1), (2, 1)),),
            "the change of A is left out",
            one_change,
        ),
        Control(
            None,
            (IDENTITIES,),
            "the Frobenius norm of the weight in place of the operator norm",
            frobenius_of_weight,
        ),
    ),
    arithmetics=("ball", "multiprecision"),
    note="Explicit constants are ours: the summary names the boundedness of products only.",
)
