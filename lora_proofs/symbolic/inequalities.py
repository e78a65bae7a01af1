"""Named rules for inequalities: each recognises its own instances and refuses everything else.

Norms, dimensions and scalars declared nonnegative are the factors that an inequality may be
multiplied by; the polynomial identities behind a rule are decided by the normal form.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product as product_of

from lora_proofs.mathematics import words as w
from lora_proofs.symbolic.differential import expand
from lora_proofs.symbolic.from_normal_form import block_shape
from lora_proofs.symbolic.normal_form import (
    ONE,
    Monomial,
    NormalForm,
    NormAtom,
    constant,
    multiply,
    nonnegative,
    normal_form,
    product,
    trace,
    transpose,
)
from lora_proofs.symbolic.steps import Step


def form(expression: w.Word) -> NormalForm:
    """The normal form, with even powers of Frobenius norms written as traces."""
    return square_norms(normal_form(expand(expression)))


def square_norms(value: NormalForm) -> NormalForm:
    """||X||_F^2 = tr(X'X), block by block."""
    for (monomial, letters), coefficient in value.terms.items():
        for factor, exponent in monomial:
            if isinstance(factor, NormAtom) and factor.kind == "F" and exponent >= 2:
                rest = multiply(monomial, ((factor, -2),))
                whole = NormalForm(value.shape, {(rest, letters): coefficient})
                others = NormalForm(
                    value.shape, {k: c for k, c in value.terms.items() if k != (monomial, letters)}
                )
                return square_norms(others + product(_square(factor), whole))
    return value


def _square(factor: NormAtom) -> NormalForm:
    total = constant(Fraction(0))
    for block in factor.blocks:
        matrix = NormalForm(block_shape(block), dict(block))
        total = total + trace(product(transpose(matrix), matrix))
    return total


def is_nonnegative(value: NormalForm) -> bool:
    """Whether every term is a nonnegative number times nonnegative factors (or even powers)."""
    return value.shape is None and all(
        coefficient >= 0 and _nonnegative_monomial(monomial)
        for (monomial, _), coefficient in value.terms.items()
    )


def _nonnegative_monomial(monomial: Monomial) -> bool:
    return all(nonnegative(factor) or exponent % 2 == 0 for factor, exponent in monomial)


def _terms(e: w.Word) -> list[w.Word]:
    if isinstance(e, w.Named):
        return _terms(e.body)
    return [t for term in e.terms for t in _terms(term)] if isinstance(e, w.Sum) else [e]


def _norm_and_scale(e: w.Word) -> tuple[w.Norm, w.Word] | None:
    if isinstance(e, w.Norm):
        return e, w.word(1)
    if isinstance(e, w.Scaled) and isinstance(e.body, w.Norm) and is_nonnegative(form(e.scale)):
        return e.body, e.scale
    return None


def triangle(step: Step) -> str:
    """||X_1 + ... + X_k|| <= c_1 ||Y_1|| + ... where X_i = c_i Y_i, c_i >= 0, block by block."""
    assert step.relation is not None
    left = step.relation.left
    if not isinstance(left, w.Norm):
        return "the left side is not a norm"
    parts = [_norm_and_scale(term) for term in _terms(step.relation.right)]
    norms = [part for part in parts if part is not None]
    if len(norms) != len(parts) or any(n.kind != left.kind for n, _ in norms):
        return "the right side is not a sum of nonnegative multiples of norms of the same kind"
    for i, block in enumerate(left.blocks):
        total = form(block)
        for n, scale in norms:
            if len(n.blocks) != len(left.blocks):
                return "the norms have different numbers of blocks"
            total = total - form(scale * n.blocks[i])
        if not total.is_zero:
            return "the matrices on the right do not add up to the one on the left"
    return ""


def submultiplicative(step: Step) -> str:
    """||X Y|| <= ||X|| ||Y|| with at most one Frobenius norm replaced by the operator norm."""
    assert step.relation is not None
    left, right = step.relation.left, step.relation.right
    if not isinstance(left, w.Norm) or len(left.blocks) != 1:
        return "the left side is not the norm of one matrix"
    if not (isinstance(right, w.Scaled) and isinstance(right.scale, w.Norm)):
        return "the right side is not a product of two norms"
    X, Y = right.scale, right.body
    if not isinstance(Y, w.Norm) or len(X.blocks) != 1 or len(Y.blocks) != 1:
        return "the right side is not a product of two norms of one matrix each"
    allowed = {"F": {("2", "F"), ("F", "2"), ("F", "F")}, "2": {("2", "2"), ("2", "F"), ("F", "2")}}
    if (X.kind, Y.kind) not in allowed[left.kind]:
        return f"||.||_{left.kind} is not bounded by ||.||_{X.kind} ||.||_{Y.kind}"
    # A norm does not see a transpose, and the norms commute: every order may be meant.
    x, y = X.blocks[0], Y.blocks[0]
    for first, second in ((x, y), (y, x)):
        for a, b in product_of((first, first.T), (second, second.T)):
            if _fits(a, b, left.blocks[0]) and (form(left.blocks[0]) - form(a @ b)).is_zero:
                return ""
    return "the matrix on the left is not the product of those on the right"


def _fits(a: w.Word, b: w.Word, whole: w.Word) -> bool:
    assert a.shape and b.shape
    return a.shape[1] == b.shape[0] and whole.shape == (a.shape[0], b.shape[1])


def operator_below_frobenius(step: Step) -> str:
    """||X||_2 <= ||X||_F."""
    assert step.relation is not None
    left, right = step.relation.left, step.relation.right
    if not isinstance(left, w.Norm) or not isinstance(right, w.Norm):
        return "both sides must be norms"
    if (left.kind, right.kind) != ("2", "F") or len(right.blocks) != 1:
        return "the rule bounds ||X||_2 by ||X||_F"
    same = (form(left.blocks[0]) - form(right.blocks[0])).is_zero
    return "" if same else "the two norms are of different matrices"


def cauchy_schwarz(step: Step) -> str:
    """tr(X'Y) <= ||X||_F ||Y||_F."""
    assert step.relation is not None
    right = step.relation.right
    if not (isinstance(right, w.Scaled) and isinstance(right.scale, w.Norm)):
        return "the right side is not a product of two norms"
    X, Y = right.scale, right.body
    if not isinstance(Y, w.Norm) or (X.kind, Y.kind) != ("F", "F"):
        return "the right side is not a product of two Frobenius norms"
    if len(X.blocks) != len(Y.blocks):
        return "the norms have different numbers of blocks"
    total = form(step.relation.left)
    for a, b in zip(X.blocks, Y.blocks, strict=True):
        total = total - form(w.Trace(a.T @ b))
    return "" if total.is_zero else "the left side is not the inner product of the two"


def squared_cauchy_schwarz(step: Step) -> str:
    """<X, Y>^2 <= ||X||^2 ||Y||^2, over the blocks of the pairs (X, Y) given as ``squares``."""
    assert step.relation is not None
    if not step.squares or any(side.shape is None for pair in step.squares for side in pair):
        return "the rule needs its pairs of matrices: squares=((X, Y), ...)"
    if any(X.shape != Y.shape for X, Y in step.squares):
        return "the two matrices of a pair have different shapes"
    inner = w.Sum(tuple(w.inner(X, Y) for X, Y in step.squares))
    first = w.Sum(tuple(w.squared_norm(X) for X, _ in step.squares))
    second = w.Sum(tuple(w.squared_norm(Y) for _, Y in step.squares))
    if not (form(step.relation.left) - form(inner**2)).is_zero:
        return "the left side is not the square of the inner product of the pairs"
    same = (form(step.relation.right) - form(first * second)).is_zero
    return "" if same else "the right side is not the product of the two squared norms"


def combine(step: Step) -> str:
    """Start from the left side and replace, one used relation after the other, what it bounds.

    A used ``a <= b`` replaces the monomial a by b in terms whose other factors are nonnegative;
    an equation replaces it anywhere, and a relation with several terms on its left is added once.
    What is left must lie below the right side term by term.
    """
    assert step.relation is not None
    value = normal_form(expand(step.relation.left))
    for used in step.uses:
        if used.relation is None:
            return "a used step states no relation"
        problem, value = _replace(value, used.relation)
        if problem:
            return problem
    right = normal_form(expand(step.relation.right))
    for used in step.uses:
        if used.relation is not None and used.relation.relation == "=":
            _, right = _replace(right, used.relation)
    gap = right - value
    return "" if is_nonnegative(gap) else "the used steps do not add up to the right side"


def _replace(value: NormalForm, relation: w.Relation) -> tuple[str, NormalForm]:
    if relation.left.shape is not None:
        return "a used relation is about matrices; combine works with scalars", value
    left = normal_form(expand(relation.left))
    if len(left.terms) != 1:
        # Adding right - left >= 0 once is sound whatever the rest is.
        return "", value - left + normal_form(expand(relation.right))
    (((target, _), scale),) = left.terms.items()
    right = normal_form(expand(relation.right)).times(1 / scale)
    if scale < 0:
        return "a used relation has a negative left side", value
    if relation.relation == "<=" and not _nonnegative_monomial(target):
        return "a used inequality bounds something that may be negative", value
    total = NormalForm(value.shape, {})
    for (monomial, letters), coefficient in value.terms.items():
        power, rest = _split_power(monomial, target)
        term = NormalForm(value.shape, {(rest, letters): coefficient})
        if power and relation.relation == "<=" and not is_nonnegative(term):
            return "an inequality would be multiplied by something that may be negative", value
        for _ in range(power):
            term = product(right, term)
        total = total + term
    return "", total


def _split_power(monomial: Monomial, target: Monomial) -> tuple[int, Monomial]:
    powers = dict(monomial)
    power = min((powers.get(factor, 0) // k for factor, k in target if k > 0), default=0)
    power = max(power, 0)
    if not power:
        return 0, monomial
    return power, multiply(monomial, tuple((a, -k * power) for a, k in target))


def sum_of_squares(step: Step) -> str:
    """right - left = sum of nonnegative factors times squares, as a polynomial identity."""
    assert step.relation is not None
    gap = form(step.relation.right) - form(step.relation.left)
    for factor, base in step.squares:
        if not is_nonnegative(form(factor)):
            return "a factor of a square may be negative"
        gap = gap - form(factor * base**2)
    return "" if gap.is_zero else "right minus left is not the stated sum of squares"


def square_root(step: Step) -> str:
    """From a^2 <= b^2 with b >= 0: a <= b."""
    assert step.relation is not None
    if len(step.uses) != 1 or step.uses[0].relation is None:
        return "the rule uses exactly one earlier step, a^2 <= b^2"
    used, left, right = step.uses[0].relation, step.relation.left, step.relation.right
    if not is_nonnegative(normal_form(expand(right))):
        return "the right side may be negative"
    if not (form(used.left) - form(left**2)).is_zero:
        return "the used step does not bound the square of the left side"
    if not (form(used.right) - form(right**2)).is_zero:
        return "the used step is not bounded by the square of the right side"
    return ""


RULES: dict[str, Callable[[Step], str]] = {
    "triangle": triangle,
    "submultiplicative": submultiplicative,
    "operator below Frobenius": operator_below_frobenius,
    "Cauchy-Schwarz": cauchy_schwarz,
    "squared Cauchy-Schwarz": squared_cauchy_schwarz,
    "combine": combine,
    "sum of squares": sum_of_squares,
    "square root": square_root,
}

__all__ = ["ONE", "RULES", "form"]
