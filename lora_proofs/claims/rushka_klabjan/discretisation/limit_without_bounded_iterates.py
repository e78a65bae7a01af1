"""The limit without assuming anything of the iterates: they stay in a tube around the flow.

Let f >= f* and g0 = f(W0 + B0 A0). The flow up to T is at most sqrt(T (g0 - f*)) long, so within
rho = ||theta0|| + sqrt(T (g0 - f*)). Take all constants of gradient-flow-limit for points
with ||theta|| <= R = rho + 1, so that RA = RB = R, M2 = MF = M and K = M sqrt(2) R, and let h K <=
1/2 and C h (e^{LT} - 1) <= L/2. Induction over k: if theta_0, ..., theta_k are within 1/2 of the
flow, what a step visits in between is within 1/2 + h K <= 1, all within R. So the constants serve
for the first k + 1 steps, the bound holds at step k + 1, and theta_{k+1} is within 1/2 of the flow.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    BallArithmetic,
    Comparison,
    at_least,
    at_most,
    below,
    rational,
    squared_norm,
    trace,
)
from lora_proofs.claims.rushka_klabjan.discretisation import gradient_flow_limit as limit
from lora_proofs.claims.rushka_klabjan.discretisation import limit_bound
from lora_proofs.claims.rushka_klabjan.discretisation import limit_runs as runs
from lora_proofs.claims.rushka_klabjan.discretisation.limit_runs import up
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.flows import iterate
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.problems import lora_problem

STARTS = ("generic", "zero B0", "zero W0")
REGIMES = (
    *(
        f"{loss}, {start}"
        for loss in ("frobenius", "trace-squared", "log-cosh")
        for start in STARTS[:2]
    ),
    "quartic",
    limit_bound.SMALL_STEP,
)
HALF = Fraction(1, 2)


def draw(source: Draw, regime: str) -> Instance:
    """A small problem of one loss, from a start of a kind; of any kind for the quartic loss."""
    if regime == limit_bound.SMALL_STEP:
        return with_tube(limit_bound.far_start(source).replace(fstar=0))
    loss, _, start = regime.partition(", ")
    start = start or source.choice(STARTS)
    quartic = loss == "quartic"
    problem = lora_problem(source, start, loss="frobenius" if quartic else loss, largest=2)
    small = limit.scaled_down(problem, HALF, 1).replace(loss=loss)
    factors = {"A0": HALF, "B0": HALF}
    if quartic:  # its constants grow with the cube of the distance from Y
        factors = dict.fromkeys(("W0", "Y", "A0", "B0"), Fraction(1, 4))
    fields = {k: [[x * by for x in row] for row in getattr(small, k)] for k, by in factors.items()}
    horizon = Fraction(1, 64) if quartic else Fraction(1, 16)
    timed = small.replace(**fields, T=horizon, fstar=0, regimes=(regime, start))
    return with_step(with_tube(timed))


def value_at_most(instance: Instance) -> Fraction:
    """An exact number that is at least g0."""
    x = instance.lift(EXACT)
    at = x.W0 + x.B0 @ x.A0
    if instance.loss == "log-cosh":  # log cosh(x) <= x^2/2
        return rational(squared_norm(at - x.Y)) / 2
    return rational(runs.problem_loss(instance, EXACT).value(at, EXACT))


def needed(instance: Instance, R: Fraction) -> tuple[Fraction, Fraction]:
    """A bound on ||G||_F and a Lipschitz constant of the gradient wherever ||theta|| <= R.

    ||BA||_F and |tr BA| are at most R^2/2 there; for log cosh, |tanh x| <= |x|.
    """
    x, n, far = instance.lift(EXACT), len(instance.W0), R**2 / 2
    if instance.loss == "trace-squared":
        root = up(n)
        return root * (abs(rational(trace(x.W0))) + far), Fraction(n)
    if instance.loss == "concave-square":
        return up(squared_norm(x.W0)) + far, Fraction(1)
    reach = up(squared_norm(x.W0 - x.Y)) + far
    return (reach**3, 3 * reach**2) if instance.loss == "quartic" else (reach, Fraction(1))


def with_tube(instance: Instance) -> Instance:
    """The instance with its radius and the constants that hold in the tube."""
    x = instance.lift(EXACT)
    start = up(squared_norm(x.A0) + squared_norm(x.B0))
    room = (value_at_most(instance) - instance.fstar) * instance.T
    return with_constants(instance, start + up(max(room, Fraction(0))) + 1)


def with_constants(instance: Instance, R: Fraction) -> Instance:
    """The instance with the constants of the ball of radius R."""
    M, smooth = needed(instance, R)
    fields = {"R": R, "RA": R, "RB": R, "M2": M, "MF": M, "Lf": smooth}
    return instance.replace(**fields, K=up(2 * (M * R) ** 2))


def with_step(instance: Instance) -> Instance:
    """The instance with the fewest steps, a power of 2, that the tube allows."""
    ctx, steps = BallArithmetic(20), 2
    while True:
        found = instance.replace(h=instance.T / steps, steps=steps)
        with ctx.working():
            if all(c.outcome == "holds" for c in fine(found, ctx)):
                return found
        steps *= 2


def fine(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """h K <= 1/2 and C h (e^{LT} - 1) <= L/2 in every mode; the steps stay within T."""
    x, half = instance.lift(ctx), ctx.number(HALF)
    yield at_most("h K", x.h * x.K, half)
    constants = runs.constants(instance, ctx)
    growth = ctx.exp(constants["L"] * x.T) - 1
    for mode in runs.MODES:
        yield at_most(f"{mode}: C h (e^(LT) - 1)", constants[mode] * x.h * growth,
                      half * constants["L"])  # fmt: skip
    yield at_most("steps times h", EXACT.number(instance.h * instance.steps), instance.T)
    yield below("0 < h", 0, EXACT.number(instance.h))


def from_below(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """f* is below the infimum 0 of these losses; elsewhere it is compared with f at a witness."""
    if "X" in instance:
        x = instance.lift(ctx)
        value = runs.problem_loss(instance, ctx).value(x.X, ctx)
        yield at_least("f at a witness against f*", value, x.fstar)
    else:
        yield at_most("f* against the infimum of f", EXACT.number(instance.fstar), 0)


def tube(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The constants serve wherever ||theta|| <= R, and R leaves room 1 beside the flow."""
    x = instance.lift(ctx)
    value = runs.problem_loss(instance, ctx).value(x.W0 + x.B0 @ x.A0, ctx)
    room = x.T * (value - x.fstar)
    start = ctx.sqrt(squared_norm(x.A0) + squared_norm(x.B0))
    yield at_most("||theta0|| + sqrt(T (g0 - f*)) + 1", start + ctx.sqrt(room) + 1, x.R)
    M, smooth = needed(instance, instance.R)
    for name in ("M2", "MF"):
        yield at_least(name, EXACT.number(getattr(instance, name)), M)
    yield at_least("Lf", EXACT.number(instance.Lf), smooth)
    for name in ("RA", "RB"):
        yield at_least(name, EXACT.number(getattr(instance, name)), instance.R)
    speed = instance.MF**2 * (instance.RA**2 + instance.RB**2)
    yield at_least("K^2", EXACT.number(instance.K**2), speed)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Every iterate within 1/2 of the flow and within the tube; the bound at every step."""
    found, x, half = runs.run(instance, ctx), instance.lift(ctx), ctx.number(HALF)
    for mode, points in found.iterates.items():
        for k, ((A, B), (u, v)) in enumerate(zip(points, found.flow, strict=True)):
            away = ctx.sqrt(squared_norm(A - u) + squared_norm(B - v))
            yield at_most(f"{mode}: distance from the flow, step {k}", away, half)
            size = ctx.sqrt(squared_norm(A) + squared_norm(B))
            yield at_most(f"{mode}: ||theta||, step {k}", size, x.R - half)
    yield from runs.bound_at_every_step(instance, ctx)


def flow_stays(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The flow claimed to stay in the tube, without iterates."""
    ((A, B),) = runs.flow_points(instance, [instance.T], ctx)
    size = ctx.sqrt(squared_norm(A) + squared_norm(B))
    yield at_most("||theta(T)||", size, instance.lift(ctx).R - 1)


def first_step_stays(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The first iterate claimed to stay in the tube, however large the step."""
    x, loss = instance.lift(ctx), runs.problem_loss(instance, ctx)
    *_, (A, B) = iterate("simultaneous", 1, loss, x.W0, x.A0, x.B0, x.h, ctx)
    yield at_most("||theta_1||^2", squared_norm(A) + squared_norm(B), x.R**2)


def on_the_flow(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Simultaneous iterates claimed to lie on the flow: C_sim = 0."""
    for mode, left, right in runs.errors(instance, ctx, int(instance.steps)):
        if mode == "simultaneous":
            yield at_most("simultaneous: error with C_sim = 0", left, 0 * right)


def half_the_bound(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Half of the bound for simultaneous steps, a quarter for the sequential ones."""
    for mode, left, right in runs.errors(instance, ctx, 1):
        part = HALF if mode == "simultaneous" else HALF / 2
        yield at_most(f"{mode}: error against {part} of the bound", left, right * ctx.number(part))


bounded_below = Assumption("bounded_below", r"$f \ge f^*$ everywhere", from_below)
tube_constants = Assumption(
    "tube_constants",
    r"$R \ge \|\theta_0\| + \sqrt{T(g_0 - f^*)} + 1$; where $\|\theta\| \le R$, $\|G\|_F \le M$ "
    r"and $\nabla f$ is $L_f$-Lipschitz; $K \ge \sqrt2\,MR$",
    tube,
)
small_step = Assumption(
    "small_step",
    r"$0 < h$, $kh \le T$, $hK \le \tfrac12$ and $Ch(e^{LT} - 1) \le \tfrac12L$ in each mode",
    fine,
)

POINT = Instance(loss="frobenius", W0=[[0]], Y=[[0]], A0=[[2]], B0=[[2]], T=1, fstar=0)
LEAP = with_tube(POINT).replace(h=1, steps=1)
NO_ROOM = with_step(with_constants(POINT.replace(T="1/100", A0=[[3]], B0=[[3]]), Fraction(1)))
UNBOUNDED = with_constants(
    Instance(
        loss="concave-square", W0=[[0]], A0=[[1]], B0=[[1]], T="49/100", fstar="-1/2", X=[[10]],
        h="1/1000000", steps=490000,
    ),
    Fraction(5, 2),
)  # fmt: skip
SMOOTH = with_step(with_tube(POINT.replace(A0=[["1/2"]], B0=[["1/4"]], Y=[[1]], T="1/16")))
INSTANT = Fraction(1, 10**12)
FAR = Instance(
    loss="frobenius", W0=[[0]], Y=[[10**6]], A0=[[100]], B0=[[100]], T=INSTANT, h=INSTANT,
    steps=1, fstar=0,
)  # fmt: skip
TIGHT = with_tube(FAR)
MOMENT = Fraction(1, 10**12)
LONG = tuple(
    with_tube(FAR.replace(Y=[[10**8]], A0=[[a]], B0=[[b]], T=MOMENT, h=MOMENT))
    for a, b in ((1000, 1000), (0, 1000))
)

claim = Claim(
    name="rushka-klabjan/limit-without-bounded-iterates",
    title="The limit without assuming bounded iterates",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Let $f \ge f^*$ be continuously differentiable with a locally Lipschitz gradient, $T < "
        r"\infty$, $g_0 = f(W_0 + B_0A_0)$ and $R = \|\theta_0\| + \sqrt{T(g_0 - f^*)} + 1$; let "
        r"$\|G\|_F \le M$ and $\nabla f$ be $L_f$-Lipschitz where $\|\theta\| \le R$. With $R_A = "
        r"R_B = R$, $M_2 = M_F = M$, $K = \sqrt2\,MR$ and $L$, $C$ as in gradient-flow-limit: for "
        r"every $h$ with $hK \le \tfrac12$ and $Ch(e^{LT} - 1) \le \tfrac12L$, all iterates with "
        r"$kh \le T$ stay within $\tfrac12$ of the flow, and $L\,\|\theta_k - \theta(kh)\| \le "
        r"C h\,(e^{LT} - 1)$."
    ),
    assumptions=(bounded_below, tube_constants, small_step),
    instances=Instances(draw, REGIMES),
    check=check,
    controls=(
        Control(
            bounded_below,
            (UNBOUNDED,),
            "f = -w^2/2 with f* taken from the start: the flow leaves the tube before t = 1/2",
            flow_stays,
        ),
        Control(tube_constants, (NO_ROOM,), "the constants of a ball that the start is not in"),
        Control(
            small_step, (LEAP,), "h = 1: the first step leaps out of the tube", first_step_stays
        ),
        Control(None, (SMOOTH,), "the iterates claimed to lie on the flow", on_the_flow),
        Control(
            None,
            (TIGHT, *LONG),
            "half of the bound, or a quarter for a sequential mode: a step far from Y attains 0.63 "
            "and 0.27",
            half_the_bound,
        ),
    ),
    arithmetics=("ball", "multiprecision"),
    note=(
        "Certified instance by instance; that the flow is no longer than sqrt(T (g0 - f*)) is the "
        "energy identity with Cauchy-Schwarz, and the induction is in the module. The quartic loss "
        "has no globally Lipschitz gradient. The constants are ours; a step far from Y "
        "attains 0.63 of the bound."
    ),
)
