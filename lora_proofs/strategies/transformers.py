"""Exact random transformers with small whole numbers, and targets near a frozen one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from lora_proofs.arithmetic.context import Matrix
from lora_proofs.arithmetic.exact import EXACT
from lora_proofs.mathematics.transformer import Block, Head, TransformerModel
from lora_proofs.strategies.draw import Draw, number_among
from lora_proofs.strategies.matrices import full_rank_matrix, matrix, rank_matrix

Weight = Callable[[Draw, int], Matrix]


SMALL = tuple(map(Fraction, (0, 1, -1, 2, -2)))


def small(draw: Draw) -> Fraction:
    """One of 0, 1, -1, 2, -2."""
    return number_among(draw, SMALL)


def nonsingular(draw: Draw, D: int) -> Matrix:
    """A nonsingular D x D matrix of small whole numbers, shrinking to the identity.

    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> EXACT.rank(nonsingular(SeededDraw.keyed(0), 3))
    3
    """
    return full_rank_matrix(draw, D, D, entry=small)


def transformer_model(
    draw: Draw, D: int, blocks: int, heads: int, *, weight: Weight = nonsingular
) -> TransformerModel:
    """A model of width D with weights from ``weight`` and small biases.

    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> transformer_model(SeededDraw.keyed(0), 2, 1, 3).width
    2
    """

    def block() -> Block:
        attention = tuple(Head(*(weight(draw, D) for _ in range(4))) for _ in range(heads))
        W1, W2 = weight(draw, D), weight(draw, D)
        b1, b2 = (matrix(draw, D, 1, entry=small) for _ in range(2))
        return Block(attention, W1, b1, W2, b2)

    return TransformerModel(tuple(block() for _ in range(blocks)), weight(draw, D))


def nearby_model(draw: Draw, model: TransformerModel, rank: int) -> TransformerModel:
    """The model with Q, V of every head and Wo moved by matrices of a rank, if that stays regular.

    >>> from lora_proofs.mathematics.transformer import identity_model
    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> nearby_model(SeededDraw.keyed(0), identity_model(3, blocks=1), 1).width
    3
    """

    def moved(W: Matrix) -> Matrix:
        new = W + rank_matrix(draw, len(W), len(W), rank, entry=small)
        return new if EXACT.rank(new) == len(W) else W

    blocks = tuple(
        replace(
            block,
            heads=tuple(replace(h, Q=moved(h.Q), V=moved(h.V)) for h in block.heads),
            b1=block.b1 + 1,
        )
        for block in model.blocks
    )
    return TransformerModel(blocks, moved(model.Wo))
