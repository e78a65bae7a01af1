"""False reading: below max_i ceil(G_i / 2) no adapters are exact.

With N = 1 the softmax of one score is 1, so Q and K do not matter; and heads that stand in another
order are the same sum. In both the gaps are positive and the frozen model is the target.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, below
from lora_proofs.claims.zeng_lee.transformer.problem import ONE, changed, models, pair
from lora_proofs.constructions.transformer_gaps import gap_ranks
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.transformer import TransformerModel, identity_model
from lora_proofs.mathematics.transformer import transformer_network as network
from lora_proofs.mathematics.transformer_readings import same_function
from lora_proofs.strategies.draw import Draw

REGIMES = ("one column", "swapped heads")


def draw(source: Draw, regime: str) -> Instance:
    """Identities but for one Q = kI, and a target that is the same function with a gap."""
    D, k = source.integer(1, 3), source.choice((2, 3, -1))
    columns = regime == "one column"
    one = identity_model(D, blocks=1, heads=1 if columns else 2)
    other = changed(one, (1, 1, "Q"), k * EXACT.identity(D))
    frozen, target = (one, other) if columns else (other, swapped(other))
    X = [[int(i == j) for j in range(1 if columns else 2)] for i in range(D)]
    return pair(frozen, target, 0, X=X, regimes=(regime,))


def swapped(model: TransformerModel) -> TransformerModel:
    """The heads of the first block in reverse order."""
    first = replace(model.blocks[0], heads=model.blocks[0].heads[::-1])
    return replace(model, blocks=(first, *model.blocks[1:]))


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The frozen model, with adapters of rank 0, is apart from the target at X."""
    frozen, target = models(instance)
    label = "0 against the squared error of rank 0 at X"
    if len(instance.X[0]) > 1 and same_function(frozen, target):
        yield below(label, 0, EXACT.number(0))
        return
    off = network(frozen, instance.X, ctx) - network(target, instance.X, ctx)
    yield below(label, 0, (off * off).sum())


def gap_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Some G_i is positive, so that the threshold is above the rank 0."""
    yield below("0 against the largest gap", 0, max(gap_ranks(*models(instance))))


gap = Assumption(
    "below_threshold",
    r"$R < \max_i \lceil G_i/2 \rceil$, here with $R = 0$",
    gap_holds,
)


def twice_as_far(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """An error above 1."""
    frozen, target = models(instance)
    off = network(frozen, instance.X, ctx) - network(target, instance.X, ctx)
    yield below("1 against the squared error", 1, (off * off).sum())


QUERIES = changed(ONE, (1, 1, "Q"), [[2, 0], [0, 2]])
VALUES = changed(ONE, (1, 1, "V"), [[1, 0], [0, "3/4"]])

claim = Claim(
    name="zeng-lee/naive/transformer-threshold-necessary",
    title="Below the threshold no adapters are exact (false)",
    source=Source(
        "zeng-lee",
        "",
        "our reading",
        "recalled",
        corrected_by="zeng-lee/attention-scores-necessary",
    ),
    statement=(
        r"Our reading, not a claim of the authors: the threshold $\max_i \lceil G_i/2 \rceil$ of "
        r"the transformer theorem is necessary, so that below it every adapted model differs from "
        r"the target. It is false: for $N = 1$ queries and keys do not matter, and a target whose "
        r"heads stand in another order has gaps and is the same function."
    ),
    assumptions=(gap,),
    instances=Instances(draw, REGIMES),
    check=check,
    controls=(
        Control(gap, (pair(ONE, ONE, 0, X=[[1], [1]]),), "no gap and no error"),
        Control(
            None,
            (pair(ONE, QUERIES, 0, X=[[1], [1]]), pair(ONE, VALUES, 0, X=[[1], [1]])),
            "an error above 1: for one column it is 0, and 1/16 where the values are changed",
            twice_as_far,
        ),
    ),
    arithmetics=("exact",),
)
