"""False reading: a spectral start reaches the best approximation, whatever its directions.

Along directions S the pairs outside S stay unseen, so the loss stays at least
1/2 sum_{i not in S} sigma_i^2, which is above the least loss unless S has the r largest values.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_proofs.arithmetic import Arithmetic, Comparison, at_least, at_most
from lora_proofs.claims.rushka_klabjan.frobenius import wrong_directions as directions
from lora_proofs.claims.rushka_klabjan.frobenius.spectral import Frame, share, spectral_start, tail
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw, permutation, ratio
from lora_proofs.strategies.spectra import spectrum

NAME = "rushka-klabjan/naive/spectral-start-any-direction"


def draw(source: Draw, regime: str) -> Instance:
    """B0 = 0 and A0 along r of three singular directions, all entries different from 0."""
    r = source.integer(1, 2)
    chosen = list(range(r)) if regime == "the first r" else sorted(permutation(source, 3)[:r])
    d = [ratio(source, 1, 4, 2) for _ in range(r)]
    start = spectral_start(source, (3, 3), spectrum(source, 3), chosen, d, [0] * r)
    return start.replace(regimes=(regime,), S=[[i + 1 for i in chosen]])


INSTANCES = Instances(draw, ("any directions", "the first r"))


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The pairs outside S stay unseen, and what lies there is at most the least loss."""
    yield from directions.stays_unseen(instance)
    kept = share(instance, directions.outside(instance))
    least = tail(instance, len(instance.A0))
    yield at_most("the loss kept for all time against the least loss of rank r", kept, least)


def never_falls(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The other extreme: nothing is learned at all."""
    frame = Frame.of(instance)
    whole = share(instance, range(len(instance.sigma[0])))
    yield at_least("the limit of the loss", frame.limit.loss, whole)


def swapped(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The directions of S claimed to be the ones that are lost."""
    held = share(instance, directions.chosen(instance))
    yield at_most("the limit of the loss", Frame.of(instance).limit.loss, held)


claim = Claim(
    name=NAME,
    title="A spectral start in any directions is optimal (false)",
    source=Source(
        "rushka-klabjan",
        "",
        "our reading",
        "summary",
        corrected_by="rushka-klabjan/frobenius-spectral-start",
    ),
    statement=(
        r"Our reading, not a claim of the authors: from $B_0 = 0$ and $A_0 = Q\,\mathrm{diag}(d) "
        r"V_S^\top$ with any $r$ singular directions $S$ of $Y - W_0$ and all $d_i \ne 0$, the "
        r"LoRA gradient flow of $\tfrac12\|W - Y\|_F^2$ reaches the least loss of rank $r$. It is "
        r"false: directions outside $S$ are never seen, so $S$ has to hold $r$ largest singular "
        r"values."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    kind="invariance",
    controls=(
        Control(None, INSTANCES, "nothing is learned at all", never_falls),
        Control(
            None, (directions.TWO_AND_FOUR,), "what S = {2, 4} holds claimed to be lost", swapped
        ),
    ),
    note="For E = diag(3, 2, 1, 1/2), r = 2 and S = {2, 4} the loss stays at least 5, not 5/8.",
)
