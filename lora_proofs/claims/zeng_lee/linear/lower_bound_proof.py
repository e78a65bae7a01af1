"""The derivation of the lower bound: one layer more by telescoping, then all by induction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.language.lemmas import ranks as lemmas
from lora_proofs.language.lemmas.calculus import INDUCTION
from lora_proofs.mathematics import words
from lora_proofs.mathematics.words import Identity, Relation, Scalar, Symbol, Word, Zero
from lora_proofs.symbolic.steps import Step, assumed, cited, identity, inequality

W, DW = Symbol("W_L", "n", "k"), Symbol("DW_L", "n", "k", latex=r"\Delta W_L")
P = Symbol("P", "k", "m")
P_HAT = Symbol("P_hat", "k", "m", latex=r"\hat P")
TARGET = Symbol("Wbar", "n", "m", latex=r"\bar W")


def rank_of(name: str, latex: str) -> Scalar:
    """A rank, which is never negative."""
    return Scalar(f"rank {name}", nonnegative=True, latex=rf"\mathrm{{rank}}({latex})")


EARLIER = rank_of("(P_hat - P)", r"\hat P - P")
CARRIED = rank_of("(W_L P_hat - W_L P)", r"W_L \hat P - W_L P")
UPDATE = rank_of("DW_L", r"\Delta W_L")
ADDED = rank_of("(What_L P_hat - W_L P_hat)", r"\hat W_L \hat P - W_L \hat P")
MOVED = rank_of("(What_L P_hat - W_L P)", r"\hat W_L \hat P - W_L P")
S, R = Scalar("S", nonnegative=True), Scalar("R_L", nonnegative=True)
GAP_VALUE = Scalar("s_{S+i}(E)", nonnegative=True, latex=r"\sigma_{S+i}(E)")
ERROR_VALUE = Scalar("s_i(X)", nonnegative=True, latex=r"\sigma_i(X)")
GAP_TAIL = Scalar("t_S(E)", nonnegative=True, latex=r"\textstyle\sum_{j>S}\sigma_j(E)^2")
RANKS = (EARLIER, CARRIED, UPDATE, ADDED, MOVED)
NUMBERS = (*RANKS, S, R, GAP_VALUE, ERROR_VALUE, GAP_TAIL)

ADAPTED = (W + DW) @ P_HAT
ERROR, GAP = TARGET - ADAPTED, TARGET - W @ P
RANK, VALUE, FROBENIUS = (
    "rank of prod What - prod W against S",
    "sigma_(S+i)(E) against sigma_i(target - prod What)",
    "the squared tail of E against ||target - prod What||_F^2",
)
INDUCTIVE, OF_ADAPTER = Relation(EARLIER, "<=", S - R), Relation(UPDATE, "<=", R)
CONCLUSION = (
    Relation(MOVED, "<=", S, RANK),
    Relation(GAP_VALUE, "<=", ERROR_VALUE, VALUE),
    Relation(GAP_TAIL, "<=", words.squared_norm(ERROR), FROBENIUS),
)


def derive() -> Iterator[Step]:
    """One layer more by telescoping, all layers by induction, then Weyl and Eckart-Young."""
    steps = list(one_layer_more())
    yield from steps
    none = Identity("m") - Identity("m")
    why = "no layer: both products are I, and their difference 0 has rank 0"
    yield (start := identity(none, Zero("m", "m"), why))
    yield cited(
        INDUCTION,
        r"$\mathrm{rank}(\hat W_l \cdots \hat W_1 - W_l \cdots W_1) \le R_1 + \dots + R_l$ for "
        r"$l = 0, 1, \dots, L$",
        discharged_by={"start": start, "step": steps[-1]},
    )
    yield (change := identity(GAP, ERROR + (ADAPTED - W @ P), "E = X + (prod What - prod W)"))
    moved = CONCLUSION[0]
    why = "the case l = L of the induction, where R_1 + ... + R_L = S: the first conclusion"
    yield inequality(moved.left, moved.right, why, rule="combine", uses=(steps[-1],), label=RANK)
    low_rank = {
        lemmas.GAP: GAP, lemmas.ERROR: ERROR, lemmas.CHANGE: ADAPTED - W @ P,
        lemmas.CHANGE_RANK: MOVED, lemmas.TOTAL_OF_RANKS: S,
    }  # fmt: skip
    closed = {"change": change, "rank": steps[-1], "values": "values"}
    for lemma, new, label in (
        (lemmas.WEYL_LOW_RANK, {lemmas.GAP_VALUE: GAP_VALUE, lemmas.ERROR_VALUE: ERROR_VALUE},
         VALUE),
        (lemmas.ECKART_YOUNG, {lemmas.GAP_TAIL: GAP_TAIL}, FROBENIUS),
    ):  # fmt: skip
        yield cited(lemma, label, substitution={**low_rank, **new}, discharged_by=closed,
                    label=label)  # fmt: skip


def one_layer_more() -> Iterator[Step]:
    """rank(What_L P_hat - W_L P) <= rank DW_L + rank(P_hat - P) <= R_L + (S - R_L)."""
    added, carried = ADAPTED - W @ P_HAT, W @ P_HAT - W @ P
    yield (split := identity(ADAPTED - W @ P, added + carried, "telescoping: W_L P_hat between"))
    yield (of_update := identity(added, DW @ P_HAT, "what the last adapter adds"))
    yield (of_earlier := identity(carried, W @ (P_HAT - P), "what the last layer carries on"))
    shapes = lemmas.RANKS_OF_SUM
    matrices = {shapes.total: ADAPTED - W @ P, shapes.first: added, shapes.second: carried}
    yield (
        total := cited(
            shapes.lemma,
            "ranks of a sum",
            substitution={
                **matrices, lemmas.TOTAL_RANK: MOVED,
                lemmas.FIRST_RANK: ADDED, lemmas.SECOND_RANK: CARRIED,
            },
            discharged_by={"sum": split, "ranks": "values"},
        )
    )  # fmt: skip
    product = lemmas.RANKS_OF_PRODUCT
    yield (last := _rank_of(product.by_left, of_update, DW, P_HAT, ADDED, UPDATE))
    yield (before := _rank_of(product.by_right, of_earlier, W, P_HAT - P, CARRIED, EARLIER))
    yield (small_update := assumed("adapters", OF_ADAPTER, "the adapter has rank R_L at most"))
    yield (so_far := assumed("earlier", INDUCTIVE, "so it is for the layers before"))
    yield inequality(
        MOVED, S, "put together", rule="combine",
        uses=(total, last, before, small_update, so_far),
    )  # fmt: skip


def _rank_of(lemma: Any, by: Step, left: Word, right: Word, rank: Word, bound: Word) -> Step:
    """The rank of a product against that of the factor which the lemma is about."""
    assert by.relation is not None
    shapes = lemmas.RANKS_OF_PRODUCT
    of_factor = lemmas.FIRST_RANK if lemma is shapes.by_left else lemmas.SECOND_RANK
    matrices = {shapes.total: by.relation.left, shapes.left: left, shapes.right: right}
    return cited(
        lemma,
        "rank of a product",
        substitution={**matrices, lemmas.TOTAL_RANK: rank, of_factor: bound},
        discharged_by={"product": by, "ranks": "values"},
    )
