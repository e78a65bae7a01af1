"""Ready-made instances: LoRA problems in named regimes, with further fields in words."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic.exact import rational
from lora_proofs.errors import BadInput
from lora_proofs.language.claim import Instances
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw, Rejected, fraction
from lora_proofs.strategies.problems import LOSSES, REGIMES, lora_problem
from lora_proofs.writing.fields import Field, MatrixField
from lora_proofs.writing.holding import bound, completed, hold, misfit
from lora_proofs.writing.instances import Shape, chosen, read_fields

USUAL = ("generic", "zero B0", "rank deficient", "r = 1")


@dataclass(frozen=True)
class Problems:
    """Draws LoRA problems of a loss, with further fields beside them."""

    loss: Any
    extra: tuple[tuple[str, Field], ...]
    largest: int
    size: Fraction | None = None

    def __call__(self, draw: Draw, regime: str) -> Instance:
        """A problem of a regime."""
        problem = self._problem(draw, regime)
        n, m, r = len(problem.W0), len(problem.W0[0]), len(problem.A0)
        sizes = {"n": n, "m": m, "r": r}
        sizes |= {name: draw.integer(1, self.largest) for name in self.others}
        if not self._fit(sizes):
            sizes = dict(draw.choice(self.fitting(n, m, r) or _rejected()))
        drawn = {k: f.draw(draw, sizes, fraction) for k, f in self.extra}
        return _within(problem.replace(**drawn), self.size, self.matrices)

    @property
    def others(self) -> list[str]:
        """The dimensions of the further fields that a problem does not have."""
        named = {d for _, f in self.extra for d in f.dimensions() if isinstance(d, str)}
        return sorted(named - {"n", "m", "r"})

    def fitting(self, n: int, m: int, r: int) -> list[Shape]:
        """The sizes at which a problem of this shape has every further field."""
        every = completed(self.extra, {"n": n, "m": m, "r": r}, range(1, self.largest + 1))
        return [sizes for sizes in every if self._fit(sizes)]

    def _fit(self, sizes: Shape) -> bool:
        return all(field.fits(sizes) for _, field in self.extra)

    def refuse_misfits(self) -> None:
        """Raise ``BadInput`` where a problem can have a shape that a further field does not fit."""
        square = self.loss == "trace-squared" or getattr(self.loss, "is_square", False)
        for n, m, r in itertools.product(range(1, self.largest + 1), repeat=3):
            if (n == m or not square) and not self.fitting(n, m, r):
                words = ", ".join(name for name, f in self.extra if f.dimensions())
                raise BadInput(
                    f"{words}: expected fields that a problem of every shape has, W0 (n x m) and "
                    f"A0 (r x m); none fit n = {n}, m = {m}, r = {r}. Take other dimensions, or "
                    "draw all matrices with instances_of and its conditions"
                )

    def admits(self, instance: Instance) -> bool:
        """Whether the further fields are what their words say; ``size`` is no condition."""
        return any(hold(self.extra, instance, sizes) for sizes in self._sizes(instance))

    def misfit(self, instance: Instance) -> str:
        """What of an instance that is not admitted is not what the words say."""
        return misfit(self.extra, instance, list(self._sizes(instance)))

    def _sizes(self, instance: Instance) -> Iterator[Shape]:
        """The sizes of all dimensions at which the further fields have their sides."""
        sides = {"n": len(instance.W0), "m": len(instance.W0[0]), "r": len(instance.A0)}
        found = bound(self.extra, instance, sides)
        every = range(1, self.largest + 1)
        return iter(()) if found is None else completed(self.extra, found, every)

    @property
    def matrices(self) -> tuple[str, ...]:
        """The matrices that ``size`` bounds."""
        others = (name for name, field in self.extra if isinstance(field, MatrixField))
        return ("W0", "Y", "A0", "B0", *others)

    def _problem(self, draw: Draw, regime: str) -> Instance:
        if isinstance(self.loss, str):
            return lora_problem(draw, regime, loss=self.loss, largest=self.largest)
        like = "trace-squared" if self.loss.is_square else "frobenius"
        drawn = lora_problem(draw, regime, loss=like, largest=self.largest)
        kept = {key: value for key, value in drawn.fields if key not in ("loss", "Y")}
        return Instance(regimes=drawn.regimes, loss=self.loss.name, **kept)


def _rejected() -> Any:
    raise Rejected


def _within(problem: Instance, size: Fraction | None, names: Sequence[str]) -> Instance:
    """The problem with each matrix halved until its entries are at most ``size``: ranks stay."""
    if size is None:
        return problem
    halved = {}
    for name in names:
        if name in problem:
            rows, factor = getattr(problem, name), Fraction(1)
            peak = max(abs(x) for row in rows for x in row)
            while peak * factor > size:
                factor /= 2
            halved[name] = [[x * factor for x in row] for row in rows]
    return problem.replace(**halved)


def lora_problems(
    *,
    loss: Any = "frobenius",
    regimes: Sequence[str] = USUAL,
    largest: int = 3,
    size: Any = None,
    dependent: str = "",
    **extra: str,
) -> Instances:
    """LoRA problems: W0 (n x m), A0 (r x m), B0 (n x r), and what the loss needs, such as Y.

    ``loss`` is a name among ``strategies.LOSSES`` or a loss of your own, whose matrices are drawn
    beside the problem. ``extra`` fields are said in words as in ``instances_of``, in the dimensions
    n, m and r of the problem: ``h="number in (0, 1/4]"``, ``X="m x k"``. ``regimes`` are among
    ``strategies.REGIMES``. No dimension but r is above ``largest``; with ``size`` every matrix is
    halved until its entries are at most that, which keeps flows quick to follow. ``size`` and
    ``largest`` say how problems are drawn and are no conditions: a search for a counterexample may
    take larger entries, and a bound that the claim needs is an assumption; with ``dependent``, a
    sentence that says why, it changes what is drawn alone. The words of ``extra`` are conditions.
    Raises ``BadInput`` for anything else, and for ``extra`` that no problem of some shape has.

    >>> from lora_proofs.strategies import SeededDraw
    >>> INSTANCES = lora_problems(h="number in (0, 1]")
    >>> list(INSTANCES.draw(SeededDraw.keyed(0), "zero B0"))
    ['loss', 'W0', 'Y', 'A0', 'B0', 'h']
    """
    if isinstance(loss, str) and loss not in LOSSES:
        raise BadInput(
            f"loss: expected one of {', '.join(LOSSES)} or a loss of yours; got {loss!r}"
        )
    if not isinstance(loss, str) and not hasattr(loss, "fields"):
        raise BadInput(f"loss: expected a name or a loss made by `losses`; got {loss!r}")
    needed = {} if isinstance(loss, str) else loss.fields()
    read = read_fields({**needed, **extra})
    for name in extra:
        if name in ("loss", "W0", "A0", "B0", *needed):
            raise BadInput(f"{name}: the problem has a field of this name; choose another one")
    if isinstance(largest, bool) or not isinstance(largest, int) or largest < 1:
        raise BadInput(f"largest: expected a whole number from 1 on; got {largest!r}")
    most = None if size is None else rational(size)
    if most is not None and most <= 0:
        raise BadInput(f"size: expected a bound on the entries above 0; got {size!r}")
    drawer = Problems(loss, read, largest, most)
    drawer.refuse_misfits()
    return Instances(drawer, chosen(regimes, REGIMES), dependent, drawer.admits)
