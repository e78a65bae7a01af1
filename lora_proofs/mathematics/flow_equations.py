"""The same flow and steps written out by SymPy, entry by entry, at explicit shapes.

Nothing here uses the rules of the word calculus: SymPy differentiates the loss with respect to
each entry of A and B, so the two derivations are independent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lora_proofs.errors import BadInput, NotUnderstood

EntryLoss = Callable[[Any], Any]


def _loss_function(loss: str | EntryLoss, n: int, m: int) -> EntryLoss:
    import sympy

    if callable(loss):
        return loss
    if loss == "trace-squared":
        if n != m:
            raise BadInput(f"loss trace-squared: expected n = m, got n={n}, m={m}")
        return lambda W: sympy.Rational(1, 2) * W.trace() ** 2
    if loss == "frobenius":
        Y = _entries("y", n, m)
        return lambda W: sympy.Rational(1, 2) * sum(x**2 for x in W - Y)
    if loss == "generic":
        return lambda W: sympy.Function("f")(*W)
    raise BadInput(
        "loss: expected 'trace-squared', 'frobenius', 'generic' or a function of a SymPy matrix, "
        f"got {loss!r}"
    )


def _entries(name: str, rows: int, columns: int) -> Any:
    import sympy

    return sympy.Matrix(rows, columns, lambda i, j: sympy.Symbol(f"{name}_{i + 1}{j + 1}"))


def _check_shape(n: int, m: int, r: int) -> None:
    if min(n, m, r) < 1:
        raise BadInput(f"shape: expected positive integers n, m, r, got {(n, m, r)!r}")


@dataclass(frozen=True)
class _Problem:
    """A loss at an explicit shape, with symbols for the entries of A and B."""

    loss: EntryLoss
    W0: Any
    A: Any
    B: Any

    @classmethod
    def of(cls, loss: str | EntryLoss, n: int, m: int, r: int) -> _Problem:
        _check_shape(n, m, r)
        W0 = _entries("w", n, m)
        return cls(_loss_function(loss, n, m), W0, _entries("a", r, m), _entries("b", n, r))

    def gradient(self, factor: Any) -> Any:
        """The derivative of f(W0 + B A) with respect to each entry of A or of B."""
        value = self.loss(self.W0 + self.B * self.A)
        return factor.applyfunc(lambda entry: value.diff(entry))


def equations(loss: str | EntryLoss, n: int, m: int, r: int) -> list[Any]:
    """The LoRA gradient flow as SymPy equations, one for each entry of A, then of B.

    ``loss`` is ``trace-squared``, ``frobenius``, ``generic`` (an undefined f of the entries) or
    a function from a SymPy matrix W to an expression. Entries of W0 are w_ij, of Y y_ij.
    Raises ``BadInput`` for another loss or shape. Rushka & Klabjan, reconstructed.

    >>> for equation in equations("frobenius", 1, 1, 1):
    ...     print(equation)
    Eq(Derivative(a_11(t), t), -(w_11 - y_11 + a_11(t)*b_11(t))*b_11(t))
    Eq(Derivative(b_11(t), t), -(w_11 - y_11 + a_11(t)*b_11(t))*a_11(t))
    """
    import sympy

    problem, t = _Problem.of(loss, n, m, r), sympy.Symbol("t")
    moving = {x: sympy.Function(x.name)(t) for x in [*problem.A, *problem.B]}
    return [
        sympy.Eq(moving[x].diff(t), -rate.subs(moving, simultaneous=True))
        for factor in (problem.A, problem.B)
        for x, rate in zip(factor, problem.gradient(factor), strict=True)
    ]


@dataclass(frozen=True)
class SequentialDifference:
    """Coefficients, by power of h, of the sequential minus the simultaneous step.

    ``A_first`` is the difference in B of the step that moves A first (A agrees exactly), and
    ``B_first`` the difference in A of the step that moves B first (B agrees exactly).
    """

    A_first: dict[int, Any]
    B_first: dict[int, Any]


def sequential_difference(loss: str | EntryLoss, n: int, m: int, r: int) -> SequentialDifference:
    """What a sequential step adds to the simultaneous one, as an exact polynomial in h.

    Arguments as in ``equations``; raises ``NotUnderstood`` for a loss that is no polynomial.

    >>> sorted(sequential_difference("frobenius", 1, 1, 1).A_first)
    [2, 3]
    """
    import sympy

    problem, h = _Problem.of(loss, n, m, r), sympy.Symbol("h")
    gradients = problem.gradient(problem.A), problem.gradient(problem.B)
    ring, lift = _ring(gradients, [*problem.A, *problem.B], h)
    rate_A, rate_B = ([lift(x) for x in gradient] for gradient in gradients)
    A, B, step = [lift(x) for x in problem.A], [lift(x) for x in problem.B], lift(h)
    new_A = [(a, a - step * rate) for a, rate in zip(A, rate_A, strict=True)]
    new_B = [(b, b - step * rate) for b, rate in zip(B, rate_B, strict=True)]
    return SequentialDifference(
        _by_power([step * (x - x.compose(new_A)) for x in rate_B], problem.B.shape, ring),
        _by_power([step * (x - x.compose(new_B)) for x in rate_A], problem.A.shape, ring),
    )


def _ring(gradients: Any, entries: list[Any], h: Any) -> tuple[Any, Callable[[Any], Any]]:
    """A SymPy polynomial ring (h first) and the map into it: expressions would be far slower."""
    from sympy.polys.polyerrors import CoercionFailed
    from sympy.polys.rings import PolyRing

    free = set().union(*(gradient.free_symbols for gradient in gradients), entries)
    ring = PolyRing([h, *sorted(free, key=str)], "QQ", "lex")

    def lift(expression: Any) -> Any:
        try:
            return ring.from_expr(expression)
        except (CoercionFailed, ValueError):
            raise NotUnderstood(
                f"expected a loss that is a polynomial in the entries, got the rate {expression}"
            ) from None

    return ring, lift


def _by_power(difference: list[Any], shape: tuple[int, int], ring: Any) -> dict[int, Any]:
    import sympy

    parts: dict[int, list[Any]] = {}
    for index, polynomial in enumerate(difference):
        for monomial, coefficient in polynomial.terms():
            row = parts.setdefault(monomial[0], [ring.zero] * len(difference))
            row[index] = row[index] + ring({(0, *monomial[1:]): coefficient})
    return {k: sympy.Matrix(*shape, [p.as_expr() for p in parts[k]]) for k in sorted(parts)}
