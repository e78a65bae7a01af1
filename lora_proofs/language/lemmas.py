"""The lemmas that a derivation may cite: statement, hypotheses, and where they are proved.

Each stands outside the papers under test. A hypothesis is a relation, which a step must state
literally, or a sentence, which a step or an assumption must be named for.
"""

from __future__ import annotations

from collections.abc import Mapping

from lora_proofs.mathematics.words import Relation, Scalar, word
from lora_proofs.symbolic.steps import Lemma

ERROR_NOW = Scalar("e_k", nonnegative=True)
ERROR_NEXT = Scalar("e_{k+1}", nonnegative=True)
ERROR_START = Scalar("e_0", nonnegative=True)
STEP = Scalar("h", nonnegative=True)
RATE = Scalar("L", nonnegative=True)
DEFECT = Scalar("C", nonnegative=True)
GROWTH = Scalar("E", latex="e^{LT}")

DISCRETE_GRONWALL = Lemma(
    "discrete Gronwall inequality",
    r"If $e_0 = 0$ and $e_{k+1} \le (1 + hL)\, e_k + C h^2$ whenever $(k+1)h \le T$, with $h, C "
    r"\ge 0$ "
    r"and $L \ge 0$ independent of $k$, then $L e_k \le C h\,(e^{LT} - 1)$ for all $kh \le T$.",
    "Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, section II.3",
    {
        "start": Relation(ERROR_START, "=", word(0)),
        "recursion": Relation(ERROR_NEXT, "<=", (1 + STEP * RATE) * ERROR_NOW + DEFECT * STEP**2),
        "finite horizon": "kh <= T",
    },
    Relation(RATE * ERROR_NOW, "<=", DEFECT * STEP * (GROWTH - 1)),
)

LIPSCHITZ_CONSTANT = Scalar("Lambda", nonnegative=True, latex=r"\Lambda")
REMAINDER = Scalar("rho", nonnegative=True, latex=r"\rho")
RATE_CHANGE = Scalar("delta", nonnegative=True, latex=r"\delta")
ELAPSED = Scalar("s", nonnegative=True)

TAYLOR_REMAINDER = Lemma(
    "Taylor remainder with Lipschitz derivative",
    r"If $y$ is continuously differentiable on $[t, t+h]$ and "
    r"$\|y'(t+s) - y'(t)\| \le \Lambda s$ for $0 \le s \le h$, then "
    r"$\|y(t+h) - y(t) - h\,y'(t)\| \le \Lambda h^2/2$.",
    "Nesterov, Introductory Lectures on Convex Optimization, Lemma 1.2.3 (vector-valued form)",
    {
        "derivative is Lipschitz": Relation(RATE_CHANGE, "<=", LIPSCHITZ_CONSTANT * ELAPSED),
        "solution": "y is continuously differentiable on [t, t + h]",
    },
    Relation(REMAINDER, "<=", LIPSCHITZ_CONSTANT * STEP**2 / 2),
)

SPEED = Scalar("K", nonnegative=True)
SPEED_NORM = Scalar("v", nonnegative=True)
DISTANCE = Scalar("d", nonnegative=True)

MEAN_VALUE = Lemma(
    "mean value inequality",
    r"If $y$ is continuously differentiable on $[t, t+s]$ and $\|y'\| \le K$ there, then "
    r"$\|y(t+s) - y(t)\| \le K s$.",
    "Dieudonne, Foundations of Modern Analysis, (8.5.4)",
    {
        "speed": Relation(SPEED_NORM, "<=", SPEED),
        "solution": "y is continuously differentiable on [t, t + s]",
    },
    Relation(DISTANCE, "<=", SPEED * ELAPSED),
)

UNIQUENESS = Lemma(
    "Picard-Lindelof theorem",
    r"A differential equation whose right side is locally Lipschitz has at most one solution "
    r"through a given initial value; two solutions agree wherever both exist.",
    "Teschl, Ordinary Differential Equations and Dynamical Systems, Theorem 2.2",
    {
        "solves": "the candidate satisfies the differential equation",
        "starts": "the candidate has the given initial value",
    },
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

SQUEEZE = Lemma(
    "squeeze theorem",
    r"If $0 \le e(h) \le c\,h$ for all small $h > 0$ with $c$ independent of $h$, then $e(h) \to "
    r"0$ "
    r"as $h \to 0$.",
    "Rudin, Principles of Mathematical Analysis, Theorem 3.19",
    {"bound": "e(h) is at most c h, with c independent of h"},
)

LEMMAS: Mapping[str, Lemma] = {
    lemma.name: lemma
    for lemma in (DISCRETE_GRONWALL, TAYLOR_REMAINDER, MEAN_VALUE, UNIQUENESS, HYPERBOLIC, SQUEEZE)
}
