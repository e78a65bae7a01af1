"""The Frobenius LoRA flow in closed form, for every start with B0'B0 - A0 A0' = c I.

With E = Y - W0, Z = [B; A'] and F = [[c/2 I, E], [E', -c/2 I]] the flow of 1/2 ||E - BA||_F^2 reads
Z' = F Z - 1/2 Z Z'Z, so Q = Z Z' solves the Riccati equation Q' = F Q + Q F - Q^2:

    Q(t) = X (I + Z0' K Z0)^{-1} X',   X = e^{Ft} Z0,   K = int_0^t e^{2Fs} ds,

and BA is its upper right block. Every start with r = 1 is of this kind; there Z itself is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.array import ArrayArithmetic
from lora_proofs.arithmetic.ball import BallArithmetic
from lora_proofs.arithmetic.context import Arithmetic, Matrix, object_matrix
from lora_proofs.arithmetic.exact import EXACT, rational
from lora_proofs.arithmetic.multiprecision import MultiprecisionArithmetic
from lora_proofs.arithmetic.recorded import plain_rows, together
from lora_proofs.errors import BadInput, ShapeMismatch, Unavailable

MOST_DIGITS = 20_000
"""The most digits that are spent on the growth e^{2 mu t}."""
EARLIER = (16, 4)
"""Shares of the digits of the worst case that are tried before all of them."""
LEAST_DIGITS = 30
MOST_LOST = 30
"""Digits of F^{-1} before the point from which on the integral is computed without it."""


@dataclass(frozen=True, eq=False)
class FrobeniusRiccati:
    """The flow at time t: BA and W; A and B where r = 1, ``None`` where a rotation is unknown."""

    BA: Matrix
    W: Matrix
    c: Any
    A: Matrix | None
    B: Matrix | None


def frobenius_riccati_closed_form(
    W0: Any, Y: Any, A0: Any, B0: Any, t: Any, ctx: Arithmetic
) -> FrobeniusRiccati:
    """The LoRA gradient flow of 1/2 ||W - Y||_F^2 at time t, where B0'B0 - A0 A0' = c I.

    W0 and Y are n x m, A0 r x m, B0 n x r, all exact; t >= 0 is exact. Balls and high precision
    work with more digits inside, so that what grows like e^{2 mu t} costs the answer none. Raises
    ``BadInput`` for another start, ``ShapeMismatch``; exact arithmetic lacks exp. Fukumizu 1998,
    Braun et al. 2022 (recalled); this form is re-derived.

    >>> from lora_proofs.arithmetic import BallArithmetic
    >>> end = frobenius_riccati_closed_form([[0]], [[2]], [["1/2"]], [[0]], 1, BallArithmetic(20))
    >>> print(end.W[0, 0].str(12, radius=False))
    1.29048931563
    """
    W0, Y, A0, B0 = (EXACT.matrix(X) for X in (W0, Y, A0, B0))
    _shapes(W0, Y, A0, B0)
    c, time = balance(A0, B0), _time(t)
    E, Z0 = Y - W0, np.vstack([B0, A0.mT])
    F = riccati_matrix(E, c)
    if isinstance(ctx, ArrayArithmetic):
        Z = _scaled_factor(F, Z0, float(time))
    else:
        Z = _factor(F, Z0, time, ctx)
    n = len(B0)
    with ctx.working():
        BA = Z[:n] @ Z[n:].mT
        A, B = (Z[n:].mT, Z[:n]) if len(A0) == 1 else (None, None)
        return FrobeniusRiccati(BA, ctx.matrix(W0) + BA, c, A, B)


def balance(A0: Matrix, B0: Matrix) -> Any:
    """The number c with B0'B0 - A0 A0' = c I; ``BadInput`` where there is none.

    >>> balance(EXACT.matrix([[2, 0], [0, 2]]), EXACT.matrix([[1, 0], [0, 1]]))
    -3
    """
    D = B0.mT @ B0 - A0 @ A0.mT
    c = D[0, 0]
    if not all(x == 0 for x in (D - c * EXACT.identity(len(D))).flat):
        raise BadInput(
            "Frobenius closed form: expected a start with B0'B0 - A0 A0' = c I, such as B0 = 0 "
            "with orthonormal rows of A0, a balanced start, or r = 1; none is known elsewhere"
        )
    return c


def riccati_matrix(E: Matrix, c: Any) -> Matrix:
    """F = [[c/2 I, E], [E', -c/2 I]]; its eigenvalues are +-sqrt(sigma_i^2 + c^2/4) and +-c/2.

    >>> riccati_matrix(EXACT.matrix([[3]]), EXACT.number(2))
    array([[1, 3],
           [3, -1]], dtype=object)
    """
    n, m = E.shape
    half = c / 2
    return np.block([[half * EXACT.identity(n), E], [E.mT, -half * EXACT.identity(m)]])


def _shapes(W0: Matrix, Y: Matrix, A0: Matrix, B0: Matrix) -> None:
    n, m = W0.shape
    if Y.shape != (n, m) or A0.shape[1] != m or B0.shape != (n, len(A0)):
        raise ShapeMismatch(
            f"Frobenius closed form: expected Y of shape {(n, m)}, A0 (r, {m}), B0 ({n}, r), got "
            f"{Y.shape}, {A0.shape}, {B0.shape}"
        )


def _time(t: Any) -> Any:
    time = rational(t)
    if time < 0:
        raise BadInput(f"t: expected a time that is 0 or more, got {t!r}")
    return time


def _factor(F: Matrix, Z0: Matrix, t: Any, ctx: Arithmetic) -> Matrix:
    """A factor Z of Q = Z Z', the flow's own where r = 1, in balls or in high precision.

    Balls show what they are worth, so they begin with fewer digits than the worst case takes.
    """
    most = _most_digits(ctx, F, float(t))  # first: it refuses what has no floats, and says so
    inverse, lost = _exact_inverse(F)
    most += lost
    if isinstance(ctx, BallArithmetic):
        for share in EARLIER:
            few = max(LEAST_DIGITS + lost, most // share)
            Z = _ball_factor(F, inverse, Z0, t, _finer(ctx, few))
            if Z is not None and _accurate(Z, ctx):
                return Z
    return _factor_in(F, inverse, Z0, t, _finer(ctx, most))


def _ball_factor(
    F: Matrix, inverse: Matrix | None, Z0: Matrix, t: Any, ctx: BallArithmetic
) -> Matrix | None:
    """The factor; ``None`` where these digits do not show that the Gram matrix is one."""
    try:
        return _factor_in(F, inverse, Z0, t, ctx)
    except Unavailable:
        return None


def _accurate(Z: Matrix, ctx: BallArithmetic) -> bool:
    """Whether no entry adds to the error with which this arithmetic rounds it."""
    with ctx.working():
        least = flint.ctx.prec + 40
    return all(x == 0 or x.rel_accuracy_bits() >= least for x in Z.flat)


def _factor_in(F: Matrix, inverse: Matrix | None, Z0: Matrix, t: Any, ctx: Arithmetic) -> Matrix:
    with ctx.working():
        Z, time = ctx.matrix(Z0), ctx.number(t)
        X = _exp(time * ctx.matrix(F), ctx) @ Z
        if inverse is None:
            grown = Z.mT @ _integral(F, 2 * time, ctx) @ Z / 2
        else:  # int_0^t e^{2Fs} ds = F^{-1} (e^{2Ft} - I)/2, and e^{Ft} is symmetric
            G = ctx.matrix(inverse)
            grown = (X.mT @ G @ X - Z.mT @ G @ Z) / 2
        gram = ctx.identity(Z0.shape[1]) + (grown + grown.mT) / 2
        return X @ _inverse_factor(gram, ctx)


def _exact_inverse(F: Matrix) -> tuple[Matrix | None, int]:
    """F^{-1} and the digits that its size costs; ``None`` where it costs many, or there is none."""
    try:
        inverse = EXACT.inverse(F)
    except BadInput:
        return None, 0
    largest = max(abs(x) for x in inverse.flat)
    loss = max(0, len(str(int(largest.p) // int(largest.q))))
    return (inverse, loss) if loss <= MOST_LOST else (None, 0)


def _integral(F: Matrix, t: Any, ctx: Arithmetic) -> Matrix:
    """int_0^t e^{Fs} ds = 2 int_0^{t/2} e^{2Fs} ds, a block of an exponential of twice the size."""
    k = len(F)
    linear = np.block([[F, EXACT.identity(k)], [EXACT.zeros(k, 2 * k)]])
    return _exp(t * ctx.matrix(linear), ctx)[:k, k:]


def _inverse_factor(gram: Matrix, ctx: Arithmetic) -> Matrix:
    """The matrix L'^{-1} with gram = L L': its product with its transpose is gram^{-1}."""
    r = len(gram)
    L = ctx.zeros(r, r)
    for i in range(r):
        for j in range(i + 1):
            rest = gram[i, j] - sum((L[i, k] * L[j, k] for k in range(j)), ctx.number(0))
            L[i, j] = ctx.sqrt(rest) if i == j else rest / L[j, j]
    return ctx.inverse(L).mT


def _most_digits(ctx: Arithmetic, F: Matrix, t: float) -> int:
    """The digits that e^{4 mu t} costs on top, and some more."""
    if not isinstance(ctx, BallArithmetic | MultiprecisionArithmetic):
        raise Unavailable("exp", ctx.name)
    floats = F.astype(float)
    dear = _digits_of(float(np.linalg.norm(floats)) * t)
    if dear > MOST_DIGITS:
        raise Unavailable(f"the closed form at a time that costs {dear} digits", ctx.name)
    return _digits_of(float(np.linalg.norm(floats, 2)) * t)


def _finer(ctx: Any, digits: int) -> Any:
    return type(ctx)(ctx.digits + digits)


def _digits_of(growth: float) -> int:
    return int(4 * growth / 2.302585) + 10


def _exp(X: Matrix, ctx: Arithmetic) -> Matrix:
    if isinstance(ctx, BallArithmetic):
        return object_matrix(flint.arb_mat(plain_rows(X)).exp().tolist(), ctx.number)
    mp = ctx.mp  # type: ignore[attr-defined]
    return object_matrix(mp.expm(mp.matrix(X.tolist())).tolist(), ctx.number)


def _scaled_factor(F: Matrix, Z0: Matrix, t: float) -> Matrix:
    """The same in float64 without overflow: rows are kept apart from their scales e^{lambda t}.

    In the eigenbasis of F the rows of M = K^{1/2} Z0 grow at their own rates; the column space of
    [M; I] is all that Q needs, and elimination by columns, which commutes with the scales, finds
    a well-conditioned basis of it.
    """
    if recording := together(F):
        return recording.each(lambda F, Z0: _scaled_factor(F, Z0, t), F, Z0)
    eigenvalues, V = np.linalg.eigh(F.astype(float))
    Y = V.T @ Z0.astype(float)
    x = 2 * eigenvalues * t
    # K = t e^{x} g(x) with g(x) = (1 - e^{-x})/x for x > 0, and t g(-x) for x <= 0.
    root = np.sqrt(t * _decay(np.abs(x)))
    r = Y.shape[1]
    rows = np.vstack([root[:, None] * Y, np.eye(r)])
    logs = np.concatenate([np.maximum(x, 0) / 2, np.zeros(r)])
    basis = np.linalg.qr(_column_basis(rows, logs))[0][:-r]
    if t == 0:
        return Z0.astype(float)
    back = np.exp(np.minimum(x, 0) / 2) / root
    Z = V @ (back[:, None] * basis)
    return _signed(Z, V, Y, eigenvalues, t) if r == 1 else Z


def _decay(z: Any) -> Any:
    """(1 - e^{-z})/z, which is 1 at 0."""
    safe = np.where(z == 0, 1.0, z)
    return np.where(z == 0, 1.0, -np.expm1(-safe) / safe)


def _column_basis(rows: Any, logs: Any) -> Any:
    """A basis, with entries of moderate size, of the columns of diag(e^{logs}) rows."""
    X, r = rows.copy(), rows.shape[1]
    free, pivots = list(range(r)), {}
    for _ in range(r):
        with np.errstate(divide="ignore"):
            sizes = np.log(np.abs(X[:, free])) + logs[:, None]
        i, at = np.unravel_index(np.argmax(sizes), sizes.shape)
        j = free.pop(int(at))
        for k in free:
            X[:, k] -= X[i, k] / X[i, j] * X[:, j]
            X[i, k] = 0.0
        pivots[j] = i
    columns = []
    for j, i in pivots.items():
        scale = np.exp(np.minimum(logs - logs[i], 700.0))
        columns.append(np.where(X[:, j] == 0, 0.0, X[:, j] / X[i, j] * scale))
    return np.column_stack(columns)


def _signed(Z: Any, V: Any, Y: Any, eigenvalues: Any, t: float) -> Any:
    """The sign of the flow's own factor, which is that of e^{Ft} Z0."""
    grown = V @ (np.exp((eigenvalues - eigenvalues[-1]) * t)[:, None] * Y)
    return Z if float((Z * grown).sum()) >= 0 else -Z
