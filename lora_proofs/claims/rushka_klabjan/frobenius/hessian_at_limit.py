"""The Hessian of the Frobenius LoRA loss where the flow ends: all eigenvalues, and the sharpness.

At A = Q diag(a) V_r', B = U_r diag(b) Q' with a_k b_k = sigma_k the second derivative splits into
pairs of directions: dB_ik, dA_ki between kept modes i, k with the eigenvalues a_k^2 + b_i^2 and 0;
dB = u_j e_k', dA = e_k v_j' for a mode j left out, with [[a_k^2, -sigma_j], [-sigma_j, b_k^2]]; and
single ones for rows or columns beyond min(n, m). Two by two determinants give the list.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import reduce
from operator import mul
from typing import Any

import flint

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, equal
from lora_proofs.claims.rushka_klabjan.frobenius import critical_points
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.spectral_limit import sharpness
from lora_proofs.strategies.draw import Draw, ratio
from lora_proofs.strategies.matrices import orthogonal_matrix

REGIMES = (
    "n = m",
    "n > m",
    "m > n",
    "r = min(n, m)",
    "r = 1",
    "tie across r",
    "zero singular values",
    "balanced, a = b",
)


def draw(source: Draw, regime: str) -> Instance:
    """Rational a_k, b_k, the products of which are the kept singular values; the others below."""
    n, m, r = _shape(source, regime)
    a = [ratio(source, 1, 6, 2) for _ in range(r)]
    b = a if regime == "balanced, a = b" else [ratio(source, 1, 6, 2) for _ in range(r)]
    least = min(x * y for x, y in zip(a, b, strict=True))
    rest = [least * ratio(source, 1, 4, 5) for _ in range(min(n, m) - r)]
    if regime == "tie across r" and rest:
        rest[0] = least
    if regime == "zero singular values":
        rest = [Fraction(0)] * len(rest)
    return point(source, n, m, a, b, [x * y for x, y in zip(a, b, strict=True)] + rest, regime)


def _shape(source: Draw, regime: str) -> tuple[int, int, int]:
    small, large = source.integer(1, 2), source.integer(0, 1)
    n = m = small + 1
    if regime == "n > m":
        n, m = small + 1 + large, small
    if regime == "m > n":
        n, m = small, small + 1 + large
    if regime == "r = min(n, m)":
        return n, m, min(n, m)
    return n, m, 1 if regime == "r = 1" else source.integer(1, max(1, min(n, m) - 1))


def point(
    source: Draw, n: int, m: int, a: Any, b: Any, sigma: Any, regime: str = "explicit"
) -> Instance:
    """The factors in turned bases."""
    r = len(a)
    U, V, Q = (orthogonal_matrix(source, k) for k in (n, m, r))
    S, left, right = EXACT.zeros(n, m), EXACT.zeros(n, r), EXACT.zeros(r, m)
    for i, value in enumerate(sigma):
        S[i, i] = EXACT.number(value)
    for k in range(r):
        left[k, k], right[k, k] = EXACT.number(b[k]), EXACT.number(a[k])
    fields = {"Y": U @ S @ V.mT, "A": Q @ right @ V.mT, "B": U @ left @ Q.mT}
    return Instance(regimes=(regime,), **fields, a=[list(a)], b=[list(b)], sigma=[list(sigma)])


INSTANCES = Instances(draw, REGIMES)


def kept_are_leading(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """sigma_j <= sigma_k for k <= r < j."""
    values, r = instance.sigma[0], len(instance.A)
    yield at_least(
        "least kept against the largest left out", min(values[:r]), max(values[r:] or (0,))
    )


critical = Assumption(
    "critical",
    r"$A = Q\,\mathrm{diag}(a)V_r^\top$, $B = U_r\,\mathrm{diag}(b)Q^\top$ with $a_k b_k = "
    r"\sigma_k$, a critical point",
    critical_points.gradients_vanish,
)
leading = Assumption("leading", r"$\sigma_j \le \sigma_k$ for $k \le r < j$", kept_are_leading)


def hessian(instance: Instance) -> flint.fmpq_mat:
    """The matrix of (dA, dB) -> (B'X - dB'R, XA' - R dA'), X = dB A + B dA, R = E - BA."""
    x = instance.lift(EXACT)
    R = x.Y - x.B @ x.A
    sizes, columns = (x.A.size, x.B.size), []
    for k in range(sum(sizes)):
        dA, dB = EXACT.zeros(*x.A.shape), EXACT.zeros(*x.B.shape)
        (dA if k < sizes[0] else dB).flat[k if k < sizes[0] else k - sizes[0]] = EXACT.number(1)
        X = dB @ x.A + x.B @ dA
        columns.append([*(x.B.mT @ X - dB.mT @ R).flat, *(X @ x.A.mT - R @ dA.mT).flat])
    return flint.fmpq_mat(columns)


def linear(root: Any) -> flint.fmpq_poly:
    """x - root."""
    return flint.fmpq_poly([-root, 1])


def listed(instance: Instance) -> flint.fmpq_poly:
    """The polynomial whose roots are the eigenvalues that the claim lists."""
    x = instance.lift(EXACT)
    n, m, r = len(x.B), x.A.shape[1], len(x.A)
    a2, b2 = [value**2 for value in x.a.flat], [value**2 for value in x.b.flat]
    zero = EXACT.number(0)
    factors = [linear(a2[k] + b2[i]) * linear(zero) for i in range(r) for k in range(r)]
    for s in x.sigma.flat[r:]:
        factors += [flint.fmpq_poly([a2[k] * b2[k] - s**2, -(a2[k] + b2[k]), 1]) for k in range(r)]
    single = a2 if n > m else b2
    factors += [linear(root) for root in single] * abs(n - m)
    return reduce(mul, factors)


def coefficients(p: Any) -> Any:
    """All coefficients, as a row."""
    return EXACT.matrix([p.coeffs()])


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The characteristic polynomial, exactly; nothing below 0, nothing above the sharpness."""
    H = hessian(instance)
    found = H.charpoly()
    yield equal(
        "coefficients of the characteristic polynomial",
        coefficients(found),
        coefficients(listed(instance)),
    )
    yield from nonnegative("eigenvalues against 0", found)
    top = largest(instance)
    yield equal("characteristic polynomial at the sharpness", found(top), EXACT.number(0))
    identity = flint.fmpq_mat(EXACT.identity(H.nrows()).tolist())
    yield from nonnegative("sharpness against the eigenvalues", (top * identity - H).charpoly())
    if top > 0:
        yield from step_is_stable(instance, EXACT.number(1))


def nonnegative(label: str, p: Any) -> Iterator[Comparison]:
    """All roots, which are real, are 0 or more: the coefficients alternate in sign."""
    degree = p.degree()
    for k, c in enumerate(p.coeffs()):
        yield at_least(f"{label}: coefficient {k}", (-1) ** (degree - k) * c, 0)


def largest(instance: Instance) -> Any:
    """max a_k^2 + max b_k^2."""
    a, b = (EXACT.matrix(rows) for rows in (instance.a, instance.b))
    return max(x**2 for x in a.flat) + max(x**2 for x in b.flat)


def mode_by_mode(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The sharpness as the largest a_k^2 + b_k^2 of one mode."""
    a, b = (EXACT.matrix(rows) for rows in (instance.a, instance.b))
    top = max(x**2 + y**2 for x, y in zip(a.flat, b.flat, strict=True))
    H = hessian(instance)
    identity = flint.fmpq_mat(EXACT.identity(H.nrows()).tolist())
    yield from nonnegative("largest of one mode", (top * identity - H).charpoly())


def longer_step(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """All eigenvalues of I - hH are -1 or more at 51/50 of the threshold."""
    yield from step_is_stable(instance, EXACT.number("51/50"))


def step_is_stable(instance: Instance, share: Any) -> Iterator[Comparison]:
    """The eigenvalues of I - hH lie in [-1, 1] for h the share of 2 / sharpness."""
    H = hessian(instance)
    identity = flint.fmpq_mat(EXACT.identity(H.nrows()).tolist())
    step = identity - share * 2 / largest(instance) * H
    yield from nonnegative("eigenvalues of I - hH against -1", (identity + step).charpoly())
    yield from nonnegative("1 against eigenvalues of I - hH", (identity - step).charpoly())


def explicit(a: Any, b: Any, sigma: Any) -> Instance:
    """A diagonal example, Q = I."""
    r, size = len(a), len(sigma)
    Y = [[sigma[i] if i == j else 0 for j in range(size)] for i in range(size)]
    A = [[a[i] if i == j else 0 for j in range(size)] for i in range(r)]
    B = [[b[j] if i == j else 0 for j in range(r)] for i in range(size)]
    return Instance(Y=Y, A=A, B=B, a=[a], b=[b], sigma=[sigma])


def measure(ctx: Arithmetic) -> dict[str, str]:
    """The sharpness from B0 = 0 and d = (1/2, 1), E = diag(3, 2, 1), as in the reference values."""
    top = sharpness([(3, Fraction(1, 4)), (2, 1)], ctx)
    return {"sharpness, E = diag(3, 2, 1), d = (1/2, 1)": top.str(12, radius=False)}


claim = Claim(
    name="rushka-klabjan/frobenius-hessian-at-limit",
    title="The Hessian at the limit of the Frobenius flow",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"At $A = Q\,\mathrm{diag}(a)V_r^\top$, $B = U_r\,\mathrm{diag}(b)Q^\top$ with $a_k b_k = "
        r"\sigma_k$, where $\sigma_i$ are the singular values of $E$ and $\sigma_j \le \sigma_k$ "
        r"for $k \le r < j$, the Hessian of $(A, B) \mapsto \tfrac12\|E - BA\|_F^2$ has the "
        r"eigenvalues $a_k^2 + b_i^2$ and $0$ for $i, k \le r$; $\tfrac12(a_k^2 + b_k^2) \pm "
        r"\sqrt{\tfrac14 (a_k^2 - b_k^2)^2 + \sigma_j^2}$ for $k \le r < j \le \min(n, m)$; and "
        r"$a_k^2$ ($n - m$ times if $n > m$) or $b_k^2$ ($m - n$ times if $m > n$). None is "
        r"negative, and the largest is $\lambda = \max_k a_k^2 + \max_k b_k^2$, so for $\lambda > "
        r"0$ the eigenvalues of $I - hH$ are all in $[-1, 1]$ exactly for $0 \le h \le 2/\lambda$."
    ),
    assumptions=(critical, leading),
    instances=INSTANCES,
    check=check,
    controls=(
        Control(
            critical,
            (explicit([1, 1], [1, 2], [2, 2, 1]),),
            "a_1 b_1 is not sigma_1",
        ),
        Control(leading, (explicit([1], [1], [1, 2]),), "a mode left out is larger: a saddle"),
        Control(
            None,
            (explicit([3, 1], [1, 3], [3, 3, 1]),),
            "the sharpness taken mode by mode",
            mode_by_mode,
        ),
        Control(None, INSTANCES, "a step of 51/50 of the threshold", longer_step),
    ),
    measure=measure,
    note=(
        "From B0 = 0 and A0 = Q diag(d) V_r' the limit has a_k^2 - b_k^2 = d_k^2, so a_k^2 = "
        "(d_k^2 + sqrt(d_k^4 + 4 sigma_k^2))/2. Exact: rational a, b, in turned rational bases."
    ),
)
