"""The exact rate of one mode of the Frobenius flow, and its half-time from a small start.

By the closed form sigma - w = (sigma - p)/(N D). With E = e^{-2 mu t} both 2 e^{-mu t} N and
2 e^{-mu t} D are affine in E, 2 at E = 1 and 1 + (sigma + beta)/mu, 1 + (alpha - sigma)/mu at
E = 0. So e^{2 mu t} |sigma - w| stays between two constants times |sigma - p|, which are positive
off the stable set: the rate is 2 mu, neither more nor less.

From b0 = 0 and |a0| = d with d^2 <= |sigma|, w rises monotonically; it is half of sigma between
ln(4|sigma|/d^2)/(2|sigma|) and 3 d^2/(10 sigma^2) before.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison, at_least, at_most, below
from lora_proofs.claims.rushka_klabjan.frobenius.modes import Mode, mode_start, nonzero
from lora_proofs.claims.rushka_klabjan.frobenius.scalar_limits import mode, w_at
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.flows import frobenius_scalar_closed_form
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw, fraction

TIMES = (Fraction(1, 4), Fraction(1), Fraction(3), Fraction(9))
REGIMES = (
    "generic",
    "r = 1",
    "r > 1",
    "zero b0",
    "zero a0",
    "unstable set",
    "zero error",
    "tiny scale",
)


def draw(source: Draw, regime: str) -> Instance:
    """A mode off the stable set that does not start at its target, with mu > 0."""
    problem = mode_start(source, regime)
    while (data := mode(problem)).kept or data.slow or data.start == data.sigma:
        problem = moved(problem)
    return problem


def moved(problem: Instance) -> Instance:
    """Twice the error where the start is at its target, another entry of a elsewhere."""
    (start,), (target,) = problem.W0[0], problem.Y[0]
    if target != start and mode(problem).start == target - start:
        return problem.replace(Y=[[2 * target - start]])
    first, *others = problem.A0
    return problem.replace(A0=[[first[0] + 1], *others])


INSTANCES = Instances(draw, REGIMES)


def leaves(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """alpha > 0 for sigma > 0, beta > 0 for sigma < 0, both for sigma = 0."""
    data = mode(instance)
    if data.sigma >= 0:
        yield below("0 < |a0 + b0'|", 0, data.alpha)
    if data.sigma <= 0:
        yield below("0 < |a0 - b0'|", 0, data.beta)


off_the_stable_set = Assumption(
    "off_the_stable_set",
    r"$b_0 \ne -a_0^\top$ if $\sigma \ge 0$, and $b_0 \ne a_0^\top$ if $\sigma \le 0$",
    leaves,
)


def mu(data: Mode, ctx: Arithmetic) -> Any:
    """sqrt(sigma^2 + alpha beta): half the rate."""
    return ctx.sqrt(ctx.number(data.sigma**2 + data.alpha * data.beta))


def ends(data: Mode, ctx: Arithmetic) -> tuple[Any, Any]:
    """The limits of 2 e^{-mu t} N and 2 e^{-mu t} D, without cancellation."""
    m, one = mu(data, ctx), ctx.number(1)
    above, under = data.sigma + data.beta, data.alpha - data.sigma
    product = data.alpha * data.beta + data.sigma**2
    found = []
    for slope in (above, under):
        if slope >= 0:
            found.append(one + ctx.number(slope) / m)
        else:  # 1 + slope/mu = (mu^2 - slope^2) / (mu (mu - slope))
            found.append(ctx.number(product - slope**2) / (m * (m - ctx.number(slope))))
    return found[0], found[1]


def bounds(data: Mode, ctx: Arithmetic) -> tuple[Any, Any]:
    """What e^{2 mu t} |sigma - w| stays between."""
    two, first = ctx.number(2), ctx.number(abs(data.sigma - data.start))
    low = high = 4 * first
    for end in ends(data, ctx):
        low, high = low / max(two, end), high / min(two, end)
    return low, high


def grown(instance: Instance, t: Fraction, ctx: Arithmetic, share: Any = 1) -> Any:
    """e^{2 mu t} |sigma - w(t)|, or a share of that rate."""
    data = mode(instance)
    error = abs(ctx.number(data.sigma) - w_at(instance, t, ctx))
    return ctx.exp(2 * mu(data, ctx) * ctx.number(t * share)) * error


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Both bounds at several times, and that their denominators are positive."""
    low, high = bounds(mode(instance), ctx)
    for name, end in zip(("n_1", "n_2"), ends(mode(instance), ctx), strict=True):
        yield below(f"0 < {name}", 0, end)
    little = ctx.number(Fraction(1, 10**12))
    for t in TIMES:
        value = grown(instance, t, ctx)
        yield at_least(f"e^(2 mu t) |sigma - w| at t = {t}, from below", value, low * (1 - little))
        yield at_most(f"e^(2 mu t) |sigma - w| at t = {t}, from above", value, high * (1 + little))


def faster(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A rate of 2 mu + 1/2 claimed: the constant is overrun."""
    _, high = bounds(mode(instance), ctx)
    t = Fraction(40)
    yield at_most("a faster rate", grown(instance, t, ctx) * ctx.exp(ctx.number(t / 2)), high)


def two_sigma(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The rate 2 |sigma|, which forgets D: it is too slow to be the rate."""
    data = mode(instance)
    low, _ = bounds(data, ctx)
    error = abs(ctx.number(data.sigma) - w_at(instance, Fraction(40), ctx))
    rate = 2 * ctx.number(abs(data.sigma))
    yield at_least("e^(2 sigma t) |sigma - w|", error * ctx.exp(40 * rate), low)


def on_the_stable_set(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The exponential bound claimed on the stable set, with the constant of the start."""
    data = mode(instance)
    first = ctx.number(abs(data.sigma - data.start))
    yield at_most("e^(2 mu t) |sigma - w|", grown(instance, Fraction(4), ctx), 4 * first)


STABLE = Instance(W0=[[0]], Y=[[2]], A0=[[1]], B0=[[-1]])
NEAR_ITS_END = Instance(W0=[[0]], Y=[["1001/1000"]], A0=[[1]], B0=[[1]])
EXAMPLE = Instance(W0=[[0]], Y=[[1]], A0=[[2]], B0=[[0]])

rate = Claim(
    name="rushka-klabjan/frobenius-scalar-rate",
    title="The exact rate of one mode",
    source=Source("rushka-klabjan", "", "reconstructed", "summary"),
    statement=(
        r"In the setting of one mode ($n = m = 1$, any $r$; $\alpha = \tfrac12|a_0 + b_0^\top|^2$, "
        r"$\beta = \tfrac12|a_0 - b_0^\top|^2$, $p = b_0 a_0$, "
        r"$\mu = \sqrt{\sigma^2 + \alpha\beta}$), for a start off the stable set, the numbers "
        r"$n_1 = 1 + (\sigma + \beta)/\mu$ and $n_2 = 1 + (\alpha - \sigma)/\mu$ are positive, and "
        r"$\frac{4|\sigma - p|}{\max(2, n_1)\max(2, n_2)} \le e^{2\mu t}|\sigma - w(t)| \le "
        r"\frac{4|\sigma - p|}{\min(2, n_1)\min(2, n_2)}$ for all $t \ge 0$. So the mode has the "
        r"rate $2\mu = \sqrt{4\alpha\beta + 4\sigma^2}$, which for $r = 1$ is "
        r"$\sqrt{D^2 + 4\sigma^2}$ with $D = a_0^2 - b_0^2$, and its loss twice that."
    ),
    assumptions=(off_the_stable_set,),
    instances=INSTANCES,
    check=check,
    controls=(
        Control(off_the_stable_set, (STABLE,), "the stable set", on_the_stable_set),
        Control(None, (EXAMPLE, NEAR_ITS_END), "a faster rate", faster),
        Control(None, (EXAMPLE,), "the rate 2 sigma, without D", two_sigma),
    ),
    arithmetics=("ball", "multiprecision"),
    note="The constants follow from frobenius-scalar-closed-form; here they meet the flow.",
)

HALF_REGIMES = ("r = 1", "r > 1", "negative error", "as large as allowed", "tiny start")


def draw_half(source: Draw, regime: str) -> Instance:
    """b0 = 0 and a start with |a0|^2 <= |sigma|."""
    r = 1 if regime == "r = 1" else source.integer(2, 3)
    error = abs(nonzero(source)) * (-1 if regime == "negative error" else 1)
    a = [nonzero(source, size=2), *(fraction(source, size=1) for _ in range(r - 1))]
    if regime == "as large as allowed":
        r, a = 1, a[:1]
        error = a[0] ** 2 * source.choice((1, -1))
    while sum(x * x for x in a) > abs(error):
        a = [x / 2 for x in a]
    if regime == "tiny start":
        a = [x / 2 ** source.integer(10, 40) for x in a]
    factors = {"A0": [[x] for x in a], "B0": [[0] * r]}
    start = fraction(source, size=1)
    return Instance(regimes=(regime,), W0=[[start]], Y=[[start + error]], **factors)


def squares(instance: Instance) -> tuple[Any, Any]:
    """|sigma| and d^2, exactly."""
    sigma = abs(instance.Y[0][0] - instance.W0[0][0])
    return sigma, sum(row[0] ** 2 for row in instance.A0)


def is_small(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """0 < d^2 <= |sigma|."""
    sigma, square = squares(instance)
    yield below("0 < d^2", 0, square)
    yield at_most("d^2 against |sigma|", square, sigma)


small_start = Assumption("small_start", r"$0 < d^2 \le |\sigma|$", is_small)


def relative(instance: Instance, t: Any, ctx: Arithmetic) -> Any:
    """w(t)/sigma, for a time that may be a ball."""
    fields = (instance.W0, instance.Y, instance.A0, instance.B0)
    end = frobenius_scalar_closed_form(*fields, t, ctx)
    start, target = ctx.number(instance.W0[0][0]), ctx.number(instance.Y[0][0])
    return (end.W[0, 0] - start) / (target - start)


def half_time(instance: Instance, ctx: Arithmetic, *, factor: int = 4) -> Any:
    """ln(4 |sigma|/d^2)/(2 |sigma|)."""
    sigma, square = squares(instance)
    return ctx.log(ctx.number(factor * sigma / square)) / (2 * ctx.number(sigma))


def brackets(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Half of sigma is reached at the later time, and not before the earlier one."""
    sigma, square = squares(instance)
    late, half = half_time(instance, ctx), ctx.number(Fraction(1, 2))
    early = late - ctx.number(Fraction(3, 10) * square / sigma**2)
    yield at_least("w/sigma at the later time", relative(instance, late, ctx), half)
    if early > 0:  # before the start there is nothing to compare
        yield at_most("w/sigma at the earlier time", relative(instance, early, ctx), half)


def without_the_four(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """ln(|sigma|/d^2)/(2 |sigma|), with the 4 forgotten."""
    late = half_time(instance, ctx, factor=1)
    reached = relative(instance, late, ctx)
    yield at_least("w/sigma at the later time", reached, ctx.number(Fraction(1, 2)))


def fourth_order(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """An earlier time closer to the later one, at a distance of order d^4."""
    sigma, square = squares(instance)
    early = half_time(instance, ctx) - ctx.number(square**2 / sigma**3)
    reached = relative(instance, early, ctx)
    yield at_most("w/sigma at the earlier time", reached, ctx.number(Fraction(1, 2)))


LARGE = Instance(W0=[[0]], Y=[[1]], A0=[[2]], B0=[[0]])
SMALL = Instance(W0=[[0]], Y=[["3/2"]], A0=[["1/1000"]], B0=[[0]])

half = Claim(
    name="rushka-klabjan/frobenius-half-time",
    title="How long a mode waits at a small start",
    source=Source("rushka-klabjan", "", "reconstructed", "summary"),
    statement=(
        r"Let $n = m = 1$, $b_0 = 0$, $|a_0| = d$ and $0 < d^2 \le |\sigma|$. Along the LoRA "
        r"gradient flow of $\tfrac12(W - Y)^2$, $w/\sigma$ rises from 0 and is "
        r"$\tfrac12$ at a time between $t_1 - \frac{3 d^2}{10\sigma^2}$ and $t_1 = "
        r"\frac{1}{2|\sigma|}\ln\frac{4|\sigma|}{d^2}$."
    ),
    assumptions=(small_start,),
    instances=Instances(draw_half, HALF_REGIMES),
    check=brackets,
    controls=(
        Control(small_start, (LARGE,), "a start as large as the error"),
        Control(None, (SMALL,), "the 4 in the logarithm is forgotten", without_the_four),
        Control(None, (SMALL,), "a distance of order d^4 in place of d^2", fourth_order),
    ),
    arithmetics=("ball", "multiprecision"),
)

claims = (rate, half)
