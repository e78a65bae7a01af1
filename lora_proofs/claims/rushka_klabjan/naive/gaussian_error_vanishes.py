"""False reading: with a Gaussian start the relative error vanishes at full rank r = n.

E R^2 = (n - 1)(n + 2)/(n^2 + 2) there, which is near 1: a square Gaussian matrix is far from being
orthogonal up to scale.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from lora_proofs.arithmetic import Arithmetic, Comparison, at_least, below, equal
from lora_proofs.claims.rushka_klabjan.trace_squared import expectations as e
from lora_proofs.claims.rushka_klabjan.trace_squared.expected_gaussian import like_gaussian
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw


def draw(source: Draw, regime: str) -> Instance:
    """A square Gaussian start of order n >= 2."""
    n = 2 if regime == "n = 2" else source.integer(3, 4)
    v = Fraction(source.integer(1, 12), source.integer(1, 12))
    return Instance(regimes=(regime,), n=n, r=n, law="gaussian", v=v)


INSTANCES = Instances(draw, ("n = 2", "n > 2"))


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The mean of R^2 by explicit entries, against 0."""
    yield equal("E R^2 at r = n", e.mean_squared_error(instance), Fraction(0))


def square(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """r = n >= 2."""
    n, r = e.shape_of(instance)
    yield equal("r", r, n)
    yield at_least("n", n, 2)


def gaussian_entries(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The first four moments of an entry."""
    yield from like_gaussian(instance, ctx)


def no_better_than_nothing(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The other extreme: an error of at least 1, as if nothing were trained."""
    yield at_least("E R^2", e.mean_squared_error(instance), Fraction(1))


def vanishes_later(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """An error below 1/10 claimed at r = 4n."""
    n, _ = e.shape_of(instance)
    wider = instance.replace(r=4 * n)
    yield below("E R^2 at r = 4n", e.mean_squared_error(wider), Fraction(1, 10))


full_rank = Assumption(
    "full_rank", r"$r = n \ge 2$", square,
    technical="for n = 1 every update is a multiple of I; the other ranks are not what is read",
)  # fmt: skip
gaussian = Assumption(
    "gaussian",
    r"the entries of $A_0$ are independent $N(0, v)$ with $v > 0$",
    gaussian_entries,
    technical="it says which start is meant",
)
SMALL = Instance(n=2, r=2, law="gaussian", v=1)

claim = Claim(
    name="rushka-klabjan/naive/gaussian-error-vanishes-at-full-rank",
    title="A Gaussian start has no error at full rank (false)",
    source=Source(
        "rushka-klabjan",
        "",
        "our reading",
        "summary",
        corrected_by="rushka-klabjan/trace-squared-expected-error-gaussian",
    ),
    statement=(
        r"Our reading, not a claim of the authors: for $f = \tfrac12(\mathrm{tr} W)^2$ and "
        r"$B_0 = 0$ the relative error of LoRA falls to 0 as the rank grows to $r = n$, also from "
        r"a Gaussian $A_0$, because $\sqrt{n/r - 1}$ does. It is false: "
        r"$\mathbb{E} R^2 = \frac{(n-1)(n+2)}{n^2+2}$ at $r = n \ge 2$; $\sqrt{n/r - 1}$ belongs "
        r"to orthonormal rows of $A_0$."
    ),
    assumptions=(full_rank, gaussian),
    instances=INSTANCES,
    check=check,
    controls=(
        Control(
            None, (SMALL,), "an error of at least 1, as without training", no_better_than_nothing
        ),
        Control(None, (SMALL,), "an error below 1/10 in the mean at r = 4n", vanishes_later),
    ),
    note="The mean is below 1 at r = n = 2 and 3, 1 at n = 4, and tends to 1 for large n.",
)
