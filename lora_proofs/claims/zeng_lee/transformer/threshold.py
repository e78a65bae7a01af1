"""Adapters of rank max_i ceil(G_i / 2) make a frozen transformer the target, for every X of any N.

G_i is the largest rank of Cbar'Kbar'Qbar Cbar - C'K'Q C and Wbar1 Obar Vbar Cbar - W1 O V C among
the heads of block i, where C = W2 and Cbar = Wbar2 of the block before (the identity for the
first), and G_{L+1} that of Wbar_o Wbar2 - W_o W2 of the last block. Adapters stand on Q, K, V, O of
every head, on the last W2 and on Wo; all biases are replaced.

The check compares the readings of both models, matrix by matrix over the rationals: they are one
function whatever stands in place of the softmax (``mathematics.transformer_readings``).
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, equal
from lora_proofs.claims.zeng_lee.transformer import problem
from lora_proofs.claims.zeng_lee.transformer.problem import HERE, ONE, ZERO, changed, pair
from lora_proofs.constructions.transformer import TransformerAdaptation, transformer_adapters
from lora_proofs.constructions.transformer_gaps import gap_ranks
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.transformer import identity_model
from lora_proofs.mathematics.transformer_readings import readings
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.transformers import nearby_model, transformer_model

REGIMES = (
    "one block", "two blocks", "two heads", "gap of rank 1", "more rank than needed", "no gap",
)  # fmt: skip


def draw(source: Draw, regime: str) -> Instance:
    """Two models of width 2, or 3 with one block and head, and the threshold, or more."""
    D = 2 if regime in ("two blocks", "two heads") else source.integer(2, 3)
    if regime == "gap of rank 1":
        D = 3
    blocks = 2 if regime == "two blocks" else 1
    heads = 2 if regime == "two heads" else 1
    frozen = transformer_model(source, D, blocks, heads)
    target = transformer_model(source, D, blocks, heads)
    if regime == "gap of rank 1":
        target = nearby_model(source, frozen, 1)
    if regime == "no gap":
        target = frozen
    rank = max(-(-G // 2) for G in gap_ranks(frozen, target))
    if regime == "more rank than needed":
        rank = source.integer(rank, D)
    return pair(frozen, target, rank, regimes=(regime,))


def adaptation(instance: Instance) -> TransformerAdaptation:
    """The adapters over the rationals."""
    return transformer_adapters(*problem.models(instance), int(instance.rank), EXACT)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Every reading of the adapted model is that of the target, and every What - W has rank R."""
    found = adaptation(instance)
    frozen, target = problem.models(instance)
    pairs = zip(readings(found.model, EXACT), readings(target, EXACT), strict=True)
    for i, (ours, theirs) in enumerate(pairs, start=1):
        for (name, X), (_, Y) in zip(ours.items(), theirs.items(), strict=True):
            yield equal(f"{name}, block {i}", X, Y)
    yield from problem.adapters_of_rank(frozen, found.model, instance.rank)


target_regular = Assumption(
    "target",
    r"the target's $\bar W_{2l}$ of every block and $\bar W_o$ are nonsingular",
    problem.target_holds,
    technical=(
        "only the biases need it, and a solution of the equations of the scores does as well "
        "(zeng-lee/transformer-singular-target); without one no counterexample is proved here"
    ),
)

TWICE = ONE.map(lambda X: 2 * X)


def without(block: int | None, head: int | None, name: str) -> Instance:
    """Identities as target, one frozen weight 0, rank 1: half the rank of every gap."""
    return pair(changed(ONE, (block, head, name), ZERO), ONE, 1, x=HERE)


LONG = identity_model(2, blocks=2)

claim = Claim(
    name="zeng-lee/transformer-threshold",
    title="The rank at which adapted transformers are exact",
    source=Source("zeng-lee", "Theorem 7", "as commonly quoted", "recalled"),
    statement=(
        r"If all frozen weights and the target's $\bar W_{2l}$, $\bar W_o$ are nonsingular, "
        r"adapters of rank $R \ge \max_i \lceil G_i/2 \rceil$ on $W_Q, W_K, W_V, W_O$ of every "
        r"head, $W_{2L}$ and $W_o$, with all biases, make the frozen transformer the target "
        r"for every $X \in \mathbb R^{D \times N}$ and every $N$. $G_i$ is the largest rank of "
        r"$\bar C^\top \bar K^\top \bar Q \bar C - C^\top K^\top Q C$ and $\bar W_1 \bar O \bar V "
        r"\bar C - W_1 O V C$ over the heads of block $i \le L$ with $C = W_{2,i-1}$ ($I$ for "
        r"$i = 1$), and $G_{L+1} = \mathrm{rank}(\bar W_o \bar W_{2L} - W_o W_{2L})$."
    ),
    assumptions=(
        problem.attention,
        problem.inner,
        problem.output,
        target_regular,
        problem.rank_enough,
    ),
    instances=Instances(draw, REGIMES),
    check=check,
    kind="lower-bound",
    lower_bound=problem.necessary,
    controls=(
        Control(problem.attention, (without(1, 1, "Q"),), "Q = 0: the scores have rank 1"),
        Control(problem.attention, (without(1, 1, "V"),), "V = 0: the values have rank 1"),
        Control(problem.inner, (without(1, None, "W1"),), "W1 = 0: the output is constant"),
        Control(
            problem.inner,
            (pair(changed(LONG, (1, None, "W2"), ZERO), LONG, 1, x=HERE),),
            "W2 = 0 in the first of two blocks: the output is constant",
        ),
        Control(problem.output, (without(None, None, "Wo"),), "Wo = 0: the output has rank 1"),
        Control(
            problem.rank_enough,
            (pair(ONE, TWICE, 0, x=HERE),),
            "rank 0: the scores of the target differ by a matrix of rank 2",
        ),
    ),
    arithmetics=("exact",),
    note=(
        "W1 of every block and W2 of all but the last have no adapters, so the adapters are not on "
        "attention alone. The singular intermediates that the paper's construction excludes do no "
        "harm: zeng-lee/linear-nonsingular-weights-suffice."
    ),
)
