"""The LoRA flow of 1/2 <C, W>^2 from B0 = 0, and when it brings <C, W> to 0.

With C = U diag(s) V' the flow is A = A0 V cosh(tau s) V', B = -U sinh(tau s) V'A0' (A keeps what V
does not see), tau' = <C, W>, and <C, W> = <C, W0> - 1/2 sum_i s_i sinh(2 tau s_i) ||A0 v_i||^2.
The size of the value falls at the rate ||B'C||^2 + ||CA'||^2 >= ||C A0'||^2 = sum_i s_i^2
||A0 v_i||^2, so it decays exponentially unless C A0' = 0; and then, or where <C, W0> = 0, nothing
moves at all.
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
)
from lora_proofs.claims.rushka_klabjan.trace_squared import linear_functional_proof as words
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.trace_squared_error import linear_functional_curve
from lora_proofs.strategies.draw import Draw, ratio
from lora_proofs.strategies.matrices import full_rank_matrix, matrix, orthonormal_rows, rank_matrix

REGIMES = (
    "generic",
    "square",
    "identity",
    "tied",
    "rank deficient C",
    "rank deficient A0",
    "C A0' = 0",
    "r = 1",
    "r > min(n, m)",
    "tall",
    "wide",
    "at the start",
)


def draw(source: Draw, regime: str) -> Instance:
    """C by its decomposition with whole singular values, so that e^(tau s_i) is rational."""
    n, m = source.integer(1, 3), source.integer(1, 3)
    if regime in ("square", "identity"):
        n = m
    if regime in ("tall", "wide"):
        n, m = (3, source.integer(1, 2)) if regime == "tall" else (source.integer(1, 2), 3)
    if regime in ("tied", "rank deficient C", "rank deficient A0", "C A0' = 0"):
        n, m = max(n, 2), max(m, 2)
    k = min(n, m)
    s = singular_values(source, regime, k)
    U, V = orthonormal_rows(source, k, n).mT, orthonormal_rows(source, k, m).mT
    if regime == "identity":
        V = U
    A0 = first_factor(source, regime, m, V)
    y = Fraction(1) if regime == "at the start" else ratio(source, 1, 4, 2) + 1
    y = 1 / y if source.integer(0, 1) else y
    return instance(matrix(source, n, m), A0, U, s, V, y).replace(regimes=(regime,))


def singular_values(source: Draw, regime: str, k: int) -> list[int]:
    """Whole numbers, some of them equal or 0 where the regime says so."""
    if regime == "identity":
        return [1] * k
    if regime == "tied":
        return [source.integer(1, 3)] * k
    s = [source.integer(1, 3) for _ in range(k)]
    return [0, *s[1:]] if regime in ("rank deficient C", "C A0' = 0") else s


def first_factor(source: Draw, regime: str, m: int, V: Any) -> Any:
    """A0 of a regime; rows along the null direction of C where C A0' is to vanish."""
    r = {"r = 1": 1, "r > min(n, m)": 4}.get(regime, source.integer(1, 2))
    if regime == "C A0' = 0":
        return matrix(source, r, 1) @ V[:, :1].mT
    if regime == "rank deficient A0":
        return rank_matrix(source, 2, m, 1)
    return full_rank_matrix(source, r, m)


def instance(W0: Any, A0: Any, U: Any, s: Any, V: Any, y: Any, **changed: Any) -> Instance:
    """The instance with C itself."""
    U, V = EXACT.matrix(U), EXACT.matrix(V)
    C = U @ diagonal([EXACT.number(x) for x in s], EXACT) @ V.mT
    B0 = [[0] * len(A0) for _ in range(len(U))]
    fields = {"W0": W0, "A0": A0, "B0": B0, "C": C, "U": U, "s": [list(s)], "V": V, "y": y}
    return Instance(**{**fields, **changed})


def diagonal(values: list[Any], ctx: Arithmetic) -> Any:
    """A diagonal matrix."""
    out = ctx.zeros(len(values), len(values))
    for i, value in enumerate(values):
        out[i, i] = value
    return out


INSTANCES = Instances(draw, REGIMES)


def no_b(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """B0 = 0."""
    yield equal("||B0||^2", squared_norm(instance.lift(ctx).B0), ctx.number(0))


def hyperbolic(instance: Instance, ctx: Arithmetic) -> tuple[Any, Any]:
    """cosh(tau sqrt P) and sinh(tau sqrt P)/sqrt P; tau stands where sqrt P is 0, and drops out."""
    v = instance.lift(ctx)
    values = [(v.y ** int(x), int(x)) for x in instance.s[0]]
    cosh = diagonal([(g + 1 / g) / 2 - 1 for g, _ in values], ctx)
    sinh = diagonal([(g - 1 / g) / (2 * x) if x else ctx.number(1) for g, x in values], ctx)
    return ctx.identity(len(v.V)) + v.V @ cosh @ v.V.mT, v.V @ sinh @ v.V.mT


def functions_of_p(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """K P K' = P + P H P H' P, and the decomposition of C."""
    v, (K_, H_) = instance.lift(ctx), hyperbolic(instance, ctx)
    P_ = v.C.mT @ v.C
    yield equal("K P K'", K_ @ P_ @ K_.mT, P_ + P_ @ H_ @ H_.mT @ P_)
    s = diagonal([ctx.number(x) for x in instance.s[0]], ctx)
    yield equal("C against U diag(s) V'", v.C, v.U @ s @ v.V.mT)
    yield equal("V'V against I", v.V.mT @ v.V, ctx.identity(len(s)))


zero_b = Assumption("zero_b", r"$B_0 = 0$", no_b)
functions = Assumption(
    "functions",
    r"with $P = C^\top C$: $K = \cosh(\tau\sqrt P)$ and $H = \sinh(\tau\sqrt P)/\sqrt P$, so $K$ "
    r"is $I$ and $H$ is 0 at $\tau = 0$, $dK/d\tau = H^\top P$, $dH/d\tau = K^\top$, and $K P "
    r"K^\top = P + P H H^\top P$",
    functions_of_p,
    technical="it names functions of a matrix",
    relations=(words.SQUARES,),
)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The functions of P at a rational e^tau."""
    v, (K_, H_) = instance.lift(ctx), hyperbolic(instance, ctx)
    value = inner(v.C, v.W0)
    return {words.A0: v.A0, words.C: v.C, words.K: K_, words.H: H_, words.w: value}


def orbit(instance: Instance, ctx: Arithmetic) -> Any:
    """The point of the orbit by the decomposition of C."""
    v = instance.lift(ctx)
    s = tuple(int(x) for x in instance.s[0])
    growth = tuple(v.y**x for x in s)
    return linear_functional_curve(v.W0, v.A0, v.U, s, v.V, growth, ctx)


def modes(instance: Instance, ctx: Arithmetic) -> list[tuple[Any, Any, Any, Any]]:
    """For each singular value: s_i, cosh(tau s_i), sinh(tau s_i), ||A0 v_i||^2."""
    v, found = instance.lift(ctx), []
    for i, s in enumerate(int(x) for x in instance.s[0]):
        g = v.y**s
        size = squared_norm(v.A0 @ v.V[:, i : i + 1])
        found.append((ctx.number(s), (g + 1 / g) / 2, (g - 1 / g) / 2, size))
    return found


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The orbit by the singular values of C, put into the field."""
    v, at, parts = instance.lift(ctx), orbit(instance, ctx), modes(instance, ctx)
    A, B = at.A, v.B0 + at.B
    T, start = inner(v.C, v.W0 + B @ A), inner(v.C, v.W0)
    dA, dB = -(B.mT @ (T * v.C)), -((T * v.C) @ A.mT)
    rising, falling = (diagonal([s * x[k] for s, *x in parts], ctx) for k in (1, 0))
    yield equal(words.FLOW_A, T * (v.A0 @ v.V @ rising @ v.V.mT), dA)
    yield equal(words.FLOW_B, -(T * (v.U @ falling @ v.V.mT @ v.A0.mT)), dB)
    pulled = sum((s * c * sh * size for s, c, sh, size in parts), ctx.number(0))
    yield equal(words.VALUE, T, start - pulled)
    rate = squared_norm(B.mT @ v.C) + squared_norm(v.C @ A.mT)
    yield equal(words.SLOPE, inner(v.C, dB @ A + B @ dA), -(rate * T))
    first = sum((s**2 * size for s, _, _, size in parts), ctx.number(0))
    more = sum((s**2 * sh**2 * size for s, _, sh, size in parts), ctx.number(0))
    yield equal(words.GROWS, squared_norm(v.C @ A.mT), first + more)
    yield at_most(words.LEAST, first, rate)
    loss = inner(v.C, v.W0 + v.B0 @ v.A0) * v.C
    yield equal(words.START_A, -(v.B0.mT @ loss), ctx.zeros(*v.A0.shape))
    yield equal(words.START_B, -(loss @ v.A0.mT), -(start * (v.C @ v.A0.mT)))


def single_angle(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """sinh(tau s_i) in place of sinh(2 tau s_i)."""
    v, at = instance.lift(ctx), orbit(instance, ctx)
    pulled = sum((s * sh * size / 2 for s, _, sh, size in modes(instance, ctx)), ctx.number(0))
    yield equal("<C, W> with sinh(tau s)", at.value, inner(v.C, v.W0) - pulled)


def whole_size(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """||C||^2 ||A0||^2 claimed as a rate from below."""
    v, at = instance.lift(ctx), orbit(instance, ctx)
    rate = squared_norm(at.B.mT @ v.C) + squared_norm(v.C @ at.A.mT)
    yield at_most("||C||^2 ||A0||^2", squared_norm(v.C) * squared_norm(v.A0), rate)


def every_start(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A positive rate claimed for every A0 that is not 0."""
    v = instance.lift(ctx)
    yield below("0 < ||A0||^2", 0, squared_norm(v.A0))
    yield below("0 < ||C A0'||^2", 0, squared_norm(v.C @ v.A0.mT))


EYE = [[1, 0], [0, 1]]
UNSEEN = (instance(EYE, [[0, 1]], EYE, (1, 0), EYE, "1/2"),)
SEEN = (instance(EYE, [[1, 1]], EYE, (2, 1), EYE, "3/2"),)
START = (instance(EYE, [[1, 1]], EYE, (2, 1), EYE, 1),)
MOVED = instance(EYE, [[1, 1]], EYE, (2, 1), EYE, "3/2", B0=[[1], [0]])

claim = Claim(
    name="rushka-klabjan/trace-squared-linear-functional",
    title="The flow of half the square of a linear functional",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"From $B_0 = 0$ the LoRA flow of $\tfrac12\langle C, W\rangle^2$, with $C = U "
        r"\mathrm{diag}(s) V^\top$, is $A = A_0 \cosh(\tau\sqrt{C^\top C})$ and $B = -U "
        r"\mathrm{diag}(\sinh \tau s_i) V^\top A_0^\top$ with $\tau' = \langle C, W\rangle = "
        r"\langle C, W_0\rangle - \tfrac12\sum_i s_i \sinh(2\tau s_i)\|A_0 v_i\|^2$. The value "
        r"falls in size: $\langle C, W\rangle' = -(\|B^\top C\|_F^2 + \|C A^\top\|_F^2) \langle C, "
        r"W\rangle$ with $\|C A^\top\|_F^2 \ge \|C A_0^\top\|_F^2 = \sum_i s_i^2 \|A_0 "
        r"v_i\|^2$, so at least at that rate. At the start $A' = 0$ and $B' = -\langle C, "
        r"W_0\rangle C A_0^\top$: where $C A_0^\top = 0$ or $\langle C, W_0\rangle = 0$ nothing "
        r"moves."
    ),
    assumptions=(zero_b, functions),
    instances=INSTANCES,
    check=check,
    conclusion=words.CONCLUSION,
    derive=words.derive,
    interpret=interpret,
    limit="a rate that is positive from the start on, or a start that is stationary",
    controls=(
        Control(zero_b, (MOVED,), "B0 != 0: another orbit"),
        Control(None, SEEN, "sinh(tau s) in place of sinh(2 tau s)", single_angle),
        Control(None, START, "||C||^2 ||A0||^2 as the rate", whole_size),
        Control(None, UNSEEN, "zero loss claimed for every A0 != 0", every_start),
    ),
    note=(
        "So the loss is 0 in the limit if and only if A0 v_i != 0 for some s_i > 0, or <C, W0> = "
        "0 already. For C = I it is the trace-squared flow."
    ),
)
