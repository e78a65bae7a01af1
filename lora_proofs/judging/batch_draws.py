"""Drawing many instances at once: a batch shares its shape, and each instance has its own numbers.

What decides shapes (every ``integer`` and ``choice`` of the draw) is answered once for the batch;
the numbers that strategies ask for as such are drawn for each instance, from a counter-based
generator. The answers of one instance, given to an ordinary source, draw exactly that instance.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import numpy as np

from lora_proofs.errors import BadInput
from lora_proofs.judging.batch_numbers import Many, Pinned, Unbatched, World, plain
from lora_proofs.language.claim import Instances
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import ManyAtOnce, Rejected, SeededDraw

T = TypeVar("T")
MOST_ANSWERS = 5_000
MOST_PINNED = 24
"""Answers that a draw may turn out to decide shapes by, before it is left."""
NEARLY = 1e-12
"""What is decided by exact numbers alone: in a batch, what is so near beside its size is equal."""


@dataclass
class BatchDraw(ManyAtOnce):
    """A source for a batch of a key; ``made`` are the answers, shared ones and those of each.

    >>> source = BatchDraw(World(3), (0, "claim"))
    >>> len(source.ratio(-8, 8, 4).values)
    3
    """

    world: World
    key: tuple[Any, ...]
    eager: bool = False
    """Whether every answer is drawn for each instance, but for those that are pinned."""
    pinned: frozenset[int] = frozenset()
    made: list[int | np.ndarray] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shared = SeededDraw.keyed(*self.key)
        told = "\x1f".join(map(str, (*self.key, "numbers")))
        key = int.from_bytes(hashlib.sha256(told.encode()).digest()[:16], "big")
        # The bits of a generator are promised to stay the same between versions of NumPy.
        self.bits = np.random.Philox(key=key)

    def integer(self, low: Any, high: Any) -> Any:
        """An integer that may decide shapes: one for all, where it is not known to decide none."""
        position = len(self.made)
        if position >= MOST_ANSWERS:
            raise Rejected
        if self.eager and position not in self.pinned:
            values = self._answers(low, high).astype(float)
            return Many(self.world, values, position=position)
        found = self.shared.integer(low, high)
        self.made.append(found)
        return found

    def choice(self, options: Sequence[T]) -> T:
        """One of the options, for all; of numbers, one for each where it decides no shape."""
        if self.eager and all(plain(x) is not None for x in options):
            return cast("T", self.among(options))
        chosen: int = self.integer(0, len(options) - 1)
        return options[chosen]

    def _answers(self, low: Any, high: Any) -> np.ndarray:
        bottom, top = (x.values if type(x) is Many else x for x in (low, high))
        if np.any(np.asarray(bottom) > np.asarray(top)):
            raise BadInput(f"expected low <= high, got {low} > {high}")
        width = np.asarray(top) - np.asarray(bottom) + 1
        raw = self.bits.random_raw(self.world.size) % width.astype(np.uint64)
        found: np.ndarray = raw.astype(np.int64) + np.asarray(bottom).astype(np.int64)
        self.made.append(found)
        return found

    def whole(self, low: int, high: int) -> Many:
        """A whole number of each."""
        return self.world.lift(self._answers(low, high).astype(float), rounded=False)

    def ratio(self, low: Any, high: Any, denominator: Any) -> Many:
        """k/denominator of each."""
        under = denominator.values if type(denominator) is Many else float(denominator)
        return self.world.lift(self._answers(low, high) / under)

    def among(self, numbers: Sequence[Any]) -> Many:
        """One of the numbers for each."""
        values = np.array([_value(x) for x in numbers])
        return self.world.lift(values[self._answers(0, len(numbers) - 1)])

    def distinct(self, rows: np.ndarray) -> np.ndarray:
        """The first of the rows of each instance: equal answers draw equal instances."""
        own = [x[rows] for x in self.made if isinstance(x, np.ndarray)]
        if not own:
            return rows[:1]
        _, first = np.unique(np.array(own), axis=1, return_index=True)
        return rows[np.sort(first)]

    def answers(self, k: int) -> tuple[int, ...]:
        """The answers of instance k."""
        return tuple(int(x[k]) if isinstance(x, np.ndarray) else x for x in self.made)


def _value(number: Any) -> float:
    from lora_proofs.arithmetic.exact import rational

    found = plain(number)
    return float(rational(number)) if found is None else found


@dataclass(frozen=True)
class Batch:
    """Instances of one shape, as one instance whose numbers stand for each of theirs."""

    regime: str
    key: tuple[Any, ...]
    together: Instance
    source: BatchDraw
    kept: np.ndarray
    """Which of those that were drawn took the same way through the draw as the first."""

    def __len__(self) -> int:
        return len(self.kept)

    def answers(self, k: int) -> tuple[int, ...]:
        """What the draw of instance k was answered."""
        return self.source.answers(int(self.kept[k]))

    @property
    def signature(self) -> tuple[Any, ...]:
        """What instances have in common that are computed together."""
        return (self.regime, *_signature(self.together))


def _signature(value: Any) -> tuple[Any, ...]:
    if isinstance(value, Instance):
        return tuple((name, *_signature(x)) for name, x in value.fields)
    if isinstance(value, tuple):
        return (len(value), len(value[0]))
    return (value,) if isinstance(value, str) else ()


def draw_batch(instances: Instances, regime: str, size: int, key: tuple[Any, ...]) -> Batch | None:
    """A batch of a regime, of at most ``size`` instances; ``None`` where its shape is rejected.

    Instances that differ in what is shared are not in it, and none is in it twice. Where a draw
    asks for no numbers as such, every answer is drawn for each instance that decides no shape.
    """
    batch = _drawn(instances, regime, BatchDraw(World(size, tolerance=NEARLY), key))
    if batch is None or len(batch) >= size // 4:
        return batch
    return max(batch, _eagerly(instances, regime, size, key) or batch, key=len)


def _eagerly(instances: Instances, regime: str, size: int, key: tuple[Any, ...]) -> Batch | None:
    pinned: set[int] = set()
    while len(pinned) <= MOST_PINNED:
        world = World(size, tolerance=NEARLY)
        try:
            source = BatchDraw(world, key, eager=True, pinned=frozenset(pinned))
            return _drawn(instances, regime, source)
        except Pinned as one:
            pinned.add(one.position)
        except Unbatched:
            return None
        except MemoryError:
            raise
        except Exception:  # what the draw does with a single number it cannot do with many
            return None
    return None


def _drawn(instances: Instances, regime: str, source: BatchDraw) -> Batch | None:
    try:
        with np.errstate(all="ignore"):
            together = instances.draw(source, regime)
    except Rejected:
        return None
    if not isinstance(together, Instance):
        raise BadInput(f"expected Instances.draw to return an Instance, got {together!r}")
    kept = source.distinct(np.flatnonzero(source.world.alive))
    return Batch(regime, source.key, together, source, kept)


def taken(together: Instance, rows: np.ndarray, *, errors: bool = False) -> tuple[Instance, World]:
    """The instance that stands for some of the instances, and the world of a new run."""
    world = World(len(rows), errors=errors, tolerance=NEARLY)
    return _taken(together, rows, world), world


def _taken(value: Any, rows: np.ndarray, world: World) -> Any:
    if type(value) is Many:
        return world.lift(value.values[rows])
    if isinstance(value, tuple):
        return tuple(tuple(_taken(x, rows, world) for x in row) for row in value)
    if not isinstance(value, Instance):
        return value
    # The fields are what an instance made of them: they need not be read again.
    out = object.__new__(Instance)
    object.__setattr__(out, "regimes", value.regimes)
    fields = tuple((name, _taken(x, rows, world)) for name, x in value.fields)
    object.__setattr__(out, "fields", fields)
    return out


def number_of(value: Any, k: int) -> Any:
    """What instance k has in place of a value that stands for each, as floats.

    >>> number_of(World(2).lift(np.array([1.0, 2.0])), 1)
    2.0
    """
    return float(value.values[k]) if type(value) is Many else plain(value)
