"""The two steps that write T = I + M as a product of rank M factors I + (rank one).

With Y'MX = I_k (k = 1 in the proof) put F = I + MXY'M. Then T - F = M - MXY'M has rank rank M - k
by Wedderburn's rank reduction. (a) If F is nonsingular, T' = T F^{-1} has T' - I = (T - F) F^{-1}.
(b) If TN = 0, take X = -N with Y'N = I: F = I + NY'M may be singular, but T' = T - NY'M has
T'F = T all the same, and T' - I = T - F. Such X and Y exist while M is not 0: if T is nonsingular,
take x with Mx != 0, so MTx = TMx != 0 and some y has y'Mx = 1, y'MTx != 0; if TN = 0, N = -MN.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_most, equal
from lora_proofs.claims.zeng_lee.linear.peeling_proof import (
    DUAL,
    FACTOR,
    FULL,
    INVERSE,
    NARROW,
    NONSINGULAR,
    NULL,
    NUMBERS,
    OF_X,
    PEELED,
    PIVOT,
    PRODUCT,
    REST,
    SINGULAR,
    SMALL_FACTOR,
    SMALLER,
    TURNED,
    G,
    K,
    M,
    N,
    X,
    Y,
    derive_nonsingular,
    derive_singular,
)
from lora_proofs.language.claim import Assumption, Check, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.words import Relation, word
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.matrices import full_rank_matrix, matrix
from lora_proofs.strategies.networks import small


def matrices(instance: Instance) -> tuple[Any, Any, Any, Any]:
    """T, F, T' and X, exact: of the nonsingular case, or of the one with a kernel N."""
    z = instance.lift(EXACT)
    one = EXACT.identity(len(z.M))
    if "N" in instance:
        change = z.N @ z.Y.mT @ z.M
        return one + z.M, one + change, one + z.M - change, z.N
    return one + z.M, one + z.M @ z.X @ z.Y.mT @ z.M, (one + z.M) @ z.G, z.X


def numbers(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """Every rank, and k."""
    z = instance.lift(EXACT)
    _, F, after, _ = matrices(instance)
    one = EXACT.identity(len(z.M))
    columns = -z.N if "N" in instance else z.X
    rest = z.M - z.M @ columns @ z.Y.mT @ z.M
    found = {FULL: z.M, REST: rest, PEELED: after - one, FACTOR: F - one, OF_X: z.M @ columns}
    ranks = {symbol: ctx.number(EXACT.rank(value)) for symbol, value in found.items()}
    return {**ranks, K: ctx.number(instance.k)}


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The matrices are fields."""
    z = instance.lift(ctx)
    known = {"M": M, "X": X, "Y": Y, "G": G, "N": N}
    fields = {symbol: getattr(z, name) for name, symbol in known.items() if name in instance}
    return {**fields, **numbers(instance, ctx)}


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """T'F = T, and both ranks."""
    T, F, after, _ = matrices(instance)
    found = numbers(instance, ctx)
    yield equal(PRODUCT, after @ F, T)
    yield at_most(SMALL_FACTOR, found[FACTOR], found[K])
    yield at_most(SMALLER, found[PEELED], found[FULL] - found[K])


def one_more(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """One rank more claimed to go."""
    found = numbers(instance, ctx)
    yield at_most(SMALLER, found[PEELED], found[FULL] - found[K] - 1)


def swapped(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """F T' in place of T' F."""
    T, F, after, _ = matrices(instance)
    yield equal("F T' against T", F @ after, T)


def has_pivots(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Y'MX = I."""
    z = instance.lift(EXACT)
    yield equal("Y'MX", z.Y.mT @ z.M @ z.X, EXACT.identity(z.X.shape[1]))


def inverts(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """FG = GF = I."""
    _, F, _, _ = matrices(instance)
    G_ = EXACT.matrix(instance.G)
    yield equal("FG", F @ G_, EXACT.identity(len(F)))
    yield equal("GF", G_ @ F, EXACT.identity(len(F)))


def in_kernel(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """TN = 0 and Y'N = I."""
    z, (T, *_) = instance.lift(EXACT), matrices(instance)
    yield equal("TN", T @ z.N, EXACT.zeros(*z.N.shape))
    yield equal("Y'N", z.Y.mT @ z.N, EXACT.identity(z.N.shape[1]))


def named(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The numbers are what they are called."""
    _, _, _, X_ = matrices(instance)
    yield equal("k", EXACT.number(instance.k), X_.shape[1])
    for value in numbers(instance, ctx).values():
        yield at_most("0 against a rank", 0, value)


pivots = Assumption("pivots", r"$Y^\top M X = I_k$", has_pivots, relations=(PIVOT,))
inverse = Assumption(
    "inverse", r"$G$ is the inverse of $F = I + M X Y^\top M$", inverts, relations=(INVERSE, TURNED)
)
kernel = Assumption(
    "kernel", r"$(I + M) N = 0$ and $Y^\top N = I_k$", in_kernel, relations=(NULL, DUAL)
)
values = Assumption(
    "values",
    r"$\mathrm{rank}\,\cdot$ are ranks, and $k$ is the number of columns, so no rank of them",
    named,
    technical="it only names numbers, which are computed from the matrices",
    relations=(NARROW, *(Relation(word(0), "<=", x) for x in NUMBERS)),
)


def draw(source: Draw, regime: str) -> Instance:
    """M of a chosen rank, X and Y scaled to Y'MX = I, F nonsingular."""
    n, k = source.integer(2, 4), 2 if regime == "two at once" else 1
    full = source.integer(k, k if regime == "last factor" else n)
    tall, wide = (full_rank_matrix(source, n, full, entry=small) for _ in range(2))
    wide = scaled_to_fit(tall, wide.mT, k)
    # Dual bases of both factors of M: Y'M X is the leading block of the identity.
    X_ = (wide.mT @ EXACT.inverse(wide @ wide.mT))[:, :k]
    Y_ = (tall @ EXACT.inverse(tall.mT @ tall))[:, :k]
    M_ = tall @ wide
    F = EXACT.identity(n) + M_ @ X_ @ Y_.mT @ M_
    return Instance(regimes=(regime,), M=M_, X=X_, Y=Y_, G=EXACT.inverse(F), k=k)


def scaled_to_fit(tall: Any, wide: Any, k: int) -> Any:
    """A multiple c of ``wide`` for which det F = det(I_k + c [wide tall]_kk) is not 0."""
    block = (wide @ tall)[:k, :k]
    for c in range(1, k + 2):  # the determinant vanishes for k values of c at most
        if EXACT.rank(EXACT.identity(k) + c * block) == k:
            return c * wide
    raise AssertionError("a polynomial of degree k with k + 1 roots")


def draw_singular(source: Draw, regime: str) -> Instance:
    """T with a chosen kernel, M = T - I, and Y dual to N."""
    n = source.integer(2, 4)
    k = {"one of two": 1, "two at once": 2, "T = 0": n}.get(regime, 1)
    null = 2 if regime == "one of two" else k
    C = full_rank_matrix(source, n, n, entry=small)
    middle = EXACT.zeros(n, n)
    middle[null:, null:] = matrix(source, n - null, n - null, entry=small)
    T = C @ middle @ EXACT.inverse(C)
    Y_ = EXACT.inverse(C).mT[:, :k]
    return Instance(regimes=(regime,), M=T - EXACT.identity(n), N=C[:, :k], Y=Y_, k=k)


E1, E2 = [[1], [0]], [[0], [1]]
ID, HALF = [[1, 0], [0, 1]], [["1/2", 0], [0, 1]]
PLAIN = Instance(M=ID, X=E1, Y=E1, G=HALF, k=1)
TILTED = Instance(M=[[1, 1], [0, 1]], X=E1, Y=E1, G=[["1/2", "-1/2"], [0, 1]], k=1)
HEAVY = Instance(M=ID, X=[[2], [0]], Y=E1, G=[["1/3", 0], [0, 1]], k=1)
WRONG = PLAIN.replace(G=ID)
ZERO = Instance(M=[[-1, 0], [0, -1]], N=E1, Y=E1, k=1)
SHEAR = Instance(M=[[-1, 1], [0, -1]], N=E1, Y=E1, k=1)
NOT_NULL = Instance(M=[[1, 0], [1, 1]], N=E1, Y=E1, k=1)

STATED = (
    r"$T = T'F$ with $\mathrm{rank}(F - I) \le k$ and $\mathrm{rank}(T' - I) \le \mathrm{rank}\,M "
    r"- k$"
)
SOURCE = Source("zeng-lee", "", "extension", "summary")


def controls(*dropped: Control, plain: Instance, tilted: Instance) -> tuple[Control, ...]:
    """Each assumption dropped, and two false conclusions."""
    wrong: tuple[tuple[Instance, str, Check], ...] = (
        (plain, "one rank more claimed to go", one_more),
        (tilted, "the factors in the other order", swapped),
    )
    return (*dropped, *(Control(None, (x,), why, falsified) for x, why, falsified in wrong))


peel_nonsingular = Claim(
    name="zeng-lee/linear-peeling-nonsingular",
    title="A factor I + (rank k) splits off from I + M, F nonsingular",
    source=SOURCE,
    statement=(
        r"Let $T = I + M$, $Y^\top M X = I_k$, $F = I + M X Y^\top M$ nonsingular and "
        rf"$T' = T F^{{-1}}$. Then {STATED}."
    ),
    assumptions=(pivots, inverse, values),
    instances=Instances(draw, ("generic", "two at once", "last factor")),
    check=check,
    conclusion=NONSINGULAR,
    derive=derive_nonsingular,
    interpret=interpret,
    controls=controls(
        Control(pivots, (HEAVY,), "Y'MX = 2: no rank goes"),
        Control(inverse, (WRONG,), "I in place of the inverse"),
        plain=PLAIN,
        tilted=TILTED,
    ),
)

peel_singular = Claim(
    name="zeng-lee/linear-peeling-singular",
    title="A factor I + (rank k) splits off from I + M along a kernel",
    source=SOURCE,
    statement=(
        r"Let $T = I + M$, $T N = 0$, $Y^\top N = I_k$, $F = I + N Y^\top M$ and $T' = T - N "
        rf"Y^\top M$. Then {STATED}."
    ),
    assumptions=(kernel, values),
    instances=Instances(draw_singular, ("generic", "one of two", "two at once", "T = 0")),
    check=check,
    conclusion=SINGULAR,
    derive=derive_singular,
    interpret=interpret,
    controls=controls(
        Control(kernel, (NOT_NULL,), "a vector that T does not send to 0"),
        plain=ZERO,
        tilted=SHEAR,
    ),
)
