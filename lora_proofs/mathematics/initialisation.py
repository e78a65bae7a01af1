"""Starts of the factors from the singular value decomposition W = U S V' of a weight.

W is n x m and exact. Rows of A0 are the leading right singular vectors, up to sign; inside a
repeated singular value any orthonormal basis may come. Exact arithmetic raises ``Unavailable``
where the vectors are irrational.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import flint

from lora_proofs.arithmetic.context import Arithmetic, Matrix, Scalar, diagonal
from lora_proofs.arithmetic.exact import EXACT
from lora_proofs.errors import BadInput
from lora_proofs.mathematics.matrices import leading_projector, squared_singular_values

SPECTRAL_STARTS = ("rows", "scaled", "balanced", "pissa")


def spectral_start(kind: str, W: Any, r: int, ctx: Arithmetic) -> tuple[Matrix, Matrix, Matrix]:
    """(W0, A0, B0) of a start of rank r from the singular value decomposition of W.

    ``rows``: A0 = V_r', B0 = 0. ``scaled``: A0 = S_r^{1/2} V_r', B0 = 0. ``balanced``: A0 =
    S_r^{1/2} V_r', B0 = U_r S_r^{1/2}, beside the whole weight W0 = W. ``pissa``: the balanced pair
    beside the residual W0 = W - B0 A0, so that the start computes W. W0 and B0 A0 are n x m, A0 is
    r x m, B0 n x r. Raises ``BadInput`` for another kind and unless 1 <= r <= min(n, m). Named
    after Meng, Wang and Zhang (PiSSA); the others are variants of the usual spectral start.

    >>> W0, A0, B0 = spectral_start("pissa", [[4, 0], [0, 1]], 1, EXACT)
    >>> W0, A0, B0
    (array([[0, 0],
           [0, 1]], dtype=object), array([[2, 0]], dtype=object), array([[2],
           [0]], dtype=object))
    """
    if kind not in SPECTRAL_STARTS:
        raise BadInput(f"kind: expected one of {', '.join(SPECTRAL_STARTS)}, got {kind!r}")
    with ctx.working():
        weight, (values, rows) = ctx.matrix(EXACT.matrix(W)), leading_triples(W, r, ctx)
        none = ctx.zeros(weight.shape[0], r)
        if kind == "rows":
            return weight, rows, none
        roots = [ctx.sqrt(s) for s in values]
        A0 = diagonal(roots, ctx.number(0)) @ rows
        if kind == "scaled":
            return weight, A0, none
        B0 = weight @ rows.mT @ diagonal(_reciprocals(roots, ctx), ctx.number(0))
        return (weight if kind == "balanced" else weight - B0 @ A0), A0, B0


def _reciprocals(roots: list[Scalar], ctx: Arithmetic) -> list[Scalar]:
    """1/root, and 0 for a singular value 0: W V = U S, so U S^{1/2} = (W V) S^{-1/2}."""
    return [root if root == 0 else ctx.number(1) / root for root in roots]


def leading_triples(W: Any, r: int, ctx: Arithmetic) -> tuple[list[Scalar], Matrix]:
    """The r leading singular values of W and as many right singular vectors, as rows (r x m).

    Raises ``BadInput`` unless 1 <= r <= min(n, m).

    >>> values, rows = leading_triples([[0, 2], [1, 0]], 1, EXACT)
    >>> values, rows
    ([2], array([[0, 1]], dtype=object))
    """
    weight = EXACT.matrix(W)
    most = min(weight.shape)
    if isinstance(r, bool) or not isinstance(r, int) or not 1 <= r <= most:
        raise BadInput(f"r: expected a rank between 1 and {most}, got {r!r}")
    values: list[Scalar] = []
    rows: list[Matrix] = []
    for square, projector, k in _eigenspaces(weight, ctx):
        values += [ctx.sqrt(square)] * k
        rows += list(_orthonormal(projector, k, ctx))
        if len(rows) >= r:
            break
    return values[:r], ctx.matrix(rows[:r])


def _eigenspaces(W: Matrix, ctx: Arithmetic) -> Iterator[tuple[Scalar, Matrix, int]]:
    """Each distinct squared singular value with the projector onto its right singular vectors."""
    before, total = ctx.zeros(W.shape[1], W.shape[1]), 0
    for square, k in squared_singular_values(W, ctx):
        total += k
        if total == EXACT.rank(W) + k:  # the value 0: all that is left
            until, k = ctx.identity(W.shape[1]), W.shape[1] - EXACT.rank(W)
        else:
            until = leading_projector(W, total, ctx)
        yield square, until - before, k
        before = until


def _orthonormal(projector: Matrix, k: int, ctx: Arithmetic) -> Iterator[Matrix]:
    """An orthonormal basis of the range of a projector of rank k: its columns, one after another.

    The longest column is at least (k/m)^{1/2} long, so nothing is lost where it is divided by.
    """
    for _ in range(k):
        lengths = [projector[j, j] for j in range(len(projector))]
        j = max(range(len(lengths)), key=lambda i: _middle(lengths[i]))
        vector = projector[:, j] * (ctx.number(1) / ctx.sqrt(lengths[j]))
        yield vector
        projector = projector - vector[:, None] * vector[None, :]


def _middle(x: Scalar) -> Any:
    return x.mid() if isinstance(x, flint.arb) else x
