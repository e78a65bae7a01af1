"""The relative error from the r leading right singular vectors of W0, with B0 = 0.

A0 = V_r' has M = V_r V_r', so R^2 = n/r - 1; A0 = S_r^{1/2} V_r' has tr M = tr S_r and
tr(M^2) = tr S_r^2, so R^2 = n sum sigma_i^2/(sum sigma_i)^2 - 1, over i <= r.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    BallArithmetic,
    Comparison,
    at_most,
    equal,
    squared_norm,
    trace,
)
from lora_proofs.claims.rushka_klabjan.trace_squared import aligned as start
from lora_proofs.claims.rushka_klabjan.trace_squared import expectations as e
from lora_proofs.claims.rushka_klabjan.trace_squared.aligned import D, K, V
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics import words
from lora_proofs.mathematics.flows import trace_squared_limit
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.words import Identity, Relation, Scalar, Symbol, Trace
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.matrices import orthogonal_matrix
from lora_proofs.strategies.spectra import spectrum
from lora_proofs.symbolic.steps import Step, assumed, identity

S, P = Symbol("S", "r", "r", latex="S_r"), Symbol("P", "r", "r")
ROWS, SCALED = Scalar("gap from V'"), Scalar("gap from S^(1/2) V'")
FROM_ROWS = "from V_r': squared distance of the two updates, times (n r)^2"
FROM_SCALED = "from S_r^{1/2} V_r': squared distance of the two updates, times (n tr S_r)^2"
I_n = Identity("n")

NAMES = (
    Relation(ROWS, "=", words.squared_norm(e.w0 * (e.r * I_n - e.n * (V @ V.T)))),
    Relation(SCALED, "=", words.squared_norm(e.w0 * (Trace(S) * I_n - e.n * e.M))),
    Relation(P, "=", V.T @ V),
    start.GRAM,
)
ROOT = Relation(S, "=", D @ D.T)
CONCLUSION = (
    Relation(ROWS, "=", (e.n * e.r - e.r**2) * (e.n * e.w0**2), FROM_ROWS),
    Relation(SCALED, "=", (e.n * Trace(S @ S) - Trace(S) ** 2) * (e.n * e.w0**2), FROM_SCALED),
)


def derive() -> Iterator[Step]:
    """Both Gram matrices of the rows of A0, then both distances."""
    names = [assumed("names", relation, "a name") for relation in NAMES]
    rows, scaled, small, gram = names
    columns = assumed("spectral", start.ORTHONORMAL, "the columns of V_r")
    factored = assumed("spectral", start.FACTORED, "the scaled start")
    root = assumed("spectral", ROOT, "D is the root of S_r")
    yield from (*names, columns, factored, root)
    unit = identity(P, Identity("r"), "V'V = I", given=(small, columns))
    spectrum_of = identity(K, S, "V'V = I", given=(gram, factored, columns, root))
    yield from (unit, spectrum_of)
    square = e.w0**2
    in_p = square * (e.n * e.r**2 - 2 * e.n * e.r * Trace(P) + e.n**2 * Trace(P @ P))
    in_k = e.n * Trace(S) ** 2 - 2 * e.n * Trace(S) * Trace(K) + e.n**2 * Trace(K @ K)
    first = identity(ROWS, in_p, "expand, cyclic trace", given=(rows, small))
    second = identity(SCALED, square * in_k, "expand, cyclic trace", given=(scaled, gram))
    yield from (first, second)
    steps = ((first, unit, "tr I_r = r"), (second, spectrum_of, "tr K = tr S_r"))
    for relation, (known, value, why) in zip(CONCLUSION, steps, strict=True):
        yield identity(
            relation.left, relation.right, why, given=(known, value), label=relation.label
        )


SPECTRA = {"tied": "tied", "flat": "flat", "with zeros": "with zeros"}
REGIMES = ("distinct", "r = 1", "r = n", "n = 1", *SPECTRA, "axes", "tiny scale", "huge scale")


def draw(source: Draw, regime: str) -> Instance:
    """W0 = U S V' with squares of rationals for singular values, and r leading ones."""
    n = 1 if regime == "n = 1" else source.integer(2, 4)
    r = {"r = 1": 1, "r = n": n}.get(regime, source.integer(1, n))
    scale = Fraction(2) ** {"tiny scale": -30, "huge scale": 12}.get(regime, 0)
    roots = [scale * d for d in spectrum(source, n, SPECTRA.get(regime, "distinct"))]
    roots[0] = roots[0] or Fraction(1)
    U, Q = (orthogonal_matrix(source, n, dyadic=regime == "axes") for _ in range(2))
    S0 = diagonal([d * d for d in roots])
    W0 = U @ S0 @ Q.mT
    if trace(W0) == 0:
        W0 = Q @ S0 @ Q.mT
    D0 = diagonal(roots[:r])
    return Instance(regimes=(regime,), W0=W0, w0=trace(W0), V=Q[:, :r], D=D0, S=D0 @ D0)


def diagonal(values: Any) -> Any:
    """A diagonal matrix of exact numbers."""
    X = EXACT.zeros(len(values), len(values))
    for i, value in enumerate(values):
        X[i, i] = EXACT.number(value)
    return X


INSTANCES = Instances(draw, REGIMES)


def gap(x: Any, A0: Any, ctx: Arithmetic) -> Any:
    """The squared norm of n S (dW - dFP), S = tr A0'A0."""
    M = A0.mT @ A0
    n = ctx.number(len(M))
    return squared_norm(x.w0 * (trace(M) * ctx.identity(len(M)) - n * M))


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Both updates against the full-parameter one; the limits of the flow beside them."""
    x = instance.lift(ctx)
    n, r = (ctx.number(k) for k in x.V.shape)
    yield equal(FROM_ROWS, gap(x, x.V.mT, ctx), (n * r - r * r) * n * x.w0**2)
    scaled = n * squared_norm(x.S) - trace(x.S) ** 2
    yield equal(FROM_SCALED, gap(x, x.D @ x.V.mT, ctx), scaled * n * x.w0**2)
    yield from limits(instance)


def limits(instance: Instance) -> Iterator[Comparison]:
    """The limit of the closed form from B0 = 0, measured against the full-parameter update."""
    ball, exact = BallArithmetic(30), instance.lift(EXACT)
    n, r = exact.V.shape
    with ball.working():
        for name, A0, square, fourth in (
            ("V_r'", exact.V.mT, EXACT.number(r), EXACT.number(r)),
            ("S_r^{1/2} V_r'", exact.D @ exact.V.mT, trace(exact.S), squared_norm(exact.S)),
        ):
            if square == 0:
                continue
            end = trace_squared_limit(instance.W0, A0, EXACT.zeros(n, r), ball).dW
            gap_ = squared_norm(end + ball.number(exact.w0 / n) * ball.identity(n))
            relative = gap_ * ball.number(n / exact.w0**2)
            wanted = ball.number(n * fourth / square**2 - 1)
            label = f"measured: R^2 of the limit from {name} less its value"
            yield at_most(label, abs(relative - wanted), ball.number(Fraction(1, 10**15)))


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """Both starts."""
    x = instance.lift(ctx)
    found = {S: x.S, P: x.V.mT @ x.V, ROWS: gap(x, x.V.mT, ctx)}
    return {**start.values(instance, ctx), **found, SCALED: gap(x, x.D @ x.V.mT, ctx)}


def is_spectral(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """V'V = I, D a root of S, and both belong to W0: W0'W0 V = V S^2."""
    x = instance.lift(ctx)
    yield equal("V'V", x.V.mT @ x.V, ctx.identity(x.V.shape[1]))
    yield equal("D D'", x.D @ x.D.mT, x.S)
    yield equal("W0'W0 V", x.W0.mT @ x.W0 @ x.V, x.V @ x.S @ x.S)


def means_what_it_says(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """w0 is the trace of W0."""
    yield equal("w0", ctx.number(instance.w0), trace(instance.lift(ctx).W0))


def as_rows(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """n/r - 1 claimed of the scaled start as well."""
    x = instance.lift(ctx)
    n, r = (ctx.number(k) for k in x.V.shape)
    right = (n / r - 1) * trace(x.S) ** 2 * n * x.w0**2
    yield equal("R^2 = n/r - 1 from S_r^{1/2} V_r'", gap(x, x.D @ x.V.mT, ctx), right)


def dimension_free(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """R^2 = 1/r - 1/n, the normaliser forgotten."""
    x = instance.lift(ctx)
    n, r = (ctx.number(k) for k in x.V.shape)
    right = (1 / r - 1 / n) * r**2 * n * x.w0**2
    yield equal("R^2 = 1/r - 1/n from V_r'", gap(x, x.V.mT, ctx), right)


def first_power(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The start S_r V_r' with the error of S_r^{1/2} V_r'."""
    x = instance.lift(ctx)
    n, S2 = ctx.number(len(x.V)), x.S @ x.S
    right = (n * squared_norm(x.S) - trace(x.S) ** 2) / trace(x.S) ** 2
    left = gap(x, x.S @ x.V.mT, ctx) / (trace(S2) ** 2 * n * x.w0**2)
    yield equal("R^2 from S_r V_r'", left, right)


def only(*regimes: str) -> Instances:
    """Draws of some regimes."""
    return Instances(draw, regimes)


names = Assumption(
    "names",
    r"$w_0 = \mathrm{tr} W_0$, $P = V_r^\top V_r$, $K = A_0 A_0^\top$, and the two gaps name "
    r"squared distances",
    means_what_it_says,
    technical="it gives names",
    relations=NAMES,
)
spectral = Assumption(
    "spectral",
    r"$W_0 = U S V^\top$ is a singular value decomposition, $V_r^\top V_r = I_r$, $D D^\top = S_r$ "
    r"and $A_0 = D V_r^\top$ is the scaled start",
    is_spectral,
    relations=(start.ORTHONORMAL, start.FACTORED, ROOT),
)
SKEWED = Instance(
    W0=[[4, 0, 0], [0, 1, 0], [0, 0, 1]], w0=6, V=[[1, 1], [0, 1], [0, 0]],
    D=[[2, 0], [0, 1]], S=[[4, 0], [0, 1]],
)  # fmt: skip

claim = Claim(
    name="rushka-klabjan/trace-squared-spectral-start",
    title="Relative error from the singular vectors of W0",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Let $f = \tfrac12(\mathrm{tr} W)^2$, $w_0 = \mathrm{tr} W_0 \ne 0$, "
        r"$W_0 = U S V^\top$ a singular value decomposition and $B_0 = 0$. The update "
        r"$-\frac{w_0}{\|A_0\|_F^2} A_0^\top A_0$, in which the LoRA flow ends with loss 0, has "
        r"the squared distance $R^2$ from the full-parameter update $-\frac{w_0}{n} I$, relative "
        r"to the latter: from $A_0 = V_r^\top$, $R^2 = \frac nr - 1$; from "
        r"$A_0 = S_r^{1/2} V_r^\top \ne 0$, "
        r"$R^2 = n \sum_{i \le r} \sigma_i^2/(\sum_{i \le r} \sigma_i)^2 - 1$."
    ),
    assumptions=(names, spectral, e.nonzero_trace),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(spectral, (SKEWED,), "two columns that are not orthogonal"),
        Control(None, only("distinct", "r = n"), "n/r - 1 claimed of the scaled start", as_rows),
        Control(None, only("r = 1"), "the error relative to |w0|: no factor n", dimension_free),
        Control(None, only("r = n"), "S_r in place of its root in A0", first_power),
    ),
    note=(
        "That the flow ends in this update is trace-squared-limit-from-zero-b. The conclusion "
        "states the squared distances with the denominators (n r)^2 and (n tr S_r)^2 cleared. The "
        "balanced start, with B0 not 0, is another matter: see trace-squared-balanced-start."
    ),
)
