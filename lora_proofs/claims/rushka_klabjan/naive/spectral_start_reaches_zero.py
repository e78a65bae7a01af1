"""False reading: the trace-squared flow reaches zero loss from the spectral start of W0.

It does from the right singular vectors with B0 = 0. From the balanced pair of a positive
semidefinite W0 it keeps B = A', so that tr W = w0 + ||A||^2 never falls below w0.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    Comparison,
    at_least,
    at_most,
    below,
    equal,
    squared_norm,
    trace,
)
from lora_proofs.claims.rushka_klabjan.trace_squared import kept_cone as cone
from lora_proofs.claims.rushka_klabjan.trace_squared.balanced_start import balanced_instance
from lora_proofs.claims.rushka_klabjan.trace_squared.balanced_start import draw as draw_balanced
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.flows import trace_squared_final_loss
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw

BALANCED, ROWS = "balanced", "B0 = 0"


def draw(source: Draw, regime: str) -> Instance:
    """A positive semidefinite W0 with the balanced pair, or with the rows V_r' and B0 = 0."""
    start = draw_balanced(source, "distinct").replace(regimes=(regime,))
    if regime == BALANCED:
        return start
    n, r = len(start.V), len(start.D)
    return start.replace(A0=list(zip(*start.V, strict=True)), B0=EXACT.zeros(n, r))


INSTANCES = Instances(draw, (BALANCED, ROWS))


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """What the loss never falls below, against 0; on the cone the invariance that keeps it."""
    x = instance.lift(EXACT)
    if squared_norm(x.A0 - x.B0.mT) == 0:
        A, B = cone.factors(instance, EXACT)
        yield equal("B = A' on the orbit", B.mT, A)
        yield equal("tr W = w0 + ||A||^2", trace(x.F + B @ A), trace(x.F) + squared_norm(A))
    final = trace_squared_final_loss(instance.F, instance.A0, instance.B0)
    yield at_most("the loss that is kept for all time", final, 0)


def is_spectral(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """W0 = C'C, V'V = I, and W0 V = V D^2."""
    x = instance.lift(EXACT)
    yield equal("W0", x.F, x.C.mT @ x.C)
    yield equal("V'V", x.V.mT @ x.V, EXACT.identity(len(x.D)))
    yield equal("W0 V", x.F @ x.V, x.V @ x.D @ x.D)
    yield below("0 < tr W0", 0, trace(x.F))


def leaves_the_cone(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The flow claimed to leave B = A'."""
    A, B = cone.factors(instance, EXACT)
    yield below("0 < ||B' - A||^2", 0, squared_norm(B.mT - A))


def never_moves(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The loss of the start claimed to be kept."""
    x = instance.lift(EXACT)
    A, B = cone.factors(instance, EXACT)
    start = trace(x.F + x.B0 @ x.A0) ** 2 / 2
    yield at_least("loss against that of the start", trace(x.F + B @ A) ** 2 / 2, start)


spectral = Assumption(
    "spectral",
    r"$W_0$ is positive semidefinite with $\mathrm{tr} W_0 > 0$, and the start is made of its $r$ "
    r"leading singular vectors and values",
    is_spectral,
    technical="it says which starts are meant",
)
SMALL = balanced_instance([Fraction(2), Fraction(1)], 1, EXACT.identity(2), Fraction(3, 2))

claim = Claim(
    name="rushka-klabjan/naive/spectral-start-reaches-zero",
    title="Every spectral start reaches zero loss (false)",
    source=Source(
        "rushka-klabjan",
        "",
        "our reading",
        "summary",
        corrected_by="rushka-klabjan/trace-squared-spectral-start",
    ),
    statement=(
        r"Our reading, not a claim of the authors: for $f = \tfrac12(\mathrm{tr} W)^2$ the LoRA "
        r"gradient flow reaches loss 0 from the spectral start of $W_0$, whichever it is. It is "
        r"false: from the balanced pair $A_0 = S_r^{1/2} V_r^\top$, $B_0 = U_r S_r^{1/2}$ of a "
        r"positive semidefinite $W_0 \ne 0$ the loss never falls below "
        r"$\tfrac12 (\mathrm{tr} W_0)^2$; it needs $B_0 = 0$, or a start off the cone."
    ),
    assumptions=(spectral,),
    instances=INSTANCES,
    check=check,
    kind="invariance",
    controls=(
        Control(None, (SMALL,), "the flow claimed to leave the cone B = A'", leaves_the_cone),
        Control(None, (SMALL,), "the loss of the start claimed to be kept", never_moves),
    ),
    note=(
        "What holds from the balanced start is trace-squared-balanced-start, and from the pair "
        "taken out of W0 trace-squared-pissa-start."
    ),
)
