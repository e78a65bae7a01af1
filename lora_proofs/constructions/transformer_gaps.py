"""What a frozen transformer lacks of a target, block by block, and which rank makes up for it.

A narrower target (width d < D) is embedded with J = [I; 0]: inputs J X, the first d outputs. With
C = W2 J of the block before and Cbar = Wbar2 (J and I for the first) the gaps are, per head,
Cbar' Kbar'Qbar Cbar - C'K'Q C and J Wbar1 Obar Vbar Cbar - W1 O V C, and at the end
Wbar_o Wbar2 - J'Wo W2 J. Each is made up for by two adapters of half its rank.
"""

from __future__ import annotations

from dataclasses import dataclass

import flint
import numpy as np

from lora_proofs.arithmetic.context import Matrix, object_matrix
from lora_proofs.arithmetic.dense import inverse, product
from lora_proofs.arithmetic.exact import EXACT, fmpq
from lora_proofs.arithmetic.recorded import recorder
from lora_proofs.constructions.adapters import Broken
from lora_proofs.constructions.leading import rank_factors
from lora_proofs.errors import ShapeMismatch
from lora_proofs.mathematics.transformer import Block, TransformerModel, checked
from lora_proofs.mathematics.transformer_readings import padded, same_function


@dataclass(frozen=True)
class Seen:
    """The weights through which a block sees the units before it: C (D, d) and Cbar (d, d)."""

    C: Matrix
    target: Matrix


@dataclass(frozen=True)
class BlockGaps:
    """The gaps of the heads of a block: scores (d, d) and values (D, d)."""

    scores: tuple[Matrix, ...]
    values: tuple[Matrix, ...]

    @property
    def rank(self) -> int:
        """The largest rank among them."""
        return max(int(EXACT.rank(E)) for E in (*self.scores, *self.values))


def exact_product(*factors: Matrix) -> Matrix:
    """The product of exact matrices."""
    return product(*factors, ctx=EXACT)


def checked_pair(frozen: TransformerModel, target: TransformerModel) -> None:
    """Raises ``ShapeMismatch`` unless blocks and heads agree and the target is no wider."""
    one, other = ([len(b.heads) for b in checked(m).blocks] for m in (frozen, target))
    if one != other:
        raise ShapeMismatch(
            f"expected a target with the heads {one} of the frozen blocks, got {other}"
        )
    if target.width > frozen.width:
        raise ShapeMismatch(
            f"expected a target of width {frozen.width} or less, got {target.width}"
        )


def seen(frozen: TransformerModel, target: TransformerModel) -> tuple[Seen, ...]:
    """What each block sees, the first through the embedding."""
    d, J = target.width, EXACT.identity(frozen.width)[:, : target.width]
    later = zip(frozen.blocks[:-1], target.blocks[:-1], strict=True)
    return (Seen(J, EXACT.identity(d)), *(Seen(a.W2[:, :d], b.W2) for a, b in later))


def block_gaps(frozen: TransformerModel, target: TransformerModel) -> tuple[BlockGaps, ...]:
    """The gaps of every block, exact.

    >>> from lora_proofs.mathematics.transformer import identity_model
    >>> one = identity_model(2, blocks=1)
    >>> block_gaps(one, one.map(lambda X: 2 * X))[0].scores[0].tolist()
    [[3, 0], [0, 3]]
    """
    blocks = zip(frozen.blocks, target.blocks, seen(frozen, target), strict=True)
    return tuple(_gaps(a, b, through) for a, b, through in blocks)


def _gaps(frozen: Block, target: Block, through: Seen) -> BlockGaps:
    C, D, rows = through.C, through.target, len(frozen.W1)
    heads = tuple(zip(frozen.heads, target.heads, strict=True))
    return BlockGaps(
        tuple(
            exact_product(D.mT, b.K.mT, b.Q, D) - exact_product(C.mT, a.K.mT, a.Q, C)
            for a, b in heads
        ),
        tuple(
            padded(exact_product(target.W1, b.O, b.V, D), rows, EXACT)
            - exact_product(frozen.W1, a.O, a.V, C)
            for a, b in heads
        ),
    )


def output_gap(frozen: TransformerModel, target: TransformerModel) -> Matrix:
    """Wbar_o Wbar2 - J'Wo W2 J of the last block, exact."""
    d = target.width
    ours = exact_product(frozen.Wo, frozen.blocks[-1].W2)[:d, :d]
    return exact_product(target.Wo, target.blocks[-1].W2) - ours


def gap_ranks(frozen: TransformerModel, target: TransformerModel) -> tuple[int, ...]:
    """G_1, ..., G_L, one per block, and G_{L+1} of the output. Zeng and Lee, as commonly quoted.

    >>> from lora_proofs.mathematics.transformer import identity_model
    >>> one = identity_model(2, blocks=1)
    >>> gap_ranks(one, one.map(lambda X: 2 * X))
    (2, 2)
    """
    inner = (gap.rank for gap in block_gaps(frozen, target))
    return (*inner, EXACT.rank(output_gap(frozen, target)))


def sufficient_rank(frozen: TransformerModel, target: TransformerModel) -> int | None:
    """max_i ceil(G_i / 2), with which every adapter makes the models equal for every X of any N.

    None where an assumption fails on which that rests: a singular frozen weight, or biases of the
    target that no bias reproduces. Zeng and Lee, Theorem 7, as commonly quoted, with weaker
    assumptions on the target.

    >>> from lora_proofs.mathematics.transformer import identity_model
    >>> one = identity_model(3, blocks=1)
    >>> sufficient_rank(one, one.map(lambda X: 2 * X))
    2
    """
    if singular_weights(frozen) or unreachable_biases(frozen, target):
        return None
    return max(-(-G // 2) for G in gap_ranks(frozen, target))


def minimal_exact_rank(frozen: TransformerModel, target: TransformerModel) -> int | None:
    """The least rank at which adapters make both models equal for every X, where it is proved.

    It is 0 where the models are one function as they are. With one block and one head it is at
    least half the rank of the scores' gap, if Wbar_o Wbar2 and Wbar1 Obar Vbar are nonsingular;
    where that meets ``sufficient_rank`` it is the answer. None elsewhere: not known.

    >>> from lora_proofs.mathematics.transformer import identity_model
    >>> one = identity_model(3, blocks=1)
    >>> minimal_exact_rank(one, one.map(lambda X: 2 * X)), minimal_exact_rank(one, one)
    (2, 0)
    """
    enough = sufficient_rank(frozen, target)
    if enough == 0 or (
        frozen.width == target.width and same_function(frozen, target, softmax="columns")
    ):
        return 0
    return enough if enough == score_rank_needed(frozen, target) else None


def score_rank_needed(frozen: TransformerModel, target: TransformerModel) -> int | None:
    """The rank below which no adapters give the scores of a target of one block and one head.

    ceil(rank(Kbar'Qbar - K'Q) / 2) where Wbar_o Wbar2 and Wbar1 Obar Vbar are nonsingular; None
    elsewhere. Extension: see the claim zeng-lee/attention-scores-necessary.
    """
    if len(target.blocks) != 1 or len(target.blocks[0].heads) != 1:
        return None
    block, head = target.blocks[0], target.blocks[0].heads[0]
    alive = (exact_product(target.Wo, block.W2), exact_product(block.W1, head.O, head.V))
    if any(EXACT.rank(X) < target.width for X in alive):
        return None
    return -(-int(EXACT.rank(block_gaps(frozen, target)[0].scores[0])) // 2)


def singular_weights(frozen: TransformerModel) -> tuple[Broken, ...]:
    """The frozen weights that are singular, each with what no longer applies."""
    return tuple(
        Broken(f"the frozen {_place(*place)} is nonsingular", _consequence(frozen, *place))
        for place, W in frozen.weights()
        if EXACT.rank(W) < frozen.width
    )


def _place(block: int | None, head: int | None, name: str) -> str:
    of = [f"head {head}"] * bool(head) + [f"block {block}"] * bool(block)
    return " of ".join([name, *of])


def _consequence(frozen: TransformerModel, block: int | None, head: int | None, name: str) -> str:
    last = len(frozen.blocks)
    if name == "W1":
        return (
            "the values only reach the range of W1, which has no adapter: at rank 0 of it the "
            "output is the same for every X"
        )
    if name == "W2" and block != last:
        return (
            "the next block sees the units only through the rows of W2, which has no adapter: at "
            "rank 0 of it the output is the same for every X"
        )
    return "half the rank of the gap may not be enough: the product with its partner is limited"


def unreachable_biases(frozen: TransformerModel, target: TransformerModel) -> tuple[Broken, ...]:
    """Singular weights of the target whose biases no bias of the adapted model reproduces."""
    found = [
        Broken(
            f"the target's W2 of block {i} is nonsingular, or the scores of block {i + 1} reproduce"
            " its b2",
            "b2 = W2 Wbar2^-1 bbar2 is not defined; the nearest bias is taken",
        )
        for i in range(1, len(target.blocks))
        if not unit_offset(target, i)[1]
    ]
    C, b = target.blocks[-1].W2, target.blocks[-1].b2
    whole = exact_product(target.Wo, C)
    if not _solved(whole, exact_product(target.Wo, b))[1]:
        found.append(
            Broken(
                "the target's last W2 is nonsingular, or Wo b2 is in the range of Wo W2",
                "b2 = What_o^-1 Wbar_o bbar2 may not be defined; the nearest bias is taken",
            )
        )
    return tuple(found)


def unit_offset(target: TransformerModel, i: int) -> tuple[Matrix, bool]:
    """y with Cbar'Mbar_h (Cbar y - bbar2) = 0 for every head of block i + 1, and whether it exists.

    Cbar = Wbar2 and bbar2 of block i (from 1); if Cbar is nonsingular, Cbar y = bbar2. Otherwise a
    least-squares solution: then b2 = C y gives the scores of the target, and the values differ by
    a constant that the next b1 takes up, as the columns of a softmax sum to 1.
    """
    C, b = target.blocks[i - 1].W2, target.blocks[i - 1].b2
    if EXACT.rank(C) == len(C):
        return _quotient(C, b), True
    scores = [exact_product(C.mT, h.K.mT, h.Q) for h in target.blocks[i].heads]
    return _solved(
        np.concatenate([exact_product(S, C) for S in scores]),
        np.concatenate([exact_product(S, b) for S in scores]),
    )


def _quotient(X: Matrix, b: Matrix) -> Matrix:
    """X^{-1} b of a nonsingular X: far cheaper than the inverse where b is narrow."""
    if recorder(X) or recorder(b):
        return exact_product(inverse(X, EXACT), b)
    X, b = (flint.fmpq_mat(Z.tolist()) for Z in (X, b))
    return object_matrix(X.solve(b, algorithm="dixon").tolist(), fmpq)


def _solved(X: Matrix, b: Matrix) -> tuple[Matrix, bool]:
    if X.shape[0] == X.shape[1] == EXACT.rank(X):
        return _quotient(X, b), True
    y = exact_product(pseudo_inverse(X), b)
    return y, bool((exact_product(X, y) == b).all())


def pseudo_inverse(X: Matrix) -> Matrix:
    """The pseudo-inverse of an exact matrix, over the rationals.

    >>> pseudo_inverse(EXACT.matrix([[2, 0], [0, 0]])).tolist()
    [[1/2, 0], [0, 0]]
    """
    if X.shape[0] == X.shape[1] == EXACT.rank(X):
        return inverse(X, EXACT)
    G, H = rank_factors(X)
    if G.shape[1] == 0:
        return EXACT.zeros(X.shape[1], X.shape[0])
    left = exact_product(inverse(exact_product(G.mT, G), EXACT), G.mT)
    return exact_product(H.mT, inverse(exact_product(H, H.mT), EXACT), left)
