"""The flows of 1/2 (tr W)^2 in closed form, full-parameter and LoRA, from every start.

With w0 = tr W0, p = tr(B0 A0), q = (||A0||^2 + ||B0||^2)/2 and mu^2 = w0^2 + q^2 - p^2:
A = A0 cosh tau - B0' sinh tau, B = B0 cosh tau - A0' sinh tau, and x = e^{2 tau} is a quotient of
hyperbolic functions of mu t. The full-parameter flow moves along the identity.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison, equal, inner, squared_norm, trace
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.language.lemmas.calculus import COSH, HYPERBOLIC, SINH, SQUARE, UNIQUENESS
from lora_proofs.mathematics import words
from lora_proofs.mathematics.flows import full_vector_field, lora_vector_field
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import trace_squared
from lora_proofs.mathematics.words import (
    Identity,
    Named,
    Relation,
    Scalar,
    Size,
    Symbol,
    Trace,
    Word,
    along,
    substitute,
)
from lora_proofs.strategies.draw import Draw, ratio
from lora_proofs.strategies.problems import lora_problem
from lora_proofs.symbolic.steps import Step, cited, identity

A0, B0 = Symbol("A0", "r", "n", latex="A_0"), Symbol("B0", "n", "r", latex="B_0")
W0 = Symbol("W0", "n", "n", latex="W_0")
cosh, sinh = Scalar("cosh(tau)", latex=r"\cosh\tau"), Scalar("sinh(tau)", latex=r"\sinh\tau")
C = Scalar("cosh(mu t)", latex=r"\cosh\mu t")
S = Scalar("sinh(mu t)/mu", latex=r"\tfrac{\sinh\mu t}{\mu}")
decay = Scalar("e^(-nt)", latex="e^{-nt}")

w0 = Named("w0", Trace(W0), latex="w_0")
p = Named("p", Trace(B0 @ A0))
q = Named("q", Fraction(1, 2) * (words.squared_norm(A0) + words.squared_norm(B0)))
mu2 = Named("mu^2", w0**2 + q**2 - p**2, latex=r"\mu^2")
A = Named("A", cosh * A0 - sinh * B0.T)
B = Named("B", cosh * B0 - sinh * A0.T)
T = Named("T", Trace(W0 + B @ A))
x = Named("x", (cosh + sinh) ** 2)
N = Named("N", C + (w0 + p + q) * S)
D = Named("D", C + (q - p - w0) * S)
W_FULL = Named("W", W0 - (w0 * (1 - decay) / Size("n")) * Identity("n"))

IN_TAU = {cosh: sinh * T, sinh: cosh * T}
IN_T = {C: mu2 * S, S: C}
AT_START = {cosh: 1, sinh: 0, C: 1, S: 0, decay: 1}


def riccati(numerator: Word, denominator: Word | None = None) -> Word:
    """The right side of x' = (p - q) x^2 + 2 w0 x + (p + q), times the squared denominator."""
    if denominator is None:
        return (p - q) * numerator**2 + 2 * w0 * numerator + (p + q)
    square = (p - q) * numerator**2 + 2 * w0 * numerator * denominator
    return square + (p + q) * denominator**2


LORA_A, LORA_B = "A' = -B'G", "B' = -G A'"
CLOCK, QUOTIENT, FULL = "rate of x", "x = N/D solves its equation", "full-parameter flow"
AT_0 = ("A at tau = 0", "B at tau = 0", "N at t = 0", "D at t = 0", "W at t = 0")
STARTS = tuple(
    Relation(substitute(value, AT_START), "=", start, label)
    for value, start, label in zip(
        (A, B, N, D, W_FULL), (A0, B0, words.word(1), words.word(1), W0), AT_0, strict=True
    )
)
CONCLUSION = (
    *STARTS,
    Relation(along(A, IN_TAU), "=", -(B.T @ (T * Identity("n"))), LORA_A),
    Relation(along(B, IN_TAU), "=", -((T * Identity("n")) @ A.T), LORA_B),
    Relation(along(x, IN_TAU), "=", riccati(x), CLOCK),
    Relation(along(N, IN_T) * D - N * along(D, IN_T), "=", riccati(N, D), QUOTIENT),
    Relation(
        along(W_FULL, {decay: -(Size("n") * decay)}), "=", -(Trace(W_FULL) * Identity("n")), FULL
    ),
)


FUNCTIONS = {"functions": "functions"}


def derive() -> Iterator[Step]:
    """Differentiate the candidates; solutions through one start are unique."""
    both = p * (cosh**2 + sinh**2) - 2 * q * cosh * sinh
    yield identity(T, w0 + both, "expand the trace")
    tau = cited(
        HYPERBOLIC,
        "cosh and sinh of tau",
        substitution={COSH: cosh, SINH: sinh, SQUARE: 1},
        discharged_by=FUNCTIONS,
    )
    yield tau
    points = {COSH: C, SINH: S, SQUARE: mu2}
    yield (mu := cited(HYPERBOLIC, "with m = mu^2", substitution=points, discharged_by=FUNCTIONS))
    why = {
        **dict.fromkeys(AT_0, "cosh 0 = 1, sinh 0 = 0, C = 1, S = 0, e^{-nt} = 1"),
        LORA_A: "cosh' = sinh tau', sinh' = cosh tau', and tau' = T; the gradient is T I",
        LORA_B: "the same, transposed",
        CLOCK: "x' = 2 x T, with cosh^2 - sinh^2 = 1",
        QUOTIENT: "quotient rule with C' = mu^2 S, S' = C; the common D^2 is cleared",
        FULL: "the decaying factor has rate -n",
    }
    given = {CLOCK: (tau,), QUOTIENT: (mu,)}
    steps = [
        identity(r.left, r.right, why[r.label], given=given.get(r.label, ()), label=r.label)
        for r in CONCLUSION
    ]
    yield from steps
    # A and B share one field; x is a quotient, so N and D start it.
    started, solving = steps[: len(AT_0)], steps[len(AT_0) :]
    pairs = zip(solving, (*started[:2], started[3], started[2], started[4]), strict=True)
    for step, start in pairs:
        yield cited(
            UNIQUENESS,
            "the field is a polynomial, hence locally Lipschitz",
            discharged_by={"solves": step, "field": step, "starts": start},
        )


def draw(source: Draw, regime: str) -> Instance:
    """A start, with rational points on both hyperbolas: y = e^tau, v = S / (1 + C), decay."""
    problem = lora_problem(source, regime, loss="trace-squared")
    y = Fraction(source.integer(1, 9), source.integer(1, 9))
    v = ratio(source, -5, 5, 7)
    return problem.replace(y=y, v=v, decay=ratio(source, 1, 7, 7))


INSTANCES = Instances(draw, ("generic", "zero B0", "zero A0", "cone", "r > min(n, m)", "zero W0"))


def _numbers(instance: Instance, ctx: Arithmetic) -> dict[str, Any]:
    """The scalars of the closed form at the instance's rational points."""
    z = instance.lift(ctx)
    one = ctx.number(1)
    w, pp = trace(z.W0), inner(z.B0.mT, z.A0)
    qq = (squared_norm(z.A0) + squared_norm(z.B0)) / 2
    m = w * w + qq * qq - pp * pp
    safe = one - m * z.v * z.v
    S_, C_ = (2 * z.v / safe, (one + m * z.v * z.v) / safe) if safe != 0 else (one - one, one)
    c_, s_ = (z.y + one / z.y) / 2, (z.y - one / z.y) / 2
    return {"w0": w, "p": pp, "q": qq, "m": m, "C": C_, "S": S_, "c": c_, "s": s_}


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """Rational points on both hyperbolas stand for every time."""
    k, z = _numbers(instance, ctx), instance.lift(ctx)
    scalars = {cosh: k["c"], sinh: k["s"], C: k["C"], S: k["S"], decay: z.decay}
    return {W0: z.W0, A0: z.A0, B0: z.B0, **scalars}


def on_hyperbolas(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The rational points lie on the curves that the functions run through."""
    k = _numbers(instance, ctx)
    yield equal("cosh^2 - sinh^2", k["c"] ** 2 - k["s"] ** 2, ctx.number(1))
    yield equal("C^2 - mu^2 S^2", k["C"] ** 2 - k["m"] * k["S"] ** 2, ctx.number(1))


functions = Assumption(
    "functions",
    r"$\cosh\tau$, $\sinh\tau$ and $\cosh\mu t$, $\sinh(\mu t)/\mu$ are the functions with "
    r"$C' = m S$, $S' = C$, $C = 1$ and $S = 0$ at 0, for $m = 1$ in $\tau$ and $m = \mu^2$ in "
    r"$t$; "
    r"$e^{-nt}$ is 1 at 0 and has derivative $-n e^{-nt}$",
    on_hyperbolas,
    technical="it names functions",
)


def factors(instance: Instance, ctx: Arithmetic) -> tuple[Any, Any, Any, Any]:
    """A, B and their derivatives in tau."""
    k, z = _numbers(instance, ctx), instance.lift(ctx)
    return *_moved(z, k["c"], k["s"]), *_moved(z, k["s"], k["c"])


def _moved(z: Any, c: Any, s: Any) -> tuple[Any, Any]:
    """A and B for these values of cosh and sinh; exchanged, their derivatives in tau."""
    return c * z.A0 - s * z.B0.mT, c * z.B0 - s * z.A0.mT


def _fraction(k: dict[str, Any], above: Any, below: Any) -> tuple[Any, Any]:
    return k["C"] + above * k["S"], k["C"] + below * k["S"]


def _starts(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The candidates at tau = 0 and t = 0."""
    k, z, one = _numbers(instance, ctx), instance.lift(ctx), ctx.number(1)
    A_, B_ = _moved(z, one, 0 * one)
    num, den = _fraction(k | {"C": one, "S": 0 * one}, *_slopes(k))
    W = _full(instance.replace(decay=1), ctx)
    found = zip(AT_0, (A_, B_, num, den, W), (z.A0, z.B0, one, one, z.W0), strict=True)
    for label, value, start in found:
        yield equal(label, value, start)


def _slopes(k: dict[str, Any]) -> tuple[Any, Any]:
    return k["w0"] + k["p"] + k["q"], k["q"] - k["p"] - k["w0"]


def _full(instance: Instance, ctx: Arithmetic) -> Any:
    """W of the full-parameter flow."""
    z = instance.lift(ctx)
    return z.W0 - (1 - z.decay) * (trace(z.W0) / len(instance.W0) * ctx.identity(len(instance.W0)))


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The candidates put into the vector fields that the steps use."""
    k, z, loss = _numbers(instance, ctx), instance.lift(ctx), trace_squared()
    yield from _starts(instance, ctx)
    A_, B_, dA, dB = factors(instance, ctx)
    clock = trace(z.W0 + B_ @ A_)
    field_A, field_B = lora_vector_field(loss, z.W0, A_, B_, ctx)
    yield equal(LORA_A, clock * dA, field_A)
    yield equal(LORA_B, clock * dB, field_B)
    x_ = z.y * z.y
    yield equal(CLOCK, 2 * x_ * clock, _riccati(k, x_, ctx.number(1)))
    yield _quotient(k, *_slopes(k))
    n = len(instance.W0)
    shift = k["w0"] / n * ctx.identity(n)
    yield equal(FULL, -(n * z.decay) * shift, full_vector_field(loss, _full(instance, ctx), ctx))


def _riccati(k: dict[str, Any], num: Any, den: Any) -> Any:
    return (k["p"] - k["q"]) * num * num + 2 * k["w0"] * num * den + (k["p"] + k["q"]) * den * den


def _quotient(k: dict[str, Any], above: Any, below: Any) -> Comparison:
    num, den = _fraction(k, above, below)
    rate_num, rate_den = k["m"] * k["S"] + above * k["C"], k["m"] * k["S"] + below * k["C"]
    return equal(QUOTIENT, rate_num * den - num * rate_den, _riccati(k, num, den))


def sign_of_sinh(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """+ sinh in both factors: the flow run backwards."""
    z, loss, k = instance.lift(ctx), trace_squared(), _numbers(instance, ctx)
    c, s = k["c"], k["s"]
    A_, B_ = c * z.A0 + s * z.B0.mT, c * z.B0 + s * z.A0.mT
    clock = trace(z.W0 + B_ @ A_)
    field_A, _ = lora_vector_field(loss, z.W0, A_, B_, ctx)
    yield equal("A' = -B'G with + sinh", clock * (s * z.A0 + c * z.B0.mT), field_A)


def start_forgotten(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The formula for B0 = 0 used for every start: p is left out of the numerator."""
    k = _numbers(instance, ctx)
    yield _quotient(k, k["w0"] + k["q"], k["q"] - k["w0"])


def factor_two(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The loss (tr W)^2 without 1/2 with the same rate."""
    k, z = _numbers(instance, ctx), instance.lift(ctx)
    n = len(instance.W0)
    shift = k["w0"] / n * ctx.identity(n)
    W = z.W0 - (1 - z.decay) * shift
    field = 2 * full_vector_field(trace_squared(), W, ctx)
    yield equal("full-parameter flow of (tr W)^2 at the same rate", -(n * z.decay) * shift, field)


claim = Claim(
    name="rushka-klabjan/trace-squared-closed-form",
    title="The trace-squared flows in closed form",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"For $f = \tfrac12(\mathrm{tr} W)^2$, $w_0 = \mathrm{tr} W_0$, $p = \mathrm{tr}(B_0 "
        r"A_0)$, "
        r"$q = \tfrac12(\|A_0\|_F^2 + \|B_0\|_F^2)$, $\mu^2 = w_0^2 + q^2 - p^2$. The "
        r"full-parameter flow is $W(t) = W_0 - \frac{w_0}{n}(1 - e^{-nt}) I$. The LoRA flow is "
        r"$A = A_0\cosh\tau - B_0^\top\sinh\tau$, $B = B_0\cosh\tau - A_0^\top\sinh\tau$ with "
        r"$e^{2\tau} = x = N/D$, $N = \cosh\mu t + (w_0 + p + q)\frac{\sinh\mu t}{\mu}$, "
        r"$D = \cosh\mu t + (q - p - w_0)\frac{\sinh\mu t}{\mu}$ (for $\mu = 0$ read $t$ for "
        r"$\sinh(\mu t)/\mu$), for every start and all $t \ge 0$, where $N, D > 0$ (backward in "
        r"time as long as both are positive)."
    ),
    assumptions=(functions,),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(None, INSTANCES, "the sign of sinh is flipped", sign_of_sinh),
        Control(None, INSTANCES, "the formula for B0 = 0 is used for every start", start_forgotten),
        Control(None, INSTANCES, "the factor 1/2 of the loss is forgotten", factor_two),
    ),
    note=(
        "Checked at rational points of the two hyperbolas, which stand for every time; x = N/D is "
        "read where N and D are positive: on the whole interval on which the flow exists. No line "
        "of the derivation says that this is so for all t >= 0. By hand: q + p and q - p are half "
        "of squares, so mu >= |w0|, and N, D >= cosh(mu t) - sinh(mu t) = e^(-mu t) > 0."
    ),
)
