"""No update of rank r that brings the trace to 0 has a relative error below sqrt(n/r - 1).

X = Q C with Q'Q = I_r and tr X = -w0: by Cauchy-Schwarz (tr X)^2 = <Q', C>^2 <= r ||C||^2 =
r ||X||^2, and with F = -phi I, n phi = w0: ||X - F||^2 = ||X||^2 - n phi^2. Without the condition
on the trace the best approximation of F of rank r is -phi Q Q': relative error sqrt(1 - r/n),
but the trace w0 (1 - r/n) is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    Comparison,
    at_most,
    below,
    equal,
    inner,
    squared_norm,
    trace,
)
from lora_proofs.claims.rushka_klabjan.trace_squared.error_lower_bound_proof import (
    ANY_LOSS,
    BEST_ERROR,
    BEST_TRACE,
    CONCLUSION,
    GRAM,
    LOSS_FREE,
    NO_TRACE,
    PROJECTION,
    WITHOUT_TRACE,
    C,
    P,
    Q,
    derive,
    derive_without_trace,
    phi,
)
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw, Rejected, fraction
from lora_proofs.strategies.matrices import matrix, orthonormal_rows, rank_matrix

REGIMES = ("generic", "r = 1", "r = n", "low rank", "best", "symmetric", "tiny", "huge")


def draw(source: Draw, regime: str) -> Instance:
    """X = QC with a rational Q of orthonormal columns, and phi = -tr X / n."""
    order = source.integer(2 if regime == "low rank" else 1, 4)
    rank = {"r = 1": 1, "r = n": order}.get(regime, source.integer(1, order))
    if regime == "low rank":
        rank = source.integer(2, order)
    Q = orthonormal_rows(source, rank, order).mT
    C = factor(source, regime, Q)
    scale = {"tiny": Fraction(1, 2**40), "huge": Fraction(2**40)}.get(regime, Fraction(1))
    return instance(Q, EXACT.number(scale) * C).replace(regimes=(regime,))


def factor(source: Draw, regime: str, Q: Any) -> Any:
    """The other factor: free, of low rank, a multiple of Q', or one that makes X symmetric."""
    order, rank = Q.shape
    if regime == "best":
        return EXACT.number(fraction(source) or 1) * Q.mT
    if regime == "symmetric":
        free = matrix(source, rank, rank)
        return (free + free.mT) @ Q.mT
    if regime == "low rank":
        return rank_matrix(source, rank, order, source.integer(1, rank - 1))
    return matrix(source, rank, order)


def instance(Q: Any, C: Any, **changed: Any) -> Instance:
    """The update with the phi for which its trace is -n phi."""
    X = EXACT.matrix(Q) @ EXACT.matrix(C)
    if squared_norm(X) == 0:
        raise Rejected("X is 0")
    fields = {"X": X, "Q": Q, "C": C, "phi": -trace(X) / len(X)}
    return Instance(**{**fields, **changed})


INSTANCES = Instances(draw, REGIMES)


def orthonormal_factor(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """X = QC with Q'Q = I."""
    v = instance.lift(ctx)
    yield equal("Q'Q against I", v.Q.mT @ v.Q, ctx.identity(v.Q.shape[1]))
    yield equal("X against QC", v.X, v.Q @ v.C)


def trace_gone(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """tr X = -n phi."""
    v = instance.lift(ctx)
    yield equal("tr X against -n phi", trace(v.X), -(len(v.X) * v.phi))


rank = Assumption(
    "rank",
    r"$X$ has rank at most $r \le n$: $X = QC$ with $Q \in \mathbb R^{n \times r}$, $Q^\top Q = I$",
    orthonormal_factor,
    relations=(GRAM,),
)
zero_loss = Assumption(
    "zero_loss",
    r"$\mathrm{tr}(W_0 + X) = 0$: $\mathrm{tr} X = -n\varphi$ with $n\varphi = w_0$",
    trace_gone,
    relations=(NO_TRACE,),
)


def projects(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """P = QQ' is a projection of rank r."""
    v = instance.lift(ctx)
    P_ = v.Q @ v.Q.mT
    yield equal("P'P against P", P_.mT @ P_, P_)
    yield equal("tr P against r", trace(P_), ctx.number(v.Q.shape[1]))


projection = Assumption(
    "projection",
    r"$P = Q Q^\top$ is the projection onto the range of $Q$: $P^\top P = P$, $\mathrm{tr} P = r$",
    projects,
    technical="it names a matrix; both relations follow from Q'Q = I",
    relations=PROJECTION,
)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The factors of the update."""
    v = instance.lift(ctx)
    return {Q: v.Q, C: v.C, P: v.Q @ v.Q.mT, phi: v.phi}


def sides(instance: Instance, ctx: Arithmetic) -> tuple[Any, Any, Any, Any, Any]:
    """X - F, ||F||^2, n, r, phi."""
    v = instance.lift(ctx)
    order, rank_ = v.Q.shape
    F = -v.phi * ctx.identity(order)
    return v.X - F, squared_norm(F), ctx.number(order), ctx.number(rank_), v.phi


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The two squared distances."""
    off, size, n_, r_, _ = sides(instance, ctx)
    yield at_most(LOSS_FREE, (n_ - r_) * size, r_ * squared_norm(off))


def one_rank_more(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The bound of rank r - 1."""
    off, size, n_, r_, _ = sides(instance, ctx)
    yield at_most("the bound of rank r - 1", (n_ - r_ + 1) * size, (r_ - 1) * squared_norm(off))


def strict(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Strictly above the bound."""
    off, size, n_, r_, _ = sides(instance, ctx)
    yield below("strict", (n_ - r_) * size, r_ * squared_norm(off))


LINE = [[1], [0], [0]]
FLAT = (instance(LINE, [[-3, 0, 0]]), instance(LINE, [[1, 0, 0]]))
FULL_RANK = instance(LINE, [[-1, 0, 0]], X=[[-1, 0, 0], [0, -1, 0], [0, 0, -1]], phi=1)
HEAVY = instance(LINE, [[-1, 0, 0]], phi=1)

claim = Claim(
    name="rushka-klabjan/trace-squared-error-lower-bound",
    title="No zero-loss update of rank r is nearer than sqrt(n/r - 1)",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Let $X$ have rank at most $r \le n$ and $\mathrm{tr}(W_0 + X) = 0$, and let $F = "
        r"-\frac{w_0}{n} I$ be the full-parameter update. Then $(n - r) \|F\|_F^2 \le r \|X - "
        r"F\|_F^2$: for $w_0 \ne 0$ the relative error is at least $\sqrt{n/r - 1}$, whatever the "
        r"start."
    ),
    assumptions=(rank, zero_loss),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(rank, (FULL_RANK,), "the full-parameter update itself, which has rank n"),
        Control(zero_loss, (HEAVY,), "-phi Q Q' is nearer, and leaves a trace"),
        Control(None, FLAT, "the bound of rank r - 1", one_rank_more),
        Control(None, FLAT, "a strict bound: orthogonal rows meet it", strict),
    ),
)


def check_without_trace(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The distance of X, and that of the projection."""
    off, _, n_, r_, phi_ = sides(instance, ctx)
    v = instance.lift(ctx)
    yield at_most(ANY_LOSS, (n_ - r_) * phi_**2, squared_norm(off))
    rest = phi_ * (ctx.identity(len(v.X)) - v.Q @ v.Q.mT)
    yield equal(BEST_ERROR, squared_norm(rest), (n_ - r_) * phi_**2)
    yield equal(BEST_TRACE, n_ * phi_ - phi_ * inner(v.Q, v.Q), (n_ - r_) * phi_)


def nothing_left(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The best approximation claimed to bring the trace to 0."""
    v = instance.lift(ctx)
    left = len(v.X) * v.phi - v.phi * inner(v.Q, v.Q)
    yield equal("tr(W0 + X_best)", left, ctx.number(0))


def bound_of_zero_loss(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The bound of updates with zero loss claimed of every update."""
    yield from check(instance, ctx)


best = Claim(
    name="rushka-klabjan/trace-squared-best-approximation",
    title="The nearest update of rank r < n leaves a loss",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"With $F = -\varphi I$, $\varphi = w_0/n$: every $X$ of rank at most $r \le n$ has $\|X - "
        r"F\|_F^2 \ge (n - r)\varphi^2$, for $w_0 \ne 0$ the relative error $\sqrt{1 - r/n}$; $X = "
        r"-\varphi Q Q^\top$ with $Q^\top Q = I_r$ attains it and leaves $\mathrm{tr}(W_0 + X) = "
        r"(n - r)\varphi$, the loss $\tfrac12 w_0^2 (1 - r/n)^2$: above 0 for $r < n$ and "
        r"$w_0 \ne 0$."
    ),
    assumptions=(rank, projection),
    instances=INSTANCES,
    check=check_without_trace,
    conclusion=WITHOUT_TRACE,
    derive=derive_without_trace,
    interpret=interpret,
    controls=(
        Control(rank, (FULL_RANK,), "the full-parameter update itself, which has rank n"),
        Control(None, FLAT, "the nearest update claimed to have zero loss", nothing_left),
        Control(None, (HEAVY,), "the bound of zero-loss updates for all", bound_of_zero_loss),
    ),
)
