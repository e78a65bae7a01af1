"""False reading: relative to ||E||_F the best error of rank r falls like r^{-1/2}.

For 2r equal singular values the relative error is sqrt(1/2), whatever r is. So for any constant C
the bound C r^{-1/2} fails as soon as r > 2 C^2.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, at_most
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw, ratio
from lora_proofs.strategies.spectra import spectrum


def draw(source: Draw, regime: str) -> Instance:
    """A constant C, a spectrum, and a rank."""
    C = ratio(source, 2, 6, 2)
    if regime == "flat":
        rank = int(2 * C * C) + source.integer(1, 3)
        values = [ratio(source, 1, 8, 4)] * (2 * rank)
    else:
        size = source.integer(2, 6)
        rank, values = source.integer(1, size), list(spectrum(source, size))
    return Instance(regimes=(regime,), C=C, r=rank, values=[values])


INSTANCES = Instances(draw, ("distinct", "flat"))


def squares(instance: Instance) -> tuple[Fraction, Fraction]:
    """The squared error of rank r, and the squared Frobenius norm."""
    values = [x * x for x in instance.values[0]]
    return sum(values[int(instance.r) :], Fraction(0)), sum(values, Fraction(0))


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """r ||E - E_r||^2 <= C^2 ||E||^2 on a diagonal E."""
    error, whole = squares(instance)
    bound = EXACT.number(instance.C**2 * whole)
    yield at_most("r times the squared error of rank r", EXACT.number(instance.r * error), bound)


def no_gain(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The other extreme: the error does not fall with r at all."""
    error, whole = squares(instance)
    yield at_least("squared error of rank r", EXACT.number(error), EXACT.number(whole))


def nuclear(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """r ||E - E_r||_F^2 <= ||E||_*^2 / 5; with 4 in place of 5 it holds."""
    error, _ = squares(instance)
    whole = EXACT.number(sum(instance.values[0]) ** 2)
    label = "r times the squared error of rank r, against the nuclear norm"
    yield at_most(label, EXACT.number(5 * instance.r * error), whole)


def inverse_rank(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """||E - E_r||_F <= ||E||_F / r."""
    error, whole = squares(instance)
    label = "squared error of rank r against ||E||^2 / r^2"
    yield at_most(label, EXACT.number(instance.r**2 * error), EXACT.number(whole))


TWELVE = Instance(C=3, r=6, values=[[1] * 12])

claim = Claim(
    name="rushka-klabjan/naive/frobenius-error-inverse-root-rank",
    title="The relative Frobenius error falls like r^{-1/2} (false)",
    source=Source(
        "rushka-klabjan",
        "",
        "our reading",
        "summary",
        corrected_by="rushka-klabjan/nuclear-norm-law",
    ),
    statement=(
        r"Our reading, not a claim of the authors: there is a constant $C$, here any of $1, "
        r"\tfrac32, 2, \tfrac52, 3$, such that $\|E - E_r\|_F \le C r^{-1/2}\|E\|_F$ for every "
        r"$E$ and $r$. It is false: for $2r$ equal singular values the left side is "
        r"$\|E\|_F/\sqrt2$; relative to the nuclear norm the law holds."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    controls=(
        Control(None, INSTANCES, "the error does not fall at all", no_gain),
        Control(None, (TWELVE,), "the law of the nuclear norm with 1/sqrt(5) for 1/2", nuclear),
        Control(None, (TWELVE,), "1/r in place of r^{-1/2}", inverse_rank),
    ),
)
