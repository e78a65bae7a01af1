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

    def at(self, expression: Any, A: Any, B: Any) -> Any:
        """An expression in the entries, at other factors."""
        pairs = [*zip(self.A, A, strict=True), *zip(self.B, B, strict=True)]
        return expression.subs(pairs, simultaneous=True)


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
    rate_A, rate_B = problem.gradient(problem.A), problem.gradient(problem.B)
    new_A, new_B = problem.A - h * rate_A, problem.B - h * rate_B
    return SequentialDifference(
        _by_power(h * (rate_B - problem.at(rate_B, new_A, problem.B)), h),
        _by_power(h * (rate_A - problem.at(rate_A, problem.A, new_B)), h),
    )


def _by_power(difference: Any, h: Any) -> dict[int, Any]:
    import sympy

    try:
        polynomials = [sympy.Poly(entry, h) for entry in difference]
    except sympy.PolynomialError as error:
        raise NotUnderstood(
            f"expected a loss that is a polynomial in the entries: {error}"
        ) from None
    powers = sorted({k for p in polynomials if not p.is_zero for (k,) in p.monoms()})
    return {
        k: sympy.Matrix(*difference.shape, [p.coeff_monomial(h**k) for p in polynomials])
        for k in powers
    }
