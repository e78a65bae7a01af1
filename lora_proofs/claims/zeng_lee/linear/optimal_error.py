"""The optimal error of a linear net with one rank R for all layers: sigma_(RL+1) of the gap.

As commonly quoted it asks for nonsingular W_l and P_0 + LR_r(E) for all r <= R(L - 1); only
r = R, 2R, ..., R(L - 1) are met on the way, so only they are asked for here.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_proofs.arithmetic import Arithmetic, Comparison, equal
from lora_proofs.claims.zeng_lee.linear import blocks, minimum
from lora_proofs.claims.zeng_lee.linear.problem import ranks
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.networks import REGIMES


def draw(source: Draw, regime: str) -> Instance:
    """A problem with the same rank for every layer."""
    return minimum.with_others(source, blocks.draw(source, regime, uniform=True))


INSTANCES = Instances(draw, tuple(r for r in REGIMES if r != "zero ranks"))


def is_uniform(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """R_1 = ... = R_L."""
    for R in ranks(instance):
        yield equal("R_l against R_1", R, ranks(instance)[0])


uniform = Assumption(
    "uniform",
    "all layers have the same rank $R$",
    is_uniform,
    technical="it is not needed: zeng-lee/linear-per-layer-ranks",
)


claim = Claim(
    name="zeng-lee/linear-optimal-error",
    title="The optimal error of a linear net with adapters of rank R",
    source=Source("zeng-lee", "Lemma 1", "as commonly quoted", "summary"),
    statement=(
        r"If all $W_l$ and $P_0 + \mathrm{LR}_r(E)$, $r = R, 2R, \dots, R(L-1)$, are nonsingular, "
        r"then there are updates of rank at most $R$ with $\hat W_L \cdots \hat W_1 = P_0 + "
        r"\mathrm{LR}_{RL}(E)$, so $\|\hat W_L \cdots \hat W_1 - \bar W\|_2 = \sigma_{RL+1}(E)$ "
        r"with $E = \bar W - P_0$, $P_0 = W_L \cdots W_1$; no updates of that rank come nearer: "
        r"theirs is $\sigma_{RL+1}(E)$ or more."
    ),
    assumptions=(*minimum.ASSUMPTIONS, uniform),
    instances=INSTANCES,
    check=minimum.check,
    conclusion=minimum.CONCLUSION,
    derive=minimum.derive,
    interpret=minimum.interpret,
    kind="lower-bound",
    lower_bound=blocks.least_error,
    controls=(
        Control(blocks.NONSINGULAR, (blocks.DEAD,), "W_1 = 0: every product has rank 1 at most"),
        *minimum.controls(blocks.PLAIN, "RL"),
    ),
    note=(
        "Both derivations, of the construction and of the bound, are steps of inductions over "
        "layers; the bound is that of zeng-lee/linear-lower-bound. That the intermediate P_0 + "
        "LR_r(E) are nonsingular is not needed, only this construction needs it: "
        "zeng-lee/linear-nonsingular-weights-suffice."
    ),
)  # fmt: skip
