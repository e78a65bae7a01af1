"""Lemmas about the rank of a sum and of a product, and what a low rank can change."""

from __future__ import annotations

from lora_proofs.mathematics.words import Relation, Scalar, Symbol, squared_norm
from lora_proofs.symbolic.steps import Lemma

HORN = "Horn and Johnson, Matrix Analysis, "
TOTAL, FIRST, SECOND = Symbol("Z", "n", "m"), Symbol("X", "n", "m"), Symbol("Y", "n", "m")
TOTAL_RANK = Scalar("rank Z", nonnegative=True)
FIRST_RANK, SECOND_RANK = Scalar("rank X", nonnegative=True), Scalar("rank Y", nonnegative=True)

RANK_OF_SUM = Lemma(
    "rank of a sum",
    r"If $Z = X + Y$, then $\mathrm{rank}\,Z \le \mathrm{rank}\,X + \mathrm{rank}\,Y$.",
    HORN + "section 0.4.5 (d)",
    {
        "sum": Relation(TOTAL, "=", FIRST + SECOND),
        "ranks": "rank Z, rank X and rank Y are the ranks of Z, X and Y",
    },
    Relation(TOTAL_RANK, "<=", FIRST_RANK + SECOND_RANK),
)

LEFT, RIGHT = Symbol("X", "n", "k"), Symbol("Y", "k", "m")
_PRODUCT = {
    "product": Relation(TOTAL, "=", LEFT @ RIGHT),
    "ranks": "rank Z, rank X and rank Y are the ranks of Z, X and Y",
}
RANK_OF_LEFT_FACTOR = Lemma(
    "rank of a product, left factor",
    r"If $Z = X Y$, then $\mathrm{rank}\,Z \le \mathrm{rank}\,X$.",
    HORN + "section 0.4.5 (c)",
    _PRODUCT,
    Relation(TOTAL_RANK, "<=", FIRST_RANK),
)
RANK_OF_RIGHT_FACTOR = Lemma(
    "rank of a product, right factor",
    r"If $Z = X Y$, then $\mathrm{rank}\,Z \le \mathrm{rank}\,Y$.",
    HORN + "section 0.4.5 (c)",
    _PRODUCT,
    Relation(TOTAL_RANK, "<=", SECOND_RANK),
)

GAP, ERROR = Symbol("E", "n", "m"), Symbol("X", "n", "m")
CHANGE, CHANGE_RANK = Symbol("D", "n", "m"), Scalar("rank D", nonnegative=True)
TOTAL_OF_RANKS = Scalar("S", nonnegative=True)
GAP_VALUE = Scalar("s_{S+i}(E)", nonnegative=True)
ERROR_VALUE = Scalar("s_i(X)", nonnegative=True)
GAP_TAIL = Scalar("t_S(E)", nonnegative=True)
_LOW_RANK = {
    "change": Relation(GAP, "=", ERROR + CHANGE),
    "rank": Relation(CHANGE_RANK, "<=", TOTAL_OF_RANKS),
}

WEYL_LOW_RANK = Lemma(
    "Weyl's inequality for a change of low rank",
    r"If $E = X + D$ with $\mathrm{rank}\,D \le S$, then $\sigma_{S+i}(E) \le \sigma_i(X)$ for "
    r"every $i \ge 1$; values beyond the number of rows or columns are 0. With Fan's dominance "
    r"theorem the best approximation of rank $S$ is a nearest one in every unitarily invariant "
    r"norm (Mirsky).",
    "Horn and Johnson, Topics in Matrix Analysis, Theorem 3.3.16 (a)",
    {
        **_LOW_RANK,
        "values": "rank D is the rank of D, and s_(S+i)(E) and s_i(X) are singular values of E and "
        "X by their index, largest first, 0 beyond the last",
    },
    Relation(GAP_VALUE, "<=", ERROR_VALUE),
)

ECKART_YOUNG = Lemma(
    "Eckart-Young theorem",
    r"If $E = X + D$ with $\mathrm{rank}\,D \le S$, then $\|X\|_F^2$ is at least the sum of the "
    r"squared singular values of $E$ beyond the first $S$.",
    HORN + "section 7.4.2",
    {
        **_LOW_RANK,
        "values": "rank D is the rank of D, and t_S(E) is the sum of the squared singular values "
        "of E beyond the first S",
    },
    Relation(GAP_TAIL, "<=", squared_norm(ERROR)),
)

RANKS: tuple[Lemma, ...] = (
    RANK_OF_SUM,
    RANK_OF_LEFT_FACTOR,
    RANK_OF_RIGHT_FACTOR,
    WEYL_LOW_RANK,
    ECKART_YOUNG,
)
