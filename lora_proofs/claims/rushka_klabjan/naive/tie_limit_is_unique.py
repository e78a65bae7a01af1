"""False reading: the flow has one limit, whatever spectral start of B0 = 0 it comes from.

With a tie at r two spectral starts along the same singular spaces end in different matrices.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_proofs.arithmetic import Arithmetic, Comparison, below, equal
from lora_proofs.claims.rushka_klabjan.frobenius import ties
from lora_proofs.claims.rushka_klabjan.frobenius.spectral import Frame, nears_its_limit, tail
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Both starts reach the same loss, and are claimed to reach the same BA."""
    limits = []
    for start in (instance, ties.turned(instance)):
        frame = Frame.of(start)
        limits.append(frame.U @ frame.limit.BA @ frame.V.mT)
        yield from nears_its_limit(start, ctx)
        yield equal("limit of the loss", frame.limit.loss, tail(start, len(start.A0)))
    yield equal("limit of BA from both starts", *limits)


def other_loss(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The loss claimed to depend on the start, too."""
    losses = [Frame.of(start).limit.loss for start in (instance, ties.turned(instance))]
    yield below("limits of the loss", losses[0], losses[1])


claim = Claim(
    name="rushka-klabjan/naive/tie-limit-is-unique",
    title="The limit does not depend on the spectral start (false)",
    source=Source(
        "rushka-klabjan",
        "",
        "our reading",
        "summary",
        corrected_by="rushka-klabjan/frobenius-ties",
    ),
    statement=(
        r"Our reading, not a claim of the authors: from every spectral start along first $r$ "
        r"singular directions of $Y - W_0$ the LoRA gradient flow of $\tfrac12\|W - Y\|_F^2$ has "
        r"the same limit of $BA$ as $t \to \infty$. It is false where $\sigma_r = \sigma_{r+1}$: "
        r"the loss is the same, the limit depends on $A_0$."
    ),
    assumptions=(ties.tied, ties.rotation),
    instances=Instances(ties.draw, ("3 x 3", "r = 1", "flat spectrum")),
    check=check,
    limit="the exact limit of every mode, which has a bound for all times that falls to it",
    controls=(
        Control(None, (ties.EXAMPLE,), "the loss depends on the start", other_loss),
        Control(ties.tied, (ties.GAP,), "a turned start without a tie", ties.check),
    ),
    arithmetics=("ball", "multiprecision"),
)
