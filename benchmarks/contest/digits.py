"""Many digits: our Taylor series in limbs, heyoka's in extended precision, ``mpmath.odefun``."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np

from contest.measure import Solve, timed
from contest.problem import Batch, T, field


def ours(batch: Batch, digits: int, t: Fraction = Fraction(int(T))) -> Solve:
    """A run with its error bound; the words are read before."""
    flow = field(batch)
    flow.taylor(Fraction(1, 8), digits=10)
    return lambda: flow.taylor(t, digits=digits)


def heyoka(batch: Batch, digits: int) -> Any:
    """A run with no error estimate; what compiles the integrator is not timed."""
    import heyoka as hy

    (n, m, r), bits = batch.shape, int(np.ceil(digits * 3.3219)) + 8

    def real(x: float) -> Any:
        return hy.real(x, bits)

    E, A0 = batch.E[0], batch.A0[0]
    A = [[hy.make_vars(f"a{i}_{j}") for j in range(m)] for i in range(r)]
    B = [[hy.make_vars(f"b{i}_{j}") for j in range(r)] for i in range(n)]
    G = [
        [hy.sum([B[i][k] * A[k][j] for k in range(r)]) - real(float(E[i, j])) for j in range(m)]
        for i in range(n)
    ]
    rates = [
        (A[i][j], -hy.sum([B[k][i] * G[k][j] for k in range(n)]))
        for i in range(r)
        for j in range(m)
    ]
    rates += [
        (B[i][j], -hy.sum([G[i][k] * A[j][k] for k in range(m)]))
        for i in range(n)
        for j in range(r)
    ]
    start = np.array([real(float(x)) for x in A0.ravel()] + [real(0.0)] * (n * r))
    tolerance = hy.real(f"1e-{digits}", bits)
    ta = hy.taylor_adaptive(
        rates, start, fp_type=hy.real, prec=bits, compact_mode=True, tol=tolerance
    )

    def solve() -> Any:
        ta.time = real(0.0)
        ta.state[:] = start
        ta.propagate_until(real(T))
        return ta.state

    return solve


def gap(found: Any, state: Any) -> float:
    """The largest distance of A from that of heyoka's state."""
    ctx = mpmath.mp.clone()
    ctx.dps = 150
    pairs = zip(found.A.flat, state, strict=False)
    return float(max(abs(ctx.mpf(str(x)) - ctx.mpf(str(y).strip())) for x, y in pairs))


def odefun(batch: Batch, digits: int, t: Fraction) -> tuple[float, float]:
    """Seconds of ``mpmath.odefun`` up to t, and the largest distance of its A from ours."""
    ctx = mpmath.mp.clone()
    ctx.dps = digits
    n, m, r = batch.shape
    E = ctx.matrix(batch.E[0].tolist())

    def rate(_: Any, y: Any) -> list[Any]:
        A = ctx.matrix([y[i * m : (i + 1) * m] for i in range(r)])
        B = ctx.matrix([y[r * m + i * r : r * m + (i + 1) * r] for i in range(n)])
        G = E - B * A
        return [*(B.T * G), *(G * A.T)]

    start = [*(ctx.mpf(float(x)) for x in batch.A0[0].flat), *[ctx.mpf(0)] * (n * r)]
    kept: list[Any] = []
    end = ctx.mpf(t.numerator) / t.denominator
    seconds = timed(lambda: kept.append(ctx.odefun(rate, 0, start)(end)))
    return seconds, gap(ours(batch, digits, t)(), [str(x) for x in kept[0]])
