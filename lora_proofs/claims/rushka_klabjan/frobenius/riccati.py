"""The Frobenius LoRA flow is a matrix Riccati equation where B'B - AA' = cI; its solution.

With E = Y - W0, Z = [B; A'] and F = [[c/2 I, E], [E', -c/2 I]] the product Q = ZZ' solves
Q' = FQ + QF - Q^2. So does X P X', where X' = FX, N' = X'X and P is the inverse of N: differentiate
and use P' = -P N' P. With X(0) = Z0 and N(0) = I both start at Z0 Z0', so they are the same.

B0 = 0 with orthogonal rows of A0 of one length, balanced starts (c = 0) and every start with r = 1
are of this kind; E is any matrix, and no alignment is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, equal
from lora_proofs.claims.rushka_klabjan.frobenius import riccati_proof as proof
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.flows import lora_vector_field
from lora_proofs.mathematics.frobenius_riccati import riccati_matrix
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.mathematics.notation import A, B
from lora_proofs.strategies.draw import Draw, ratio
from lora_proofs.strategies.matrices import full_rank_matrix, matrix, orthogonal_matrix, rank_matrix

BALANCED, DEFICIENT = "balanced, c = 0", "rank-deficient residual"
REGIMES = (
    "positive c",
    "negative c",
    BALANCED,
    "zero B0",
    "zero A0",
    "r = 1",
    "r > min(n, m)",
    DEFICIENT,
)


def draw(source: Draw, regime: str) -> Instance:
    """A residual, a start with D = cI, a later point of the same D, and points X, N of the form."""
    n, m, r = _shape(source, regime)
    A0, B0 = _start(source, regime, n, m, r)
    turn = (orthogonal_matrix(source, k) for k in (r, m, n))
    R, V, U = turn
    E = matrix(source, n, m)
    if regime == DEFICIENT:
        E = rank_matrix(source, n, m, min(n, m) - 1)
    return Instance(
        regimes=(regime,),
        loss="frobenius",
        W0=EXACT.zeros(n, m),
        Y=E,
        A0=A0,
        B0=B0,
        A=R @ A0 @ V,
        B=U @ B0 @ R.mT,
        XB=matrix(source, n, r),
        XA=matrix(source, m, r),
        N=full_rank_matrix(source, r, r),
    )


def _shape(source: Draw, regime: str) -> tuple[int, int, int]:
    least = 2 if regime == DEFICIENT else 1
    n, m = source.integer(least, 3), source.integer(least, 3)
    if regime == "r > min(n, m)":
        return n, m, min(n, m) + 1
    return n, m, 1 if regime == "r = 1" else source.integer(1, min(n, m))


def _start(source: Draw, regime: str, n: int, m: int, r: int) -> tuple[Any, Any]:
    """Factors with singular values a_i, b_i in one basis and b_i^2 - a_i^2 = c for every i."""
    signs = {"positive c": (1,), "negative c": (-1,), "zero A0": (1,), "zero B0": (-1,)}
    c = source.choice(signs.get(regime, (0, 1, -1))) * Fraction(source.integer(1, 4))
    if regime in (BALANCED, "r > min(n, m)"):
        c = Fraction(0)
    right, left = EXACT.zeros(r, m), EXACT.zeros(n, r)
    for i in range(min(r, n, m)):
        a, b = _pair(source, c, regime)
        right[i, i], left[i, i] = EXACT.number(a), EXACT.number(b)
    R, V, U = (orthogonal_matrix(source, k) for k in (r, m, n))
    return R @ right @ V, U @ left @ R.mT


def _pair(source: Draw, c: Fraction, regime: str) -> tuple[Fraction, Fraction]:
    """Rational a, b with b^2 - a^2 = c, from (b - a)(b + a) = c."""
    if regime == "zero B0":
        return -c, Fraction(0)
    if regime == "zero A0":
        return Fraction(0), c
    s = ratio(source, 1, 4, 2)
    if c == 0:
        return s, s * source.choice((1, -1))
    return (c / s - s) / 2, (c / s + s) / 2


INSTANCES = Instances(draw, REGIMES)


def constant(instance: Instance) -> Any:
    """c, the mean of the diagonal of B0'B0 - A0 A0'."""
    A0, B0 = EXACT.matrix(instance.A0), EXACT.matrix(instance.B0)
    D = B0.mT @ B0 - A0 @ A0.mT
    return D.trace() / len(D)


def multiple_of_identity(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """B0'B0 - A0 A0' = cI; the later point has the same difference."""
    x, c = instance.lift(EXACT), constant(instance)
    cI = c * EXACT.identity(len(x.A0))
    yield equal("B0'B0 against A0 A0' + cI", x.B0.mT @ x.B0, x.A0 @ x.A0.mT + cI)


def functions_hold(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """P is the inverse of N; the later point keeps the difference of the start."""
    x = instance.lift(EXACT)
    P = EXACT.inverse(x.N)
    yield equal("N P = I", x.N @ P, EXACT.identity(len(P)))
    start, later = x.B0.mT @ x.B0 - x.A0 @ x.A0.mT, x.B.mT @ x.B - x.A @ x.A.mT
    if all(entry == 0 for entry in (start - start[0, 0] * EXACT.identity(len(start))).flat):
        yield equal("B'B - AA' against its start", later, start)


scaled_identity = Assumption(
    proof.START,
    r"$B_0^\top B_0 - A_0 A_0^\top = c I_r$",
    multiple_of_identity,
    relations=(proof.AT_START,),
)
functions = Assumption(
    proof.FUNCTIONS,
    r"$A, B$ are the flow at time $t$ from $A_0, B_0$; $X = [X_B; X_A]$, $N$ and $P$ are the "
    r"functions with $X' = F X$, $X(0) = Z_0$, $N' = X^\top X$, $N(0) = I$ and $N P = I$, so "
    r"$X = e^{Ft} Z_0$ and $P = (I + Z_0^\top \int_0^t e^{2Fs}ds\, Z_0)^{-1}$",
    functions_hold,
    technical="it names functions",
    relations=(proof.INVERSE,),
)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """Rational points stand for every time."""
    x = instance.lift(ctx)
    P = ctx.matrix(EXACT.inverse(EXACT.matrix(instance.N)))
    return {
        A: x.A,
        B: x.B,
        proof.A_START: x.A0,
        proof.B_START: x.B0,
        proof.E: x.Y - x.W0,
        proof.C: ctx.number(constant(instance)),
        proof.XA: x.XA,
        proof.XB: x.XB,
        proof.N: x.N,
        proof.P: P,
    }


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The form at the start; both candidates put into FQ + QF - Q^2; the hand-written field."""
    yield from at_the_start(instance, ctx, 1)
    yield from along_the_flow(instance, ctx, constant(instance))
    yield from along_the_form(instance, ctx, 1)


def at_the_start(instance: Instance, ctx: Arithmetic, level: int) -> Iterator[Comparison]:
    """X P X' for X = Z0 and N = ``level`` times I against Z0 Z0'."""
    x = instance.lift(ctx)
    Z0 = _stacked(x.B0, x.A0.mT)
    P = ctx.matrix(EXACT.inverse(level * EXACT.identity(len(x.A0))))
    yield from _blocks(proof.OF_START, Z0 @ P @ Z0.mT, Z0 @ Z0.mT, len(x.B0))


def twice_the_identity(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """2I in place of I in the inverse, which solves the same equation from another start."""
    yield from at_the_start(instance, ctx, 2)


def along_the_flow(instance: Instance, ctx: Arithmetic, c: Any) -> Iterator[Comparison]:
    """Q = ZZ' at the instance's point of the flow."""
    x = instance.lift(ctx)
    dA, dB = lora_vector_field(frobenius(x.Y), x.W0, x.A, x.B, ctx)
    rate_D = dB.mT @ x.B + x.B.mT @ dB - dA @ x.A.mT - x.A @ dA.mT
    yield equal(proof.CONSERVED, rate_D, ctx.zeros(*rate_D.shape))
    Z, dZ = _stacked(x.B, x.A.mT), _stacked(dB, dA.mT)
    F = ctx.matrix(riccati_matrix(x.Y - x.W0, ctx.number(c)))
    Q, rate = Z @ Z.mT, dZ @ Z.mT + Z @ dZ.mT
    yield from _blocks(proof.OF_FLOW, rate, F @ Q + Q @ F - Q @ Q, len(x.B))


def along_the_form(instance: Instance, ctx: Arithmetic, square: int) -> Iterator[Comparison]:
    """Q = X P X' with X' = FX and P' = -P X'X P."""
    x = instance.lift(ctx)
    P, X = ctx.matrix(EXACT.inverse(EXACT.matrix(instance.N))), _stacked(x.XB, x.XA)
    F = ctx.matrix(riccati_matrix(x.Y - x.W0, ctx.number(constant(instance))))
    dX = F @ X
    Q, dP = X @ P @ X.mT, -(P @ X.mT @ X @ P)
    rate = dX @ P @ X.mT + X @ P @ dX.mT + X @ dP @ X.mT
    yield from _blocks(proof.OF_FORM, rate, F @ Q + Q @ F - square * (Q @ Q), len(x.B))


def _stacked(above: Any, below: Any) -> Any:
    return np.vstack([above, below])


def _blocks(labels: tuple[str, str, str], left: Any, right: Any, n: int) -> Iterator[Comparison]:
    """The three blocks of an equation between symmetric (n + m) x (n + m) matrices."""
    parts = ((slice(None, n), slice(None, n)), (slice(None, n), slice(n, None)))
    for label, (rows, columns) in zip(
        labels, (*parts, (slice(n, None), slice(n, None))), strict=True
    ):
        yield equal(label, left[rows, columns], right[rows, columns])


def half_a_square(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """-2 Q^2 in place of -Q^2, as if Z' = FZ - ZZ'Z."""
    yield from along_the_form(instance, ctx, 2)


def sign_of_c(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """c with the other sign: AA' and B'B interchanged."""
    yield from along_the_flow(instance, ctx, -constant(instance))


MEAN = Instance(
    loss="frobenius",
    W0=[[0, 0], [0, 0]],
    Y=[[1, 0], [0, 1]],
    A0=[[1, 0], [0, 2]],
    B0=[[1, 0], [0, 1]],
    A=[[1, 0], [0, 2]],
    B=[[1, 0], [0, 1]],
    XB=[[1, 0], [0, 1]],
    XA=[[1, 0], [0, 1]],
    N=[[1, 0], [0, 1]],
)

SQUARE = Instance(
    loss="frobenius",
    W0=[[0, 0], [0, 0]],
    Y=[[1, 2], [0, 1]],
    A0=[[1, 0], [0, 1]],
    B0=[[2, 0], [0, 2]],
    A=[["3/5", "4/5"], ["-4/5", "3/5"]],
    B=[[0, 2], [-2, 0]],
    XB=[[1, 2], [3, 4]],
    XA=[[0, 1], [-1, 2]],
    N=[[1, 1], [0, 2]],
)
"""Square matrices that do not commute."""

claim = Claim(
    name="rushka-klabjan/frobenius-riccati",
    title="The Frobenius flow as a matrix Riccati equation",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"For $f = \tfrac12\|W - Y\|_F^2$, $E = Y - W_0$ and a start with $B_0^\top B_0 - A_0 "
        r"A_0^\top = c I_r$ let $Z = [B; A^\top]$ and $F = \begin{pmatrix} \frac c2 I & E \\ "
        r"E^\top & -\frac c2 I \end{pmatrix}$. Along the LoRA gradient flow $Q = Z Z^\top$ solves "
        r"$Q' = FQ + QF - Q^2$, and $Q(t) = e^{Ft} Z_0 (I + Z_0^\top \int_0^t e^{2Fs}ds\, "
        r"Z_0)^{-1} Z_0^\top e^{Ft}$, with $BA$ as its upper right block."
    ),
    assumptions=(scaled_identity, functions),
    instances=INSTANCES,
    check=check,
    conclusion=proof.CONCLUSION,
    derive=proof.derive,
    interpret=interpret,
    controls=(
        Control(None, (SQUARE,), "-2 Q^2 where all matrices are square", half_a_square),
        Control(scaled_identity, (MEAN,), "D is not a multiple of I and c is taken for its mean"),
        Control(None, INSTANCES, "2I in place of I in the inverse", twice_the_identity),
        Control(None, INSTANCES, "-2 Q^2 in place of -Q^2", half_a_square),
        Control(None, Instances(draw, ("positive c",)), "c with the other sign", sign_of_c),
    ),
    note=(
        "Known for deep linear networks (Fukumizu; Braun et al.; Domine et al.), recalled and "
        "derived anew. Only Q is given, not A and B, which a rotation turns, unless r = 1."
    ),
)
