"""Enclosures that surely hold: a piecewise polynomial, its exact defect, and Gronwall's lemma.

On a step of length h let y~ be a polynomial (the Taylor polynomial up to rounding, but nothing
rests on that). The error e = y - y~ satisfies e' = F(y~ + e) - F(y~) - (y~' - F(y~)). By the mean
value theorem <e, F(y~ + e) - F(y~)> = <e, M e> with M the mean of the Jacobian over the segment
from y~ to y~ + e, so where mu(t) bounds the logarithmic norm on the tube of radius rho around
y~(t), and delta(t) the defect y~' - F(y~),

    |e|' <= mu |e| + delta  while |e| <= rho,  hence
    |e(h)| <= |e(0)| e^{int_0^h mu} + int_0^h delta(s) e^{int_s^h mu} ds.

mu may be negative: then old errors shrink. Inside the step |e| stays below
(|e(0)| + int delta) e^{int max(mu, 0)}, and where that is below rho the tube is never left. How mu
is bounded, in two ways, is in ``logarithmic_norm``, and how delta is in ``enclosure_step``. A ball
of one radius is carried, so nothing wraps; working precision pays for the growth, and a forecast
in floats says beforehand how much it has to be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, log
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.ball import BallArithmetic
from lora_proofs.arithmetic.exact import rational
from lora_proofs.errors import BadInput, NotUnderstood, ToleranceNotMet
from lora_proofs.integrate.adjoint import mean_value
from lora_proofs.integrate.enclosure_step import Path, Stepper, StepTooLong, as_ball
from lora_proofs.integrate.forecast import forecast
from lora_proofs.integrate.logarithmic_norm import BITS, GROWTH, Rates
from lora_proofs.integrate.norms import frobenius
from lora_proofs.integrate.series import Series, ball_value, entries, evaluate_series, log2_size
from lora_proofs.integrate.steps import check_step, enclosure_order, longest_step, step_size
from lora_proofs.integrate.tape import compile_words
from lora_proofs.integrate.trajectory import Trajectory, checked_times
from lora_proofs.mathematics.evaluate import evaluate
from lora_proofs.mathematics.literature import LOGARITHMIC_NORM, lean_on
from lora_proofs.mathematics.words import Loss, Word

MAX_STEPS = 5_000
MAX_ATTEMPTS = 6
LOOKED_AT = 200
LONGER = 8
"""How much longer steps may become after ``LOOKED_AT`` of them, in a guess of how many it takes."""
GUARD = 2
Progress = Callable[[Fraction], None] | None
BOUNDS = ("free", "sharp", "auto")


def enclose_flow(
    field: Mapping[Any, Word],
    values: Mapping[Any, Any],
    t: Any,
    *,
    digits: int = 30,
    growth: Word | None = None,
    bound: str = "auto",
    weights: Mapping[Any, Any] | None = None,
    observables: Mapping[str, Word] | None = None,
    progress: Progress = None,
) -> Any:
    """A rigorous enclosure of the flow at time t (a list of them for a list of times).

    ``field`` and ``values`` are as in ``taylor_flow``; entries come back as balls. ``digits`` is
    the accuracy aimed at. ``weights`` w_X > 0 set the norm |e|^2 = sum_X w_X ||e_X||_F^2 in which
    errors are bounded (default 1). ``growth`` is a word whose operator norm bounds the logarithmic
    norm of the field in that norm: the caller answers for it. ``bound`` is "free" (use it),
    "sharp" (the largest eigenvalue of the symmetric part of the Jacobian: slower steps, less
    growth) or "auto". ``progress`` hears the time that is reached, from 0 on in each attempt.
    Raises ``ToleranceNotMet`` where the flow blows up, precision runs out, or steps are too many.

    >>> from lora_proofs.mathematics.words import Symbol
    >>> x = Symbol("x", 1, 1)
    >>> end = enclose_flow({x: -x}, {x: [[1]]}, 1, digits=20)
    >>> bool(end["x"][0, 0].overlaps(flint.arb(-1).exp())), end.rigorous
    (True, True)
    """
    if not isinstance(digits, int) or digits < 1:
        raise BadInput(f"digits: expected a positive whole number, got {digits!r}")
    if bound not in BOUNDS or (bound == "free" and growth is None):
        hint = "; 'free' needs the word growth" if bound == "free" else ""
        raise BadInput(f"bound: expected one of {', '.join(BOUNDS)}, got {bound!r}{hint}")
    times, single = checked_times(t)
    lean_on(LOGARITHMIC_NORM)
    weight = {symbol: rational((weights or {}).get(symbol, 1)) for symbol in field}
    problem = _Problem(field, values, growth, weight, observables or {}, progress)
    found = _attempts(problem, times, digits, bound)
    return found[0] if single else found


@dataclass(frozen=True, eq=False)
class _Problem:
    field: Mapping[Any, Word]
    values: Mapping[Any, Any]
    growth: Word | None
    weights: Mapping[Any, Fraction]
    observables: Mapping[str, Word]
    progress: Progress = None

    def plan(self, end: Fraction, bound: str) -> tuple[str, float]:
        """The bound to use, and the decimal digits that errors are expected to gain by it."""
        if self.growth is not None and bound != "sharp":
            early = self._early(end)
            if early < CALM:
                return "free", early
        seen = forecast(self.field, self.values, end, self.growth, self.weights)
        if bound == "auto":
            dear = seen is None or seen.free is None or seen.free > seen.sharp + WORTH
            bound = "free" if self.growth is not None and not dear else "sharp"
        if seen is None:
            return bound, 0.0
        return bound, seen.sharp if bound == "sharp" or seen.free is None else seen.free

    def _early(self, end: Fraction) -> float:
        """Decimal digits of growth up to the end at the rate of the start, by the free bound."""
        with flint.ctx.workprec(BITS):
            engine = self.engine(1, "free")
            start = {symbol: engine.values[symbol] for symbol in self.field}
            return float(engine.stepper.growth_at(start) * as_ball(end)) / log(10)

    def engine(self, digits: int, bound: str) -> _Enclosure:
        """The enclosure at a working accuracy, at the precision in force."""
        words = dict(self.field)
        if bound == "free" and self.growth is not None:
            words[GROWTH] = self.growth
        tape = compile_words(words, self.values, self.field)
        short = compile_words(self.field, self.values, self.field)
        balls = {k: v if isinstance(k, Loss) else ball_value(v) for k, v in self.values.items()}
        scales = {s: as_ball(w).sqrt() for s, w in self.weights.items()}
        return _Enclosure(Stepper.of(tape, short, balls, scales, bound), balls, scales, digits)


WORTH = 8.0  # digits of growth that a Jacobian in every step is worth
CALM = 2.0  # digits of growth at which nothing is weighed


def _attempts(problem: _Problem, times: list[Fraction], digits: int, bound: str) -> Any:
    """Raise the working precision until the digits are there."""
    bound, gained = problem.plan(times[-1], bound)
    working = digits + GUARD + ceil(gained)
    for _ in range(MAX_ATTEMPTS):
        with flint.ctx.workprec(int(3.33 * working) + 24):
            try:
                engine = problem.engine(working, bound)
                states = engine.states(times, problem.progress)
                missing = max((_missing(s, digits) for s in states), default=0.0)
                if missing <= 0:
                    return [engine.trajectory(s, problem) for s in states]
            except Outgrown as lost:
                missing = lost.digits
        working += ceil(missing) + 2
    raise ToleranceNotMet(
        f"enclosure: {digits} digits at t = {times[-1]} were not reached; the bound on the growth "
        "of errors is too large: ask for fewer digits or an earlier time"
    )


class Outgrown(Exception):
    """Errors have grown to where nothing can be said; so many digits more may do."""

    def __init__(self, digits: float) -> None:
        super().__init__(digits)
        self.digits = digits


@dataclass(frozen=True, eq=False)
class _State:
    """Exact midpoints, and a radius that bounds the weighted distance to the flow."""

    time: Fraction
    middle: dict[Any, Any]
    radius: flint.arb
    steps: int
    growth: flint.arb  # bounds the logarithmic norm at the midpoints
    last: Fraction | None  # length of the step that led here


def _size(state: _State) -> float:
    """log2 of the largest entry, or of 1."""
    return max(0.0, max(log2_size(entries(X)) for X in state.middle.values()))


def _missing(state: _State, digits: int) -> float:
    """Decimal digits that the radius lacks, relative to the largest entry (or to 1)."""
    return (log2_size([state.radius]) - _size(state)) / 3.3219 + digits


@dataclass(frozen=True, eq=False)
class _Enclosure:
    stepper: Stepper
    values: Mapping[Any, Any]
    scales: Mapping[Any, Any]
    digits: int

    def states(self, times: list[Fraction], progress: Progress = None) -> list[_State]:
        """The states at the times."""
        start = {symbol: self.values[symbol] for symbol in self.scales}
        state = self._centred(Fraction(0), start, flint.arb(0), 0, None, None)
        found = []
        for time in times:
            while state.time < time:
                if progress is not None:
                    progress(state.time)
                _check_steps(state, times[-1])
                state = self._step(state, time)
            found.append(state)
        return found

    def _centred(
        self,
        time: Fraction,
        balls: Mapping[Any, Any],
        radius: flint.arb,
        steps: int,
        growth: flint.arb | None,
        last: Fraction | None,
    ) -> _State:
        """Midpoints go on; what they leave out enters the radius."""
        middle = {symbol: X.mid() for symbol, X in balls.items()}
        off = flint.arb(0)
        for symbol, X in balls.items():
            off = off + self.scales[symbol] * frobenius(X - middle[symbol])
        if growth is None:
            growth = self.stepper.growth_at(middle)
        return _State(time, middle, (radius + off).upper(), steps, growth, last)

    def _step(self, state: _State, end: Fraction) -> _State:
        path = self.stepper.path(state.middle, enclosure_order(self.digits))
        h = self._length(path, state, end)
        for _ in range(24):
            check_step(h, state.time, end)
            length = as_ball(h)
            at_end = {s: evaluate_series(cs, length) for s, cs in path.coefficients.items()}
            growth = self.stepper.growth_at(at_end)
            rates = Rates(state.growth, growth, path.sizes, path.order)
            try:
                radius = self.stepper.radius(path, rates, length, state.radius)
            except StepTooLong:
                h *= Fraction(1, 2)
                continue
            now, steps = state.time + h, state.steps + 1
            return self._centred(now, at_end, radius, steps, growth, h)
        raise self._stuck(state, end)

    def _length(self, path: Path, state: _State, end: Fraction) -> Fraction:
        """The longest step whose local error is below 10^-digits, relative to the state."""
        guess = state.last or step_size(path.coefficients, self.digits)
        target = flint.arb(2) ** int(_size(state)) * flint.arb(10) ** -self.digits
        h = min(end - state.time, longest_step(path.local, target, guess))
        while path.reach is not None and not as_ball(h) <= path.reach:
            h = h / 2
        return h

    def _stuck(self, state: _State, end: Fraction) -> Exception:
        missing = _missing(state, self.digits)
        if missing > self.digits / 2:
            return Outgrown(missing * float(end / max(state.time, end / 100)))
        return ToleranceNotMet(
            f"enclosure: no step was accepted at t = {float(state.time):.6g} of {end}; the flow "
            "may blow up, or errors outgrow the precision: ask for an earlier time"
        )

    def trajectory(self, state: _State, problem: _Problem) -> Trajectory:
        """The enclosure entry by entry, and of the observables."""
        radii = {s: (state.radius / d).upper() for s, d in self.scales.items()}
        box = {s: _spread(X, radii[s]) for s, X in state.middle.items()}
        here = {k: v if isinstance(v, Loss) else _array(v) for k, v in self.values.items()}
        moved = {symbol: _array(X) for symbol, X in box.items()}
        here.update(moved)
        named = {symbol.name: X for symbol, X in moved.items()}
        ctx = BallArithmetic(self.digits)
        for name, word in problem.observables.items():
            naive = evaluate(word, here, ctx)
            named[name] = self._narrowed(name, word, naive, problem, state, box, radii)
        worst = max(radii.values(), key=float)
        return Trajectory(state.time, named, worst, True, "enclosure", state.steps)

    def _narrowed(
        self,
        name: str,
        word: Word,
        naive: Any,
        problem: _Problem,
        state: _State,
        box: Mapping[Any, Any],
        radii: Mapping[Any, flint.arb],
    ) -> Any:
        """An observable in balls, cut with its mean-value form where the tape has one."""
        try:
            tape = compile_words({name: word}, problem.values, problem.field)
        except NotUnderstood:
            return naive
        better = mean_value(tape, Series(tape, self.values), state.middle, box, radii)[name]
        if not isinstance(naive, np.ndarray):
            return naive.intersection(better[0])
        out = np.empty(naive.shape, dtype=object)
        pairs = zip(naive.flat, better, strict=True)
        out.reshape(-1)[:] = [x.intersection(y) for x, y in pairs]
        return out


def _check_steps(state: _State, end: Fraction) -> None:
    """Raise ``ToleranceNotMet`` where the steps are used up, or will be long before the end."""
    at = f"at t = {float(state.time):.6g} of {float(end):.6g}"
    if state.steps >= MAX_STEPS:
        raise ToleranceNotMet(
            f"enclosure: no end after {MAX_STEPS} steps, {at}; the flow may blow up: ask for an "
            "earlier time"
        )
    if state.steps == LOOKED_AT and state.last is not None:
        left = (MAX_STEPS - LOOKED_AT) * LONGER * state.last
        if state.time + left < end:
            raise ToleranceNotMet(
                f"enclosure: steps of length {float(state.last):.3g} {at}: more than {MAX_STEPS} "
                "of them would be needed; ask for an earlier time"
            )


def _spread(X: Any, radius: flint.arb) -> Any:
    """X with a radius added to each entry."""
    ball = flint.arb(0, radius)
    if not isinstance(X, flint.arb_mat):
        return X + ball
    return flint.arb_mat(X.nrows(), X.ncols(), [x + ball for x in X.entries()])


def _array(value: Any) -> Any:
    if not isinstance(value, flint.arb_mat):
        return value
    out = np.empty((value.nrows(), value.ncols()), dtype=object)
    out.reshape(-1)[:] = value.entries()
    return out
