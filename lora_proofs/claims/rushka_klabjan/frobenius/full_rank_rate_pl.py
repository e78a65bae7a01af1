"""With r >= m, B0 = 0 and A0 of rank m every loss with a gradient inequality falls exponentially.

Let ||grad f||^2 >= 2 mu (f - f*). AA' - B'B is conserved for every loss, so AA' = A0 A0' + B'B and
sigma_m(A) >= sigma_m(A0). With G the gradient at W the loss has the rate -||B'G||^2 - ||GA'||^2 <=
-sigma_m(A0)^2 ||G||^2 <= -2 mu sigma_m(A0)^2 (f - f*), and Gronwall's inequality does the rest. For
1/2 ||W - Y||_F^2 mu = 1, where frobenius-full-rank-rate derives it; for 1/2 (tr W)^2 mu = n.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    Comparison,
    at_least,
    at_most,
    below,
    squared_norm,
)
from lora_proofs.claims.rushka_klabjan.frobenius import full_rank_rate as frobenius_case
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.closed_forms import trace_squared_closed_form
from lora_proofs.mathematics.flows import full_vector_field
from lora_proofs.mathematics.frobenius_riccati import frobenius_riccati_closed_form
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import loss_from_instance
from lora_proofs.mathematics.matrices import squared_singular_values
from lora_proofs.strategies.draw import Draw, ratio
from lora_proofs.strategies.matrices import full_rank_matrix, matrix, orthogonal_matrix, rank_matrix

TRACE = "trace-squared"
REGIMES = (
    f"{TRACE}, r = n",
    f"{TRACE}, r > n",
    f"{TRACE}, n = 1",
    "frobenius",
    "frobenius, n = 1",
    "frobenius, n < m",
    "frobenius, n > m",
    "frobenius, rank-deficient residual",
)


def draw(source: Draw, regime: str) -> Instance:
    """A problem with r >= m, B0 = 0 and A0 of rank m, whose flow is known in closed form."""
    time = ratio(source, 1, 8, 8)
    drawn = _trace(source, regime) if TRACE in regime else _frobenius(source, regime)
    return drawn.replace(regimes=(regime,), t=time)


def _trace(source: Draw, regime: str) -> Instance:
    n = 1 if regime.endswith("n = 1") else source.integer(2, 3)
    r = n + source.integer(1, 2) if regime.endswith("r > n") else n
    half = frobenius_case.half
    W0 = matrix(source, n, n, entry=half)
    W0[0, 0] += 4  # a trace that is not 0
    fields = {"A0": full_rank_matrix(source, r, n, entry=half), "B0": EXACT.zeros(n, r)}
    return Instance(loss=TRACE, W0=W0, **fields, mu=n)


def _frobenius(source: Draw, regime: str) -> Instance:
    n = m = 1 if regime.endswith("n = 1") else source.integer(2, 3)
    if regime.endswith(("n < m", "n > m")):
        n, m = (n - 1, m) if regime.endswith("n < m") else (n, m - 1)
    rank = min(n, m) - 1 if regime.endswith("residual") else min(n, m)
    rows = EXACT.number(ratio(source, 1, 4, 2)) * orthogonal_matrix(source, m)
    fields = {"A0": EXACT.matrix(rows), "B0": EXACT.zeros(n, m)}
    Y = rank_matrix(source, n, m, rank)
    return Instance(loss="frobenius", W0=EXACT.zeros(n, m), Y=Y, **fields, mu=1)


INSTANCES = Instances(draw, REGIMES)


def gradient_is_large(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """||grad f||^2 >= 2 mu f at the start: both are quadratic, with equality for these losses."""
    x, loss = instance.lift(EXACT), loss_from_instance(instance)
    square = squared_norm(full_vector_field(loss, x.W0, EXACT))
    yield at_least("squared gradient against 2 mu f", square, 2 * x.mu * loss.value(x.W0, EXACT))


large_gradient = Assumption(
    "large_gradient",
    r"$\|\nabla f(W)\|_F^2 \ge 2\mu(f(W) - f^*)$ for every $W$, with $\mu > 0$",
    gradient_is_large,
)
zero_b, full_rank = (
    Assumption(x.name, x.statement, x.holds)
    for x in (frobenius_case.zero_b, frobenius_case.full_rank)
)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The loss in closed form against its bound; f* = 0."""
    yield from against(instance, ctx, 1)


def against(instance: Instance, ctx: Arithmetic, factor: Any) -> Iterator[Comparison]:
    """The loss at time t against the bound with a multiple of the rate."""
    x, loss = instance, loss_from_instance(instance)
    if x.loss == TRACE:
        W = trace_squared_closed_form(x.W0, x.A0, x.B0, x.t, ctx).W
    else:
        W = frobenius_riccati_closed_form(x.W0, x.Y, x.A0, x.B0, x.t, ctx).W
    start = loss.value(ctx.matrix(x.W0), ctx)
    least = squared_singular_values(x.A0, ctx)[-1][0]
    decay = ctx.exp(-2 * ctx.number(factor * x.mu * x.t) * least)
    yield at_most("loss at time t against its bound", loss.value(W, ctx), decay * start)


def twice(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Twice the rate."""
    yield from against(instance, ctx, 2)


def strictly(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The bound claimed never to be attained."""
    for c in check(instance, ctx):
        yield below(c.label, c.left, c.right)


ONE = Instance(loss=TRACE, W0=[["1/16"]], A0=[[1]], B0=[[0]], mu=1, t=1)
NARROW = Instance(loss="frobenius", W0=[[0, 0]], Y=[[0, 1]], A0=[[1, 0]], B0=[[0]], mu=1, t=1)

claim = Claim(
    name="rushka-klabjan/full-rank-rate-gradient-inequality",
    title="From B0 = 0 with r >= m a loss with a gradient inequality falls exponentially",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Let $f$ be differentiable with locally Lipschitz gradient and $\|\nabla f(W)\|_F^2 \ge "
        r"2\mu(f(W) - f^*)$ for every $W$, $r \ge m$, $B_0 = 0$ and $\mathrm{rank}\, A_0 = m$. As "
        r"long as the LoRA gradient flow exists, $f(W(t)) - f^* \le (f(W_0) - f^*)\, "
        r"e^{-2\mu\sigma_m(A_0)^2 t}$."
    ),
    assumptions=(large_gradient, zero_b, full_rank),
    instances=INSTANCES,
    check=check,
    controls=(
        Control(large_gradient, (ONE.replace(mu=4),), "four times the mu of the loss"),
        Control(zero_b, (ONE.replace(W0=[[2]], B0=[[1]], t=4),), "B0 = A0': a saddle is reached"),
        Control(full_rank, (NARROW,), "r < m, with the singular value of index r"),
        Control(None, (ONE,), "twice the rate", twice),
        Control(None, (ONE.replace(t=0),), "a strict bound: at the start it is met", strictly),
    ),
    arithmetics=("ball", "multiprecision"),
    note=(
        "Judged on the two losses of the paper, mu = 1 and mu = n, with f* = 0, where the flow is "
        "known in closed form."
    ),
)
