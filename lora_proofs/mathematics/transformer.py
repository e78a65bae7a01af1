"""Transformers as the expressive-power paper defines them, for any heads, blocks and lengths.

Z_0 = X; H_l = sum_h O_h V_h Z S((K_h Z)'Q_h Z) with Z = Z_{l-1} and the softmax S of every column;
Z_l = W2 ReLU(W1 H_l + b1 1') + b2 1'; the output is Wo Z_L. All weights are D x D and all biases
D x 1: no scaling by 1/sqrt D and no normalisation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.array import ArrayArithmetic
from lora_proofs.arithmetic.context import Arithmetic, Matrix, Scalar
from lora_proofs.arithmetic.exact import EXACT
from lora_proofs.errors import ShapeMismatch

Columns = Callable[[Matrix], Matrix]
"""What stands in place of the softmax: a map of score matrices, keys down and queries across."""


@dataclass(frozen=True)
class Head:
    """The four D x D weights of an attention head."""

    Q: Matrix
    K: Matrix
    V: Matrix
    O: Matrix


@dataclass(frozen=True)
class Block:
    """Attention heads and the two layers after them; W1, W2: D x D, b1, b2: D x 1."""

    heads: tuple[Head, ...]
    W1: Matrix
    b1: Matrix
    W2: Matrix
    b2: Matrix


@dataclass(frozen=True)
class TransformerModel:
    """Blocks, the first of which acts first, and the output weight Wo: D x D.

    >>> one = TransformerModel.read({"blocks": [{"heads": [{"Q": [[1]], "K": [[1]], "V": [[2]],
    ...     "O": [[3]]}], "W1": [[1]], "b1": [0], "W2": [["1/2"]], "b2": [1]}], "Wo": [[1]]})
    >>> one.width, len(one.blocks), one.blocks[0].W2
    (1, 1, array([[1/2]], dtype=object))
    """

    blocks: tuple[Block, ...]
    Wo: Matrix

    @property
    def width(self) -> int:
        """D, the number of rows of every weight."""
        return int(self.Wo.shape[-1])

    def weights(self) -> Iterator[tuple[tuple[int | None, int | None, str], Matrix]]:
        """Every weight with its place (block, head, matrix), counted from 1.

        >>> [place for place, _ in identity_model(1, blocks=1).weights()][-3:]
        [(1, None, 'W1'), (1, None, 'W2'), (None, None, 'Wo')]
        """
        for i, block in enumerate(self.blocks, start=1):
            for h, head in enumerate(block.heads, start=1):
                yield from (((i, h, name), getattr(head, name)) for name in "QKVO")
            yield (i, None, "W1"), block.W1
            yield (i, None, "W2"), block.W2
        yield (None, None, "Wo"), self.Wo

    def lift(self, ctx: Arithmetic) -> TransformerModel:
        """The same model with its exact weights and biases in an arithmetic."""
        return self.map(ctx.matrix)

    def map(self, change: Callable[[Matrix], Matrix]) -> TransformerModel:
        """The same model with every weight and bias changed."""
        blocks = tuple(
            Block(
                tuple(Head(*map(change, (h.Q, h.K, h.V, h.O))) for h in block.heads),
                *map(change, (block.W1, block.b1, block.W2, block.b2)),
            )
            for block in self.blocks
        )
        return TransformerModel(blocks, change(self.Wo))

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> TransformerModel:
        """The exact model of {"blocks": [{"heads": [{"Q", ...}], "W1", "b1", ...}], "Wo"}.

        A bias is a list of D numbers. Raises ``BadInput`` for an entry that is no number and
        ``ShapeMismatch`` unless all weights are D x D.
        """
        blocks = tuple(
            Block(
                tuple(Head(*(EXACT.matrix(h[name]) for name in "QKVO")) for h in block["heads"]),
                EXACT.matrix(block["W1"]),
                EXACT.matrix([[x] for x in block["b1"]]),
                EXACT.matrix(block["W2"]),
                EXACT.matrix([[x] for x in block["b2"]]),
            )
            for block in data["blocks"]
        )
        return checked(cls(blocks, EXACT.matrix(data["Wo"])))


def checked(model: TransformerModel) -> TransformerModel:
    """The model, if it has a block, a head in each, and all shapes fit.

    Raises ``ShapeMismatch`` elsewhere, with the place of what does not fit.
    """
    D = model.width
    if not model.blocks or not all(block.heads for block in model.blocks):
        raise ShapeMismatch("expected a transformer of one block or more, a head in each; got none")
    for (block, head, name), W in model.weights():
        if W.shape[-2:] != (D, D):
            where = f"{name} of block {block}, head {head}"
            raise ShapeMismatch(f"{where}: expected a matrix of shape {(D, D)}, got {W.shape}")
    for i, one in enumerate(model.blocks, start=1):
        for name, b in (("b1", one.b1), ("b2", one.b2)):
            if b.shape[-2:] != (D, 1):
                raise ShapeMismatch(
                    f"{name} of block {i}: expected {D} numbers, got shape {b.shape}"
                )
    return model


def identity_model(D: int, *, blocks: int, heads: int = 1) -> TransformerModel:
    """All weights the identity, all biases 0.

    >>> X = EXACT.matrix([[1], [2]])
    >>> transformer_network(identity_model(2, blocks=3), X, EXACT)
    array([[1],
           [2]], dtype=object)
    """
    one, zero = EXACT.identity(D), EXACT.zeros(D, 1)
    head = Head(one, one, one, one)
    return TransformerModel((Block((head,) * heads, one, zero, one, zero),) * blocks, one)


def transformer_network(
    model: TransformerModel,
    X: Any,
    ctx: Arithmetic,
    *,
    final_softmax: bool = False,
    skip: bool = False,
    softmax: Columns | None = None,
) -> Matrix:
    """The output for X: (D, N), any N, of shape (D, N); arrays may have leading batch axes.

    ``final_softmax`` ends in the softmax of every column; ``skip`` adds Z_{l-1} to H_l. Rational
    arithmetic has the softmax only of equal scores, N = 1 included, and raises ``Unavailable``
    elsewhere, unless another map of columns is given as ``softmax``.

    >>> X = EXACT.matrix([[1, 1], [0, 0]])
    >>> transformer_network(identity_model(2, blocks=2), X, EXACT)
    array([[1, 1],
           [0, 0]], dtype=object)
    """
    with ctx.working():
        model, Z = model.lift(ctx), ctx.matrix(X)
        columns = softmax or (lambda scores: column_softmax(scores, ctx))
        for block in model.blocks:
            Z = _through(block, Z, columns, skip)
        logits = model.Wo @ Z
        return columns(logits) if final_softmax else logits


def _through(block: Block, Z: Matrix, columns: Columns, skip: bool) -> Matrix:
    H = sum(h.O @ (h.V @ Z) @ columns((h.K @ Z).mT @ (h.Q @ Z)) for h in block.heads)
    return block.W2 @ relu(block.W1 @ (Z + H if skip else H) + block.b1) + block.b2


def column_softmax(scores: Matrix, ctx: Arithmetic) -> Matrix:
    """The softmax of every column of a score matrix (..., M, N); in exact numbers of equal scores.

    Its columns are positive and sum to 1, and adding a number to a column changes nothing.

    >>> column_softmax(EXACT.matrix([[3, 0], [3, 0]]), EXACT)
    array([[1/2, 1/2],
           [1/2, 1/2]], dtype=object)
    """
    if isinstance(ctx, ArrayArithmetic):
        powers = np.exp(scores - scores.max(axis=-2, keepdims=True))
        return powers / powers.sum(axis=-2, keepdims=True)
    out = np.empty(scores.shape, dtype=object)
    for j, column in enumerate(scores.T):
        for i, own in enumerate(column):
            # Ratios to the own score: nothing overflows, and balls meet themselves only once.
            others = [ctx.exp(x - own) for k, x in enumerate(column) if k != i]
            out[i, j] = 1 / sum(others, ctx.number(1))
    return out


def relu(X: Matrix) -> Matrix:
    """max(x, 0), entry by entry; of a ball whose sign is open, the hull of both.

    >>> relu(EXACT.matrix([[-1, "1/2"]]))
    array([[0, 1/2]], dtype=object)
    """
    if X.dtype != object:
        return np.maximum(X, 0)
    out = np.empty(X.shape, dtype=object)
    for place, x in np.ndenumerate(X):
        out[place] = _positive_part(x)
    return out


def _positive_part(x: Scalar) -> Scalar:
    if isinstance(x, flint.arb):
        return x.max(flint.arb(0))
    return x if x > 0 else 0 * x
