"""The derivations of the two peeling steps."""

from __future__ import annotations

from collections.abc import Iterator

from lora_proofs.language.lemmas import ranks as lemmas
from lora_proofs.mathematics.words import Identity, Relation, Scalar, Symbol, Word
from lora_proofs.symbolic.steps import Step, assumed, cited, identity, inequality

M, X, Y = Symbol("M", "n", "n"), Symbol("X", "n", "k"), Symbol("Y", "n", "k")
G, N = Symbol("G", "n", "n"), Symbol("N", "n", "k")
I, ONE = Identity("n"), Identity("k")


def rank_of(name: str, latex: str) -> Scalar:
    """A rank, which is never negative."""
    return Scalar(f"rank {name}", nonnegative=True, latex=rf"\mathrm{{rank}}({latex})")


FULL, REST = rank_of("M", "M"), rank_of("(M - M X Y'M)", r"M - M X Y^\top M")
PEELED, FACTOR = rank_of("(T' - I)", "T' - I"), rank_of("(F - I)", "F - I")
OF_X = rank_of("of the left factor of F - I", "M X")
K = Scalar("k", nonnegative=True)
NUMBERS = (FULL, REST, PEELED, FACTOR, OF_X, K)

PIVOT = Relation(Y.T @ M @ X, "=", ONE)
# FG = GF = I and TN = 0, each with one term on the left.
INVERSE = Relation(M @ X @ Y.T @ M @ G, "=", I - G)
TURNED = Relation(G @ M @ X @ Y.T @ M, "=", I - G)
NULL, DUAL = Relation(M @ N, "=", -N), Relation(Y.T @ N, "=", ONE)
NARROW = Relation(OF_X, "<=", K)
PRODUCT, SMALL_FACTOR, SMALLER = "T' F against T", "rank of F - I", "rank of T' - I"


def relations(F: Word, after: Word) -> tuple[Relation, ...]:
    """T'F = T, rank(F - I) <= k, rank(T' - I) <= rank M - k."""
    return (
        Relation(after @ F, "=", I + M, PRODUCT),
        Relation(FACTOR, "<=", K, SMALL_FACTOR),
        Relation(PEELED, "<=", FULL - K, SMALLER),
    )


NONSINGULAR = relations(I + M @ X @ Y.T @ M, (I + M) @ G)
SINGULAR = relations(I + N @ Y.T @ M, I + M - N @ Y.T @ M)


def rank_by_left(
    shapes: lemmas.ProductRanks, by: Step, left: Word, right: Word, rank: Word, bound: Word
) -> Step:
    """The rank of a product against that of its left factor."""
    assert by.relation is not None
    matrices = {shapes.total: by.relation.left, shapes.left: left, shapes.right: right}
    return cited(
        shapes.by_left,
        "rank of a product",
        substitution={**matrices, lemmas.TOTAL_RANK: rank, lemmas.FIRST_RANK: bound},
        discharged_by={"product": by, "ranks": "values"},
    )


def multiplied(shapes: lemmas.Multiplied, by: Step, before: Word, after: Word) -> Step:
    """An earlier equation multiplied from both sides."""
    assert by.relation is not None
    return cited(
        shapes.lemma,
        "multiply",
        substitution={
            shapes.one: by.relation.left, shapes.other: by.relation.right,
            shapes.before: before, shapes.after: after,
        },
        discharged_by={"equation": by},
    )  # fmt: skip


def wedderburn(pivot: Step, X_: Word) -> Step:
    """rank(M - MXY'M) = rank M - k."""
    return cited(
        lemmas.WEDDERBURN, "what is peeled off",
        substitution={
            lemmas.REDUCED: M, lemmas.COLUMNS: X_, lemmas.ROWS: Y, lemmas.PIVOTS: K,
            lemmas.REDUCED_RANK: REST, lemmas.FULL_RANK: FULL,
        },
        discharged_by={"pivots": pivot, "ranks": "values"},
    )  # fmt: skip


def derive_nonsingular() -> Iterator[Step]:
    """T' = T G with FG = GF = I."""
    F, after = I + M @ X @ Y.T @ M, (I + M) @ G
    yield (pivot := assumed("pivots", PIVOT, "Y'MX = I"))
    yield (right := assumed("inverse", INVERSE, "FG = I"))
    yield (left := assumed("inverse", TURNED, "GF = I"))
    yield (rest := wedderburn(pivot, X))
    yield (shape := identity(F - I, (M @ X) @ (Y.T @ M), "F - I is a product"))
    reduced = M - M @ X @ Y.T @ M
    yield (moved := identity(after - I, reduced @ G, "T' - I = (T - F) G", given=(right,)))
    yield (further := multiplied(lemmas.MULTIPLIED_SQUARE, left, M, I))
    given = (further, left)
    yield from ends(NONSINGULAR, rest, shape, (M @ X, Y.T @ M), moved, (reduced, G), given)


def derive_singular() -> Iterator[Step]:
    """T' = T - NY'M, which is I + M - MXY'M for X = -N."""
    F, after = I + N @ Y.T @ M, I + M - N @ Y.T @ M
    yield (null := assumed("kernel", NULL, "TN = 0, so MN = -N"))
    yield (dual := assumed("kernel", DUAL, "Y'N = I"))
    yield (pivot := identity(Y.T @ M @ -N, ONE, "so Y'M(-N) = I", given=(null, dual)))
    yield (turned := identity(Y.T @ M @ N, -ONE, "Y'MN = -I", given=(null, dual)))
    yield (rest := wedderburn(pivot, -N))
    yield (shape := identity(F - I, N @ (Y.T @ M), "F - I is a product"))
    reduced = M - M @ -N @ Y.T @ M
    yield (once := multiplied(lemmas.MULTIPLIED_SMALL, turned, N, Y.T @ M))
    yield (twice := multiplied(lemmas.MULTIPLIED_TALL, null, I, Y.T @ M))
    yield (moved := identity(after - I, reduced @ I, "T' - I = M - MXY'M", given=(twice,)))
    given = (once, twice)
    yield from ends(SINGULAR, rest, shape, (N, Y.T @ M), moved, (reduced, I), given)


def ends(
    conclusion: tuple[Relation, ...], rest: Step, shape: Step, of_F: tuple[Word, Word],
    moved: Step, of_T: tuple[Word, Word], given: tuple[Step, ...],
) -> Iterator[Step]:  # fmt: skip
    """Both ranks from the products that F - I and T' - I are, and T'F = T."""
    product, factor, smaller = conclusion
    yield (thin := rank_by_left(lemmas.RANKS_OF_THIN_PRODUCT, shape, *of_F, FACTOR, OF_X))
    yield (less := rank_by_left(lemmas.RANKS_OF_SQUARE_PRODUCT, moved, *of_T, PEELED, REST))
    yield (narrow := assumed("values", NARROW, "its left factor has k columns"))
    yield identity(product.left, product.right, "all else cancels", given=given, label=PRODUCT)
    yield inequality(factor.left, factor.right, "chain", rule="combine", uses=(thin, narrow),
                     label=SMALL_FACTOR)  # fmt: skip
    yield inequality(smaller.left, smaller.right, "chain", rule="combine", uses=(less, rest),
                     label=SMALLER)  # fmt: skip
