"""Lemmas about flows: comparison, energy and length, existence for all time, conservation."""

from __future__ import annotations

from lora_proofs.language.lemmas.calculus import ELAPSED, LATER, POINT, VELOCITY
from lora_proofs.mathematics.words import (
    Norm,
    Relation,
    Scalar,
    Symbol,
    Word,
    Zero,
    squared_norm,
    word,
)
from lora_proofs.symbolic.steps import Lemma

ENERGY_RATE = Scalar("g'(t)")
ENERGY = Scalar("g(t)")
LATER_ENERGY = Scalar("g(t+s)")

ENERGY_LENGTH = Lemma(
    "length of a curve by its energy",
    r"If $y$ is continuously differentiable on $[t, t+s]$ and $g' = -\|y'\|^2$ there, then "
    r"$\|y(t+s) - y(t)\|^2 \le s\,(g(t) - g(t+s))$ (Cauchy-Schwarz in time).",
    "Ambrosio, Gigli and Savare, Gradient Flows in Metric Spaces, section 1.3",
    {
        "dissipation": Relation(ENERGY_RATE, "=", -(Norm("F", VELOCITY) ** 2)),
        "solution": "y is continuously differentiable on [t, t+s], g is its energy, and the rate "
        "and the velocity are theirs at every time in between",
    },
    Relation(
        Norm("F", tuple(z - y for z, y in zip(LATER, POINT, strict=True))) ** 2,
        "<=",
        ELAPSED * (ENERGY - LATER_ENERGY),
    ),
)

RADIUS = Scalar("R(t)", nonnegative=True)

EXTENSION = Lemma(
    "extension of bounded solutions",
    r"A solution $y$ of $y' = F(y)$ with $F$ locally Lipschitz and $\|y(t)\| \le R(t)$ as "
    r"long as it exists, with $R$ bounded on bounded intervals, is defined for all $t \ge 0$: it "
    r"cannot end in finite time.",
    "Teschl, Ordinary Differential Equations and Dynamical Systems, Corollary 2.16",
    {
        "bounded": Relation(Norm("F", LATER), "<=", RADIUS),
        "finite": "R is bounded on bounded intervals of time, whether or not the solution ends",
        "solution": "the bound holds at every time at which the solution exists",
        "field": "the right side of the equation is locally Lipschitz",
    },
)

QUANTITY_RATE = Scalar("u'")
QUANTITY_START = Scalar("u(0)")
QUANTITY_LATER = Scalar("u(t)")
QUANTITY_BOUND = Scalar("b")
EXPONENT_RATE = Scalar("c")
EXPONENTIAL = Scalar("E", latex=r"e^{\int c}")

MONOTONE = Lemma(
    "sign of the derivative",
    r"If $u$ is differentiable with $u' \le 0$ on $[0, t]$, then $u(t) \le u(0)$.",
    "Rudin, Principles of Mathematical Analysis, Theorem 5.11",
    {
        "rate": Relation(QUANTITY_RATE, "<=", word(0)),
        "solution": "u(0) and u(t) are values of one differentiable function, whose rate is u' at "
        "every time in between",
    },
    Relation(QUANTITY_LATER, "<=", QUANTITY_START),
)

_SAME_FUNCTION = (
    "u(0) and u(t) are values of one differentiable function, the bounds on its rate hold at every "
    "time in between, c is continuous, and E = exp of the integral of c over [0, t]"
)

GRONWALL = Lemma(
    "Gronwall inequality",
    r"If $u' \le c\,u$ on $[0, t]$ with $c$ continuous, then "
    r"$u(t) \le u(0) \exp \int_0^t c$.",
    "Teschl, Ordinary Differential Equations and Dynamical Systems, Lemma 2.7",
    {
        "rate": Relation(QUANTITY_RATE, "<=", EXPONENT_RATE * QUANTITY_LATER),
        "solution": _SAME_FUNCTION,
    },
    Relation(QUANTITY_LATER, "<=", EXPONENTIAL * QUANTITY_START),
)

GROWTH = Relation(QUANTITY_BOUND, "<=", EXPONENT_RATE * QUANTITY_LATER)

GRONWALL_FORWARD = Lemma(
    "Gronwall inequality (in two steps)",
    r"If $u' \le b \le c\,u$ on $[0, t]$ with $c$ continuous, then "
    r"$u(t) \le u(0) \exp \int_0^t c$.",
    "Teschl, Ordinary Differential Equations and Dynamical Systems, Lemma 2.7",
    {
        "rate": Relation(QUANTITY_RATE, "<=", QUANTITY_BOUND),
        "growth": GROWTH,
        "solution": _SAME_FUNCTION,
    },
    Relation(QUANTITY_LATER, "<=", EXPONENTIAL * QUANTITY_START),
)

GRONWALL_BACKWARD = Lemma(
    "Gronwall inequality (backward in time)",
    r"If $-u' \le b \le c\,u$ on $[0, t]$ with $c$ continuous, then "
    r"$u(0) \le u(t) \exp \int_0^t c$.",
    "Teschl, Ordinary Differential Equations and Dynamical Systems, Lemma 2.7 (time reversed)",
    {
        "rate": Relation(-QUANTITY_RATE, "<=", QUANTITY_BOUND),
        "growth": GROWTH,
        "solution": _SAME_FUNCTION,
    },
    Relation(QUANTITY_START, "<=", EXPONENTIAL * QUANTITY_LATER),
)


def _square(name: str) -> Symbol:
    """A square matrix of the order of the adapter's rank."""
    return Symbol(name, "r", "r")


FIRST_RATE, SECOND_RATE = _square("P'"), _square("Q'")
FIRST_START, SECOND_START = _square("P(0)"), _square("Q(0)")
FIRST_LATER, SECOND_LATER = _square("P(t)"), _square("Q(t)")

EQUAL_RATES = Lemma(
    "functions with equal derivatives",
    r"If $P' = Q'$ on $[0, t]$, then $P(t) = P(0) + Q(t) - Q(0)$.",
    "Rudin, Principles of Mathematical Analysis, Theorem 5.11 (entry by entry)",
    {
        "rates": Relation(FIRST_RATE, "=", SECOND_RATE),
        "solution": "P and Q are differentiable on [0, t] with values P(0), Q(0), P(t), Q(t), and "
        "the rates are theirs at every time in between",
    },
    Relation(FIRST_LATER, "=", FIRST_START + SECOND_LATER - SECOND_START),
)

VANISHING = Symbol("X", "n", "r")

DEFINITE = Lemma(
    "definiteness of the Frobenius norm",
    r"If $\|X\|_F^2 \le 0$, then $X = 0$.",
    "Horn and Johnson, Matrix Analysis, section 5.6",
    {"norm": Relation(squared_norm(VANISHING), "<=", word(0))},
    Relation(VANISHING, "=", Zero("n", "r")),
)

GRAM_START, GRAM_ADDED = Symbol("A_0", "r", "m"), Symbol("B_t", "n", "r")
GRAM_LATER = Symbol("A_t", "r", "m")
SINGULAR_START, SINGULAR_LATER = Scalar("sigma_k(A_0)"), Scalar("sigma_k(A_t)")

SINGULAR_MONOTONE = Lemma(
    "monotonicity of singular values",
    r"If $A_t A_t^\top = A_0 A_0^\top + B_t^\top B_t$, then $\sigma_k(A_0) \le \sigma_k(A_t)$ for "
    r"every $k$ (Weyl's monotonicity for symmetric matrices).",
    "Horn and Johnson, Matrix Analysis, Corollary 4.3.12",
    {
        "gram": Relation(
            GRAM_LATER @ GRAM_LATER.T, "=", GRAM_START @ GRAM_START.T + GRAM_ADDED.T @ GRAM_ADDED
        ),
        "values": "sigma_k(A_0) and sigma_k(A_t) are the k-th largest singular values of A_0 and "
        "A_t",
    },
    Relation(SINGULAR_START, "<=", SINGULAR_LATER),
)

PRODUCT, LEFT, RIGHT = Symbol("X", "n", "m"), Symbol("B", "n", "r"), Symbol("A", "r", "m")
ROOT = Symbol("Y", "n", "n")
HORN = "Horn and Johnson, Matrix Analysis, "


def _operator(X: Word) -> Word:
    return Norm("2", (X,))


GRAM_LEFT = Lemma(
    "operator norm of X X'",
    r"$\|X X^\top\|_2 = \|X\|_2^2$.",
    HORN + "Theorem 2.6.3",
    {},
    Relation(_operator(PRODUCT @ PRODUCT.T), "=", _operator(PRODUCT) ** 2),
)
GRAM_RIGHT = Lemma(
    "operator norm of X'X",
    r"$\|X^\top X\|_2 = \|X\|_2^2$.",
    HORN + "Theorem 2.6.3",
    {},
    Relation(_operator(PRODUCT.T @ PRODUCT), "=", _operator(PRODUCT) ** 2),
)
FOURTH_LEFT = Lemma(
    "operator norm of B B'B B'",
    r"$\|B\|_2^4 = \|B B^\top B B^\top\|_2$.",
    HORN + "Theorem 2.6.3",
    {},
    Relation(_operator(LEFT) ** 4, "=", _operator(LEFT @ LEFT.T @ LEFT @ LEFT.T)),
)
FOURTH_RIGHT = Lemma(
    "operator norm of A'A A'A",
    r"$\|A\|_2^4 = \|A^\top A A^\top A\|_2$.",
    HORN + "Theorem 2.6.3",
    {},
    Relation(_operator(RIGHT) ** 4, "=", _operator(RIGHT.T @ RIGHT @ RIGHT.T @ RIGHT)),
)
WHOLE = Symbol("S", "n", "n")

GRAM_SUM = Lemma(
    "operator norm of a sum of Gram matrices",
    r"If $S = Y Y^\top + X X^\top$, then $\|Y Y^\top\|_2 \le \|S\|_2$.",
    HORN + "Corollary 7.7.4",
    {"sum": Relation(WHOLE, "=", ROOT @ ROOT.T + PRODUCT @ PRODUCT.T)},
    Relation(_operator(ROOT @ ROOT.T), "<=", _operator(WHOLE)),
)

FLOWS: tuple[Lemma, ...] = (
    ENERGY_LENGTH,
    EXTENSION,
    MONOTONE,
    GRONWALL,
    GRONWALL_FORWARD,
    GRONWALL_BACKWARD,
    EQUAL_RATES,
    DEFINITE,
    SINGULAR_MONOTONE,
    GRAM_LEFT,
    GRAM_RIGHT,
    FOURTH_LEFT,
    FOURTH_RIGHT,
    GRAM_SUM,
)
