"""Open: rank width x depth(target) / depth suffices for generic weights, whether depths divide.

With one rank for all layers and blocks of whole layers some block has at most floor(L/Lbar) layers,
and ceil(D/floor(L/Lbar)) is what blocks need: that is Lbar D/L only where Lbar divides L and M
divides D. For two target layers one frozen layer may serve both, and ceil(2 D/L) is proved to
suffice. Cut a target into pieces of one or two layers and the frozen layers among them: for Lbar
>= 3 no better rank is proved to suffice here, and nothing excludes the quoted one, as L R(2D - R) +
L D free parameters are never fewer than Lbar D^2 + D.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from lora_proofs.arithmetic import Arithmetic, Comparison, at_least, at_most
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw

REGIMES = ("depths divide", "one or two target layers", "three target layers or more")


def draw(source: Draw, regime: str) -> Instance:
    """D, L and Lbar <= L."""
    D = source.integer(1, 12)
    if regime == "one or two target layers":
        Lbar = source.integer(1, 2)
        return Instance(D=D, Lbar=Lbar, L=source.integer(Lbar, 12), regimes=(regime,))
    Lbar = source.integer(3, 5)
    M = source.integer(1, 3)
    rest = 0 if regime == "depths divide" else source.integer(1, Lbar - 1)
    return Instance(D=D, Lbar=Lbar, L=Lbar * M + rest, regimes=(regime,))


INSTANCES = Instances(draw, REGIMES)


def sizes(instance: Instance) -> tuple[int, int, int]:
    """D, L, Lbar."""
    return int(instance.D), int(instance.L), int(instance.Lbar)


def quoted(instance: Instance) -> int:
    """ceil(Lbar D/L)."""
    D, L, Lbar = sizes(instance)
    return -(-Lbar * D // L)


def proved(instance: Instance) -> int:
    """The least rank that is known to suffice for generic weights."""
    return least_rank(*sizes(instance))


@cache
def least_rank(D: int, L: int, Lbar: int) -> int:
    """The best way to cut: a first piece of one or two target layers, on l frozen ones."""
    found = [] if Lbar > 2 else [-(-Lbar * D // L)]
    for piece in range(1, min(2, Lbar - 1) + 1):
        for length in range(piece, L - (Lbar - piece) + 1):
            rest = least_rank(D, L - length, Lbar - piece)
            found.append(max(-(-piece * D // length), rest))
    return min(found)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Is the rank that is known to suffice the one of the abstract?"""
    label = "a rank that is known to suffice against ceil(Lbar D/L)"
    yield at_most(label, proved(instance), quoted(instance))


def lower_bound(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """What is free in adapters of that rank and biases, against what exact families need."""
    D, L, Lbar = sizes(instance)
    R = quoted(instance)
    yield at_least("dimension of the adapters", L * R * (2 * D - R) + L * D, Lbar * D * D + D)


def half_of_it(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A quarter of the rank claimed to suffice: fewer parameters than any exact family has."""
    D, L, Lbar = sizes(instance)
    R = quoted(instance) // 4
    yield at_least("dimension of the adapters", L * R * (2 * D - R) + L * D, Lbar * D * D + D)


def blocks_are_best(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Blocks of whole layers claimed to be the best that is possible for two target layers."""
    D, L, Lbar = sizes(instance)
    yield at_most(
        "ceil(D/floor(L/Lbar)) against what suffices", -(-D // (L // Lbar)), proved(instance)
    )


def are_sizes(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """1 <= D and 1 <= Lbar <= L."""
    D, L, Lbar = sizes(instance)
    yield at_least("D", D, 1)
    yield at_least("Lbar", Lbar, 1)
    yield at_most("Lbar against L", Lbar, L)


whole = Assumption("sizes", r"$D \ge 1$, $1 \le \bar L \le L$", are_sizes,
                   technical="it says what the sizes are")  # fmt: skip

claim = Claim(
    name="zeng-lee/rank-width-times-depth",
    title="Rank width times depth over depth, where depths do not divide (open)",
    source=Source("zeng-lee", "", "as commonly quoted", "summary"),
    statement=(
        r"For generic weights adapters of rank $R \ge \bar L D/L$ and biases give $f = \bar f$ on "
        r"any bounded set, for all $L \ge \bar L$. Known by constructions, which "
        r"zeng-lee/general-partition-exact and zeng-lee/two-layer-target-straddling certify on "
        r"instances: $R = \lceil D/\lfloor L/\bar L \rfloor \rceil$ suffices, "
        r"$R = \lceil 2D/L \rceil$ does for $\bar L = 2$, and so "
        r"does the largest of such ranks over pieces of one or two target layers. Open: $\bar L "
        r"\ge 3$ where these stay above $\bar L D/L$."
    ),
    assumptions=(whole,),
    instances=INSTANCES,
    check=check,
    kind="lower-bound",
    lower_bound=lower_bound,
    controls=(
        Control(None, (Instance(D=2, L=3, Lbar=2),), "a quarter of the rank", half_of_it),
        Control(None, (Instance(D=3, L=3, Lbar=2),), "whole blocks claimed best: 3 against 2",
                blocks_are_best),
    ),
    arithmetics=("exact",),
    note=(
        "Open for example at D = 5, L = 5, Lbar = 3: R = 4 suffices by a construction, 3 is "
        "quoted. A positive scale of each hidden unit is free too, which is not used here."
    ),
)  # fmt: skip
