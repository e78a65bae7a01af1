"""The optimal error with a rank for every layer, zeros allowed: only the sum of the ranks counts.

Layer l takes the next R_l singular vectors of the gap; see ``blocks``. That no adapters do better
is the unconditional lower bound.
"""

from __future__ import annotations

from lora_proofs.claims.zeng_lee.linear import blocks, minimum
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.networks import REGIMES


def draw(source: Draw, regime: str) -> Instance:
    """A problem with a rank for every layer, and other adapters of these ranks."""
    return minimum.with_others(source, blocks.draw(source, regime))


INSTANCES = Instances(draw, REGIMES)
OVERSHOT = blocks.PLAIN.replace(DW1=[[9, 0], [0, 0]])
"""An update of the right direction and three times the gap."""

claim = Claim(
    name="zeng-lee/linear-per-layer-ranks",
    title="The optimal error of a linear net with a rank for every layer",
    source=Source("zeng-lee", "Lemma 1, ranks per layer", "extension", "summary"),
    statement=(
        r"Let all $W_l$ and $P_0 + \mathrm{LR}_r(E)$ for $r = R_1, R_1 + R_2, \dots, R_1 + \dots + "
        r"R_{L-1}$ be nonsingular, $R_l \ge 0$, $S = R_1 + \dots + R_L$. Taking for each layer the "
        r"next $R_l$ singular vectors, $\Delta W_l = P_l^{-1} E K_l (\hat W_{l-1} \cdots "
        r"\hat W_1)^{-1}$ of rank at most $R_l$, gives $P_l \hat W_l \cdots \hat W_1 = P_0 + "
        r"\mathrm{LR}_{R_1 + \dots + R_l}(E)$ after every layer; so $\|\hat W_L \cdots \hat W_1 "
        r"- \bar W\|_2 = \sigma_{S+1}(E)$; no updates of these ranks come nearer."
    ),
    assumptions=minimum.ASSUMPTIONS,
    instances=INSTANCES,
    check=minimum.check,
    conclusion=minimum.CONCLUSION,
    derive=minimum.derive,
    interpret=minimum.interpret,
    kind="lower-bound",
    lower_bound=blocks.least_error,
    controls=(
        Control(blocks.NONSINGULAR, (blocks.DEAD,), "W_1 = 0: every product has rank 1 at most"),
        *minimum.controls(blocks.PLAIN, "S"),
        Control(None, (OVERSHOT,), "0.99 of the optimal error, beside adapters that overshoot",
                blocks.a_percent_less),
    ),
    note=(
        "Both derivations, of the construction with a formula for every layer and of the bound, "
        "are steps of inductions over layers; the bound is that of zeng-lee/linear-lower-bound. Of "
        "the second half of the assumption nothing is needed: "
        "zeng-lee/linear-nonsingular-weights-suffice."
    ),
)  # fmt: skip
