"""One mode of the Frobenius flow in closed form, from every start.

A mode has n = m = 1 and any r: a is r x 1, b is 1 x r, and with w = ba and the error sigma = Y - W0
the flow is a' = (sigma - w) b', b' = (sigma - w) a'. It runs along the curve
a = a0 cosh s + b0' sinh s, b = b0 cosh s + a0' sinh s with s' = sigma - w, and x = e^{2s} solves a
Riccati equation, whose solution is a quotient of hyperbolic functions of mu t. The error of the
mode is its start divided by numerator and denominator. For r = 1 and D = a0^2 - b0^2, alpha beta is
D^2/4.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison, equal, inner, squared_norm
from lora_proofs.claims.rushka_klabjan.frobenius.modes import mode_start
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.language.lemmas.calculus import COSH, HYPERBOLIC, SINH, SQUARE, UNIQUENESS
from lora_proofs.mathematics import words
from lora_proofs.mathematics.flows import lora_vector_field
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.mathematics.words import (
    Named,
    Relation,
    Scalar,
    Symbol,
    Trace,
    Word,
    along,
    substitute,
    word,
)
from lora_proofs.strategies.draw import Draw, ratio
from lora_proofs.symbolic.steps import Step, cited, identity

A0, B0 = Symbol("a0", "r", 1, latex="a_0"), Symbol("b0", 1, "r", latex="b_0")
sigma = Scalar("sigma", latex=r"\sigma")
cosh, sinh = Scalar("cosh(s)", latex=r"\cosh s"), Scalar("sinh(s)", latex=r"\sinh s")
C = Scalar("cosh(mu t)", latex=r"\cosh\mu t")
S = Scalar("sinh(mu t)/mu", latex=r"\tfrac{\sinh\mu t}{\mu}")

HALF = Fraction(1, 2)
p = Named("p", Trace(B0 @ A0))
q = Named("q", HALF * (words.squared_norm(A0) + words.squared_norm(B0)))
alpha = Named("alpha", q + p, latex=r"\alpha")
beta = Named("beta", q - p, latex=r"\beta")
mu2 = Named("mu^2", sigma**2 + alpha * beta, latex=r"\mu^2")
A = Named("a", cosh * A0 + sinh * B0.T)
B = Named("b", cosh * B0 + sinh * A0.T)
w = Named("w", Trace(B @ A))
x = Named("x", (cosh + sinh) ** 2)
N = Named("N", C + (sigma + beta) * S)
D = Named("D", C + (alpha - sigma) * S)
SIZE = Named("|a|^2 + |b|^2", words.squared_norm(A) + words.squared_norm(B))

IN_S: dict[Any, Word] = {cosh: sinh * (sigma - w), sinh: cosh * (sigma - w)}
IN_T: dict[Any, Word] = {C: mu2 * S, S: C}
AT_START = {cosh: 1, sinh: 0, C: 1, S: 0}


def riccati(numerator: Word, denominator: Word) -> Word:
    """The right side of x' = -alpha x^2 + 2 sigma x + beta, times the squared denominator."""
    square = -(alpha * numerator**2) + 2 * sigma * numerator * denominator
    return square + beta * denominator**2


FIELD_A, FIELD_B = "a' = -b'G", "b' = -G a'"
CLOCK, QUOTIENT, ERROR = "rate of x", "x = N/D solves its equation", "error of the mode"
START_A, START_B, START_X = "a at s = 0", "b at s = 0", "N = D at t = 0, so x = 1 and s = 0"
PRODUCT, RATE, SPEED = "w from x", "rate of w", "square of |a|^2 + |b|^2"
CONCLUSION = (
    Relation(substitute(A, AT_START), "=", A0, START_A),
    Relation(substitute(B, AT_START), "=", B0, START_B),
    Relation(substitute(N, AT_START), "=", substitute(D, AT_START), START_X),
    Relation(along(A, IN_S), "=", (sigma - w) * B.T, FIELD_A),
    Relation(along(B, IN_S), "=", (sigma - w) * A.T, FIELD_B),
    Relation(along(x, IN_S), "=", riccati(x, word(1)), CLOCK),
    Relation(along(N, IN_T) * D - N * along(D, IN_T), "=", riccati(N, D), QUOTIENT),
    Relation(2 * w * x, "=", alpha * x**2 - beta, PRODUCT),
    Relation(2 * sigma * N * D - alpha * N**2 + beta * D**2, "=", 2 * (sigma - p), ERROR),
    Relation(along(w, IN_S), "=", (sigma - w) * SIZE, RATE),
    Relation(SIZE**2, "=", 4 * alpha * beta + 4 * w**2, SPEED),
)
WHY = {
    START_A: "cosh 0 = 1, sinh 0 = 0",
    START_B: "cosh 0 = 1, sinh 0 = 0",
    START_X: "both are 1",
    FIELD_A: "cosh' = sinh s', sinh' = cosh s', and s' = sigma - w",
    FIELD_B: "the same, transposed",
    CLOCK: "x' = 2 x s', with cosh^2 - sinh^2 = 1",
    QUOTIENT: "quotient rule with C' = mu^2 S, S' = C; the common D^2 is cleared",
    PRODUCT: "a + b' grows like e^s, a - b' shrinks like e^{-s}",
    ERROR: "sigma - w at x = N/D, times 2 N D",
    RATE: "product rule",
    SPEED: "the conserved product |a + b'|^2 |a - b'|^2 is 4 alpha beta",
}
FUNCTIONS = {"functions": "functions"}


def derive() -> Iterator[Step]:
    """Differentiate the candidates; solutions through one start are unique."""
    curve = {COSH: cosh, SINH: sinh, SQUARE: word(1)}
    yield (
        tau := cited(HYPERBOLIC, "cosh and sinh of s", substitution=curve, discharged_by=FUNCTIONS)
    )
    clock = {COSH: C, SINH: S, SQUARE: mu2}
    yield (mu := cited(HYPERBOLIC, "with m = mu^2", substitution=clock, discharged_by=FUNCTIONS))
    yield identity(substitute(D, AT_START), 1, "D starts at 1")
    given = {QUOTIENT: (mu,), ERROR: (mu,), FIELD_A: (), FIELD_B: (), RATE: ()}
    given |= {START_A: (), START_B: (), START_X: ()}
    steps = {
        r.label: identity(
            r.left, r.right, WHY[r.label], given=given.get(r.label, (tau,)), label=r.label
        )
        for r in CONCLUSION
    }
    yield from steps.values()
    for label, start in ((FIELD_A, START_A), (FIELD_B, START_B), (QUOTIENT, START_X)):
        yield cited(
            UNIQUENESS,
            "the field is a polynomial, hence locally Lipschitz",
            discharged_by={"solves": steps[label], "field": steps[label], "starts": steps[start]},
        )


REGIMES = (
    "generic",
    "r = 1",
    "r > 1",
    "zero b0",
    "zero a0",
    "stable set",
    "unstable set",
    "origin",
    "zero error",
    "tiny scale",
)


def draw(source: Draw, regime: str) -> Instance:
    """A start, with rational points on both hyperbolas: y = e^s, v = S / (1 + C)."""
    y = Fraction(source.integer(1, 9), source.integer(1, 9))
    v = ratio(source, -5, 5, 7)
    return mode_start(source, regime).replace(y=y, v=v)


INSTANCES = Instances(draw, REGIMES)


def _numbers(instance: Instance, ctx: Arithmetic) -> dict[str, Any]:
    """The scalars of the closed form at the instance's rational points."""
    z, one = instance.lift(ctx), ctx.number(1)
    error = z.Y[0, 0] - z.W0[0, 0]
    pp, qq = inner(z.B0.mT, z.A0), (squared_norm(z.A0) + squared_norm(z.B0)) / 2
    m = error * error + (qq + pp) * (qq - pp)
    safe = one - m * z.v * z.v
    S_, C_ = (2 * z.v / safe, (one + m * z.v * z.v) / safe) if safe != 0 else (one - one, one)
    c_, s_ = (z.y + one / z.y) / 2, (z.y - one / z.y) / 2
    hyperbolic = {"m": m, "C": C_, "S": S_, "c": c_, "s": s_}
    return {"sigma": error, "p": pp, "alpha": qq + pp, "beta": qq - pp, **hyperbolic}


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """Rational points on both hyperbolas stand for every time."""
    k, z = _numbers(instance, ctx), instance.lift(ctx)
    scalars = {sigma: k["sigma"], cosh: k["c"], sinh: k["s"], C: k["C"], S: k["S"]}
    return {A0: z.A0, B0: z.B0, **scalars}


def on_hyperbolas(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The rational points lie on the curves that the functions run through."""
    k = _numbers(instance, ctx)
    yield equal("cosh^2 - sinh^2", k["c"] ** 2 - k["s"] ** 2, ctx.number(1))
    yield equal("C^2 - mu^2 S^2", k["C"] ** 2 - k["m"] * k["S"] ** 2, ctx.number(1))


functions = Assumption(
    "functions",
    r"$\cosh s$, $\sinh s$ and $\cosh\mu t$, $\sinh(\mu t)/\mu$ are the functions with $C' = m S$, "
    r"$S' = C$, $C = 1$ and $S = 0$ at 0, for $m = 1$ in $s$ and $m = \mu^2$ in $t$",
    on_hyperbolas,
    technical="it names functions",
)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The candidates put into the vector field that the steps use."""
    k, z, loss = _numbers(instance, ctx), instance.lift(ctx), frobenius(instance.Y)
    yield from _starts(instance, ctx)
    a, b = _factors(z, k["c"], k["s"])
    product = inner(b.mT, a)
    clock = k["sigma"] - product
    da, db = (clock * rate for rate in _factors(z, k["s"], k["c"]))
    field_a, field_b = lora_vector_field(loss, z.W0, a, b, ctx)
    yield equal(FIELD_A, da, field_a)
    yield equal(FIELD_B, db, field_b)
    x_ = z.y * z.y
    yield equal(CLOCK, 2 * x_ * clock, _riccati(k, x_, ctx.number(1)))
    yield _quotient(k, k["sigma"] + k["beta"], k["alpha"] - k["sigma"])
    yield equal(PRODUCT, 2 * product * x_, k["alpha"] * x_ * x_ - k["beta"])
    yield equal(ERROR, _error(k), 2 * (k["sigma"] - k["p"]))
    size = squared_norm(a) + squared_norm(b)
    yield equal(RATE, inner(db.mT, a) + inner(b.mT, da), clock * size)
    yield equal(SPEED, size * size, 4 * k["alpha"] * k["beta"] + 4 * product * product)


def _starts(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The candidates at s = 0 and t = 0."""
    k, z, one = _numbers(instance, ctx), instance.lift(ctx), ctx.number(1)
    a, b = _factors(z, one, 0 * one)
    yield equal(START_A, a, z.A0)
    yield equal(START_B, b, z.B0)
    yield equal(START_X, *_fraction(k | {"C": one, "S": 0 * one}))


def _factors(z: Any, c: Any, s: Any) -> tuple[Any, Any]:
    """a and b for these values of cosh and sinh; exchanged, their derivatives in s."""
    return c * z.A0 + s * z.B0.mT, c * z.B0 + s * z.A0.mT


def _fraction(k: dict[str, Any]) -> tuple[Any, Any]:
    """N and D."""
    above, below = k["sigma"] + k["beta"], k["alpha"] - k["sigma"]
    return k["C"] + above * k["S"], k["C"] + below * k["S"]


def _riccati(k: dict[str, Any], num: Any, den: Any) -> Any:
    square = 2 * k["sigma"] * num * den - k["alpha"] * num * num
    return square + k["beta"] * den * den


def _error(k: dict[str, Any]) -> Any:
    num, den = _fraction(k)
    return 2 * k["sigma"] * num * den - k["alpha"] * num * num + k["beta"] * den * den


def _quotient(k: dict[str, Any], above: Any, below: Any) -> Comparison:
    num, den = k["C"] + above * k["S"], k["C"] + below * k["S"]
    rate_num, rate_den = k["m"] * k["S"] + above * k["C"], k["m"] * k["S"] + below * k["C"]
    return equal(QUOTIENT, rate_num * den - num * rate_den, _riccati(k, num, den))


def other_sign(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The convention 1/2 ||W0 - BA||^2 taken for 1/2 ||W0 + BA||^2: the error changes its sign."""
    k, z = _numbers(instance, ctx), instance.lift(ctx)
    loss = frobenius(instance.Y)
    field_a, _ = lora_vector_field(loss, z.W0, z.A0, z.B0, ctx)
    yield equal("a' with the error -sigma", (-k["sigma"] - k["p"]) * z.B0.mT, field_a)


def factor_two(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The loss (w - sigma)^2 without 1/2 with the same clock."""
    k, z = _numbers(instance, ctx), instance.lift(ctx)
    field_a, _ = lora_vector_field(frobenius(instance.Y), z.W0, z.A0, z.B0, ctx)
    yield equal("a' of the loss without 1/2", (k["sigma"] - k["p"]) * z.B0.mT, 2 * field_a)


def another_start(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """N and D of the solution that has x = 4 at the start, claimed to be of x = 1 there."""
    k, one = _numbers(instance, ctx), ctx.number(1)
    k |= {"C": one, "S": 0 * one}
    num = 4 * k["C"] + (4 * k["sigma"] + k["beta"]) * k["S"]
    den = k["C"] + (4 * k["alpha"] - k["sigma"]) * k["S"]
    yield equal("N = D at t = 0", num, den)


def swapped(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """alpha and beta exchanged in the quotient."""
    k = _numbers(instance, ctx)
    yield _quotient(k, k["sigma"] + k["alpha"], k["beta"] - k["sigma"])


claim = Claim(
    name="rushka-klabjan/frobenius-scalar-closed-form",
    title="One mode of the Frobenius flow in closed form",
    source=Source("rushka-klabjan", "", "reconstructed", "summary"),
    statement=(
        r"Let $n = m = 1$, $\sigma = Y - W_0$, $f = \tfrac12(W - Y)^2$, and let $a$ ($r \times 1$) "
        r"and $b$ ($1 \times r$) be the factors, $w = ba$, $p = b_0 a_0$, "
        r"$q = \tfrac12(|a_0|^2 + |b_0|^2)$, $\alpha = q + p$, $\beta = q - p$, "
        r"$\mu^2 = \sigma^2 + \alpha\beta$. The LoRA flow is "
        r"$a = a_0\cosh s + b_0^\top\sinh s$, $b = b_0\cosh s + a_0^\top\sinh s$ with "
        r"$e^{2s} = x = N/D$, $N = \cosh\mu t + (\sigma + \beta)\frac{\sinh\mu t}{\mu}$, "
        r"$D = \cosh\mu t + (\alpha - \sigma)\frac{\sinh\mu t}{\mu}$ (for $\mu = 0$ read $t$ for "
        r"$\sinh(\mu t)/\mu$), from every start, as long as $D > 0$. Moreover "
        r"$2wx = \alpha x^2 - \beta$, $(\sigma - w) N D = \sigma - p$, and "
        r"$\dot w = (\sigma - w)(|a|^2 + |b|^2)$ with "
        r"$(|a|^2 + |b|^2)^2 = 4\alpha\beta + 4w^2$."
    ),
    assumptions=(functions,),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(None, INSTANCES, "the sign of the error is flipped", other_sign),
        Control(None, INSTANCES, "the factor 1/2 of the loss is forgotten", factor_two),
        Control(None, INSTANCES, "the solution with x = 4 at the start", another_start),
        Control(None, INSTANCES, "alpha and beta are exchanged", swapped),
    ),
    note=(
        "Checked at rational points of the two hyperbolas, which stand for every time. For r = 1 "
        "and D = a0^2 - b0^2: 4 alpha beta = D^2."
    ),
)
