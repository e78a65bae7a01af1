"""Lemmas that compare a solution with a differential inequality or with another solution."""

from __future__ import annotations

from lora_proofs.mathematics.words import Relation, Scalar, Symbol, word
from lora_proofs.symbolic.steps import Lemma

FIRST, SECOND = Symbol("P", "n", "r"), Symbol("Q", "n", "r")
FIRST_START, SECOND_START = Symbol("P_0", "n", "r"), Symbol("Q_0", "n", "r")
RATE_OF_GAP = Symbol("(P - Q)'", "n", "r", latex=r"(P - Q)'")
FACTOR = Scalar("g")

AGREEMENT = Lemma(
    "uniqueness for a linear homogeneous equation",
    r"If $(P - Q)' = g\,(P - Q)$ with a continuous $g$ and $P_0 = Q_0$ at the start, then $P = Q$ "
    r"at all times.",
    "Walter, Ordinary Differential Equations, section 14 (linear systems)",
    {
        "rate": Relation(RATE_OF_GAP, "=", FACTOR * (FIRST - SECOND)),
        "start": Relation(FIRST_START, "=", SECOND_START),
        "solution": "(P - Q)' is the derivative of P - Q, g is continuous in time, both equations "
        "hold at all times, and P_0, Q_0 are the values of P, Q at the start",
    },
    Relation(FIRST, "=", SECOND),
)

VALUE, START, RATE = Scalar("y"), Scalar("y_0"), Scalar("y'")
CONSTANT, TIME = Scalar("c"), Scalar("t")

_SOLUTION = (
    "y is differentiable with derivative y' and starts at y_0; what is said of them holds at all "
    "times up to t >= 0"
)

CONSERVED = Lemma(
    "a function with derivative zero",
    r"If $y' = 0$ on $[0, t]$, then $y(t) = y_0$, so $y_0 \le y(t)$.",
    "Rudin, Principles of Mathematical Analysis, Theorem 5.11",
    {"rate": Relation(RATE, "=", word(0)), "solution": _SOLUTION},
    Relation(START, "<=", VALUE),
)

ALGEBRAIC_DECAY = Lemma(
    "comparison with an algebraic decay",
    r"If $y \ge 0$ and $y' \le -c\,y^2$ on $[0, t]$ with a constant $c \ge 0$, then "
    r"$y(t)\,(1 + c\,y_0 t) \le y_0$.",
    "Walter, Ordinary Differential Equations, section 9 (differential inequalities)",
    {
        "rate": Relation(RATE, "<=", -(CONSTANT * VALUE**2)),
        "sign": Relation(word(0), "<=", VALUE),
        "constant": Relation(word(0), "<=", CONSTANT),
        "solution": f"{_SOLUTION}; c does not depend on time",
    },
    Relation(VALUE * (1 + CONSTANT * START * TIME), "<=", START),
)

CAPACITY, BARRIER = Scalar("w"), Scalar("b")

LOGISTIC_BARRIER = Lemma(
    "lower barrier of the logistic equation",
    r"If $y' = 2y\,(w - y)$ on $[0, t]$ with a constant $w$, and $0 \le b \le y_0$, $b \le w$, "
    r"then $b \le y(t)$.",
    "Walter, Ordinary Differential Equations, section 9 (the constant b is a subsolution)",
    {
        "rate": Relation(RATE, "=", 2 * VALUE * (CAPACITY - VALUE)),
        "sign": Relation(word(0), "<=", BARRIER),
        "below the start": Relation(BARRIER, "<=", START),
        "below the capacity": Relation(BARRIER, "<=", CAPACITY),
        "solution": f"{_SOLUTION}; w and b do not depend on time",
    },
    Relation(BARRIER, "<=", VALUE),
)

COMPARISON: tuple[Lemma, ...] = (AGREEMENT, CONSERVED, ALGEBRAIC_DECAY, LOGISTIC_BARRIER)
