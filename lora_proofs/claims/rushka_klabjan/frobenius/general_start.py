"""The Frobenius flow from almost every start, with B0 not 0: it tends to a global minimum.

Known for almost every start: all critical points that are not global minima are strict saddles,
bounded gradient flows of a polynomial converge, and the stable sets of strict saddles are null
sets. Judged here on single starts, each of which is shown to end in the least loss.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, below, squared_norm
from lora_proofs.claims.rushka_klabjan.frobenius import generic
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw


def draw(source: Draw, regime: str) -> Instance:
    """A start with B0 != 0."""
    return generic.draw_start(source, regime, zero_B=False)


def saddle(source: Draw, regime: str) -> Instance:
    """A start on the stable set of a saddle, by an exact invariance."""
    return generic.rotated(source, regime, zero_B=False)


def moving_B(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """B0 != 0: the starts with B0 = 0 are a null set of their own."""
    yield below("0 < ||B0||^2", 0, squared_norm(EXACT.matrix(instance.B0)))


INSTANCES = Instances(
    draw,
    generic.REGIMES,
    dependent="the claim is about almost every start, and an edited start may be one of the others",
)
unobstructed = Assumption(
    "unobstructed",
    r"no linear invariance holds the start back: $Z = [B_0; A_0^\top]$ has rank $r$, no proper "
    r"pair of subspaces $U \supset \mathrm{col}\,B_0$, $V \supset \mathrm{row}\,A_0$ with "
    r"$E V \subset U$, $E^\top U \subset V$ leaves out a part of $E$, and only the multiples of "
    r"$I$ are symmetric and commute with all $Z^\top M^k Z$ and $Z^\top J M^k Z$, where "
    r"$M = [[0, E], [E^\top, 0]]$ and $J = \mathrm{diag}(I, -I)$ (else the rank indices fall into "
    r"groups that never meet); for $r = 1$, moreover, "
    r"$[B_0; A_0^\top]$ is not orthogonal to the leading eigenvectors of "
    r"$[[\tfrac{c}{2} I, E], [E^\top, -\tfrac{c}{2} I]]$, $c = \|B_0\|^2 - \|A_0\|^2$",
    generic.unobstructed,
)
off_zero = Assumption(
    "off_zero",
    r"$B_0 \ne 0$",
    moving_B,
    technical="the LoRA start is a null set, and the subject of frobenius-general-zero-b",
)

claim = Claim(
    name="rushka-klabjan/frobenius-general-start",
    title="From almost every start the Frobenius flow tends to a global minimum",
    source=Source("rushka-klabjan", "", "extension", "recalled"),
    statement=(
        r"Let $f = \tfrac12\|W - Y\|_F^2$ and $E = Y - W_0$. From almost every start $(A_0, B_0)$ "
        r"the LoRA gradient flow tends to the least loss of rank $r$, "
        r"$\tfrac12\sum_{i>r}\sigma_i^2$. Starts with $B_0 = 0$ are a null set, of which nothing "
        r"is said. Known; judged here on single starts with $B_0 \ne 0$ that no linear "
        r"invariance holds back."
    ),
    assumptions=(unobstructed, off_zero),
    instances=INSTANCES,
    check=generic.least_in_the_limit,
    kind="trap",
    limit="closed forms, exact invariances, and losses enclosed below the critical-value gap",
    controls=(
        Control(
            unobstructed,
            Instances(saddle, ("wrong direction",)),
            "a start in the span of the second singular direction, in a rotated basis",
        ),
        Control(
            None,
            Instances(draw, ("r = 1",)),
            "a rank of r + 1 claimed of the limit",
            generic.one_rank_more,
        ),
    ),
    note=(
        "No draw is left out for what its flow does; a start whose limit is open would stay "
        "undecided. Single "
        "starts cannot decide a statement about almost every start: from W0 = 0, Y = diag(2, 1), "
        "A0 = (-2, 1/2), B0 = (1, 5/2)' the loss tends to 2, although no linear invariance holds "
        "this start back."
    ),
)
