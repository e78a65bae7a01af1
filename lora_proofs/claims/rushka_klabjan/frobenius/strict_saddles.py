"""Every critical point of the Frobenius LoRA loss above the least value is a strict saddle.

Let R = E - BA have the singular triple (u, v, sigma), sigma > 0. As B'R = 0 and RA' = 0, B'u = 0
and Av = 0. Along dB = u p', dA = q v' half the second derivative is (||Bq||^2 + ||A'p||^2)/2 -
sigma p'q. If BA has rank r and a triple (x, y, s) with s < sigma, take q = Ay, p = B'x: the value
is s (s - sigma) < 0. If BA has rank below r, B or A has not full rank: with q in ker B take
p = e q, with p in ker A' take q = e p, for a small e > 0; then sigma p'q outweighs the square. If
BA has rank r and no such s exists, BA keeps the r largest singular values: the loss is least.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, below, equal, squared_norm
from lora_proofs.arithmetic.dense import row_reduced
from lora_proofs.claims.rushka_klabjan.frobenius import critical_points as points
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.critical_values import frobenius_critical_values
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw, Rejected

TRIES = 12
REGIMES = tuple(name for name in points.REGIMES if name != "kernel rows")


def draw(source: Draw, regime: str) -> Instance:
    """A critical point that is not a global minimum, with its direction of descent."""
    drawn = (points.draw(source, regime) for _ in range(TRIES))
    point = next((x for x in drawn if loss(x, EXACT) > least(x)), None)
    if point is None:
        raise Rejected("a global minimum")
    dA, dB = direction(point)
    kept = {name: getattr(point, name) for name in ("Y", "A", "B")}
    return Instance(regimes=(regime,), **kept, dA=dA, dB=dB)


def loss(instance: Instance, ctx: Arithmetic, step: int = 0) -> Any:
    """1/2 ||E - BA||^2 that many steps along the direction."""
    x = instance.lift(ctx)
    if not step:
        return squared_norm(x.Y - x.B @ x.A) / 2
    return squared_norm(x.Y - (x.B + step * x.dB) @ (x.A + step * x.dA)) / 2


def least(instance: Instance) -> Any:
    """The least value, exactly."""
    return frobenius_critical_values(instance.Y, len(instance.A), EXACT).least


def direction(point: Instance) -> tuple[Any, Any]:
    """(dA, dB) from a triple left out and either the smallest one kept or a kernel."""
    x = point.lift(EXACT)
    values = [x.U[:, i] @ x.Y @ x.V[:, i] for i in range(min(x.Y.shape))]
    kept = [int(i.p) for i in x.kept.flat if i >= 0 and values[int(i.p)] > 0]
    out = max((i for i in range(len(values)) if i not in kept), key=lambda i: values[i])
    p, q = _inner_pair(x, values, kept, values[out])
    u, v = x.U[:, [out]], x.V[:, [out]]
    return q @ v.mT, u @ p.mT


def _inner_pair(x: Any, values: list[Any], kept: list[int], sigma: Any) -> tuple[Any, Any]:
    """p and q in R^r."""
    if len(kept) == len(x.A):
        smallest = min(kept, key=lambda i: values[i])
        return x.B.mT @ x.U[:, [smallest]], x.A @ x.V[:, [smallest]]
    q = kernel_vector(x.B)
    if q is not None:
        return _short(sigma, q, squared_norm(x.A.mT @ q)) * q, q
    p = kernel_vector(x.A.mT)
    return p, _short(sigma, p, squared_norm(x.B @ p)) * p


def _short(sigma: Any, vector: Any, square: Any) -> Any:
    """The e with e^2 square/2 - sigma e |vector|^2 at its least, or 1."""
    return sigma * squared_norm(vector) / square if square != 0 else EXACT.number(1)


def kernel_vector(X: Any) -> Any:
    """A nonzero rational vector in the kernel of X, or ``None``."""
    columns = X.shape[1]
    rows = row_reduced(X)
    if len(rows) == columns:
        return None
    leads = [next(j for j in range(columns) if row[j] != 0) for row in rows]
    free = next(j for j in range(columns) if j not in leads)
    out = EXACT.zeros(columns, 1)
    out[free, 0] = EXACT.number(1)
    for row, lead in zip(rows, leads, strict=False):
        out[lead, 0] = -row[free]
    return out


INSTANCES = Instances(draw, REGIMES)


def is_above(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The value is not the least one."""
    yield below("least value against the value", least(instance), loss(instance, EXACT))


above = Assumption("above", r"the value at $(A, B)$ is above the least one", is_above)
critical = Assumption(
    "critical",
    r"$(A, B)$ is a critical point: $B^\top(E - BA) = 0$ and $(E - BA)A^\top = 0$",
    points.gradients_vanish,
    technical="elsewhere the gradient itself descends",
)


def curvature(instance: Instance, ctx: Arithmetic) -> tuple[Any, Any]:
    """The first and the second derivative along the direction, from five values of a quartic."""
    f = [loss(instance, ctx, k) for k in (-2, -1, 0, 1, 2)]
    first = (f[0] - 8 * f[1] + 8 * f[3] - f[4]) / 12
    second = (-f[0] + 16 * f[1] - 30 * f[2] + 16 * f[3] - f[4]) / 12
    return first, second


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The loss along the direction is a quartic whose first derivative is 0, its second below 0."""
    first, second = curvature(instance, ctx)
    yield equal("first derivative along the direction", first, ctx.number(0))
    yield below("second derivative along the direction", second, 0)


def flat(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A second derivative that is not negative, as at a local minimum."""
    _, second = curvature(instance, ctx)
    yield below("0 against the second derivative", -second, 0)


def only_b(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The same with dA left out."""
    alone = instance.replace(dA=[[0 * x for x in row] for row in instance.dA])
    first, second = curvature(alone, ctx)
    yield equal("first derivative along the direction with dA = 0", first, ctx.number(0))
    yield below("second derivative along the direction with dA = 0", second, 0)


MINIMUM = Instance(Y=[[2, 0], [0, 1]], A=[[1, 0]], B=[[2], [0]], dA=[[0, 1]], dB=[[0], [2]])

claim = Claim(
    name="rushka-klabjan/frobenius-strict-saddles",
    title="Every critical point above the least value is a strict saddle",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"At every critical point of $(A, B) \mapsto \tfrac12\|E - BA\|_F^2$ whose value is above "
        r"the least one there is a direction with negative second derivative: with a singular "
        r"triple $(u, v, \sigma)$ of $E - BA$, $dB = u p^\top$, $dA = q v^\top$ and $p, q$ from "
        r"the smallest triple of $BA$ if it has rank $r$, from a kernel of $B$ or $A^\top$ if not."
    ),
    assumptions=(above, critical),
    instances=INSTANCES,
    check=check,
    controls=(
        Control(above, (MINIMUM,), "a global minimum"),
        Control(None, INSTANCES, "no negative curvature", flat),
        Control(None, INSTANCES, "a direction that moves B alone", only_b),
    ),
    note=(
        "Known (Baldi and Hornik 1989; Kawaguchi 2016), recalled. Together with the stable "
        "manifold theorem it gives convergence to a global minimum from almost every start, "
        "which does not cover B0 = 0; frobenius-general-start judges single starts."
    ),
)
