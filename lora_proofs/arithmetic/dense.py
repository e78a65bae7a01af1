"""Products, inverses and singular value decompositions of dense matrices, fast in every arithmetic.

FLINT multiplies and inverts whole matrices: of rationals over one denominator, of multiprecision
numbers as midpoints of balls, which only nominate. Float arrays go through NumPy.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.context import Arithmetic, Matrix, object_matrix
from lora_proofs.arithmetic.exact import ExactArithmetic, fmpq
from lora_proofs.arithmetic.jacobi import decomposed
from lora_proofs.arithmetic.midpoint import MidpointArithmetic
from lora_proofs.arithmetic.multiprecision import MultiprecisionArithmetic
from lora_proofs.arithmetic.recorded import plain_rows, recorder, together
from lora_proofs.errors import BadInput, ShapeMismatch, Unavailable

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


def row_reduced(X: Matrix) -> list[list[Any]]:
    """The nonzero rows of the reduced row echelon form of a rational matrix.

    >>> from lora_proofs.arithmetic import EXACT
    >>> row_reduced(EXACT.matrix([[2, 4], [1, 2]]))
    [[1, 2]]
    """
    if recording := together(X):
        return recording.row_reduced(X)  # type: ignore[no-any-return]
    reduced, rank = flint.fmpq_mat(plain_rows(X)).rref()
    rows: list[list[Any]] = reduced.tolist()[: int(rank)]
    return rows


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
    mantissa = int(mantissa)  # where gmpy2 is installed, mpmath keeps integers that are its own
    return flint.arb((-mantissa if sign else mantissa, int(exponent)))


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
    start = np.linalg.svd(to_floats(X), full_matrices=False)[2].T
    bits = _bits(ctx)
    with flint.ctx.workprec(bits + 8):
        U, s, V = decomposed(_midpoints(X, ctx), start, bits - 16)
        values = list(_from_midpoints(flint.arb_mat([s]), ctx)[0])
        return _from_midpoints(U, ctx).T, values, _from_midpoints(V, ctx).T


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
