"""SymPy expressions of numbers, evaluated in any arithmetic that has their functions."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

from lora_proofs.arithmetic.context import power
from lora_proofs.errors import NotUnderstood

FUNCTIONS = ("exp", "log", "cosh", "sinh", "tanh")
HINT = (
    "use +, *, powers with rational exponents, sqrt, exp, log, cosh, sinh, tanh and exact numbers "
    "(Rational(1, 2), not 0.5)"
)


def check_understood(expression: Any) -> None:
    """Raise ``NotUnderstood`` for an expression with a function that no arithmetic has."""
    import sympy as sp

    for node in sp.preorder_traversal(expression):
        known = isinstance(node, sp.Rational | sp.Symbol | sp.Add | sp.Mul) or node is sp.E
        if isinstance(node, sp.Pow):
            known = isinstance(node.exp, sp.Rational) or node.base is sp.E
        if isinstance(node, sp.Symbol) and node != sp.Symbol(node.name):
            raise NotUnderstood(
                f"expected symbols without assumptions, as Symbol({node.name!r}): with them SymPy "
                "may have left out an absolute value"
            )
        if isinstance(node, sp.Pow) and _has_kink(node):
            raise NotUnderstood(f"cannot read {node}: it has a kink where {node.base} = 0")
        if not known and type(node).__name__ not in FUNCTIONS:
            raise NotUnderstood(f"cannot read {node} of type {type(node).__name__}; {HINT}")


def _has_kink(power: Any) -> bool:
    """Whether a root is taken of something that is an even power, such as sqrt(z**2) = |z|."""
    import sympy as sp

    if power.exp.is_integer or not isinstance(power.exp, sp.Rational):
        return False
    return any(
        isinstance(part, sp.Pow) and part.exp.is_Integer and part.exp % 2 == 0
        for part in sp.Mul.make_args(sp.factor(power.base))
    )


def value_of(expression: Any, values: Mapping[Any, Any], ctx: Any) -> Any:
    """The value of an expression where its symbols have values of an arithmetic.

    >>> import sympy
    >>> from lora_proofs.arithmetic import EXACT
    >>> z = sympy.Symbol("z")
    >>> value_of(z**2 / 2 + sympy.tanh(z - 3), {z: EXACT.number(3)}, EXACT)
    9/2
    """
    import sympy as sp

    known: dict[Any, Any] = {}

    def walk(e: Any) -> Any:
        if e not in known:
            known[e] = found(e)
        return known[e]

    def found(e: Any) -> Any:
        if isinstance(e, sp.Rational):
            return ctx.number(Fraction(int(e.p), int(e.q)))
        if isinstance(e, sp.Symbol):
            return values[e]
        if isinstance(e, sp.Add):
            return _fold([walk(part) for part in e.args], lambda x, y: x + y)
        if isinstance(e, sp.Mul):
            return _fold([walk(part) for part in e.args], lambda x, y: x * y)
        if isinstance(e, sp.Pow) and e.base is not sp.E:
            return _power(walk(e.base), e.exp, ctx)
        if e is sp.E:
            return ctx.exp(ctx.number(1))
        inside = e.exp if isinstance(e, sp.Pow) else e.args[0]
        return getattr(ctx, "exp" if isinstance(e, sp.Pow) else type(e).__name__)(walk(inside))

    return walk(expression)


def _fold(parts: list[Any], operation: Any) -> Any:
    total = parts[0]
    for part in parts[1:]:
        total = operation(total, part)
    return total


def _power(base: Any, exponent: Any, ctx: Any) -> Any:
    p, q = int(exponent.p), int(exponent.q)
    if q == 2:
        base = ctx.sqrt(base)
    elif q != 1:
        base = ctx.exp(ctx.log(base) * ctx.number(Fraction(1, q)))
    return power(base, p) if p >= 0 else ctx.number(1) / power(base, -p)


@lru_cache(maxsize=256)
def derivative(expression: Any, *symbols: Any) -> Any:
    """The derivative of an expression, once by each symbol, kept for the next time."""
    return expression.diff(*symbols) if symbols else expression
