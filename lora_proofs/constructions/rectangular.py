"""Linear nets with layers of different widths, layer by layer with one-sided inverses.

With P_l = W_L ... W_{l+1} of full row rank and Z_l = What_l ... What_1 of full column rank,
DW_l = P_l^+ G_l H_l Z_{l-1}^+ adds G_l H_l to the product. Zeng and Lee state square layers; the
widths are our extension.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

import numpy as np

from lora_proofs.arithmetic.array import ArrayArithmetic
from lora_proofs.arithmetic.context import Arithmetic, Matrix
from lora_proofs.arithmetic.dense import inverse, product
from lora_proofs.arithmetic.exact import EXACT, ExactArithmetic
from lora_proofs.constructions.adapters import Adapter, Broken, adapted
from lora_proofs.errors import BadInput

BASES = 8
"""Bases of the update that are tried before the order is given up."""


def broken_widths(frozen: Sequence[Matrix]) -> tuple[Broken, ...]:
    """What the formula for layers of different widths asks for and the exact weights break.

    >>> [x.assumption for x in broken_widths([EXACT.zeros(1, 2), EXACT.zeros(2, 1)])]
    ['the hidden width n_1 is at least max(n_0, n_L)']
    """
    wide = max(frozen[0].shape[1], frozen[-1].shape[0])
    found = [
        (f"the hidden width n_{layer} is at least max(n_0, n_L)", W.shape[0] >= wide)
        for layer, W in enumerate(frozen[:-1], 1)
    ]
    for layer in range(1, len(frozen)):
        before = product(*reversed(frozen[:layer]), ctx=EXACT)
        after = product(*reversed(frozen[layer:]), ctx=EXACT)
        if frozen[layer].shape[1] < wide:
            continue  # the width is to blame
        full = (EXACT.rank(before) == before.shape[1], EXACT.rank(after) == after.shape[0])
        found.append((f"W_{layer} ... W_1 has full column rank", full[0]))
        found.append((f"W_{len(frozen)} ... W_{layer + 1} has full row rank", full[1]))
    return tuple(Broken(words, FORMULA) for words, holds in found if not holds)


FORMULA = "sigma_{S+1}(E) stays a lower bound of the error, and may not be attained"


def in_sequence(
    frozen: Sequence[Matrix], G: Matrix, H: Matrix, ranks: Sequence[int], ctx: Arithmetic
) -> tuple[Adapter, ...]:
    """Adapters with product P_0 + G H, layer by layer; W_l: (n_l, n_{l-1}), all in ``ctx``.

    W_1 itself is never inverted. Raises ``BadInput`` where no basis of the update that is tried
    keeps the products that have to be inverted of full rank.

    >>> W = [EXACT.zeros(2, 2), EXACT.identity(2)]
    >>> G, H = EXACT.identity(2), EXACT.matrix([[1, 0], [0, 3]])
    >>> [x.update.tolist() for x in in_sequence(W, G, H, [2, 0], EXACT)]
    [[[1, 0], [0, 3]], [[0, 0], [0, 0]]]
    """
    ends = [min(end, G.shape[1]) for end in accumulate(ranks)]
    for T, back in _bases(G.shape[1], ctx):
        turned = product(G, T, ctx=ctx), product(back, H, ctx=ctx)
        try:
            found = _one_by_one(frozen, *turned, ends, ctx)
        except BadInput:
            continue
        if _adds_up(frozen, found, G, H, ctx):
            return found
    raise BadInput("expected products of full rank to invert, got none in any basis tried")


def _one_by_one(
    frozen: Sequence[Matrix], G: Matrix, H: Matrix, ends: Sequence[int], ctx: Arithmetic
) -> tuple[Adapter, ...]:
    found: list[Adapter] = []
    prefix: Matrix | None = None
    for layer, (W, (first, last)) in enumerate(zip(frozen, pairwise([0, *ends]), strict=True)):
        B, A = G[:, first:last], H[first:last]
        if last > first and layer + 1 < len(frozen):
            suffix = product(*reversed(frozen[layer + 1 :]), ctx=ctx)
            B = product(one_sided_inverse(suffix, ctx), B, ctx=ctx)
        if last > first and prefix is not None:
            A = product(A, one_sided_inverse(prefix, ctx), ctx=ctx)
        if last == first:
            B, A = ctx.zeros(W.shape[0], 0), ctx.zeros(0, W.shape[1])
        found.append(Adapter(B, A))
        what = adapted(W, found[-1], ctx)
        prefix = what if prefix is None else product(what, prefix, ctx=ctx)
    return tuple(found)


def one_sided_inverse(X: Matrix, ctx: Arithmetic) -> Matrix:
    """The pseudo-inverse of a matrix of full rank; ``BadInput`` where it has not.

    >>> one_sided_inverse(EXACT.matrix([[1], [1]]), EXACT).tolist()
    [[1/2, 1/2]]
    """
    if X.shape[0] == X.shape[1]:
        return inverse(X, ctx)
    if isinstance(ctx, ArrayArithmetic):
        return np.linalg.pinv(X)
    if X.shape[0] > X.shape[1]:
        return product(inverse(product(X.T, X, ctx=ctx), ctx), X.T, ctx=ctx)
    return product(X.T, inverse(product(X, X.T, ctx=ctx), ctx), ctx=ctx)


def _bases(k: int, ctx: Arithmetic) -> Iterator[tuple[Matrix, Matrix]]:
    """The identity, and then bases without a preference, each with its inverse."""
    yield ctx.identity(k), ctx.identity(k)
    for attempt in range(BASES if k else 0):
        source = np.random.default_rng((k, attempt))
        if isinstance(ctx, ExactArithmetic):
            lower = np.tril(source.integers(-1, 2, (k, k)), -1) + np.eye(k, dtype=int)
            upper = np.triu(source.integers(-1, 2, (k, k)), 1) + np.eye(k, dtype=int)
            T = ctx.matrix(lower @ upper)
        else:
            T = ctx.matrix(np.linalg.qr(source.normal(size=(k, k)))[0])
        yield T, inverse(T, ctx)


def _adds_up(
    frozen: Sequence[Matrix],
    adapters: Sequence[Adapter],
    G: Matrix,
    H: Matrix,
    ctx: Arithmetic,
) -> bool:
    """Whether the product is P_0 + G H: a product of deficient rank inverts to something else."""
    weights = [adapted(W, x, ctx) for W, x in zip(frozen, adapters, strict=True)]
    update = product(G, H, ctx=ctx)
    off = product(*reversed(weights), ctx=ctx) - product(*reversed(frozen), ctx=ctx) - update
    if isinstance(ctx, ExactArithmetic):
        return not (off != 0).any()
    size = max((abs(X).max() for X in (update, *frozen) if X.size), default=0)
    return bool(abs(off).max() <= 1e-6 * max(size, 1))
