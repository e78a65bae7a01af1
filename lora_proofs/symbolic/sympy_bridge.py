"""SymPy matrix expressions in and out; what either side cannot say raises.

Losses, their gradients and norms have no SymPy counterpart that keeps their meaning, so they come
out as applied undefined functions (scalars) or as named matrix symbols, and do not come in.
SymPy is imported when a function is called.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from lora_proofs.errors import NotUnderstood
from lora_proofs.mathematics import words as w
from lora_proofs.symbolic.from_normal_form import to_word
from lora_proofs.symbolic.normal_form import normal_form
from lora_proofs.symbolic.printing import relation_text, text


def from_sympy(expression: Any) -> w.Word:
    """A SymPy matrix or scalar expression as a ``Word``.

    Understands matrix symbols, sums, products, integer powers, transposes, inverses, traces,
    identity and zero matrices, and polynomials in scalar symbols. Raises ``NotUnderstood`` for
    anything else: nothing is ever taken as 0.

    >>> import sympy
    >>> n, r = sympy.symbols("n r", integer=True, positive=True)
    >>> A, B = sympy.MatrixSymbol("A", r, n), sympy.MatrixSymbol("B", n, r)
    >>> text(from_sympy(sympy.Trace(B * A) * A.T))
    "tr(B A) A'"
    """
    import sympy as sp

    _names_are_clear(expression, sp)
    for kinds, rule in _incoming(sp):
        if isinstance(expression, kinds):
            word: w.Word = rule(expression)
            return word
    raise NotUnderstood(
        f"cannot read the SymPy expression {expression} of type {type(expression).__name__}; use "
        "MatrixSymbol, +, *, .T, .I, Trace, Identity, ZeroMatrix and scalar symbols"
    )


def _names_are_clear(expression: Any, sp: Any) -> None:
    """Refuse symbols that a ``Word`` could not tell apart, and those that do not commute."""
    symbols = [s for s in getattr(expression, "free_symbols", ()) if isinstance(s, sp.Symbol)]
    for s in symbols:
        if not s.is_commutative or isinstance(s, sp.Dummy):
            raise NotUnderstood(f"cannot read {s!r}: a dummy, or a symbol that does not commute")
    names = [s.name for s in symbols]
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise NotUnderstood(f"cannot read two different SymPy symbols of the name {twins[0]!r}")


def _incoming(sp: Any) -> list[tuple[Any, Any]]:
    return [
        (sp.MatrixSymbol, _matrix_symbol),
        (sp.Transpose, lambda e: w.Transpose(from_sympy(e.arg))),
        (sp.Inverse, lambda e: w.Inverse(from_sympy(e.arg))),
        (sp.Trace, lambda e: w.Trace(from_sympy(e.arg))),
        (sp.Identity, lambda e: w.Identity(_dimension(e.shape[0]))),
        (sp.ZeroMatrix, lambda e: w.Zero(*map(_dimension, e.shape))),
        (sp.MatAdd, lambda e: w.Sum(tuple(map(from_sympy, e.args)))),
        (sp.MatMul, _mat_mul),
        (sp.MatPow, _mat_pow),
        (sp.Rational, lambda e: w.Number(Fraction(int(e.p), int(e.q)))),
        (sp.Symbol, lambda e: w.Scalar(e.name, bool(e.is_nonnegative))),
        (sp.Add, lambda e: w.Sum(tuple(map(from_sympy, e.args)))),
        (sp.Mul, _mul),
        (sp.Pow, _pow),
    ]


def _matrix_symbol(e: Any) -> w.Word:
    return w.Symbol(e.name, _dimension(e.shape[0]), _dimension(e.shape[1]))


def _dimension(size: Any) -> w.Dimension:
    import sympy as sp

    if isinstance(size, sp.Integer | int):
        return int(size)
    if isinstance(size, sp.Symbol):
        return str(size.name)
    raise NotUnderstood(f"expected a dimension as a number or a symbol, got {size}")


def _mat_mul(e: Any) -> w.Word:
    factors = [from_sympy(part) for part in e.args]
    matrices = tuple(x for x in factors if x.shape is not None)
    body: w.Word = w.Product(matrices) if len(matrices) > 1 else matrices[0]
    for scalar in (x for x in factors if x.shape is None):
        body = scalar * body
    return body


def _mat_pow(e: Any) -> w.Word:
    base, exponent = from_sympy(e.args[0]), _exponent(e.args[1])
    if exponent < 0:
        base, exponent = w.Inverse(base), -exponent
    assert base.shape is not None
    return w.Product((base,) * exponent) if exponent else w.Identity(base.shape[0])


def _mul(e: Any) -> w.Word:
    total: w.Word = w.word(1)
    for part in e.args:
        total = total * from_sympy(part)
    return total


def _pow(e: Any) -> w.Word:
    return w.Power(from_sympy(e.base), _exponent(e.exp))


def _exponent(value: Any) -> int:
    import sympy as sp

    if not isinstance(value, sp.Integer | int):
        raise NotUnderstood(f"expected an integer exponent, got {value}")
    return int(value)


def to_sympy(expression: w.Word) -> Any:
    """A ``Word`` as a SymPy expression; formal derivatives are carried out first.

    >>> A = w.Symbol("A", "r", "m")
    >>> to_sympy(A @ A.T)
    A*A.T
    """
    import sympy as sp

    from lora_proofs.symbolic.differential import expand

    return _Outgoing(sp).show(expand(expression))


def relation_to_sympy(relation: w.Relation) -> str:
    """A relation as Python that rebuilds it: run ``from sympy import *`` and import ``Str`` first.

    >>> A = w.Symbol("A", "r", "m")
    >>> relation_to_sympy(w.Relation(w.Trace(A @ A.T), "=", w.word(1)))[:12]
    'Eq(Trace(Mat'
    """
    import sympy as sp

    try:
        left, right = to_sympy(relation.left), to_sympy(relation.right)
    except NotUnderstood as error:
        return f"# {relation_text(relation)}  ({error})"
    kind = "Eq" if relation.relation == "=" else "Le"
    return f"{kind}({sp.srepr(left)}, {sp.srepr(right)}, evaluate=False)"


def _canonical(e: w.Word) -> str:
    """A name that is the same for equal expressions."""
    return text(to_word(normal_form(e)))


class _Outgoing:
    """One walk over a plain tree."""

    def __init__(self, sp: Any) -> None:
        self.sp = sp

    def show(self, e: w.Word) -> Any:
        method = getattr(self, f"_{type(e).__name__.lower()}", None)
        if method is None:
            raise NotUnderstood(f"no SymPy counterpart of {type(e).__name__}")
        return method(e)

    def _length(self, name: w.Dimension) -> Any:
        return name if isinstance(name, int) else self.sp.Symbol(name, integer=True, positive=True)

    def _number(self, e: w.Number) -> Any:
        return self.sp.Rational(e.value.numerator, e.value.denominator)

    def _scalar(self, e: w.Scalar) -> Any:
        return self.sp.Symbol(e.name, nonnegative=True) if e.nonnegative else self.sp.Symbol(e.name)

    def _size(self, e: w.Size) -> Any:
        return self._length(e.name)

    def _symbol(self, e: w.Symbol) -> Any:
        return self.sp.MatrixSymbol(e.name, self._length(e.rows), self._length(e.columns))

    def _identity(self, e: w.Identity) -> Any:
        return self.sp.Identity(self._length(e.size))

    def _zero(self, e: w.Zero) -> Any:
        return self.sp.ZeroMatrix(self._length(e.rows), self._length(e.columns))

    def _sum(self, e: w.Sum) -> Any:
        parts = [self.show(term) for term in e.terms]
        return self.sp.MatAdd(*parts) if e.shape is not None else self.sp.Add(*parts)

    def _product(self, e: w.Product) -> Any:
        return self.sp.MatMul(*(self.show(factor) for factor in e.factors))

    def _scaled(self, e: w.Scaled) -> Any:
        scale, body = self.show(e.scale), self.show(e.body)
        return self.sp.MatMul(scale, body) if e.shape is not None else scale * body

    def _power(self, e: w.Power) -> Any:
        return self.show(e.base) ** e.exponent

    def _transpose(self, e: w.Transpose) -> Any:
        return self.sp.Transpose(self.show(e.body)).doit(deep=False)

    def _inverse(self, e: w.Inverse) -> Any:
        return self.sp.Inverse(self.show(e.body))

    def _trace(self, e: w.Trace) -> Any:
        return self.sp.Trace(self.show(e.body))

    def _named(self, e: w.Named) -> Any:
        return self.show(e.body)

    def _norm(self, e: w.Norm) -> Any:
        return self.sp.Symbol(_canonical(e), nonnegative=True)

    def _lossvalue(self, e: w.LossValue) -> Any:
        return self.sp.Symbol(_canonical(e), real=True)

    def _lossgradient(self, e: w.LossGradient) -> Any:
        rows, columns = self._length(e.loss.rows), self._length(e.loss.columns)
        return self.sp.MatrixSymbol(_canonical(e), rows, columns)
