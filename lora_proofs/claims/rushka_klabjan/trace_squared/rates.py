"""What the limit of the trace-squared LoRA flow rests on, for all shapes and every start.

Rates along A' = -T B', B' = -T A' (primes on the right are transposes), T = tr W, and the
inequality between the conserved product and the rate of T.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_proofs.mathematics import words
from lora_proofs.mathematics.notation import A_SQUARE as A
from lora_proofs.mathematics.notation import W0_SQUARE as W0
from lora_proofs.mathematics.notation import B, trace_squared_value
from lora_proofs.mathematics.words import Gradient, Named, Relation, Trace, Word, along, word
from lora_proofs.symbolic.steps import Step, identity, inequality

T = Named("T", Trace(W0 + B @ A))
FIELD: dict[object, Word] = {A: -(T * B.T), B: -(T * A.T)}
SUM, DIFFERENCE = A + B.T, A - B.T
SIZE = words.squared_norm(A) + words.squared_norm(B)
PRODUCT = words.squared_norm(SUM) * words.squared_norm(DIFFERENCE)

OF_T, OF_PRODUCT, OF_A = "rate of T", "rate of ||A + B'||^2 ||A - B'||^2", "rate of ||A||^2"
OF_SUM, OF_DIFFERENCE = "rate of A + B'", "rate of A - B'"
BOUND = "||A + B'||^2 ||A - B'||^2 against (||A||^2 + ||B||^2)^2"

CONCLUSION = (
    Relation(along(T, FIELD), "=", -(SIZE * T), OF_T),
    Relation(along(SUM, FIELD), "=", -(T * SUM), OF_SUM),
    Relation(along(DIFFERENCE, FIELD), "=", T * DIFFERENCE, OF_DIFFERENCE),
    Relation(along(PRODUCT, FIELD), "=", word(0), OF_PRODUCT),
    Relation(along(words.squared_norm(A), FIELD), "=", -(2 * T * Trace(B @ A)), OF_A),
    Relation(PRODUCT, "<=", SIZE**2, BOUND),
)
WHY = {
    OF_T: "product rule for W0 + BA, cyclic trace",
    OF_SUM: "A + B' = 0 stays, and scales by one factor",
    OF_DIFFERENCE: "A - B' = 0 stays, and scales by the reciprocal factor",
    OF_PRODUCT: "the two rates cancel",
    OF_A: "chain rule; on B = e A' the trace of BA is e ||A||^2",
}


def derive() -> Iterator[Step]:
    """The field, then its rates for every start."""
    loss = trace_squared_value(W0 + B @ A)
    yield identity(Gradient(loss, A), T * B.T, "the gradient in A: A' is its negative")
    yield identity(Gradient(loss, B), T * A.T, "the gradient in B: B' is its negative")
    for relation in CONCLUSION[:-1]:
        yield identity(relation.left, relation.right, WHY[relation.label], label=relation.label)
    yield inequality(
        PRODUCT,
        SIZE**2,
        "the difference is (2 tr(BA))^2",
        rule="sum of squares",
        squares=((1, 2 * Trace(B @ A)),),
        label=BOUND,
    )
