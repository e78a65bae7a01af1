"""The expected squared relative error from an aligned Gaussian start: 3n/(r + 2) - 1.

A0 = D V' with V'V = I and a diagonal D of independent N(0, v) entries, r <= n, B0 = 0. Then
tr M = sum d_i^2 and tr(M^2) = sum d_i^4: R^2 depends on the direction of d alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_most, equal, squared_norm
from lora_proofs.claims.rushka_klabjan.trace_squared import aligned as start
from lora_proofs.claims.rushka_klabjan.trace_squared import expectations as e
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.language.lemmas import probability as lemma
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.random_starts import gram_moments
from lora_proofs.mathematics.words import Relation, Scalar
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.matrices import orthogonal_matrix
from lora_proofs.symbolic.steps import Step, cited, identity

ENTRY = Scalar("E d_1^4", latex=r"\mathbb{E}d_1^4")
NORM = Scalar("E (sum d_i^2)^2", latex=r"\mathbb{E}(\sum_i d_i^2)^2")
GAP = Scalar(
    "E (n sum d_i^4 - (sum d_i^2)^2)",
    latex=r"\mathbb{E}(n \sum_i d_i^4 - (\sum_i d_i^2)^2)",
)
LABEL = "(r + 2) E R^2"
BELOW, ABOVE = e.r + 2, 3 * e.n - e.r - 2
MEAN = Relation(BELOW * e.E_R2, "=", ABOVE, LABEL)


def derive() -> Iterator[Step]:
    """Moments of the r diagonal entries, then independence of length and direction."""
    common = e.v**2 * e.r
    norm = cited(
        lemma.NORM_MOMENT,
        "for the r entries d_i",
        substitution={lemma.NORM_MEAN: NORM, lemma.ROWS: e.r, lemma.COLUMNS: 1, lemma.KURTOSIS: 3},
        discharged_by={"independent": "gaussian"},
    )
    yield norm
    fourth = cited(
        lemma.NORM_MOMENT,
        "for one entry",
        substitution={
            lemma.NORM_MEAN: ENTRY, lemma.ROWS: 1, lemma.COLUMNS: 1, lemma.KURTOSIS: 3
        },
        discharged_by={"independent": "gaussian"},
    )  # fmt: skip
    yield fourth
    mean = cited(
        lemma.LINEARITY,
        "for n sum d_i^4 - (sum d_i^2)^2",
        substitution={
            lemma.COMBINED_MEAN: GAP,
            lemma.FIRST: e.n * e.r,
            lemma.FIRST_MEAN: ENTRY,
            lemma.SECOND: -1,
            lemma.SECOND_MEAN: NORM,
        },
        discharged_by={"means": "gaussian"},
    )
    yield mean
    collected = identity(GAP, common * ABOVE, "collect", given=(mean, fourth, norm))
    yield collected
    yield from start.steps()
    yield cited(
        lemma.GAUSSIAN_QUOTIENT,
        "R^2 = (n sum d_i^4 - S^2)/S^2, and v^2 r is common to both means",
        substitution={
            lemma.DENOMINATOR_MEAN: NORM,
            lemma.NUMERATOR_MEAN: GAP,
            lemma.RATIO_MEAN: e.E_R2,
            lemma.COMMON: common,
            lemma.BELOW: BELOW,
            lemma.ABOVE: ABOVE,
        },
        discharged_by={"denominator": norm, "numerator": collected, "law": "gaussian"},
        label=LABEL,
    )


REGIMES = ("generic", "r = 1", "r = n", "n = 1", "tiny scale", "huge scale", "axes of W0")


def draw(source: Draw, regime: str) -> Instance:
    """n, r <= n, a variance, an orthogonal matrix and one sample of the diagonal."""
    n = 1 if regime == "n = 1" else source.integer(2, 4)
    r = {"r = 1": 1, "r = n": n}.get(regime, source.integer(1, n))
    exponent = {"tiny scale": -30, "huge scale": 12}.get(regime, 0)
    diagonal = EXACT.zeros(r, r)
    for i in range(r):
        sign = source.choice((1, -1))
        diagonal[i, i] = EXACT.number(Fraction(sign * source.integer(1, 12), 4))
    return Instance(
        regimes=(regime,),
        n=n,
        r=r,
        law="gaussian",
        v=Fraction(source.integer(1, 12), source.integer(1, 12)) * Fraction(4) ** exponent,
        V=orthogonal_matrix(source, n, dyadic=regime == "axes of W0")[:, :r],
        D=diagonal,
        w0=Fraction(source.choice((1, -1)) * source.integer(1, 9), 2),
    )


INSTANCES = Instances(draw, REGIMES)


def means(instance: Instance) -> tuple[Fraction, Fraction]:
    """(E sum d_i^4, E (sum d_i^2)^2) over the min(n, r) entries that the diagonal has."""
    n, r = e.shape_of(instance)
    size, moments = min(n, r), e.moments_of(instance)
    return size * moments[3], gram_moments(1, size, moments)[1]


def mean_squared_error(instance: Instance) -> Fraction:
    """n E sum d_i^4 over E (sum d_i^2)^2, less 1: the direction of d is independent of its length.

    For signs both sums are constant, so it holds of them as well.
    """
    fourth, square = means(instance)
    return int(instance.n) * fourth / square - 1


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """One start, the mean by explicit entries, and the mean over a cubature of the sphere."""
    n, r = e.shape_of(instance)
    found = mean_squared_error(instance)
    if r <= n:
        yield from start.comparisons(instance, ctx)
        D = instance.lift(ctx).D
        second, fourth = (sum(D[i, i] ** k for i in range(len(D))) for k in (2, 4))
        yield equal("measured: tr K against sum d_i^2", squared_norm(D), second)
        yield equal("measured: tr(K^2) against sum d_i^4", squared_norm(D @ D.mT), fourth)
    yield equal(LABEL, (r + 2) * found, Fraction(3 * n - r - 2))
    if instance.law == "gaussian" and r <= n:
        # Weight 2/(r + 2) on the coordinate directions, the rest on signs, where R^2 = n/r - 1.
        again = (2 * Fraction(n - 1) + r * (Fraction(n, r) - 1)) / (r + 2)
        yield equal("measured: E R^2 as a mean over finitely many diagonals", found, again)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The moments by explicit entries."""
    fourth, square = means(instance)
    n = int(instance.n)
    found = {
        ENTRY: e.moments_of(instance)[3],
        NORM: square,
        GAP: n * fourth - square,
        e.E_R2: mean_squared_error(instance),
    }
    lifted = {s: ctx.number(value) for s, value in found.items()}
    return {**start.values(instance, ctx), e.v: ctx.number(instance.v), **lifted}


def like_gaussian(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The first four moments of a diagonal entry; D has no others."""
    yield from e.entries_like(instance, Fraction(3))
    if "D" in instance:
        D = instance.lift(ctx).D
        squares = [D[i, i] ** 2 for i in range(len(D))]
        yield equal("||D||^2 against its diagonal", squared_norm(D), sum(squares))


def fits(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """r <= n, as V'V = I_r needs."""
    n, r = e.shape_of(instance)
    yield at_most("r against n", r, n)
    if r <= n:
        yield from start.holds(instance, ctx)


def like_matrix(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The formula for a full Gaussian matrix."""
    n, r = e.shape_of(instance)
    found = (r * n + 2) * mean_squared_error(instance)
    yield equal("(rn + 2) E R^2 as for a full matrix", found, Fraction((n - 1) * (n + 2)))


def like_orthonormal_rows(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The diagonal taken for constant: n/r - 1."""
    n, r = e.shape_of(instance)
    found = r * mean_squared_error(instance)
    yield equal("r E R^2 as for a constant diagonal", found, Fraction(n - r))


gaussian = Assumption(
    "gaussian",
    r"the diagonal entries of $D$ are independent $N(0, v)$ with $v > 0$; the means are those of "
    r"this law, and the diagonal of $D$ is all of $D$",
    like_gaussian,
)
aligned = replace(start.aligned, holds=fits)
SIGNS = Instance(
    n=3, r=2, law="rademacher", v=1, V=[[1, 0], [0, 1], [0, 0]], D=[[1, 0], [0, -1]], w0=1
)
TOO_LONG = Instance(n=2, r=3, law="gaussian", v=1, w0=1)

claim = Claim(
    name="rushka-klabjan/trace-squared-expected-error-diagonal",
    title="Expected squared error from an aligned Gaussian start",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Let $f = \tfrac12(\mathrm{tr} W)^2$, $w_0 = \mathrm{tr} W_0 \ne 0$, $B_0 = 0$ and "
        r"$A_0 = D V^\top$ with $V^\top V = I_r$, $r \le n$, and a diagonal $D$ of independent "
        r"$N(0, v)$ entries. The update $-\frac{w_0}{\|A_0\|_F^2} A_0^\top A_0$, in which the LoRA "
        r"flow ends, has the squared distance $R^2 = n \sum_i d_i^4/(\sum_i d_i^2)^2 - 1$ from the "
        r"full-parameter update $-\frac{w_0}{n} I$, relative to the latter, and "
        r"$\mathbb{E} R^2 = \frac{3n}{r+2} - 1$."
    ),
    assumptions=(gaussian, aligned, e.nonzero_trace),
    instances=INSTANCES,
    check=check,
    conclusion=(*start.CONCLUSION, MEAN),
    derive=derive,
    interpret=interpret,
    controls=(
        Control(gaussian, (SIGNS,), "a diagonal of signs: E R^2 is 3/2 - 1"),
        Control(aligned, (TOO_LONG,), "r > n: the diagonal has n entries, not r"),
        Control(None, INSTANCES, "the formula for a full matrix is used", like_matrix),
        Control(None, INSTANCES, "the diagonal is taken for constant", like_orthonormal_rows),
    ),
    note=(
        "At r = n the mean is 2(n - 1)/(n + 2): alignment alone does not bring it to 0. Derived "
        "are the squared distance of one start, in K = D D', and the mean of R^2 in the entries "
        "d_i; that tr K is the sum of d_i^2 and tr(K^2) that of d_i^4, for a diagonal D, is "
        "measured."
    ),
)
