"""The contestants in float64: our kernels, and the peers with a right-hand side written by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from contest.measure import Contestant, Solve
from contest.problem import Batch, T
from lora_proofs.errors import Unavailable
from lora_proofs.kernels import lora_flow
from lora_proofs.kernels.flow import LOOSEST

HEYOKA_LANES = 8


def kernels(note: Callable[[str], None]) -> list[Contestant]:
    """Both backends, with an error per instance and, as the peers, without one."""
    found = [_kernel("batched NumPy", "numpy")]
    compiled = _kernel("compiled", "compiled")
    try:
        compiled.make(Batch(np.eye(2)[None], np.ones((1, 1, 2))), 1e-6)()
        found.append(compiled)
    except Unavailable as error:
        note(f"compiled skipped: {error}")
    return [*found, *(_kernel(f"{x.name}, one run", x.backend, like=x) for x in found)]


@dataclass
class Kernel(Contestant):
    """A contestant of ours: with which backend, and whether it gives an error per instance."""

    backend: str = "numpy"


def _kernel(name: str, backend: str, like: Contestant | None = None) -> Kernel:
    def make(batch: Batch, tolerance: float) -> Solve:
        data = (0 * batch.E, batch.E, batch.A0, batch.B0, T)

        def solve() -> tuple[Any, Any]:
            end = lora_flow(
                *data, method="general", tolerance=tolerance, backend=backend, estimate=not like
            )
            return end.A, end.B

        return solve

    loosest = -math.log10(LOOSEST)
    return Kernel(name, make, like=like, backend=backend, loosest=loosest)


def scipy_loop() -> Contestant:
    from scipy.integrate import solve_ivp

    def make(batch: Batch, tolerance: float) -> Solve:
        n, m, r = batch.shape
        cut = r * m

        def one(E: Any, A0: Any) -> Any:
            def rate(_: float, y: Any) -> Any:
                A, B = y[:cut].reshape(r, m), y[cut:].reshape(n, r)
                G = E - B @ A
                return np.concatenate([(B.T @ G).ravel(), (G @ A.T).ravel()])

            start = np.concatenate([A0.ravel(), np.zeros(n * r)])
            end = solve_ivp(rate, (0, T), start, "DOP853", rtol=tolerance, atol=tolerance / 100)
            return end.y[:, -1]

        def solve() -> tuple[Any, Any]:
            y = np.stack([one(E, A0) for E, A0 in zip(batch.E, batch.A0, strict=True)])
            return y[:, :cut].reshape(-1, r, m), y[:, cut:].reshape(-1, n, r)

        return solve

    return Contestant("scipy DOP853, a loop", make, most=24)


def diffrax_vmap() -> Contestant:
    import diffrax
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def one(E: Any, A0: Any, tolerance: Any) -> Any:
        def rate(t: Any, y: Any, args: Any) -> Any:
            A, B = y
            G = E - B @ A
            return B.T @ G, G @ A.T

        control = diffrax.PIDController(rtol=tolerance, atol=tolerance / 100)
        start = (A0, jnp.zeros((E.shape[0], A0.shape[0])))
        end = diffrax.diffeqsolve(
            diffrax.ODETerm(rate), diffrax.Dopri8(), 0.0, T, None, start,
            stepsize_controller=control, max_steps=100_000,
            adjoint=diffrax.ForwardMode(),
            saveat=diffrax.SaveAt(t1=True),
        )  # fmt: skip
        return end.ys[0][0], end.ys[1][0]

    run = jax.jit(jax.vmap(one, in_axes=(0, 0, None)))

    def make(batch: Batch, tolerance: float) -> Solve:
        E, A0 = jnp.asarray(batch.E), jnp.asarray(batch.A0)

        def solve() -> tuple[Any, Any]:
            A, B = run(E, A0, tolerance)
            return np.asarray(A), np.asarray(B)

        return solve

    return Contestant("diffrax Dopri8, vmap, jit", make)


def torchdiffeq_batch() -> Contestant:
    import torch
    from torchdiffeq import odeint

    torch.set_num_threads(1)

    def make(batch: Batch, tolerance: float) -> Solve:
        E, A0, B0 = (torch.from_numpy(X) for X in (batch.E, batch.A0, batch.B0))
        times = torch.tensor([0.0, T], dtype=torch.float64)

        def rate(_: Any, y: Any) -> Any:
            A, B = y
            G = E - B @ A
            return B.mT @ G, G @ A.mT

        def solve() -> tuple[Any, Any]:
            with torch.no_grad():
                end = odeint(
                    rate, (A0, B0), times, rtol=tolerance, atol=tolerance / 100, method="dopri8"
                )
            return end[0][-1].numpy(), end[1][-1].numpy()

        return solve

    return Contestant("torchdiffeq dopri8, one batch", make)


def heyoka_batch(like: Contestant | None = None, lanes: int = HEYOKA_LANES) -> Contestant:
    """Batches of ``lanes`` instances; the integrator is compiled once per shape and tolerance.

    With ``like``, a contestant in compact mode, its twin that unrolls all and compiles for long.
    """
    compact = like is None
    integrator = cache(heyoka_integrator)

    def make(batch: Batch, tolerance: float) -> Solve:
        (n, m, r), cut = batch.shape, batch.shape[1] * batch.shape[2]
        ta = integrator(batch.shape, tolerance, compact, lanes)
        places = [np.arange(i, i + lanes) % len(batch) for i in range(0, len(batch), lanes)]

        def solve() -> tuple[Any, Any]:
            A, B = np.empty((len(batch), r, m)), np.empty((len(batch), n, r))
            for place in places:
                ta.pars[:] = batch.E[place].reshape(lanes, -1).T
                ta.state[:cut] = batch.A0[place].reshape(lanes, -1).T
                ta.state[cut:] = 0.0
                ta.set_time(0.0)
                ta.propagate_until(T)
                A[place] = ta.state[:cut].T.reshape(lanes, r, m)
                B[place] = ta.state[cut:].T.reshape(lanes, n, r)
            return A, B

        return solve

    name = f"heyoka, batches of {lanes}" if compact else "heyoka, compact_mode=False"
    return Contestant(name, make, most=96, grid=0.5, like=like)


def heyoka_integrator(
    shape: tuple[int, int, int], tolerance: float, compact: bool, lanes: int
) -> Any:
    import heyoka as hy

    n, m, r = shape
    A = [[hy.expression(f"a{i}_{j}") for j in range(m)] for i in range(r)]
    B = [[hy.expression(f"b{i}_{j}") for j in range(r)] for i in range(n)]
    G = [
        [hy.sum([*(B[i][k] * A[k][j] for k in range(r)), -hy.par[i * m + j]]) for j in range(m)]
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
    start, pars = np.zeros(((n + m) * r, lanes)), np.zeros((n * m, lanes))
    return hy.taylor_adaptive_batch(rates, start, pars=pars, tol=tolerance, compact_mode=compact)


def flops(batch: Batch, tolerance: float, estimate: bool = True) -> float:
    """What the NumPy kernel computes, per instance: steps x stages x products.

    A slope takes b'b (2 n r^2), b Q and a P (2 (n + m) r^2), S a and S'b; a step twelve of them,
    and the sums of stages. Both runs count where there are two; the SVD of E and of the product
    do not.
    """
    from lora_proofs.kernels.stepping import LAST_WEIGHTS, STAGE_WEIGHTS

    n, m, r = batch.shape
    data = (0 * batch.E, batch.E, batch.A0, batch.B0, T)
    end = lora_flow(*data, method="general", tolerance=tolerance, estimate=estimate)
    slope = 2 * n * r * r + 2 * (n + m) * r * r + 4 * min(n, m) * r
    rows = [weights for weights, _ in (*STAGE_WEIGHTS, *LAST_WEIGHTS)]
    sums = 2 * (n + m) * r * sum(np.count_nonzero(row) for row in rows)
    return float(np.mean(end.steps)) * (12 * slope + sums)
