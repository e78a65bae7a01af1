"""Why r >= m and B0 = 0 give an exponential rate: A keeps its singular values, for all shapes.

AA' - B'B is conserved, so AA' = A0 A0' + B'B and no singular value of A falls below that of A0.
The loss has rate -||B'G||^2 - ||GA'||^2, and ||GA'|| >= sigma_m(A) ||G|| for an A with m <= r.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_proofs.language.lemmas import flows, matrices
from lora_proofs.language.lemmas.flows import EQUAL_RATES, GRONWALL, SINGULAR_MONOTONE
from lora_proofs.language.lemmas.matrices import SMALLEST_SINGULAR
from lora_proofs.mathematics.notation import W0, A, B, Y, frobenius_value
from lora_proofs.mathematics.words import (
    Named,
    Norm,
    Relation,
    Scalar,
    Symbol,
    Word,
    Zero,
    along,
    word,
)
from lora_proofs.symbolic.steps import Step, assumed, cited, identity, inequality

A_START, B_START = Symbol("A0", "r", "m", latex="A_0"), Symbol("B0", "n", "r", latex="B_0")
S_START = Scalar("sigma_m(A0)", nonnegative=True, latex=r"\sigma_m(A_0)")
S_LATER = Scalar("sigma_m(A)", nonnegative=True, latex=r"\sigma_m(A)")
DECAY = Scalar("e^(-2 sigma_m(A0)^2 t)", latex=r"e^{-2\sigma_m(A_0)^2 t}")

G = Named("G", W0 + B @ A - Y)
FLOW: dict[object, Word] = {A: -(B.T @ G), B: -(G @ A.T)}
LOSS = frobenius_value(W0 + B @ A)
LOSS_START = frobenius_value(W0 + B_START @ A_START)
NORM, SEEN = Norm("F", (G,)), Norm("F", (G @ A.T,))
OTHER = Norm("F", (B.T @ G,))

ZERO_B, FULL_RANK, NAMES = "zero_b", "full_rank", "names"
NO_START = Relation(B_START, "=", Zero("n", "r"))
NONNEGATIVE = tuple(Relation(word(0), "<=", s) for s in (S_START, S_LATER))
BOUND = "loss at time t against its bound"
CONCLUSION = (Relation(LOSS, "<=", DECAY * LOSS_START, BOUND),)


def gram_kept() -> Iterator[Step]:
    """AA' = A0 A0' + B'B."""
    rates = along(A @ A.T, FLOW), along(B.T @ B, FLOW)
    yield (same := identity(*rates, "both products have one rate"))
    values = {
        flows.FIRST_RATE: rates[0],
        flows.SECOND_RATE: rates[1],
        flows.FIRST_LATER: A @ A.T,
        flows.FIRST_START: A_START @ A_START.T,
        flows.SECOND_LATER: B.T @ B,
        flows.SECOND_START: B_START.T @ B_START,
    }
    discharged = {"rates": same, "solution": NAMES}
    kept = cited(
        EQUAL_RATES, "the difference is constant", substitution=values, discharged_by=discharged
    )
    yield kept
    yield (zero := assumed(ZERO_B, NO_START, "the LoRA start"))
    nothing = identity(B_START.T @ B_START, Zero("r", "r"), "a product with 0", given=(zero,))
    yield nothing
    right = A_START @ A_START.T + B.T @ B
    yield identity(A @ A.T, right, "with B0 = 0", given=(kept, nothing))


def singular_value_kept(gram: Step) -> Iterator[Step]:
    """sigma_m(A0)^2 ||G||^2 <= ||GA'||^2."""
    names = {
        flows.GRAM_LATER: A,
        flows.GRAM_START: A_START,
        flows.GRAM_ADDED: B,
        flows.SINGULAR_START: S_START,
        flows.SINGULAR_LATER: S_LATER,
    }
    monotone = cited(
        SINGULAR_MONOTONE,
        "what is added to a Gram matrix lowers none of its eigenvalues",
        substitution=names,
        discharged_by={"gram": gram, "values": NAMES},
    )
    yield monotone
    smallest = cited(
        SMALLEST_SINGULAR,
        "A' loses no more than its smallest singular value says",
        substitution={matrices.SEEN: G, matrices.THROUGH: A, matrices.SMALLEST: S_LATER},
        discharged_by={"shape": FULL_RANK, "value": NAMES},
    )
    yield smallest
    yield inequality(
        S_START**2 * NORM**2 - SEEN**2,
        0,
        "sigma_m(A0) in place of sigma_m(A)",
        rule="combine",
        uses=(monotone, smallest),
    )


def derive() -> Iterator[Step]:
    """The gram matrix, the singular value, the rate of the loss, Gronwall."""
    gram = list(gram_kept())
    yield from gram
    kept = list(singular_value_kept(gram[-1]))
    yield from kept
    rate = along(LOSS, FLOW)
    energy = inequality(
        rate, -(OTHER**2) - SEEN**2, "the energy identity: both are equal", rule="sum of squares"
    )
    yield energy
    yield (size := identity(NORM**2, 2 * LOSS, "the loss is half the squared residual"))
    decay = inequality(
        rate,
        -2 * S_START**2 * LOSS,
        "drop B'G, and use what A keeps",
        rule="combine",
        uses=(energy, kept[-1], size),
    )
    yield decay
    yield cited(
        GRONWALL,
        "the rate is at most -2 sigma_m(A0)^2 times the loss, at every time",
        substitution={
            flows.QUANTITY_RATE: rate,
            flows.EXPONENT_RATE: -2 * S_START**2,
            flows.QUANTITY_LATER: LOSS,
            flows.QUANTITY_START: LOSS_START,
            flows.EXPONENTIAL: DECAY,
        },
        discharged_by={"rate": decay, "solution": NAMES},
        label=BOUND,
    )
