"""The least error of a linear net: the construction in blocks attains what no other adapters beat.

Two derivations about one gap E = target - P_0. ``blocks`` builds adapters that leave sigma_(S_l+i)
(E) after l layers, sigma_(S+i)(E) after all. ``lower_bound`` takes any adapters DW_1, ..., DW_L of
the same ranks, whose error has no smaller singular value and no smaller Frobenius norm.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, equal
from lora_proofs.claims.zeng_lee.linear import blocks, blocks_proof, lower_bound, lower_bound_proof
from lora_proofs.claims.zeng_lee.linear.problem import gap, ranks
from lora_proofs.language.claim import Assumption, Control
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.words import Relation, word
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.networks import layers
from lora_proofs.symbolic.steps import Step, assumed, identity

FROZEN = Relation(lower_bound_proof.W @ lower_bound_proof.P, "=", blocks_proof.P_0)
SAME_GAP = Relation(
    lower_bound_proof.GAP, "=", blocks_proof.E, "the gap of any adapters against that of the blocks"
)
CONCLUSION = (*blocks_proof.CONCLUSION, SAME_GAP, *lower_bound_proof.CONCLUSION)


def derive() -> Iterator[Step]:
    """Adapters that attain the error, any adapters of the same ranks; what both show comes last."""
    steps = [*blocks_proof.derive(), *same_gap(), *lower_bound_proof.derive()]
    yield from (step for step in steps if not concludes(step))
    yield from (step for step in steps if concludes(step))


def concludes(step: Step) -> bool:
    """Whether a step states a part of the conclusion, which carries a label."""
    return step.relation is not None and step.relation.label != ""


def same_gap() -> Iterator[Step]:
    """target - W_L P = E."""
    yield (gap_is := assumed("blocks", blocks_proof.GAP_IS, "the gap"))
    yield (frozen := assumed("values", FROZEN, "the frozen product, with its last layer apart"))
    yield identity(
        SAME_GAP.left, SAME_GAP.right, "other adapters face the same gap",
        given=(gap_is, frozen), label=SAME_GAP.label,
    )  # fmt: skip


def with_others(source: Draw, found: Instance) -> Instance:
    """Other adapters to compare with, of the allowed ranks; now and then those of the blocks."""
    weights, allowed = layers(found), ranks(found)
    updates = lower_bound.adapters(source, weights, allowed)
    if source.integer(0, 3) == 0:
        updates = blocks.adapters(found, len(weights))
    return found.replace(**{f"DW{k}": X for k, X in enumerate(updates, start=1)})


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """What both derivations name."""
    return {**blocks.interpret(instance, ctx), **lower_bound.interpret(instance, ctx)}


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The error of the blocks, and that of the other adapters."""
    yield from blocks.check(instance, ctx)
    (frozen, _), last = lower_bound.before_last(instance), layers(instance)[-1]
    yield equal(SAME_GAP.label, EXACT.matrix(instance.target) - last @ frozen, gap(instance))
    yield from lower_bound.check(instance, ctx)


def earlier_layers(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """What both inductions have shown before the layer at hand."""
    yield from blocks.earlier_layers(instance, ctx)
    yield from lower_bound.earlier_ranks(instance, ctx)


EARLIER = Assumption(
    "earlier",
    r"the hypotheses of both inductions over layers: $P_{l-1} \hat W_{l-1} \cdots \hat W_1 = P_0 + "
    r"E K$ for the blocks, and $\mathrm{rank}(\hat P - P) \le S - R_L$ for the products $\hat P$, "
    r"$P$ of any adapted and of the frozen layers before the last",
    earlier_layers,
    technical="it is what the inductions prove, so no instance that has the others breaks it",
    relations=(blocks_proof.EARLIER, lower_bound_proof.INDUCTIVE),
)
OTHERS = Assumption(
    "adapters",
    r"any other updates have $\mathrm{rank}\,\Delta W_l \le R_l$ for every layer, too",
    lower_bound.small_adapters,
    relations=(lower_bound_proof.OF_ADAPTER,),
)
VALUES = Assumption(
    "values",
    r"$\mathrm{rank}\,\cdot$ are ranks, $\sigma_j$ the $j$-th largest singular values, 0 beyond "
    r"the last, $1 \le l \le L$, $i \ge 1$, and $P_0 = W_L P$",
    blocks.indices,
    technical="it only names numbers, which are computed from the instance",
    relations=(
        FROZEN,
        *(
            Relation(word(0), "<=", x)
            for x in dict.fromkeys((*blocks_proof.NUMBERS, *lower_bound_proof.NUMBERS))
        ),
    ),
)
ASSUMPTIONS = (blocks.NONSINGULAR, blocks.BLOCKS, EARLIER, OTHERS, VALUES)

NOT_ALLOWED = Control(
    OTHERS,
    (blocks.PLAIN.replace(DW1=[[3, 0], [0, 2]]),),
    "an adapter of rank 2 where 1 is allowed is exact",
    lower_bound.check,
)


def controls(plain: Instance, total: str) -> tuple[Control, ...]:
    """What every form of the statement is tested against; ``total`` names the sum of the ranks."""
    return (
        Control(
            blocks.BLOCKS,
            (blocks.UNSORTED,),
            "the last singular vectors in place of the first",
            blocks.last_vectors,
        ),
        NOT_ALLOWED,
        Control(
            None,
            (plain,),
            f"sigma_({total}+2) in place of sigma_({total}+1)",
            blocks.one_rank_more,
        ),
        Control(None, (plain,), "0.99 of the optimal error", blocks.a_percent_less),
    )
