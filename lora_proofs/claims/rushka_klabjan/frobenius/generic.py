"""Starts without an exact linear obstruction, and where their flows end as far as it is shown.

The limit comes from a closed form, from an exact invariance, or from an enclosed loss below the
second smallest critical value. Where none of them tells, a start stays undecided; it is not drawn
again.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    BallArithmetic,
    Comparison,
    below,
    equal,
    squared_norm,
)
from lora_proofs.arithmetic.context import Matrix
from lora_proofs.arithmetic.leaning import remembered
from lora_proofs.errors import Unavailable
from lora_proofs.mathematics.frobenius_riccati import balance, riccati_matrix
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.matrices import (
    best_rank_squared_error,
    leading_projector,
    squared_singular_values,
)
from lora_proofs.solving.invariant_block import InvariantBlock, invariant_block
from lora_proofs.solving.limit import Limit, least_loss
from lora_proofs.solving.limit_frobenius import frobenius_end
from lora_proofs.solving.problem import Problem
from lora_proofs.strategies.draw import Draw, Rejected, quarter, ratio
from lora_proofs.strategies.matrices import full_rank_matrix, orthogonal_matrix
from lora_proofs.strategies.spectra import spectrum, with_singular_values

REGIMES = ("r = 1", "not square", "zero singular values", "r = min(n, m)", "tie across r", "r = 2")
BALL = BallArithmetic(30)


def draw_start(source: Draw, regime: str, *, zero_B: bool) -> Instance:
    """A problem without an exact linear obstruction, whatever its flow does."""
    n, m = {"not square": (3, 2), "tie across r": (3, 3), "r = 2": (3, 3)}.get(regime, (2, 2))
    r = 2 if regime in ("r = min(n, m)", "tie across r", "r = 2") else 1
    kind = {"tie across r": "tied", "zero singular values": "with zeros"}.get(regime, "distinct")
    values = _values(source, min(n, m), kind)
    E = with_singular_values(source, n, m, values, dyadic=kind == "tied")
    A0 = full_rank_matrix(source, r, m, entry=_small)
    B0 = EXACT.zeros(n, r) if zero_B else full_rank_matrix(source, n, r, entry=_small)
    problem = Instance(regimes=(regime,), W0=EXACT.zeros(n, m), Y=E, A0=A0, B0=B0)
    if not all(c.outcome == "holds" for c in unobstructed(problem, BALL)):
        raise Rejected("an exact invariance holds the start back")
    return problem


def _small(source: Draw) -> Fraction:
    return quarter(source, size=1)


def _values(source: Draw, size: int, kind: str) -> tuple[Any, ...]:
    values = spectrum(source, size, "distinct" if kind == "tied" else kind)
    if kind == "tied":
        return (*values[:-1], values[-2])
    if kind == "with zeros":
        return (values[0] or Fraction(1), *(0 for _ in values[1:]))
    return values


def block_of(problem: Instance) -> InvariantBlock:
    """What the flow sees of the problem by its exact linear invariances."""
    x = problem.lift(EXACT)
    return invariant_block(x.Y - x.W0, x.A0, x.B0)


def unobstructed(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """No exact linear invariance hides a part of E or a rank index, and the indices meet."""
    block, r = block_of(instance), len(instance.A0)
    yield equal("rank of [B0; A0'] against r", EXACT.number(block.rank), EXACT.number(r))
    yield equal("squared norm of what the flow never sees of E", block.rest, EXACT.number(0))
    yield equal("rank of T -> (TG - GT)", EXACT.number(commuted(instance)), r * (r + 1) // 2 - 1)
    if r == 1:
        yield below("0 < ||P [B0; A0']||^2", 0, squared_norm(on_leading(instance, ctx)))


def commuted(instance: Instance) -> int:
    """The rank of T -> (TG - GT) on symmetric T, over all G = Z'M^i Z and Z'JM^i Z of the start.

    Here Z = [B0; A0'], M = [[0, E], [E', 0]] and J = diag(I, -I), with JM = -MJ. Its kernel holds
    the multiples of I. If it holds an orthogonal projection T besides, then Z1 = ZT and
    Z2 = Z(I - T) have Z1'wZ2 = 0 for every word w in M and J. As Z' = MZ - 1/2 (ZZ'Z - JZZ'JZ),
    all of that stays so: both move on their own, each to the best rank of what it sees, which need
    not be the best for both together.
    """
    x = instance.lift(EXACT)
    E, Z = x.Y - x.W0, np.concatenate([x.B0, x.A0.mT])
    (n, m), r = E.shape, len(x.A0)
    seen, grams = Z, []
    for _ in range(n + m):
        grams += [Z.mT @ seen, np.concatenate([Z[:n], -Z[n:]]).mT @ seen]
        seen = np.concatenate([E @ seen[n:], E.mT @ seen[:n]])
    rows = []
    for i in range(r):
        for j in range(i + 1):
            T = EXACT.zeros(r, r)
            T[i, j] = T[j, i] = EXACT.number(1)
            rows.append(np.concatenate([(T @ G - G @ T).ravel() for G in grams]))
    return int(EXACT.rank(np.stack(rows)))


def on_leading(instance: Instance, ctx: Arithmetic) -> Matrix:
    """The part of Z0 = [B0; A0'] on the leading eigenvectors of F, where r = 1.

    One rank index has Z(t) in the direction of e^{Ft} Z0, so a part that is 0 stays 0.
    """
    x = instance.lift(EXACT)
    E = x.Y - x.W0
    F = riccati_matrix(E, balance(x.A0, x.B0))
    # Shifted to be positive definite: then leading singular vectors are leading eigenvectors.
    shift = 1 + sum(abs(entry) for entry in F.flat)
    leading = squared_singular_values(E, EXACT)[0][1]
    P = leading_projector(F + shift * EXACT.identity(len(F)), leading, ctx)
    with ctx.working():
        return P @ ctx.matrix(np.concatenate([x.B0, x.A0.mT]))


@remembered(64)
def limit_of(instance: Instance) -> Limit:
    """Where the flow of an instance ends."""
    x, one = instance.lift(EXACT), Fraction(1)
    problem = Problem(
        "frobenius", x.W0, x.Y, x.A0, x.B0, "lora", "flow", one, one, one, "inf", True, one, 0
    )
    return frobenius_end(problem, BALL)


def least_in_the_limit(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The limit of the loss is the least loss of its rank."""
    end = limit_of(instance)
    if end.loss is None:
        raise Unavailable(f"the limit of the loss ({'; '.join(end.reasons)})", ctx.name)
    least = least_loss(EXACT.matrix(instance.Y), len(instance.A0), BALL)
    yield equal("limit of the loss against the least loss of its rank", end.loss, least)


def one_rank_more(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The least loss of rank r + 1 claimed to be reached with rank r."""
    end = limit_of(instance)
    if end.loss is None:
        raise Unavailable("the limit of the loss", ctx.name)
    claimed = best_rank_squared_error(EXACT.matrix(instance.Y), len(instance.A0) + 1, EXACT) / 2
    yield equal("limit of the loss against the least loss of rank r + 1", end.loss, claimed)


def rotated(source: Draw, regime: str, *, zero_B: bool) -> Instance:
    """A start in the span of one singular direction that is not the leading one, in any basis."""
    U, V = orthogonal_matrix(source, 2), orthogonal_matrix(source, 2)
    high, low = spectrum(source, 2)
    E = U @ EXACT.matrix([[high, 0], [0, low]]) @ V.mT
    A0 = EXACT.number(ratio(source, 1, 4, 2)) * V[:, [1]].mT
    B0 = EXACT.zeros(2, 1) if zero_B else EXACT.number(source.integer(1, 4)) * U[:, [1]]
    return Instance(regimes=(regime,), W0=[[0, 0], [0, 0]], Y=E, A0=A0, B0=B0)
