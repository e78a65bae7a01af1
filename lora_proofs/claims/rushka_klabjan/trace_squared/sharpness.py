"""The Hessian of the trace-squared loss at a point of zero loss has rank one.

With g(A, B) = 1/2 T^2, T = tr(W0 + BA), the gradient is (T B', T A'). Where T = 0 its derivative
along (X, Z) is t (B', A') with t = tr(Z A + B X): the eigenvalue lam = ||A||^2 + ||B||^2 on the
direction (B', A') and 0 on everything orthogonal to it, as t is the inner product with (B', A').
A linearised step multiplies that direction by 1 - h lam, which has modulus below 1 exactly for
0 < h < 2/lam; at the limit of the flow lam = 2 mu, so h < 1/mu. The step itself gives
T_+ = (1 - h lam + h^2 T tr(BA)) T.
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
    equal,
    inner,
    squared_norm,
    trace,
)
from lora_proofs.claims.rushka_klabjan.trace_squared.limit_starts import with_trace
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics import words
from lora_proofs.mathematics.flows import lora_vector_field, simultaneous_step
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import trace_squared
from lora_proofs.mathematics.words import (
    Gradient,
    Named,
    Relation,
    Scalar,
    Symbol,
    Trace,
    Word,
    along,
)
from lora_proofs.strategies.draw import Draw, fraction, ratio
from lora_proofs.strategies.matrices import matrix
from lora_proofs.strategies.problems import lora_problem
from lora_proofs.symbolic.steps import Step, assumed, identity, inequality

A, B = Symbol("A", "r", "n"), Symbol("B", "n", "r")
X, Z = Symbol("X", "r", "n"), Symbol("Z", "n", "r")
W = Symbol("W0", "n", "n", latex="W_0")
h = Scalar("h")
T = Named("T", Trace(W + B @ A))
t = Named("t", Trace(Z @ A) + Trace(B @ X))
LAM = Named("lam", words.squared_norm(A) + words.squared_norm(B), latex=r"\lambda")
A_NEXT, B_NEXT = A - h * (T * B.T), B - h * (T * A.T)

ZERO = Relation(Trace(W), "=", -Trace(B @ A))
ALONG: dict[object, Word] = {A: X, B: Z}
EIGEN: dict[object, Word] = {A: B.T, B: A.T}
IN_A, IN_B = "Hessian along (X, Z), block of A", "Hessian along (X, Z), block of B"
OWN_A, OWN_B = "Hessian along (B', A'), block of A", "Hessian along (B', A'), block of B"
INNER, BOUND = "t as an inner product", "t^2 against lam (||X||^2 + ||Z||^2)"
FACTOR, ONE_STEP = "1 - (1 - h lam)^2", "T after a step"
CONCLUSION = (
    Relation(along(T * B.T, ALONG), "=", t * B.T, IN_A),
    Relation(along(T * A.T, ALONG), "=", t * A.T, IN_B),
    Relation(along(T * B.T, EIGEN), "=", LAM * B.T, OWN_A),
    Relation(along(T * A.T, EIGEN), "=", LAM * A.T, OWN_B),
    Relation(t, "=", words.inner(B.T, X) + words.inner(A.T, Z), INNER),
    Relation(t**2, "<=", LAM * (words.squared_norm(X) + words.squared_norm(Z)), BOUND),
    Relation(1 - (1 - h * LAM) ** 2, "=", h * LAM * (2 - h * LAM), FACTOR),
)
STEP = (
    Relation(
        Trace(W + B_NEXT @ A_NEXT),
        "=",
        (1 - h * LAM + h**2 * T * Trace(B @ A)) * T,
        ONE_STEP,
    ),
)


def derive() -> Iterator[Step]:
    """The gradient, its derivative where T = 0, and the step."""
    half = Fraction(1, 2) * T**2
    yield identity(Gradient(half, A), T * B.T, "the gradient in A")
    yield identity(Gradient(half, B), T * A.T, "the gradient in B")
    yield (zero := assumed("zero_loss", ZERO, "T = 0"))
    for r in CONCLUSION:
        if r.relation == "=":
            why, given = "product rule; T = 0", (zero,) if r.label.startswith("Hessian") else ()
            yield identity(r.left, r.right, why, given=given, label=r.label)
        else:
            yield inequality(
                r.left,
                r.right,
                "over both blocks",
                rule="squared Cauchy-Schwarz",
                squares=((B.T, X), (A.T, Z)),
                label=r.label,
            )


KINDS = {
    "generic": "generic",
    "zero B": "zero B0",
    "zero A": "zero A0",
    "balanced": "cone",
    "rank deficient": "rank deficient",
    "r = 1": "r = 1",
    "r = n": "r = min(n, m)",
    "r > n": "r > min(n, m)",
    "tiny scale": "tiny scale",
    "huge scale": "huge scale",
    "origin": "generic",
}


def draw(source: Draw, regime: str) -> Instance:
    """A point of zero loss, a direction, and a step size as a part of 2/lam."""
    problem = lora_problem(source, KINDS[regime], loss="trace-squared")
    A_, B_ = EXACT.matrix(problem.A0), EXACT.matrix(problem.B0)
    X_, Z_ = matrix(source, *A_.shape), matrix(source, *B_.shape)
    if regime == "origin":
        A_, B_ = 0 * A_, 0 * B_
    part = ratio(source, 1, 15, 16)
    return point(problem.W0, A_, B_, X_, Z_, part).replace(regimes=(regime,))


def point(W0: Any, A_: Any, B_: Any, X_: Any, Z_: Any, part: Any, **changed: Any) -> Instance:
    """The instance with W0 of the trace -tr(BA)."""
    A_, B_ = EXACT.matrix(A_), EXACT.matrix(B_)
    fields = {"W0": with_trace(W0, -trace(B_ @ A_)), "A": A_, "B": B_, "X": X_, "Z": Z_}
    return Instance(**{**fields, "part": part, **changed})


INSTANCES = Instances(draw, tuple(KINDS))


def no_loss(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """T = 0."""
    v = instance.lift(ctx)
    yield equal("tr(W0 + BA)", trace(v.W0 + v.B @ v.A), ctx.number(0))


zero_loss = Assumption("zero_loss", r"$\mathrm{tr}(W_0 + BA) = 0$", no_loss, relations=(ZERO,))


def size(v: Any) -> Any:
    """||A||^2 + ||B||^2."""
    return squared_norm(v.A) + squared_norm(v.B)


def step_size(v: Any) -> Any:
    """A part of 2/lam; at the origin, where lam is 0, the part itself."""
    lam = size(v)
    return 2 * v.part / lam if lam != 0 else v.part


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The point, the direction and the step size."""
    v = instance.lift(ctx)
    return {W: v.W0, A: v.A, B: v.B, X: v.X, Z: v.Z, h: step_size(v)}


def slope(instance: Instance, X_: Any, Z_: Any, ctx: Arithmetic) -> tuple[Any, Any]:
    """The derivative of the gradient along a direction, by differences exact for cubics."""
    v = instance.lift(ctx)

    def at(k: int) -> tuple[Any, Any]:
        field = lora_vector_field(trace_squared(), v.W0, v.A + k * X_, v.B + k * Z_, ctx)
        return -field[0], -field[1]

    ends = [at(k) for k in (1, -1, 2, -2)]
    twelfth = ctx.number(Fraction(1, 12))
    one, two = (8 * (e[0] - e[1]) - (e[2] - e[3]) for e in zip(*ends, strict=True))
    return twelfth * one, twelfth * two


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Differences of the gradient that the flows use."""
    v = instance.lift(ctx)
    lam, h_ = size(v), step_size(v)
    t_ = trace(v.Z @ v.A) + trace(v.B @ v.X)
    for labels, pair, factor in (
        ((IN_A, IN_B), (v.X, v.Z), t_),
        ((OWN_A, OWN_B), (v.B.mT, v.A.mT), lam),
    ):
        in_A, in_B = slope(instance, *pair, ctx)
        yield equal(labels[0], in_A, factor * v.B.mT)
        yield equal(labels[1], in_B, factor * v.A.mT)
    yield equal(INNER, t_, inner(v.B.mT, v.X) + inner(v.A.mT, v.Z))
    yield at_most(BOUND, t_**2, lam * (squared_norm(v.X) + squared_norm(v.Z)))
    yield equal(FACTOR, 1 - (1 - h_ * lam) ** 2, h_ * lam * (2 - h_ * lam))


def without_cross(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The largest of the two squared sizes in place of their sum."""
    v = instance.lift(ctx)
    in_A, _ = slope(instance, v.B.mT, v.A.mT, ctx)
    yield equal("Hessian along (B', A')", in_A, max(squared_norm(v.A), squared_norm(v.B)) * v.B.mT)


def wider(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Stability claimed for h = 2.02/lam."""
    lam = size(instance.lift(ctx))
    h_ = ctx.number("2.02") / lam
    yield at_most("(1 - h lam)^2", (1 - h_ * lam) ** 2, 1)


def second_eigenvalue(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Every direction claimed to be stretched by lam."""
    v = instance.lift(ctx)
    in_A, _ = slope(instance, v.X, v.Z, ctx)
    yield equal("Hessian along (X, Z)", in_A, size(v) * v.X)


ONE = (point([[0, 0], [0, 0]], [[1, 0]], [[2], [1]], [[0, 1]], [[1], [1]], "1/2"),)
ALIGNED = (*ONE, ONE[0].replace(X=[[2, 1]], Z=[[1], [0]]))  # along (B', A'): t^2 is its bound
MOVING = ONE[0].replace(W0=[[1, 0], [0, 1]])

claim = Claim(
    name="rushka-klabjan/trace-squared-sharpness",
    title="The sharpness of the trace-squared loss at zero loss",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Where $\mathrm{tr}(W_0 + BA) = 0$, the Hessian of $\tfrac12(\mathrm{tr}(W_0 + BA))^2$ in "
        r"$(A, B)$ maps $(X, Z)$ to $t\,(B^\top, A^\top)$, where $t = \mathrm{tr}(ZA + BX)$ is the "
        r"inner product of $(X, Z)$ with $(B^\top, A^\top)$, so $t^2 \le \lambda (\|X\|_F^2 + "
        r"\|Z\|_F^2)$ with $\lambda = \|A\|_F^2 + \|B\|_F^2$; for $(A, B) \ne 0$ its one nonzero "
        r"eigenvalue is $\lambda > 0$, and it is simple. As "
        r"$1 - (1 - h\lambda)^2 = h\lambda(2 - h\lambda)$, a linearised step contracts that "
        r"direction, for $\lambda > 0$, exactly where $0 < h < 2/\lambda$."
    ),
    assumptions=(zero_loss,),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(zero_loss, (MOVING,), "away from zero loss the gradient's own factor T shows"),
        Control(
            None, ALIGNED, "the larger of the two squared sizes in place of the sum", without_cross
        ),
        Control(None, ONE, "stability claimed for h = 2.02/lam", wider),
        Control(None, ONE, "every direction stretched by lam", second_eigenvalue),
    ),
    note="At the limit of the flow lam = 2 mu (trace-squared-general-limit), so h < 1/mu.",
)


def derive_step() -> Iterator[Step]:
    """Expand the product of the new factors."""
    (r,) = STEP
    yield identity(r.left, r.right, "expand tr(B_+ A_+)", label=ONE_STEP)


def draw_anywhere(source: Draw, regime: str) -> Instance:
    """Any point, with any step size."""
    problem = draw(source, regime)
    W0 = with_trace(problem.W0, fraction(source))
    return problem.replace(W0=W0, part=fraction(source, size=2))


ANYWHERE = Instances(draw_anywhere, tuple(KINDS))


def after(instance: Instance, ctx: Arithmetic) -> tuple[Any, Any, Any, Any, Any]:
    """T before and after a simultaneous step, h, lam and tr(BA)."""
    v = instance.lift(ctx)
    h_ = step_size(v)
    A_, B_ = simultaneous_step(trace_squared(), v.W0, v.A, v.B, h_, ctx)
    return trace(v.W0 + v.B @ v.A), trace(v.W0 + B_ @ A_), h_, size(v), trace(v.B @ v.A)


def check_step(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A step as the algorithm runs it."""
    before, end, h_, lam, product = after(instance, ctx)
    yield equal(ONE_STEP, end, (1 - h_ * lam + h_**2 * before * product) * before)


def linear_only(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The quadratic term forgotten."""
    before, end, h_, lam, _ = after(instance, ctx)
    yield equal("T after a step without its h^2 term", end, (1 - h_ * lam) * before)


def other_sign(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The sign of the quadratic term."""
    before, end, h_, lam, product = after(instance, ctx)
    yield equal("T after a step", end, (1 - h_ * lam - h_**2 * before * product) * before)


step = Claim(
    name="rushka-klabjan/trace-squared-step-factor",
    title="What a step of descent does to the trace",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"With $T = \mathrm{tr}(W_0 + BA)$ and $\lambda = \|A\|_F^2 + \|B\|_F^2$, a simultaneous "
        r"step of size $h$ on $\tfrac12 T^2$ has "
        r"$T_+ = (1 - h\lambda + h^2 T\,\mathrm{tr}(BA))\,T$."
    ),
    assumptions=(),
    instances=ANYWHERE,
    check=check_step,
    conclusion=STEP,
    derive=derive_step,
    interpret=interpret,
    controls=(
        Control(None, (MOVING,), "the h^2 term forgotten", linear_only),
        Control(None, (MOVING,), "the sign of the h^2 term", other_sign),
    ),
    note="Exact for every h; near zero loss the factor is 1 - h lam.",
)
