"""Products, inverses and singular value decompositions of dense matrices, fast in every arithmetic.

FLINT multiplies and inverts whole matrices: of rationals over one denominator, of multiprecision
numbers as midpoints of balls, which only nominate. Float arrays go through NumPy.
"""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.context import Arithmetic, Matrix, diagonal, object_matrix
from lora_proofs.arithmetic.exact import ExactArithmetic, fmpq
from lora_proofs.arithmetic.midpoint import MidpointArithmetic
from lora_proofs.arithmetic.multiprecision import MultiprecisionArithmetic
from lora_proofs.arithmetic.recorded import recorder
from lora_proofs.errors import BadInput, ShapeMismatch, Unavailable

MOST_SWEEPS = 40
SMALL_ANGLE = 2.0**-12
Midpoints = MultiprecisionArithmetic | MidpointArithmetic


def product(*factors: Matrix, ctx: Arithmetic) -> Matrix:
    """The product of matrices of one arithmetic, in the order in which they are written.

    Raises ``ShapeMismatch`` where two neighbours do not fit.

    >>> from lora_proofs.arithmetic import EXACT
    >>> product(EXACT.matrix([[1, 2]]), EXACT.matrix([["1/2"], [3]]), ctx=EXACT)
    array([[13/2]], dtype=object)
    """
    _check(factors)
    rows, columns = factors[0].shape[-2], factors[-1].shape[-1]
    if 0 in (n := {rows, columns, *(X.shape[-1] for X in factors)}) or len(n) == 0:
        return ctx.zeros(rows, columns)
    if isinstance(ctx, ExactArithmetic) and not any(recorder(X) for X in factors):
        return _from_rationals(_chained([flint.fmpq_mat(X.tolist()) for X in factors]))
    if isinstance(ctx, Midpoints):
        with flint.ctx.workprec(_bits(ctx)):
            return _from_midpoints(_chained([_midpoints(X, ctx) for X in factors]), ctx)
    return _chained(factors)


def inverse(X: Matrix, ctx: Arithmetic) -> Matrix:
    """The inverse of a square matrix; raises ``BadInput`` where it is singular.

    >>> from lora_proofs.arithmetic import EXACT
    >>> inverse(EXACT.matrix([[2, 0], [0, 4]]), EXACT)
    array([[1/2, 0],
           [0, 1/4]], dtype=object)
    """
    if X.shape[-2] != X.shape[-1]:
        raise ShapeMismatch(f"expected a square matrix to invert, got shape {X.shape}")
    if 0 in X.shape:
        return X
    if isinstance(ctx, Midpoints):
        return _midpoint_inverse(X, ctx)
    try:
        return ctx.inverse(X)
    except np.linalg.LinAlgError:
        raise BadInput("expected a nonsingular matrix to invert, got a singular one") from None


def singular_value_decomposition(X: Matrix, ctx: Arithmetic) -> tuple[Matrix, list[Any], Matrix]:
    """U, s, V with X = U diag(s) V', the k = min(n, m) values s largest first.

    X: (n, m), U: (n, k) and V: (m, k) with orthonormal columns; in floating point only.

    >>> from lora_proofs.arithmetic import ArrayArithmetic
    >>> array = ArrayArithmetic()
    >>> U, s, V = singular_value_decomposition(array.matrix([[0, 2], [3, 0]]), array)
    >>> [float(x) for x in s]
    [3.0, 2.0]
    """
    if isinstance(ctx, Midpoints):
        wide = X.shape[0] < X.shape[1]
        U, values, V = _by_rotations(X.T if wide else X, ctx)
        return (V, values, U) if wide else (U, values, V)
    if isinstance(X, np.ndarray) and X.dtype != object:
        U, s, Vt = np.linalg.svd(finite(X), full_matrices=False)
        return U, list(s), Vt.T
    raise Unavailable("a singular value decomposition", ctx.name)


def fast_arithmetic(ctx: Arithmetic) -> Arithmetic:
    """The arithmetic in which the matrices of ``ctx`` are computed fastest, digit for digit.

    >>> fast_arithmetic(MultiprecisionArithmetic(30))
    MidpointArithmetic(digits=30, name='multiprecision', rigorous=False)
    """
    return MidpointArithmetic(ctx.digits) if isinstance(ctx, MultiprecisionArithmetic) else ctx


def handed_on(X: Matrix, ctx: Arithmetic) -> Matrix:
    """A matrix of ``fast_arithmetic(ctx)`` as one of ``ctx``.

    >>> handed_on(np.array([[flint.arb("0.5")]]), MultiprecisionArithmetic(30))
    array([[mpf('0.5')]], dtype=object)
    """
    if not isinstance(ctx, MultiprecisionArithmetic):
        return X
    return lifted(X, ctx)


def lifted(X: Matrix, ctx: Arithmetic) -> Matrix:
    """A matrix in another arithmetic, one without entries included.

    >>> from lora_proofs.arithmetic import EXACT
    >>> lifted(EXACT.zeros(2, 0), MultiprecisionArithmetic(30)).shape
    (2, 0)
    """
    return ctx.matrix(X) if X.size else ctx.zeros(*X.shape)


def _check(factors: tuple[Matrix, ...]) -> None:
    for X, Y in pairwise(factors):
        if X.shape[-1] != Y.shape[-2]:
            raise ShapeMismatch(f"expected factors that fit, got shapes {X.shape} and {Y.shape}")


def _chained(factors: Any) -> Any:
    """From the right: the last factors of a chain tend to be the narrow ones."""
    out = factors[-1]
    for X in reversed(factors[:-1]):
        out = X @ out if isinstance(X, np.ndarray) else X * out
        out = out.mid() if isinstance(out, flint.arb_mat) else out
    return out


def _from_rationals(X: flint.fmpq_mat) -> Matrix:
    return object_matrix(X.tolist(), fmpq)


def _bits(ctx: Midpoints) -> int:
    return int(ctx.bits if isinstance(ctx, MidpointArithmetic) else ctx.mp.prec) + 16


def _midpoints(X: Matrix, ctx: Midpoints) -> flint.arb_mat:
    """Multiprecision numbers as balls without a radius, exactly."""
    if isinstance(ctx, MidpointArithmetic):
        return flint.arb_mat(X.tolist()).mid()
    return flint.arb_mat([[_midpoint(x) for x in row] for row in X.tolist()])


def _midpoint(x: Any) -> flint.arb:
    sign, mantissa, exponent, _ = x._mpf_
    return flint.arb((-mantissa if sign else mantissa, exponent))


def _from_midpoints(X: flint.arb_mat, ctx: Midpoints) -> Matrix:
    if isinstance(ctx, MidpointArithmetic):
        return _as_array(X.mid().tolist())
    return _as_array([[ctx.number(x) for x in row] for row in X.tolist()])


def _as_array(rows: list[list[Any]]) -> Matrix:
    out = np.empty((len(rows), len(rows[0]) if rows else 0), dtype=object)
    out[:] = rows
    return out


def _midpoint_inverse(X: Matrix, ctx: Midpoints) -> Matrix:
    # Balls that grow past deciding a pivot get twice the bits before the matrix is called singular.
    for bits in (_bits(ctx) + 16, 2 * _bits(ctx) + 32):
        with flint.ctx.workprec(bits):
            try:
                return _from_midpoints(_midpoints(X, ctx).inv(), ctx)
            except ZeroDivisionError:
                continue
    raise BadInput("expected a nonsingular matrix to invert, got a singular one")


def _by_rotations(X: Matrix, ctx: Midpoints) -> tuple[Matrix, list[Any], Matrix]:
    """One-sided Jacobi (Hestenes), from the right singular vectors that float64 nominates.

    X: (n, m) with n >= m. Ties and zeros need no care: columns that are orthogonal stay.
    """
    with flint.ctx.workprec(_bits(ctx) + 8):
        start = _orthonormal(_nominated(X))
        columns = (_midpoints(X, ctx) * start).mid().transpose().tolist()
        turned = start.transpose().tolist()
        _sweep_until_orthogonal(columns, turned, _bits(ctx) - 16)
        return _sorted(columns, turned, ctx)


def _nominated(X: Matrix) -> np.ndarray:
    return np.linalg.svd(to_floats(X), full_matrices=False)[2].T


def to_floats(X: Matrix) -> np.ndarray:
    """X rounded to float64, scaled where it is out of range.

    >>> to_floats(np.array([[flint.arb(1) / 4]]))
    array([[0.25]])
    """
    if X.dtype != object or not X.size:
        out: np.ndarray = X.astype(float)
        return out
    if isinstance(X.flat[0], flint.fmpq):
        X = _as_array([[flint.arb(x).mid() for x in row] for row in X])
    size = max((abs(x) for x in X.flat), default=0)
    scaled = X if size == 0 or 1e-200 < size < 1e200 else X / size
    floats: np.ndarray = scaled.astype(float)
    return floats


def finite(X: np.ndarray) -> np.ndarray:
    """X itself; ``BadInput`` where an entry has overflowed.

    >>> finite(np.array([[1.0]])).shape
    (1, 1)
    """
    if not np.isfinite(X).all():
        raise BadInput("expected finite numbers, got an overflow; use more digits")
    return X


def _orthonormal(V: np.ndarray) -> flint.arb_mat:
    """The nearest orthogonal matrix to one that nearly is, from float64."""
    return _polished(flint.arb_mat(V.tolist()), 40)


def _polished(Q: flint.arb_mat, bits: int) -> flint.arb_mat:
    """Newton's iteration for the nearest orthogonal matrix, from ``bits`` bits to all of them."""
    eye = _identity(Q.ncols())
    while bits < flint.ctx.prec:
        Q = (Q * (3 * eye - (Q.transpose() * Q).mid()).mid() / 2).mid()
        bits *= 2
    return Q


def _identity(k: int) -> flint.arb_mat:
    return flint.arb_mat(diagonal([1] * k, 0).tolist())


def _dot(x: list[Any], y: list[Any]) -> Any:
    total = flint.arb(0)
    for a, b in zip(x, y, strict=True):
        total += a * b
    return total.mid()


def _sweep_until_orthogonal(columns: list[Any], turned: list[Any], bits: int) -> None:
    for _ in range(MOST_SWEEPS):
        rows = flint.arb_mat(columns)
        G = (rows * rows.transpose()).mid().tolist()
        if _all_at_once(columns, turned, G, bits):
            continue
        if not _sweep(columns, turned, G, bits):
            return


def _all_at_once(columns: list[Any], turned: list[Any], G: list[Any], bits: int) -> bool:
    """One small turn of all columns at once, where all angles are small; whether it was made."""
    K, size = [[flint.arb(0)] * len(G) for _ in G], flint.arb(0)
    for i, j in _pairs_to_turn(G, bits):
        gap = G[j][j] - G[i][i]
        if gap == 0 or not abs(G[i][j]) < abs(gap) * SMALL_ANGLE:
            return False
        K[i][j] = (G[i][j] / gap).mid()
        K[j][i], size = -K[i][j], max(size, abs(K[i][j]))
    if size == 0:
        return False
    turn = _polished((_identity(len(G)) + flint.arb_mat(K)).mid(), 8).transpose()
    columns[:] = (turn * flint.arb_mat(columns)).mid().tolist()
    turned[:] = (turn * flint.arb_mat(turned)).mid().tolist()
    return True


def _pairs_to_turn(G: list[Any], bits: int) -> list[tuple[int, int]]:
    """Pairs that are not orthogonal to the working precision."""
    tiny = flint.arb(2) ** (12 - 2 * bits)
    # What is 2^-bits of the largest is rounding: its direction means nothing.
    floor = max((row[i] for i, row in enumerate(G)), default=flint.arb(0)) * tiny
    sizes = [row[i] for i, row in enumerate(G)]
    return [
        (i, j)
        for i, j in combinations(range(len(G)), 2)
        if G[i][j] * G[i][j] > tiny * sizes[i] * sizes[j] + floor * floor
    ]


def _sweep(columns: list[Any], turned: list[Any], G: list[Any], bits: int) -> bool:
    """Turn pair after pair; whether there was one to turn."""
    pairs = _pairs_to_turn(G, bits)
    for i, j in pairs:
        alpha, beta = _dot(columns[i], columns[i]), _dot(columns[j], columns[j])
        gamma = _dot(columns[i], columns[j])
        if gamma == 0:
            continue
        zeta = (beta - alpha) / (2 * gamma)
        t = 1 / (abs(zeta) + (1 + zeta * zeta).sqrt())
        t = (t if zeta >= 0 else -t).mid()
        c = (1 / (1 + t * t).sqrt()).mid()
        for rows in (columns, turned):
            rows[i], rows[j] = _rotated(rows[i], rows[j], c, (c * t).mid())
    return bool(pairs)


def _rotated(x: list[Any], y: list[Any], c: Any, s: Any) -> tuple[list[Any], list[Any]]:
    pairs = list(zip(x, y, strict=True))
    return [(c * a - s * b).mid() for a, b in pairs], [(s * a + c * b).mid() for a, b in pairs]


def _sorted(
    columns: list[Any], turned: list[Any], ctx: Midpoints
) -> tuple[Matrix, list[Any], Matrix]:
    sizes = [_dot(x, x).sqrt().mid() for x in columns]
    order = sorted(range(len(sizes)), key=lambda k: sizes[k], reverse=True)
    s = [sizes[k] for k in order]
    # The direction of what is rounding next to the largest means nothing: any other will do.
    rank = sum(bool(x > s[0] * flint.arb(2) ** (40 - flint.ctx.prec)) for x in s)
    U = [[x / s[i] for x in columns[k]] for i, k in enumerate(order[:rank])]
    whole = _completed(U, len(columns[0]), len(s))
    values = _from_midpoints(flint.arb_mat([s]), ctx)[0]
    V = flint.arb_mat([turned[k] for k in order])
    return _from_midpoints(whole, ctx).T, list(values), _from_midpoints(V, ctx).T


def _completed(rows: list[Any], length: int, wanted: int) -> flint.arb_mat:
    """Orthonormal rows of a length with as many more as are wanted."""
    if len(rows) == wanted:
        return flint.arb_mat(rows).mid()
    known = flint.arb_mat(rows).mid() if rows else flint.arb_mat(1, length)
    floats = np.array([[float(x) for x in row] for row in known.tolist()])
    rest = np.linalg.svd(floats, full_matrices=True)[2][len(rows) : wanted]
    more = flint.arb_mat(rest.tolist())
    for _ in range(2):
        more = (more - more * known.transpose() * known).mid()
        more = _polished(more.transpose(), 8).transpose()
    return flint.arb_mat(rows + more.tolist()).mid()
