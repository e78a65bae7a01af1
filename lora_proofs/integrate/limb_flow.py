"""Polynomial flows to many digits by Taylor steps in limbs, and how far they are from the truth.

A step ends at y1 with a defect: h y'(h) of its polynomial is not h F(y1). It has all errors of the
step in it, of truncation and of rounding. What comes of order p grows like t^p, so its integral
over the step, which is the error that the step adds, is 1/(p + 1) of the value at the end;
MARGIN times that is counted. What is added at time s has grown by exp(int_s^t mu) at t,
where mu, the largest eigenvalue of the symmetric part of the Jacobian, is taken in float64 at
both ends and the middle of each step, and the largest of the three stands for all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, inf, log
from typing import Any

import flint
import numpy as np

from lora_proofs.errors import ToleranceNotMet
from lora_proofs.integrate.hull import Hull
from lora_proofs.integrate.limb_series import (
    SHIFT,
    Form,
    LimbSeries,
    radius,
    slope,
    total,
    whole,
)
from lora_proofs.integrate.limbs import Unfit, split
from lora_proofs.integrate.linearise import Linearisation
from lora_proofs.integrate.refine import Reached
from lora_proofs.integrate.series import Series, midpoint
from lora_proofs.integrate.steps import MAX_STEPS, check_step, step_size
from lora_proofs.integrate.tape import Tape

Array = Any
Progress = Callable[[Fraction], None]
LARGEST_STATE = 200
"""Entries up to which eigenvalues of the Jacobian cost less than a second run."""
MOST_GROWTH = 15 * log(10)
"""Growth of errors up to which the bound is used; above it runs are compared."""
MARGIN = 8.0
LONGEST = 2**10
"""The largest radius of convergence that is made use of."""
LOOSE = 2.0**12
"""How far the last coefficients may exceed the state before a step is made again, shorter."""


@dataclass
class _Step:
    """What is kept of a step: its length, log2 of the error made, float states at three places."""

    h: Fraction
    made: float
    places: Array


@dataclass
class LimbRun:
    """One run with errors near 10^-digits in each step; ``most`` steps at most, as expected."""

    tape: Tape
    hull: Hull
    balls: Mapping[Any, Any]
    digits: int
    most: int
    progress: Progress | None
    steps: list[_Step] = field(default_factory=list)

    def reach(self, times: list[Fraction]) -> list[Reached]:
        """The states at the times, each with log2 of a bound of its error where there is one.

        Raises ``Unfit`` where entries outgrow the limbs, or more steps are to come than ``most``.
        """
        state = {symbol: midpoint(self.balls[symbol]) for symbol in self.tape.outputs}
        self.form = Form.of(self.tape, ceil(self.digits * log(10, 2)))
        layout = self.hull.layout
        values = Series(self.tape, self.balls).at(state)
        fixed = {i: values[i] for i, node in enumerate(self.tape.nodes) if node.fixed}
        self._check([float(x) for x in layout.row(state)])
        for value in fixed.values():
            self._check(np.ravel(np.array(_floats(value))))
        self.series = LimbSeries(self.tape, layout, self.form, fixed)
        self.start = self._limbs(layout.row(state))
        self.R = self._first_radius(state)
        now, found = Fraction(0), []
        for time in times:
            while now < time:
                now = self._step(now, time, times[-1])
                if self.progress is not None:
                    self.progress(now)
            found.append((time, len(self.steps), self._state()))
        errors = self._errors()
        return [Reached(t, X, "taylor", count, errors[count]) for t, count, X in found]

    def _step(self, now: Fraction, time: Fraction, end: Fraction) -> Fraction:
        h = min(_dyadic(self.R / 2**SHIFT), time - now)
        while True:
            check_step(h, now, end)
            if len(self.steps) + (end - now) / h > self.most:
                raise Unfit
            with np.errstate(all="ignore"):  # a radius that is far too large may overflow
                y, first = self.series.expand(self.start, h * 2**SHIFT)
            floats = y.sum(axis=1)
            scale = max(1.0, float(np.abs(floats[0]).max()))
            if self.steps and self.steps[-1].made == inf:
                self._weigh(first)
            if np.abs(floats).max() <= LOOSE * scale:
                break
            h = h / 2
        self._check(np.abs(floats).max(keepdims=True).ravel())
        self._keep(y, floats, h)
        if len(self.steps) > MAX_STEPS:
            raise ToleranceNotMet(
                f"no end after {MAX_STEPS} steps, at t = {float(now):.6g} of {end}; the flow may "
                "blow up: ask for an earlier time"
            )
        self._check([self.series.nodes.largest])
        self.R = Fraction(min(radius(y, scale) * float(h) * 2**SHIFT, LONGEST))
        return now + h

    def _keep(self, y: Array, floats: Array, h: Fraction) -> None:
        """End a step: the state, the slope of the polynomial there, and what is sampled of it."""
        reached = end = total(y, self.form)
        if self.hull.relations:
            end = self._put_back(reached)
        shifts = zip(whole(end, self.form), whole(reached, self.form), strict=True)
        self.shift = sum((a - b) ** 2 for a, b in shifts)
        self.slope = whole(slope(y, self.form), self.form)
        middle = (0.5 ** ((SHIFT + 1) * np.arange(len(floats)))) @ floats
        places = np.stack([floats[0], middle, end.sum(axis=0)])
        self.start = end
        self.steps.append(_Step(h, inf, places))

    def _weigh(self, first: Array) -> None:
        """The defect of the last step, from the rate at its end."""
        step = self.steps[-1]
        rate = whole(first, self.form)
        a, b = step.h.numerator, step.h.denominator
        gaps = [abs(s - r * a // b) + 1 for s, r in zip(self.slope, rate, strict=True)]
        size = sum(g * g for g in gaps)
        part = min(1.0, MARGIN / (self.form.order + 1))
        made = max(_log2(size) / 2 + log(part, 2), _log2(self.shift + 1) / 2 + 1)
        made -= self.form.places
        step.made = float(np.logaddexp2(made, self._blind(step)))

    def _blind(self, step: _Step) -> float:
        """log2 of errors of rates that a defect does not show: constants and products cut off."""
        sums = self.hull.layout.size * self.form.limbs[0] * (1 + float(np.abs(step.places).max()))
        return log(float(step.h) * sums, 2) - self.form.places + self.form.beta

    def _errors(self) -> list[float]:
        """log2 of a bound of the error after 0, 1, 2, ... steps; infinite where growth is large."""
        if self.steps:
            self._weigh(self.series.rate(self.start))
        rates = self._rates()
        start = -float(self.form.places) + log(self.hull.layout.size, 2) / 2
        found, error, growth = [start], start, 0.0
        for step, rate in zip(self.steps, rates, strict=True):
            h = float(step.h)
            growth += rate * h
            error = np.logaddexp2(error + rate * h / log(2), step.made + max(rate, 0) * h / log(2))
            found.append(float(error) if growth <= MOST_GROWTH else inf)
        return found

    def _rates(self) -> Array:
        """The largest of mu at the ends and in the middle of every step."""
        size = self.hull.layout.size
        if not self.steps or size > LARGEST_STATE:
            return np.full(len(self.steps), inf)
        points = np.concatenate([step.places for step in self.steps])
        values = {k: v if hasattr(v, "gradient") else _floats(v) for k, v in self.balls.items()}
        line = Linearisation(self.tape, self.hull.layout, values)
        found = []
        for chunk in np.array_split(points, ceil(len(points) * size**2 / 2**20)):
            J = line.jacobians(chunk)
            found.append(np.linalg.eigvalsh((J + J.mT) / 2)[:, -1])
        return np.concatenate(found).reshape(-1, 3).max(axis=1)

    # States in limbs, and out of them ----------------------------------------------------------

    def _limbs(self, row: list[Any]) -> Array:
        scale = flint.arb(2) ** self.form.places
        half = flint.arb(0.5)
        numbers = [int((x * scale + half).mid().floor().unique_fmpz()) for x in row]
        return split(numbers, self.form.beta, self.form.limbs[0])

    def _row(self, limbs: Array) -> list[Any]:
        unit = flint.arb(2) ** -self.form.places
        return [(flint.arb(x) * unit).mid() for x in whole(limbs, self.form)]

    def _state(self) -> dict[Any, Any]:
        return self.hull.layout.state(self._row(self.start))

    def _put_back(self, limbs: Array) -> Array:
        state = self.hull.layout.state(self._row(limbs))
        return self._limbs(self.hull.layout.row(self.hull.put_back(state)))

    def _first_radius(self, state: dict[Any, Any]) -> Fraction:
        with flint.ctx.workprec(64):
            series = Series(self.tape, self.balls)
            rough = {symbol: X * 1 for symbol, X in state.items()}
            return min(step_size(series.flow(rough, 32), 0), Fraction(LONGEST))

    def _check(self, numbers: Any) -> None:
        """Whole parts have to stay in one limb, and their squares and sums too."""
        largest = max((abs(x) for x in numbers), default=0.0)
        if not largest < 2.0 ** (self.form.beta - 2):
            raise Unfit


def _floats(value: Any) -> Any:
    if isinstance(value, flint.arb_mat):
        return np.array([[float(x) for x in row] for row in value.tolist()])
    return np.float64(float(value))


def _log2(x: int) -> float:
    bits = max(x.bit_length() - 60, 0)
    return log(x >> bits, 2) + bits


def _dyadic(h: Fraction) -> Fraction:
    """h rounded down to eight binary digits."""
    shift = h.numerator.bit_length() - h.denominator.bit_length() - 8
    return Fraction(int(h / Fraction(2) ** shift)) * Fraction(2) ** shift
