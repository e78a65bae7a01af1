"""What the claims about random starts share: laws, instances, the moments and their derivation.

With M = A0'A0 and S = tr M the updates from B0 = 0 are dW = -(w0/S) M and dFP = -(w0/n) I, so
n S (dW - dFP) = w0 (S I - n M), and R^2 = (n tr(M^2) - S^2)/S^2.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison, below, equal, squared_norm, trace
from lora_proofs.errors import BadInput
from lora_proofs.language.claim import Assumption
from lora_proofs.language.lemmas import probability as lemma
from lora_proofs.mathematics import words
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.random_starts import (
    KURTOSIS,
    SIGNS,
    enumerated_squared_error,
    gaussian_error_by_cubature,
    gram_moments,
)
from lora_proofs.mathematics.words import Identity, Relation, Scalar, Size, Symbol, Trace, Word
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.matrices import full_rank_matrix
from lora_proofs.symbolic.steps import Step, cited, identity

A0, w0 = Symbol("A0", "r", "n", latex="A_0"), Scalar("w0", latex="w_0")
NORM = Scalar("E ||A0||^4", latex=r"\mathbb{E}\|A_0\|_F^4")
GRAM = Scalar("E tr((A0'A0)^2)", latex=r"\mathbb{E}\,\mathrm{tr}((A_0^\top A_0)^2)")
GAP = Scalar(
    "E (n tr((A0'A0)^2) - ||A0||^4)",
    latex=r"\mathbb{E}(n\,\mathrm{tr}((A_0^\top A_0)^2) - \|A_0\|_F^4)",
)
v, E_R2 = lemma.VARIANCE, Scalar("E R^2", latex=r"\mathbb{E}R^2")
n, r = Size("n"), Size("r")
M = A0.T @ A0
S = Trace(M)

ONE_START = "squared distance of the two updates, times (n tr M)^2"
ENUMERABLE = 9
"""Sign matrices with at most so many entries are all run through."""
START = Relation(
    words.squared_norm(w0 * (S * Identity("n") - n * M)),
    "=",
    (n * Trace(M @ M) - S**2) * (n * w0**2),
    ONE_START,
)
REGIMES = ("generic", "r = 1", "r = n", "r > n", "n = 1", "tiny scale", "huge scale")


def draw_start(source: Draw, regime: str, law: str) -> Instance:
    """A shape, the scale of the law, one start of that shape, and a trace of W0."""
    columns = 1 if regime == "n = 1" else source.integer(2 if regime == "r > n" else 1, 4)
    exponent = {"tiny scale": -30, "huge scale": 12}.get(regime, 0)
    rank = {"r = 1": 1, "r = n": columns, "r > n": columns + source.integer(1, 2)}
    rows = rank[regime] if regime in rank else source.integer(1, 4)
    variance = Fraction(source.integer(1, 12), source.integer(1, 12)) * Fraction(4) ** exponent
    return Instance(
        regimes=(regime,),
        n=columns,
        r=rows,
        law=law,
        v=variance,
        A0=full_rank_matrix(source, rows, columns),
        w0=Fraction(source.choice((1, -1)) * source.integer(1, 9), 2),
    )


def moments_of(instance: Instance) -> tuple[Fraction, ...]:
    """Mean, second, third and fourth moment of an entry of the instance's law."""
    if instance.law == "finite":
        points = list(zip(instance.points[0], instance.probabilities[0], strict=True))
        return tuple(sum(p * x**k for x, p in points) for k in (1, 2, 3, 4))
    variance = instance.v
    return (Fraction(0), variance, Fraction(0), KURTOSIS[instance.law] * variance**2)


def shape_of(instance: Instance) -> tuple[int, int]:
    """(n, r)."""
    return int(instance.n), int(instance.r)


def mean_squared_error(instance: Instance) -> Fraction:
    """E R^2 of a Gaussian, Rademacher or finite law; ``BadInput`` for another one.

    For a finite law it is the mean over all matrices. For the other two it is the quotient of the
    means of numerator and denominator, added up over explicit entries: that this is the mean of
    the quotient rests on the same fact as the derivation, namely that the length of a Gaussian
    matrix is independent of its direction, and that of a matrix of signs constant.
    """
    size = shape_of(instance)
    if instance.law == "finite":
        points = zip(instance.points[0], instance.probabilities[0], strict=True)
        return enumerated_squared_error(*size, tuple(points))
    if instance.law not in ("gaussian", "rademacher"):
        raise BadInput(
            "law: expected gaussian, rademacher or finite, where E R^2 is known, got "
            f"{instance.law!r}"
        )
    square, norm = gram_moments(*size, moments_of(instance))
    return size[0] * square / norm - 1


def by_design(instance: Instance) -> Fraction:
    """E R^2 of Gaussian entries from a cubature of the sphere, without the quotient of the means.

    Coordinate directions and sign matrices; the mean over these is run through where they are few,
    and beyond that added up over explicit entries, as all of them have one length.
    """
    n, r = shape_of(instance)
    if n * r <= ENUMERABLE:
        return gaussian_error_by_cubature(n, r)
    square, norm = gram_moments(n, r, (0, 1, 0, 1))
    return (2 * Fraction(n - 1) + r * n * (n * square / norm - 1)) / (r * n + 2)


def by_running_through(instance: Instance) -> Fraction | None:
    """E R^2 of signs as a mean over all sign matrices, where these are few."""
    n, r = shape_of(instance)
    return enumerated_squared_error(n, r, SIGNS) if n * r <= ENUMERABLE else None


def one_start(instance: Instance, ctx: Arithmetic) -> Comparison:
    """The distance of the update of one start from the full-parameter update."""
    x = instance.lift(ctx)
    gram = x.A0.mT @ x.A0
    size = ctx.number(len(gram))
    gap = x.w0 * (trace(gram) * ctx.identity(len(gram)) - size * gram)
    R2_S2 = size * squared_norm(gram) - trace(gram) ** 2
    return equal(ONE_START, squared_norm(gap), R2_S2 * (size * x.w0**2))


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The moments by explicit entries, and E R^2 by what is known of the law alone."""
    x = instance.lift(ctx)
    size = shape_of(instance)
    square, norm = gram_moments(*size, moments_of(instance))
    means = {
        GRAM: square,
        NORM: norm,
        GAP: size[0] * square - norm,
        E_R2: mean_squared_error(instance),
    }
    return {A0: x.A0, w0: x.w0, v: x.v, **{s: ctx.number(m) for s, m in means.items()}}


def moments(law: str, kurtosis: Any) -> tuple[Step, Step, Step]:
    """E ||A0||^4, E tr(M^2) and E (n tr(M^2) - S^2) under an assumption about the entries."""
    shape = {lemma.ROWS: r, lemma.COLUMNS: n, lemma.KURTOSIS: kurtosis}
    closed = {"independent": law}
    norm = cited(
        lemma.NORM_MOMENT,
        "mean of ||A0||^4, by the lemma for the matrix A0",
        substitution={**shape, lemma.NORM_MEAN: NORM},
        discharged_by=closed,
    )
    gram = cited(
        lemma.GRAM_MOMENT,
        "mean of tr((A0'A0)^2), by the lemma for the matrix A0",
        substitution={**shape, lemma.GRAM_MEAN: GRAM},
        discharged_by=closed,
    )
    mean = cited(
        lemma.LINEARITY,
        "mean of n tr(M^2) - S^2, with M = A0'A0 and S = tr M = ||A0||^2",
        substitution={
            lemma.COMBINED_MEAN: GAP,
            lemma.FIRST: n,
            lemma.FIRST_MEAN: GRAM,
            lemma.SECOND: -1,
            lemma.SECOND_MEAN: NORM,
        },
        discharged_by={"means": law},
    )
    return norm, gram, mean


def numerator(common: Word, above: Word, law: str, kurtosis: Any) -> Iterator[Step]:
    """The moments, then E (n tr(M^2) - S^2) as a product; these two are the last steps."""
    norm, gram, mean = moments(law, kurtosis)
    yield from (gram, mean)
    yield norm
    yield identity(GAP, common * above, "collect both means", given=(mean, gram, norm))


def start_step() -> Step:
    """What R^2 is, for every start."""
    return identity(
        START.left,
        START.right,
        "expand; with M = A0'A0 and S = tr M the right side is R^2 S^2 n w0^2",
        label=ONE_START,
    )


def has_trace(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """w0^2 > 0."""
    yield below("0 < w0^2", 0, ctx.number(instance.w0) ** 2)


def entries_like(instance: Instance, kurtosis: Fraction) -> Iterator[Comparison]:
    """Mean 0, positive variance, third moment 0 and the fourth moment of a law."""
    mean, variance, third, fourth = moments_of(instance)
    yield equal("mean of an entry", mean, Fraction(0))
    yield below("0 < variance of an entry", Fraction(0), variance)
    yield equal("third moment of an entry", third, Fraction(0))
    yield equal("fourth moment of an entry", fourth, kurtosis * variance**2)


nonzero_trace = Assumption(
    "nonzero_trace",
    r"$w_0 = \mathrm{tr} W_0 \ne 0$",
    has_trace,
    technical="where w0 = 0 no update moves W, and R is not defined",
)
