"""Fixed-point numbers of many digits as exact float64 limbs, so that BLAS multiplies them.

Limb l of a number is a multiple of 2^(-beta l), and the number is the sum of its limbs; limb 0 is
a whole number. A limb is *balanced* where |limb| <= 2^(beta - 1 - beta l), a little slack aside.
Products of balanced limbs, and sums of as many of them as ``most_terms`` allows, are below 2^52 of
their last place: float64 holds them exactly, in whatever order BLAS adds them up.
Arrays have the shape (rows, limbs, columns).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

Array = Any
EXACT = 52
"""Bits up to which whole numbers are added up; one less than float64 holds."""
SLACK = 1.01


class Unfit(Exception):
    """Limbs are not for this flow: too large, or too many steps."""


def most_terms(beta: int) -> float:
    """How many products of two balanced limbs add up exactly.

    >>> int(most_terms(22))
    1003
    """
    return float(2.0**EXACT / (SLACK * 2.0 ** (beta - 1)) ** 2)


def split(numbers: Sequence[int], beta: int, limbs: int) -> Array:
    """Whole multiples of the last place 2^(-beta (limbs - 1)) to balanced limbs, (limbs, count).

    >>> split([3 * 2**20 + 5], 20, 2).tolist()
    [[3.0], [4.76837158203125e-06]]
    """
    out = np.empty((limbs, len(numbers)))
    half, mask = 1 << (beta - 1), (1 << beta) - 1
    rest = list(numbers)
    for limb in range(limbs - 1, 0, -1):
        digits = [((x + half) & mask) - half for x in rest]
        rest = [(x - d) >> beta for x, d in zip(rest, digits, strict=True)]
        out[limb] = digits
    out[0] = rest
    return out * _places(beta, limbs)[:, None]


def join(limbs: Array, beta: int) -> list[int]:
    """The whole multiples of the last place that limbs (limbs, count) stand for, balanced or not.

    >>> join(split([-12345678901234567890], 20, 4), 20)
    [-12345678901234567890]
    """
    whole = np.rint(limbs / _places(beta, len(limbs))[:, None]).astype(np.int64)
    total = [0] * whole.shape[1]
    for row in whole.tolist():
        total = [(x << beta) + d for x, d in zip(total, row, strict=True)]
    return total


def _places(beta: int, limbs: int) -> Array:
    return 2.0 ** (-beta * np.arange(limbs))


def magic(beta: int, limbs: int) -> Array:
    """The numbers that round limbs 1, 2, ... to the place before, added and taken off again."""
    return 1.5 * 2.0**52 * 2.0 ** (-beta * np.arange(limbs - 1.0))


def rounds(beta: int) -> int:
    """How often to carry so that whole numbers up to 2^52 leave balanced limbs.

    After two rounds a limb is at most 2^(beta - 1) + 2^(52 - 2 beta).
    """
    return 2 if beta >= 20 else 3


def carry(head: Array, tail: Array, rounding: Array, scratch: Array, times: int) -> None:
    """Balance the limbs of an array in place: ``tail`` are limbs 1, 2, ..., ``head`` one less."""
    for _ in range(times):
        np.add(tail, rounding, scratch)
        np.subtract(scratch, rounding, scratch)
        np.subtract(tail, scratch, tail)
        np.add(head, scratch, head)


def toeplitz(limbs: Array) -> Array:
    """The matrices T with x T = x C in limbs, for constants (limbs, rows, columns) of C.

    They have the shape (limbs * rows, limbs * columns) and take rows (limbs, rows) of x.
    """
    count, rows, columns = limbs.shape
    padded = np.zeros((2 * count, rows, columns))
    padded[count:] = limbs
    step, row, column = padded.strides
    view = as_strided(padded[count:], (count, rows, count, columns), (-step, row, step, column))
    return view.reshape(count * rows, count * columns)


class Convolution:
    """sum_i X_i Y_{k-i} for k = 0, 1, ...: one product of matrices for all limbs and all i.

    X_i is n1 x n2 and Y_i is n2 x n3. Coefficient k has ``limbs[k]`` limbs, which never grow.
    """

    def __init__(self, shape: tuple[int, int, int], limbs: Sequence[int]) -> None:
        n1, n2, n3 = shape
        order, most = len(limbs), limbs[0]
        X, Y = np.zeros((most, n1, order, n2)), np.zeros((most, n3, order, n2))
        rows, columns = X.reshape(most * n1, -1), Y.reshape(most * n3, -1)
        pads = {count: self._pad(n1, n3, count) for count in set(limbs)}
        self.plan = []
        for k, count in enumerate(limbs):
            last = order - 1 - k  # Y is stored backwards
            self.plan.append(
                (
                    X[:count, :, k].transpose(1, 0, 2),
                    Y[:count, :, last].transpose(2, 0, 1),
                    rows[: count * n1, : (k + 1) * n2],
                    columns[: count * n3, last * n2 :].T,
                    *pads[count],
                    (n1, count, n3),
                )
            )

    @staticmethod
    def _pad(n1: int, n3: int, count: int) -> tuple[Array, Array]:
        """Room for all products of limbs, and a view where a row has those of one place."""
        room = np.zeros((count, n1, 2 * count, n3))
        by_limb, by_row, _, by_column = room.strides
        skewed = as_strided(
            room, (count, n1, count * n3), (by_limb - by_column * n3, by_row, by_column)
        )
        return room.reshape(count * n1, -1)[:, : count * n3], skewed

    def extend(self, k: int, X: Array, Y: Array) -> Array:
        """Coefficient k of the product, not balanced, from coefficients k of both factors."""
        x, y, rows, columns, products, skewed, shape = self.plan[k]
        x[...] = X
        y[...] = Y
        np.matmul(rows, columns, out=products)
        return np.add.reduce(skewed, axis=0).reshape(shape)
