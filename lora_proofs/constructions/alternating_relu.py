"""Adapters of a ReLU network improved on a sample: damped least squares, factor by factor.

Where no unit of the sample switches the network is affine in one factor B_l with its bias, and in
one factor A_l. The least-squares step of that affine part is shortened until the measured loss
falls, or is not made. It says nothing beyond the sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lora_proofs.arithmetic.array import ArrayArithmetic
from lora_proofs.constructions.adapters import Adapter
from lora_proofs.errors import ShapeMismatch
from lora_proofs.mathematics.relu_network import Layer

ARRAY = ArrayArithmetic()
DAMPING = 1e-8
SHORTEST = 2.0**-12
Floats = np.ndarray[Any, Any]


@dataclass(frozen=True)
class ImprovedRelu:
    """Adapters and biases, layer 1 first, and the mean squared losses before and after a sweep."""

    adapters: tuple[Adapter, ...]
    biases: tuple[Floats, ...]
    losses: tuple[float, ...]


def improve_relu_adapters(
    frozen: Sequence[Layer],
    adapters: Sequence[Adapter],
    biases: Sequence[Any],
    X: Any,
    Y: Any,
    *,
    sweeps: int,
) -> ImprovedRelu:
    """Adapters of the same ranks, and biases, with no larger mean of |f(x) - y|^2 on a sample.

    frozen: (W_l, b_l) with W_l: (n_l, n_{l-1}), every layer followed by a ReLU; X: (n_0, N),
    Y: (n_L, N), all in float64. Monotone: a step is made only where the measured loss falls.
    Our own extension, for targets of several layers.

    >>> eye = np.eye(2)
    >>> start = [Adapter(np.array([[1.0], [0.0]]), np.array([[0.1, 0.0]]))]
    >>> X = np.array([[1.0, 2.0, 3.0], [1.0, 0.5, 2.0]])
    >>> found = improve_relu_adapters(
    ...     [(eye, [0, 0])], start, [np.zeros(2)], X, np.diag([3, 1]) @ X, sweeps=9
    ... )
    >>> found.losses[0] > 1, found.losses[-1] < 1e-12
    (True, True)
    """
    net = _Sampled([ARRAY.matrix(W) for W, _ in frozen], ARRAY.matrix(X), ARRAY.matrix(Y))
    state = [
        _Layer(ARRAY.matrix(x.B), ARRAY.matrix(x.A), _vector(b))
        for x, b in zip(adapters, biases, strict=True)
    ]
    losses = [net.loss(state)]
    for _ in range(sweeps):
        for layer in range(len(state)):
            net.improve(state, layer, left=True)
            net.improve(state, layer, left=False)
        losses.append(net.loss(state))
        if not losses[-1] < losses[-2] * (1 - 1e-9):
            break
    found = tuple(Adapter(x.B, x.A) for x in state)
    return ImprovedRelu(found, tuple(x.b for x in state), tuple(losses))


def _vector(b: Any) -> Floats:
    return np.array([float(x) for x in b])


@dataclass(frozen=True)
class _Layer:
    B: Floats
    A: Floats
    b: Floats


class _Sampled:
    """The frozen weights, the inputs and the wanted outputs."""

    def __init__(self, weights: list[Floats], X: Floats, Y: Floats) -> None:
        if X.shape[1] != Y.shape[1] or X.shape[0] != weights[0].shape[1]:
            raise ShapeMismatch(
                f"expected X (n_0, N) and Y (n_L, N), got {X.shape} and {Y.shape} for a first "
                f"weight {weights[0].shape}"
            )
        self.weights, self.X, self.Y = weights, X, Y

    def forward(self, state: list[_Layer]) -> list[Floats]:
        """The inputs of every layer, and the outputs."""
        out = [self.X]
        for W, x in zip(self.weights, state, strict=True):
            out.append(np.maximum((W + x.B @ x.A) @ out[-1] + x.b[:, None], 0.0))
        return out

    def loss(self, state: list[_Layer]) -> float:
        """The mean of |f(x) - y|^2 over the sample."""
        off = self.forward(state)[-1] - self.Y
        return float((off * off).sum(axis=0).mean())

    def improve(self, state: list[_Layer], layer: int, *, left: bool) -> None:
        """One damped least-squares step in B_l and b_l, or in A_l, if the loss falls."""
        old, before = state[layer], self.loss(state)
        if not left and old.A.size == 0:
            return
        step = self._step(state, layer, left=left)
        length = 1.0
        while length >= SHORTEST:
            state[layer] = _moved(old, step * length, left=left)
            if self.loss(state) < before:
                return
            length /= 4
        state[layer] = old

    def _step(self, state: list[_Layer], layer: int, *, left: bool) -> Floats:
        hidden = self.forward(state)
        slopes = self._slopes(state, hidden, layer)
        x = state[layer]
        if left:  # the output moves by slopes (dB A h + db)
            inner = np.vstack([x.A @ hidden[layer], np.ones((1, self.X.shape[1]))])
        else:  # by slopes B dA h
            slopes, inner = slopes @ x.B, hidden[layer]
        design = np.einsum("soi,ks->soik", slopes, inner)
        rows, shape = design.reshape(-1, slopes.shape[2] * len(inner)), design.shape[2:]
        off = (self.Y - hidden[-1]).T.reshape(-1)
        gram = rows.T @ rows
        gram += np.eye(len(gram)) * DAMPING * max(np.trace(gram) / len(gram), 1e-300)
        return np.linalg.solve(gram, rows.T @ off).reshape(shape)

    def _slopes(self, state: list[_Layer], hidden: list[Floats], layer: int) -> Floats:
        """Derivatives of the outputs by the affine part of a layer: (N, n_L, n_l)."""
        active = [(h > 0).T for h in hidden[1:]]
        size = self.Y.shape[0]
        out = np.eye(size)[None] * active[-1][:, None, :]
        for k in range(len(state) - 1, layer, -1):
            out = (out @ (self.weights[k] + state[k].B @ state[k].A)) * active[k - 1][:, None, :]
        return np.asarray(out, dtype=float)


def _moved(x: _Layer, step: Floats, *, left: bool) -> _Layer:
    if left:
        return _Layer(x.B + step[:, :-1], x.A, x.b + step[:, -1])
    return _Layer(x.B, x.A + step, x.b)
