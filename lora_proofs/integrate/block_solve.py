"""A float64 factorisation kept for many right-hand sides, in blocks that are multiplied."""

from __future__ import annotations

from typing import Any

import numpy as np

BLOCK = 128
Array = Any


class BlockFactors:
    """M = L U in blocks, without exchanges between blocks: for refinement, which mends the rest.

    NumPy factors a matrix anew for each right-hand side; three quarters of a collocation step
    would go there. Entries that are exactly zero stay so.
    """

    def __init__(self, matrix: Array) -> None:
        """Factor a square matrix, in place; raises ``LinAlgError`` for a singular block."""
        self.matrix = matrix
        self.cuts = [slice(k, min(k + BLOCK, len(matrix))) for k in range(0, len(matrix), BLOCK)]
        self.inverses = []
        for cut in self.cuts:
            inverse = np.linalg.inv(matrix[cut, cut])
            rest = slice(cut.stop, None)
            matrix[rest, cut] = matrix[rest, cut] @ inverse
            matrix[rest, rest] -= matrix[rest, cut] @ matrix[cut, rest]
            self.inverses.append(inverse)

    def solve(self, right: Array) -> Array:
        """The solution, to about float64."""
        x = right.copy()
        for cut in self.cuts:
            x[cut.stop :] -= self.matrix[cut.stop :, cut] @ x[cut]
        for cut, inverse in zip(reversed(self.cuts), reversed(self.inverses), strict=True):
            x[cut] = inverse @ (x[cut] - self.matrix[cut, cut.stop :] @ x[cut.stop :])
        return x
