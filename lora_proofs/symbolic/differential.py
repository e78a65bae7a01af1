"""Differentials of words: product rule, chain rule through a loss, gradients by extraction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from lora_proofs.errors import NotUnderstood
from lora_proofs.mathematics import words as w
from lora_proofs.symbolic.from_normal_form import to_word
from lora_proofs.symbolic.normal_form import (
    ONE,
    Letter,
    Letters,
    NormalForm,
    TraceAtom,
    collect,
    multiply,
    normal_form,
    turn,
)


def zero(shape: w.Shape) -> w.Word:
    """The zero of a shape."""
    return w.word(0) if shape is None else w.Zero(*shape)


def differential(expression: w.Word, rates: Mapping[Any, w.Word]) -> w.Word:
    """The derivative of an expression where the symbols in ``rates`` move, the others stand still.

    Raises ``NotUnderstood`` for a node without a rule, such as a norm.

    >>> A, X = w.Symbol("A", "r", "m"), w.Symbol("X", "r", "m")
    >>> d = differential(w.squared_norm(A), {A: X})
    >>> (normal_form(d) - normal_form(2 * w.inner(A, X))).is_zero
    True
    """
    if expression in rates:
        return rates[expression]
    rule = _RULES.get(type(expression))
    if rule is None:
        raise NotUnderstood(
            f"no differential of {type(expression).__name__}: {expression!r}; square the norm, or "
            "give its derivative as an assumption"
        )
    result: w.Word = rule(expression, rates)
    return result


def _sum(e: w.Sum, rates: Mapping[Any, w.Word]) -> w.Word:
    return w.Sum(tuple(differential(term, rates) for term in e.terms))


def _product(e: w.Product, rates: Mapping[Any, w.Word]) -> w.Word:
    terms = []
    for i, factor in enumerate(e.factors):
        moved = differential(factor, rates)
        terms.append(w.Product((*e.factors[:i], moved, *e.factors[i + 1 :])))
    return w.Sum(tuple(terms))


def _scaled(e: w.Scaled, rates: Mapping[Any, w.Word]) -> w.Word:
    return differential(e.scale, rates) * e.body + e.scale * differential(e.body, rates)


def _power(e: w.Power, rates: Mapping[Any, w.Word]) -> w.Word:
    if e.exponent == 0:
        return w.word(0)
    return e.exponent * (w.Power(e.base, e.exponent - 1) * differential(e.base, rates))


def _loss_gradient(e: w.LossGradient, rates: Mapping[Any, w.Word]) -> w.Word:
    moved = differential(e.point, rates)
    terms: list[w.Word] = [replace(e, directions=(*e.directions, moved))]
    for i, direction in enumerate(e.directions):
        turned = (*e.directions[:i], differential(direction, rates), *e.directions[i + 1 :])
        terms.append(replace(e, directions=turned))
    return w.Sum(tuple(terms))


def _still(e: w.Word, rates: Mapping[Any, w.Word]) -> w.Word:
    return zero(e.shape)


_RULES: dict[type, Any] = {
    w.Number: _still,
    w.Scalar: _still,
    w.Size: _still,
    w.Symbol: _still,
    w.Identity: _still,
    w.Zero: _still,
    w.Sum: _sum,
    w.Product: _product,
    w.Scaled: _scaled,
    w.Power: _power,
    w.Transpose: lambda e, rates: differential(e.body, rates).T,
    w.Trace: lambda e, rates: w.Trace(differential(e.body, rates)),
    w.Inverse: lambda e, rates: -(e @ differential(e.body, rates) @ e),
    w.LossValue: lambda e, rates: w.inner(e.loss.gradient(e.point), differential(e.point, rates)),
    w.LossGradient: _loss_gradient,
    w.Named: lambda e, rates: differential(e.body, rates),
    w.Derivative: lambda e, rates: differential(expand(e), rates),
    w.Gradient: lambda e, rates: differential(expand(e), rates),
    w.Substituted: lambda e, rates: differential(expand(e), rates),
}


@lru_cache(maxsize=512)  # words are plain data, and a flow asks for its own gradient at each step
def gradient(of: w.Word, symbol: w.Symbol) -> w.Word:
    """The gradient of a scalar expression: G with d(of) = tr(G' dX) for every dX.

    >>> A = w.Symbol("A", "r", "m")
    >>> (normal_form(gradient(w.squared_norm(A), A)) - normal_form(2 * A)).is_zero
    True
    """
    if symbol.symmetric:
        raise NotUnderstood(f"gradient in the symmetric {symbol.name}: its entries are tied")
    expanded = expand(of)
    moving = _fresh(f"d{symbol.name}", symbol, expanded)
    form = normal_form(expand(differential(expanded, {symbol: moving})))
    items = []
    for (monomial, letters), coefficient in form.terms.items():
        rest, word = _split(monomial, letters, moving)
        items.append(((rest, word), coefficient))
    return to_word(NormalForm(symbol.shape, collect(items)))


def _fresh(name: str, symbol: w.Symbol, expression: w.Word) -> w.Symbol:
    """A symbol shaped like another one, whose name an expression does not have."""
    taken = repr(expression)
    while repr(name) in taken:
        name += "'"
    return w.Symbol(name, symbol.rows, symbol.columns)


def _split(monomial: Any, letters: Letters, moving: w.Symbol) -> tuple[Any, Letters]:
    """tr(U dX) is <U', dX>: the word U' beside the trace that holds dX exactly once."""
    for value, exponent in monomial:
        if not isinstance(value, TraceAtom) or exponent != 1:
            continue
        places = [i for i, x in enumerate(value.letters) if x.head == moving]
        if len(places) != 1:
            continue
        i = places[0]
        cyclic = value.letters[i + 1 :] + value.letters[:i]
        rest = multiply(monomial, ((value, -1),))
        return rest, cyclic if value.letters[i].transposed else turn(cyclic)
    raise NotUnderstood(
        f"cannot extract the gradient: {moving.name} stands inside a Hessian action or an atom; "
        "move it out by the self-adjointness of the Hessian first"
    )


def expand(expression: w.Word) -> w.Word:
    """The expression with every formal derivative and substitution carried out."""
    if isinstance(expression, w.Derivative):
        inner = expand(expression.of)
        return differential(inner, _expanded(expression.rates))
    if isinstance(expression, w.Gradient):
        return gradient(expression.of, expression.symbol)
    if isinstance(expression, w.Substituted):
        return replace_symbols(expand(expression.of), _expanded(expression.replacements))
    return rebuild(expression, expand)


def _expanded(pairs: tuple[tuple[w.Word, w.Word], ...]) -> dict[Any, w.Word]:
    """What each symbol moves by, or becomes; a symmetric one must stay symmetric."""
    values = {s: expand(v) for s, v in pairs}
    for s, v in values.items():
        if not isinstance(s, w.Symbol | w.Scalar):
            raise NotUnderstood(f"expected a symbol that moves or is replaced, got {s!r}")
        if not stays_symmetric(s, v):
            raise NotUnderstood(f"{s.name} is symmetric, what is put for it is not")
    return values


def stays_symmetric(symbol: w.Word, value: w.Word) -> bool:
    """Whether a value may stand for a symbol as far as symmetry goes."""
    if not (isinstance(symbol, w.Symbol) and symbol.symmetric):
        return True
    return value.shape == symbol.shape and (normal_form(value) - normal_form(value.T)).is_zero


def replace_symbols(expression: w.Word, values: Mapping[Any, w.Word]) -> w.Word:
    """The expression with symbols replaced simultaneously."""
    if expression in values:
        return values[expression]
    return rebuild(expression, lambda part: replace_symbols(part, values))


def rebuild(e: w.Word, change: Any) -> w.Word:
    """The same node with ``change`` applied to its parts."""
    if isinstance(e, w.Sum):
        return w.Sum(tuple(change(x) for x in e.terms))
    if isinstance(e, w.Product):
        return w.Product(tuple(change(x) for x in e.factors))
    if isinstance(e, w.Scaled):
        return w.Scaled(change(e.scale), change(e.body))
    if isinstance(e, w.Power):
        return w.Power(change(e.base), e.exponent)
    if isinstance(e, w.Transpose | w.Trace | w.Inverse):
        return type(e)(change(e.body))
    if isinstance(e, w.Named):
        return w.Named(e.name, change(e.body), e.latex)
    if isinstance(e, w.Norm):
        return w.Norm(e.kind, tuple(change(x) for x in e.blocks))
    if isinstance(e, w.LossValue):
        return w.LossValue(e.loss, change(e.point))
    if isinstance(e, w.LossGradient):
        return w.LossGradient(e.loss, change(e.point), tuple(change(x) for x in e.directions))
    if isinstance(e, w.Number | w.Scalar | w.Size | w.Symbol | w.Identity | w.Zero):
        return e
    raise NotUnderstood(f"cannot rebuild {type(e).__name__}: {e!r}")


__all__ = ["ONE", "Letter", "differential", "expand", "gradient", "rebuild", "replace_symbols"]
