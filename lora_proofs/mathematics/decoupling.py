"""The Frobenius flow falls apart along the zeros of its start: exact blocks, closed forms, limits.

For 1/2 ||W - Y||_F^2 and E = Y - W0 the flow is A' = B'(E - BA), B' = (E - BA)A'. Take rows i,
columns j and rank indices k as nodes, joined where E_ij, B0_ik or A0_kj is not 0. An entry of A, B
or E - BA between two connected components has a rate in which every product has a factor of that
kind, so it stays 0, and each component runs by itself. One with a single row and a single column is
the scalar flow, which is known in closed form.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import flint

from lora_proofs.arithmetic.context import Arithmetic, Matrix, squared_norm
from lora_proofs.arithmetic.exact import EXACT
from lora_proofs.errors import BadInput, ShapeMismatch
from lora_proofs.mathematics.closed_forms import frobenius_scalar_closed_form

Node = tuple[str, int]


@dataclass(frozen=True)
class Component:
    """Rows, columns and rank indices that move together, each counted from 0."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    ranks: tuple[int, ...]

    @property
    def stationary(self) -> bool:
        """Whether nothing in it moves, for want of a row, a column or a rank index."""
        return not (self.rows and self.columns and self.ranks)

    @property
    def scalar(self) -> bool:
        """Whether it has one row and one column: a single mode."""
        return len(self.rows) == 1 and len(self.columns) == 1


@dataclass(frozen=True, eq=False)
class DecoupledFlow:
    """The flow at a time: A, B and W = W0 + BA."""

    A: Matrix
    B: Matrix
    W: Matrix


@dataclass(frozen=True, eq=False)
class DecoupledLimit:
    """Where the flow ends: BA and the loss, exactly, and the modes (i, j) that keep their error.

    A mode is kept where its error is not 0 and either no rank index reaches it, or its factors
    are on the stable set of the saddle 0: b = -a' for a positive error, b = a' for a negative one.
    """

    BA: Matrix
    loss: flint.fmpq
    kept: tuple[tuple[int, int], ...]


def components(E: Any, A0: Any, B0: Any) -> tuple[Component, ...]:
    """The connected components of the zero pattern, in the order of their first node.

    E is n x m, A0 r x m and B0 n x r, all exact. Raises ``ShapeMismatch``.

    >>> for c in components([[3, 0], [0, 1]], [[0, 2]], [[0], [0]]):
    ...     print(c.rows, c.columns, c.ranks)
    (0,) (0,) ()
    (1,) (1,) (0,)
    """
    E, A0, B0 = (EXACT.matrix(X) for X in (E, A0, B0))
    _fit(E, A0, B0)
    (n, m), r = E.shape, A0.shape[0]
    nodes = [("row", i) for i in range(n)]
    nodes += [("column", j) for j in range(m)] + [("rank", k) for k in range(r)]
    group = {node: node for node in nodes}
    for left, right in _edges(E, A0, B0):
        _join(group, left, right)
    found: dict[Node, list[Node]] = {}
    for node in nodes:
        found.setdefault(_root(group, node), []).append(node)
    return tuple(_component(members) for members in found.values())


def blocks(E: Any, A0: Any, B0: Any) -> tuple[Component, ...]:
    """The rows and columns that move together whatever the basis of the rank indices is.

    Z = [B; A'] has Z' = S Z with S made of E - BA, so ZZ' runs by itself: an edge is an entry of E,
    B0 B0', A0'A0 or B0 A0 that is not 0. Every block keeps all rank indices. Finer than
    ``components``, where a rotation of the rank indices hides zeros. Shapes and errors as there.

    >>> [(c.rows, c.columns) for c in blocks([[3, 0], [0, 1]], [[1, 1], [1, -1]], [[0, 0], [0, 0]])]
    [((0,), (0,)), ((1,), (1,))]
    """
    E, A0, B0 = (EXACT.matrix(X) for X in (E, A0, B0))
    _fit(E, A0, B0)
    (n, m), ranks = E.shape, tuple(range(len(A0)))
    nodes = [("row", i) for i in range(n)] + [("column", j) for j in range(m)]
    group = {node: node for node in nodes}
    products = ((B0 @ B0.mT, "row", "row"), (A0.mT @ A0, "column", "column"))
    for X, down, across in ((E, "row", "column"), (B0 @ A0, "row", "column"), *products):
        for left, right in _nonzero(X, down, across):
            _join(group, left, right)
    found: dict[Node, list[Node]] = {}
    for node in nodes:
        found.setdefault(_root(group, node), []).append(node)
    parts = [_component(members) for members in found.values()]
    return tuple(Component(c.rows, c.columns, ranks) for c in parts)


def _fit(E: Matrix, A0: Matrix, B0: Matrix) -> None:
    (n, m), r = E.shape, A0.shape[0]
    if A0.shape != (r, m) or B0.shape != (n, r):
        raise ShapeMismatch(
            f"decoupled flow: expected A0 (r, {m}) and B0 ({n}, r) for a residual of shape "
            f"{(n, m)}, got {A0.shape} and {B0.shape}"
        )


def _edges(E: Matrix, A0: Matrix, B0: Matrix) -> Iterator[tuple[Node, Node]]:
    for X, down, across in ((E, "row", "column"), (B0, "row", "rank"), (A0, "rank", "column")):
        yield from _nonzero(X, down, across)


def _nonzero(X: Matrix, down: str, across: str) -> Iterator[tuple[Node, Node]]:
    for i, row in enumerate(X):
        yield from (((down, i), (across, j)) for j, entry in enumerate(row) if entry != 0)


def _root(group: dict[Node, Node], node: Node) -> Node:
    while group[node] != node:
        node = group[node]
    return node


def _join(group: dict[Node, Node], left: Node, right: Node) -> None:
    group[_root(group, right)] = _root(group, left)


def _component(members: Iterable[Node]) -> Component:
    kinds: dict[str, list[int]] = {"row": [], "column": [], "rank": []}
    for kind, index in members:
        kinds[kind].append(index)
    return Component(tuple(kinds["row"]), tuple(kinds["column"]), tuple(kinds["rank"]))


def _modes(E: Matrix, A0: Matrix, B0: Matrix) -> list[Component]:
    """The components that move; each has to be scalar."""
    moving = [c for c in components(E, A0, B0) if not c.stationary]
    for c in moving:
        if not c.scalar:
            raise BadInput(
                "decoupled Frobenius flow: expected Y - W0, A0 and B0 to fall apart into blocks of "
                f"one row and one column, got a block of rows {c.rows}, columns {c.columns} and "
                f"rank indices {c.ranks} (from 0); use an enclosure of the flow for it"
            )
    return moving


def _block(X: Matrix, rows: tuple[int, ...], columns: tuple[int, ...]) -> Matrix:
    return X[list(rows)][:, list(columns)]


def frobenius_decoupled_closed_form(
    W0: Any, Y: Any, A0: Any, B0: Any, t: Any, ctx: Arithmetic
) -> DecoupledFlow:
    """The LoRA flow of 1/2 ||W - Y||_F^2 at time t where it falls apart into scalar modes.

    W0 and Y are n x m, A0 r x m, B0 n x r, and t is a number, all exact. Raises ``BadInput`` where
    a component that moves has more than one row or column, and ``ShapeMismatch``. Rushka & Klabjan,
    reconstructed.

    >>> from lora_proofs.arithmetic import BallArithmetic
    >>> end = frobenius_decoupled_closed_form(
    ...     [[0, 0], [0, 0]], [[3, 0], [0, 2]], [["1/2", 0]], [[0], [0]], 1, BallArithmetic(20))
    >>> print(end.W[0, 0].str(12, radius=False), end.W[1, 1])
    2.69359447758 0
    """
    W0, Y, A0, B0 = (EXACT.matrix(X) for X in (W0, Y, A0, B0))
    modes = _modes(Y - W0, A0, B0)
    with ctx.working():
        A, B, W = ctx.matrix(A0), ctx.matrix(B0), ctx.matrix(W0)
    for c in modes:
        i, j, ranks = c.rows, c.columns, c.ranks
        start, target = _block(W0, i, j), _block(Y, i, j)
        a, b = _block(A0, ranks, j), _block(B0, i, ranks)
        end = frobenius_scalar_closed_form(start, target, a, b, t, ctx)
        A[list(ranks), j[0]] = end.A[:, 0]
        B[i[0], list(ranks)] = end.B[0]
        W[i[0], j[0]] = end.W[0, 0]
    return DecoupledFlow(A, B, W)


def frobenius_decoupled_limit(W0: Any, Y: Any, A0: Any, B0: Any) -> DecoupledLimit:
    """The exact limit of BA and of the loss where the flow falls apart into scalar modes.

    Shapes and errors are those of ``frobenius_decoupled_closed_form``; all input is exact. Rushka &
    Klabjan, reconstructed; the exact conditions are ours.

    >>> end = frobenius_decoupled_limit(
    ...     [[0, 0], [0, 0]], [[3, 0], [0, 2]], [["1/2", 0], [0, 1]], [[0, 0], [0, -1]])
    >>> end.BA.tolist(), end.loss, end.kept
    ([[3, 0], [0, 0]], 2, ((1, 1),))
    """
    W0, Y, A0, B0 = (EXACT.matrix(X) for X in (W0, Y, A0, B0))
    E = Y - W0
    BA = EXACT.zeros(*E.shape)
    for c in _modes(E, A0, B0):
        (i,), (j,) = c.rows, c.columns
        b, a = _block(B0, c.rows, c.ranks), _block(A0, c.ranks, c.columns)
        if not _keeps_its_error(E[i, j], a, b):
            BA[i, j] = E[i, j]
    rest = E - BA
    kept = tuple((i, j) for i, row in enumerate(rest) for j, x in enumerate(row) if x != 0)
    return DecoupledLimit(BA, squared_norm(rest) / 2, kept)


def _keeps_its_error(sigma: Any, a: Matrix, b: Matrix) -> bool:
    """Whether a mode of error ``sigma`` starts on the stable set of the saddle a = b = 0."""
    if sigma == 0:
        return False
    return bool(squared_norm(a + b.mT if sigma > 0 else a - b.mT) == 0)
