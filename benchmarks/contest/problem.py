"""The problem that all contestants solve: a LoRA start and a spectrum with r values that lead."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from lora_proofs.mathematics.losses import frobenius
from lora_proofs.solving.flow_field import FlowField, lora_field

T = 20.0
DIGITS = 13  # of the reference, which bounds its error: 1e-13 beside errors of 1e-11
GRID = 2.0**40


@dataclass(frozen=True, eq=False)
class Batch:
    """N flows of 1/2 ||BA - E||^2 from A0 and B0 = 0, to t = 20."""

    E: Any
    A0: Any

    @property
    def shape(self) -> tuple[int, int, int]:
        return (*self.E.shape[1:], self.A0.shape[1])

    def __len__(self) -> int:
        return len(self.E)

    @property
    def B0(self) -> Any:
        n, _, r = self.shape
        return np.zeros((len(self), n, r))

    def head(self, count: int) -> Batch:
        """The first ones."""
        return Batch(self.E[:count], self.A0[:count])


def draw(n: int, m: int, r: int, N: int, *, balanced: bool = False, seed: int = 1) -> Batch:
    """E with r singular values in [1, 2] and a tail in (0, 1/2]; A0 ~ N(0, 1/m).

    ``balanced``: the rows of A0 are orthonormal instead.
    """
    source, k = np.random.default_rng(seed), min(n, m)
    U = np.linalg.qr(source.normal(size=(N, n, n)))[0][:, :, :k]
    V = np.linalg.qr(source.normal(size=(N, m, m)))[0][:, :, :k]
    tail = 0.5 * (1 - source.random((N, k - r)))
    sigma = np.concatenate([source.uniform(1, 2, (N, r)), tail], axis=1)
    E = np.round((U * sigma[:, None, :]) @ V.mT * GRID) / GRID
    A0 = source.normal(size=(N, r, m)) / np.sqrt(m)
    if balanced:
        return Batch(E, np.ascontiguousarray(np.linalg.qr(A0.mT)[0].mT))
    return Batch(E, np.round(A0 * GRID) / GRID)


def field(batch: Batch, index: int = 0) -> FlowField:
    """One instance, its data lifted exactly."""
    E, A0, B0 = (exact(X[index]) for X in (batch.E, batch.A0, batch.B0))
    return lora_field(frobenius(E), exact(0 * batch.E[index]), A0, B0)


def exact(X: Any) -> list[list[Fraction]]:
    return [[Fraction(float(x)) for x in row] for row in X]


def reference(batch: Batch) -> list[tuple[Any, Any]]:
    """(A, B) of every instance by multiprecision Taylor series, rounded to float64."""
    found = []
    for index in range(len(batch)):
        end = field(batch, index).taylor(int(T), digits=DIGITS)
        found.append((end.A.astype(float), end.B.astype(float)))
    return found


def errors(found: tuple[Any, Any], truth: list[tuple[Any, Any]]) -> Any:
    """The largest entrywise error of A and B, per instance that has a reference."""
    A, B = found
    pairs = zip(A, B, truth, strict=False)
    return np.array([max(abs(a - x).max(), abs(b - y).max()) for a, b, (x, y) in pairs])
