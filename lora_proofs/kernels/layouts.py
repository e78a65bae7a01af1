"""The Frobenius flow in singular coordinates, for many instances at once, in two memory layouts.

With E = Y - W0 = U S V', b = U'B and a = V'A' the flow reads b' = S a - b Q, a' = S'b - a P, where
P = b'b and Q = P - D: no n x m matrix is ever formed, and D = B'B - AA' is conserved. Holding D at
its value of the start keeps the flow on that manifold: C = b'b - a'a - D obeys C' = -PC - CP.

A state is one flat row; slopes come multiplied by the step size of their instance, so that a
stage is one product of coefficients with the rows so far. What limits the speed of small problems
is the number of calls, so views of the rows are made once per chunk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any


@dataclass(frozen=True, eq=False)
class Views:
    """The views of one row: b, a, where S pushes to and from, and the blocks of the whole."""

    b: Array
    a: Array
    pushed: tuple[Array, ...]
    pushing: tuple[Array, ...]
    blocks: tuple[Array, ...]


class InstanceLast:
    """Instances along the last axis: rows hold b' (r, n, N), then a' (r, m, N); few products.

    Vector operations over N. Transposed, the sums of b'b stay in the nearest cache: half the time.
    """

    def __init__(self, shape: tuple[int, int, int], sigma: Array, D: Array) -> None:
        (self.n, self.m, self.r), self.count = shape, len(D)
        self.k, N = sigma.shape[1], len(D)
        self.sigma = np.ascontiguousarray(sigma.T)
        self.D = np.ascontiguousarray(np.moveaxis(D, 0, -1))
        self.h_sigma, self.h_D = np.empty_like(self.sigma), np.empty_like(self.D)
        self.minus_h: Array = None
        self.PQ, self.push = np.empty((2, *self.D.shape)), np.empty((2, self.r, self.k, N))

    def row(self, states: Array) -> Array:
        """States (N, s) as one flat row."""
        return np.ascontiguousarray(states.T).reshape(-1)

    def states(self, row: Array) -> Array:
        """A flat row as states (N, s)."""
        return row.reshape(-1, self.count).T

    def views(self, row: Array) -> Views:
        """The views of a flat row."""
        k, r, N, cut = self.k, self.r, self.count, self.n * self.r * self.count
        b, a = row[:cut].reshape(r, self.n, N), row[cut:].reshape(r, self.m, N)
        pushed: tuple[Array, ...] = (b[:, :k], a[:, :k])
        pushing: tuple[Array, ...] = (a[:, :k], b[:, :k])
        if self.n == self.m:
            pair = row.reshape(2, r, k, N)
            pushed, pushing = (pair,), (pair[::-1],)
        return Views(b, a, pushed, pushing, (row.reshape(-1, N),))

    def set_steps(self, h: Array) -> None:
        """Take these step sizes (N,)."""
        np.multiply(self.sigma, h, out=self.h_sigma)
        np.multiply(self.D, h, out=self.h_D)
        self.minus_h = -h

    def slopes(self, y: Views, f: Views) -> None:
        """The flow at y times the step sizes, into f."""
        Q, P = self.PQ
        np.einsum("kiN,liN->klN", y.b, y.b, out=P)
        np.multiply(P, self.minus_h, out=P)
        np.add(P, self.h_D, out=Q)
        if self.n == self.m:
            np.einsum("xkiN,xklN->xliN", y.pushed[0], self.PQ, out=f.pushed[0])
        else:
            np.einsum("kiN,klN->liN", y.b, Q, out=f.b)
            np.einsum("kiN,klN->liN", y.a, P, out=f.a)
        push(self.h_sigma, y, f, self.push)

    def inner(self, x: Views, y: Views) -> Array:
        """The inner product of two rows in every instance: (N,)."""
        return np.einsum("sN,sN->N", x.blocks[0], y.blocks[0])

    def stiffness(self) -> Array:
        """The step size times a bound of the fastest rate at the last call of ``slopes``: (N,)."""
        p, q = np.sqrt(np.einsum("xklN,xklN->xN", self.PQ, self.PQ))
        return p + q

    def spread(self, values: Array) -> Array:
        """Numbers (N,), in a shape that meets the blocks."""
        return values


class InstanceFirst:
    """Instances along the first axis: rows hold all b' (N, r, n), then all a' (N, r, m); BLAS.

    Transposed, as BLAS is a sixth faster on r x r times r x n than on n x r times r x r.
    """

    def __init__(self, shape: tuple[int, int, int], sigma: Array, D: Array) -> None:
        (self.n, self.m, self.r), (self.count, self.k) = shape, sigma.shape
        wide = (self.count, self.r, self.k)
        self.sigma = np.ascontiguousarray(np.broadcast_to(sigma[:, None, :], wide))
        self.D: Array = D
        self.minus_h: Array = None
        self.h_sigma, self.h_D = np.empty_like(self.sigma), np.empty_like(D)
        self.PQ, self.push = np.empty((2, *D.shape)), np.empty((2, *wide))
        self.copy = np.empty((self.count, self.r, self.n))

    def row(self, states: Array) -> Array:
        """States (N, s) as one flat row."""
        cut = self.n * self.r
        return np.concatenate([states[:, :cut].ravel(), states[:, cut:].ravel()])

    def states(self, row: Array) -> Array:
        """A flat row as states (N, s)."""
        return np.concatenate([x.reshape(self.count, -1) for x in self._factors(row)], axis=1)

    def _factors(self, row: Array) -> tuple[Array, Array]:
        cut = self.count * self.n * self.r
        return row[:cut].reshape(-1, self.r, self.n), row[cut:].reshape(-1, self.r, self.m)

    def views(self, row: Array) -> Views:
        """The views of a flat row."""
        k, N, (b, a) = self.k, self.count, self._factors(row)
        if self.n == self.m:
            pair = row.reshape(2, N, self.r, k)
            return Views(b, a, (pair,), (pair[::-1],), (row.reshape(2, N, -1),))
        blocks = (b.reshape(1, N, -1), a.reshape(1, N, -1))
        return Views(b, a, (b[..., :k], a[..., :k]), (a[..., :k], b[..., :k]), blocks)

    def set_steps(self, h: Array) -> None:
        """Take these step sizes (N,)."""
        spread = h[:, None, None]
        np.multiply(self.sigma, spread, out=self.h_sigma)
        np.multiply(self.D, spread, out=self.h_D)
        self.minus_h = -spread

    def slopes(self, y: Views, f: Views) -> None:
        """The flow at y times the step sizes, into f."""
        Q, P = self.PQ
        np.copyto(self.copy, y.b)  # BLAS is slower on the product of one buffer with itself
        np.matmul(y.b, self.copy.mT, out=P)
        np.multiply(P, self.minus_h, out=P)
        np.add(P, self.h_D, out=Q)
        if self.n == self.m:
            np.matmul(self.PQ, y.pushed[0], out=f.pushed[0])
        else:
            np.matmul(Q, y.b, out=f.b)
            np.matmul(P, y.a, out=f.a)
        push(self.h_sigma, y, f, self.push)

    def inner(self, x: Views, y: Views) -> Array:
        """The inner product of two rows in every instance: (N,)."""
        first, *more = zip(x.blocks, y.blocks, strict=True)
        return sum((_inner(*pair) for pair in more), _inner(*first))

    def stiffness(self) -> Array:
        """The step size times a bound of the fastest rate at the last call of ``slopes``: (N,)."""
        squared = np.matmul(self.PQ, self.PQ)
        p, q = np.sqrt(np.sqrt(np.einsum("xNkl,xNkl->xN", squared, squared)))
        return p + q

    def spread(self, values: Array) -> Array:
        """Numbers (N,), in a shape that meets the blocks."""
        return values[:, None]


def _inner(one: Array, other: Array) -> Array:
    return np.einsum("xNs,xNs->N", one, other)


def push(h_sigma: Array, y: Views, f: Views, room: Array) -> None:
    """Add h S a to the slope of b, and h S'b to that of a."""
    for target, source in zip(f.pushed, y.pushing, strict=True):
        out = room if source.ndim == room.ndim else room[0]
        np.multiply(source, h_sigma, out=out)
        np.add(target, out, out=target)
