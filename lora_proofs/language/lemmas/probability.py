"""Lemmas about random matrices and expectations."""

from __future__ import annotations

from lora_proofs.mathematics.words import Relation, Scalar
from lora_proofs.symbolic.steps import Lemma

VARIANCE = Scalar("v")
KURTOSIS = Scalar("k")
ROWS, COLUMNS = Scalar("rows"), Scalar("columns")
NORM_MEAN = Scalar("E ||A||^4", latex=r"\mathbb{E}\|A\|_F^4")
GRAM_MEAN = Scalar("E tr((A'A)^2)", latex=r"\mathbb{E}\,\mathrm{tr}((A^\top A)^2)")

INDEPENDENT = "the entries of A are independent and have mean 0, variance v and fourth moment k v^2"

NORM_MOMENT = Lemma(
    "second moment of a sum of independent squares",
    r"If the entries of a matrix $A$ with $p$ rows and $q$ columns are independent with mean 0, "
    r"variance $v$ and fourth moment $k v^2$, then "
    r"$\mathbb{E}\|A\|_F^4 = v^2\,pq\,(pq + k - 1)$.",
    "Seber, Linear Regression Analysis (1977), chapter 1 (variance of a quadratic form)",
    {"independent": INDEPENDENT},
    Relation(NORM_MEAN, "=", VARIANCE**2 * (ROWS * COLUMNS) * (ROWS * COLUMNS + KURTOSIS - 1)),
)

GRAM_MOMENT = Lemma(
    "second moment of a Gram matrix",
    r"If the entries of a matrix $A$ with $p$ rows and $q$ columns are independent with mean 0, "
    r"variance $v$ and fourth moment $k v^2$, then "
    r"$\mathbb{E}\,\mathrm{tr}((A^\top A)^2) = v^2\,pq\,(p + q + k - 2)$.",
    "Seber, Linear Regression Analysis (1977), chapter 1 (variance of a quadratic form), for each "
    "row; for each pair of rows the square of their inner product has mean q v^2",
    {"independent": INDEPENDENT},
    Relation(GRAM_MEAN, "=", VARIANCE**2 * (ROWS * COLUMNS) * (ROWS + COLUMNS + KURTOSIS - 2)),
)

COMBINED_MEAN = Scalar("E (aX + bY)", latex=r"\mathbb{E}(aX + bY)")
FIRST_MEAN, SECOND_MEAN = Scalar("E X", latex=r"\mathbb{E}X"), Scalar("E Y", latex=r"\mathbb{E}Y")
FIRST, SECOND = Scalar("a"), Scalar("b")

LINEARITY = Lemma(
    "linearity of expectation",
    r"If $X$ and $Y$ are integrable, then $\mathbb{E}(aX + bY) = a\,\mathbb{E}X + b\,\mathbb{E}Y$.",
    "Billingsley, Probability and Measure, section 21",
    {"means": "X and Y are integrable, and the means are theirs"},
    Relation(COMBINED_MEAN, "=", FIRST * FIRST_MEAN + SECOND * SECOND_MEAN),
)

RATIO_MEAN = Scalar("E (Q/D)", latex=r"\mathbb{E}(Q/D)")
NUMERATOR_MEAN = Scalar("E Q", latex=r"\mathbb{E}Q")
DENOMINATOR_MEAN = Scalar("E D", latex=r"\mathbb{E}D")
COMMON, BELOW, ABOVE = Scalar("c"), Scalar("u"), Scalar("w")

_MEANS = {
    "denominator": Relation(DENOMINATOR_MEAN, "=", COMMON * BELOW),
    "numerator": Relation(NUMERATOR_MEAN, "=", COMMON * ABOVE),
}

GAUSSIAN_QUOTIENT = Lemma(
    "independence of length and direction of a Gaussian matrix",
    r"If the entries of $A$ are independent $N(0, v)$ with $v > 0$, $Q$ is a homogeneous "
    r"polynomial of degree 4 in them and $D = \|A\|_F^4$, then $Q/D$ depends on $A/\|A\|_F$ alone "
    r"and is independent of $D$, so $\mathbb{E}Q = \mathbb{E}(Q/D)\,\mathbb{E}D$; with "
    r"$\mathbb{E}D = c u$, $\mathbb{E}Q = c w$ and $c > 0$: $u\,\mathbb{E}(Q/D) = w$.",
    "Muirhead, Aspects of Multivariate Statistical Theory, section 1.5 (spherical distributions)",
    {
        **_MEANS,
        "law": "the entries of A are independent N(0, v) with v > 0, Q is homogeneous of degree 4 "
        "in them, D = ||A||^4, and c > 0",
    },
    Relation(BELOW * RATIO_MEAN, "=", ABOVE),
)

CONSTANT_QUOTIENT = Lemma(
    "a quotient with a constant denominator",
    r"If $D$ is constant, $D = \mathbb{E}D = c u$, and $\mathbb{E}Q = c w$ with $c u \ne 0$, then "
    r"$u\,\mathbb{E}(Q/D) = w$.",
    "Billingsley, Probability and Measure, section 21 (linearity of expectation)",
    {**_MEANS, "constant": "D is the constant c u, and c u is not 0"},
    Relation(BELOW * RATIO_MEAN, "=", ABOVE),
)

PROBABILITY: tuple[Lemma, ...] = (
    NORM_MOMENT,
    GRAM_MOMENT,
    LINEARITY,
    GAUSSIAN_QUOTIENT,
    CONSTANT_QUOTIENT,
)
