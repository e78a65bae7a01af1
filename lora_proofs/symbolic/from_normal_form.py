"""Normal forms back as expressions, term by term in canonical order."""

from __future__ import annotations

from functools import reduce

from lora_proofs.errors import NotUnderstood
from lora_proofs.mathematics import words as w
from lora_proofs.symbolic.normal_form import (
    Atom,
    Frozen,
    GradientHead,
    Letter,
    Letters,
    Monomial,
    NormalForm,
    NormAtom,
    SizeAtom,
    TraceAtom,
    ValueAtom,
)


def to_word(form: NormalForm) -> w.Word:
    """An expression whose normal form is ``form``."""
    terms = [
        _term(m, letters, form.shape) * c if c != 1 else _term(m, letters, form.shape)
        for (m, letters), c in form.frozen()
    ]
    if not terms:
        return w.word(0) if form.shape is None else w.Zero(*form.shape)
    return terms[0] if len(terms) == 1 else w.Sum(tuple(terms))


def _term(monomial: Monomial, letters: Letters, shape: w.Shape) -> w.Word:
    scalars = [atom_word(a) if k == 1 else w.Power(atom_word(a), k) for a, k in monomial]
    scale = reduce(lambda x, y: x * y, scalars) if scalars else None
    if shape is None:
        return scale if scale is not None else w.word(1)
    body = letters_word(letters, shape)
    return body if scale is None else scale * body


def letters_word(letters: Letters, shape: w.Shape = None) -> w.Word:
    """The product of letters; the empty one is the identity of the shape."""
    factors = tuple(letter_word(letter) for letter in letters)
    if not factors:
        if shape is None:
            raise NotUnderstood("an empty word needs a shape to be an identity matrix")
        return w.Identity(shape[0])
    return factors[0] if len(factors) == 1 else w.Product(factors)


def letter_word(letter: Letter) -> w.Word:
    """A letter as an expression."""
    head = letter.head
    body: w.Word
    if isinstance(head, GradientHead):
        shape = (head.loss.rows, head.loss.columns)
        along = tuple(letters_word(x, shape) for x in head.directions)
        body = head.loss.gradient(frozen_word(head.point, shape), *along)
    else:
        body = head
    if letter.inverted:
        body = w.Inverse(body)
    return body.T if letter.transposed else body


def frozen_word(frozen: Frozen, shape: w.Shape) -> w.Word:
    """Frozen terms as an expression of a shape."""
    return to_word(NormalForm(shape, dict(frozen)))


def block_shape(frozen: Frozen) -> w.Shape:
    """The shape of frozen terms, read off a nonempty word."""
    for (_, letters), _ in frozen:
        if letters:
            first, last = letter_word(letters[0]).shape, letter_word(letters[-1]).shape
            assert first is not None and last is not None
            return (first[0], last[1])
    raise NotUnderstood("a norm of a multiple of the identity; write it with the dimension's root")


def atom_word(value: Atom) -> w.Word:
    """A scalar atom as an expression."""
    if isinstance(value, TraceAtom):
        return w.Trace(letters_word(value.letters))
    if isinstance(value, ValueAtom):
        return value.loss(frozen_word(value.point, (value.loss.rows, value.loss.columns)))
    if isinstance(value, NormAtom):
        return w.Norm(value.kind, tuple(frozen_word(b, block_shape(b)) for b in value.blocks))
    if isinstance(value, SizeAtom):
        return w.Size(value.name)
    if isinstance(value, w.Scalar):
        return value
    raise NotUnderstood(f"no expression for the atom {value!r}")
