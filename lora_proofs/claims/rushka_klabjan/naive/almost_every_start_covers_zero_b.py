"""False reading: convergence from almost every start covers the LoRA start B0 = 0.

The starts with B0 = 0 are a null set. On it there are starts that stay away from the optimum for
ever: with E diagonal and column 1 of A0 zero, column 1 of A and row 1 of B stay zero, because
A' e_1 = B'(E - BA) e_1 and B'e_1 only ever see each other. So BA never meets the largest singular
value, while r others are free to be met: the loss is at least sigma_1^2/2 + the tail of the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, at_most, equal
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.critical_values import frobenius_critical_values
from lora_proofs.mathematics.flows import lora_vector_field
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.mathematics.matrices import best_rank_squared_error
from lora_proofs.strategies.draw import Draw, ratio
from lora_proofs.strategies.matrices import full_rank_matrix, orthonormal_rows
from lora_proofs.strategies.spectra import spectrum

REGIMES = ("generic rows", "orthonormal rows", "r = 1")


def draw(source: Draw, regime: str) -> Instance:
    """E diagonal with decreasing entries; A0 of full row rank with a zero first column."""
    n, m = source.integer(2, 4), source.integer(2, 4)
    r = 1 if regime == "r = 1" else source.integer(1, min(n, m) - 1)
    E, A0 = EXACT.zeros(n, m), EXACT.zeros(r, m)
    for i, value in enumerate(spectrum(source, min(n, m))):
        E[i, i] = EXACT.number(value)
    rows = orthonormal_rows if regime == "orthonormal rows" else full_rank_matrix
    A0[:, 1:] = rows(source, r, m - 1)
    fields = {"W0": EXACT.zeros(n, m), "Y": E, "A0": A0, "B0": EXACT.zeros(n, r)}
    return Instance(regimes=(regime,), t=ratio(source, 1, 8, 4), **fields)


INSTANCES = Instances(draw, REGIMES)


def start(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """B0 = 0 and A0 of full row rank."""
    A0, B0 = EXACT.matrix(instance.A0), EXACT.matrix(instance.B0)
    yield equal("||B0||^2", (B0 * B0).sum(), EXACT.number(0))
    yield at_least("rank of A0 against r", EXACT.rank(A0), len(A0))


lora_start = Assumption(
    "lora_start",
    r"$B_0 = 0$ and $A_0$ has full row rank",
    start,
    technical="another start is not what the reading is about",
)


def invariant(instance: Instance) -> Iterator[Comparison]:
    """At points with column 1 of A and row 1 of B zero the field keeps both zero."""
    x = instance.lift(EXACT)
    t = EXACT.number(instance.t)
    dA, dB = lora_vector_field(frobenius(instance.Y), x.W0, x.A0, x.B0, EXACT)
    for A, B in ((x.A0, x.B0), (x.A0 + t * dA, x.B0 + t * dB)):
        rate_A, rate_B = lora_vector_field(frobenius(instance.Y), x.W0, A, B, EXACT)
        yield equal("column 1 of A", A[:, 0], 0 * A[:, 0])
        yield equal("row 1 of B", B[0], 0 * B[0])
        yield equal("rate of column 1 of A", rate_A[:, 0], 0 * A[:, 0])
        yield equal("rate of row 1 of B", rate_B[0], 0 * B[0])


def kept(instance: Instance) -> Any:
    """What the loss cannot fall below: sigma_1^2/2 and the tail of the rest beyond rank r."""
    E = EXACT.matrix(instance.Y)
    rest = E[1:, 1:]
    return (E[0, 0] ** 2 + best_rank_squared_error(rest, len(instance.A0), EXACT)) / 2


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A global minimum in the limit needs that the level kept for ever is not above it."""
    yield from invariant(instance)
    least = frobenius_critical_values(instance.Y, len(instance.A0), EXACT).least
    yield at_most("loss that is kept for ever against the least loss", kept(instance), least)


def next_level(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The false level: nothing at all is met."""
    E = EXACT.matrix(instance.Y)
    yield at_most("half the squared norm of E", (E * E).sum() / 2, kept(instance))


def moved_start(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The invariance claimed of a start whose first column is not zero."""
    moved = [[Fraction(1, 8), *row[1:]] for row in instance.A0]
    yield from invariant(instance.replace(A0=moved))


claim = Claim(
    name="rushka-klabjan/naive/almost-every-start-covers-zero-b",
    title="Convergence from almost every start covers B0 = 0 (false)",
    source=Source(
        "rushka-klabjan",
        "",
        "our reading",
        "summary",
        corrected_by="rushka-klabjan/frobenius-riccati-limit",
    ),
    statement=(
        r"Our reading, not a claim of the authors: as the Frobenius LoRA flow reaches a global "
        r"minimum from almost every $(A_0, B_0)$, it does so from $B_0 = 0$ and every $A_0$ of "
        r"full row rank. It is false: these starts are a null set, and those with a zero column "
        r"of $A_0$ along the leading singular direction stay above the minimum for ever, "
        r"for $\sigma_1 > \sigma_{r+1}$."
    ),
    assumptions=(lora_start,),
    instances=INSTANCES,
    check=check,
    kind="invariance",
    controls=(
        Control(None, INSTANCES, "nothing of E is ever met", next_level),
        Control(None, INSTANCES, "the first column starts off zero and is kept zero", moved_start),
    ),
    note=(
        "Exact zeros: column 1 of A and row 1 of B stay zero along the flow, whatever A0 is "
        "elsewhere. frobenius-riccati-limit says exactly which orthogonal rows reach the minimum."
    ),
)
