"""Where one mode of the Frobenius flow ends: the exact condition, and how fast it gets there.

With alpha = |a0 + b0'|^2/2, beta = |a0 - b0'|^2/2 the flow has w' = (sigma - w) (|a|^2 + |b|^2) and
(|a|^2 + |b|^2)^2 = 4 alpha beta + 4 w^2 (frobenius-scalar-closed-form).

w moves from p = b0 a0 towards sigma, so w^2 stays at least min(p^2, sigma^2) where the two have one
sign. With kappa^2 = 4 alpha beta + 4 min(p^2, sigma^2) there, kappa^2 = 4 alpha beta elsewhere,
|sigma - w| falls at least like e^{-kappa t}. For sigma != 0, kappa = 0 needs alpha beta = 0 and
p sigma <= 0, which is b0 = -sign(sigma) a0'. There the flow keeps b = -sign(sigma) a', so w has
the other sign than sigma, |sigma - w| >= |sigma|, and |w|' = -2 |w| (|sigma| + |w|). For sigma = 0
and alpha beta = 0, |w|' = -2 w^2.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    Comparison,
    at_least,
    at_most,
    below,
    equal,
    inner,
    squared_norm,
)
from lora_proofs.claims.rushka_klabjan.frobenius.modes import Mode, a_little_more, mode_start
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.decoupling import frobenius_decoupled_limit
from lora_proofs.mathematics.flows import frobenius_scalar_closed_form, lora_vector_field
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.strategies.draw import Draw

TIMES = (Fraction(1, 4), Fraction(1), Fraction(4), Fraction(16))
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
    "zero error, cone",
    "zero error, zero b0",
    "tiny scale",
)


def draw(source: Draw, regime: str) -> Instance:
    """A start and points y = e^s of its orbit."""
    y = [Fraction(source.integer(1, 12), source.integer(1, 12)) for _ in range(3)]
    return mode_start(source, regime).replace(orbit=[[Fraction(1), *y]])


INSTANCES = Instances(draw, REGIMES)


def mode(instance: Instance) -> Mode:
    """The exact data of the instance's mode."""
    sigma = instance.Y[0][0] - instance.W0[0][0]
    return Mode.of(sigma, [row[0] for row in instance.A0], instance.B0[0])


def orbit(instance: Instance) -> Iterator[tuple[Any, Any, Any, Any]]:
    """The points (a, b) of the curve, with the field there; all of it exact."""
    z, loss = instance.lift(EXACT), frobenius(instance.Y)
    for y in z.orbit.flat:
        c, s = (y + 1 / y) / 2, (y - 1 / y) / 2
        a, b = c * z.A0 + s * z.B0.mT, c * z.B0 + s * z.A0.mT
        yield a, b, *lora_vector_field(loss, z.W0, a, b, EXACT)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The rates along the orbit, exactly; the closed form against the bound that they give."""
    data = mode(instance)
    start = (instance.W0, instance.Y, instance.A0, instance.B0)
    limit = frobenius_decoupled_limit(*start)
    yield equal("limit of w", limit.BA[0, 0], data.limit)
    yield equal("limit of the loss", limit.loss, (data.sigma - data.limit) ** 2 / 2)
    yield from rates(instance, data)
    if data.kept:
        yield from kept(instance, data.sigma)
    elif not data.slow:
        yield below("0 < kappa^2", 0, data.rate_squared)
    if data.sigma == 0 and squared_norm(instance.lift(EXACT).B0) == 0:
        yield from at_rest(instance)
    yield from nears(instance, data, ctx)


def rates(instance: Instance, data: Mode) -> Iterator[Comparison]:
    """w' = (sigma - w)(|a|^2 + |b|^2) and its square, at every point of the orbit."""
    for a, b, da, db in orbit(instance):
        w, size = inner(b.mT, a), squared_norm(a) + squared_norm(b)
        rate = inner(db.mT, a) + inner(b.mT, da)
        yield equal("rate of w", rate, (data.sigma - w) * size)
        square = 4 * data.alpha * data.beta + 4 * w * w
        yield equal("square of |a|^2 + |b|^2", size * size, square)


def kept(instance: Instance, sigma: Any) -> Iterator[Comparison]:
    """Orbit and field stay on b = -sign(sigma) a', where |sigma - w| >= |sigma|."""
    sign = 1 if sigma > 0 else -1
    for a, b, da, db in orbit(instance):
        yield equal("b = -sign(sigma) a'", b.mT, -sign * a)
        yield equal("the field stays on the stable set", db.mT, -sign * da)
    yield from level(instance, sigma)


def level(instance: Instance, sigma: Any) -> Iterator[Comparison]:
    """|sigma - w| >= |sigma| at every point of the orbit."""
    for a, b, _, _ in orbit(instance):
        yield at_least("|sigma - w| against |sigma|", abs(sigma - inner(b.mT, a)), abs(sigma))


def at_rest(instance: Instance) -> Iterator[Comparison]:
    """With no error and b0 = 0 nothing moves."""
    _, _, da, db = next(orbit(instance))
    yield equal("a' = 0", squared_norm(da), EXACT.number(0))
    yield equal("b' = 0", squared_norm(db), EXACT.number(0))


def w_at(instance: Instance, t: Fraction, ctx: Arithmetic) -> Any:
    """w(t) from the closed form."""
    fields = (instance.W0, instance.Y, instance.A0, instance.B0)
    end = frobenius_scalar_closed_form(*fields, t, ctx)
    return end.W[0, 0] - ctx.number(instance.W0[0][0])


def nears(instance: Instance, data: Mode, ctx: Arithmetic) -> Iterator[Comparison]:
    """The distance of w(t) from its limit, at several times."""
    limit = ctx.number(data.limit)
    for t in TIMES:
        distance = abs(w_at(instance, t, ctx) - limit)
        bound = a_little_more(data.distance_bound(t, ctx), ctx)
        yield at_most(f"distance from the limit at t = {t}", distance, bound)
        if data.slow:
            least = data.distance_bound(t, ctx) * ctx.number(1 - Fraction(1, 10**9))
            yield at_least(f"|w| at t = {t} from below", distance, least)


def always_reached(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The claim without its exception, judged by the error that is kept for good."""
    data = mode(instance)
    yield equal("the error kept for all time", data.limit, data.sigma)


def ten_times(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Ten times the decay rate, at the start."""
    data, (a, b, _, _) = mode(instance), next(orbit(instance))
    size = squared_norm(a) + squared_norm(b)
    yield at_least("square of the rate at the start", size * size, 100 * data.rate_squared)


def other_sign(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The exception claimed of b0 = sign(sigma) a0'."""
    yield from level(instance, mode(instance).sigma)


def exponential(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Exponential decay claimed where it is algebraic, at the rate of the start."""
    p = ctx.number(abs(mode(instance).start))
    for t in TIMES:
        bound = p * ctx.exp(-2 * p * ctx.number(t))
        yield at_most("|w(t)| with exponential decay", abs(w_at(instance, t, ctx)), bound)


def moves(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Without an error and with b0 = 0, a claimed to shrink."""
    _, _, da, _ = next(orbit(instance))
    yield below("0 < |a'|", 0, squared_norm(da))


def only(*regimes: str) -> Instances:
    """Draws of some regimes."""
    return Instances(draw, regimes)


UNSTABLE = Instance(W0=[[0]], Y=[[2]], A0=[[1]], B0=[[1]], orbit=[[1]])

claim = Claim(
    name="rushka-klabjan/frobenius-scalar-limits",
    title="Where one mode of the Frobenius flow ends",
    source=Source("rushka-klabjan", "", "reconstructed", "summary"),
    statement=(
        r"Let $n = m = 1$, $\sigma = Y - W_0$, and let $a$ ($r \times 1$), $b$ ($1 \times r$) be "
        r"the factors of the LoRA gradient flow of $\tfrac12(W - Y)^2$, $w = ba$. For "
        r"$\sigma \ne 0$, $w$ tends to $\sigma$ if and only if $b_0 \ne -\mathrm{sign}(\sigma)\, "
        r"a_0^\top$, and then exponentially; otherwise $|\sigma - w| \ge |\sigma|$ for all time "
        r"and $|w| \le |b_0 a_0| e^{-2|\sigma| t}$. For $\sigma = 0$, $w$ tends to 0: like "
        r"$e^{-|D| t}$ or faster, with $D^2 = |a_0 + b_0^\top|^2\,|a_0 - b_0^\top|^2$ where "
        r"$D \ne 0$ (for "
        r"$r = 1$, $D = a_0^2 - b_0^2$), and as $|w| = |b_0 a_0|/(1 + 2|b_0 a_0| t)$ where "
        r"$D = 0$; from $b_0 = 0$ nothing moves."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    kind="trap",
    controls=(
        Control(None, only("stable set", "origin"), "w reaches sigma always", always_reached),
        Control(None, only("generic"), "ten times the decay rate", ten_times),
        Control(None, (UNSTABLE,), "the exception with the other sign", other_sign),
        Control(None, only("zero error, cone"), "exponential decay on the cone", exponential),
        Control(None, only("zero error, zero b0"), "a shrinks without an error", moves),
    ),
    limit="an exponential or algebraic bound for all times; a level that is kept on the stable set",
    note=(
        "The limit rests on the rate of w, which is compared exactly along the orbit; the closed "
        "form at finite times meets the bound that follows."
    ),
)
