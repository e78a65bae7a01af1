"""Enclosures of the eigenvalues of symmetric matrices and of singular values, in balls.

Floats nominate a basis V, Newton's method makes it orthogonal and the matrix diagonal to the
working precision; then V'GV is bounded in balls. By Ostrowski's theorem its eigenvalues are those
of G times numbers near 1, and by Weyl's inequality they are near those of its diagonal blocks.
Eigenvalues that float64 cannot tell apart share a block, which is shifted and taken again.
"""

from __future__ import annotations

from itertools import pairwise
from math import ceil, log2
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.leaning import OSTROWSKI, WEYL, lean_on
from lora_proofs.errors import Unavailable

CLOSE = 2.0**-24
"""Eigenvalues closer than this, relative to the largest, share a block."""
MOST_ROUNDS = 12


def singular_values(X: flint.arb_mat) -> list[flint.arb]:
    """Enclosures of the min(n, m) singular values of X: (n, m), largest first, at any tie or zero.

    The k-th ball holds the k-th singular value of every matrix in X. Weyl's inequality carries
    the radii; ``Unavailable`` where an entry is not finite.

    >>> [x.str(5) for x in singular_values(flint.arb_mat([[3, 0], [0, flint.arb(2, 0.25)]]))]
    ['[3e+0 +/- 0.251]', '[2e+0 +/- 0.251]']
    """
    lean_on(WEYL)
    _finite(norm_bound(X))
    spread, middle = norm_bound(_radii(X)), X.mid()
    with flint.ctx.workprec(_of_squares(middle, _worthwhile(norm_bound(middle), spread))):
        turned = middle.transpose()
        gram = turned * middle if X.nrows() >= X.ncols() else middle * turned
        squares = symmetric_eigenvalues(gram)
    blur = flint.arb(0, spread.upper())
    return [_root(s) if spread == 0 else _nonnegative(_root(s) + blur) for s in squares]


def _worthwhile(size: flint.arb, spread: flint.arb) -> int:
    """The bits that the spread of the entries leaves to be known."""
    if spread == 0 or size == 0 or not (size / spread).is_finite():
        return int(flint.ctx.prec)
    return max(24, min(int(flint.ctx.prec), _exponent(size / spread) + 12))


def _of_squares(X: flint.arb_mat, bits: int) -> int:
    """Bits for the squares: a root takes as many as its number is small, at most half of all."""
    sizes = np.linalg.svd(_floats(X), compute_uv=False)
    small = sizes[-1] / sizes[0] if sizes[0] > 0 else 0.0
    return bits + 20 + (bits if small < 2.0**-40 else min(bits, ceil(-log2(small))))


def symmetric_eigenvalues(G: flint.arb_mat) -> list[flint.arb]:
    """Enclosures of the eigenvalues of every symmetric matrix in G, largest first.

    >>> first, second = symmetric_eigenvalues(flint.arb_mat([[2, 1], [1, 2]]))
    >>> first.contains(3), second.contains(1), bool(first > second)
    (True, True, True)
    """
    size = _finite(norm_bound(G))
    if size == 0 or G.nrows() == 1:
        return [G[i, i] for i in range(G.nrows())]
    lean_on(OSTROWSKI, WEYL)
    V, groups = _basis(G)
    turned = V.transpose()
    off = norm_bound(turned * V - _identity(G.nrows()))
    return _bounded(turned * G * V, off, groups, size)


def norm_bound(X: flint.arb_mat) -> flint.arb:
    """An upper bound of ||X||_2: its square is at most ||X||_1 ||X||_inf.

    >>> norm_bound(flint.arb_mat([[3, 0], [0, 4]]))
    4.00000000000000
    """
    sizes = [[x.abs_upper() for x in row] for row in X.tolist()]
    lines = (max(_sums(sizes)), max(_sums(zip(*sizes, strict=True))))
    return (lines[0] * lines[1]).sqrt().upper()


def _finite(size: flint.arb) -> flint.arb:
    if not size.is_finite():
        raise Unavailable("eigenvalues of a matrix that is not finite", "ball")
    return size


def _sums(lines: Any) -> list[flint.arb]:
    return [sum(line, flint.arb(0)).upper() for line in lines] or [flint.arb(0)]


def _radii(X: flint.arb_mat) -> flint.arb_mat:
    return flint.arb_mat([[x.rad() for x in row] for row in X.tolist()])


def _root(square: flint.arb) -> flint.arb:
    """The square root of what is nonnegative in a ball."""
    # A ball with 0 in it may dip below 0, where a root is not a number: only its top has one.
    return square.sqrt() if square > 0 else flint.arb(0).union(square.upper().sqrt())


def _nonnegative(x: flint.arb) -> flint.arb:
    return x if x >= 0 else flint.arb(0).union(x.upper())


def _bounded(
    S: flint.arb_mat, off: flint.arb, groups: list[list[int]], size: flint.arb
) -> list[flint.arb]:
    """The eigenvalues of G from S = V'GV with ||V'V - I|| <= off, block by block."""
    if not off < 1:
        raise Unavailable("an orthogonal basis of eigenvectors", "ball")
    found = [x for group in groups for x in _of_block(_block(S, group), size)]
    weyl = flint.arb(0, norm_bound(_between(S, groups)).upper())
    stretch = 1 + flint.arb(0, off.upper())
    return [(x + weyl) / stretch for x in _ordered(found)]


def _of_block(block: flint.arb_mat, size: flint.arb) -> list[flint.arb]:
    """The eigenvalues of a diagonal block, near one number."""
    centre = block[0, 0].mid()
    rest = block - centre * _identity(block.nrows())
    apart, blur = norm_bound(rest.mid()), norm_bound(_radii(rest))
    tiny = size * flint.arb(2) ** (8 - flint.ctx.prec)
    # Each turn takes off some twenty bits; what is blurred more than it is apart stays together.
    if blur < apart and tiny < apart < size / 1024:
        return [centre + x for x in symmetric_eigenvalues(rest)]
    return [centre + flint.arb(0, norm_bound(rest).upper())] * block.nrows()


def _ordered(balls: list[flint.arb]) -> list[flint.arb]:
    """Balls of the k-th largest: between the k-th largest lower and upper bounds."""
    lower = sorted((x.lower() for x in balls), reverse=True)
    upper = sorted((x.upper() for x in balls), reverse=True)
    return [a if a == b else a.union(b) for a, b in zip(lower, upper, strict=True)]


def _block(S: flint.arb_mat, group: list[int]) -> flint.arb_mat:
    return flint.arb_mat([[S[i, j] for j in group] for i in group])


def _between(S: flint.arb_mat, groups: list[list[int]]) -> flint.arb_mat:
    """What lies outside the diagonal blocks."""
    of, zero = _group_of(groups), flint.arb(0)
    rows = enumerate(S.tolist())
    return flint.arb_mat(
        [[zero if of[i] == of[j] else x for j, x in enumerate(row)] for i, row in rows]
    )


def _group_of(groups: list[list[int]]) -> dict[int, int]:
    return {i: k for k, group in enumerate(groups) for i in group}


def _identity(k: int) -> flint.arb_mat:
    return flint.arb_mat(k, k, [int(i == j) for i in range(k) for j in range(k)])


def _basis(G: flint.arb_mat) -> tuple[flint.arb_mat, list[list[int]]]:
    """A basis, exact numbers, in which G is nearly diagonal by blocks; and the blocks."""
    values, vectors = np.linalg.eigh(_floats(G))
    V, groups = flint.arb_mat(vectors.tolist()), _groups(values.tolist())
    full = flint.ctx.prec
    bits = 16
    for _ in range(MOST_ROUNDS):
        with flint.ctx.workprec(min(full, 4 * bits + 64)):
            step = _step(G, V, groups)
            V = (V + V * step).mid()
        bits = max(bits, _bits(step))
        if 2 * bits > full:
            break
    return V, groups


def _floats(X: flint.arb_mat) -> Any:
    """The midpoints, scaled by a power of 2 so that the largest is near 1."""
    size = norm_bound(X.mid())
    scale = flint.arb(2) ** -_exponent(size) if size > 0 else flint.arb(1)
    return np.array([[float(x) for x in row] for row in (X.mid() * scale).tolist()])


def _groups(values: list[float]) -> list[list[int]]:
    """Consecutive indices, of values in ascending order, split where the gap is wide."""
    groups = [[0]]
    least = CLOSE * max(abs(values[0]), abs(values[-1]))
    for i, (before, after) in enumerate(pairwise(values), 1):
        if after - before > least:
            groups.append([])
        groups[-1].append(i)
    return groups


def _step(G: flint.arb_mat, V: flint.arb_mat, groups: list[list[int]]) -> flint.arb_mat:
    """Newton's step E: V + VE is closer to orthogonal, and to making G diagonal by blocks.

    Ogita and Aishima 2018. It only nominates, so midpoints will do.
    """
    k, turned, of = V.nrows(), V.transpose(), _group_of(groups)
    R = (_identity(k) - turned * V).mid()
    S = (turned * G * V).mid()
    d = [(S[i, i] / (1 - R[i, i])).mid() for i in range(k)]
    step = [[r / 2 for r in row] for row in R.tolist()]
    for i, (row, rest) in enumerate(zip(S.tolist(), R.tolist(), strict=True)):
        for j in range(k):
            if of[i] != of[j]:
                step[i][j] = (row[j] + d[j] * rest[j]) / (d[j] - d[i])
    return flint.arb_mat(step).mid()


def _bits(step: flint.arb_mat) -> int:
    """How many bits the step leaves alone."""
    size = norm_bound(step)
    return flint.ctx.prec if size == 0 else -_exponent(size)


def _exponent(x: flint.arb) -> int:
    """The least e with |x| < 2^e or, of a power of 2, with |x| = 2^{e-1}."""
    mantissa, exponent = x.mid().man_exp()
    return int(exponent) + int(mantissa).bit_length()
