"""Where the trace-squared flow ends from any start off the two cones, and how fast it gets there.

With p = tr(B0 A0), q = (||A0||^2 + ||B0||^2)/2 and mu^2 = w0^2 + q^2 - p^2, the flow stops at
x* = (w0 + mu)/(q - p) = (p + q)/(mu - w0), where tr W = 0 and ||A*||^2 + ||B*||^2 = 2 mu. With
x = N/D from the closed form, N - x* D = (1 - x*) e^{-mu t} and N D tr W(t) = tr W(0), both for
every t: the distance to the limit and the trace fall at the rate 2 mu, exactly.
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
    below,
    equal,
    inner,
    squared_norm,
    trace,
)
from lora_proofs.claims.rushka_klabjan.trace_squared import general_limit_proof as words
from lora_proofs.claims.rushka_klabjan.trace_squared.limit_starts import (
    ended_at,
    ratio,
    with_trace,
)
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.flows import trace_squared_closed_form, trace_squared_limit
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw, Rejected
from lora_proofs.strategies.problems import lora_problem

KINDS = {
    "generic": "generic",
    "zero B0": "zero B0",
    "zero A0": "zero A0",
    "rank deficient": "rank deficient",
    "r = 1": "r = 1",
    "r = n": "r = min(n, m)",
    "r > n": "r > min(n, m)",
    "near the cone": "cone",
    "at rest": "generic",
    "zero trace": "generic",
    "tiny scale": "tiny scale",
    "huge scale": "huge scale",
}
DIGITS = BallArithmetic(60)
TINY = Fraction(1, 10**30)


def draw(source: Draw, regime: str) -> Instance:
    """A start whose limit is at a rational y = sqrt(x*): W0 gets the trace that makes it so."""
    problem = lora_problem(source, KINDS[regime], loss="trace-squared")
    A0, B0 = EXACT.matrix(problem.A0), EXACT.matrix(problem.B0)
    y = Fraction(1) if regime == "at rest" else ratio(source)
    if regime == "near the cone":
        B0 = B0 * EXACT.number(1 - Fraction(1, 10 ** source.integer(1, 12)))
    if regime == "zero trace":  # V = 4 U, so that x* = ||U||/||V|| is the square of 1/2
        A0, B0, y = 5 * A0, -3 * A0.mT, Fraction(1, 2)
    return start(problem.W0, A0, B0, y, source).replace(regimes=(regime,))


def start(W0: Any, A0: Any, B0: Any, y: Fraction, source: Draw) -> Instance:
    """The instance with its limit, a time and a point of the curve."""
    plus, minus = squared_norm(A0 + B0.mT), squared_norm(A0 - B0.mT)
    if plus == 0 or minus == 0:
        raise Rejected("a start on a cone")
    A, B = ended_at(y, A0, B0)
    mu = (squared_norm(A) + squared_norm(B)) / 2
    return Instance(
        W0=with_trace(W0, -trace(B @ A)),
        A0=A0,
        B0=B0,
        y=y,
        mu=mu,
        growth=1 + Fraction(source.integer(0, 40), 8),
        now=Fraction(source.integer(1, 9), source.integer(1, 9)),
    )


INSTANCES = Instances(draw, tuple(KINDS))


def scalars(instance: Instance, ctx: Arithmetic) -> dict[str, Any]:
    """w0, p, q, mu, x* and what the closed form is made of, from the matrices."""
    v = instance.lift(ctx)
    w0, p = trace(v.W0), inner(v.B0.mT, v.A0)
    q = (squared_norm(v.A0) + squared_norm(v.B0)) / 2
    c, d, down = w0 + p + q, q - p - w0, 1 / v.growth
    mu_C, S = v.mu * (v.growth + down) / 2, (v.growth - down) / 2
    return {
        "w0": w0, "p": p, "q": q, "mu": v.mu, "x": v.y**2, "c": c, "d": d,
        "up": v.growth, "down": down, "N": mu_C + c * S, "D": mu_C + d * S,
    }  # fmt: skip


def stands_still(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """x* and mu are what their definitions say, and the start is on no cone."""
    v, k = instance.lift(ctx), scalars(instance, ctx)
    yield below("0 < ||A0 + B0'||^2", 0, squared_norm(v.A0 + v.B0.mT))
    yield below("0 < ||A0 - B0'||^2", 0, squared_norm(v.A0 - v.B0.mT))
    yield below("0 < sqrt(x*)", 0, v.y)
    above, under = k["x"] * (k["q"] - k["p"]), (k["q"] + k["p"]) / k["x"]
    yield equal("w0 against (x* (q - p) - (q + p)/x*)/2", k["w0"], (above - under) / 2)
    yield equal("mu against (x* (q - p) + (q + p)/x*)/2", k["mu"], (above + under) / 2)


limit_point = Assumption(
    "limit_point",
    r"$B_0 \ne A_0^\top$ and $B_0 \ne -A_0^\top$; $x_* > 0$ is the root of "
    r"$(p - q) x^2 + 2 w_0 x + (p + q)$, so $w_0 = \tfrac12(x_*(q - p) - (q + p)/x_*)$, and "
    r"$\mu = \tfrac12(x_*(q - p) + (q + p)/x_*)$; $e^{\mu t} e^{-\mu t} = e^\tau e^{-\tau} = 1$",
    stands_still,
    relations=words.GRANTED,
)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """Rational numbers stand for sqrt(x*), for e^{mu t} and for a point of the curve."""
    v = instance.lift(ctx)
    return {
        words.U: v.A0 + v.B0.mT,
        words.V: v.A0 - v.B0.mT,
        words.y: v.y,
        words.z: 1 / v.y,
        words.w0: trace(v.W0),
        words.mu: v.mu,
        words.grown: v.growth,
        words.shrunk: 1 / v.growth,
        words.now: v.now,
        words.then: 1 / v.now,
    }


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The limit of the orbit in exact numbers; the library's own limit and flow beside it."""
    yield from names(scalars(instance, ctx))
    yield from at_the_limit(instance, ctx)
    yield from on_the_way(instance, ctx)
    if scalars(instance, EXACT)["mu"] ** 2 > scalars(instance, EXACT)["w0"] ** 2:  # off the cones
        yield from library(instance)


def names(k: dict[str, Any]) -> Iterator[Comparison]:
    """Both forms of x*, and mu."""
    yield equal(words.FIRST, k["x"] * (k["q"] - k["p"]), k["w0"] + k["mu"])
    yield equal(words.SECOND, k["x"] * (k["mu"] - k["w0"]), k["q"] + k["p"])
    yield equal(words.SQUARE, k["mu"] ** 2, k["w0"] ** 2 + k["q"] ** 2 - k["p"] ** 2)


def at_the_limit(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """tr W and ||A||^2 + ||B||^2 where the orbit stops."""
    v, (A, B) = instance.lift(ctx), moved(instance, instance.y, ctx)
    yield equal(words.LOSS, trace(v.W0 + B @ A), ctx.number(0))
    yield equal(words.RATE, squared_norm(A) + squared_norm(B), 2 * v.mu)


def moved(instance: Instance, y: Any, ctx: Arithmetic) -> tuple[Any, Any]:
    """A and B at a point of the curve."""
    v, y = instance.lift(ctx), ctx.number(y)
    c, s = (y + 1 / y) / 2, (y - 1 / y) / 2
    return c * v.A0 - s * v.B0.mT, c * v.B0 - s * v.A0.mT


def on_the_way(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The distance to the limit and the trace at a time that e^{mu t} stands for."""
    v, k, (A, B) = instance.lift(ctx), scalars(instance, ctx), moved(instance, instance.now, ctx)
    w0, p, q, mu, N, D = (k[name] for name in ("w0", "p", "q", "mu", "N", "D"))
    x = v.now**2
    side = (p - q) * x**2 + 2 * w0 * x + (p + q)
    yield equal(words.ON_CURVE, 2 * x * trace(v.W0 + B @ A), side)
    yield equal(words.GAP, N - k["x"] * D, mu * (1 - k["x"]) * k["down"])
    side = (p - q) * N**2 + 2 * w0 * N * D + (p + q) * D**2
    yield equal(words.PRODUCT, side, 2 * trace(v.W0 + v.B0 @ v.A0) * mu**2)
    yield equal(words.ABOVE, 2 * N, (mu + k["c"]) * k["up"] + (mu - k["c"]) * k["down"])
    yield equal(words.BELOW, 2 * D, (mu + k["d"]) * k["up"] + (mu - k["d"]) * k["down"])


def library(instance: Instance) -> Iterator[Comparison]:
    """The library's limit against the exact one, and N D tr W(t) = tr W(0) at t = 1/2."""
    rows = (instance.W0, instance.A0, instance.B0)
    A, B = moved(instance, instance.y, EXACT)
    k = scalars(instance, EXACT)
    with DIGITS.working():
        found = trace_squared_limit(*rows, DIGITS)
        gap = squared_norm(found.A - A) + squared_norm(found.B - B)
        yield at_most("measured: limit of the library against the exact one", gap, TINY)
        mu_t = DIGITS.number(k["mu"]) / 2
        C, S = DIGITS.cosh(mu_t), DIGITS.sinh(mu_t) / k["mu"]
        trace_W = trace_squared_closed_form(*rows, Fraction(1, 2), DIGITS).trace_W
        T0 = k["w0"] + k["p"]
        gap = abs((C + k["c"] * S) * (C + k["d"] * S) * trace_W - T0)
        yield at_most(
            "measured: N D tr W(t) against tr W(0) at t = 1/2",
            gap,
            (1 + T0**2) * EXACT.number(TINY),
        )


def wrong_sign(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """x* with mu - w0 in place of w0 + mu."""
    k = scalars(instance, ctx)
    yield equal("x* (q - p) against mu - w0", k["x"] * (k["q"] - k["p"]), k["mu"] - k["w0"])


def rate_mu(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The rate mu in place of 2 mu."""
    v, (A, B) = instance.lift(ctx), moved(instance, instance.y, ctx)
    yield equal("||A*||^2 + ||B*||^2 against mu", squared_norm(A) + squared_norm(B), v.mu)


def without_p(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """mu of B0 = 0 used for every start."""
    k = scalars(instance, ctx)
    yield equal("mu^2 without p", k["mu"] ** 2, k["w0"] ** 2 + k["q"] ** 2)


KEPT_CONE = Instance(
    W0=[[2, 1], [0, 0]], A0=[[1, 2]], B0=[[1], [2]], y=1, mu=2, growth=2, now=1
)  # fmt: skip
HALFWAY = Instance(
    W0=[[2, 1], [0, 0]], A0=[[1, 2]], B0=[[0], [0]], y="5/4", mu="13/4", growth=2, now=1
)  # fmt: skip
GENERIC = Instances(draw, ("generic",))

claim = Claim(
    name="rushka-klabjan/trace-squared-general-limit",
    title="Where the trace-squared flow ends off the cones",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Let $p = \mathrm{tr}(B_0 A_0)$, $q = \tfrac12(\|A_0\|_F^2 + \|B_0\|_F^2)$ and $B_0 \ne "
        r"\pm A_0^\top$. With the root $x_*$ and $\mu$ as defined: $\mu^2 = w_0^2 + q^2 - p^2$, "
        r"$x_* (q - p) = w_0 + \mu$ and $x_* (\mu - w_0) = p + q$. The flow of "
        r"$\tfrac12(\mathrm{tr} W)^2$ stops at $A_* = A_0\cosh\tau_* - B_0^\top\sinh\tau_*$, "
        r"$B_* = B_0\cosh\tau_* - A_0^\top\sinh\tau_*$ with $e^{2\tau_*} = x_*$: "
        r"$\mathrm{tr}(W_0 + B_* A_*) = 0$ and $\|A_*\|_F^2 + \|B_*\|_F^2 = 2\mu$. With $x = "
        r"N/D$ of the closed form, at every time $N - x_* D = (1 - x_*) e^{-\mu t}$. With "
        r"$\rho(x) = (p - q) x^2 + 2 w_0 x + (p + q)$: $2 x\,\mathrm{tr} W = \rho(x)$ on the "
        r"orbit and $\rho(N/D) D^2 = 2\,\mathrm{tr} W(0)$, so $N D\,\mathrm{tr} W(t) = "
        r"\mathrm{tr} W(0)$. Here $2\mu N = (\mu + w_0 + p + q) e^{\mu t} + (\mu - w_0 - p - q) "
        r"e^{-\mu t}$ and $2\mu D = (\mu + q - p - w_0) e^{\mu t} + (\mu - q + p + w_0) e^{-\mu "
        r"t}$: both distances fall at the rate $2\mu$."
    ),
    assumptions=(limit_point,),
    instances=INSTANCES,
    check=check,
    conclusion=words.CONCLUSION,
    derive=words.derive,
    interpret=interpret,
    limit="a closed form: N - x* D = (1 - x*) e^(-mu t) and N D tr W(t) = tr W(0) at every time",
    controls=(
        Control(limit_point, (KEPT_CONE,), "B0 = A0' with w0 > 0: the trace stays at least w0"),
        Control(limit_point, (HALFWAY,), "a point of the orbit that is not its limit"),
        Control(None, GENERIC, "mu - w0 in place of w0 + mu", wrong_sign),
        Control(None, GENERIC, "the rate mu in place of 2 mu", rate_mu),
        Control(None, GENERIC, "mu of B0 = 0 used for every start", without_p),
    ),
    note="Instances have a rational x*: W0 gets the trace that puts the limit there.",
)
