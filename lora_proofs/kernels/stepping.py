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
WORKING_SET = 4 << 20  # bytes of rows: larger chunks miss the cache, smaller ones pay in calls


def _row_of(stage: int) -> int:
    """The row that keeps the slope of a stage (from 1); a slope is overwritten once unused."""
    return stage if stage <= 3 else stage - 2


def _weights(values: tuple[float, ...], state: float) -> Array:
    row = np.zeros(ROWS)
    row[0] = state
    for stage, weight in enumerate(values, start=1):
        if weight:
            row[_row_of(stage)] = weight
    return row


STAGE_WEIGHTS = tuple(
    (np.trim_zeros(_weights(values, 1.0), "b"), _row_of(stage))
    for stage, values in enumerate(STAGES, start=2)
)
LAST_WEIGHTS = np.array([_weights(WEIGHTS, 1.0), _weights(ERROR_5, 0.0), _weights(ERROR_3, 0.0)])


@dataclass(eq=False)
class Flows:
    """N flows in singular coordinates: what is given, and the state as it moves.

    ``state`` (N, s) holds b, then a; ``sigma`` (N, k), ``D`` (N, r, r), ``left`` (N,) the time to
    go and ``tolerance`` (N,) the error of one step, relative to the norm of the state. ``recent``
    (N,) is what the last steps may have lost, by the estimate of order 5, halved with every step.
    ``path`` (N,) is the integral of the squared norm of the state over the time that has passed.
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


def integrate(flows: Flows, most_steps: int) -> None:
    """Move every state to the end of its time, in place; the chunk is refilled as instances end."""
    n, m, r = flows.shape
    flows.h, flows.steps = np.zeros_like(flows.left), np.zeros_like(flows.reason)
    flows.recent, flows.path = np.zeros_like(flows.left), np.zeros_like(flows.left)
    layout = InstanceLast if r <= 3 else InstanceFirst
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
        self.rows[0] = self.field.row(states)
        self.left, self.tolerance = flows.left[active], flows.tolerance[active]
        self.square = self.field.inner(self.row_views[0], self.row_views[0])
        flows.h[new] = np.minimum(flows.tolerance[new] ** 0.125, flows.left[new])
        self.h = flows.h[active]
        self.field.set_steps(self.h)
        self.field.slopes(self.row_views[0], self.row_views[1])
        self.growth = self.field.inner(self.row_views[0], self.row_views[1])
        self.recent, self.path = flows.recent[active], flows.path[active]
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
        field, rows = self.field, self.rows
        field.set_steps(self.h)
        for weights, target in STAGE_WEIGHTS:
            np.dot(weights, rows[: len(weights)], out=self.stage)
            field.slopes(self.stage_views, self.row_views[target])
        np.dot(LAST_WEIGHTS, rows, out=self.last)
        field.slopes(self.last_views[0], self.row_views[2])
        slow_enough = STABLE / np.maximum(field.stiffness(), 1e-300)
        square, fifth, third = (field.inner(x, x) for x in self.last_views)
        size = self.tolerance**2 * np.maximum(self.square, square)
        error = fifth / np.sqrt((fifth + 0.01 * third) * size + 1e-300)
        factor = np.clip(0.9 * np.maximum(error, 1e-12) ** -0.125, 0.2, 6.0)
        factor = np.where(np.isfinite(factor), np.minimum(factor, slow_enough), 0.2)
        accept = error <= 1
        self._measure(accept, square, np.sqrt(fifth))
        self._take(accept)
        self._next_steps(accept, factor)

    def _measure(self, accept: Array, square: Array, lost: Array) -> None:
        """What a step adds to the path, by Hermite's rule, and to what the last steps lost."""
        growth = self.field.inner(self.last_views[0], self.row_views[2])
        added = self.h * ((self.square + square) / 2 + (self.growth - growth) / 6)
        np.add(self.path, added, out=self.path, where=accept)
        lost = np.where(self.h > 0, self.recent / 2 + lost, self.recent)
        for mine, new in ((self.recent, lost), (self.square, square), (self.growth, growth)):
            np.copyto(mine, new, where=accept)

    def _take(self, accept: Array) -> None:
        mask = self.field.spread(accept)
        for new, old in ((self.last_views[0], 0), (self.row_views[2], 1)):
            for source, target in zip(new.blocks, self.row_views[old].blocks, strict=True):
                np.copyto(target, source, where=mask)

    def _next_steps(self, accept: Array, factor: Array) -> None:
        self.steps += self.h > 0
        left = self.left - np.where(accept, self.h, 0.0)
        h = np.minimum(self.h * factor, left)
        h = np.where((h < left) & (2 * h > left), left / 2, h)
        ratio = h / np.where(self.h > 0, self.h, 1.0)
        self.growth *= ratio
        wide = self.field.spread(ratio)
        for block in self.row_views[1].blocks:
            np.multiply(block, wide, out=block)
        self.left, self.h = left, h

    def store(self) -> None:
        """Write the states back."""
        flows, active = self.flows, self.active
        flows.state[active] = self.field.states(self.rows[0])
        flows.left[active], flows.h[active] = self.left, self.h
        flows.steps[active] += self.steps
        flows.recent[active], flows.path[active] = self.recent, self.path
        flows.reason[active] = self.reason
