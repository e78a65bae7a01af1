"""From B0 = 0 the product bounds the factor: ||B(t)||_2^2 <= ||B(t) A(t)||_2 for all time.

Along the flow AA' = A0A0' + B'B, so (BA)(BA)' = (BB')(BB')' + (B A0)(B A0)'. A Gram matrix has at
most the norm of a sum with another one: ||B||_2^4 = ||BB'BB'||_2 <= ||BA||_2^2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison, at_most, below
from lora_proofs.claims.rushka_klabjan.rank import singular_values_grow as grow
from lora_proofs.claims.rushka_klabjan.rank.kernel_growth import A_START
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.language.lemmas import flows as lemmas
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.limit_constants import operator
from lora_proofs.mathematics.notation import A, B
from lora_proofs.mathematics.words import Relation
from lora_proofs.strategies.draw import Draw
from lora_proofs.symbolic.steps import Step, cited, identity, inequality

LABEL = "||B||_2^2 against ||BA||_2"
CONCLUSION = Relation(operator(B) ** 2, "<=", operator(B @ A), LABEL)


def derive() -> Iterator[Step]:
    """The Gram matrix of BA, and its norm."""
    steps = list(grow.gram_steps())
    yield from steps
    product, root = B @ A, B @ B.T
    whole, part = product @ product.T, root @ root.T
    rest = (B @ A_START) @ (B @ A_START).T
    why = "AA' = A0A0' + B'B in the middle"
    yield (total := identity(whole, part + rest, why, given=(steps[-1],)))
    yield (
        below := cited(
            lemmas.GRAM_SUM,
            "one part of the sum",
            substitution={
                lemmas.WHOLE: whole,
                lemmas.ROOT: root,
                lemmas.PRODUCT: B @ A_START,
            },
            discharged_by={"sum": total},
        )
    )
    fourth = cited(lemmas.FOURTH_LEFT, "a Gram matrix, twice", substitution={lemmas.LEFT: B})
    square = cited(lemmas.GRAM_LEFT, "a Gram matrix", substitution={lemmas.PRODUCT: product})
    yield from (fourth, square)
    chain = (fourth, below, square)
    top = operator(product) ** 2
    yield (power := inequality(operator(B) ** 4, top, "chain", rule="combine", uses=chain))
    yield inequality(
        operator(B) ** 2, operator(product), "take roots", rule="square root", uses=(power,),
        label=LABEL,
    )  # fmt: skip


def norms(instance: Instance, ctx: Arithmetic) -> tuple[Any, Any, Any]:
    """The operator norms of A, B and BA at time t."""
    A_now, B_now = grow.factors(instance, ctx)
    return ctx.operator_norm(A_now), ctx.operator_norm(B_now), ctx.operator_norm(B_now @ A_now)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """||B||_2^2 against ||BA||_2."""
    _, b, product = norms(instance, ctx)
    yield at_most(LABEL, b**2, product)


def other_factor(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A in place of B."""
    a, _, product = norms(instance, ctx)
    yield at_most("||A||_2^2 against ||BA||_2", a**2, product)


def twice(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A factor of 2 more."""
    _, b, product = norms(instance, ctx)
    yield at_most("2 ||B||_2^2 against ||BA||_2", 2 * b**2, product)


def strictly(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The bound claimed never to be attained."""
    _, b, product = norms(instance, ctx)
    yield below(LABEL, b**2, product)


def draw(source: Draw, regime: str) -> Instance:
    """A start with B0 = 0, as for the singular values of A."""
    return grow.draw(source, regime)


# ||B||^2 / ||BA|| = tanh tau for numbers, with y = e^tau.
SMALL_A = Instance(loss="trace-squared", W0=[[4]], A0=[["1/100"]], B0=[[0]], y=100, k=1)
REST = Instance(loss="frobenius", W0=[[0]], Y=[[1]], A0=[[0]], B0=[[0]], t=1, k=1)
ZERO_A = Instance(loss="trace-squared", W0=[[1]], A0=[["1/4"]], B0=[[1]], y="5/4", k=1)

claim = Claim(
    name="rushka-klabjan/norm-bound-from-zero",
    title="From B0 = 0 the product bounds B",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Along the LoRA gradient flow of any differentiable loss from $B_0 = 0$, "
        r"$\|B(t)\|_2^2 \le \|B(t) A(t)\|_2$ for all $t \ge 0$."
    ),
    assumptions=(grow.flow, grow.zero_B0),
    instances=Instances(draw, grow.REGIMES),
    check=check,
    conclusion=(CONCLUSION,),
    derive=derive,
    interpret=grow.interpret,
    controls=(
        Control(grow.zero_B0, (ZERO_A,), "from a large B0 and a small A0"),
        Control(None, (grow.ZERO_B,), "A in place of B", other_factor),
        Control(None, (SMALL_A, grow.ZERO_B), "a factor of 2 more", twice),
        Control(None, (REST,), "a strict bound: where nothing moves both sides are 0", strictly),
    ),
    arithmetics=("ball", "multiprecision"),
    note="So where the loss bounds the product, B is bounded, and A by AA' = A0A0' + B'B.",
)
