"""Adapters and biases that turn a frozen ReLU network into a target on a bounded region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from lora_proofs.arithmetic.comparison import size
from lora_proofs.arithmetic.context import Arithmetic, Matrix, Scalar
from lora_proofs.arithmetic.dense import product, singular_value_decomposition
from lora_proofs.arithmetic.exact import EXACT
from lora_proofs.constructions.adapters import Adapter, Broken, checked_ranks
from lora_proofs.constructions.linear import LinearAdaptation, linear_adapters
from lora_proofs.constructions.partition import checked_partition
from lora_proofs.constructions.precision import FLOAT64_DIGITS, LADDER, at_enough_digits
from lora_proofs.constructions.regions import (
    Ball,
    Box,
    Region,
    Vector,
    checked_region,
    highest,
    vector,
)
from lora_proofs.constructions.relu_biases import affine_biases, offset_of
from lora_proofs.constructions.relu_minimal import BlockGap, block_gaps, nonsingular
from lora_proofs.constructions.rounding import exact_values
from lora_proofs.constructions.singular_weights import product_rank
from lora_proofs.errors import BadInput, ShapeMismatch
from lora_proofs.mathematics.relu_network import Layer


@dataclass(frozen=True)
class Block:
    """One target layer and the adapted frozen layers that stand for it.

    ``region`` is exact and holds all inputs of the block; on it the block is ReLU(product x + bias)
    with the product of its adapted weights as they are, rounded or not.
    """

    gap: BlockGap
    ranks: tuple[int, ...]
    linear: LinearAdaptation
    biases: tuple[Vector, ...]
    region: Region | None

    @property
    def exact(self) -> bool:
        """Whether the ranks make up for all that the block's target can show on the region."""
        return sum(self.ranks) >= self.gap.live_gap

    def image(self) -> Region | None:
        """An exact region that holds all outputs of the block."""
        if self.region is None:
            return None
        weights = [exact_values(W) for W in self.linear.weights]
        offset = offset_of(weights, [exact_values(b) for b in self.biases])
        return self.region.image(product(*reversed(weights), ctx=EXACT), offset, EXACT)


@dataclass(frozen=True)
class ReluAdaptation:
    """An adapted ReLU network, layer 1 first: adapters, all biases, and W_l + B_l A_l.

    ``gaps`` are the rank gaps of the theorem, one per block; ``broken`` names the assumptions that
    the instance breaks; ``region`` is where the network was made for.
    """

    adapters: tuple[Adapter, ...]
    biases: tuple[Vector, ...]
    weights: tuple[Matrix, ...]
    gaps: tuple[int, ...]
    blocks: tuple[Block, ...]
    broken: tuple[Broken, ...]
    region: Ball | Box | None

    @property
    def layers(self) -> list[Layer]:
        """The adapted network, as ``relu_network`` takes it."""
        return list(zip(self.weights, self.biases, strict=True))

    @property
    def exact_layers(self) -> list[Layer]:
        """The same network with its numbers, floats or not, as the rationals that they are."""
        return [(exact_values(W), exact_values(b)) for W, b in self.layers]


def relu_adapters(
    frozen: Sequence[Layer],
    target: Sequence[Layer],
    ranks: Sequence[int],
    region: Ball | Box | None,
    partition: Sequence[int] | Literal["uniform"],
    ctx: Arithmetic,
) -> ReluAdaptation:
    """Adapters of these ranks, one per layer, and biases, block by block.

    Layers are (W, b), exact, W_l: (n_l, n_{l-1}); the blocks of the partition have the widths of
    the target's layers at their ends. The network is the target on the region if the ranks of
    every block add up to its rank gap, all frozen weights being nonsingular; below that each
    block's product is nearest in the spectral norm. Exact over the rationals, rounded in floats.
    Without a region it is made for the ball |x| <= number of inputs, and says so. Zeng & Lee, one
    and several target layers, uniform and general partition, as commonly quoted; the biases, and
    that outputs which are 0 on the region cost no rank, are our own.

    >>> from lora_proofs.mathematics.relu_network import relu_network
    >>> eye, box = [[1, 0], [0, 1]], Box([-1, -1], [1, 1])
    >>> target = [([[3, 0], [0, -1]], [0, "1/2"])]
    >>> found = relu_adapters([(eye, [0, 0])] * 2, target, [1, 1], box, (2,), EXACT)
    >>> X = EXACT.matrix([[1, -1], [1, "-1/2"]])
    >>> relu_network(found.layers, X, EXACT).tolist(), relu_network(target, X, EXACT).tolist()
    ([[3, 0], [0, 1]], [[3, 0], [0, 1]])
    """
    frozen, target = checked_layers("frozen", frozen), checked_layers("target", target)
    partition = checked_partition(partition, len(frozen), len(target))
    ranks = checked_ranks(ranks, [W for W, _ in frozen])
    inputs = frozen[0][0].shape[1]
    made_for = _made_for(region, inputs, partition)
    gaps = block_gaps(frozen, target, partition, made_for)
    blocks: list[Block] = []
    with ctx.working():
        for gap, (_, b) in zip(gaps, target, strict=True):
            weights = [W for W, _ in frozen[gap.layers]]
            reached = blocks[-1].image() if blocks else made_for
            part = linear_adapters(weights, gap.wanted, ranks[gap.layers], ctx)
            biases = _biases(part, b, gap.dead, reached, ctx)
            blocks.append(Block(gap, ranks[gap.layers], part, biases, reached))
    return ReluAdaptation(
        tuple(chain.from_iterable(block.linear.adapters for block in blocks)),
        tuple(chain.from_iterable(block.biases for block in blocks)),
        tuple(chain.from_iterable(block.linear.weights for block in blocks)),
        tuple(gap.gap for gap in gaps),
        tuple(blocks),
        (*_unbounded(region, made_for), *_broken(frozen, target, blocks)),
        made_for,
    )


def _biases(
    part: LinearAdaptation, b: Vector, dead: Sequence[int], region: Region | None, ctx: Arithmetic
) -> tuple[Vector, ...]:
    """Outputs that are to be 0 get the largest bias that makes them so, the others the target's."""
    if region is None:
        return (vector(b, ctx),)
    bias = b.copy()
    if dead:
        whole = product(*reversed([exact_values(W) for W in part.weights]), ctx=EXACT)
        bias[list(dead)] = -highest(whole, region, EXACT)[list(dead)]
    return affine_biases(part.weights, bias, region, ctx)


def _made_for(
    region: Ball | Box | None, inputs: int, partition: Sequence[int]
) -> Ball | Box | None:
    """The region; none where no hidden layer needs one, and a ball where one is missing."""
    if region is not None:
        return checked_region(region, inputs)
    if all(length == 1 for length in partition):
        return None
    return checked_region(Ball([0] * inputs, inputs), inputs)


def checked_layers(name: str, layers: Sequence[Layer]) -> list[Layer]:
    """The layers (W, b) of a network as exact matrices and vectors whose shapes fit.

    >>> checked_layers("frozen", [([[1, 2]], ["1/2"])])[0][1].tolist()
    [1/2]
    """
    found: list[Layer] = []
    for depth, (W, b) in enumerate(layers, 1):
        W, b = EXACT.matrix(W), vector(b, EXACT)
        before = found[-1][0].shape[0] if found else W.shape[1]
        if W.shape[1] != before or len(b) != W.shape[0]:
            raise ShapeMismatch(
                f"{name}[{depth}]: expected W of {before} columns and b of as many numbers as W "
                f"has rows, got W {W.shape} and b of {len(b)}"
            )
        found.append((W, b))
    if not found:
        raise BadInput(f"{name}: expected at least one layer (W, b), got none")
    return found


def _unbounded(region: Ball | Box | None, made_for: Ball | Box | None) -> list[Broken]:
    if region is not None or not isinstance(made_for, Ball):
        return []
    return [
        Broken(
            "the inputs are bounded",
            f"the theorem needs a bounded set: the biases are for |x| <= {made_for.radius}, and "
            "outside of it hidden units switch; on all of R^D no rank need be enough",
        )
    ]


def _broken(
    frozen: Sequence[Layer], target: Sequence[Layer], blocks: Sequence[Block]
) -> list[Broken]:
    """The assumptions of the theorems on thresholds and on their necessity that do not hold."""
    found: list[Broken] = []
    for i, (block, (W, _)) in enumerate(zip(blocks, target, strict=True), 1):
        found += _broken_weights(i, block, frozen)
        found += _broken_by(i, block, W, alone=len(target) == 1 and len(frozen) > 1)
    return found


def _broken_weights(i: int, block: Block, frozen: Sequence[Layer]) -> list[Broken]:
    """What the block's linear part assumed, singular weights by their number in the network."""
    layers, told = block.gap.layers, _of_singular(i, block, frozen)
    named = [
        Broken(f"the frozen weight W_{layer + 1} of block {i} is nonsingular", told)
        for layer in range(layers.start, layers.stop)
        if block.linear.broken
        and len(set(frozen[layer][0].shape)) == 1
        and not nonsingular(frozen[layer][0])
    ]
    return named or [
        Broken(f"in block {i}, {x.assumption}", x.consequence) for x in block.linear.broken
    ]


def _of_singular(i: int, block: Block, frozen: Sequence[Layer]) -> str:
    """What a singular weight does to its block: a bound of the rank of its product, or doubt."""
    most = product_rank([W for W, _ in frozen[block.gap.layers]], block.ranks)
    needed = EXACT.rank(block.gap.wanted)
    if most < needed:
        return (
            f"the product of block {i} has rank {most} at most and is to have rank {needed}: no "
            "adapters of these ranks give it"
        )
    return f"that the ranks of block {i} make up for its rank gap need not be enough"


def _broken_by(i: int, block: Block, W: Matrix, *, alone: bool) -> list[Broken]:
    found = []
    if not block.exact:
        found.append(
            Broken(
                f"the ranks of block {i} make up for its rank gap",
                f"their sum is {sum(block.ranks)} and the gap {block.gap.live_gap}: the block is "
                "not exact",
            )
        )
    if block.gap.dead:
        rows = ", ".join(str(row + 1) for row in block.gap.dead)
        one = len(block.gap.dead) == 1
        are = f"output {rows} is dead, which costs a bias" if one else f"outputs {rows} are dead, "
        are += "" if one else "which costs biases"
        found.append(
            Broken(
                f"the outputs of target layer {i} are positive somewhere on the region",
                f"{are} and no rank: rank {block.gap.live_gap} "
                f"in place of {block.gap.gap} is enough, the threshold is not necessary",
            )
        )
    if alone and not nonsingular(W):
        found.append(
            Broken(
                "the target weight is nonsingular",
                "the threshold is enough, whether it is necessary is not known",
            )
        )
    return found


def precise_relu_adapters(
    frozen: Sequence[Layer],
    target: Sequence[Layer],
    ranks: Sequence[int],
    region: Ball | Box | None,
    partition: Sequence[int] | Literal["uniform"],
    *,
    tolerance: float,
    digits: Sequence[int] = LADDER,
) -> ReluAdaptation:
    """The adapted network at the first number of digits at which every block is as near as can be.

    That is where ||product - Wbar||_2 is within ``tolerance``, relative to ||Wbar|| + ||product||,
    of sigma_{S+1}, checked in the arithmetic that it was built in; a block with a singular frozen
    weight, where the least error may not be known, is taken as it is. Raises ``ToleranceNotMet``.

    >>> eye, ball = [[1, 0], [0, 1]], Ball([0, 0], 2)
    >>> found = precise_relu_adapters(
    ...     [(eye, [0, 0])] * 2, [([[3, 0], [0, 5]], [0, 0])], [1, 1], ball, (2,), tolerance=1e-12
    ... )
    >>> found.weights[0].dtype
    dtype('float64')
    """

    exact = [EXACT.matrix(W) for W, _ in frozen]

    def build(ctx: Arithmetic) -> tuple[ReluAdaptation, float]:
        found = relu_adapters(frozen, target, ranks, region, partition, ctx)
        told = [x for x in found.blocks if all(map(nonsingular, exact[x.gap.layers]))]
        with ctx.working():
            return found, max((excess(block, ctx) for block in told), default=0.0)

    if not all(map(nonsingular, exact)):  # where the least error is not known, floats do not tell
        digits = [number for number in digits if number > FLOAT64_DIGITS]
    return at_enough_digits(build, lambda found: found[1] <= tolerance, digits)[0]


def excess(block: Block, ctx: Arithmetic) -> float:
    """|  ||product - wanted||_2 - sigma_{S+1}  | of a block, relative to the size of both.

    >>> from lora_proofs.arithmetic import ArrayArithmetic
    >>> eye, floats = [[1, 0], [0, 1]], ArrayArithmetic()
    >>> found = relu_adapters([(eye, [0, 0])], [(eye, [1, 1])], [1], Ball([0, 0], 1), (1,), floats)
    >>> excess(found.blocks[0], floats)
    0.0
    """
    wanted = ctx.matrix(block.gap.wanted)
    values = _singular_values(ctx.matrix(block.gap.wanted - block.gap.frozen), ctx)
    kept = sum(block.ranks)
    best = values[kept] if kept < len(values) else ctx.number(0)
    error = _singular_values(block.linear.product - wanted, ctx)[0]
    scale = _singular_values(wanted, ctx)[0] + _singular_values(block.linear.product, ctx)[0]
    return size(abs(error - best) / scale) if scale > 0 else 0.0


def _singular_values(X: Matrix, ctx: Arithmetic) -> list[Scalar]:
    return singular_value_decomposition(X, ctx)[1]
