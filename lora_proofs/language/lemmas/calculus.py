"""Lemmas of calculus and of ordinary differential equations."""

from __future__ import annotations

from lora_proofs.mathematics.words import Norm, Relation, Scalar, Symbol, Word, word
from lora_proofs.symbolic.steps import Lemma, Shown

ERROR_NOW = Scalar("e_k", nonnegative=True)
ERROR_NEXT = Scalar("e_{k+1}", nonnegative=True)
ERROR_START = Scalar("e_0", nonnegative=True)
STEP = Scalar("h", nonnegative=True)
RATE = Scalar("L", nonnegative=True)
DEFECT = Scalar("C", nonnegative=True)
GROWTH = Scalar("E", latex="e^{LT}")

DISCRETE_GRONWALL = Lemma(
    "discrete Gronwall inequality",
    r"If $e_0 = 0$ and $e_{k+1} \le (1 + hL)\, e_k + C h^2$ whenever $(k+1)h \le T$, with "
    r"$h, C, L \ge 0$ independent of $k$, then $L e_k \le C h\,(e^{LT} - 1)$ for "
    r"all $kh \le T$.",
    "Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, section II.3",
    {
        "start": Relation(ERROR_START, "=", word(0)),
        "recursion": Relation(ERROR_NEXT, "<=", (1 + STEP * RATE) * ERROR_NOW + DEFECT * STEP**2),
        "sequence": "e_0, e_k, e_(k+1) are the terms 0, k, k+1 of one sequence with kh <= T; the "
        "recursion holds for every k with (k+1)h <= T, and h, C, L do not depend on k; E = e^(LT)",
    },
    Relation(RATE * ERROR_NOW, "<=", DEFECT * STEP * (GROWTH - 1)),
)

ELAPSED = Scalar("s", nonnegative=True)


def _pair(name: str) -> tuple[Symbol, Symbol]:
    """The two blocks of a point of the space of the factors (A, B)."""
    return Symbol(f"{name}_A", "r", "m"), Symbol(f"{name}_B", "n", "r")


POINT, LATER, NEXT = _pair("y(t)"), _pair("y(t+s)"), _pair("y(t+h)")
VELOCITY, LATER_VELOCITY = _pair("y'(t)"), _pair("y'(t+s)")
LIPSCHITZ_CONSTANT = Scalar("Lambda", nonnegative=True, latex=r"\Lambda")
SPEED = Scalar("K", nonnegative=True)


def _length(*blocks: Word) -> Word:
    return Norm("F", blocks)


TAYLOR_REMAINDER = Lemma(
    "Taylor remainder with Lipschitz derivative",
    r"If $y$ is continuously differentiable on $[t, t+h]$ and "
    r"$\|y'(t+s) - y'(t)\| \le \Lambda s$ for $0 \le s \le h$, then "
    r"$\|y(t+h) - y(t) - h\,y'(t)\| \le \Lambda h^2/2$.",
    "Nesterov, Introductory Lectures on Convex Optimization, Lemma 1.2.3 (vector-valued form)",
    {
        "derivative is Lipschitz": Relation(
            _length(*(w - v for w, v in zip(LATER_VELOCITY, VELOCITY, strict=True))),
            "<=",
            LIPSCHITZ_CONSTANT * ELAPSED,
        ),
        "solution": "y is continuously differentiable on [t, t+h], and the points and velocities "
        "are its values and derivatives there, the bound holding for every s in [0, h]",
    },
    Relation(
        _length(*(z - y - STEP * v for z, y, v in zip(NEXT, POINT, VELOCITY, strict=True))),
        "<=",
        LIPSCHITZ_CONSTANT * STEP**2 / 2,
    ),
)

MEAN_VALUE = Lemma(
    "mean value inequality",
    r"If $y$ is continuously differentiable on $[t, t+s]$ and $\|y'\| \le K$ there, then "
    r"$\|y(t+s) - y(t)\| \le K s$.",
    "Dieudonne, Foundations of Modern Analysis, (8.5.4)",
    {
        "speed": Relation(_length(*LATER_VELOCITY), "<=", SPEED),
        "solution": "y is continuously differentiable on [t, t+s], and the points and velocities "
        "are its values and derivatives there, the bound holding at every time of [t, t+s]",
    },
    Relation(_length(*(x - y for x, y in zip(LATER, POINT, strict=True))), "<=", SPEED * ELAPSED),
)

_CANDIDATE = {
    "solves": Shown("the candidate satisfies the differential equation"),
    "starts": Shown("the candidate has the given initial value"),
}
PICARD_LINDELOF = (
    "Teschl, Ordinary Differential Equations and Dynamical Systems, Theorem 2.2",
    "at most one solution through a given initial value; two solutions agree wherever both exist.",
)

UNIQUENESS = Lemma(
    "Picard-Lindelof theorem",
    "A differential equation whose right side is a polynomial in the unknowns, hence locally "
    f"Lipschitz, has {PICARD_LINDELOF[1]}",
    PICARD_LINDELOF[0],
    {
        **_CANDIDATE,
        "field": Shown("the right side of the equation is a polynomial in the unknowns", True),
    },
)

LIPSCHITZ_UNIQUENESS = Lemma(
    "Picard-Lindelof theorem (locally Lipschitz field)",
    f"A differential equation whose right side is locally Lipschitz has {PICARD_LINDELOF[1]}",
    PICARD_LINDELOF[0],
    {**_CANDIDATE, "field": "the right side of the equation is locally Lipschitz"},
)

COSH = Scalar("C")
SINH = Scalar("S")
SQUARE = Scalar("m")

HYPERBOLIC = Lemma(
    "hyperbolic identity",
    r"If $C' = m S$ and $S' = C$ with $C(0) = 1$, $S(0) = 0$ and $m$ constant (for $m = 1$: "
    r"$C = \cosh$, $S = \sinh$; in general $C = \cosh(\sqrt m\,t)$, "
    r"$S = \sinh(\sqrt m\,t)/\sqrt m$), then $C^2 = 1 + m S^2$.",
    "NIST Digital Library of Mathematical Functions, 4.35.11",
    {"functions": "C' = m S and S' = C with C(0) = 1, S(0) = 0, and m is constant"},
    Relation(COSH**2, "=", 1 + SQUARE * SINH**2),
)

SMALL, SLOPE = Scalar("e(h)", nonnegative=True), Scalar("c")

SQUEEZE = Lemma(
    "squeeze theorem",
    r"If $0 \le e(h) \le c\,h$ for all small $h > 0$ with $c$ independent of $h$, then "
    r"$e(h) \to 0$ as $h \to 0$.",
    "Rudin, Principles of Mathematical Analysis, Theorem 3.19",
    {
        "bound": Relation(SMALL, "<=", SLOPE * STEP),
        "uniform": "c does not depend on h, and the bound holds for all small h",
    },
)

INDUCTION = Lemma(
    "principle of induction",
    r"A property that the first term of a sequence has, and that passes from each term to the "
    r"next, is a property of every term.",
    "Halmos, Naive Set Theory, section 12",
    {
        "start": Shown("the first term has the property"),
        "step": Shown("with a term, the next one has the property"),
    },
)

CALCULUS = (
    DISCRETE_GRONWALL,
    TAYLOR_REMAINDER,
    MEAN_VALUE,
    UNIQUENESS,
    LIPSCHITZ_UNIQUENESS,
    HYPERBOLIC,
    SQUEEZE,
    INDUCTION,
)
