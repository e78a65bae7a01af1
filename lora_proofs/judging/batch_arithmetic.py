"""Arithmetic in which one run of a check computes many instances, in float64; it never decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.array import ArrayArithmetic
from lora_proofs.arithmetic.context import Matrix, Scalar, diagonal, squared_norm
from lora_proofs.arithmetic.exact import rational
from lora_proofs.errors import BadInput
from lora_proofs.judging.batch_numbers import Many, Unbatched, World, plain

CLOSE = 1e-9
"""Singular values that are so near, beside the largest, count as one."""


@dataclass(frozen=True)
class BatchArithmetic(ArrayArithmetic):
    """Matrices are object arrays of ``Many``, one number of each instance; shapes are shared.

    >>> world = World(2)
    >>> x = BatchArithmetic(world=world).sqrt(world.lift(np.array([4.0, 9.0])))
    >>> x.values
    array([2., 3.])
    """

    world: World = field(default_factory=lambda: World(1))

    def number(self, value: Any) -> Scalar:
        """Lift a number, rounded to nearest."""
        if type(value) is Many:
            return value
        found = plain(value)
        return float(rational(value)) if found is None else found

    def matrix(self, rows: Any) -> Matrix:
        """Lift a matrix given by its rows; a single number of the instances stays one."""
        if type(rows) is Many:
            return rows
        if isinstance(rows, np.ndarray) and rows.ndim != 2:
            raise Unbatched("it computes with arrays that are no matrices")
        data = [[self._entry(x) for x in row] for row in rows]
        out = np.empty((len(data), len(data[0]) if data else 0), dtype=object)
        for i, row in enumerate(data):
            for j, x in enumerate(row):
                out[i, j] = x
        return out

    def _entry(self, x: Any) -> Many:
        # NumPy takes roots of arrays whose entries are all of one kind.
        if type(x) is Many:
            return x
        return self.world.lift(np.full(self.world.size, self.number(x)))

    def zeros(self, rows: int, columns: int) -> Matrix:
        """The zero matrix."""
        out = np.empty((rows, columns), dtype=object)
        out[:] = 0.0
        return out

    def identity(self, size: int) -> Matrix:
        """The identity matrix."""
        return diagonal([1.0] * size, 0.0)

    def sqrt(self, x: Scalar) -> Scalar:
        """Square root; not a number below 0."""
        return _applied("sqrt", x)

    def exp(self, x: Scalar) -> Scalar:
        """Exponential."""
        return _applied("exp", x)

    def log(self, x: Scalar) -> Scalar:
        """Natural logarithm."""
        return _applied("log", x)

    def cosh(self, x: Scalar) -> Scalar:
        """Hyperbolic cosine."""
        return _applied("cosh", x)

    def sinh(self, x: Scalar) -> Scalar:
        """Hyperbolic sine."""
        return _applied("sinh", x)

    def tanh(self, x: Scalar) -> Scalar:
        """Hyperbolic tangent."""
        return _applied("tanh", x)

    def inverse(self, X: Matrix) -> Matrix:
        """Inverse; not numbers where an instance's matrix is singular."""
        if X.shape[0] != X.shape[1]:
            raise BadInput(f"expected a square matrix to invert, got shape {X.shape}")
        stack, errors = self._stacked(X)
        found = _inverses(stack)
        if errors is None:
            return self._unstacked(found)
        size = np.abs(found)
        return self._unstacked(found, size @ (errors + np.abs(stack) * X.shape[0]) @ size)

    def rank(self, X: Matrix) -> Any:
        """Numerical rank of each instance's matrix."""
        if 0 in X.shape:
            return 0
        stack, _ = self._stacked(X)
        return Many(self.world, np.linalg.matrix_rank(_finite(stack)).astype(float))

    def singular_values(self, X: Matrix) -> list[Scalar]:
        """Singular values, largest first."""
        stack, errors = self._stacked(X)
        bad = ~np.isfinite(stack).all(axis=(-2, -1))
        found = np.linalg.svd(_finite(stack), compute_uv=False)
        found[bad] = np.nan
        if errors is None:
            return [Many(self.world, s) for s in found.T]
        # Weyl: no singular value moves by more than the norm of the error.
        reach = np.sqrt((errors**2).sum(axis=(-2, -1))) + found[:, 0] * max(X.shape)
        return [Many(self.world, s, reach) for s in found.T]

    def squared_levels(self, X: Matrix) -> list[tuple[Any, int]]:
        """The distinct squared singular values, largest first, and how often each comes."""
        levels: list[tuple[Any, int]] = []
        values = self.singular_values(X)
        reach = CLOSE * (1 + values[0].values)
        for k, s in enumerate(values):
            if self.world.agree(s.values <= reach):
                return [*levels, (flint.fmpq(0), len(values) - k)]
            if k and self.world.agree(values[k - 1].values - s.values <= reach):
                levels[-1] = (levels[-1][0], levels[-1][1] + 1)
            else:
                levels.append((s * s, 1))
        return levels

    def each(self, function: Callable[..., Any], *matrices: Matrix) -> Matrix:
        """A function of float matrices that knows one instance at a time; no bound on its errors.

        Not numbers where it raises.
        """
        if self.world.errors:
            raise Unbatched("a part of it has no bound on its errors")
        self.world.spend(100 * self.world.size)
        stacks, found = [self._stacked(X)[0] for X in matrices], []
        for one in zip(*stacks, strict=True):
            try:
                found.append(function(*one))
            except (ArithmeticError, ValueError, np.linalg.LinAlgError):
                found.append(None)
        shape = next((x.shape for x in found if x is not None), (0, 0))
        lost = np.full(shape, np.nan)
        return self._unstacked(np.array([lost if x is None else x for x in found]))

    def row_reduced(self, X: Matrix) -> list[list[Any]]:
        """The nonzero rows of the reduced row echelon form, with the pivots of the first."""
        rows, done = [list(row) for row in X.tolist()], 0
        for j in range(X.shape[1]):
            pivot = next((i for i in range(done, len(rows)) if rows[i][j] != 0), None)
            if pivot is None:
                continue
            rows[done], rows[pivot] = rows[pivot], rows[done]
            head = rows[done][j]
            rows[done] = [x / head for x in rows[done]]
            rows[done][j] = flint.fmpq(1)
            for i in range(len(rows)):
                if i != done:
                    factor = rows[i][j]
                    rows[i] = [x - factor * y for x, y in zip(rows[i], rows[done], strict=True)]
                    rows[i][j] = flint.fmpq(0)
            done += 1
        return rows[:done]

    def frobenius_norm(self, X: Matrix) -> Scalar:
        """Frobenius norm."""
        return self.sqrt(squared_norm(X))

    def _stacked(self, X: Matrix) -> tuple[np.ndarray, np.ndarray | None]:
        """The matrices of all instances, (N, rows, columns), and their errors."""
        shape = (self.world.size, *X.shape)
        self.world.spend(20)  # what is done with whole matrices takes that much longer
        values = np.empty(shape)
        errors = np.zeros(shape) if self.world.errors else None
        for i, row in enumerate(X.tolist()):
            for j, x in enumerate(row):
                values[:, i, j] = x.values if type(x) is Many else self.number(x)
                if errors is not None and type(x) is Many and x.errors is not None:
                    errors[:, i, j] = x.errors
        return values, errors

    def _unstacked(self, stack: np.ndarray, errors: np.ndarray | None = None) -> Matrix:
        out = np.empty(stack.shape[1:], dtype=object)
        for i, j in np.ndindex(out.shape):
            error = None if errors is None else np.ascontiguousarray(errors[:, i, j])
            out[i, j] = Many(self.world, np.ascontiguousarray(stack[:, i, j]), error)
        return out


def _applied(name: str, x: Scalar) -> Scalar:
    if type(x) is Many:
        return getattr(x, name)()
    value = plain(x)
    return float(getattr(np, name)(float(rational(x)) if value is None else value))


def _finite(stack: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(stack), stack, 0.0)


def _inverses(stack: np.ndarray) -> np.ndarray:
    try:
        return np.linalg.inv(stack)
    except np.linalg.LinAlgError:
        out = np.full_like(stack, np.nan)
        for k, X in enumerate(stack):
            try:
                out[k] = np.linalg.inv(X)
            except np.linalg.LinAlgError:
                continue
        return out
