"""Excess risk of whitened regression, over all matrices and along the matrices of rank r.

W* X + noise is fitted for a design with XX' = N I. Least squares over all W is off by ZX'/N, where
Z is the noise. Among matrices of rank r near W* = BA only the part of that in the tangent space
{dB A + B dA} counts to first order. The space has dimension r(m + n - r), and its projector is
Z -> Z - (I - P_B) Z (I - P_A). For independent entries of variance s^2 the expected squared norm of
a linear image of Z is s^2 times the sum of its squared values on the unit matrices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    Comparison,
    at_least,
    equal,
    inner,
    squared_norm,
)
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw, ratio
from lora_proofs.strategies.matrices import full_rank_matrix, orthonormal_rows

REGIMES = ("generic", "r = 1", "r = min(n, m)", "N = m", "n = 1", "m = 1")
MOST_SIGNS = 4
"""How many independent signs are enumerated: 2^4 draws of the noise."""


def draw(source: Draw, regime: str) -> Instance:
    """N a square, X with XX' = N I, factors of full rank, a noise level."""
    n = 1 if regime == "n = 1" else source.integer(1, 3)
    m = 1 if regime == "m = 1" else source.integer(1, 3)
    r = 1 if regime == "r = 1" else source.integer(1, min(n, m))
    if regime == "r = min(n, m)":
        r = min(n, m)
    root = 2 if m < 4 else 3
    if regime == "N = m":
        m, root = source.choice(((1, 1), (4, 2)))
        r = min(r, m)
    X = EXACT.number(root) * orthonormal_rows(source, m, root * root)
    return Instance(
        regimes=(regime,),
        X=X,
        A=full_rank_matrix(source, r, m),
        B=full_rank_matrix(source, n, r),
        s=ratio(source, 1, 6, 2),
    )


INSTANCES = Instances(draw, REGIMES)


def is_whitened(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """XX' = N I."""
    X = EXACT.matrix(instance.X)
    m, N = X.shape
    yield equal("XX'", X @ X.mT, N * EXACT.identity(m))


def full_rank(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """rank A = rank B = r."""
    A, B = EXACT.matrix(instance.A), EXACT.matrix(instance.B)
    yield at_least("rank of A against r", EXACT.rank(A), len(A))
    yield at_least("rank of B against r", EXACT.rank(B), len(A))


whitened = Assumption("whitened", r"$X X^\top = N I_m$", is_whitened)
factors = Assumption("factors", r"$W^* = BA$ with $\mathrm{rank}\, A = \mathrm{rank}\, B = r$",
                     full_rank)  # fmt: skip


def estimate(instance: Instance, Z: Any) -> Any:
    """What the noise adds to the least-squares estimate: Z X'(XX')^{-1}."""
    X = EXACT.matrix(instance.X)
    return Z @ X.mT @ EXACT.inverse(X @ X.mT)


def expected(instance: Instance, image: Callable[[Any], Any]) -> Any:
    """E ||image(Z)||^2 for a linear image and independent centred entries of variance s^2."""
    x = instance.lift(EXACT)
    shape, total = (len(x.B), x.X.shape[1]), EXACT.number(0)
    for i, j in product(*map(range, shape)):
        unit = EXACT.zeros(*shape)
        unit[i, j] = EXACT.number(1)
        total += squared_norm(image(unit))
    return x.s**2 * total


def by_signs(instance: Instance, image: Callable[[Any], Any]) -> Any:
    """The same as the mean over all signs of noise entries +-s."""
    x = instance.lift(EXACT)
    n, N = len(x.B), x.X.shape[1]
    total, count = EXACT.number(0), 0
    for signs in product((1, -1), repeat=n * N):
        Z = x.s * EXACT.matrix([signs[i * N : (i + 1) * N] for i in range(n)])
        total, count = total + squared_norm(image(Z)), count + 1
    return total / count


def onto_tangent(instance: Instance, Z: Any) -> Any:
    """Z - (I - P_B) Z (I - P_A)."""
    x = instance.lift(EXACT)
    P_B = x.B @ EXACT.inverse(x.B.mT @ x.B) @ x.B.mT
    P_A = x.A.mT @ EXACT.inverse(x.A @ x.A.mT) @ x.A
    return Z - (EXACT.identity(len(P_B)) - P_B) @ Z @ (EXACT.identity(len(P_A)) - P_A)


def tangents(instance: Instance) -> list[Any]:
    """dB A + B dA on the unit matrices."""
    x = instance.lift(EXACT)
    found = []
    for k in range(x.A.size + x.B.size):
        dA, dB = EXACT.zeros(*x.A.shape), EXACT.zeros(*x.B.shape)
        on_A = k < x.A.size
        (dA if on_A else dB).flat[k if on_A else k - x.A.size] = EXACT.number(1)
        found.append(dB @ x.A + x.B @ dA)
    return found


def dimension(instance: Instance) -> Any:
    """The exact dimension of the tangent space."""
    return EXACT.rank(EXACT.matrix([list(T.flat) for T in tangents(instance)]))


def sizes(instance: Instance) -> tuple[int, int, int, int]:
    """n, m, r, N."""
    return len(instance.B), len(instance.X), len(instance.A), len(instance.X[0])


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Both expectations, the dimension, and that the projector is one onto the tangent space."""
    n, m, r, N = sizes(instance)
    s2 = EXACT.number(instance.s) ** 2
    yield equal("dimension of the tangent space", dimension(instance), r * (m + n - r))
    yield from projects(instance)
    images = {
        "all matrices": (lambda Z: estimate(instance, Z), m * n),
        "tangent space": (lambda Z: onto_tangent(instance, estimate(instance, Z)), r * (m + n - r)),
    }
    for name, (image, directions) in images.items():
        risk = s2 * directions / N
        yield equal(f"expected squared error, {name}", expected(instance, image), risk)
        if n * N <= MOST_SIGNS:
            yield equal(f"mean over all signs, {name}", by_signs(instance, image), risk)


def projects(instance: Instance) -> Iterator[Comparison]:
    """Tangents stay, and what is taken away is orthogonal to them."""
    x = instance.lift(EXACT)
    columns = range(x.A.shape[1])
    taken = EXACT.matrix([[i - 2 * j + 1 for j in columns] for i in range(len(x.B))])
    rest = taken - onto_tangent(instance, taken)
    for T in tangents(instance):
        yield equal("a tangent under the projector", onto_tangent(instance, T), T)
        yield equal("what is taken away against a tangent", inner(rest, T), EXACT.number(0))


def counted_twice(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The number of entries of A and B in place of the dimension."""
    n, m, r, _ = sizes(instance)
    yield equal("dimension of the tangent space", dimension(instance), r * (m + n))


def in_every_direction(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The risk of the full estimate taken for that along the matrices of rank r."""
    n, m, _, N = sizes(instance)
    found = expected(instance, lambda Z: onto_tangent(instance, estimate(instance, Z)))
    yield equal("expected squared error", found, EXACT.number(instance.s) ** 2 * m * n / N)


UNEVEN = Instance(X=[[1, 0], [0, 2]], A=[[1, 0]], B=[[1], [0]], s=1)
THIN = Instance(
    X=[[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1]],
    A=[[1, 0, 0], [0, 1, 0]],
    B=[[1, 0], [0, 0]],
    s=1,
)
SMALL = Instance(X=[[1, 1], [1, -1]], A=[[1, 0]], B=[[1], [0]], s=1)


def dimension_only(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The dimension as for factors of full rank."""
    n, m, r, _ = sizes(instance)
    yield equal("dimension of the tangent space", dimension(instance), r * (m + n - r))


claim = Claim(
    name="classical/reduced-rank-regression",
    title="Excess risk of whitened regression, full and along rank r",
    source=Source("classical", "", "stated", "recalled"),
    statement=(
        r"Let $X X^\top = N I_m$, observe $W^* X + Z$ with independent centred noise of variance "
        r"$s^2$, and let $W^* = BA$ with factors of full rank $r$. The least-squares estimate over "
        r"all $n \times m$ matrices has $\mathbb E\|\hat W - W^*\|_F^2 = s^2 m n / N$. The tangent "
        r"space $\{dB\,A + B\,dA\}$ of the matrices of rank $r$ at $W^*$ has dimension $r(m + n - "
        r"r)$, and the part of $\hat W - W^*$ in it has expected squared norm $s^2 r(m + n - r)/N$."
    ),
    assumptions=(whitened, factors),
    instances=INSTANCES,
    check=check,
    controls=(
        Control(whitened, (UNEVEN,), "a design that is not whitened"),
        Control(factors, (THIN,), "B of rank below r", dimension_only),
        Control(None, (SMALL,), "r(m + n) directions: a change of basis counted", counted_twice),
        Control(None, (SMALL,), "the risk of the full estimate", in_every_direction),
    ),
    arithmetics=("exact",),
    note=(
        "Izenman 1975, recalled. That the rank-r estimate follows the projected noise to first "
        "order, and what a tail beyond rank r adds, is not checked."
    ),
)
