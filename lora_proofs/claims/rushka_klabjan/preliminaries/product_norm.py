"""The norm of the product: ||BA||_F is at most ||B||_2 ||A||_F, and half of ||A||^2 + ||B||^2.

An operator takes a column to one at most ||B||_2 times as long, and the squares of the columns add
up. The arithmetic mean is above the geometric one: ||B||_F ||A||_F <= (||A||_F^2 + ||B||_F^2)/2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_most, squared_norm
from lora_proofs.errors import Unavailable
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.matrices import squared_singular_values
from lora_proofs.mathematics.notation import A, B
from lora_proofs.mathematics.words import Norm, Relation, Word
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.problems import lora_problem
from lora_proofs.symbolic.steps import Step, inequality

REGIMES = (
    "generic", "zero B0", "zero A0", "rank deficient", "r = 1", "r = min(n, m)", "r > min(n, m)",
    "tiny scale", "huge scale", "cone", "orthonormal rows",
)  # fmt: skip
LEFT, RIGHT = "||BA||_F^2 against ||B||_2^2 ||A||_F^2", "||BA||_F^2 against ||B||_F^2 ||A||_2^2"
MEAN = "4 ||BA||_F^2 against (||A||_F^2 + ||B||_F^2)^2"


def norm(kind: str, X: Word) -> Norm:
    """The Frobenius or the operator norm of one matrix."""
    return Norm(kind, (X,))


P_F, A_F, B_F = (norm("F", X) for X in (B @ A, A, B))
A_2, B_2 = norm("2", A), norm("2", B)
SUM = A_F**2 + B_F**2
CONCLUSION = (
    Relation(P_F, "<=", B_2 * A_F, "||BA||_F against ||B||_2 ||A||_F"),
    Relation(P_F, "<=", B_F * A_2, "||BA||_F against ||B||_F ||A||_2"),
    Relation(P_F, "<=", SUM / 2, "||BA||_F against (||A||_F^2 + ||B||_F^2)/2"),
    Relation(P_F**2, "<=", (B_2 * A_F) ** 2, LEFT),
    Relation(P_F**2, "<=", (B_F * A_2) ** 2, RIGHT),
    Relation(4 * P_F**2, "<=", SUM**2, MEAN),
)


def derive() -> Iterator[Step]:
    """Products are bounded by their factors; the mean; then all of it squared."""
    why = "a product is bounded by its factors"
    factors = [
        inequality(r.left, r.right, why, rule="submultiplicative", label=r.label)
        for r in CONCLUSION[:2]
    ]
    yield (crude := inequality(P_F, B_F * A_F, why, rule="submultiplicative"))
    square = ((1, A_F - B_F),)
    yield (
        mean := inequality(
            2 * (B_F * A_F),
            SUM,
            "the difference is a square",
            rule="sum of squares",
            squares=square,
        )
    )
    whole, uses = CONCLUSION[2], (crude, mean)
    half = inequality(
        P_F, SUM / 2, "the mean of the squares", rule="combine", uses=uses, label=whole.label
    )
    plain = [*factors, half]
    yield from plain
    for step, relation in zip(plain, CONCLUSION[3:], strict=True):
        yield inequality(
            relation.left, relation.right, "squared", rule="combine", uses=(step,),
            label=relation.label,
        )  # fmt: skip


def squared_operator_norm(rows: Any, ctx: Arithmetic) -> Any:
    """||X||_2^2 of an exact matrix: exact where it is rational, so that equality is seen."""
    try:
        return squared_singular_values(rows, EXACT)[0][0]
    except Unavailable:
        return squared_singular_values(rows, ctx)[0][0]


def squares(instance: Instance, ctx: Arithmetic) -> tuple[Any, ...]:
    """The squares of ||BA||_F, ||A||_F, ||B||_F, ||A||_2 and ||B||_2."""
    x = instance.lift(EXACT)
    frobenius = (squared_norm(X) for X in (x.B0 @ x.A0, x.A0, x.B0))
    return (*frobenius, *(squared_operator_norm(X, ctx) for X in (x.A0, x.B0)))


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The bounds, squared."""
    p, a, b, a_2, b_2 = squares(instance, ctx)
    yield at_most(LEFT, p, b_2 * a)
    yield at_most(RIGHT, p, b * a_2)
    yield at_most(MEAN, 4 * p, (a + b) ** 2)


def both_operator(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Operator norms on both sides."""
    p, _, _, a_2, b_2 = squares(instance, ctx)
    yield at_most("||BA||_F^2 against ||B||_2^2 ||A||_2^2", p, b_2 * a_2)


def quarter(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A quarter of the sum of squares in place of the half."""
    p, a, b, _, _ = squares(instance, ctx)
    yield at_most("16 ||BA||_F^2 against (||A||_F^2 + ||B||_F^2)^2", 16 * p, (a + b) ** 2)


def per_rank(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A gain of 1/r for each of the r products that are summed."""
    p, a, _, _, b_2 = squares(instance, ctx)
    yield at_most("r ||BA||_F^2 against ||B||_2^2 ||A||_F^2", len(instance.A0) * p, b_2 * a)


def draw(source: Draw, regime: str) -> Instance:
    """The factors of a problem of a regime."""
    problem = lora_problem(source, regime, loss="frobenius", largest=4)
    return Instance(regimes=(regime,), A0=problem.A0, B0=problem.B0)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The two factors."""
    x = instance.lift(ctx)
    return {A: x.A0, B: x.B0}


UNIT = Instance(A0=[[1, 0], [0, 1]], B0=[[1, 0], [0, 1]])
ONE = Instance(A0=[[1]], B0=[[1]])

claim = Claim(
    name="rushka-klabjan/product-norm",
    title="The norm of the product of the factors",
    source=Source("rushka-klabjan", "Remark 1.1", "reconstructed", "summary"),
    statement=(
        r"$\|BA\|_F \le \|B\|_2 \|A\|_F$, $\|BA\|_F \le \|B\|_F \|A\|_2$ and "
        r"$\|BA\|_F \le \tfrac12 (\|A\|_F^2 + \|B\|_F^2)$, for all shapes."
    ),
    assumptions=(),
    instances=Instances(draw, REGIMES),
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(None, (UNIT,), "operator norms on both sides", both_operator),
        Control(None, (ONE,), "a quarter in place of the half", quarter),
        Control(None, (UNIT,), "a factor 1/r for the rank", per_rank),
    ),
    note="The check compares squares, which are rational on the left, so that equality is seen.",
)
