"""Lemmas about matrices: spectra, ranks and best approximation."""

from __future__ import annotations

from lora_proofs.mathematics.words import Identity, Norm, Relation, Scalar, Symbol, Trace, word
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
        f"congruent equations ({rows} rows)",
        r"If $X = Y$, then $S X S^\top = S Y S^\top$.",
        "Horn and Johnson, Matrix Analysis, Definition 4.5.4",
        {"equation": Relation(EQUAL_ONE, "=", EQUAL_OTHER)},
        Relation(S @ EQUAL_ONE @ S.T, "=", S @ EQUAL_OTHER @ S.T),
    )
    return S, lemma


TALL_FACTOR, CONGRUENT_TALL = _congruence("n")
WIDE_FACTOR, CONGRUENT_WIDE = _congruence("m")

SEEN, THROUGH = Symbol("X", "n", "m"), Symbol("S", "r", "m")
SMALLEST = Scalar("sigma_m(S)", nonnegative=True)

SMALLEST_SINGULAR = Lemma(
    "smallest singular value",
    r"If $S$ has at least as many rows as columns, $m$, then $\sigma_m(S)\,\|X\|_F \le \|X "
    r"S^\top\|_F$.",
    "Horn and Johnson, Matrix Analysis, Theorem 4.2.2 (Rayleigh quotients of S'S)",
    {
        "shape": "S has at least as many rows as columns",
        "value": "sigma_m(S) is the smallest singular value of S, the one of index m",
    },
    Relation(SMALLEST**2 * Norm("F", (SEEN,)) ** 2, "<=", Norm("F", (SEEN @ THROUGH.T,)) ** 2),
)

PROJECTED, PROJECTOR = Symbol("E", "n", "m"), Symbol("P", "n", "n", symmetric=True)
TOP_SQUARES = Scalar("S_r", nonnegative=True)

KY_FAN = Lemma(
    "Ky Fan's maximum principle",
    r"If $P = P^\top = P^2$ has rank at most $r$ and $S_r$ is the sum of the $r$ largest squared "
    r"singular values of $E$, then $\mathrm{tr}(P E E^\top) \le S_r$.",
    "Horn and Johnson, Matrix Analysis, Corollary 4.3.39",
    {
        "projector": Relation(PROJECTOR @ PROJECTOR, "=", PROJECTOR),
        "rank": "P is symmetric of rank at most r, and S_r is the sum of the r largest squared "
        "singular values of E",
    },
    Relation(Trace(PROJECTOR @ PROJECTED @ PROJECTED.T) - TOP_SQUARES, "<=", word(0)),
)

MATRICES: tuple[Lemma, ...] = (
    KY_FAN,
    SMALLEST_SINGULAR,
    INVERSE_RATE,
    CONGRUENT_TALL,
    CONGRUENT_WIDE,
)
