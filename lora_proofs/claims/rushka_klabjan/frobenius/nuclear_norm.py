"""The error of the best approximation of rank r falls like r^{-1/2} relative to the nuclear norm.

Let H be the sum of the r largest singular values, T the sum and Q the sum of squares of the others.
As they decrease, r sigma_r <= H and Q <= sigma_r T, so r Q <= r sigma_r T <= H T <= (H + T)^2/4:
the error ||E - E_r||_F = sqrt(Q) is at most ||E||_*/(2 sqrt r). A flat spectrum of rank 2r
attains it. Relative to ||E||_F there is no such law: a flat spectrum of rank N has the error
sqrt(1 - r/N).
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
    equal,
    squared_norm,
)
from lora_proofs.claims.rushka_klabjan.frobenius.spectral import diagonal
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.words import Relation, Scalar, word
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.matrices import orthogonal_matrix
from lora_proofs.strategies.spectra import spectrum
from lora_proofs.symbolic.steps import Step, assumed, identity, inequality

r, s = Scalar("r", nonnegative=True), Scalar("sigma_r", nonnegative=True, latex=r"\sigma_r")
H, T, Q = (Scalar(name, nonnegative=True) for name in "HTQ")
LAW = "4 r ||E - E_r||^2 against the square of the nuclear norm"
HEAD, TAIL = Relation(r * s, "<=", H), Relation(Q, "<=", s * T)
SIGNS = tuple(Relation(word(0), "<=", x) for x in (r, s, H, T, Q))
CONCLUSION = (Relation(4 * r * Q, "<=", (H + T) ** 2, LAW),)


def derive() -> Iterator[Step]:
    """Head and tail against sigma_r, then the arithmetic and the geometric mean."""
    yield (head := assumed("decreasing", HEAD, "each of the first r is at least sigma_r"))
    yield (tail := assumed("decreasing", TAIL, "each of the others is at most sigma_r"))
    yield (
        means := inequality(
            4 * H * T,
            (H + T) ** 2,
            "the difference is (H - T)^2",
            rule="sum of squares",
            squares=((1, H - T),),
        )
    )
    (law,) = CONCLUSION
    why = "r Q <= r sigma_r T <= H T"
    yield inequality(law.left, law.right, why, rule="combine", uses=(tail, head, means), label=LAW)


REGIMES = (
    "distinct",
    "tied",
    "flat",
    "flat of rank 2r",
    "with zeros",
    "zero",
    "r = 1",
    "full rank",
    "one that dominates",
)


def draw(source: Draw, regime: str) -> Instance:
    """A residual with a rational spectrum and rational singular vectors, and a rank."""
    n, m = source.integer(2, 4), source.integer(2, 4)
    if regime == "flat of rank 2r":
        n, m = max(n, 2), max(m, 2)
    k = min(n, m)
    rank = 1 if regime == "r = 1" else k if regime == "full rank" else source.integer(1, k)
    kind = regime if regime in ("tied", "flat", "with zeros", "zero") else "distinct"
    values = list(spectrum(source, k, kind))
    if regime == "flat of rank 2r":
        rank = source.integer(1, k // 2)
        values = [values[0]] * (2 * rank) + [Fraction(0)] * (k - 2 * rank)
    if regime == "one that dominates":
        values[0] *= 1000
    return with_spectrum(source, (n, m), values, rank).replace(regimes=(regime,))


def with_spectrum(
    source: Draw, shape: tuple[int, int], values: list[Fraction], rank: int
) -> Instance:
    """E = U diag(values) V' with rational U and V."""
    U, V = (orthogonal_matrix(source, size) for size in shape)
    E = U @ diagonal(shape, values) @ V.mT
    return Instance(E=E, U=U, V=V, values=[values], r=rank)


INSTANCES = Instances(draw, REGIMES)


def parts(instance: Instance) -> dict[Any, Any]:
    """r, sigma_r, H, T and Q, exactly."""
    values, rank = instance.values[0], int(instance.r)
    sums = {
        H: sum(values[:rank], Fraction(0)),
        T: sum(values[rank:], Fraction(0)),
        Q: sum((x * x for x in values[rank:]), Fraction(0)),
    }
    return {r: instance.r, s: values[rank - 1], **sums}


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The sums of the instance's spectrum."""
    return {symbol: ctx.number(value) for symbol, value in parts(instance).items()}


def decreases(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The values decrease to 0 or more; so head and tail compare with sigma_r."""
    values, k = instance.values[0], parts(instance)
    for x, y in zip(values, (*values[1:], Fraction(0)), strict=True):
        yield at_least("a singular value against the next", x, y)
    yield at_most("r sigma_r", k[r] * k[s], k[H])
    yield at_most("sum of squares of the others", k[Q], k[s] * k[T])


decreasing = Assumption(
    "decreasing",
    r"$\sigma_1 \ge \sigma_2 \ge \dots \ge 0$; so $r\sigma_r \le H$ and $Q \le \sigma_r T$ for "
    r"$H = \sum_{i \le r}\sigma_i$, $T = \sum_{i > r}\sigma_i$, $Q = \sum_{i > r}\sigma_i^2$, and "
    r"all of these are at least 0",
    decreases,
    relations=(HEAD, TAIL, *SIGNS),
)


def truncation_error(instance: Instance) -> Any:
    """||E - E_r||_F^2 from the matrices."""
    z, rank = instance.lift(EXACT), int(instance.r)
    kept = [x if i < rank else 0 for i, x in enumerate(instance.values[0])]
    return squared_norm(z.E - z.U @ diagonal(z.E.shape, kept) @ z.V.mT)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The squared law on the matrices; both norms of E beside it."""
    z, values = instance.lift(EXACT), instance.values[0]
    nuclear = EXACT.number(sum(values, Fraction(0)))
    yield at_most(LAW, 4 * z.r * truncation_error(instance), nuclear**2)
    square = EXACT.number(sum((x * x for x in values), Fraction(0)))
    yield equal("measured: squared Frobenius norm of E", squared_norm(z.E), square)


def smaller_constant(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The constant 1/2 replaced by a smaller one."""
    k = parts(instance)
    left = EXACT.number(Fraction(401, 100) * k[r] * k[Q])
    yield at_most("4.01 r Q", left, EXACT.number((k[H] + k[T]) ** 2))


def frobenius_instead(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The Frobenius norm in place of the nuclear norm."""
    E = instance.lift(EXACT).E
    left = EXACT.number(4 * instance.r) * truncation_error(instance)
    yield at_most("4 r Q", left, squared_norm(E))


def faster(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """1/r in place of 1/sqrt(r)."""
    k = parts(instance)
    left = EXACT.number(4 * k[r] ** 2 * k[Q])
    yield at_most("4 r^2 Q", left, EXACT.number((k[H] + k[T]) ** 2))


def of(*values: int | Fraction, rank: int) -> Instance:
    """A diagonal residual."""
    size = len(values)
    bases = {"U": EXACT.identity(size), "V": EXACT.identity(size)}
    return Instance(E=diagonal((size, size), values), **bases, values=[values], r=rank)


FLAT = of(1, 1, 1, 1, rank=2)
SHORT = of(Fraction(1, 8), Fraction(1, 8), rank=1)  # below 1, where powers turn

law = Claim(
    name="rushka-klabjan/nuclear-norm-law",
    title="The truncation error against the nuclear norm",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Let $\sigma_1 \ge \sigma_2 \ge \dots \ge 0$ be the singular values of $E$ and $E_r$ its "
        r"truncated singular value decomposition, $1 \le r \le \min(n, m)$. Then "
        r"$4r\,\|E - E_r\|_F^2 \le \|E\|_*^2$, that is "
        r"$\|E - E_r\|_F \le \|E\|_*/(2\sqrt r)$."
    ),
    assumptions=(decreasing,),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(decreasing, (of(0, 1, rank=1),), "singular values that increase"),
        Control(
            None, (FLAT, SHORT), "a smaller constant, against a flat spectrum", smaller_constant
        ),
        Control(None, (FLAT,), "the Frobenius norm in place of the nuclear", frobenius_instead),
        Control(None, (FLAT,), "1/r in place of 1/sqrt(r)", faster),
    ),
    note=(
        "The two consequences of the order, for head and tail, are checked on every instance and "
        "used by the derivation."
    ),
)

N = Scalar("N")
level = Scalar("sigma", latex=r"\sigma")
SHARP, RELATIVE = "flat spectrum of rank 2r", "flat spectrum of rank N"
FLAT_CONCLUSION = (
    Relation(4 * r * ((2 * r - r) * level**2), "=", (2 * r * level) ** 2, SHARP),
    Relation(N * ((N - r) * level**2), "=", (N - r) * (N * level**2), RELATIVE),
)


def derive_flat() -> Iterator[Step]:
    """Count the equal values."""
    for relation in FLAT_CONCLUSION:
        yield identity(relation.left, relation.right, "expand", label=relation.label)


def draw_flat(source: Draw, regime: str) -> Instance:
    """A residual E with N >= r equal singular values, and one with 2r of them."""
    rank = 1 if regime == "r = 1" else source.integer(1, 2)
    size = {"N = r": rank, "N = 2r": 2 * rank, "N > 2r": 2 * rank + 1}.get(regime)
    size = size or source.integer(rank, 4)
    level_ = Fraction(source.integer(1, 40), source.integer(1, 8))
    zeros = [Fraction(0)] * (regime == "with a zero")
    made = [
        with_spectrum(source, (count + len(zeros),) * 2, [level_] * count + zeros, rank)
        for count in (size, 2 * rank)
    ]
    fields = {f"double_{name}": getattr(made[1], name) for name in PARTS}
    return made[0].replace(regimes=(regime,), N=size, level=level_, **fields)


PARTS = ("E", "U", "V", "values")
FLAT_INSTANCES = Instances(
    draw_flat, ("r = 1", "any r", "with a zero", "N = r", "N = 2r", "N > 2r")
)


def doubled(instance: Instance) -> Instance:
    """The residual with 2r equal singular values."""
    return instance.replace(**{name: getattr(instance, f"double_{name}") for name in PARTS})


def interpret_flat(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The rank, the size and the level."""
    z = instance.lift(ctx)
    return {r: z.r, N: z.N, level: z.level}


def check_flat(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The first equation on the residual of rank 2r, the second on the one of rank N."""
    z, error = instance.lift(EXACT), truncation_error(instance)
    other = doubled(instance)
    nuclear = EXACT.number(sum(other.values[0], Fraction(0)))
    yield equal(SHARP, 4 * z.r * truncation_error(other), nuclear**2)
    yield equal(RELATIVE, z.N * error, (z.N - z.r) * squared_norm(z.E))


def root_law(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """r^{-1/2} relative to the Frobenius norm."""
    z = instance.lift(EXACT)
    yield at_most("r ||E - E_r||^2", 3 * truncation_error(instance), squared_norm(z.E))


def kept_share(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The share r/N that is kept in place of the share 1 - r/N that is lost."""
    z = instance.lift(EXACT)
    lost = len(instance.values[0]) * truncation_error(instance)
    yield equal("N ||E - E_r||^2", lost, z.r * squared_norm(z.E))


def exact_law(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Equality claimed for a spectrum that is not flat."""
    z, error = instance.lift(EXACT), truncation_error(instance)
    nuclear = EXACT.number(sum(instance.values[0], Fraction(0)))
    yield equal("4 r ||E - E_r||^2", 4 * z.r * error, nuclear**2)


flat = Claim(
    name="rushka-klabjan/nuclear-norm-law-sharp",
    title="A flat spectrum attains the nuclear norm law",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"If the nonzero singular values of $E$ are $2r$ equal numbers, the truncation error has "
        r"$4r\,\|E - E_r\|_F^2 = \|E\|_*^2$; if they are $N \ge r$ equal numbers, "
        r"$N\,\|E - E_r\|_F^2 = (N - r)\,\|E\|_F^2$: relative to $\|E\|_F$ the error is "
        r"$\sqrt{1 - r/N}$, for $N = 2r$ the same for every $r$."
    ),
    assumptions=(),
    instances=FLAT_INSTANCES,
    check=check_flat,
    conclusion=FLAT_CONCLUSION,
    derive=derive_flat,
    interpret=interpret_flat,
    controls=(
        Control(None, (of(2, 1, rank=1),), "equality without flatness", exact_law),
        Control(None, (FLAT, of(1, 1, 1, rank=1)), "r/N in place of 1 - r/N", kept_share),
        Control(None, (of(*[1] * 9, rank=3),), "r^{-1/2} of the Frobenius norm", root_law),
    ),
)

claims = (law, flat)
