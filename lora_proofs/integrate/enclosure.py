"""Enclosures that surely hold: a piecewise polynomial, its exact defect, and Gronwall's lemma.

On a step of length tau let y~ be a polynomial (the Taylor polynomial, but nothing rests on
that). The error e = y - y~ satisfies e' = F(y~ + e) - F(y~) - (y~' - F(y~)), hence
|e|' <= mu |e| + delta while |e| <= rho, where delta bounds the defect y~' - F(y~) on the step and
mu the logarithmic norm of F on the tube of radius rho around y~. So |e| stays below
(|e(0)| + delta tau) e^{max(mu, 0) tau}, and where that is below rho the tube is never left.
A ball of one radius is carried, so nothing wraps; working precision pays for the growth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import ceil
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.ball import BallArithmetic
from lora_proofs.errors import BadInput, ToleranceNotMet
from lora_proofs.integrate.majorant import Majorant, lipschitz, majorants
from lora_proofs.integrate.series import Series, ball_value, entries, evaluate_series, log2_size
from lora_proofs.integrate.steps import check_step, order_for, step_size
from lora_proofs.integrate.tanh_model import StepTooLong, TanhModel
from lora_proofs.integrate.tape import Tape, compile_words, fixed_nodes, run
from lora_proofs.integrate.trajectory import Trajectory, checked_times
from lora_proofs.mathematics.evaluate import evaluate
from lora_proofs.mathematics.words import Loss, Word

MAX_STEPS = 5_000
MAX_ATTEMPTS = 6
GROWTH = "growth"


def enclose_flow(
    field: Mapping[Any, Word],
    values: Mapping[Any, Any],
    t: Any,
    *,
    digits: int = 30,
    growth: Word | None = None,
    observables: Mapping[str, Word] | None = None,
) -> Any:
    """A rigorous enclosure of the flow at time t (a list of them for a list of times).

    ``field`` and ``values`` are as in ``taylor_flow``; entries come back as balls. ``digits`` is
    the accuracy aimed at. ``growth`` is a matrix word whose operator norm bounds the logarithmic
    norm of the field: the caller answers for it (for the LoRA flow of a convex loss, with scale
    and rates 1, it is the gradient of f at W); without it a Lipschitz constant is used. Raises
    ``ToleranceNotMet`` where the flow blows up or precision runs out.

    >>> from lora_proofs.mathematics.words import Symbol
    >>> x = Symbol("x", 1, 1)
    >>> end = enclose_flow({x: -x}, {x: [[1]]}, 1, digits=20)
    >>> bool(end["x"][0, 0].overlaps(flint.arb(-1).exp())), end.rigorous
    (True, True)
    """
    if not isinstance(digits, int) or digits < 1:
        raise BadInput(f"digits: expected a positive whole number, got {digits!r}")
    times, single = checked_times(t)
    words = dict(field) if growth is None else {**field, GROWTH: growth}
    tape, short = compile_words(words, values, field), compile_words(field, values, field)
    working = digits + 6
    for _ in range(MAX_ATTEMPTS):
        with flint.ctx.workprec(int(3.33 * working) + 40):
            states = _Enclosure.of(tape, short, values, working).states(times)
            missing = max((_missing(s, digits) for s in states), default=0.0)
            if missing <= 0:
                found = [s.trajectory(values, observables or {}, working) for s in states]
                return found[0] if single else found
        working += ceil(missing) + 2
    raise ToleranceNotMet(
        f"enclosure: {digits} digits at t = {times[-1]} were not reached; the bound on the growth "
        "of errors is too large: ask for fewer digits or an earlier time"
    )


@dataclass(frozen=True, eq=False)
class _State:
    """Exact midpoints, and a radius that bounds the Euclidean distance to the flow."""

    time: Fraction
    middle: dict[Any, flint.arb_mat]
    radius: flint.arb
    steps: int

    def trajectory(
        self, values: Mapping[Any, Any], observables: Mapping[str, Word], digits: int
    ) -> Trajectory:
        """The enclosure entry by entry, and of the observables."""
        ctx = BallArithmetic(digits)
        here = {k: v if isinstance(k, Loss) else _array(ball_value(v)) for k, v in values.items()}
        spread = flint.arb(0, self.radius.upper())
        moved = {k: _array(X) + spread for k, X in self.middle.items()}
        here.update(moved)
        named = {symbol.name: X for symbol, X in moved.items()}
        named.update({name: evaluate(word, here, ctx) for name, word in observables.items()})
        return Trajectory(self.time, named, self.radius.upper(), True, "enclosure", self.steps)


def _missing(state: _State, digits: int) -> float:
    """Decimal digits that the radius lacks, relative to the largest entry (or to 1)."""
    size = max(0.0, max(log2_size(entries(X)) for X in state.middle.values()))
    return (log2_size([state.radius]) - size) / 3.3219 + digits


def _array(value: Any) -> Any:
    if not isinstance(value, flint.arb_mat):
        return value
    out = np.empty((value.nrows(), value.ncols()), dtype=object)
    out.reshape(-1)[:] = value.entries()
    return out


@dataclass(frozen=True, eq=False)
class _Enclosure:
    tape: Tape  # the field and the growth word
    short: Tape  # the field alone
    values: dict[Any, Any]  # balls: FLINT matrices for the series
    arrays: dict[Any, Any]  # the same as arrays, for polynomials
    known: dict[int, Any]
    digits: int

    @property
    def moving(self) -> tuple[Any, ...]:
        """The symbols that move."""
        return tuple(self.short.outputs)

    @classmethod
    def of(cls, tape: Tape, short: Tape, values: Mapping[Any, Any], digits: int) -> _Enclosure:
        balls = {k: v if isinstance(k, Loss) else ball_value(v) for k, v in values.items()}
        arrays = {k: _array(v) for k, v in balls.items()}
        known = fixed_nodes(tape, arrays, BallArithmetic(digits))
        return cls(tape, short, balls, arrays, known, digits)

    def states(self, times: list[Fraction]) -> list[_State]:
        """The states at the times."""
        start = {symbol: self.values[symbol] for symbol in self.moving}
        state = self._centred(Fraction(0), start, flint.arb(0), 0)
        found = []
        for time in times:
            while state.time < time:
                state = self._step(state, time)
            found.append(state)
        return found

    def _centred(
        self, time: Fraction, balls: Mapping[Any, Any], radius: flint.arb, steps: int
    ) -> _State:
        """Midpoints go on; what they leave out enters the radius."""
        off = sum((x.rad() ** 2 for X in balls.values() for x in entries(X)), flint.arb(0))
        middle = {symbol: X.mid() for symbol, X in balls.items()}
        return _State(time, middle, (radius + off.sqrt()).upper(), steps)

    def _step(self, state: _State, end: Fraction) -> _State:
        if state.steps >= MAX_STEPS:
            raise ToleranceNotMet(
                f"enclosure: no end after {MAX_STEPS} steps, at t = {float(state.time):.6g} of "
                f"{end}; the flow may blow up: ask for an earlier time"
            )
        series = Series(self.short, self.values).flow(state.middle, order_for(self.digits))
        middles = {symbol: [c.mid() for c in cs] for symbol, cs in series.items()}
        tau = min(end - state.time, step_size(middles, self.digits))
        check_step(tau, state.time, end)
        for _ in range(24):
            try:
                radius = self._radius(middles, tau, state.radius)
            except StepTooLong:
                tau *= Fraction(3, 4)
                continue
            ball = _ball(tau)
            at_end = {symbol: evaluate_series(cs, ball) for symbol, cs in middles.items()}
            return self._centred(state.time + tau, at_end, radius, state.steps + 1)
        raise ToleranceNotMet(
            f"enclosure: no step was accepted at t = {float(state.time):.6g} of {end}; the flow "
            "may blow up, or errors outgrow the precision: ask for an earlier time"
        )

    def _radius(self, middles: Mapping[Any, Any], tau: Fraction, before: flint.arb) -> flint.arb:
        """A bound of the error on the step, or ``StepTooLong``."""
        length = _ball(tau).upper()
        polynomials = {symbol: _polynomials(cs) for symbol, cs in middles.items()}
        models = {
            k: TanhModel(v, length, order_for(self.digits)) if isinstance(k, Loss) else v
            for k, v in self.arrays.items()
        }
        ctx = BallArithmetic(self.digits)
        rates = run(self.tape, {**models, **polynomials}, ctx, self.known)
        defect = _norm_on_step([_defect(polynomials[s], rates[s]) for s in self.moving], length)
        # A coarse step would cost more digits than a short one: Taylor's own remainder is met.
        if defect * length > 1000 * flint.arb(10) ** -self.digits * (1 + self._largest(middles)):
            raise StepTooLong
        reached = (before + defect * length).upper()
        sizes = {s: _norm_on_step([polynomials[s]], length) for s in self.moving}
        return self._closed(sizes, rates.get(GROWTH), reached, length)

    @staticmethod
    def _largest(middles: Mapping[Any, Any]) -> flint.arb:
        sizes = (x.abs_upper() for cs in middles.values() for x in entries(cs[0]))
        return reduce(flint.arb.max, sizes, flint.arb(0))

    def _closed(
        self, sizes: Mapping[Any, Any], growth: Any, reached: flint.arb, length: flint.arb
    ) -> flint.arb:
        """Find a tube that the bound on the error does not leave."""
        tube = 2 * reached
        for _ in range(6):
            radii = {s: size + tube for s, size in sizes.items()}
            found = majorants(self.tape, radii, self.known, self.values)
            rate = self._growth(found, growth, tube, length)
            radius = (reached * (rate * length).exp()).upper()
            # Strictly inside: by continuity the error can then never reach the wall.
            if radius < tube or radius == 0:
                return radius
            if not radius < 1:
                break
            tube = 2 * radius
        raise StepTooLong

    def _growth(
        self, found: Mapping[Any, Majorant], growth: Any, tube: flint.arb, length: flint.arb
    ) -> flint.arb:
        """A bound, 0 or more, of the logarithmic norm of the field on the tube."""
        if growth is None:
            return lipschitz(found, self.moving)
        return (_norm_on_step([growth], length) + lipschitz(found, [GROWTH]) * tube).upper()


def _ball(x: Fraction) -> flint.arb:
    return flint.arb(flint.fmpq(x.numerator, x.denominator))


def _polynomials(coefficients: list[Any]) -> Any:
    """A series of exact matrices as an array of polynomials."""
    first = coefficients[0]
    columns = zip(*(entries(c) for c in coefficients), strict=True)
    out = np.empty((first.nrows(), first.ncols()), dtype=object)
    out.reshape(-1)[:] = [flint.arb_poly(list(column)) for column in columns]
    return out


def _defect(polynomials: Any, rates: Any) -> Any:
    slopes = np.empty(polynomials.shape, dtype=object)
    slopes.reshape(-1)[:] = [p.derivative() for p in polynomials.flat]
    return slopes - rates


def _norm_on_step(matrices: list[Any], length: flint.arb) -> flint.arb:
    """A bound on [0, length] of the Frobenius norm of matrices of polynomials, stacked."""
    total = flint.arb(0)
    for matrix in matrices:
        for entry in matrix.flat:
            total = total + _bound_on_step(entry, length) ** 2
    return total.sqrt().upper()


def _bound_on_step(entry: Any, length: flint.arb) -> flint.arb:
    """sum_k |c_k| length^k."""
    if not isinstance(entry, flint.arb_poly):
        return flint.arb(entry).abs_upper()
    sizes = flint.arb_poly([c.abs_upper() for c in entry.coeffs()])
    return flint.arb(sizes(length)).upper()
