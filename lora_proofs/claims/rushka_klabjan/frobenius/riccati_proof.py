"""The Riccati equation of the Frobenius flow and its solution, block by block, for all shapes."""

from __future__ import annotations

from collections.abc import Iterator

from lora_proofs.language.lemmas import flows, matrices
from lora_proofs.language.lemmas.calculus import UNIQUENESS
from lora_proofs.language.lemmas.flows import EQUAL_RATES
from lora_proofs.mathematics.notation import A, B
from lora_proofs.mathematics.words import (
    Identity,
    Relation,
    Scalar,
    Symbol,
    Word,
    Zero,
    along,
    substitute,
)
from lora_proofs.symbolic.steps import Step, assumed, cited, identity

E = Symbol("E", "n", "m")
A_START, B_START = Symbol("A0", "r", "m", latex="A_0"), Symbol("B0", "n", "r", latex="B_0")
XB, XA = Symbol("X_B", "n", "r"), Symbol("X_A", "m", "r")
N, P = Symbol("N", "r", "r"), Symbol("P", "r", "r")
C = Scalar("c")
cI = C * Identity("r")

START, FUNCTIONS = "multiple_of_identity", "functions"
AT_START = Relation(B_START.T @ B_START, "=", A_START @ A_START.T + cI)
INVERSE = Relation(N @ P, "=", Identity("r"))

RESIDUAL = E - B @ A
FLOW: dict[object, Word] = {A: B.T @ RESIDUAL, B: RESIDUAL @ A.T}
GRAM = XB.T @ XB + XA.T @ XA
FORM: dict[object, Word] = {
    XB: C / 2 * XB + E @ XA,
    XA: E.T @ XB - C / 2 * XA,
    N: GRAM,
    P: -(P @ GRAM @ P),
}
AT_ZERO = {XB: B_START, XA: A_START.T, N: Identity("r"), P: Identity("r")}

CONSERVED = "rate of B'B - AA'"
OF_FLOW = ("rate of BB'", "rate of BA", "rate of A'A")
OF_FORM = ("rate of X_B P X_B'", "rate of X_B P X_A'", "rate of X_A P X_A'")


def riccati(first: Word, mixed: Word, turned: Word, last: Word) -> tuple[Word, Word, Word]:
    """The blocks of FQ + QF - Q^2 for Q = [[first, mixed], [turned, last]]."""
    return (
        C * first + E @ turned + mixed @ E.T - first @ first - mixed @ turned,
        E @ last + first @ E - first @ mixed - mixed @ last,
        E.T @ mixed + turned @ E - C * last - turned @ mixed - last @ last,
    )


FLOW_BLOCKS = (B @ B.T, B @ A, A.T @ A)
FORM_BLOCKS = (XB @ P @ XB.T, XB @ P @ XA.T, XA @ P @ XA.T)
FLOW_RATES = riccati(B @ B.T, B @ A, A.T @ B.T, A.T @ A)
FORM_RATES = riccati(XB @ P @ XB.T, XB @ P @ XA.T, XA @ P @ XB.T, XA @ P @ XA.T)
STARTS = (B_START @ B_START.T, B_START @ A_START, A_START.T @ A_START)

OF_START = ("X_B P X_B' at t = 0", "X_B P X_A' at t = 0", "X_A P X_A' at t = 0")
CONCLUSION = (
    *(
        Relation(substitute(block, AT_ZERO), "=", start, label)
        for block, start, label in zip(FORM_BLOCKS, STARTS, OF_START, strict=True)
    ),
    Relation(along(B.T @ B - A @ A.T, FLOW), "=", Zero("r", "r"), CONSERVED),
    *(
        Relation(along(block, FLOW), "=", rate, label)
        for block, rate, label in zip(FLOW_BLOCKS, FLOW_RATES, OF_FLOW, strict=True)
    ),
    *(
        Relation(along(block, FORM), "=", rate, label)
        for block, rate, label in zip(FORM_BLOCKS, FORM_RATES, OF_FORM, strict=True)
    ),
)


KEPT = "product rule, and B'B = AA' + cI where c stands"
WHY = {OF_FLOW[0]: KEPT, OF_FLOW[2]: KEPT}
WHY |= dict.fromkeys(OF_START, "the form starts where the flow does: X = Z0 and N = P = I")


def difference_kept() -> Iterator[Step]:
    """B'B = AA' + cI at every time."""
    rates = along(B.T @ B, FLOW), along(A @ A.T, FLOW)
    yield (same := identity(*rates, "both products have one rate"))
    yield (start := assumed(START, AT_START, "the start"))
    kept = cited(
        EQUAL_RATES,
        "the difference is constant",
        substitution={
            flows.FIRST_RATE: rates[0],
            flows.SECOND_RATE: rates[1],
            flows.FIRST_LATER: B.T @ B,
            flows.FIRST_START: B_START.T @ B_START,
            flows.SECOND_LATER: A @ A.T,
            flows.SECOND_START: A_START @ A_START.T,
        },
        discharged_by={"rates": same, "solution": FUNCTIONS},
    )
    yield kept
    yield identity(B.T @ B, A @ A.T + cI, "as at the start", given=(kept, start))


def inverse_moves() -> Iterator[Step]:
    """P' = -P N'P for the inverse P of N."""
    yield (inverse := assumed(FUNCTIONS, INVERSE, "P is the inverse of N"))
    yield cited(
        matrices.INVERSE_RATE,
        "the rate of an inverse",
        substitution={
            matrices.INVERTED: N,
            matrices.INVERSE_OF_IT: P,
            matrices.RATE_OF_IT: GRAM,
            matrices.RATE_OF_INVERSE: along(P, FORM),
        },
        discharged_by={"inverse": inverse, "rate": FUNCTIONS},
    )


def used(kept: Step) -> Iterator[Step]:
    """B (B'B) B' = B (AA' + cI) B', and A' (B'B) A = A' (AA' + cI) A."""
    pairs = (
        (matrices.CONGRUENT_TALL, matrices.TALL_FACTOR, B),
        (matrices.CONGRUENT_WIDE, matrices.WIDE_FACTOR, A.T),
    )
    for lemma, factor, value in pairs:
        sides = {matrices.EQUAL_ONE: B.T @ B, matrices.EQUAL_OTHER: A @ A.T + cI}
        yield cited(
            lemma,
            "put between two factors",
            substitution={factor: value, **sides},
            discharged_by={"equation": kept},
        )


def derive() -> Iterator[Step]:
    """The start, the flow, the form, and uniqueness."""
    before = list(difference_kept())
    yield from before
    yield from inverse_moves()
    between = list(used(before[-1]))
    yield from between
    given = {OF_FLOW[0]: between[:1], OF_FLOW[2]: between[1:]}
    steps = [
        identity(
            relation.left,
            relation.right,
            WHY.get(relation.label, "product rule"),
            given=tuple(given.get(relation.label, ())),
            label=relation.label,
        )
        for relation in CONCLUSION
    ]
    yield from steps
    for step, start in zip(steps[-3:], steps[:3], strict=True):
        yield cited(
            UNIQUENESS,
            "the right side is a polynomial, hence locally Lipschitz",
            discharged_by={"solves": step, "field": step, "starts": start},
        )
