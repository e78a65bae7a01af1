"""An adaptation instance as data: a frozen model, a target and ranks, read entry by entry, exact.

Layer 1 acts first. Three kinds of models are known: ``linear``, ``relu-fnn`` and ``transformer``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from lora_proofs.arithmetic.context import Matrix
from lora_proofs.arithmetic.exact import EXACT, fmpq
from lora_proofs.constructions.partition import uniform_partition
from lora_proofs.constructions.regions import Ball, Box
from lora_proofs.constructions.weighted import is_positive_semidefinite
from lora_proofs.errors import BadInput
from lora_proofs.mathematics.transformer import Block, Head, TransformerModel
from lora_proofs.solving.adaptation_fields import (
    Vector,
    given,
    inside,
    known,
    listing,
    matrix,
    number,
    ranks,
    shown,
    vector,
    whole,
)

KINDS = ("linear", "relu-fnn", "transformer")
ATTENTION = ("Q", "K", "V", "O")
UNIFORM = "uniform"
_COMMON = ("kind", "frozen", "target", "rank")
_OF_LINEAR = (*_COMMON, "second_moment")
_OF_RELU = (*_COMMON, "ball", "box", "partition")
Layer = tuple[Matrix, Vector]


@dataclass(frozen=True, eq=False)
class LinearProblem:
    """W_l: n_l x n_{l-1}, layer 1 first; Wbar: n_L x n_0; ``rank`` is ``None`` for a list.

    ``second_moment`` is that of the inputs, n_0 x n_0, or ``None``. Where the target is on fewer
    coordinates than the model as given, ``whole``, ``frozen`` is the part that is compared: the
    first rows of W_L and the first columns of W_1. The rest of the product is free.
    """

    frozen: tuple[Matrix, ...]
    target: Matrix
    ranks: tuple[int, ...]
    rank: int | None
    second_moment: Matrix | None = None
    whole: tuple[Matrix, ...] | None = None


@dataclass(frozen=True, eq=False)
class ReluProblem:
    """Layers (W, b) of width D; block lengths; the region of inputs, ``None`` for all of R^D."""

    frozen: tuple[Layer, ...]
    target: tuple[Layer, ...]
    ranks: tuple[int, ...]
    rank: int | None
    region: Ball | Box | None
    partition: tuple[int, ...]
    uniform: bool


@dataclass(frozen=True, eq=False)
class TransformerProblem:
    """Two transformers with the same heads in each block, and one rank for every matrix."""

    frozen: TransformerModel
    target: TransformerModel
    rank: int


Problem = LinearProblem | ReluProblem | TransformerProblem


def read_adaptation(data: Any) -> Problem:
    """The instance that a JSON object states; ``BadInput`` names the field or the entry.

    >>> told = {"kind": "linear", "frozen": [[[1, 0], [0, 1]]], "target": [[0, 1], [1, 0]]}
    >>> read_adaptation({**told, "rank": 1}).ranks
    (1,)
    """
    if not isinstance(data, Mapping):
        raise BadInput(
            'expected a JSON object such as {"kind": "linear", "frozen": [...], "target": ..., '
            f'"rank": 1}}, got {shown(data)}'
        )
    kind = given(data, "kind", f"one of {', '.join(KINDS)}")
    if not isinstance(kind, str) or kind not in _READERS:
        raise BadInput(f"kind: expected one of {', '.join(KINDS)}, got {shown(kind)}")
    return _READERS[kind](data)


def _single(data: Mapping[str, Any], all_ranks: tuple[int, ...]) -> int | None:
    return None if isinstance(data["rank"], list) else all_ranks[0]


def _linear(data: Mapping[str, Any]) -> LinearProblem:
    known(data, _OF_LINEAR)
    whole = _chain(data)
    full = (int(whole[-1].shape[0]), int(whole[0].shape[1]))
    target = matrix(given(data, "target", f"a matrix of shape {full}"), "target")
    if target.shape[0] > full[0] or target.shape[1] > full[1]:
        raise BadInput(f"target: expected at most the shape {full}, got {target.shape}")
    narrow = target.shape != full
    frozen = compared(whole, *target.shape) if narrow else whole
    found = ranks(given(data, "rank", _RANK), [min(W.shape) for W in whole])
    kept = tuple(min(r, *W.shape) for r, W in zip(found, frozen, strict=True))
    moment = _second_moment(data, int(target.shape[1]))
    return LinearProblem(frozen, target, kept, _asked(data), moment, whole if narrow else None)


def _asked(data: Mapping[str, Any]) -> int | None:
    return None if isinstance(data["rank"], list) else int(data["rank"])


def _chain(data: Mapping[str, Any]) -> tuple[Matrix, ...]:
    """The frozen weights of a linear model, each on the outputs of the one before."""
    what = "the frozen weights as a list of matrices, layer 1 first"
    told = listing(given(data, "frozen", what), "frozen", what)
    frozen = [matrix(W, f"frozen[{k}]") for k, W in enumerate(told, 1)]
    for k, (before, W) in enumerate(pairwise(frozen), 2):
        if W.shape[1] != before.shape[0]:
            raise BadInput(
                f"frozen[{k}]: expected {before.shape[0]} columns, as layer {k - 1} has "
                f"{before.shape[0]} rows, got the shape {W.shape}"
            )
    return tuple(frozen)


def compared(whole: Sequence[Matrix], rows: int, columns: int) -> tuple[Matrix, ...]:
    """The weights whose product is the first rows and columns of that of all weights.

    >>> [W.tolist() for W in compared([EXACT.matrix([[1, 2]]), EXACT.matrix([[3], [4]])], 1, 1)]
    [[[1]], [[3]]]
    """
    cut = [*whole[:-1], whole[-1][:rows]]
    return (cut[0][:, :columns], *cut[1:])


def _second_moment(data: Mapping[str, Any], size: int) -> Matrix | None:
    """E[x x'], symmetric and without a negative direction; decided over the rationals."""
    if "second_moment" not in data:
        return None
    moment = matrix(data["second_moment"], "second_moment", (size, size))
    for i, j in np.argwhere(moment != moment.T)[:1]:
        raise BadInput(
            f"second_moment[{i + 1}][{j + 1}]: expected {moment[j, i]} as in "
            f"second_moment[{j + 1}][{i + 1}], because it is symmetric, got {moment[i, j]}"
        )
    if not is_positive_semidefinite(moment):
        raise BadInput("second_moment: expected no negative eigenvalue, got one")
    return moment


_RANK = "a rank for all layers, or a list with one for each"


def _relu(data: Mapping[str, Any]) -> ReluProblem:
    known(data, _OF_RELU)
    frozen = _layers(data, "frozen", None)
    width = len(frozen[0][1])
    target = _layers(data, "target", width)
    if len(target) > len(frozen):
        raise BadInput(
            f"target: expected at most as many layers as frozen has, {len(frozen)}, got "
            f"{len(target)}"
        )
    found = ranks(given(data, "rank", _RANK), [width] * len(frozen))
    partition, uniform = _partition(data, len(frozen), len(target))
    region = _region(data, width)
    return ReluProblem(frozen, target, found, _single(data, found), region, partition, uniform)


def _layers(data: Mapping[str, Any], name: str, width: int | None) -> tuple[Layer, ...]:
    """Layers {"W": ..., "b": ...}, all of one width: that of the first, or a given one."""
    what = 'a list of layers {"W": ..., "b": ...}, layer 1 first'
    found: list[Layer] = []
    for k, told in enumerate(listing(given(data, name, what), name, what), 1):
        where = f"{name}[{k}]"
        known(told, ("W", "b"), where)
        W = matrix(given(told, "W", "a matrix", where), f"{where}.W")
        width = _width(W, f"{where}.W", width)
        b = given(told, "b", f"the biases, a list of {width} numbers", where)
        found.append((W, vector(b, f"{where}.b", width)))
    return tuple(found)


def _width(W: Matrix, name: str, width: int | None) -> int:
    """The width D of a square matrix, which has to be the one that is known."""
    wanted = W.shape[0] if width is None else width
    if W.shape != (wanted, wanted):
        square = "a square matrix" if width is None else f"the shape {(wanted, wanted)}"
        raise BadInput(f"{name}: expected {square}, got the shape {W.shape}")
    return int(wanted)


def _partition(data: Mapping[str, Any], deep: int, blocks: int) -> tuple[tuple[int, ...], bool]:
    """Block lengths that add up to the frozen depth, one for each layer of the target."""
    told = data.get("partition", UNIFORM)
    if told == UNIFORM:
        return uniform_partition(deep, blocks), True
    if not isinstance(told, list):
        raise BadInput(
            f'partition: expected "{UNIFORM}" or a list of block lengths, got {shown(told)}'
        )
    if len(told) != blocks:
        raise BadInput(
            f"partition: expected {blocks} block lengths, one for each layer of the target, got "
            f"{len(told)}"
        )
    lengths = [_length(x, f"partition[{k}]", deep) for k, x in enumerate(told, 1)]
    if sum(lengths) != deep:
        raise BadInput(
            f"partition: expected block lengths that cover the {deep} frozen layers, got the sum "
            f"{sum(lengths)}"
        )
    return tuple(lengths), False


def _length(value: Any, name: str, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise BadInput(f"{name}: expected a block length from 1 to {most}, got {shown(value)}")
    return value


def _region(data: Mapping[str, Any], width: int) -> Ball | Box | None:
    """The ball or the box of the inputs; ``None`` where none is given."""
    if "ball" in data and "box" in data:
        raise BadInput("box: expected either a ball or a box, got both; leave one of them out")
    if "ball" in data:
        ball = known(data["ball"], ("center", "radius"), "ball")
        center = vector(given(ball, "center", f"{width} numbers", "ball"), "ball.center", width)
        radius = number(given(ball, "radius", "a number that is 0 or more", "ball"), "ball.radius")
        if radius < 0:
            raise BadInput(f"ball.radius: expected a number that is 0 or more, got {radius}")
        return Ball(center, fmpq(radius))
    if "box" not in data:
        return None
    box = known(data["box"], ("lower", "upper"), "box")
    sides = ("lower", "upper")
    lower, upper = (
        vector(given(box, name, f"{width} numbers", "box"), f"box.{name}", width) for name in sides
    )
    for k, (low, high) in enumerate(zip(lower, upper, strict=True), 1):
        if low > high:
            raise BadInput(f"box.lower[{k}]: expected at most box.upper[{k}] = {high}, got {low}")
    return Box(lower, upper)


def _transformer(data: Mapping[str, Any]) -> TransformerProblem:
    known(data, _COMMON)
    frozen = _model(data, "frozen", None)
    target = _model(data, "target", len(frozen.Wo))
    _alike(frozen, target)
    told = given(data, "rank", "one rank for every matrix")
    rank = whole(told, "rank", len(frozen.Wo), "the width, one number for every matrix")
    return TransformerProblem(frozen, target, rank)


def _model(data: Mapping[str, Any], name: str, width: int | None) -> TransformerModel:
    told = known(given(data, name, 'a model {"blocks": [...], "Wo": ...}'), ("blocks", "Wo"), name)
    Wo = matrix(given(told, "Wo", "the output matrix", name), f"{name}.Wo")
    width = _width(Wo, f"{name}.Wo", width)
    what = "a list of blocks"
    blocks = listing(given(told, "blocks", what, name), f"{name}.blocks", what)
    pairs = enumerate(blocks, 1)
    return TransformerModel(tuple(_block(x, f"{name}.blocks[{k}]", width) for k, x in pairs), Wo)


def _block(data: Any, where: str, width: int) -> Block:
    known(data, ("heads", "W1", "b1", "W2", "b2"), where)
    what = 'a list of heads {"Q", "K", "V", "O"}'
    told = listing(given(data, "heads", what, where), inside(where, "heads"), what)
    heads = []
    for k, head in enumerate(told, 1):
        at = f"{where}.heads[{k}]"
        known(head, ATTENTION, at)
        heads.append(Head(*(_square(head, name, at, width) for name in ATTENTION)))
    W1, W2 = (_square(data, name, where, width) for name in ("W1", "W2"))
    b1, b2 = (_column(data, name, where, width) for name in ("b1", "b2"))
    return Block(tuple(heads), W1, b1, W2, b2)


def _square(data: Mapping[str, Any], name: str, where: str, width: int) -> Matrix:
    shape = (width, width)
    value = given(data, name, f"a matrix of shape {shape}", where)
    return matrix(value, inside(where, name), shape)


def _column(data: Mapping[str, Any], name: str, where: str, width: int) -> Matrix:
    """Biases as a column, D x 1."""
    value = given(data, name, f"the biases, a list of {width} numbers", where)
    return EXACT.matrix([[x] for x in vector(value, inside(where, name), width)])


def _alike(frozen: TransformerModel, target: TransformerModel) -> None:
    """Both models have the same number of blocks, and of heads in each."""
    if len(target.blocks) != len(frozen.blocks):
        raise BadInput(
            f"target.blocks: expected {len(frozen.blocks)} blocks as in frozen, got "
            f"{len(target.blocks)}"
        )
    for k, (one, other) in enumerate(zip(frozen.blocks, target.blocks, strict=True), 1):
        if len(one.heads) != len(other.heads):
            raise BadInput(
                f"target.blocks[{k}].heads: expected {len(one.heads)} heads as in frozen, got "
                f"{len(other.heads)}"
            )


_READERS: dict[str, Callable[[Mapping[str, Any]], Problem]] = {
    "linear": _linear,
    "relu-fnn": _relu,
    "transformer": _transformer,
}
