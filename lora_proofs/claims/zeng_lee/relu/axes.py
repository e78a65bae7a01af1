"""Lower bounds on every adapter of rank one and every bias, for inputs on the axes.

Let x be uniform on the 2D points +-rho e_i, W = diag(w) and Wbar = diag(t) with 0 <= w_j <= t_j,
no bias in the target, and put g_j = rho (t_j - w_j). Take any u, v and b, let T = rho u v', and
order the indices so that |v_1| >= |v_2| >= ... For an index j put y = |T_jj| + b_j.
- For each m before j, |T_jm| >= |T_jj|: at the point +-rho e_m with the sign of T_jm the output j
  is ReLU(|T_jm| + b_j) >= ReLU(y), and the target has 0 there.
- At rho e_j it is ReLU(rho w_j + T_jj + b_j) <= ReLU(rho w_j + y), and the target has rho t_j.
With s_j = min(max(y, 0), g_j) the first error is at least s_j and the second at least g_j - s_j, as
ReLU(rho w_j + y) <= rho w_j for y < 0.

Squares. For the p-th index the squared errors of output j at these p points add up to at least
(p - 1) s^2 + (g_j - s)^2 >= g_j^2 (p - 1)/p. The order that is worst takes the g_j decreasing:

    E ||f - fbar||^2 >= (1/2D) sum_p (p - 1)/p g_(p)^2,        g_(1) >= g_(2) >= ...

Lengths. Let all g_j be g or more, and take g for them. The two points +-rho e_m share out the
errors s_j of the outputs j after m by the sign of T_jm, and rho e_m has the error g - s_m too. As
|a| + |b| is at least the length of (a, b),

    2D E ||f - fbar|| >= F(s) = sum_m |(g - s_m, s_{m+1}, ..., s_D)|        for some s in [0, g]^D.

F is convex, so it is at least F(z) + sum_j min over s_j of dF_j(z) (s_j - z_j) for any z in the
box; z_p = g/p, which is where the squares are least, serves.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, inner, squared_norm
from lora_proofs.arithmetic.context import diagonal
from lora_proofs.constructions.regions import smaller
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.literature import AXES_BOUND, lean_on
from lora_proofs.mathematics.relu_network import relu_network
from lora_proofs.strategies.draw import Draw

REGIMES = ("equal weights", "different weights", "four inputs")


def axes_instance(w: Sequence[Any], t: Sequence[Any], rho: Any, **more: Any) -> Instance:
    """The diagonals of W and Wbar, and the distance of the points from the origin."""
    return Instance(w=[list(w)], t=[list(t)], rho=rho, **more)


def draw(source: Draw, regime: str) -> Instance:
    """Nine inputs or more, where the bounds that are quoted fail; or four, where they do not.

    t is at most 1/sqrt(D), so that ||Wbar||_F <= 1.
    """
    root = 2 if regime == "four inputs" else source.choice((5, 6, 3))
    D, t = root * root, Fraction(1, root * source.integer(1, 2))
    w = [t / source.integer(2, 3)] * D
    if regime == "different weights":
        w = [x * source.choice((Fraction(1), Fraction(99, 100))) for x in w]
    return axes_instance(w, [t] * D, source.integer(1, 6), regimes=(regime,))


def as_problem(instance: Instance) -> Instance:
    """The same network with the fields of ``strategies.relu_networks`` too, for R = L = 1."""
    D, r = len(instance.w[0]), instance.rho
    one = EXACT.identity(D)
    w, t = (EXACT.matrix(row) * one for row in (instance.w, instance.t))
    whole = {"W1": w, "Wbar1": t, "bbar1": [[0] * D], "U1": one, "V1": one, "X": points(instance)}
    box = {"lower": [[-r] * D], "upper": [[r] * D], "ranks": [[1]], "partition": [[1]]}
    sigma = [[b - a for a, b in zip(instance.w[0], instance.t[0], strict=True)]]
    return instance.replace(**whole, **box, sigma1=sigma)


def points(instance: Instance) -> Any:
    """The points +-rho e_i as columns."""
    half = EXACT.number(instance.rho) * EXACT.identity(len(instance.w[0]))
    return EXACT.matrix([[*row, *(-x for x in row)] for row in half])


def gaps(instance: Instance) -> list[Any]:
    """g_j = rho (t_j - w_j), largest first."""
    x = instance.lift(EXACT)
    return sorted((x.rho * (t - w) for w, t in zip(x.w[0], x.t[0], strict=True)), reverse=True)


def least_squared_error(instance: Instance) -> Any:
    """What E ||f - fbar||^2 is at least, for every adapter of rank one and every bias."""
    lean_on(AXES_BOUND)
    g = gaps(instance)
    total = sum((x * x * (p - 1) / p for p, x in enumerate(g, start=1)), EXACT.number(0))
    return total / (2 * len(g))


def least_mean_error(instance: Instance, ctx: Arithmetic) -> Any:
    """What E ||f - fbar|| is at least, for every adapter of rank one and every bias."""
    lean_on(AXES_BOUND)
    g = ctx.number(gaps(instance)[-1])
    D = len(instance.w[0])
    z = [ctx.number(1) / p for p in range(1, D + 1)]
    F, slopes = lengths(z, ctx)
    # A linear function of s_j in [0, 1] is least at an end.
    ends = [(-slope * x, slope * (1 - x)) for slope, x in zip(slopes, z, strict=True)]
    return g * (F + sum(smaller(*pair) for pair in ends)) / (2 * D)


def lengths(z: Sequence[Any], ctx: Arithmetic) -> tuple[Any, list[Any]]:
    """F(z) for g = 1 and its slopes: each term |(1 - z_m, z_{m+1}, ...)| and its own gradient."""
    total, slopes = ctx.number(0), [ctx.number(0)] * len(z)
    for m in range(len(z)):
        rest = range(m + 1, len(z))
        length = ctx.sqrt((1 - z[m]) * (1 - z[m]) + sum((z[j] * z[j] for j in rest), 0 * z[m]))
        total += length
        slopes[m] = slopes[m] - (1 - z[m]) / length
        for j in rest:
            slopes[j] = slopes[j] + z[j] / length
    return total, slopes


def construction_squared_errors(instance: Instance) -> list[Any]:
    """||f - fbar||^2 at each of the points, for the adapter that makes up for the largest gap."""
    D = len(instance.w[0])
    gap = [t - w for w, t in zip(instance.w[0], instance.t[0], strict=True)]
    first, adapted = gap.index(max(gap)), list(instance.w[0])
    adapted[first] = instance.t[0][first]
    X = points(instance)
    f, fbar = (
        relu_network([(diagonal(map(EXACT.number, d), EXACT.number(0)), [0] * D)], X, EXACT)
        for d in (adapted, instance.t[0])
    )
    return [squared_norm(column) for column in (f - fbar).mT[:, None]]


def trace_of_moment(instance: Instance) -> Any:
    """tr Sigma = rho^2."""
    return EXACT.number(instance.rho) ** 2


def norm_of_moment(instance: Instance, ctx: Arithmetic) -> Any:
    """||Sigma||_F = rho^2/sqrt(D), as Sigma = (rho^2/D) I."""
    return ctx.number(trace_of_moment(instance)) / ctx.sqrt(ctx.number(len(instance.w[0])))


def second_gap(instance: Instance, ctx: Arithmetic) -> Any:
    """The second singular value of Wbar - W, which is diagonal and not negative."""
    return ctx.number(gaps(instance)[1] / EXACT.number(instance.rho))


def target_norm(instance: Instance, ctx: Arithmetic) -> Any:
    """||Wbar||_F."""
    t = ctx.matrix(instance.t)
    return ctx.sqrt(inner(t, t))
