"""A time from which the limit of a flow is certain: floats nominate it, balls confirm.

Two things are looked for: a loss surely below the second smallest critical value, and, later, a
state from which the gradient inequality of ``convergence`` bounds the rate and the way left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, log
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic import BallArithmetic, squared_norm
from lora_proofs.arithmetic.context import Matrix, Scalar, object_matrix
from lora_proofs.errors import ToleranceNotMet, Unavailable
from lora_proofs.mathematics.frobenius_riccati import frobenius_riccati_closed_form
from lora_proofs.solving.convergence import Convergence, as_floats, can_converge, convergence
from lora_proofs.solving.flow_field import FlowField, lora_field
from lora_proofs.solving.invariant_block import InvariantBlock
from lora_proofs.solving.plain import PlainStart, has_exact_start
from lora_proofs.solving.problem import Problem, rows

Progress = Callable[[Fraction], None] | None
DOUBLINGS = 12
MORE_DOUBLINGS = 3
CLOSED_DOUBLINGS = 24
RETRIES = 2
CLEARLY = 0.9
NOISE = 1e-8
MOST_SHARED = 80
LONGEST = 400
"""The largest time, in units of that of the fastest mode, at which a rate is looked for."""
NEAR = 1e-6
DIGITS = 15
FINER_DIGITS = 30


@dataclass(frozen=True, eq=False)
class Seen:
    """The flow at a time, in balls: the factors of the plain flow, and the loss of the block."""

    time: Fraction
    A: Matrix
    B: Matrix
    loss: Scalar


@dataclass(frozen=True, eq=False)
class Watch:
    """The flow of a block, and how it is enclosed: in closed form for one rank index."""

    problem: Problem
    start: PlainStart
    progress: Progress = None

    @property
    def closed(self) -> bool:
        """Whether the matrix Riccati solution is the flow itself."""
        return len(self.start.A) == 1 and has_exact_start(self.problem)

    def at(self, t: Fraction, digits: int) -> Seen:
        """The enclosure at a time; ``ToleranceNotMet`` or ``Unavailable`` where it is too far."""
        if self.progress is not None:
            self.progress(t)
        p, ctx = self.problem, BallArithmetic(digits)
        if not self.closed:
            end = self._field.enclosure(t, digits=digits, progress=self.progress)
            with ctx.working():
                return Seen(t, *self.start.there(end.A, end.B, ctx), end.loss)
        clock = self.start.clock * flint.fmpq(t.numerator, t.denominator)
        end = frobenius_riccati_closed_form(p.W0, p.Y, self.start.A, self.start.B, clock, ctx)
        with ctx.working():
            return Seen(t, end.A, end.B, p.f.value(end.W, ctx))

    @property
    def _field(self) -> FlowField:
        p = self.problem
        return lora_field(p.f, rows(p.W0), rows(p.A0), rows(p.B0), **p.rates)

    @property
    def slow(self) -> float:
        """The rate at which a mode leaves 0, nearly: ||Y - W0||_2 in the time of the plain flow."""
        norm = np.linalg.norm((self.problem.Y - self.problem.W0).astype(float), 2)
        return float(norm) * _middle(self.start.clock)

    @property
    def speed(self) -> float:
        """The rate of the fastest mode, nearly: the error's, or that of a start of full size."""
        factors = sum(np.linalg.norm(as_floats(X), 2) ** 2 for X in (self.start.A, self.start.B))
        fastest = max(self.slow, float(factors) * _middle(self.start.clock))
        if not 0 < fastest < float("inf"):
            raise OverflowError
        return fastest

    @property
    def first_time(self) -> Fraction:
        """A time in which little happens: an eighth of the fastest mode's, as a power of 2."""
        return Fraction(2) ** (-3 - int(np.ceil(np.log2(self.speed))))

    @property
    def doublings(self) -> int:
        """How often a time may double: till the slow modes have moved, where steps reach so far."""
        stiffness = np.log2(max(self.speed / max(self.slow, 1e-300), 1.0))
        return DOUBLINGS + min(MORE_DOUBLINGS, int(np.ceil(stiffness)))

    def nominated(self, times: list[Fraction], tolerance: float) -> Iterator[Any]:
        """The plain flow in floats at rising times, each from the last, as far as floats reach."""
        f, W0, clock = self.problem.f, rows(self.problem.W0), Fraction(_middle(self.start.clock))
        now, A, B = Fraction(0), as_floats(self.start.A), as_floats(self.start.B)
        for t in times:
            try:
                field, span = lora_field(f, W0, A, B), (t - now) * clock
                end = field.float64(span, tolerance=tolerance, estimated=False)
            except ToleranceNotMet:
                return
            now, A, B = t, end.A, end.B
            yield end


def below(watch: Watch, least: Scalar, second: Scalar) -> tuple[Seen | None, float, str]:
    """A state whose loss is surely below ``second``; else how low it came, and what stopped it."""
    lacking = _digits_between(least, second)
    times, seen = _candidates(watch, _middle(least), _middle(second), lacking or 0)
    if lacking is None:
        return None, seen, f"the two smallest critical values share over {MOST_SHARED} digits"
    why = ""
    for t in times:
        try:
            state = watch.at(t, (30 if watch.closed else DIGITS) + lacking)
        except (ToleranceNotMet, Unavailable) as error:
            why = str(error)
            break
        if state.loss < second:
            return state, seen, ""
        seen = _middle(state.loss)
    return None, seen, why


def _middle(x: Any) -> float:
    return float(flint.arb(x).mid())


def _digits_between(least: Scalar, second: Scalar) -> int | None:
    """How many digits two values share beyond what floats tell apart; ``None`` for too many."""
    apart = flint.arb(second - least) / (1 + abs(flint.arb(second)))
    if not apart > 0:
        return None
    shared = max(0, ceil(-float(apart.log().mid()) / log(10)) - 8)
    return shared if shared <= MOST_SHARED else None


def _candidates(
    watch: Watch, least: float, second: float, lacking: int
) -> tuple[list[Fraction], float]:
    """Doubling times: all of them in closed form, elsewhere from the one that floats nominate on.

    Floats leave a saddle by rounding, so the flow itself may need longer; so it does where the two
    values share many digits.
    """
    first, seen = watch.first_time, float("nan")
    if watch.closed:
        return [first * 2**k for k in range(CLOSED_DOUBLINGS)], seen
    times, tries = (
        [first * 2**k for k in range(watch.doublings)],
        RETRIES + 1 + (3 if lacking else 0),
    )
    enough = max(least + CLEARLY * (second - least), least + NOISE * (1 + abs(least)))
    for t, end in zip(times, watch.nominated(times, 1e-9), strict=False):
        seen = float(end.loss)
        if seen < enough:
            return [t * 2**k for k in range(tries)], seen
    return [], seen


def landing(
    watch: Watch, block: InvariantBlock, least: Scalar, after: Fraction, ctx: BallArithmetic
) -> tuple[Seen, Convergence] | None:
    """A state from which the gradient inequality holds, at ``after`` or later.

    ``least`` is the least loss of the block and its rank, with what is beside it. The state is one
    that leaves a way below ``NEAR`` where floats nominate such a one in time.
    """
    if not can_converge(block):
        return None
    for t in _landings(watch, block, _middle(least), after):
        try:
            state = watch.at(t, FINER_DIGITS)
        except (ToleranceNotMet, Unavailable):
            return None
        with ctx.working():
            end = convergence(block, state.A, state.B, state.loss - least, ctx)
        if end is not None:
            return state, end
    return None


def _landings(watch: Watch, block: InvariantBlock, least: float, after: Fraction) -> list[Fraction]:
    """The first time that floats find near enough, or that of the least way left; and twice it."""
    longest = Fraction(LONGEST) / Fraction(watch.speed) * 2 ** (watch.doublings - DOUBLINGS)
    powers = [after * 2**k for k in range(watch.doublings)]
    times = [s for t in powers for s in (t, t * Fraction(3, 2)) if s <= max(longest, after)]
    ctx, best = BallArithmetic(30), None
    for t, end in zip(times, watch.nominated(times, 1e-12), strict=False):
        with ctx.working():
            A, B = as_balls(end.A), as_balls(end.B)
            gap = _gap(watch, A, B, least)
            found = convergence(block, A, B, gap, ctx)
        if found is not None and (best is None or found.radius < best[1]):
            best = (t, found.radius)
            if found.radius < NEAR:
                break
    return [] if best is None else [best[0], 2 * best[0]]


def as_balls(X: Any) -> Matrix:
    """A float matrix as balls of radius 0."""
    return object_matrix(X, lambda x: flint.arb(float(x)))


def _gap(watch: Watch, A: Matrix, B: Matrix, least: float) -> Scalar:
    """How far the loss is above its limit in floats, whose noise is added."""
    rest = watch.problem.Y - watch.problem.W0 - B @ A
    noise = 1e-13 * max(1.0, abs(least))
    return (squared_norm(rest) / 2 - flint.arb(least)).max(flint.arb(noise))
