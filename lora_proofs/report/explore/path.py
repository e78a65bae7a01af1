"""The LoRA flow of an instance at a few times, by the batched kernels, with what is read off it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lora_proofs.errors import BadInput
from lora_proofs.kernels import lora_flow
from lora_proofs.report.explore.instance import Built

Array = Any
MOST_STEPS = 800
TOLERANCE = 1e-7


@dataclass(frozen=True, eq=False)
class Path:
    """Times (N,), W - W0 = BA (N, n, m), the factors where asked for, losses and singular values.

    It ends before the first time where the kernel failed, and then ``why`` says what it met.
    """

    t: Array
    BA: Array
    A: Array
    B: Array
    loss: Array
    values: Array
    error: float
    method: str
    why: str


def path(instance: Built, *, factors: bool = False) -> Path:
    """The flow from the start to the time of the setting.

    >>> from lora_proofs.report.explore.setting import Setting
    >>> from lora_proofs.report.explore.instance import built
    >>> p = path(built(Setting(t=2.0)))
    >>> bool(p.loss[-1] < p.loss[0]), p.why
    (True, '')
    """
    s = instance.setting
    t = np.linspace(0.0, s.t, _count(instance))
    N = len(t)
    A0, B0 = (np.broadcast_to(X, (N, *X.shape)).copy() for X in (instance.A0, instance.B0))
    W0 = instance.E if instance.traced else np.zeros_like(instance.E)
    Y = None if instance.traced else instance.E
    found = lora_flow(
        W0, Y, A0, B0, t, factors=factors, tolerance=TOLERANCE, most_steps=MOST_STEPS,
        backend="auto",
    )  # fmt: skip
    bad = np.flatnonzero(found.failed)
    end = int(bad[0]) if len(bad) else N
    if not end:
        raise BadInput(f"the flow: expected a start that can be computed, {found.why(0)}")
    A, B = (None if X is None else X[:end] for X in (found.A, found.B))
    W, error = found.W[:end], float(np.max(found.error[:end]))
    values, why = found.singular_values[:end], found.why(end) if end < N else ""
    loss = losses(instance, W)
    return Path(t[:end], W - W0, A, B, loss, values, error, found.method, why)


def losses(instance: Built, W: Array) -> Array:
    """The loss at each of the weights (N, n, m)."""
    if instance.traced:
        return np.trace(W, axis1=-2, axis2=-1) ** 2 / 2
    return np.sum((W - instance.E) ** 2, axis=(-2, -1)) / 2


def _count(instance: Built) -> int:
    """How many times: fewer where each costs more."""
    s = instance.setting
    if instance.traced:
        return 61
    cost = (s.n + s.width) * s.r
    return 49 if cost <= 100 else 33 if cost <= 400 else 25 if cost <= 700 else 7
