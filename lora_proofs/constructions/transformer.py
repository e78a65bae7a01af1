"""Adapters that turn a frozen transformer into a target, or as near as block by block can be.

Zeng and Lee, Theorem 7, as commonly quoted; the proof in the coordinates of the units. If block l
sees the same units Y as in the target, through C = W2 J and b2 where the target has Cbar and bbar2,
it does the same to them as soon as C'K'Q C, W1 O V C and b1 + sum_h W1 O V b2 are those of the
target. Each product is a linear net of two layers, of which ``linear_adapters`` gives any product
within rank 2R. W1 of every block and W2 of all but the last keep their frozen weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from lora_proofs.arithmetic.context import Arithmetic, Matrix, Scalar, squared_norm
from lora_proofs.arithmetic.dense import inverse, product, singular_value_decomposition
from lora_proofs.arithmetic.exact import EXACT, ExactArithmetic
from lora_proofs.arithmetic.multiprecision import MultiprecisionArithmetic
from lora_proofs.constructions.adapters import Adapter, Broken, zero_adapter
from lora_proofs.constructions.leading import leading_factors
from lora_proofs.constructions.linear import LinearAdaptation, linear_adapters
from lora_proofs.constructions.precision import LADDER, at_enough_digits
from lora_proofs.constructions.rounding import exact_values
from lora_proofs.constructions.transformer_gaps import (
    BlockGaps,
    Seen,
    block_gaps,
    checked_pair,
    exact_product,
    gap_ranks,
    output_gap,
    pseudo_inverse,
    seen,
    singular_weights,
    sufficient_rank,
    unit_offset,
    unreachable_biases,
)
from lora_proofs.errors import BadInput, Unavailable
from lora_proofs.mathematics.transformer import Block, Head, TransformerModel
from lora_proofs.mathematics.transformer_readings import padded, reading_distance, same_function

Place = tuple[int | None, int | None, str]
"""(block, head, matrix), counted from 1: head None for W1, W2 and Wo, block None for Wo."""


@dataclass(frozen=True)
class TransformerAdaptation:
    """Adapters for every weight (rank 0 where it is untouched), biases, and what came of them.

    ``biases`` holds (b1, b2) of every block, D x 1; ``residual`` is the ``reading_distance`` of the
    adapted model to the target, 0 for equal functions; ``defect`` the largest relative distance of
    a product to the one intended, which is rounding alone; ``gaps`` are G_1, ..., G_{L+1}.
    """

    adapters: Mapping[Place, Adapter]
    biases: tuple[tuple[Matrix, Matrix], ...]
    model: TransformerModel
    gaps: tuple[int, ...]
    residual: Scalar
    defect: Scalar
    broken: tuple[Broken, ...] = ()


@dataclass
class _Built:
    """What is collected on the way: adapters and the defects of the products."""

    adapters: dict[Place, Adapter] = field(default_factory=dict)
    defects: list[Scalar] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)


def transformer_adapters(
    frozen: TransformerModel, target: TransformerModel, rank: int, ctx: Arithmetic
) -> TransformerAdaptation:
    """Adapters of one rank for Q, K, V and O of every head, the last W2 and Wo, and all biases.

    Exact models with the same blocks and heads; the target may be narrower and is then embedded by
    zeros. From ``sufficient_rank`` on the adapted model is the target for every X of any N, exactly
    so in EXACT. Below, every gap is replaced by its best approximation of rank 2R. Violated
    assumptions are in ``broken``. Raises ``ShapeMismatch`` for models that do not fit and
    ``BadInput`` unless 0 <= rank <= D.

    >>> from lora_proofs.mathematics.transformer import identity_model
    >>> one = identity_model(2, blocks=1)
    >>> told = transformer_adapters(one, one.map(lambda X: 2 * X), 1, EXACT)
    >>> told.residual, told.adapters[(1, 1, "Q")].rank, told.adapters[(1, None, "W1")].rank
    (0, 1, 0)
    """
    checked_pair(frozen, target)
    if isinstance(rank, bool) or not isinstance(rank, int) or not 0 <= rank <= frozen.width:
        raise BadInput(f"rank: expected a whole number between 0 and {frozen.width}, got {rank!r}")
    built = _Built({place: zero_adapter(len(W), W.shape[1], ctx) for place, W in frozen.weights()})
    if frozen.width == target.width and same_function(frozen, target, softmax="columns"):
        return _told(frozen.lift(ctx), frozen, target, built, ctx)
    with ctx.working():
        model = _adapted_model(frozen, target, rank, built, ctx)
    built.broken += [*singular_weights(frozen), *unreachable_biases(frozen, target)]
    return _told(model, frozen, target, built, ctx)


def _told(
    model: TransformerModel,
    frozen: TransformerModel,
    target: TransformerModel,
    built: _Built,
    ctx: Arithmetic,
) -> TransformerAdaptation:
    return TransformerAdaptation(
        built.adapters,
        tuple((block.b1, block.b2) for block in model.blocks),
        model,
        gap_ranks(frozen, target),
        reading_distance(model, target, ctx, softmax="columns"),
        max(built.defects, default=ctx.number(0)),
        tuple(dict.fromkeys(built.broken)),
    )


def _adapted_model(
    frozen: TransformerModel, target: TransformerModel, rank: int, built: _Built, ctx: Arithmetic
) -> TransformerModel:
    """The frozen model with adapters on all heads and the output, and the target's biases."""
    last, blocks, before = len(frozen.blocks), [], None
    W2, Wo = _output(frozen, target, rank, built, ctx)
    every = zip(frozen.blocks, target.blocks, seen(frozen, target), strict=True)
    for i, ((ours, theirs, through), gap) in enumerate(
        zip(every, block_gaps(frozen, target), strict=True), start=1
    ):
        heads = tuple(_heads(i, ours, gap, through, rank, built, ctx))
        b1 = _first_bias(ours, heads, theirs, before, ctx)
        b2 = _last_bias(Wo, target, ctx) if i == last else _inner_bias(ours, target, i, ctx)
        before = (target.blocks[i - 1].b2, b2)
        kept = W2 if i == last else ctx.matrix(ours.W2)
        blocks.append(Block(heads, ctx.matrix(ours.W1), b1, kept, b2))
    return TransformerModel(tuple(blocks), Wo)


def _heads(
    i: int, ours: Block, gap: BlockGaps, through: Seen, rank: int, built: _Built, ctx: Arithmetic
) -> Iterator[Head]:
    """The heads of block i with their adapters: (Q, K') for the scores, (V, O) for the values."""
    right, into = pseudo_inverse(through.C), pseudo_inverse(ours.W1)
    for h, (head, scores, values) in enumerate(
        zip(ours.heads, gap.scores, gap.values, strict=True), start=1
    ):
        attends = _pair(head.Q, head.K.mT, (right.mT, scores, right), rank, built, ctx)
        carries = _pair(head.V, head.O, (into, values, right), rank, built, ctx)
        q, k = attends.adapters
        v, o = carries.adapters
        turned = Adapter(k.A.mT, k.B.mT)
        for name, adapter in zip("QKVO", (q, turned, v, o), strict=True):
            built.adapters[(i, h, name)] = adapter
        yield Head(attends.weights[0], attends.weights[1].mT, *carries.weights)


def _pair(
    first: Matrix,
    second: Matrix,
    gap: tuple[Matrix, Matrix, Matrix],
    rank: int,
    built: _Built,
    ctx: Arithmetic,
) -> LinearAdaptation:
    """Adapters of two layers whose product moves by L E_2R R', for a gap (L, E, R)."""
    left, E, right = gap
    G, H = _truncated(_reachable(left, E, right), 2 * rank, ctx)
    wanted = exact_product(second, first) + exact_product(left, G, H, right)
    found = linear_adapters((first, second), wanted, (rank, rank), ctx)
    built.defects.append(_relative_distance(found.product, ctx.matrix(wanted), ctx))
    built.broken += found.broken
    return found


def _reachable(left: Matrix, E: Matrix, right: Matrix) -> Matrix:
    """E in the ranges that the weights around it leave: E itself where they are nonsingular."""
    for X in (left, right):
        if EXACT.rank(X) < min(X.shape):
            return exact_product(pseudo_inverse(left), left, E, right, pseudo_inverse(right))
    return E


def _truncated(E: Matrix, r: int, ctx: Arithmetic) -> tuple[Matrix, Matrix]:
    """Exact factors of rank at most r, of E or of its best approximation up to rounding."""
    if EXACT.rank(E) <= r:
        return leading_factors(E, r, EXACT)
    try:
        G, H = leading_factors(E, r, ctx)
    except (Unavailable, BadInput):
        # An irrational truncation, or a tie: the rationals take the one that floats nominate.
        G, H = leading_factors(E, r, MultiprecisionArithmetic(30))
    return exact_values(G), exact_values(H)


def _relative_distance(X: Matrix, Y: Matrix, ctx: Arithmetic) -> Scalar:
    off, size = squared_norm(X - Y), squared_norm(Y)
    if isinstance(ctx, ExactArithmetic):
        return off if off == 0 else ctx.number(1)
    return ctx.sqrt(off / size if size > 0 else off)


def _output(
    frozen: TransformerModel, target: TransformerModel, rank: int, built: _Built, ctx: Arithmetic
) -> tuple[Matrix, Matrix]:
    """The adapted W2 of the last block and Wo."""
    last, J = len(frozen.blocks), EXACT.identity(frozen.width)[:, : target.width]
    E = output_gap(frozen, target)
    found = _pair(frozen.blocks[-1].W2, frozen.Wo, (J, E, J.mT), rank, built, ctx)
    built.adapters[(last, None, "W2")], built.adapters[(None, None, "Wo")] = found.adapters
    W2, Wo = found.weights
    return W2, Wo


def _first_bias(
    ours: Block,
    heads: Iterable[Head],
    theirs: Block,
    before: tuple[Matrix, Matrix] | None,
    ctx: Arithmetic,
) -> Matrix:
    """b1 = bbar1 + sum_h (Ubar bbar2 - U b2): the columns of a softmax sum to 1."""
    rows = len(ours.W1)
    b1 = ctx.matrix(padded(theirs.b1, rows, EXACT))
    if before is None:
        return b1
    bbar, b = before
    for one, other in zip(heads, theirs.heads, strict=True):
        wanted = exact_product(theirs.W1, other.O, other.V, bbar)
        b1 = b1 + ctx.matrix(padded(wanted, rows, EXACT))
        b1 = b1 - product(ctx.matrix(ours.W1), one.O, one.V, b, ctx=ctx)
    return b1


def _inner_bias(ours: Block, target: TransformerModel, i: int, ctx: Arithmetic) -> Matrix:
    """b2 = C y with Cbar y = bbar2 where that can be solved."""
    y, _ = unit_offset(target, i)
    return ctx.matrix(exact_product(ours.W2[:, : target.width], y))


def _last_bias(Wo: Matrix, target: TransformerModel, ctx: Arithmetic) -> Matrix:
    """b2 with What_o b2 = Wbar_o bbar2 in the outputs that are read, or the nearest."""
    # What_o may be singular beyond the rows that a narrower target reads: they ask for nothing.
    Wo = Wo[: target.width]
    wanted = exact_product(target.Wo, target.blocks[-1].b2)
    whole = exact_product(target.Wo, target.blocks[-1].W2)
    if isinstance(ctx, ExactArithmetic):
        return exact_product(pseudo_inverse(Wo), wanted)
    if EXACT.rank(whole) == Wo.shape[1]:
        # Below the threshold What_o may be singular though the target's product is not.
        with suppress(BadInput):
            return product(inverse(Wo, ctx), ctx.matrix(wanted), ctx=ctx)
    return _least_squares(Wo, ctx.matrix(wanted), ctx)


def _least_squares(X: Matrix, b: Matrix, ctx: Arithmetic) -> Matrix:
    """The shortest solution, with singular values at rounding level taken as 0."""
    U, s, V = singular_value_decomposition(X, ctx)
    cut = s[0] * ctx.number(10) ** (-getattr(ctx, "digits", 15) // 2)
    kept = sum(x > cut for x in s)
    along = (U[:, :kept].T @ b) / np.array(s[:kept], dtype=U.dtype)[:, None]
    return V[:, :kept] @ along


def precise_transformer_adapters(
    frozen: TransformerModel,
    target: TransformerModel,
    rank: int,
    *,
    tolerance: float = 1e-13,
    digits: Iterable[int] = LADDER,
) -> TransformerAdaptation:
    """``transformer_adapters`` in float64, or in as many digits as the tolerance takes.

    The defect is within ``tolerance``, and so is the residual where the rank suffices. Raises
    ``ToleranceNotMet`` where no number of ``digits`` is enough.

    >>> from lora_proofs.mathematics.transformer import identity_model
    >>> one = identity_model(2, blocks=1)
    >>> told = precise_transformer_adapters(one, one.map(lambda X: 2 * X), 1)
    >>> bool(told.residual < 1e-12)
    True
    """
    enough = sufficient_rank(frozen, target)

    def accept(found: TransformerAdaptation) -> bool:
        exact = enough is not None and rank >= enough
        return bool(found.defect <= tolerance and (not exact or found.residual <= tolerance))

    return at_enough_digits(
        lambda ctx: transformer_adapters(frozen, target, rank, ctx), accept, digits
    )
