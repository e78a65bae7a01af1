"""Starts along singular directions of the residual: how they are drawn, and their exact limits.

E = Y - W0 = U Sigma V', A0 = Q diag(d) V_S', B0 = U_S diag(b) Q' with rational orthogonal U, V, Q
and a rational spectrum: in the frame of U, V, Q everything is diagonal, and exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    Comparison,
    at_least,
    at_most,
    equal,
    squared_norm,
)
from lora_proofs.claims.rushka_klabjan.frobenius.modes import Mode, a_little_more, nonzero
from lora_proofs.mathematics.decoupling import (
    DecoupledLimit,
    frobenius_decoupled_closed_form,
    frobenius_decoupled_limit,
)
from lora_proofs.mathematics.flows import lora_vector_field
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.matrices import dyadic_matrix, orthogonal_matrix

TIMES = (Fraction(1, 2), Fraction(2), Fraction(8))
Numbers = Sequence[Any]


def spectral_start(
    source: Draw,
    shape: tuple[int, int],
    values: Numbers,
    chosen: Sequence[int],
    d: Numbers,
    b: Numbers,
    *,
    rank: int | None = None,
) -> Instance:
    """A start along the singular directions ``chosen`` (from 0), with the bases as fields.

    ``rank`` above the number of directions adds rank indices whose row and column are 0.
    """
    n, m = shape
    r = len(chosen) if rank is None else rank
    U, V, Q = (orthogonal_matrix(source, k) for k in (n, m, r))
    W0 = dyadic_matrix(source, n, m)
    A, B = EXACT.zeros(r, m), EXACT.zeros(n, r)
    for k, i in enumerate(chosen):
        A[k, i], B[i, k] = EXACT.number(d[k]), EXACT.number(b[k])
    E = U @ diagonal(shape, values) @ V.mT
    fields = {"W0": W0, "Y": W0 + E, "A0": Q @ A @ V.mT, "B0": U @ B @ Q.mT}
    return Instance(**fields, U=U, V=V, Q=Q, sigma=[list(values)])


def diagonal(shape: tuple[int, int], values: Numbers) -> Any:
    """The matrix of a shape with these numbers on its diagonal, exactly."""
    X = EXACT.zeros(*shape)
    for i, value in enumerate(values):
        X[i, i] = EXACT.number(value)
    return X


def nonzeros(source: Draw, count: int) -> list[Fraction]:
    """So many fractions, none of them 0."""
    return [nonzero(source, size=2) for _ in range(count)]


@dataclass(frozen=True, eq=False)
class Frame:
    """A start in the frame of its singular directions: diagonal E, and factors to match."""

    E: Any
    A: Any
    B: Any
    U: Any
    V: Any

    @classmethod
    def of(cls, instance: Instance) -> Frame:
        """The instance seen along U, V and Q; all of it exact."""
        return _frame(instance)

    @cached_property
    def limit(self) -> DecoupledLimit:
        """The limit in this frame."""
        return frobenius_decoupled_limit(0 * self.E, self.E, self.A, self.B)

    def modes(self) -> Iterator[tuple[int, Mode]]:
        """Each diagonal place with its mode."""
        for i in range(min(self.E.shape)):
            yield i, Mode.of(self.E[i, i], self.A[:, i], self.B[i])

    def loss_at(self, t: Fraction, ctx: Arithmetic) -> Any:
        """The loss at time t from the closed form."""
        fields = (0 * self.E, self.E, self.A, self.B)
        end = frobenius_decoupled_closed_form(*fields, t, ctx)
        return squared_norm(end.W - ctx.matrix(self.E)) / 2

    def loss_bound(self, t: Fraction, ctx: Arithmetic) -> Any:
        """An upper bound of the loss at time t, which falls to the limit of the loss."""
        total = ctx.number(0)
        for _, mode in self.modes():
            kept = ctx.number(abs(mode.sigma - mode.limit))
            total = total + (kept + mode.distance_bound(t, ctx)) ** 2 / 2
        return total


@lru_cache(maxsize=8)
def _frame(instance: Instance) -> Frame:
    z = instance.lift(EXACT)
    U, V, Q = z.U, z.V, z.Q
    return Frame(U.mT @ (z.Y - z.W0) @ V, Q.mT @ z.A0 @ V, U.mT @ z.B0 @ Q, U, V)


def tail(instance: Instance, r: int) -> Any:
    """1/2 of the squared singular values beyond the r largest: the least loss of rank r."""
    values = sorted((abs(x) for x in instance.sigma[0]), reverse=True)
    return EXACT.number(sum((x * x for x in values[r:]), Fraction(0)) / 2)


def truncated(instance: Instance, r: int) -> Any:
    """The truncated singular value decomposition E_r, exactly."""
    z = instance.lift(EXACT)
    kept = [x if i < r else 0 for i, x in enumerate(instance.sigma[0])]
    return z.U @ diagonal(z.W0.shape, kept) @ z.V.mT


def stays_diagonal(instance: Instance) -> Iterator[Comparison]:
    """In the frame, field and start have entries at the same places: nothing couples."""
    frame, z = Frame.of(instance), instance.lift(EXACT)
    dA, dB = lora_vector_field(frobenius(instance.Y), z.W0, z.A0, z.B0, EXACT)
    frame_dA, frame_dB = z.Q.mT @ dA @ z.V, z.U.mT @ dB @ z.Q
    wanted_A, wanted_B = 0 * frame_dA, 0 * frame_dB
    for k in range(frame.A.shape[0]):
        for i in range(min(frame.E.shape)):
            a, b = frame.A[k, i], frame.B[i, k]
            error = frame.E[i, i] - sum(frame.B[i, :] * frame.A[:, i])
            wanted_A[k, i], wanted_B[i, k] = b * error, a * error
    yield equal("A' in the frame", frame_dA, wanted_A)
    yield equal("B' in the frame", frame_dB, wanted_B)


def nears_its_limit(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The loss at several times between its limit and a bound that falls to it."""
    frame = Frame.of(instance)
    limit = ctx.number(frame.limit.loss)
    for t in TIMES:
        loss = frame.loss_at(t, ctx)
        bound = a_little_more(frame.loss_bound(t, ctx), ctx)
        yield at_most(f"loss at t = {t} against its bound", loss, bound)
        if frame.limit.kept:
            # A mode that is kept adds at least its share for all time.
            least = limit * ctx.number(1 - Fraction(1, 10**9))
            yield at_least(f"loss at t = {t} against its limit", loss, least)


def example(values: Numbers, A0: Any, B0: Any, **fields: Any) -> Instance:
    """A problem in its own frame: W0 = 0, one row more than columns, U, V and Q identities."""
    n, m, r = len(values) + 1, len(values), len(A0)
    bases = {"U": EXACT.identity(n), "V": EXACT.identity(m), "Q": EXACT.identity(r)}
    target = {"W0": EXACT.zeros(n, m), "Y": diagonal((n, m), values)}
    return Instance(**target, A0=A0, B0=B0, sigma=[list(values)], **bases, **fields)


def share(instance: Instance, places: Sequence[int]) -> Any:
    """1/2 of the squared singular values at these places (from 0)."""
    values = instance.sigma[0]
    return EXACT.number(sum((values[i] ** 2 for i in places), Fraction(0)) / 2)
