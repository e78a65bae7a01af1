"""Adam, for many models at once: every model has its own learning rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass
class Adam:
    """Kingma & Ba's recursion with bias correction, in place.

    ``rate`` is a number, or an array that broadcasts against every parameter.

    >>> theta = np.array([1.0])
    >>> Adam(rate=0.1).update([theta], [np.array([5.0])])
    >>> round(float(theta[0]), 6)
    0.9
    """

    rate: Any
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    steps: int = 0
    first: list[Array] = field(default_factory=list)
    second: list[Array] = field(default_factory=list)

    def update(self, parameters: Sequence[Array], gradients: Sequence[Array]) -> None:
        """One step: theta -= rate * mhat / (sqrt(vhat) + epsilon)."""
        if not self.first:
            self.first = [np.zeros_like(theta) for theta in parameters]
            self.second = [np.zeros_like(theta) for theta in parameters]
        self.steps += 1
        bias1, bias2 = 1 - self.beta1**self.steps, 1 - self.beta2**self.steps
        moments = zip(parameters, gradients, self.first, self.second, strict=True)
        for theta, g, m, v in moments:
            m += (1 - self.beta1) * (g - m)
            v += (1 - self.beta2) * (g * g - v)
            theta -= self.rate / bias1 * m / (np.sqrt(v / bias2) + self.epsilon)
