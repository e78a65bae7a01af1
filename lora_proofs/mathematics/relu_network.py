"""ReLU networks: the forward pass in every arithmetic.

A network is a sequence of layers (W, b), layer 1 first, and every layer ends in a ReLU, the last
one included: f(x) = ReLU(W_L ReLU(... ReLU(W_1 x + b_1) ...) + b_L).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.context import Arithmetic, Matrix, Scalar
from lora_proofs.errors import BadInput, ShapeMismatch

Layer = tuple[Matrix, Any]
"""(W, b): W is n x m, b a vector of n numbers; both may have leading axes, a batch, in floats."""


def relu(X: Any) -> Any:
    """max(x, 0) of a number, or of each entry of an array, in any arithmetic.

    Exact for rationals; a ball whose sign is open gives the hull of the values, rigorously, and
    floats and multiprecision numbers round nothing here.

    >>> relu(flint.fmpq(-1, 2)), relu(np.array([-1.5, 2.0]))
    (0, array([0., 2.]))
    >>> ball = relu(flint.arb(1, 2))
    >>> bool(ball.contains(0)), bool(ball.contains(3)), bool(ball.contains(-1))
    (True, True, False)
    """
    if isinstance(X, np.ndarray) and X.dtype == object:
        out = np.empty(X.shape, dtype=object)
        for i, x in enumerate(X.flat):
            out.flat[i] = _relu(x)
        return out
    return np.maximum(X, 0.0) if isinstance(X, np.ndarray | float) else _relu(X)


def _relu(x: Scalar) -> Scalar:
    if x >= 0:
        return x
    if x <= 0:
        return x * 0
    if isinstance(x, flint.arb) and x.is_finite():
        half = flint.arb(x.upper()) / 2  # the hull [0, upper end], wider by rounding at most
        return half + flint.arb(0, half.upper())
    return (x + abs(x)) / 2  # what is not a number stays so; a recorded number keeps its record


def column(b: Any, ctx: Arithmetic) -> Matrix:
    """A vector b, as a sequence of n numbers or an array (..., n), as a column (..., n, 1).

    >>> from lora_proofs.arithmetic import EXACT
    >>> column([1, "1/2"], EXACT)
    array([[1],
           [1/2]], dtype=object)
    """
    if isinstance(b, np.ndarray) and b.dtype != object:
        return ctx.matrix(b[..., None])
    return ctx.matrix([[entry] for entry in b])


def affine(W: Matrix, b: Any, X: Matrix, ctx: Arithmetic) -> Matrix:
    """W X + b 1' for W: (..., n, m), b: (..., n) and X: (..., m, N).

    Raises ``ShapeMismatch`` where they do not fit.

    >>> from lora_proofs.arithmetic import EXACT
    >>> affine([[1, 2]], [3], EXACT.matrix([[1], [1]]), EXACT)
    array([[6]], dtype=object)
    """
    W, X, b = ctx.matrix(W), ctx.matrix(X), column(b, ctx)
    if W.shape[-1] != X.shape[-2] or W.shape[-2] != b.shape[-2]:
        raise ShapeMismatch(
            f"expected W: n x m, b of n and X of m rows; got W {W.shape[-2:]}, b {b.shape[-2]} "
            f"and X {X.shape[-2:]}"
        )
    return W @ X + b


def relu_network(layers: Sequence[Layer], X: Matrix, ctx: Arithmetic) -> Matrix:
    """The outputs f(x) of a ReLU network, one column for each column x of X.

    ``layers`` are (W_l, b_l) with W_l: (n_l, n_{l-1}), layer 1 first; X: (n_0, N) gives (n_L, N).
    In the array arithmetic W, b and X may have leading axes, a batch. Balls enclose the outputs,
    also where the sign of a unit is open. Raises ``ShapeMismatch`` where the layers do not fit, and
    ``BadInput`` where there is none. The last layer has a ReLU too (Zeng & Lee, as commonly
    quoted).

    >>> from lora_proofs.arithmetic import EXACT
    >>> layers = [([[1, -1], [2, 0]], [0, "-1/2"]), ([[1, 1]], ["1/4"])]
    >>> relu_network(layers, EXACT.matrix([[1, 0], [0, 1]]), EXACT)
    array([[11/4, 1/4]], dtype=object)
    """
    if not layers:
        raise BadInput("expected a network of at least one layer (W, b), got none")
    with ctx.working():
        Z = ctx.matrix(X)
        for W, b in layers:
            Z = relu(affine(W, b, Z, ctx))
        return Z


def preactivations(layers: Sequence[Layer], X: Matrix, ctx: Arithmetic) -> list[Matrix]:
    """What enters the ReLUs, layer by layer: (n_l, N) for l = 1, ..., L.

    >>> from lora_proofs.arithmetic import EXACT
    >>> [Z.tolist() for Z in preactivations([([[-1]], [0]), ([[1]], [2])], [[3]], EXACT)]
    [[[-3]], [[2]]]
    """
    found = []
    with ctx.working():
        Z = ctx.matrix(X)
        for W, b in layers:
            found.append(affine(W, b, Z, ctx))
            Z = relu(found[-1])
    return found
