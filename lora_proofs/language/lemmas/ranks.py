"""Lemmas about the rank of a sum and of a product, and what a low rank can change."""

from __future__ import annotations

from dataclasses import dataclass

from lora_proofs.mathematics.words import Identity, Relation, Scalar, Symbol, squared_norm
from lora_proofs.symbolic.steps import Lemma, Shown

HORN = "Horn and Johnson, Matrix Analysis, "
TOTAL_RANK = Scalar("rank Z", nonnegative=True)
FIRST_RANK, SECOND_RANK = Scalar("rank X", nonnegative=True), Scalar("rank Y", nonnegative=True)


@dataclass(frozen=True)
class SumRanks:
    """The rank of Z = X + Y is at most those of X and Y together, for one choice of shapes."""

    total: Symbol
    first: Symbol
    second: Symbol
    lemma: Lemma


def _sum(rows: str, columns: str) -> SumRanks:
    """The lemma for X and Y: (rows, columns)."""
    Z, X, Y = (Symbol(name, rows, columns) for name in "ZXY")
    lemma = Lemma(
        f"rank of a sum ({rows} x {columns})",
        r"If $Z = X + Y$, then $\mathrm{rank}\,Z \le \mathrm{rank}\,X + \mathrm{rank}\,Y$.",
        HORN + "section 0.4.5 (d)",
        {
            "sum": Relation(Z, "=", X + Y),
            "ranks": "rank Z, rank X and rank Y are the ranks of Z, X and Y",
        },
        Relation(TOTAL_RANK, "<=", FIRST_RANK + SECOND_RANK),
    )
    return SumRanks(Z, X, Y, lemma)


RANKS_OF_SUM, RANKS_OF_WEIGHT = _sum("n", "m"), _sum("p", "k")


@dataclass(frozen=True)
class ProductRanks:
    """The rank of Z = X Y is at most that of X and that of Y, for one choice of shapes."""

    total: Symbol
    left: Symbol
    right: Symbol
    by_left: Lemma
    by_right: Lemma


def _product(rows: str, inner: str, columns: str) -> ProductRanks:
    """The lemmas for X: (rows, inner) and Y: (inner, columns)."""
    Z, X, Y = Symbol("Z", rows, columns), Symbol("X", rows, inner), Symbol("Y", inner, columns)
    hypotheses: dict[str, Relation | Shown | str] = {
        "product": Relation(Z, "=", X @ Y),
        "ranks": "rank Z, rank X and rank Y are the ranks of Z, X and Y",
    }
    shape = f"{rows} x {inner} times {inner} x {columns}"
    by_left, by_right = (
        Lemma(
            f"rank of a product by its {side} factor ({shape})",
            rf"If $Z = X Y$, then $\mathrm{{rank}}\,Z \le \mathrm{{rank}}\,{factor}$.",
            HORN + "section 0.4.5 (c)",
            hypotheses,
            Relation(TOTAL_RANK, "<=", bound),
        )
        for side, factor, bound in (("left", "X", FIRST_RANK), ("right", "Y", SECOND_RANK))
    )
    return ProductRanks(Z, X, Y, by_left, by_right)


RANKS_OF_PRODUCT = _product("n", "k", "m")
RANKS_OF_THIN_PRODUCT = _product("n", "k", "n")
RANKS_OF_SQUARE_PRODUCT = _product("n", "n", "n")
RANKS_OF_UPDATE, RANKS_OF_ROWS = _product("p", "m", "q"), _product("m", "m", "q")
RANKS_OF_LATER = _product("n", "p", "k")
PRODUCTS = (
    RANKS_OF_PRODUCT,
    RANKS_OF_THIN_PRODUCT,
    RANKS_OF_SQUARE_PRODUCT,
    RANKS_OF_UPDATE,
    RANKS_OF_ROWS,
    RANKS_OF_LATER,
)


@dataclass(frozen=True)
class Multiplied:
    """An equation multiplied from both sides, for one choice of shapes."""

    one: Symbol
    other: Symbol
    before: Symbol
    after: Symbol
    lemma: Lemma


def _multiplied(rows: str, columns: str, last: str) -> Multiplied:
    """S X R = S Y R for X and Y: (rows, columns), S: (n, rows) and R: (columns, last)."""
    X, Y = Symbol("X", rows, columns), Symbol("Y", rows, columns)
    S, R = Symbol("S", "n", rows), Symbol("R", columns, last)
    lemma = Lemma(
        f"multiplied equations ({rows} x {columns}, {last} columns)",
        r"If $X = Y$, then $S X R = S Y R$.",
        HORN + "section 0.2.4",
        {"equation": Relation(X, "=", Y)},
        Relation(S @ X @ R, "=", S @ Y @ R),
    )
    return Multiplied(X, Y, S, R, lemma)


MULTIPLIED_TALL, MULTIPLIED_SMALL = _multiplied("n", "k", "n"), _multiplied("k", "k", "n")
MULTIPLIED_SQUARE = _multiplied("n", "n", "n")
MULTIPLIED_ROWS, MULTIPLIED_COLUMNS = _multiplied("n", "n", "m"), _multiplied("m", "m", "m")
EQUATIONS = (
    MULTIPLIED_TALL,
    MULTIPLIED_SMALL,
    MULTIPLIED_SQUARE,
    MULTIPLIED_ROWS,
    MULTIPLIED_COLUMNS,
)

GAP, ERROR = Symbol("E", "n", "m"), Symbol("X", "n", "m")
CHANGE, CHANGE_RANK = Symbol("D", "n", "m"), Scalar("rank D", nonnegative=True)
TOTAL_OF_RANKS = Scalar("S", nonnegative=True)
GAP_VALUE = Scalar("s_{S+i}(E)", nonnegative=True)
ERROR_VALUE = Scalar("s_i(X)", nonnegative=True)
GAP_TAIL = Scalar("t_S(E)", nonnegative=True)
_LOW_RANK: dict[str, Relation | Shown | str] = {
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

TRUNCATED, KEPT = Symbol("E", "n", "m"), Symbol("K", "m", "m")
REST = Symbol("X", "n", "m")
_TRUNCATION: dict[str, Relation | Shown | str] = {
    "error": Relation(REST, "=", TRUNCATED - TRUNCATED @ KEPT),
    "values": "K projects orthogonally onto the first S right singular vectors of E; s_(S+i)(E) "
    "and s_i(X) are singular values by their index, largest first, 0 beyond the last, and t_S(E) "
    "is the sum of the squared ones of E beyond the first S",
}

TRUNCATION = Lemma(
    "singular values of a truncation's error",
    r"If $X = E - E K$ with the orthogonal projector $K$ onto the first $S$ right singular vectors "
    r"of $E$, then $\sigma_i(X) = \sigma_{S+i}(E)$ for every $i \ge 1$.",
    HORN + "Theorem 2.6.3",
    _TRUNCATION,
    Relation(ERROR_VALUE, "=", GAP_VALUE),
)
TRUNCATION_NORM = Lemma(
    "norm of a truncation's error",
    r"If $X = E - E K$ with the orthogonal projector $K$ onto the first $S$ right singular vectors "
    r"of $E$, then $\|X\|_F^2 = \sum_{j > S} \sigma_j(E)^2$.",
    HORN + "Theorem 2.6.3",
    _TRUNCATION,
    Relation(squared_norm(REST), "=", GAP_TAIL),
)

REDUCED, COLUMNS, ROWS = Symbol("M", "n", "n"), Symbol("X", "n", "k"), Symbol("Y", "n", "k")
REDUCED_RANK, FULL_RANK = Scalar("rank (M - M X Y'M)"), Scalar("rank M")
PIVOTS = Scalar("k")

WEDDERBURN = Lemma(
    "Wedderburn's rank reduction",
    r"If $M$ is square and $Y^\top M X = I_k$, then $\mathrm{rank}(M - M X Y^\top M) = "
    r"\mathrm{rank}\,M - k$.",
    "Cline and Funderlic, Linear Algebra and its Applications 24 (1979); Wedderburn, Lectures on "
    "Matrices, for k = 1",
    {
        "pivots": Relation(ROWS.T @ REDUCED @ COLUMNS, "=", Identity("k")),
        "ranks": "rank M and rank (M - M X Y'M) are the ranks of these matrices, and k is the "
        "number of columns of X",
    },
    Relation(REDUCED_RANK, "=", FULL_RANK - PIVOTS),
)

RANKS: tuple[Lemma, ...] = (
    RANKS_OF_SUM.lemma,
    RANKS_OF_WEIGHT.lemma,
    *(lemma for shapes in PRODUCTS for lemma in (shapes.by_left, shapes.by_right)),
    *(shapes.lemma for shapes in EQUATIONS),
    WEYL_LOW_RANK,
    ECKART_YOUNG,
    WEDDERBURN,
    TRUNCATION,
    TRUNCATION_NORM,
)
