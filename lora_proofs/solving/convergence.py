"""How fast, and to which point, a Frobenius flow converges: a gradient inequality with its proof.

Let f = 1/2 ||E - BA||_F^2 with R = E - BA, let [B; A'] have rank k, let f* be the least value of
rank k, l_1 >= l_2 >= ... the eigenvalues of S = EE', a = sigma_k(A)^2 and b = sigma_k(B)^2. Then

    ||grad f||^2 = ||B'R||^2 + ||RA'||^2 >= 2 nu (f - f*),   and each of these is such a nu:

(1) 1/nu = 1/b + (l_1/a + eta/b)/kappa, with kappa = l_k - l_{k+1} - 4 (f - f*) > 0 and
    eta = l_{k+1} + 2 (f - f*); or the same with a and b exchanged;
(2) where rank E <= k: nu = min(a, sigma_min(U'B)^2), U an orthonormal basis of the columns of E;
    or nu = min(b, sigma_min(AV)^2), V an orthonormal basis of the rows of E;
(3) where the rows of A stay in a space of dimension d <= k that holds those of E: nu =
    sigma_d(A)^2; likewise for the columns of B; where both hold, the sum.

Proof of (1). P and Q project on the columns of B and the rows of A, both of rank k, so that
||B'R||^2 >= b ||PR||^2 and ||RA'||^2 >= a ||RQ||^2. As (I - P)B = 0, 2(f - f*) = ||PR||^2 + delta
with delta = l_1 + ... + l_k - tr PS >= 0, hence delta <= 2(f - f*). By interlacing PSP has no
eigenvalue on P below l_k - delta, (I - P)S(I - P) none above l_{k+1} + delta <= eta. Let the
columns of [C; D] be the k leading eigenvectors of S in a basis of P and I - P, and
X = (I - P)SP. Then C'C + D'D = I, k - tr CC' = ||D||^2, so delta = tr [C; D]'S[C; D] - tr PS is at
most -kappa ||D||^2 + 2 ||D|| ||X|| <= ||X||^2/kappa. Now X = (I - P)RQ E'P + (I - P)E(I - Q)R'P,
as A(I - Q) = 0 and (I - P)B = 0, so ||X|| <= sqrt(l_1) x + sqrt(eta) y with x = ||(I - P)RQ|| and
y = ||PR(I - Q)||. With z = ||PRQ||: ||grad f||^2 >= b(z^2 + y^2) + a(z^2 + x^2), 2(f - f*) <=
z^2 + y^2 + ||X||^2/kappa, and ||X||^2 <= (l_1/a + eta/b)(a x^2 + b y^2). The transpose exchanges a
and b. Proof of (2): f* = 0 and R(I - Q) = E(I - Q) = UU'E(I - Q), so ||B'R(I - Q)||^2 is at least
sigma_min(U'B)^2 ||R(I - Q)||^2. Proof of (3): R is R times the projector on that space.

Along the flow f - f* falls, so (1) only improves while a and b are bounded below. From a time T on
f - f* <= gap e^{-2 nu (t - T)}, and the path that is left has length at most sqrt(2 gap/nu):
singular values change by at most that, which closes the argument where values less by some rho
give a nu with sqrt(2 gap/nu) < rho. The inequality is ours; (1) sharpens what the Davis-Kahan
theorem gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.arithmetic.context import Matrix, Scalar
from lora_proofs.mathematics.literature import ECKART_YOUNG_MIRSKY, WEYL, lean_on
from lora_proofs.mathematics.matrices import rank_gap, squared_singular_values
from lora_proofs.solving.invariant_block import InvariantBlock, independent_columns

ROUNDS = 12
SHRINK = 0.999
Bound = Callable[[Scalar], Scalar | None]


@dataclass(frozen=True, eq=False)
class Convergence:
    """From now on f - f* <= gap e^{-2 rate t}, and the limit is at most ``radius`` away.

    f* is the least value of the rank, so this is about minima. The rate is a lower bound of that of
    A, B and BA, the loss falls at twice it or more.
    """

    rate: flint.arb
    radius: flint.arb


def convergence(
    block: InvariantBlock, A: Matrix, B: Matrix, gap: Scalar, ctx: BallArithmetic
) -> Convergence | None:
    """A rate and a radius that surely hold from a state on; ``None`` where none is found.

    A: r x m and B: n x r are balls around the state, ``gap`` a ball around f - f* of the block or
    a bound of it, where f* is the least value of its rank: that of a saddle will not do.

    >>> from lora_proofs.solving.invariant_block import invariant_block
    >>> block = invariant_block([[2]], [[1]], [[1]])
    >>> ctx = BallArithmetic(20)
    >>> one, gap = ctx.matrix([["1.41"]]), ctx.number("1e-4")
    >>> end = convergence(block, one, one, gap, ctx)
    >>> bool(end.rate > 3.9), bool(end.radius < 0.01)
    (True, True)
    """
    lean_on(WEYL, ECKART_YOUNG_MIRSKY)
    with ctx.working():
        most = flint.arb(0).max(flint.arb(gap).upper())
        bounds = _inequalities(block, A, B, most, ctx)
        found = [end for nu in bounds if (end := _closed(nu, most)) is not None]
        return max(found, key=lambda end: float(end.rate), default=None)


def can_converge(block: InvariantBlock) -> bool:
    """Whether one of the inequalities can ever hold: not at a tie sigma_k = sigma_{k+1}.

    >>> from lora_proofs.solving.invariant_block import invariant_block
    >>> E, A0, B0 = [[2, 0], [0, 2]], [[1, 0], [0, 1]], [[0, 0], [0, 0]]
    >>> can_converge(invariant_block(E, A0, B0))
    True
    """
    k = block.rank
    return EXACT.rank(block.E) <= k or min(block.width, block.height) <= k or rank_gap(block.E, k)


def _closed(nu: Bound, gap: Scalar) -> Convergence | None:
    """The rate that holds on the ball that the rest of the path does not leave."""
    reach = flint.arb(0)
    for _ in range(ROUNDS):
        rate = nu(reach)
        if rate is None:
            return None
        radius = (2 * gap / rate).sqrt().upper()
        if radius < reach or gap == 0:
            return Convergence(flint.arb(rate.lower()), flint.arb(radius))
        reach = flint.arb((radius * flint.arb("1.1")).upper())
    return None


def _inequalities(
    block: InvariantBlock, A: Matrix, B: Matrix, gap: Scalar, ctx: BallArithmetic
) -> Iterator[Bound]:
    """The numbers nu of (1), (2) and (3), each for singular values that may lose ``reach``."""
    k = block.rank
    a, b = _singular_value(A, k), _singular_value(B.mT, k)
    levels = [x for x, j in squared_singular_values(block.E, ctx) for _ in range(j)]
    levels = [ctx.number(x) for x in levels] + [ctx.number(0)] * (k + 1 - len(levels))
    if k > 0 and levels[k - 1] > 0:
        eta = levels[k] + 2 * gap
        kappa = levels[k - 1] - levels[k] - 4 * gap
        yield lambda reach: _first(a, b, levels[0], eta, kappa, reach)
        yield lambda reach: _first(b, a, levels[0], eta, kappa, reach)
    if EXACT.rank(block.E) <= k:
        U, V = independent_columns(block.E), independent_columns(block.E.mT)
        yield lambda reach: _least(reach, a, _gain(B.mT, U))
        yield lambda reach: _least(reach, b, _gain(A, V))
    wide = _singular_value(A, block.width) if block.width <= k else None
    tall = _singular_value(B.mT, block.height) if block.height <= k else None
    if wide is not None or tall is not None:
        yield lambda reach: _sum(reach, wide, tall)


def _first(a: Any, b: Any, most: Any, eta: Any, kappa: Any, reach: Any) -> Scalar | None:
    x, y = _shrunk(a, reach), _shrunk(b, reach)
    if x is None or y is None or not kappa > 0:
        return None
    return 1 / (1 / y + (most / x + eta / y) / kappa)


def _least(reach: Scalar, *gains: Scalar | None) -> Scalar | None:
    """The smallest square, where all are positive; a gain on the space 0 is no condition."""
    least: Scalar | None = None
    for gain in gains:
        if gain is None:
            continue
        if (square := _shrunk(gain, reach)) is None:
            return None
        least = square if least is None else least.min(square)
    return least


def _sum(reach: Scalar, *gains: Scalar | None) -> Scalar | None:
    squares = [x for gain in gains if gain is not None and (x := _shrunk(gain, reach)) is not None]
    return sum(squares[1:], squares[0]) if squares else None


def _shrunk(gain: Scalar, reach: Scalar) -> Scalar | None:
    """The square of a singular value that has lost ``reach``; ``None`` where it may be 0."""
    left = gain - reach
    return left * left if left > 0 else None


def _singular_value(X: Matrix, k: int) -> Scalar:
    """A lower bound of sigma_k(X): floats nominate the directions. 0 beyond the shape."""
    if not 0 < k <= min(X.shape):
        return flint.arb(0)
    left = np.linalg.svd(as_floats(X))[0][:, :k]
    return _gain(X.mT, EXACT.matrix(left.tolist())) or flint.arb(0)


def _gain(X: Matrix, M: Matrix) -> Scalar | None:
    """A lower bound of ||X v||/||v|| over the columns of M (exact); ``None`` where M has none.

    X is p x q and M q x j. The bound c holds where M'(X'X - c^2 I)M is positive definite.
    """
    if M.shape[1] == 0:
        return None
    image, basis = as_floats(X) @ as_floats(M), np.linalg.qr(as_floats(M))[1]
    values = np.linalg.svd(image @ np.linalg.inv(basis), compute_uv=False)
    width = float(np.sqrt(sum(float(x.rad()) ** 2 for x in X.flat)))
    c = SHRINK * (float(values[-1]) - 2 * width) if len(values) == M.shape[1] else 0.0
    mapped, exact = X @ M, flint.arb(c)
    form = mapped.mT @ mapped - exact * exact * (M.mT @ M)
    return exact if c > 0 and is_positive_definite(form) else flint.arb(0)


def is_positive_definite(S: Matrix) -> bool:
    """Whether a symmetric matrix of balls is surely positive definite: all pivots are positive.

    >>> is_positive_definite(BallArithmetic(20).matrix([[2, 1], [1, 2]]))
    True
    """
    rows = [[flint.arb(x) for x in row] for row in S]
    for i, pivot_row in enumerate(rows):
        if not pivot_row[i] > 0:
            return False
        for row in rows[i + 1 :]:
            factor = row[i] / pivot_row[i]
            for j in range(i, len(rows)):
                row[j] = row[j] - factor * pivot_row[j]
    return True


def as_floats(X: Any) -> Any:
    """A matrix in float64, by the midpoints of balls; for nominations alone."""
    return np.array(
        [[float(x.mid()) if isinstance(x, flint.arb) else float(x) for x in row] for row in X]
    )
