"""Lemmas about matrices: spectra, ranks and best approximation."""

from __future__ import annotations

from lora_proofs.mathematics.words import Identity, Relation, Symbol
from lora_proofs.symbolic.steps import Lemma

INVERTED, INVERSE_OF_IT = Symbol("N", "r", "r"), Symbol("P", "r", "r")
RATE_OF_IT, RATE_OF_INVERSE = Symbol("N'", "r", "r"), Symbol("P'", "r", "r")

INVERSE_RATE = Lemma(
    "derivative of an inverse",
    r"If $N P = I$ along a differentiable curve, then $P' = -P N' P$.",
    "Horn and Johnson, Topics in Matrix Analysis, (6.5.7)",
    {
        "inverse": Relation(INVERTED @ INVERSE_OF_IT, "=", Identity("r")),
        "rate": "N and P are differentiable square matrices, N' and P' are their rates, and N P = "
        "I at every time",
    },
    Relation(RATE_OF_INVERSE, "=", -(INVERSE_OF_IT @ RATE_OF_IT @ INVERSE_OF_IT)),
)

EQUAL_ONE, EQUAL_OTHER = Symbol("X", "r", "r"), Symbol("Y", "r", "r")


def _congruence(rows: str) -> tuple[Symbol, Lemma]:
    """S X S' = S Y S' for a factor S with the named number of rows."""
    S = Symbol("S", rows, "r")
    lemma = Lemma(
        f"congruent equations, {rows} rows",
        r"If $X = Y$, then $S X S^\top = S Y S^\top$.",
        "Horn and Johnson, Matrix Analysis, Definition 4.5.4",
        {"equation": Relation(EQUAL_ONE, "=", EQUAL_OTHER)},
        Relation(S @ EQUAL_ONE @ S.T, "=", S @ EQUAL_OTHER @ S.T),
    )
    return S, lemma


TALL_FACTOR, CONGRUENT_TALL = _congruence("n")
WIDE_FACTOR, CONGRUENT_WIDE = _congruence("m")

MATRICES: tuple[Lemma, ...] = (INVERSE_RATE, CONGRUENT_TALL, CONGRUENT_WIDE)
