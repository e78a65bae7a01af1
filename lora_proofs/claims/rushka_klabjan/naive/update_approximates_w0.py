"""False reading: for the loss 1/2 ||W||_F^2 the update becomes the best approximation of W0.

With Y = 0 the residual is E = -W0: BA tends to minus the truncated decomposition of W0, so
W = W0 + BA keeps the tail of W0 and loses its leading part.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, equal, squared_norm
from lora_proofs.claims.rushka_klabjan.frobenius.spectral import (
    Frame,
    example,
    nears_its_limit,
    spectral_start,
    truncated,
)
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw, ratio
from lora_proofs.strategies.spectra import spectrum


def draw(source: Draw, regime: str) -> Instance:
    """Y = 0 and a spectral start for E = -W0; U and V are those of E."""
    n, m = source.integer(2, 3), source.integer(2, 3)
    k = min(n, m)
    r = k if regime == "r = min(n, m)" else source.integer(1, k)
    values = spectrum(source, k, "with zeros" if regime == "zeros" else "distinct")
    d = [ratio(source, 1, 4, 2) for _ in range(r)]
    start = spectral_start(source, (n, m), values, range(r), d, [0] * r)
    E = EXACT.matrix(start.Y) - EXACT.matrix(start.W0)
    return start.replace(regimes=(regime,), W0=-E, Y=0 * E)


INSTANCES = Instances(draw, ("generic", "r = min(n, m)", "zeros"))


def limit(instance: Instance) -> Any:
    """The exact limit of BA."""
    frame = Frame.of(instance)
    return frame.U @ frame.limit.BA @ frame.V.mT


def has_no_target(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Y = 0."""
    yield equal("||Y||^2", squared_norm(instance.lift(EXACT).Y), EXACT.number(0))


no_target = Assumption("no_target", r"$Y = 0$", has_no_target, technical="it fixes the loss")


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The limit of BA against the truncated decomposition of W0, which is minus that of E."""
    best = -truncated(instance, len(instance.A0))
    yield equal("limit of BA against the best approximation of W0", limit(instance), best)
    yield from nears_its_limit(instance, ctx)


def whole_start(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The adapted weight claimed to be the best approximation of W0."""
    W = instance.lift(EXACT).W0 + limit(instance)
    yield equal("limit of W", W, -truncated(instance, len(instance.A0)))


def whole_update(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The update claimed to be -W0, as in full-parameter training: the rank forgotten."""
    yield equal("limit of BA against -W0", limit(instance), -instance.lift(EXACT).W0)


DIAGONAL = example((3, 2), [[1, 0]], [[0], [0], [0]])
TURNED = DIAGONAL.replace(W0=[[-3, 0], [0, -2], [0, 0]], Y=[[0, 0], [0, 0], [0, 0]])

claim = Claim(
    name="rushka-klabjan/naive/update-approximates-w0",
    title="The update approximates W0 (false)",
    source=Source(
        "rushka-klabjan",
        "",
        "our reading",
        "summary",
        corrected_by="rushka-klabjan/frobenius-spectral-start",
    ),
    statement=(
        r"Our reading, not a claim of the authors: for the loss $\tfrac12\|W\|_F^2$ the LoRA "
        r"gradient flow from a spectral start has an update $BA$ that tends to the best "
        r"approximation of rank $r$ of $W_0$ as $t \to \infty$. It is false: $BA$ tends to minus "
        r"that, and $W_0 + BA$ to the tail of $W_0$."
    ),
    assumptions=(no_target,),
    instances=INSTANCES,
    check=check,
    limit="the exact limit of every mode, which has a bound for all times that falls to it",
    controls=(
        Control(None, (TURNED,), "the update claimed to be -W0 for r = 1", whole_update),
        Control(None, (TURNED,), "the adapted weight keeps the leading part of W0", whole_start),
    ),
    arithmetics=("ball", "multiprecision"),
)
