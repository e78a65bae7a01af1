"""Words compiled to a short list of binary operations, each subexpression once.

Every integrator reads the derived right-hand side through such a tape: as float64 arrays, as
power series, or as norm bounds. A word that is not understood raises; it is never taken as 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from lora_proofs.arithmetic.context import Arithmetic
from lora_proofs.errors import BadInput, NotUnderstood, ShapeMismatch
from lora_proofs.mathematics import words as w


@dataclass(frozen=True)
class Node:
    """One operation; ``args`` are positions on the tape, ``shape`` is ``None`` for a scalar.

    ``op`` is input, number, identity, zero, sum, matmul, scale, transpose, trace or gradient.
    ``data`` is the symbol, the number or the loss. ``fixed`` marks what does not move in time.
    """

    op: str
    args: tuple[int, ...]
    data: Any
    shape: tuple[int, int] | None
    fixed: bool


@dataclass(frozen=True)
class Tape:
    """The nodes in order, and the position of each output."""

    nodes: tuple[Node, ...]
    outputs: dict[Any, int]


def compile_words(words: Mapping[Any, w.Word], values: Mapping[Any, Any], moving: Any = ()) -> Tape:
    """The tape of several words; ``values`` give each symbol its matrix and each loss its meaning.

    Raises ``BadInput`` for a symbol without a value, ``ShapeMismatch`` for a wrong shape and
    ``NotUnderstood`` for a node outside polynomials in matrices and known losses.
    """
    compiler = _Compiler(values, frozenset(moving), _sizes(values))
    outputs = {key: compiler.place(word) for key, word in words.items()}
    return Tape(tuple(compiler.nodes), outputs)


def _sizes(values: Mapping[Any, Any]) -> dict[Any, int]:
    sizes: dict[Any, int] = {}
    for symbol, value in values.items():
        if not isinstance(symbol, w.Symbol):
            continue
        for name, size in zip((symbol.rows, symbol.columns), np.shape(value)[-2:], strict=True):
            if (name if isinstance(name, int) else sizes.setdefault(name, size)) != size:
                raise ShapeMismatch(
                    f"{symbol.name}: expected shape {symbol.shape} with {sizes}, got "
                    f"{np.shape(value)[-2:]}"
                )
    return sizes


@dataclass
class _Compiler:
    values: Mapping[Any, Any]
    moving: frozenset[Any]
    sizes: dict[Any, int]
    nodes: list[Node] = field(default_factory=list)
    seen: dict[Any, int] = field(default_factory=dict)

    def place(self, word: w.Word) -> int:
        """The position of a word, compiled on its first occurrence."""
        if word not in self.seen:
            method = getattr(self, f"_{type(word).__name__.lower()}", None)
            if method is None:
                raise NotUnderstood(
                    f"an integrator reads sums, products, transposes, traces and losses; got "
                    f"{type(word).__name__} in {word!r}: derive or rewrite it first"
                )
            self.seen[word] = method(word)
        return self.seen[word]

    def _add(self, op: str, args: tuple[int, ...], shape: Any, data: Any = None) -> int:
        key = (op, args, data)
        if key not in self.seen:
            fixed = all(self.nodes[i].fixed for i in args) and data not in self.moving
            self.nodes.append(Node(op, args, data, shape, fixed))
            self.seen[key] = len(self.nodes) - 1
        return self.seen[key]

    def _length(self, name: w.Dimension) -> int:
        if isinstance(name, int):
            return name
        if name not in self.sizes:
            raise BadInput(f"the dimension {name!r} has no size: give a value to a symbol with it")
        return self.sizes[name]

    def _known(self, key: Any) -> None:
        if key not in self.values:
            raise BadInput(f"no value for {key.name!r}: add it to the values of the flow")

    def _shape(self, word: Any) -> tuple[int, int]:
        return self._length(word.rows), self._length(word.columns)

    def _number(self, word: w.Number) -> int:
        return self._add("number", (), None, word.value)

    def _size(self, word: w.Size) -> int:
        return self._add("number", (), None, Fraction(self._length(word.name)))

    def _scalar(self, word: w.Scalar) -> int:
        self._known(word)
        return self._add("input", (), None, word)

    def _symbol(self, word: w.Symbol) -> int:
        self._known(word)
        return self._add("input", (), self._shape(word), word)

    def _identity(self, word: w.Identity) -> int:
        n = self._length(word.size)
        return self._add("identity", (), (n, n))

    def _zero(self, word: w.Zero) -> int:
        shape = self._shape(word)
        return self._add("zero", (), shape, shape)

    def _sum(self, word: w.Sum) -> int:
        # Sorted, so that a + b and b + a are one node.
        args = tuple(sorted(self.place(term) for term in word.terms))
        return self._add("sum", args, self.nodes[args[0]].shape)

    def _scaled(self, word: w.Scaled) -> int:
        scale, body = self.place(word.scale), self.place(word.body)
        return self._add("scale", (scale, body), self.nodes[body].shape)

    def _power(self, word: w.Power) -> int:
        if word.exponent < 1:
            raise NotUnderstood(f"an integrator reads positive powers, got {word!r}")
        base = out = self.place(word.base)
        for _ in range(word.exponent - 1):
            out = self._add("scale", (base, out), None)
        return out

    def _transpose(self, word: w.Transpose) -> int:
        body = self.place(word.body)
        rows, columns = self.nodes[body].shape or (1, 1)
        return self._add("transpose", (body,), (columns, rows))

    def _trace(self, word: w.Trace) -> int:
        body = self.place(word.body)
        return self._add("trace", (body,), None, self.nodes[body].shape)

    def _named(self, word: w.Named) -> int:
        return self.place(word.body)

    def _lossgradient(self, word: w.LossGradient) -> int:
        self._known(word.loss)
        if word.directions:
            raise NotUnderstood(f"an integrator reads gradients of a loss, not {word!r}")
        point = self.place(word.point)
        return self._add("gradient", (point,), self.nodes[point].shape, word.loss)

    def _product(self, word: w.Product) -> int:
        factors = [self.place(factor) for factor in _flat(word)]
        return self._chain(tuple(factors))[0]

    def _chain(self, factors: tuple[int, ...]) -> tuple[int, int]:
        """The cheapest bracketing of a matrix product: (position, multiplications)."""
        if len(factors) == 1:
            return factors[0], 0
        split = min(range(1, len(factors)), key=lambda k: self._cost(factors, k))
        left, right = self._chain(factors[:split])[0], self._chain(factors[split:])[0]
        shape = (self._dims(left)[0], self._dims(right)[1])
        return self._add("matmul", (left, right), shape), self._cost(factors, split)

    def _dims(self, position: int) -> tuple[int, int]:
        shape = self.nodes[position].shape
        assert shape is not None
        return shape

    def _cost(self, factors: tuple[int, ...], k: int) -> int:
        """Multiplications of the product split at k, each side bracketed at its best."""
        outer = self._dims(factors[0])[0] * self._dims(factors[k])[0] * self._dims(factors[-1])[1]
        return outer + self._best(factors[:k]) + self._best(factors[k:])

    def _best(self, factors: tuple[int, ...]) -> int:
        return min((self._cost(factors, k) for k in range(1, len(factors))), default=0)


def _flat(word: w.Word) -> list[w.Word]:
    if not isinstance(word, w.Product):
        return [word]
    return [leaf for factor in word.factors for leaf in _flat(factor)]


def run(
    tape: Tape, values: Mapping[Any, Any], ctx: Arithmetic, known: Mapping[int, Any] | None = None
) -> dict[Any, Any]:
    """The outputs where symbols have the given values, batched over leading axes in floats.

    ``known`` are nodes computed before, as ``fixed_nodes`` gives them.
    """
    done: list[Any] = []
    for position, node in enumerate(tape.nodes):
        if known is not None and position in known:
            done.append(known[position])
        else:
            done.append(_apply(node, [done[i] for i in node.args], values, ctx))
    return {key: done[i] for key, i in tape.outputs.items()}


def fixed_nodes(tape: Tape, values: Mapping[Any, Any], ctx: Arithmetic) -> dict[int, Any]:
    """The nodes that do not move, computed once for many runs."""
    done: dict[int, Any] = {}
    for position, node in enumerate(tape.nodes):
        if node.fixed:
            done[position] = _apply(node, [done[i] for i in node.args], values, ctx)
    return done


def _apply(node: Node, args: list[Any], values: Mapping[Any, Any], ctx: Arithmetic) -> Any:
    match node.op:
        case "input":
            return values[node.data]
        case "number":
            return ctx.number(node.data)
        case "identity":
            return ctx.identity((node.shape or (1, 1))[0])
        case "zero":
            return ctx.zeros(*node.data)
        case "sum":
            return sum(args[1:], args[0])
        case "matmul":
            return args[0] @ args[1]
        case "scale":
            return _scale(args[0], args[1], node.shape is not None)
        case "transpose":
            return args[0].mT
        case "trace":
            return np.trace(args[0], axis1=-2, axis2=-1)
        case _:
            return values[node.data].gradient(args[0], ctx)


def _scale(scalar: Any, body: Any, matrix: bool) -> Any:
    if not matrix:
        return scalar * body
    if isinstance(scalar, np.ndarray):
        return scalar[..., None, None] * body
    if body.dtype != object:
        return scalar * body
    out = np.empty(body.shape, dtype=object)  # NumPy would take a polynomial for a sequence
    out.reshape(-1)[:] = [scalar * entry for entry in body.flat]
    return out
