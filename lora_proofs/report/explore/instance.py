"""The instance of a setting in float64: E = U diag(sigma) V', and the start of the factors.

Directions are drawn from the seed, so that equal settings give equal pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lora_proofs.report.explore.setting import Setting

Array = Any
WIDE = 1.5
"""B0 of an aligned start beside A0: not balanced, and on the way to the limit."""


@dataclass(frozen=True, eq=False)
class Built:
    """E (or the weight whose trace is trained away), its directions, and the start.

    ``E`` n x m with singular vectors ``U``, ``V`` and ``sigma``; A0 (r x m), B0 (n x r); ``kept``
    are the indices of the directions that an aligned start sees, or ``None``.
    """

    setting: Setting
    E: Array
    U: Array
    V: Array
    sigma: Array
    A0: Array
    B0: Array
    kept: tuple[int, ...] | None

    @property
    def traced(self) -> bool:
        """Whether the loss is 1/2 (tr W)^2."""
        return self.setting.loss == "trace-squared"


def built(setting: Setting) -> Built:
    """The arrays of a setting.

    >>> x = built(Setting(n=3, m=2, r=1, start="spectral"))
    >>> x.A0.shape, x.B0.shape, x.kept
    ((1, 2), (3, 1), (0,))
    """
    n, m, k = setting.n, setting.width, setting.most
    draw = np.random.default_rng(setting.seed)
    V = _orthonormal(draw, m, m)
    # The trace of a positive semidefinite weight is the sum of its values.
    U = V if setting.loss == "trace-squared" else _orthonormal(draw, n, n)
    sigma = np.array(setting.sigma)
    E = (U[:, :k] * sigma) @ V[:, :k].T
    A0, B0, kept = _start(setting, U, V, draw)
    return Built(setting, E, U, V, sigma, A0, B0, kept)


def _orthonormal(draw: Any, rows: int, columns: int) -> Array:
    return np.linalg.qr(draw.standard_normal((rows, columns)))[0]


def _start(s: Setting, U: Array, V: Array, draw: Any) -> tuple[Array, Array, Any]:
    n, m, r = s.n, s.width, s.r
    nothing = np.zeros((n, r))
    if s.start == "orthonormal":
        return s.size * _orthonormal(draw, m, m)[:, :r].T, nothing, None
    if s.start in ("gaussian", "general"):
        # Drawn as one large matrix: rank r + 1 has the rows of rank r and one more.
        A0 = s.size * draw.standard_normal((m, m))[:r] / np.sqrt(m)
        B0 = s.size * draw.standard_normal((n, n))[:, :r] / np.sqrt(n)
        return A0, B0 if s.start == "general" else nothing, None
    kept = tuple(range(s.most - r, s.most)) if s.start == "wrong" else tuple(range(r))
    A0 = s.size * V[:, list(kept)].T
    along = {"aligned": 1 / WIDE, "saddle": -1.0}.get(s.start, 0.0)
    side = U if s.loss == "frobenius" else -V
    return A0, along * s.size * side[:, list(kept)], kept
