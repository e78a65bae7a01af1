"""What the nodes of a tape do in limbs, one order at a time; linear nodes are first put together.

A value is an array (rows, limbs, columns), or ``None`` for zero. Sums, whole multiples and products
with what stays are linear: each is flattened to sum_j c_j X_j + sum_i X_i C_i + sum_i C_i X_i, one
constant C_i for each X_i, and only what something else reads is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import flint
import numpy as np

from lora_proofs.integrate.limb_linear import LINEAR, Linear, is_small, shape_of
from lora_proofs.integrate.limbs import (
    Convolution,
    Unfit,
    carry,
    magic,
    rounds,
    split,
    toeplitz,
)
from lora_proofs.integrate.series import entries
from lora_proofs.integrate.tape import Node, Tape

Array = Any
Run = Callable[[int], Any]  # of the order


class Nodes:
    """The nodes of a tape that a flow needs, with their buffers; ``fixed`` are values as balls.

    ``inputs`` gives the coefficient of an order of each symbol; order k has ``limbs[k]`` limbs.
    ``largest`` is the largest whole part of coefficients 0 that were balanced.
    """

    def __init__(
        self,
        tape: Tape,
        fixed: Mapping[int, Any],
        beta: int,
        limbs: Sequence[int],
        inputs: Mapping[Any, Sequence[Array]],
    ) -> None:
        self.nodes, self.fixed, self.inputs = tape.nodes, fixed, inputs
        self.beta, self.limbs = beta, limbs
        self.places = beta * (limbs[0] - 1)
        self.roundings = {count: magic(beta, count)[:, None] for count in set(limbs)}
        self.times, self.largest = rounds(beta), 0.0
        self.now: list[Any] = [None] * len(tape.nodes)
        self.multiplied: set[int] = set()
        self.forms: dict[int, Linear] = {}
        self._needed(list(tape.outputs.values()))
        self.levels = self._in_levels()

    def extend(self, k: int) -> list[Any]:
        """Coefficients k of the nodes by position; outputs are not balanced."""
        now, count = self.now, self.limbs[k]
        for work, rooms in self.levels:
            for i, run in work:
                now[i] = run(k)
            if rooms:
                tail, head, scratch, views = rooms[count]
                for i, view in views:
                    view[...] = _or_zero(now[i])
                    now[i] = view
                carry(head, tail, self.roundings[count], scratch, self.times)
                if k == 0:
                    self.largest = max(self.largest, float(np.abs(head[0]).max()))
        return now

    def _in_levels(self) -> list[Any]:
        """Nodes that do not wait for each other, and room to balance them at once."""
        height: dict[int, int] = {}
        for i in sorted(self.forms):
            form = self.forms[i]
            reads = {j for j in self.nodes[i].args if j in height}
            reads |= {j for j in (*form.terms, *form.right, *form.left) if j in height}
            height[i] = 1 + max((height[j] for j in reads), default=-1)
        levels: list[Any] = []
        for level in range(max(height.values(), default=-1) + 1):
            members = [i for i in height if height[i] == level]
            balanced = [i for i in members if i in self.multiplied]
            levels.append(([(i, self._run(i)) for i in members], self._rooms(balanced)))
        return levels

    def _rooms(self, balanced: list[int]) -> dict[int, Any]:
        """Arrays (limbs, entries) for several nodes, and each node's view, by number of limbs."""
        if not balanced:
            return {}
        shapes = [shape_of(self.nodes[i]) for i in balanced]
        ends = np.cumsum([rows * columns for rows, columns in shapes])
        out = {}
        for count in set(self.limbs):
            room = np.zeros((count, int(ends[-1])))
            views = [
                (i, room[:, end - r * c : end].reshape(count, r, c).transpose(1, 0, 2))
                for i, end, (r, c) in zip(balanced, ends, shapes, strict=True)
            ]
            out[count] = room[1:], room[:-1], np.empty_like(room[1:]), views
        return out

    # Which nodes are needed, and what they are made of -------------------------------------------

    def _needed(self, wanted: list[int]) -> None:
        while wanted:
            i = wanted.pop()
            if i in self.forms:
                continue
            self.forms[i] = form = self._linear(i, whole=True)
            wanted += [j for j in form.terms if j != i]
            factors = [*form.right, *form.left]
            if i in form.terms:
                node = self.nodes[i]
                parts = [j for j in node.args if not self.nodes[j].fixed]
                wanted += parts
                factors += parts if node.op in LINEAR else []
            wanted += factors
            self.multiplied |= {self._source(j) for j in factors}

    def _source(self, i: int) -> int:
        """Where the numbers are that a node shows: a transpose is a view."""
        while self.nodes[i].op == "transpose":
            i = self.nodes[i].args[0]
        return -1 if self.nodes[i].op == "input" else i

    def _linear(self, i: int, *, whole: bool = False) -> Linear:
        """A node in terms of others: of itself, unless it is linear."""
        node = self.nodes[i]
        if node.fixed:
            return Linear(constant=self.fixed[i])
        fixed = [self.nodes[j].fixed for j in node.args]
        out = Linear()
        if node.op == "sum":
            for j in node.args:
                out.add(self._linear(j), 1)
        elif node.op == "scale" and is_small(self.nodes[node.args[0]]):
            out.add(self._linear(node.args[1]), int(self.nodes[node.args[0]].data))
        elif node.op == "matmul" and fixed[0]:
            out.left[node.args[1]] = self.fixed[node.args[0]]
        elif node.op == "matmul" and fixed[1]:
            out.right[node.args[0]] = self.fixed[node.args[1]]
        else:
            out.terms[i] = 1
        return out

    # What they do ----------------------------------------------------------------------------

    def _run(self, i: int) -> Run:
        form = self.forms[i]
        if i in form.terms:
            return self._atom(self.nodes[i])
        now, constant = self.now, self._limbs(form.constant, self.nodes[i])
        plain = [(j, float(c)) for j, c in form.terms.items() if c]
        right = [(j, self._times(C)) for j, C in form.right.items()]
        left = [(j, self._times(C.transpose())) for j, C in form.left.items()]

        def run(k: int) -> Any:
            total = constant.transpose(1, 0, 2).copy() if k == 0 and constant is not None else None
            for j, by in right:
                total = _joined(total, by(now[j]))
            for j, by in left:
                total = _joined(total, _turned(by(_turned(now[j]))))
            for j, c in plain:
                total = _plus(total, now[j], c)
            return total

        return run

    def _atom(self, node: Node) -> Run:
        now, args = self.now, node.args
        match node.op:
            case "input":
                return self.inputs[node.data].__getitem__
            case "transpose":
                return lambda k: _turned(now[args[0]])
            case "trace":
                return lambda k: _trace(now[args[0]])
            case "matmul":
                n1, n2 = shape_of(self.nodes[args[0]])
                product = self._product((n1, n2, shape_of(node)[1]))
                return lambda k: product(k, now[args[0]], now[args[1]])
            case _:
                return self._scale(node)

    def _scale(self, node: Node) -> Run:
        now, (a, b) = self.now, node.args
        rows, columns = shape_of(node)
        if a in self.fixed:
            limbs = self._limbs(self.fixed[a], self.nodes[a])
            T = None if limbs is None else toeplitz(limbs).T.copy()
            return lambda k: _cut(T, now[b])
        if b in self.fixed:
            flat = flint.arb_mat(1, rows * columns, entries(self.fixed[b]))
            by = self._times(flat)
            return lambda k: _unrolled(by(now[a]), rows, columns)
        product = self._product((1, 1, rows * columns))
        return lambda k: _unrolled(product(k, now[a], _rolled(now[b])), rows, columns)

    def _product(self, shape: tuple[int, int, int]) -> Callable[[int, Any, Any], Any]:
        product = Convolution(shape, self.limbs)
        return lambda k, X, Y: product.extend(k, _or_zero(X), _or_zero(Y))

    def _limbs(self, value: Any, node: Node) -> Array | None:
        """Balanced limbs (limbs, rows, columns) of a value that stays, ``None`` for zero."""
        if value is None:
            return None
        scale = flint.arb(2) ** self.places
        numbers = [int((x * scale).mid().floor().unique_fmpz()) for x in entries(value)]
        if max(map(abs, numbers), default=0) >> (self.places + self.beta - 1):
            raise Unfit
        limbs = split(numbers, self.beta, self.limbs[0])
        return limbs.reshape(-1, *shape_of(node)) if any(numbers) else None

    def _times(self, C: Any) -> Callable[[Any], Any]:
        """X (rows, limbs, inner) to X C, not balanced."""
        inner, columns = C.nrows(), C.ncols()
        limbs = self._limbs(C, Node("input", (), None, (inner, columns), True))
        if limbs is None:
            return lambda X: None
        T = toeplitz(limbs)

        def run(X: Any) -> Any:
            if X is None:
                return None
            rows, count, _ = X.shape
            flat = X.reshape(rows, count * inner)
            return np.matmul(flat, T[: count * inner, : count * columns]).reshape(rows, count, -1)

        return run


def _plus(total: Any, X: Any, c: float) -> Any:
    """total + c X, in place where there is a total."""
    if X is None:
        return total
    if total is None:
        return c * X
    if abs(c) == 1:
        return (np.add if c > 0 else np.subtract)(total, X, total)
    total += c * X
    return total


def _joined(total: Any, X: Any) -> Any:
    """total + X, where X is nobody else's."""
    return X if total is None else _plus(total, X, 1.0)


def _or_zero(X: Any) -> Any:
    return 0.0 if X is None else X


def _turned(X: Any) -> Any:
    return None if X is None else X.transpose(2, 1, 0)


def _trace(X: Any) -> Any:
    return None if X is None else np.trace(X, axis1=0, axis2=2)[None, :, None]


def _cut(T: Any, X: Any) -> Any:
    """A constant times X, by the first limbs of its matrix."""
    if X is None or T is None:
        return None
    count = X.shape[1]
    return T[:count, :count] @ X


def _rolled(X: Any) -> Any:
    """(rows, limbs, columns) to (1, limbs, rows * columns)."""
    return None if X is None else X.transpose(1, 0, 2).reshape(1, X.shape[1], -1)


def _unrolled(X: Any, rows: int, columns: int) -> Any:
    return None if X is None else X.reshape(X.shape[1], rows, columns).transpose(1, 0, 2)
