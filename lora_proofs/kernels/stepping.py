"""Dormand-Prince 8(5,3) over a batch: each instance has its own step size and leaves when done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lora_proofs.kernels.layouts import InstanceFirst, InstanceLast
from lora_proofs.kernels.result import OK, STUCK, TOO_MANY_STEPS
from lora_proofs.mathematics.dormand_prince import ERROR_3, ERROR_5, STAGES, WEIGHTS

Array = Any
STABLE = 6.0  # the interval of absolute stability; beyond it errors of the last steps stay
ROWS = 11  # the state and ten slopes: the second to fifth slope share two rows
STATE, SLOPE = 2, 3  # the rows of the state and of its slope
FEW = 400  # products of a slope, up to which vector operations over the batch beat BLAS
WORKING_SET = 4 << 20  # bytes of rows: larger chunks miss the cache, smaller ones pay in calls
SAFETY, TRAIL = 0.95, 1 / 16  # a step follows SAFETY error^(-3/32) (error before)^TRAIL
LEAST_TRAIL = 1e-4**TRAIL
ACCEPTED = 8.0  # tolerances; with this trail the errors of most steps stay below one


def _row_of(stage: int) -> int:
    """The row that keeps the slope of a stage (from 1); a slope is overwritten once unused."""
    return {1: SLOPE, 2: 1, 3: 0, 4: 1, 5: 0}.get(stage, stage - 2)


def _weights(values: tuple[float, ...], state: float) -> tuple[Array, slice]:
    """The weights of rows that follow each other, and which these are."""
    row = np.zeros(ROWS)
    row[STATE] = state
    for stage, weight in enumerate(values, start=1):
        if weight:
            row[_row_of(stage)] = weight
    used = np.flatnonzero(row)
    where = slice(int(used[0]), int(used[-1]) + 1)
    return row[where].copy(), where


STAGE_WEIGHTS = tuple(_weights(values, 1.0) for values in STAGES)
LAST_WEIGHTS = (_weights(WEIGHTS, 1.0), _weights(ERROR_5, 0.0), _weights(ERROR_3, 0.0))
STAGE_ROWS = tuple(_row_of(stage) for stage in range(2, len(STAGES) + 2))
SPENT = _row_of(5)  # a row that is free after the last stage


@dataclass(eq=False)
class Flows:
    """N flows in singular coordinates: what is given, and the state as it moves.

    ``state`` (N, s) holds b' (r, n), then a' (r, m); ``sigma`` is (N, k), ``D`` (N, r, r), ``left``
    (N,) the time to go and ``tolerance`` (N,) the error of one step, relative to the norm of the
    state. ``recent`` (N,) is what the last steps may have lost, by the estimate of order 5, halved
    with every step; ``path`` (N,) the integral of the squared norm of the state over the time that
    has passed; ``trail`` (N,) the error of the last step that counted, 1e-4 at least, to the power
    ``TRAIL``.
    """

    state: Array
    sigma: Array
    D: Array
    left: Array
    tolerance: Array
    shape: tuple[int, int, int]
    reason: Array
    h: Array = None
    steps: Array = None
    recent: Array = None
    path: Array = None
    trail: Array = None


def integrate(flows: Flows, most_steps: int) -> None:
    """Move every state to the end of its time, in place; the chunk is refilled as instances end."""
    n, m, r = flows.shape
    flows.h, flows.steps = np.zeros_like(flows.left), np.zeros_like(flows.reason)
    flows.recent, flows.path = np.zeros_like(flows.left), np.zeros_like(flows.left)
    flows.trail = np.ones_like(flows.left)
    layout = InstanceLast if (n + m) * r**2 <= FEW else InstanceFirst
    width = (n + m) * r
    capacity = max(8, WORKING_SET // (8 * width * (ROWS + 4)))
    waiting = np.flatnonzero((flows.left > 0) & (flows.reason == OK))
    active = waiting[:0]
    with np.errstate(all="ignore"):
        while len(active) or len(waiting):
            new, waiting = np.split(waiting, [capacity - len(active)])
            active = np.concatenate([active, new])
            chunk = Chunk(flows, active, new, layout)
            chunk.run(
                most_steps, until=len(active) * 3 // 4 if len(waiting) or len(active) > 8 else 0
            )
            chunk.store()
            active = active[(flows.left[active] > 0) & (flows.reason[active] == OK)]


class Chunk:
    """The instances that move together, in one contiguous table of rows."""

    def __init__(self, flows: Flows, active: Array, new: Array, layout: Any) -> None:
        self.flows, self.active = flows, active
        states = flows.state[active]
        self.field = layout(flows.shape, flows.sigma[active], flows.D[active])
        self.rows, self.last = np.empty((ROWS, states.size)), np.empty((3, states.size))
        self.stage = np.empty(states.size)
        self.row_views = [self.field.views(row) for row in self.rows]
        self.last_views = [self.field.views(row) for row in self.last]
        self.stage_views = self.field.views(self.stage)
        self.sums = [
            (weights, self.rows[used], self.row_views[row])
            for (weights, used), row in zip(STAGE_WEIGHTS, STAGE_ROWS, strict=True)
        ]
        self.last_sums = [
            (weights, self.rows[used], row)
            for (weights, used), row in zip(LAST_WEIGHTS, self.last, strict=True)
        ]
        self.rows[STATE] = self.field.row(states)
        state, slope = self.row_views[STATE], self.row_views[SLOPE]
        self.left, self.tolerance = flows.left[active], flows.tolerance[active]
        self.square = self.field.inner(state, state)
        flows.h[new] = np.minimum(flows.tolerance[new] ** 0.125, flows.left[new])
        self.h = flows.h[active]
        self.field.set_steps(self.h)
        self.field.slopes(state, slope)
        self.growth = self.field.inner(state, slope)
        self.recent, self.path = flows.recent[active], flows.path[active]
        self.trail = flows.trail[active]
        self.steps = np.zeros(len(active), dtype=np.int64)
        self.reason = flows.reason[active]

    def run(self, most_steps: int, until: int) -> None:
        """Step until no more than ``until`` instances are left."""
        spent = self.flows.steps[self.active]
        while True:
            self.step()
            moving = (self.left > 0) & (self.reason == OK)
            self.reason[moving & (spent + self.steps >= most_steps)] = TOO_MANY_STEPS
            self.reason[moving & (self.h < 1e-13 * self.left)] = STUCK
            if np.count_nonzero((self.left > 0) & (self.reason == OK)) <= until:
                return

    def step(self) -> None:
        """One step of every instance; it counts where its error is small enough."""
        field, spent = self.field, self.row_views[SPENT]
        field.set_steps(self.h)
        for weights, used, target in self.sums:
            np.dot(weights, used, out=self.stage)
            field.slopes(self.stage_views, target)
        for weights, used, row in self.last_sums:
            np.dot(weights, used, out=row)
        field.slopes(self.last_views[0], spent)
        slow_enough = STABLE / np.maximum(field.stiffness(), 1e-300)
        square, fifth, third = (field.inner(x, x) for x in self.last_views)
        size = (ACCEPTED * self.tolerance) ** 2 * np.maximum(self.square, square)
        # Roots before the product, which may overflow: a step that explodes would count.
        error = fifth / (np.sqrt(fifth + 0.01 * third) * np.sqrt(size) + 1e-150)
        error = np.where(np.isfinite(square), error, np.inf)
        accept = error <= 1
        self._measure(accept, square, np.sqrt(fifth))
        self._take(accept, self._next_steps(accept, error, slow_enough))

    def _measure(self, accept: Array, square: Array, lost: Array) -> None:
        """What a step adds to the path, by Hermite's rule, and to what the last steps lost."""
        growth = self.field.inner(self.last_views[0], self.row_views[SPENT])
        added = self.h * ((self.square + square) / 2 + (self.growth - growth) / 6)
        np.add(self.path, added, out=self.path, where=accept)
        lost = np.where(self.h > 0, self.recent / 2 + lost, self.recent)
        for mine, new in ((self.recent, lost), (self.square, square), (self.growth, growth)):
            np.copyto(mine, new, where=accept)

    def _next_steps(self, accept: Array, error: Array, slow_enough: Array) -> Array:
        """Sets the step sizes, and returns how they change: (N,)."""
        power = np.maximum(error, 1e-12) ** (TRAIL / 2)
        trail = power * power
        factor = SAFETY / np.where(accept, power * trail / self.trail, trail * trail)
        np.copyto(self.trail, np.maximum(trail, LEAST_TRAIL), where=accept)
        # What was refused may have exploded: how fast it is there says nothing of where it started.
        most = np.where(accept, np.minimum(slow_enough, 6.0), 1.0)
        factor = np.fmin(np.fmax(factor, 0.2), most)  # not a number: 0.2
        self.steps += self.h > 0
        left = self.left - np.where(accept, self.h, 0.0)
        h = np.minimum(self.h * factor, left)
        h = np.where((h < left) & (2 * h > left), left / 2, h)
        ratio: Array = h / np.where(self.h > 0, self.h, 1.0)
        self.growth *= ratio
        self.left, self.h = left, h
        return ratio

    def _take(self, accept: Array, ratio: Array) -> None:
        """The new states where they count, and everywhere slopes for the next step sizes."""
        (refused,), wide = np.nonzero(~accept), self.field.spread(ratio)
        for new, row in ((self.last_views[0], STATE), (self.row_views[SPENT], SLOPE)):
            for source, target in zip(new.blocks, self.row_views[row].blocks, strict=True):
                if len(refused):
                    source[:, refused] = target[:, refused]
                if row == SLOPE:
                    np.multiply(source, wide, out=target)
                else:
                    np.copyto(target, source)

    def store(self) -> None:
        """Write the states back."""
        flows, active = self.flows, self.active
        flows.state[active] = self.field.states(self.rows[STATE])
        flows.left[active], flows.h[active] = self.left, self.h
        flows.steps[active] += self.steps
        flows.recent[active], flows.path[active] = self.recent, self.path
        flows.trail[active] = self.trail
        flows.reason[active] = self.reason
