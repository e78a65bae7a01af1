"""False reading: a zero entry of a spectral start does no harm, as the flow fills it in.

With d_i = b_i = 0 the row of A and the column of B have the rate 0 for ever, so that direction is
never learned, and the loss stays above the least one of rank r by sigma_i^2/2.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from lora_proofs.arithmetic import Arithmetic, Comparison, at_least, at_most
from lora_proofs.claims.rushka_klabjan.frobenius import zero_entries
from lora_proofs.claims.rushka_klabjan.frobenius.spectral import (
    Frame,
    nonzeros,
    share,
    spectral_start,
    stays_diagonal,
    tail,
)
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.spectra import spectrum


def draw(source: Draw, regime: str) -> Instance:
    """B0 = 0 and A0 along the first r directions, with one entry 0, all, or none."""
    n, m = source.integer(2, 4), source.integer(2, 4)
    k = min(n, m)
    r = source.integer(1, k)
    d = nonzeros(source, r)
    if regime == "one zero entry":
        d[source.integer(0, r - 1)] = Fraction(0)
    if regime == "A0 = 0":
        d = [Fraction(0)] * r
    start = spectral_start(source, (n, m), spectrum(source, k), range(r), d, [0] * r)
    return start.replace(regimes=(regime,))


INSTANCES = Instances(draw, ("one zero entry", "A0 = 0", "no zero entry"))


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """What is asleep stays so, and the loss that is kept by it is at most the least one."""
    yield from stays_diagonal(instance)
    yield from zero_entries.stays_lost(instance)
    kept = share(instance, zero_entries.not_reached(instance))
    least = tail(instance, len(instance.A0))
    yield at_most("the loss kept for all time against the least loss of rank r", kept, least)


def next_in_line(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The sleeping row claimed to take up the direction after the first r."""
    places, r = zero_entries.not_reached(instance), len(instance.A0)
    rest = share(instance, [i for i in places if i != r])
    yield at_most("the limit of the loss", Frame.of(instance).limit.loss, rest)


def never_falls(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """One zero entry claimed to keep all directions from being learned."""
    whole = share(instance, range(len(instance.sigma[0])))
    yield at_least("the limit of the loss", Frame.of(instance).limit.loss, whole)


claim = Claim(
    name="rushka-klabjan/naive/zero-entry-does-no-harm",
    title="A zero entry of a spectral start does no harm (false)",
    source=Source(
        "rushka-klabjan",
        "",
        "our reading",
        "summary",
        corrected_by="rushka-klabjan/frobenius-zero-entries",
    ),
    statement=(
        r"Our reading, not a claim of the authors: from $B_0 = 0$ and $A_0 = Q\,\mathrm{diag}(d) "
        r"V_r^\top$ along the first $r$ singular directions of $Y - W_0$ the LoRA gradient flow of "
        r"$\tfrac12\|W - Y\|_F^2$ reaches the least loss of rank $r$, entries $d_i = 0$ or not. It "
        r"is false: with $d_i = 0$ and $\sigma_i > 0$ that direction is never learned, and the "
        r"loss stays at least $\tfrac12\sigma_i^2$ above the least one."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    kind="invariance",
    controls=(
        Control(
            None,
            (zero_entries.SECOND,),
            "the row of d_2 = 0 claimed to learn the third direction",
            next_in_line,
        ),
        Control(None, (zero_entries.SECOND,), "nothing claimed to be learned", never_falls),
    ),
    note="For E = diag(3, 2, 1, 1/2), r = 2 and d_2 = 0 the loss stays at least 21/8, not 5/8.",
)
