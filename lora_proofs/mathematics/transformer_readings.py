"""When two transformers are one function, whatever stands in place of the softmax.

Z_l = W2 Y_l + b2 1' depends on the input through Y_l = ReLU(...) alone, so with C = [W2, b2] and
Y = [Y_l; 1'] the next block sees the scores Y'(C'K'Q C)Y, adds sum_h (W1 O V C) Y S_h + b1 1', and
the output is Wo C Y. Models in which these matrices agree are equal for every X, every length N
and every function of the scores in place of the softmax: by induction every Y_l agrees.

With two facts of the softmax less has to agree: as adding a number to a column of scores changes
nothing, the row of C'K'QC that belongs to the 1 in the keys does not matter; as its columns sum to
1, the values of b2 are a part of the bias: W1 O V b2 + b1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.context import Arithmetic, Matrix, Scalar, squared_norm
from lora_proofs.arithmetic.dense import product
from lora_proofs.arithmetic.exact import EXACT, ExactArithmetic
from lora_proofs.errors import BadInput, Unavailable
from lora_proofs.mathematics.transformer import Block, TransformerModel

SOFTMAX = ("uninterpreted", "columns")


@dataclass(frozen=True)
class BlockReading:
    """What a block does to what it sees: per head the scores and values, and the bias."""

    scores: tuple[Matrix, ...]
    values: tuple[Matrix, ...]
    bias: Matrix

    def items(self) -> list[tuple[str, Matrix]]:
        """Every matrix with its name.

        >>> from lora_proofs.mathematics.transformer import identity_model
        >>> [name for name, _ in readings(identity_model(1, blocks=1), EXACT)[0].items()]
        ['scores of head 1', 'values of head 1', 'bias']
        """
        heads = enumerate(zip(self.scores, self.values, strict=True), start=1)
        pairs = [(f"scores of head {h}", f"values of head {h}", M, U) for h, (M, U) in heads]
        found = [(name, X) for m, u, M, U in pairs for name, X in ((m, M), (u, U))]
        return [*found, ("bias", self.bias)]


@dataclass(frozen=True)
class OutputReading:
    """The output as a linear map of the last hidden units and 1: [Wo W2, Wo b2]."""

    output: Matrix

    def items(self) -> list[tuple[str, Matrix]]:
        """The matrix with its name."""
        return [("output", self.output)]


Reading = BlockReading | OutputReading


def readings(
    model: TransformerModel,
    ctx: Arithmetic,
    *,
    softmax: str = "uninterpreted",
    width: int | None = None,
) -> tuple[Any, ...]:
    """The matrices on which the function of a model depends: one reading per block, the output.

    ``softmax`` is among ``SOFTMAX``: ``uninterpreted``, or ``columns`` with the two facts above.
    With ``width`` d < D only the first d inputs and hidden units of each block are read, which
    tells the function on inputs whose other rows are 0 if the other units are 0 on them.

    >>> from lora_proofs.mathematics.transformer import identity_model
    >>> first, output = readings(identity_model(2, blocks=1), EXACT)
    >>> output.output
    array([[1, 0, 0],
           [0, 1, 0]], dtype=object)
    """
    if softmax not in SOFTMAX:
        raise BadInput(f"softmax: expected one of {', '.join(SOFTMAX)}; got {softmax!r}")
    with ctx.working():
        model, d = model.lift(ctx), model.width if width is None else width
        seen, found = ctx.identity(model.width)[:, :d], []
        for number, block in enumerate(model.blocks):
            found.append(_block(block, seen, softmax == "columns" and number > 0, ctx))
            seen = np.concatenate([block.W2[..., :d], block.b2], axis=-1)
        return (*found, OutputReading(product(model.Wo, seen, ctx=ctx)))


def _block(block: Block, C: Matrix, reduced: bool, ctx: Arithmetic) -> BlockReading:
    scores = tuple(product(C.mT, h.K.mT, h.Q, C, ctx=ctx) for h in block.heads)
    values = tuple(product(block.W1, h.O, h.V, C, ctx=ctx) for h in block.heads)
    if not reduced:
        return BlockReading(scores, values, block.b1)
    bias = block.b1 + sum(U[..., -1:] for U in values)
    return BlockReading(
        tuple(S[..., :-1, :] for S in scores), tuple(U[..., :-1] for U in values), bias
    )


def same_function(
    one: TransformerModel, other: TransformerModel, *, softmax: str = "uninterpreted"
) -> bool:
    """Whether two exact models have the same readings, so that they are one function.

    Heads of a block with the same scores are taken together, those without values are left out,
    and the order of heads does not matter. True is a proof; False says only that this way shows
    nothing.

    >>> from lora_proofs.mathematics.transformer import identity_model
    >>> same_function(identity_model(2, blocks=1), identity_model(2, blocks=1, heads=2))
    False
    """
    pairs = zip(
        readings(one, EXACT, softmax=softmax), readings(other, EXACT, softmax=softmax), strict=False
    )
    depth = len(one.blocks) == len(other.blocks)
    return depth and all(_canonical(a) == _canonical(b) for a, b in pairs)


def _canonical(reading: Reading) -> Any:
    """Scores with the sum of their values, without zero values; the bias or output."""
    if isinstance(reading, OutputReading):
        return _key(reading.output)
    together: dict[Any, Matrix] = {}
    for S, U in zip(reading.scores, reading.values, strict=True):
        together[_key(S)] = together.get(_key(S), 0) + U
    heads = {(S, _key(U)) for S, U in together.items() if any(x != 0 for x in U.flat)}
    return frozenset(heads), _key(reading.bias)


def _key(X: Matrix) -> tuple[tuple[Any, ...], ...]:
    return tuple(tuple((int(x.p), int(x.q)) for x in row) for row in X)


def reading_distance(
    one: TransformerModel,
    other: TransformerModel,
    ctx: Arithmetic,
    *,
    softmax: str = "uninterpreted",
) -> Scalar:
    """The largest relative Frobenius distance of two readings, head by head in their order.

    Relative to the reading of ``other``, or absolute where that is 0; exact numbers give one a
    little above where it is irrational. A narrower ``other`` is
    compared with the first rows and columns, the remaining rows with 0. ``softmax`` as for
    ``readings``.

    >>> from lora_proofs.mathematics.transformer import identity_model
    >>> two = identity_model(2, blocks=2).map(lambda X: 2 * X)
    >>> reading_distance(two, identity_model(2, blocks=2), EXACT)
    15
    """
    width = other.width
    both = (readings(m, ctx, softmax=softmax, width=width) for m in (one, other))
    with ctx.working():
        found = [
            _relative(X, padded(Y, len(X), ctx), ctx)
            for a, b in zip(*both, strict=True)
            for (name, X), (_, Y) in zip(_read(a, width), _read(b, width), strict=True)
        ]
        return max(found)


def _read(reading: Reading, width: int) -> list[tuple[str, Matrix]]:
    """The named matrices; of an output the rows that a narrower target has."""
    return [(n, X[:width] if n == "output" else X) for n, X in reading.items()]


def padded(X: Matrix, rows: int, ctx: Arithmetic) -> Matrix:
    """X with rows of zeros below, up to so many.

    >>> padded(EXACT.matrix([[1]]), 2, EXACT)
    array([[1],
           [0]], dtype=object)
    """
    if len(X) >= rows:
        return X
    return np.concatenate([X, ctx.zeros(rows - len(X), X.shape[1])])


def _relative(X: Matrix, Y: Matrix, ctx: Arithmetic) -> Scalar:
    size, off = squared_norm(Y), squared_norm(X - Y)
    square = off / size if size > 0 else off
    return root_above(square) if isinstance(ctx, ExactArithmetic) else ctx.sqrt(square)


def root_above(square: Scalar) -> Scalar:
    """The root of an exact number, or where it is irrational a number a little above.

    >>> root_above(EXACT.number("9/4")), float(int(root_above(EXACT.number(2)).p)) > 0
    (3/2, True)
    """
    try:
        return EXACT.sqrt(square)
    except Unavailable:
        with flint.ctx.workprec(128):
            mantissa, exponent = flint.arb(square).sqrt().upper().man_exp()
        return flint.fmpq(mantissa) * flint.fmpq(2) ** int(exponent)
