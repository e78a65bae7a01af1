"""Consecutive partitions of frozen layers into one block per target layer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Literal

from lora_proofs.errors import BadInput


def uniform_partition(frozen: int, target: int) -> tuple[int, ...]:
    """Block lengths M, ..., M and the rest, M = floor(frozen / target); the last may be longer.

    Raises ``BadInput`` where there are fewer frozen layers than target layers.

    >>> uniform_partition(7, 3)
    (2, 2, 3)
    """
    if not 1 <= target <= frozen:
        raise BadInput(
            f"expected at least one frozen layer per target layer, got {frozen} for {target}"
        )
    M = frozen // target
    return (*[M] * (target - 1), frozen - M * (target - 1))


def checked_partition(
    partition: Sequence[int] | Literal["uniform"], frozen: int, target: int
) -> tuple[int, ...]:
    """Block lengths that cover the frozen layers, one positive length per target layer.

    Raises ``BadInput`` that names the entry otherwise.

    >>> checked_partition([1, 3], 4, 2), checked_partition("uniform", 4, 2)
    ((1, 3), (2, 2))
    """
    if isinstance(partition, str):
        if partition != "uniform":
            raise BadInput(f"partition: expected 'uniform' or block lengths, got {partition!r}")
        return uniform_partition(frozen, target)
    for i, length in enumerate(partition):
        if isinstance(length, bool) or not isinstance(length, int) or length < 1:
            raise BadInput(
                f"partition: expected whole block lengths that are 1 or more, got {length!r} in "
                f"entry {i + 1}"
            )
    if len(partition) != target:
        raise BadInput(
            f"partition: expected {target} blocks, one per target layer; got {len(partition)}"
        )
    if sum(partition) != frozen:
        raise BadInput(
            f"partition: expected lengths that add up to the {frozen} frozen layers, got "
            f"{list(partition)}, which add up to {sum(partition)}"
        )
    return tuple(partition)


def block_slices(partition: Sequence[int]) -> list[slice]:
    """The frozen layers of each block.

    >>> block_slices((2, 1))
    [slice(0, 2, None), slice(2, 3, None)]
    """
    return [
        slice(end - size, end) for end, size in zip(accumulate(partition), partition, strict=True)
    ]
