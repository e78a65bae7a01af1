"""The Frobenius flow from B0 = 0 and an A0 whose rows are not orthogonal: open in general.

From B0 = 0 with orthogonal rows of one length the limit is known (frobenius-riccati-limit). For
other A0 no proof is known to us, and the almost-every-start theorem does not cover it: B0 = 0 is a
null set. Judged on single starts, each of which is shown to end in the least loss.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, equal
from lora_proofs.claims.rushka_klabjan.frobenius import generic
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw


def draw(source: Draw, regime: str) -> Instance:
    """A start with B0 = 0."""
    return generic.draw_start(source, regime, zero_B=True)


def saddle(source: Draw, regime: str) -> Instance:
    """B0 = 0 and the row of A0 along the second singular direction."""
    return generic.rotated(source, regime, zero_B=True)


def no_B(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """B0 = 0."""
    B0 = EXACT.matrix(instance.B0)
    yield equal("B0", B0, 0 * B0)


INSTANCES = Instances(
    draw,
    generic.REGIMES,
    dependent="the claim is about almost every start, and an edited start may be one of the others",
)
unobstructed = Assumption(
    "unobstructed",
    r"no linear invariance holds the start back: $A_0$ has rank $r$, no proper subspace "
    r"$V \supset \mathrm{row}\,A_0$ with $E^\top E V \subset V$ leaves out a part of $E$, and only "
    r"the multiples of $I$ are symmetric and commute with all $A_0 (E^\top E)^k A_0^\top$ (else "
    r"the rank indices fall into groups that never meet); "
    r"for $r = 1$, moreover, $[B_0; A_0^\top]$ is not orthogonal to the leading eigenvectors of "
    r"$[[\tfrac{c}{2} I, E], [E^\top, -\tfrac{c}{2} I]]$, $c = \|B_0\|^2 - \|A_0\|^2$",
    generic.unobstructed,
)
zero_B = Assumption(
    "zero_B",
    r"$B_0 = 0$",
    no_B,
    technical="starts with B0 not 0 are the subject of frobenius-general-start",
)

claim = Claim(
    name="rushka-klabjan/frobenius-general-zero-b",
    title="From B0 = 0 and almost every A0 the Frobenius flow tends to a global minimum",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Let $f = \tfrac12\|W - Y\|_F^2$ and $E = Y - W_0$. From $B_0 = 0$ and almost every "
        r"$A_0$ the LoRA gradient flow tends to the least loss of rank $r$, "
        r"$\tfrac12\sum_{i>r}\sigma_i^2$. For rows that are not orthogonal no proof is known "
        r"to us; judged on single $A_0$ that no linear invariance holds back."
    ),
    assumptions=(unobstructed, zero_B),
    instances=INSTANCES,
    check=generic.least_in_the_limit,
    kind="trap",
    limit="closed forms, exact invariances, and losses enclosed below the critical-value gap",
    controls=(
        Control(
            unobstructed,
            Instances(saddle, ("wrong direction",)),
            "the row of A0 along the second singular direction, in a rotated basis",
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
        "starts cannot decide a statement about almost every A0: orthonormal rows with "
        "det(A0 V_r) = 0 end elsewhere, see frobenius-greedy-limit. So does a start that hides "
        "nothing of E, but whose rows never meet: with one row along v_3 and one in the span of "
        "v_1 and v_2 the flow learns sigma_1 and sigma_3."
    ),
)
