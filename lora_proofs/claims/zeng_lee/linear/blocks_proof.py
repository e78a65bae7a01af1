"""The derivation of the construction in blocks: one layer more, then all by induction."""

from __future__ import annotations

from collections.abc import Iterator

from lora_proofs.language.lemmas import ranks as lemmas
from lora_proofs.language.lemmas.calculus import INDUCTION
from lora_proofs.mathematics import words
from lora_proofs.mathematics.words import Identity, Named, Relation, Scalar, Symbol, Word
from lora_proofs.symbolic.steps import Step, assumed, cited, identity, inequality

E, TARGET = Symbol("E", "n", "m"), Symbol("Wbar", "n", "m", latex=r"\bar W")
P_0 = Symbol("P_0", "n", "m")
P, P_INVERSE = Symbol("P_l", "n", "p"), Symbol("P_l^+", "p", "n")
W, K, K_L = Symbol("W_l", "p", "q"), Symbol("K", "m", "m"), Symbol("K_l", "m", "m")
Q, Q_INVERSE = (
    Symbol("Q", "q", "m", latex=r"\hat Q"),
    Symbol("Q^+", "m", "q", latex=r"\hat Q^+"),
)
ROWS, COLUMNS = Identity("n"), Identity("m")
DW = P_INVERSE @ E @ K_L @ Q_INVERSE
REACHED = P @ (W + DW) @ Q
ERROR = TARGET - REACHED

R = Scalar("R_l", nonnegative=True)
OF_DW = Scalar("rank DW_l", nonnegative=True, latex=r"\mathrm{rank}(\Delta W_l)")
OF_INNER = Scalar("rank N_l", nonnegative=True, latex=r"\mathrm{rank}(N_l)")
OF_K = Scalar("rank K_l", nonnegative=True, latex=r"\mathrm{rank}(K_l)")
GAP_VALUE = Scalar("s_{S_l+i}(E)", nonnegative=True, latex=r"\sigma_{S_l+i}(E)")
ERROR_VALUE = Scalar("s_i(X_l)", nonnegative=True, latex=r"\sigma_i(X_l)")
GAP_TAIL = Scalar("t_{S_l}(E)", nonnegative=True, latex=r"\textstyle\sum_{j>S_l}\sigma_j(E)^2")
NUMBERS = (R, OF_DW, OF_INNER, OF_K, GAP_VALUE, ERROR_VALUE, GAP_TAIL)

GAP_IS = Relation(TARGET, "=", P_0 + E)
P_INVERTED, Q_INVERTED = Relation(P @ P_INVERSE, "=", ROWS), Relation(Q_INVERSE @ Q, "=", COLUMNS)
EARLIER = Relation(P @ W @ Q, "=", P_0 + E @ K)
BLOCK = Relation(OF_K, "<=", R)

PRODUCT, RANK = "P_l What_l ... What_1 against P_0 + E (K + K_l)", "rank of DW_l against R_l"
VALUE = "sigma_i of the error against sigma_(S_l+i)(E)"
FROBENIUS = "squared Frobenius norm of the error against the squared tail of E"
EVERY_LAYER = "P_l What_l ... What_1 = P_0 + E (K_1 + ... + K_l) for l = 0, 1, ..., L"
CONCLUSION = (
    Relation(REACHED, "=", P_0 + E @ (K + K_L), PRODUCT),
    Relation(OF_DW, "<=", R, RANK),
    Relation(ERROR_VALUE, "=", GAP_VALUE, VALUE),
    Relation(words.squared_norm(ERROR), "=", GAP_TAIL, FROBENIUS),
)


def derive() -> Iterator[Step]:
    """What layer l adds; all layers by induction; the error is that of a truncation."""
    yield (gap_is := assumed("blocks", GAP_IS, "the gap"))
    yield (p := assumed("nonsingular", P_INVERTED, "the later layers are onto"))
    yield (q := assumed("nonsingular", Q_INVERTED, "what was reached before is one-to-one"))
    yield (before := assumed("earlier", EARLIER, "what the earlier layers reached"))
    yield (outer := multiplied(lemmas.MULTIPLIED_ROWS, p, ROWS, E @ K_L @ Q_INVERSE @ Q))
    yield (inner := multiplied(lemmas.MULTIPLIED_COLUMNS, q, E @ K_L, COLUMNS))
    given, reached = (before, outer, inner), CONCLUSION[0]
    yield (first := identity(P_0 + E @ (K - K), P_0, "no layer yet: P_0, and no block"))
    yield (step := identity(reached.left, reached.right, "layer l adds its block", given=given))
    yield cited(INDUCTION, EVERY_LAYER, discharged_by={"start": first, "step": step})
    yield (error := identity(ERROR, E - E @ (K + K_L), "the rest of E", given=(gap_is, *given)))
    yield from (ranks_used := tuple(rank_of_adapter()))
    yield identity(reached.left, reached.right, "as above", given=given, label=PRODUCT)
    yield inequality(OF_DW, R, "chain", rule="combine", uses=ranks_used[2:], label=RANK)
    yield from sizes(error)


def multiplied(shapes: lemmas.Multiplied, by: Step, before: Word, after: Word) -> Step:
    """An earlier equation multiplied from both sides."""
    assert by.relation is not None
    sides = {shapes.one: by.relation.left, shapes.other: by.relation.right}
    return cited(
        shapes.lemma,
        "multiply",
        substitution={**sides, shapes.before: before, shapes.after: after},
        discharged_by={"equation": by},
    )


def rank_of_adapter() -> Iterator[Step]:
    """rank DW_l <= rank (K_l Q^+) <= rank K_l <= R_l."""
    update, rows = lemmas.RANKS_OF_UPDATE, lemmas.RANKS_OF_ROWS
    inside = Named("N_l", K_L @ Q_INVERSE)
    update_of_l, outside = Named("DW_l", DW, latex=r"\Delta W_l"), P_INVERSE @ E
    yield (whole := identity(update_of_l, outside @ inside, "with the right factor N_l"))
    yield (part := identity(inside, K_L @ Q_INVERSE, "with the left factor K_l"))
    inner = {lemmas.SECOND_RANK: OF_INNER}
    for shapes, lemma, by, left, right, rank, names in (
        (update, update.by_right, whole, outside, inside, OF_DW, inner),
        (rows, rows.by_left, part, K_L, Q_INVERSE, OF_INNER, {lemmas.FIRST_RANK: OF_K}),
    ):
        assert by.relation is not None
        matrices = {shapes.total: by.relation.left, shapes.left: left, shapes.right: right}
        yield cited(
            lemma, "rank of a product",
            substitution={**matrices, lemmas.TOTAL_RANK: rank, **names},
            discharged_by={"product": by, "ranks": "values"},
        )  # fmt: skip
    yield assumed("blocks", BLOCK, "a block of R_l vectors")


def sizes(error: Step) -> Iterator[Step]:
    """The singular values and the norm of the error."""
    kept = {lemmas.TRUNCATED: E, lemmas.KEPT: K + K_L, lemmas.REST: ERROR}
    value = {lemmas.GAP_VALUE: GAP_VALUE, lemmas.ERROR_VALUE: ERROR_VALUE}
    for lemma, new, label in (
        (lemmas.TRUNCATION, value, VALUE),
        (lemmas.TRUNCATION_NORM, {lemmas.GAP_TAIL: GAP_TAIL}, FROBENIUS),
    ):
        yield cited(lemma, label, substitution={**kept, **new}, label=label,
                    discharged_by={"error": error, "values": "blocks"})  # fmt: skip
