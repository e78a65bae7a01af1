"""Singular frozen weights made nonsingular, at the price of rank that is not lost.

W_l lacks d_l ranks; U V' with d_l columns makes it nonsingular. It changes the product by
P_l U V' Q_{l-1}; where that is G a (b'a)^{-1} b' H for an update G H still to be made, the rest of
the update has d_l ranks less, and nothing was given away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import flint
import numpy as np

from lora_proofs.arithmetic.context import Arithmetic, Matrix
from lora_proofs.arithmetic.dense import inverse, lifted, product, to_floats
from lora_proofs.arithmetic.exact import EXACT
from lora_proofs.constructions.adapters import Adapter
from lora_proofs.constructions.leading import leading_factors
from lora_proofs.constructions.rank_one import null_space
from lora_proofs.constructions.rounding import exact_values
from lora_proofs.errors import BadInput

CANDIDATES = 12
LEAST_SCORE = 1e-6

Repaired = tuple[list[Adapter], list[Matrix], tuple[int, ...]]


def repaired(
    frozen: Sequence[Matrix],
    target: Matrix,
    ranks: Sequence[int],
    ctx: Arithmetic,
    *,
    plain: int = 0,
) -> Repaired:
    """Patches of the singular weights, the weights with them, exact, and the ranks that are left.

    W_l: (D, D), exact; patches in ``ctx``. The first ``plain`` patches are no pieces of the
    update: that serves where there is more to repair than to update. Raises ``BadInput`` where a
    rank is too small for it.

    >>> W, Y = [EXACT.matrix([[1, 0], [0, 0]]), EXACT.identity(2)], EXACT.matrix([[1, 0], [0, 3]])
    >>> patches, weights, left = repaired(W, Y, [1, 0], EXACT)
    >>> weights[0].tolist(), left
    ([[1, 0], [0, 3]], (0, 0))
    """
    weights, patches, left = list(frozen), [], list(ranks)
    for layer, W in enumerate(frozen):
        missing = len(W) - EXACT.rank(W)
        if missing > ranks[layer]:
            raise BadInput(f"W_{layer + 1}: expected a rank of at least {missing} to repair it")
        patch = Adapter(ctx.zeros(len(W), 0), ctx.zeros(0, len(W)))
        if missing:
            guided = _guided(weights, layer, target, sum(left), ctx) if plain <= 0 else None
            patch, plain = guided or _plain(W, ctx), plain - 1
            weights[layer] = W + product(_exactly(patch.B), _exactly(patch.A), ctx=EXACT)
            left[layer] -= missing
        patches.append(patch)
    return patches, weights, tuple(left)


def _exactly(X: Matrix) -> Matrix:
    if X.size and isinstance(X.flat[0], flint.arb):
        return EXACT.matrix([[_dyadic(x) for x in row] for row in X])
    return exact_values(X)


def _plain(W: Matrix, ctx: Arithmetic) -> Adapter:
    """What the weight lacks: W + L Z' with L and Z bases of its left and right null spaces."""
    return Adapter(ctx.matrix(null_space(W.T)), ctx.matrix(null_space(W).T))


def _guided(
    weights: list[Matrix], layer: int, target: Matrix, rank: int, ctx: Arithmetic
) -> Adapter | None:
    """A piece of the leading update that repairs the layer, where there is one."""
    try:
        return _piece(weights, layer, target, rank, ctx)
    except BadInput:
        return None


def _piece(
    weights: list[Matrix], layer: int, target: Matrix, rank: int, ctx: Arithmetic
) -> Adapter:
    W, size = weights[layer], len(weights[layer])
    G, H = leading_factors(target - product(*reversed(weights), ctx=EXACT), rank, ctx)
    after = product(EXACT.identity(size), *reversed(weights[layer + 1 :]), ctx=EXACT)
    before = product(*reversed(weights[:layer]), EXACT.identity(size), ctx=EXACT)
    lacks_left, lacks_right = lifted(null_space(W.T), ctx).T, lifted(null_space(W), ctx)
    free, F, reach = _reachable(after, G, ctx)
    rows = product(H, inverse(ctx.matrix(before), ctx), ctx=ctx)
    left = product(lacks_left, F, ctx=ctx), product(lacks_left, free, ctx=ctx)
    right = product(rows, lacks_right, ctx=ctx)
    a, b, c = _chosen(reach, left, right, ctx)
    middle = inverse(product(b.T, reach, a, ctx=ctx), ctx)
    B = product(product(F, a, ctx=ctx) + product(free, c, ctx=ctx), middle, ctx=ctx)
    return Adapter(B, product(b.T, rows, ctx=ctx))


def _reachable(P: Matrix, G: Matrix, ctx: Arithmetic) -> tuple[Matrix, Matrix, Matrix]:
    """What P takes to 0; F and K with P F = G K; K projects onto the x with G x in the range."""
    free, missed = null_space(P), lifted(null_space(P.T), ctx)
    exact = P.T, inverse(product(P, P.T, ctx=EXACT) + _square(null_space(P.T)), EXACT)
    solve = product(ctx.matrix(exact[0]), ctx.matrix(exact[1]), ctx=ctx)
    K = ctx.identity(G.shape[1])
    if missed.shape[1]:
        off = product(missed.T, G, ctx=ctx)
        K = K - product(off.T, inverse(product(off, off.T, ctx=ctx), ctx), off, ctx=ctx)
    return lifted(free, ctx), product(solve, G, K, ctx=ctx), K


def _square(N: Matrix) -> Matrix:
    return product(N, N.T, ctx=EXACT)


def _chosen(
    reach: Matrix, left: tuple[Matrix, Matrix], right: Matrix, ctx: Arithmetic
) -> tuple[Matrix, Matrix, Matrix]:
    """Coefficients for which all that has to be nonsingular is as far from singular as it gets."""
    best, score = None, LEAST_SCORE
    for a, b, c in _candidates(left, right, ctx):
        needed = (
            product(b.T, reach, a, ctx=ctx),
            product(b.T, right, ctx=ctx),
            product(left[0], a, ctx=ctx) + product(left[1], c, ctx=ctx),
        )
        found = min(_nonsingularity(X) for X in needed)
        if found > score:
            best, score = (a, b, c), found
    if best is None:
        raise BadInput("expected a piece of the update that repairs the weight, found none")
    return best


def _candidates(
    left: tuple[Matrix, Matrix], right: Matrix, ctx: Arithmetic
) -> Iterator[tuple[Matrix, Matrix, Matrix]]:
    d, k, p = right.shape[1], left[0].shape[1], left[1].shape[1]
    yield left[0].T, right, left[1].T * 0
    for attempt in range(CANDIDATES):
        draw = np.random.default_rng((d, k, p, attempt)).integers
        a, b, c = draw(-2, 3, (k, d)), draw(-2, 3, (k, d)), draw(-2, 3, (p, d))
        yield _whole(a, ctx), _whole(b, ctx), _whole(c, ctx)


def _whole(X: np.ndarray, ctx: Arithmetic) -> Matrix:
    return ctx.matrix(X.astype(float)) if X.size else ctx.zeros(*X.shape)


def _nonsingularity(X: Matrix) -> float:
    sizes = np.linalg.svd(to_floats(X), compute_uv=False)
    return float(sizes[-1] / sizes[0]) if sizes.size and sizes[0] > 0 else 0.0


def _dyadic(x: flint.arb) -> flint.fmpq:
    mantissa, exponent = x.man_exp()
    return flint.fmpq(mantissa) * flint.fmpq(2) ** int(exponent)
