"""How near the Frobenius flow from B0 = 0 with A0 A0' = k^2 I comes to its limit, and when.

Let E = Y - W0 have right singular vectors v_1, ..., v_m with sigma_i = 0 for i > n, and
mu_i = sqrt(sigma_i^2 + k^4/4). F = [[-k^2/2, E], [E', k^2/2]] has the eigenvalues mu_i with unit
vectors w_i, and negative ones. Z0 = [0; A0'] has the components Y_i = p_i v_i'A0' on w_i, with
p_i^2 = (mu_i + k^2/2)/(2 mu_i) >= 1/2. Let S be r indices such that Y_S is invertible and row i of
Y Y_S^{-1}, for i not in S, vanishes in the columns s with mu_s <= mu_i. With a =
||(A0 V_S)^{-1}||_F divide X = e^{Ft} Z0 by Y_S and by e^{mu_s t}. X becomes W_S + G with
||G||_F <= sqrt(2) k a e^{-gt}. I + Z0'KZ0 becomes M with
0 <= M - (2 Lambda_S)^{-1} <= 4 a^2 e^{-2gt} (the first because Y_S Y_S' <= k^2 I and
2 mu_i >= k^2). So M^{-1} <= 2 Lambda_S and

    ||Q - W_S 2 Lambda_S W_S'||_F <= 2 ||G|| 2 mu + ||G||^2 2 mu + (2 mu)^2 4 a^2 e^{-2gt},

which, as k a >= 1, is at most 2 mu (5 k^2 + 8 mu) a^2 e^{-gt} with mu = mu_1. The block BA of the
limit is E V_S V_S'. The rate g is the least mu_s, or mu_s - mu_i with s in S, i not in S, s < i.

If A0 V_r is singular, take x with x'A0 V_r = 0. Then e^{Ft} Z0 x stays within the span of the
singular pairs beyond r, so at every time there is a unit y with U_r'By = 0 and V_r'A'y = 0. Hence
U_r'BAV_r = U_r'B(I - yy')AV_r has rank below r: it is at least sigma_r away from
diag(sigma_1, ..., sigma_r), by Eckart and Young.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import flint

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    BallArithmetic,
    Comparison,
    at_most,
    below,
    equal,
    squared_norm,
    trace,
)
from lora_proofs.arithmetic.comparison import size
from lora_proofs.language.claim import Assumption
from lora_proofs.mathematics.frobenius_riccati import frobenius_riccati_closed_form
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.matrices import leading_projector, squared_singular_values

TIMES = (Fraction(1, 2), Fraction(2), Fraction(8), Fraction(32))
"""The last one is late enough for the rate to count for more than the constant."""


def residual(instance: Instance) -> Any:
    """E = Y - W0, exactly."""
    return EXACT.matrix(instance.Y) - EXACT.matrix(instance.W0)


def squares(instance: Instance) -> list[Any]:
    """sigma_1^2, ..., sigma_m^2, exactly; the instances have rational ones."""
    E = residual(instance)
    found = [x for x, k in squared_singular_values(E, EXACT) for _ in range(k)]
    return found + [EXACT.number(0)] * (E.shape[1] - len(found))


def projector(instance: Instance, i: int) -> Any:
    """V_i V_i' of the i leading right singular vectors; I for i = m."""
    E = residual(instance)
    m = E.shape[1]
    if i == 0:
        return EXACT.zeros(m, m)
    return EXACT.identity(m) if i == m else leading_projector(E, i, EXACT)


def gram(instance: Instance, P: Any) -> Any:
    """A0 P A0' for a projector P = V_S V_S': its determinant is det(A0 V_S)^2."""
    A0 = EXACT.matrix(instance.A0)
    return A0 @ P @ A0.mT


def scale(instance: Instance) -> Any:
    """k^2, the squared length of the rows of A0."""
    return squared_norm(EXACT.matrix(instance.A0)[:1])


def mu(square: Any, k2: Any, ctx: Arithmetic) -> Any:
    """sqrt(sigma^2 + k^4/4)."""
    return ctx.sqrt(ctx.number(square + k2 * k2 / 4))


def rate(instance: Instance, S: Sequence[int], ctx: Arithmetic) -> Any:
    """g, for indices from 0; exactly tied singular values outside S do not count."""
    values, k2 = squares(instance), scale(instance)
    gaps = [
        mu(values[s], k2, ctx) - mu(values[i], k2, ctx)
        for s in S
        for i in range(s + 1, len(values))
        if i not in S
    ]
    return _least([*gaps, *(mu(values[s], k2, ctx) for s in S)])


def _least(values: list[Any]) -> Any:
    least = values[0]
    for value in values[1:]:
        least = least.min(value) if isinstance(least, flint.arb) else min(least, value)
    return least


def bound(instance: Instance, P: Any, ctx: Arithmetic) -> Any:
    """2 mu_1 (5 k^2 + 8 mu_1) a^2 with a^2 = tr (A0 P A0')^{-1}."""
    k2 = scale(instance)
    top = mu(squares(instance)[0], k2, ctx)
    a2 = trace(EXACT.inverse(gram(instance, P)))
    return 2 * top * (ctx.number(5 * k2) + 8 * top) * ctx.number(a2)


def distances(
    instance: Instance, P: Any, ctx: Arithmetic, decay: float = 0
) -> Iterator[tuple[Any, Any]]:
    """(t, ||BA(t) - E P||_F^2) at the times, from the closed form; e^{-decay t} is still seen."""
    x = instance
    for t in TIMES:
        inner = _finer(ctx, decay * float(t))
        end = frobenius_riccati_closed_form(x.W0, x.Y, x.A0, x.B0, t, inner)
        with inner.working():
            distance = squared_norm(end.BA - inner.matrix(residual(x) @ P))
        yield t, distance


def _finer(ctx: Arithmetic, small: float) -> Arithmetic:
    """Balls with the digits on top in which e^{-small} is more than the width of a ball."""
    return BallArithmetic(ctx.digits + int(small / 2.3)) if isinstance(ctx, BallArithmetic) else ctx


def approaches(
    instance: Instance, S: Sequence[int], P: Any, ctx: Arithmetic, faster: Any = 1
) -> Iterator[Comparison]:
    """||BA - E P||^2 against the square of the bound at each time."""
    constant, g = bound(instance, P, ctx), rate(instance, S, ctx)
    yield below("0 < rate", 0, g)
    for t, distance in distances(instance, P, ctx, size(g)):
        right = (constant * ctx.exp(-ctx.number(faster) * g * ctx.number(t))) ** 2
        yield at_most(f"squared distance to the limit at t = {t}", distance, right)


def _orthogonal(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    A0 = EXACT.matrix(instance.A0)
    yield equal("A0 A0' = k^2 I", A0 @ A0.mT, scale(instance) * EXACT.identity(len(A0)))
    yield below("0 < k^2", 0, scale(instance))


def _zero_b(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    yield equal("||B0||^2", squared_norm(EXACT.matrix(instance.B0)), EXACT.number(0))


orthogonal_rows = Assumption(
    "orthogonal_rows", r"$A_0 A_0^\top = \kappa^2 I_r$ with $\kappa > 0$", _orthogonal
)
zero_b = Assumption("zero_b", r"$B_0 = 0$", _zero_b)
