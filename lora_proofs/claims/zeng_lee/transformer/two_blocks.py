"""Pairs of transformers of two blocks, each of which shows one part of a bound over the blocks.

* Only the first block differs, by much: what is off is carried on by the values of the second.
* The first block is large and only the second differs: the columns that it sees are as long as the
  first block makes them. Here the bound is attained.
* Only the first block differs, by little, and the scores of the second turn: a column z near 0 has
  its sign changed, so its query, M z, attends to another column.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import EXACT
from lora_proofs.claims.zeng_lee.transformer.problem import changed
from lora_proofs.mathematics.transformer import TransformerModel, identity_model
from lora_proofs.strategies.draw import Draw, ratio
from lora_proofs.strategies.matrices import orthogonal_matrix

REGIMES = ("only the first block differs", "a large first block", "a small difference turns")
Pair = tuple[TransformerModel, TransformerModel, Any, Fraction]
"""A model, the target, X and rho."""


def draw(source: Draw, regime: str) -> Pair:
    """A pair of the regime, its output turned by a multiple of a signed permutation."""
    if regime == "a small difference turns":
        M, v = source.integer(100, 200), ratio(source, 2, 8, 32)
        found, D = turning(M, v), 1
    else:
        a, D = ratio(source, 1, 4, 2), 2
        found = (
            first_only(source.integer(4, 12), a)
            if regime == "only the first block differs"
            else large_first(source.integer(3, 9), source.integer(1, 4), a)
        )
    Wo = source.integer(1, 3) * orthogonal_matrix(source, D, dyadic=True)
    model, target, X, rho = found
    # A little more than the longest column: where the bound is attained balls have to decide it.
    return with_output(model, Wo), with_output(target, Wo), X, rho * Fraction(101, 100)


def with_output(model: TransformerModel, Wo: Any) -> TransformerModel:
    """The model with another output."""
    return changed(model, (None, None, "Wo"), Wo)


def identities() -> TransformerModel:
    """Two blocks of width 2, all weights the identity."""
    return identity_model(2, blocks=2)


def first_only(k: int, a: Any = 1) -> Pair:
    """The values of the first block k times those of the target: the error is (k - 1)a."""
    target = identities()
    return changed(target, (1, 1, "V"), k * EXACT.identity(2)), target, [[a], [0]], Fraction(a)


def large_first(k: int, d: int, a: Any = 1) -> Pair:
    """Values k in the first block, and values 1 + d for 1 in the second: the error is k d a."""
    target = changed(identities(), (1, 1, "V"), k * EXACT.identity(2))
    model = changed(target, (2, 1, "V"), (1 + d) * EXACT.identity(2))
    return model, target, [[a], [0]], Fraction(a)


def turning(M: int, v: Fraction) -> Pair:
    """Values 1 + v for 1 in the first block, scores M in the second; an error of about 2.

    After the first block the columns are about tanh(2) - 1 < 0 and -1 - tanh(2) in the target, so
    the first attends to the second; in the model it is positive and attends to itself.
    """
    first, second = identity_model(1, blocks=2).blocks
    first = replace(first, b1=EXACT.matrix([[2]]), b2=EXACT.matrix([[-3]]))
    blocks = (first, replace(second, b1=EXACT.matrix([[3]])))
    target = TransformerModel(blocks, EXACT.matrix([[1]]))
    target = changed(changed(target, (1, 1, "Q"), [[2]]), (2, 1, "Q"), [[M]])
    return changed(target, (1, 1, "V"), [[1 + v]]), target, [[1, -1]], Fraction(1)


def other_scores(M: int) -> Pair:
    """Scores M for 1 in the second block, after an offset y of the units of length 1."""
    first, second = identity_model(1, blocks=2).blocks
    first = replace(first, b1=EXACT.matrix([[2]]), b2=EXACT.matrix([[1]]))
    target = TransformerModel((first, second), EXACT.matrix([[1]]))
    return changed(target, (2, 1, "Q"), [[M]]), target, [[1, -1]], Fraction(1)
