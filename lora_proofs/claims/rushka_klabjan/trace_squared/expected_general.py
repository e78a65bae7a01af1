"""Independent entries of any law with mean 0: the means of numerator and denominator of R^2.

The ratio of E (n tr(M^2) - (tr M)^2) and E (tr M)^2 is exact. It is E R^2, the mean of the ratio,
for Gaussian and Rademacher entries, and not in general.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison, below, equal
from lora_proofs.claims.rushka_klabjan.trace_squared import expectations as e
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.language.lemmas import probability as lemma
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.random_starts import gram_moments
from lora_proofs.mathematics.words import Relation
from lora_proofs.strategies.draw import Draw, ratio
from lora_proofs.symbolic.steps import Step, identity

k = lemma.KURTOSIS
NORM, GAP = "E (tr M)^2", "E (n tr(M^2) - (tr M)^2)"
COMMON = e.v**2 * (e.r * e.n)
BELOW = e.r * e.n + k - 1
ABOVE = e.n * (e.n + e.r + k - 2) - BELOW
CONCLUSION = (
    Relation(e.NORM, "=", COMMON * BELOW, NORM),
    Relation(e.GAP, "=", COMMON * ABOVE, GAP),
)


def derive() -> Iterator[Step]:
    """Both means from the fourth moments."""
    norm, gram, mean = e.moments("independent", k)
    yield from (norm, gram, mean)
    yield identity(
        e.NORM, COMMON * BELOW, "collect the mean of ||A0||^4", given=(norm,), label=NORM
    )
    every = (mean, gram, norm)
    yield identity(e.GAP, COMMON * ABOVE, "collect both means", given=every, label=GAP)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """Moments of the law, and both means by explicit entries."""
    n, r = e.shape_of(instance)
    _, variance, _, fourth = moments = e.moments_of(instance)
    square, norm = gram_moments(n, r, moments)
    found = {
        e.v: variance,
        k: fourth / variance**2,
        e.GRAM: square,
        e.NORM: norm,
        e.GAP: n * square - norm,
    }
    shape = {e.A0: ctx.zeros(r, n)}  # gives n and r their sizes
    return {**shape, **{s: ctx.number(value) for s, value in found.items()}}


LAWS = ("uniform", "gaussian", "signs", "three points", "two points, skewed")
REGIMES = (*LAWS, "r = 1", "r = n", "r > n", "n = 1", "tiny scale", "huge scale")


def draw(source: Draw, regime: str) -> Instance:
    """A shape and a law."""
    law = regime if regime in LAWS else source.choice(LAWS)
    start = e.draw_start(source, regime, law)
    size = ratio(source, 1, 9, 2) * Fraction(4) ** scale_of(regime)
    if law in ("three points", "two points, skewed"):
        points, chances = finite_law(source, law)
        scaled = [[size * x for x in points]]
        start = start.replace(law="finite", points=scaled, probabilities=[chances])
    return start.replace(law="rademacher" if law == "signs" else start.law)


def scale_of(regime: str) -> int:
    """An exponent of 4."""
    return {"tiny scale": -30, "huge scale": 12}.get(regime, 0)


def finite_law(source: Draw, law: str) -> tuple[list[Fraction], list[Fraction]]:
    """Values and probabilities of a law with mean 0."""
    a, b = Fraction(source.integer(1, 6)), Fraction(source.integer(1, 6))
    if law == "three points":
        p = ratio(source, 1, 6, 14)
        return [a, Fraction(0), -a], [p, 1 - 2 * p, p]
    return [a, -(a + b)], [(a + b) / (2 * a + b), a / (2 * a + b)]


INSTANCES = Instances(draw, REGIMES)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Both means by explicit entries against their formulas."""
    n, r = e.shape_of(instance)
    _, variance, _, fourth = moments = e.moments_of(instance)
    kurtosis, common = fourth / variance**2, variance**2 * r * n
    square, norm = gram_moments(n, r, moments)
    below_ = r * n + kurtosis - 1
    yield equal(NORM, norm, common * below_)
    above = n * (n + r + kurtosis - 2) - below_
    yield equal(GAP, n * square - norm, common * above)


def centred(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Mean 0 and positive variance of an entry."""
    mean, variance, *_ = e.moments_of(instance)
    yield equal("mean of an entry", mean, Fraction(0))
    yield below("0 < variance of an entry", Fraction(0), variance - mean**2)


def mean_of_the_ratio(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The ratio of the means taken for the mean of the ratio."""
    n, r = e.shape_of(instance)
    square, norm = gram_moments(n, r, e.moments_of(instance))
    yield equal("E R^2", e.mean_squared_error(instance), n * square / norm - 1)


def as_gaussian(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The formula for Gaussian entries used for uniform ones."""
    n, r = e.shape_of(instance)
    square, norm = gram_moments(n, r, e.moments_of(instance))
    yield equal(
        "(rn + 2) ratio", (r * n + 2) * (n * square / norm - 1), Fraction((n - 1) * (n + 2))
    )


independent = Assumption(
    "independent",
    r"the entries of $A_0$ are independent and have one law with mean 0, variance $v > 0$ and "
    r"fourth moment $k v^2$; the means are those of this law",
    centred,
)

TWO_SIZES = Instance(
    n=2, r=2, law="finite", v="5/2",
    points=[[1, -1, 2, -2]], probabilities=[["1/4", "1/4", "1/4", "1/4"]],
)  # fmt: skip
SHIFTED = Instance(
    n=2, r=2, law="finite", v="5/2", points=[[2, -1]], probabilities=[["1/2", "1/2"]]
)
UNIFORM = Instance(n=2, r=2, law="uniform", v="1/3")

claim = Claim(
    name="rushka-klabjan/trace-squared-expected-error-general",
    title="The two means in the squared error from independent entries",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Let $A_0$ of shape $r \times n$ have independent, equally distributed entries with mean "
        r"0, variance $v > 0$ and fourth moment $k v^2$, and $M = A_0^\top A_0$. Then "
        r"$\mathbb{E}(\mathrm{tr} M)^2 = v^2 rn\,(rn + k - 1)$ and "
        r"$\mathbb{E}(n\,\mathrm{tr}(M^2) - (\mathrm{tr} M)^2) = v^2 rn\,(n(n+r+k-2) - (rn+k-1))$. "
        r"So numerator and denominator of the squared relative error "
        r"$R^2 = (n\,\mathrm{tr}(M^2) - (\mathrm{tr} M)^2)/(\mathrm{tr} M)^2$ from $B_0 = 0$ have "
        r"means with the ratio $\frac{n(n+r+k-2)}{rn+k-1} - 1$."
    ),
    assumptions=(independent,),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(independent, (SHIFTED,), "entries 2 and -1: their mean is 1/2"),
        Control(
            None,
            (TWO_SIZES,),
            "entries +-1 and +-2: the mean of the ratio is not the ratio of the means",
            mean_of_the_ratio,
        ),
        Control(
            None, (UNIFORM,), "uniform entries with the formula for Gaussian ones", as_gaussian
        ),
    ),
    note=(
        "k is 3 for Gaussian, 1 for Rademacher, 9/5 for uniform entries, the default of common "
        "LoRA implementations. The ratio of the means is exact; that it is the mean of the ratio "
        "is not claimed, and is false in general."
    ),
)
