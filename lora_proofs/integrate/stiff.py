"""Stiff flows to any number of digits: Radau IIA collocation with as many stages as digits ask for.

After a transient of rate 10^7 a flow is smooth, and its singularities in complex time are about as
far as the transient is past; explicit steps would stay short for ever, while these grow with the
time. A step solves for a polynomial of high degree: residuals have all digits, corrections come
from one float64 factorisation of the linearised system and gain some eight digits each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, inf, log2
from typing import Any

import flint
import numpy as np

from lora_proofs.integrate.block_solve import BlockFactors
from lora_proofs.integrate.hull import Hull
from lora_proofs.integrate.linearise import Linearisation
from lora_proofs.integrate.radau import Radau, legendre, radau_rule
from lora_proofs.integrate.series import Series, evaluate_series, log2_size
from lora_proofs.integrate.steps import check_step
from lora_proofs.integrate.tape import Tape
from lora_proofs.mathematics.words import Loss

MAX_CORRECTIONS = 40
Array = Any
State = dict[Any, Any]


def stages_for(digits: int) -> int:
    """The number of stages that costs least: fewer make more steps, more make dearer ones."""
    return max(4, ceil(0.8 * digits))


class NoConvergence(Exception):
    """A step whose corrections do not shrink: it has to be shorter."""


@dataclass(frozen=True, eq=False)
class Step:
    """A polynomial on [now, now + h] by its Legendre coefficients, one row per degree."""

    h: Fraction
    values: flint.arb_mat  # at the nodes, a row per stage
    coefficients: flint.arb_mat

    def at(self, places: list[flint.arb]) -> flint.arb_mat:
        """Values at places of [-1, 1], or beyond its right end."""
        table = [legendre(self.coefficients.nrows() - 1, x) for x in places]
        return (flint.arb_mat(table) * self.coefficients).mid()

    def tail(self) -> float:
        """log2 of the last two coefficients, relative to the largest value (or to 1)."""
        rows, n = self.coefficients.entries(), self.coefficients.ncols()
        scale = max(0.0, log2_size(rows[:n]), log2_size(self.values.entries()))
        return log2_size(rows[-2 * n :]) - scale


@dataclass
class Collocation:
    """Steps of a tape from state to state; ``h`` is the length to try next."""

    tape: Tape
    hull: Hull  # in balls: only free entries are solved for
    values: Mapping[Any, Any]  # constants as balls
    digits: int
    bits: int
    h: Fraction = Fraction(0)
    steps: int = 0
    last: Step | None = None
    history: list[tuple[float, float]] = field(default_factory=list)  # log2 of h and of the tail

    def __post_init__(self) -> None:
        """Lay the state out as one row of numbers."""
        self.rule: Radau = radau_rule(stages_for(self.digits), self.bits)
        self.series = Series(self.tape, self.values)
        self.slopes = self.hull.slopes()
        constants = {k: v if isinstance(k, Loss) else _single(v) for k, v in self.values.items()}
        self.linear = Linearisation(self.tape, self.hull.layout, constants)

    def begin(self, coefficients: Mapping[Any, list[Any]], h: Fraction) -> None:
        """Take the first guess from a Taylor polynomial that is good up to h."""
        self.h, self.guess_from = h, coefficients

    def advance(self, state: State, now: Fraction, end: Fraction) -> tuple[State, Fraction]:
        """One accepted step, at most to ``end``: the new state and its time."""
        start = self.hull.restrict(state)
        while True:
            h = min(self.h, end - now)
            check_step(h, now, end)
            try:
                with np.errstate(all="ignore"):  # what overflows is refused as not finite
                    step = self._solve(start, h, self._guess(h))
            except NoConvergence:
                self.h = h / 2
                continue
            tail = step.tail() + self.digits * log2(10)
            self._choose(h, tail, cut=h < self.h)
            if tail <= 3:
                break
        self.last, self.steps = step, self.steps + 1
        return self._state(step.values.tolist()[-1]), now + h

    def _choose(self, h: Fraction, tail: float, *, cut: bool) -> None:
        """The next length: the tail goes like h^s, and its trend is carried on."""
        size = log2(h)
        power = self.rule.stages
        ahead = -(tail + 1) / power
        if tail <= 3 and self.history:
            before, was = self.history[-1]
            ahead += min(max(size - before + (was - tail) / power, 0.0), 0.6)
        ahead = min(max(ahead, -2.0 if tail > 3 else -0.5), 2.0)
        if tail <= 3:
            self.history.append((size, tail))
            if cut and ahead < log2(self.h / h):
                return
        self.h = dyadic(size + ahead)

    def _guess(self, h: Fraction) -> flint.arb_mat:
        """Values at the nodes of the next step, from the polynomial of the last one."""
        if self.last is not None:
            ratio = ball(h / self.last.h)
            return self.last.at([1 + (1 + x) * ratio for x in self.rule.nodes])
        rows = []
        for x in self.rule.nodes:
            s = (1 + x) / 2 * ball(h)
            state = {k: evaluate_series(c, s) for k, c in self.guess_from.items()}
            rows.append(self.hull.restrict(state))
        return flint.arb_mat(rows).mid()

    def _solve(self, start: list[Any], h: Fraction, guess: flint.arb_mat) -> Step:
        """Newton's method for Y = y0 + h (integral F(Y)); only the residual needs all digits."""
        rule, Y, length = self.rule, guess, ball(h)
        base = flint.arb_mat([start] * rule.stages)
        factors, before = None, inf
        scale = max(0.0, log2_size(Y.entries()))
        target = scale - (self.digits + 3) * log2(10)
        for _ in range(MAX_CORRECTIONS):
            residual = base + (rule.integral * self._rates(Y)) * length - Y
            right, exponent = _scaled(residual)
            if factors is None:
                factors = self._factors(Y, float(h))
            change = factors.solve(right.ravel()).reshape(right.shape)
            if not np.isfinite(change).all():
                raise NoConvergence
            Y = (Y + _balls(change, exponent)).mid()
            largest = np.abs(change).max()
            size = log2(largest) + exponent if largest else -inf
            if size <= target or (before < inf and 2 * size - before <= target):
                return self._step(start, h, Y)
            if size > before - 1 and before < inf:
                raise NoConvergence
            if size > before - 8 or size > scale - 12:
                factors = None
            before = size
        raise NoConvergence

    def _step(self, start: list[Any], h: Fraction, Y: flint.arb_mat) -> Step:
        points = flint.arb_mat([start, *Y.tolist()])
        return Step(h, Y, (self.rule.series * points).mid())

    def _factors(self, Y: flint.arb_mat, h: float) -> BlockFactors:
        """The matrix I - h A (x) J_j of the stages, factored."""
        s, n = self.rule.stages, len(self.hull.free)
        whole = _single(flint.arb_mat([self.hull.expand(row) for row in Y.tolist()]))
        jacobians = self.linear.jacobians(whole)[:, self.hull.free, :] @ self.slopes
        matrix = np.einsum("ij,jab->iajb", -h * self.rule.single, jacobians).reshape(s * n, s * n)
        matrix[np.diag_indices(s * n)] += 1
        try:
            return BlockFactors(matrix)
        except np.linalg.LinAlgError:
            raise NoConvergence from None

    def _rates(self, Y: flint.arb_mat) -> flint.arb_mat:
        rows = []
        for row in Y.tolist():
            found = self.series.flow(self._state(row), 1)
            rows.append(self.hull.restrict({symbol: c[1] for symbol, c in found.items()}))
        return flint.arb_mat(rows).mid()

    def _state(self, free: list[Any]) -> State:
        return self.hull.layout.state(self.hull.expand(free))


def dyadic(exponent: float) -> Fraction:
    """A number with few bits near 2^exponent, from below."""
    whole = int(np.floor(exponent))
    return Fraction(int(2 ** (exponent - whole) * 256), 256) * Fraction(2) ** whole


def ball(x: Fraction) -> flint.arb:
    """A fraction as a ball."""
    return flint.arb(flint.fmpq(x.numerator, x.denominator))


def _single(X: Any) -> Any:
    if not isinstance(X, flint.arb_mat):
        return float(X.mid())
    return np.array([float(x) for x in X.entries()]).reshape(X.nrows(), X.ncols())


def _scaled(X: flint.arb_mat) -> tuple[Array, int]:
    """A float array and a power of two: together a matrix that floats might not reach."""
    size = log2_size(X.mid().entries())
    exponent = 0 if size == -inf else int(size)
    factor = flint.arb(2) ** -exponent
    return _single(X.mid() * factor), exponent


def _balls(X: Array, exponent: int) -> flint.arb_mat:
    factor = flint.arb(2) ** exponent
    return flint.arb_mat([[flint.arb(x) * factor for x in row] for row in X.tolist()])
