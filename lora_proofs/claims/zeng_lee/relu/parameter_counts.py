"""How many parameters adapters at the threshold have, and when that is fewer than tuning layers.

For generic weights every block has a gap of rank D, so R = ceil(D/M), M = floor(L/Lbar), and the
adapters have 2 D R L parameters. R M >= D and L >= Lbar M give at least 2 Lbar D^2. From R M <= D +
M - 1 and L < (M + 1) Lbar they are fewer than 2 Lbar D (M + 1)(D + M - 1)/M, and (M + 1)(D + M - 1)
<= 2 M D says (M - 1)(M - D + 1) <= 0, true for M < D; for M = D, R = 1 and L < (D + 1) Lbar. So
2DRL < 4 Lbar D^2 for M <= D. For M > D, R stays 1 and the count grows with L.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_proofs.arithmetic import Arithmetic, Comparison, at_least, at_most, below, equal
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw

REGIMES = ("generic", "Lbar | L and M | D", "M | D", "one target layer", "M = D")


def draw(source: Draw, regime: str) -> Instance:
    """D, L and Lbar with M <= D."""
    D, Lbar = source.integer(1, 64), source.integer(1, 6)
    if regime == "one target layer":
        Lbar = 1
    M = D if regime == "M = D" else source.integer(1, D)
    if regime.endswith("M | D"):
        D = M * source.integer(1, 12)
    rest = 0 if regime.startswith("Lbar | L") else source.integer(0, Lbar - 1)
    return Instance(D=D, L=M * Lbar + rest, Lbar=Lbar, regimes=(regime,))


def sizes(instance: Instance) -> tuple[int, int, int, int, int]:
    """D, L, Lbar, M, R."""
    D, L, Lbar = int(instance.D), int(instance.L), int(instance.Lbar)
    M = L // Lbar
    return D, L, Lbar, M, -(-D // M)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Both bounds of 2 D R L, and its value where everything divides."""
    D, L, Lbar, M, R = sizes(instance)
    count = 2 * D * R * L
    yield at_least("2 D R L against 2 Lbar D^2", count, 2 * Lbar * D * D)
    yield below("2 D R L against 4 Lbar D^2", count, 4 * Lbar * D * D)
    if D % M == 0 and L % Lbar == 0:
        yield equal("2 D R L where Lbar divides L and M divides D", count, 2 * Lbar * D * D)


def exactly_twice(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """2 Lbar D^2 claimed whatever divides."""
    D, L, Lbar, _, R = sizes(instance)
    yield at_most("2 D R L against 2 Lbar D^2", 2 * D * R * L, 2 * Lbar * D * D)


def a_little_less(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """15/4 in place of 4."""
    D, L, Lbar, _, R = sizes(instance)
    yield below("2 D R L against 15/4 Lbar D^2", 8 * D * R * L, 15 * Lbar * D * D)


def shallow_enough(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """M <= D and Lbar <= L."""
    D, L, Lbar, M, _ = sizes(instance)
    yield at_most("Lbar against L", Lbar, L)
    yield at_most("M against D", M, D)


shallow = Assumption(
    "shallow", r"$\bar L \le L$ and $M = \lfloor L/\bar L \rfloor \le D$", shallow_enough
)

threshold = Claim(
    name="zeng-lee/parameters-at-the-threshold",
    title="The parameters of adapters at the threshold for generic weights",
    source=Source("zeng-lee", "Corollary 4", "corrected", "recalled"),
    statement=(
        r"For $M = \lfloor L/\bar L \rfloor \le D$ adapters of rank $R = \lceil D/M \rceil$ have "
        r"$2 \bar L D^2 \le 2DRL < 4 \bar L D^2$ parameters, and $2 \bar L D^2$ where $\bar L$ "
        r"divides $L$ and $M$ divides $D$; biases add $DL$."
    ),
    assumptions=(shallow,),
    instances=Instances(draw, REGIMES),
    check=check,
    controls=(
        Control(shallow, (Instance(D=1, L=8, Lbar=1),), "depth 8, width 1: 16 against 4"),
        Control(None, (Instance(D=4, L=3, Lbar=2),), "2 Lbar D^2 for L = 3, Lbar = 2",
                exactly_twice),
        Control(None, (Instance(D=8, L=39, Lbar=20),), "15/4 for 4: L = 39, Lbar = 20",
                a_little_less),
    ),
    arithmetics=("exact",),
    note=(
        "As commonly quoted it is of the order of Lbar D^2, nearly optimal; the constant is 2 only "
        "where everything divides. A rank for each layer needs 2 Lbar D^2 at any depth."
    ),
)  # fmt: skip


def against(source: Draw, regime: str) -> Instance:
    """D and L, by depth."""
    if regime == "L <= 3":
        return Instance(D=source.integer(1, 99), L=source.integer(1, 3), regimes=(regime,))
    return Instance(D=source.integer(7, 99), L=source.integer(4, 40), regimes=(regime,))


def compare(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """2 D ceil(D/L) L + L D against (L - 1)(D^2 + D)."""
    D, L = int(instance.D), int(instance.L)
    adapters, layers = 2 * D * -(-D // L) * L, (L - 1) * D * D
    if L <= 3:
        yield at_least("adapters against tuned layers, L <= 3", adapters, layers)
    if L >= 4 and D >= 7:
        yield below("adapters against tuned layers, L >= 4", adapters, layers)
        yield below("the same with the biases", adapters + L * D, layers + (L - 1) * D)


def three_suffice(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Fewer parameters claimed for L = 3 too."""
    D, L = int(instance.D), int(instance.L)
    yield below("adapters against tuned layers", 2 * D * -(-D // L) * L, (L - 1) * D * D)


def sized(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """D, L >= 1."""
    yield at_least("D", instance.D, 1)
    yield at_least("L", instance.L, 1)


whole = Assumption("sizes", r"$D, L \ge 1$", sized, technical="it says what the sizes are")

final = Claim(
    name="zeng-lee/adapters-against-final-layers",
    title="When adapters have fewer parameters than tuning all layers but the first",
    source=Source("zeng-lee", "", "corrected", "recalled"),
    statement=(
        r"For a one-layer target and generic weights adapters have $2 D \lceil D/L \rceil L$ "
        r"parameters, tuning the last $L - 1$ layers has $(L-1) D^2$. For $L \le 3$ the adapters "
        r"never have fewer; for $L \ge 4$ and $D \ge 7$ they do, biases counted or not."
    ),
    assumptions=(whole,),
    instances=Instances(against, ("L <= 3", "L >= 4")),
    check=compare,
    controls=(
        Control(None, (Instance(D=16, L=3),), "L = 3: 576 against 512", three_suffice),
        Control(None, (Instance(D=5, L=4),), "L = 4, D = 5: 80 against 75", three_suffice),
    ),
    arithmetics=("exact",),
    note="D = 16, L = 4: 512 and 64 biases against 768 and 48.",
)
