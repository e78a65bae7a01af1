"""Targets beyond those of the theorem: singular weights, and a smaller width.

A target of width d < D is embedded by J = [I; 0]: the adapted model is fed J X, and its first d
outputs are read. Only d x d parts of the scores and of the output and d columns of the values are
then asked for, so the gaps have rank d at most and ceil(d / 2) is enough for any such target; the
literal padding with zeros would ask for gaps of rank up to D.

A singular Wbar2 of a block before the last only matters for its bias: b2 = W2 y serves if
Cbar'Mbar_h (Cbar y - bbar2) = 0 for the scores Mbar_h of every head of the next block, as the
softmax does not see what is added to a column, and what the values miss goes to the next b1, as its
columns sum to 1. At the end Wbar_o bbar2 in the range of Wbar_o Wbar2 is enough.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_most, equal
from lora_proofs.claims.zeng_lee.transformer import problem, threshold
from lora_proofs.claims.zeng_lee.transformer.problem import HERE, ONE, changed, models, pair
from lora_proofs.constructions.transformer_gaps import block_gaps, gap_ranks, unreachable_biases
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.transformer import TransformerModel, identity_model
from lora_proofs.mathematics.transformer_readings import padded, readings
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.matrices import matrix, rank_matrix
from lora_proofs.strategies.transformers import small, transformer_model

SINGULAR = ("rank 1 in the middle", "two heads, b2 in the range", "singular output", "everything 0")
NARROWER = ("2 of 3", "2 of 4", "1 of 2", "two blocks", "3 of 4", "the frozen model")


def draw_singular(source: Draw, regime: str) -> Instance:
    """A target of width 2 with a singular W2 or Wo whose biases can be reproduced."""
    two = regime == "two heads, b2 in the range"
    shape = 2, 1 if regime == "singular output" else 2, 2 if two else 1
    frozen, target = transformer_model(source, *shape), transformer_model(source, *shape)
    if regime == "everything 0":
        target = target.map(lambda X: 0 * X)
    elif regime == "singular output":
        target = changed(target, (None, None, "Wo"), rank_matrix(source, 2, 2, 1, entry=small))
    else:
        W2 = rank_matrix(source, 2, 2, 1, entry=small)
        target = changed(target, (1, None, "W2"), W2)
        if two:
            target = changed(target, (1, None, "b2"), W2 @ matrix(source, 2, 1, entry=small))
    return at_threshold(frozen, target, regime)


def draw_narrower(source: Draw, regime: str) -> Instance:
    """A target of smaller width, or the frozen model itself, for which rank 0 is enough."""
    d, D = {"2 of 4": (2, 4), "2 of 3": (2, 3), "3 of 4": (3, 4)}.get(regime, (1, 2))
    blocks = 2 if regime == "two blocks" else 1
    frozen = transformer_model(source, D, blocks, 1)
    if regime == "the frozen model":
        return at_threshold(frozen, frozen, regime)
    return at_threshold(frozen, transformer_model(source, d, blocks, 1), regime)


def at_threshold(frozen: TransformerModel, target: TransformerModel, regime: str) -> Instance:
    """Half the largest gap as the rank."""
    rank = max(-(-G // 2) for G in gap_ranks(frozen, target))
    return pair(frozen, target, rank, regimes=(regime,))


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Adapters of rank R give all readings of the target that the softmax of columns depends on."""
    (frozen, target), found = models(instance), threshold.adaptation(instance)
    yield from problem.adapters_of_rank(frozen, found.model, instance.rank)
    if found.model.width != frozen.width:
        return
    ours = readings(found.model, EXACT, softmax="columns", width=target.width)
    theirs = readings(target, EXACT, softmax="columns")
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True), start=1):
        for (name, X), (_, Y) in zip(a.items(), b.items(), strict=True):
            X = X[: target.width] if name == "output" else X
            yield equal(f"{name}, block {i}", X, padded(Y, len(X), EXACT))


def half_the_width(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The same, and R at most half the target's width."""
    yield from check(instance, ctx)
    yield at_most("R", EXACT.number(instance.rank), -(-models(instance)[1].width // 2))


def biases_hold(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The biases of the target can be reproduced."""
    yield equal("equations without a solution", len(unreachable_biases(*models(instance))), 0)


biases = Assumption(
    "biases",
    r"for every $l < L$ some $y$ has $\bar C^\top \bar K^\top \bar Q(\bar C y - \bar b_{2l}) = 0$ "
    r"for all heads of block $l + 1$, $\bar C = \bar W_{2l}$, and $\bar W_o \bar b_{2L}$ is in the "
    r"range of $\bar W_o \bar W_{2L}$",
    biases_hold,
    technical=(
        "for two heads and a generic singular target no y solves all equations, and then no "
        "adapters seem to be exact; that is argued, not proved, so there is no counterexample"
    ),
)


def literal_padding(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The gap of the scores of the target padded with zeros is within 2R."""
    frozen, target = models(instance)
    D, head = frozen.width, target.blocks[0].heads[0]
    scores = padded(padded(head.K.mT @ head.Q, D, EXACT).T, D, EXACT).T
    ours = frozen.blocks[0].heads[0]
    rank = EXACT.rank(scores - ours.K.mT @ ours.Q)
    yield at_most("rank of the padded gap", rank, 2 * instance.rank)


def fewer(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Rank R - 1: half the gap of the scores, which is needed."""
    gap = EXACT.rank(block_gaps(*models(instance))[0].scores[0])
    yield at_most("rank of the gap of the scores", gap, 2 * (instance.rank - 1))


FOUR, THREE = identity_model(4, blocks=1), identity_model(3, blocks=1)
TWICE = ONE.map(lambda X: 2 * X)
ZERO = np.zeros((3, 3), dtype=int)


def without(place: tuple[int | None, int | None, str]) -> Instance:
    """Frozen identities of width 3 with one weight 0, the identity of width 2 as target."""
    return pair(changed(THREE, place, ZERO), ONE, 1, x=HERE)


REGULAR = (
    Control(problem.attention, (without((1, 1, "Q")),), "Q = 0: the scores have rank 1"),
    Control(problem.inner, (without((1, None, "W1")),), "W1 = 0: the output is constant"),
    Control(problem.output, (without((None, None, "Wo")),), "Wo = 0: the output has rank 1"),
    Control(problem.rank_enough, (pair(THREE, TWICE, 0),), "rank 0: the scores differ"),
)

singular = Claim(
    name="zeng-lee/transformer-singular-target",
    title="The threshold for targets with singular weights",
    source=Source("zeng-lee", "", "extension", "recalled"),
    statement=(
        r"With nonsingular frozen weights, adapters of rank $R \ge \max_i \lceil G_i/2 \rceil$ "
        r"make the frozen transformer equal to any target whose biases can be reproduced, its "
        r"weights singular or not, for every $X$ of any $N$."
    ),
    assumptions=(problem.attention, problem.inner, problem.output, biases, problem.rank_enough),
    instances=Instances(draw_singular, SINGULAR),
    check=check,
    kind="lower-bound",
    lower_bound=problem.necessary,
    controls=(
        *REGULAR,
        Control(None, (pair(ONE, TWICE, 1),), "one rank less: the scores differ", fewer),
    ),
    arithmetics=("exact",),
    note="Uses that the columns of a softmax sum to 1 and do not see what is added to a column.",
)
narrower = Claim(
    name="zeng-lee/transformer-narrower-target",
    title="A narrower target needs half its own width",
    source=Source("zeng-lee", "", "extension", "recalled"),
    statement=(
        r"A target of width $d \le D$ whose biases can be reproduced is met on inputs padded with "
        r"zeros, in the first $d$ outputs, by a frozen transformer of width $D$ with nonsingular "
        r"weights and adapters of rank $R \ge \max_i \lceil G_i/2 \rceil$, the gaps taken of the "
        r"$d$ rows and columns that are read. $\lceil d/2 \rceil$ is always enough; the gaps of "
        r"the target padded with zeros can have rank $D$."
    ),
    assumptions=(problem.attention, problem.inner, problem.output, biases, problem.rank_enough),
    instances=Instances(draw_narrower, NARROWER),
    check=half_the_width,
    kind="lower-bound",
    lower_bound=problem.necessary,
    controls=(
        *REGULAR,
        Control(None, (pair(FOUR, TWICE, 1),), "the target padded with zeros", literal_padding),
    ),
    arithmetics=("exact",),
)
