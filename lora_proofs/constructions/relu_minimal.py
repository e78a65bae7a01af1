"""The ranks that suffice for a ReLU target, and the least one, where it is proved.

Everything here is decided over the rationals; floats only nominate a point of the region.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lora_proofs.arithmetic.array import ArrayArithmetic
from lora_proofs.arithmetic.context import Matrix
from lora_proofs.arithmetic.dense import product
from lora_proofs.arithmetic.exact import EXACT, fmpq
from lora_proofs.constructions.partition import block_slices
from lora_proofs.constructions.regions import Ball, Box, Region, Vector, highest, vector
from lora_proofs.errors import ShapeMismatch
from lora_proofs.mathematics.relu_network import Layer, affine

MARGINS = [4.0**-k for k in range(1, 12)]
STEPS = 100


@dataclass(frozen=True)
class BlockGap:
    """What the layers of one block have to make up for, decided exactly.

    ``gap`` is rank(Wbar - product), of the frozen product. The rows in ``dead`` are outputs of the
    target layer that are 0 on the whole region; ``wanted`` is Wbar with these rows taken from the
    frozen product, which serves as well with another bias, and ``live_gap`` is its rank gap.
    """

    layers: slice
    frozen: Matrix
    wanted: Matrix
    gap: int
    live_gap: int
    dead: tuple[int, ...]

    @property
    def length(self) -> int:
        """How many frozen layers the block has."""
        return int(self.layers.stop - self.layers.start)


def block_gaps(
    frozen: Sequence[Layer],
    target: Sequence[Layer],
    partition: Sequence[int],
    region: Region | None,
) -> tuple[BlockGap, ...]:
    """The rank gap of each block, with the dead outputs of its target layer over the region.

    Layers (W, b) are exact; without a region no output is dead. An output of a later layer counts
    as dead where the enclosure of the earlier layers' outputs shows it. Zeng & Lee, multi-layer
    targets, as commonly quoted; the dead rows are an extension.

    >>> frozen = [([[1, 0], [0, 1]], [0, 0]), ([[1, 0], [0, 1]], [0, 0])]
    >>> target = [([[2, 0], [0, 3]], [0, -9])]
    >>> (found,) = block_gaps(frozen, target, (2,), Ball([0, 0], 2))
    >>> found.gap, found.live_gap, found.dead
    (2, 1, (1,))
    """
    found: list[BlockGap] = []
    before: Layer | None = None
    for layers, (W, b) in zip(block_slices(partition), target, strict=True):
        if before is not None and region is not None:
            region = region.image(*before, EXACT)
        whole = product(*[EXACT.matrix(V) for V, _ in reversed(frozen[layers])], ctx=EXACT)
        W, b = EXACT.matrix(W), vector(b, EXACT)
        if W.shape != whole.shape:
            raise ShapeMismatch(
                f"target[{len(found) + 1}]: expected W of shape {whole.shape}, like the frozen "
                f"layers {layers.start + 1} to {layers.stop} together, got {W.shape}"
            )
        dead = dead_rows(W, b, region)
        wanted = W.copy()
        wanted[list(dead)] = whole[list(dead)]
        gap, live = EXACT.rank(W - whole), EXACT.rank(wanted - whole)
        found.append(BlockGap(layers, whole, wanted, gap, live, dead))
        before = W, b
    return tuple(found)


def dead_rows(W: Matrix, b: Any, region: Region | None) -> tuple[int, ...]:
    """The rows i, counted from 0, with W_i x + b_i <= 0 on the whole region.

    >>> dead_rows([[1, 0], [1, 1]], [-1, 0], Box([0, 0], [1, 1]))
    (0,)
    """
    if region is None:
        return ()
    most = highest(EXACT.matrix(W), region, EXACT) + vector(b, EXACT)
    return tuple(i for i, x in enumerate(most) if x <= 0)


def sufficient_rank(gaps: Sequence[int], partition: Sequence[int]) -> int:
    """The theorem's threshold for uniform ranks: the largest ceil(gap_i / M_i).

    Zeng & Lee, general partition, as commonly quoted; all frozen weights are nonsingular and the
    inputs bounded.

    >>> sufficient_rank([5, 2], (2, 1))
    3
    """
    return max(-(-gap // length) for gap, length in zip(gaps, partition, strict=True))


def minimal_exact_rank(
    frozen: Sequence[Layer], target: Sequence[Layer], region: Ball | Box, partition: Sequence[int]
) -> int | None:
    """The least uniform rank of adapters, with any biases, that gives the target on the region.

    A number only where it is proved, else ``None``:

    - 0 where the frozen weights give all outputs that are not dead;
    - one frozen layer: the rank of Wbar - W on the rows that are positive somewhere, since two
      affine functions that agree on an open set are one;
    - a one-layer target with Wbar nonsingular, all layers square and the frozen ones nonsingular,
      and a point inside the region where all outputs are positive: ceil(rank(Wbar - product) / L).
      There the Jacobian of an exact network is What_L D_{L-1} ... D_1 What_1 = Wbar with 0/1 masks
      D_l, and Wbar nonsingular leaves D_l = I only; so the product of the What_l is Wbar, which
      differs from that of the W_l by at most the sum of the ranks.

    Source: reconstructed.

    >>> eye, box = [[1, 0], [0, 1]], Box([-1, -1], [1, 1])
    >>> minimal_exact_rank([(eye, [0, 0])] * 2, [([[3, 0], [0, 3]], [4, 4])], box, (2,))
    1
    >>> minimal_exact_rank([(eye, [0, 0])] * 2, [([[3, 0], [0, 0]], [4, 4])], box, (2,))
    """
    gaps = block_gaps(frozen, target, partition, region)
    if all(block.live_gap == 0 for block in gaps):
        return 0
    if len(target) > 1 or not _has_inside(region):
        return None
    (block,), (W, b) = gaps, target[0]
    if len(frozen) == 1:
        return block.live_gap if all_live(W, b, region, block.dead) else None
    weights = [EXACT.matrix(V) for V in (W, *(V for V, _ in frozen))]
    if any(not nonsingular(V) or V.shape != weights[0].shape for V in weights):
        return None
    return -(-block.gap // len(frozen)) if live_point(W, b, region) is not None else None


def nonsingular(W: Matrix) -> bool:
    """Whether an exact W is square and of full rank.

    >>> nonsingular([[1, 2], [2, 4]]), nonsingular([[1, 2], [2, 3]])
    (False, True)
    """
    exact = EXACT.matrix(W)
    return bool(exact.shape[0] == exact.shape[1] == EXACT.rank(exact))


def all_live(W: Matrix, b: Any, region: Ball | Box, dead: Sequence[int]) -> bool:
    """Whether every row that is not in ``dead`` is surely positive at some point of the region.

    >>> all_live([[1, 1]], [-1], Ball([0, 0], 1), ())
    True
    """
    W, b = EXACT.matrix(W), vector(b, EXACT)
    rows = [i for i in range(len(W)) if i not in dead]
    if isinstance(region, Box):
        most = highest(W, region, EXACT) + b
        return all(most[i] > 0 for i in rows)
    middle, r = W @ vector(region.center, EXACT) + b, fmpq(region.radius)
    # s + r |row| > 0 without the root
    return all(middle[i] > 0 or r * r * (W[i] * W[i]).sum() > middle[i] * middle[i] for i in rows)


def live_point(W: Matrix, b: Any, region: Ball | Box) -> Vector | None:
    """An exact point inside the region where every W_i x + b_i is positive, or ``None``.

    Floats look for it by projecting onto the half space that is violated most (Agmon; Motzkin and
    Schoenberg), exact numbers confirm it; ``None`` says that none was found, also where the
    instance is beyond floats.

    >>> live_point([[1, 0], [0, 1]], ["-1/2", "-1/2"], Ball([0, 0], 1)) is not None
    True
    >>> live_point([[1, 0], [0, 1]], ["-3/4", "-3/4"], Ball([0, 0], 1))
    """
    try:
        V, v, (center, size) = ArrayArithmetic().matrix(W), _floats(b), _middle(region)
    except OverflowError:
        return None
    sizes = np.maximum(np.linalg.norm(V, axis=1), 1e-300)
    V, v, x = V / sizes[:, None], v / sizes, center
    for margin in [np.max(size) * m for m in MARGINS]:
        for _ in range(STEPS):
            lack = V @ x + v
            if lack.min() > 0 and _is_live(exact := EXACT.matrix([x])[0], W, b, region):
                return exact
            i = int(np.argmin(lack))
            x = _into(x + max(margin - lack[i], 0.0) * V[i], region, center, size)
            if lack[i] >= margin:
                break
    return None


def _floats(values: Any) -> Any:
    return vector(values, ArrayArithmetic())


def _middle(region: Ball | Box) -> tuple[Any, Any]:
    """The center and the radius, or half widths, as floats."""
    if isinstance(region, Ball):
        return _floats(region.center), float(_floats([region.radius])[0])
    low, high = _floats(region.lower), _floats(region.upper)
    return (low + high) / 2, (high - low) / 2


def _into(x: Any, region: Ball | Box, center: Any, size: Any) -> Any:
    """The nearest point that is inside the region, a little away from its boundary."""
    away, size = x - center, 0.99999 * size
    if isinstance(region, Box):
        return center + np.clip(away, -size, size)
    return center + away * min(1.0, size / max(float(np.linalg.norm(away)), 1e-300))


def _is_live(x: Vector, W: Matrix, b: Any, region: Ball | Box) -> bool:
    return _is_inside(x, region) and bool((affine(W, b, x[:, None], EXACT) > 0).all())


def _is_inside(x: Vector, region: Ball | Box) -> bool:
    if isinstance(region, Ball):
        away, r = x - vector(region.center, EXACT), fmpq(region.radius)
        return bool((away * away).sum() < r * r)
    lower, upper = vector(region.lower, EXACT), vector(region.upper, EXACT)
    return bool(((lower < x) & (x < upper)).all())


def _has_inside(region: Ball | Box) -> bool:
    if isinstance(region, Ball):
        return bool(fmpq(region.radius) > 0)
    return bool((vector(region.lower, EXACT) < vector(region.upper, EXACT)).all())
