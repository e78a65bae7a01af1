"""Expressions as LaTeX and as plain text; one walk, two alphabets."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from lora_proofs.errors import NotUnderstood
from lora_proofs.mathematics import words as w

SUM, PRODUCT, ATOM = 1, 2, 3


@dataclass(frozen=True)
class Printed:
    """Text with the strength of its outermost operation."""

    text: str
    strength: int


@dataclass(frozen=True)
class Alphabet:
    """How the two faces write what differs between them."""

    latex: bool

    def fraction(self, x: Fraction) -> str:
        """A nonnegative rational number."""
        if x.denominator == 1:
            return str(x.numerator)
        if self.latex:
            return rf"\tfrac{{{x.numerator}}}{{{x.denominator}}}"
        return f"{x.numerator}/{x.denominator}"

    def group(self, text: str) -> str:
        """Text in parentheses."""
        return rf"\left({text}\right)" if self.latex else f"({text})"

    def times(self, left: str, right: str) -> str:
        """A product by juxtaposition; plain text keeps a space between letters."""
        if self.latex:
            return rf"{left} {right}"
        return f"{left} {right}"

    def power(self, base: str, exponent: str) -> str:
        """A power."""
        return f"{base}^{{{exponent}}}" if self.latex else f"{base}^{exponent}"

    def transposed(self, base: str) -> str:
        """A transpose."""
        return rf"{base}^{{\top}}" if self.latex else f"{base}'"

    def inverted(self, base: str) -> str:
        """An inverse."""
        return f"{base}^{{-1}}" if self.latex else f"{base}^-1"

    def norm(self, blocks: list[str], kind: str) -> str:
        """A norm of one or several blocks."""
        inside = ", ".join(blocks)
        if blocks[1:]:
            inside = self.group(inside)
        if self.latex:
            return rf"\left\lVert {inside} \right\rVert_{{{kind}}}"
        return f"||{inside}||_{kind}"


def latex(expression: w.Word) -> str:
    r"""An expression as LaTeX.

    >>> latex(w.Symbol("A", "r", "m").T)
    'A^{\\top}'
    """
    return _Printer(Alphabet(True)).show(expression).text


def text(expression: w.Word) -> str:
    """An expression as plain text.

    >>> A, B = w.Symbol("A", "r", "m"), w.Symbol("B", "n", "r")
    >>> text(B @ A - B @ A @ A.T @ A)
    "B A - B A A' A"
    """
    return _Printer(Alphabet(False)).show(expression).text


def relation_latex(relation: w.Relation) -> str:
    """A relation as LaTeX."""
    sign = r"\le" if relation.relation == "<=" else "="
    return f"{latex(relation.left)} {sign} {latex(relation.right)}"


def relation_text(relation: w.Relation) -> str:
    """A relation as plain text."""
    return f"{text(relation.left)} {relation.relation} {text(relation.right)}"


@dataclass(frozen=True)
class _Printer:
    to: Alphabet

    def show(self, e: w.Word) -> Printed:
        method = getattr(self, f"_{type(e).__name__.lower()}", None)
        if method is None:
            raise NotUnderstood(f"no way to print {type(e).__name__}")
        shown: Printed = method(e)
        return shown

    def wrap(self, e: w.Word, strength: int) -> str:
        shown = self.show(e)
        return shown.text if shown.strength >= strength else self.to.group(shown.text)

    def _number(self, e: w.Number) -> Printed:
        shown = self.to.fraction(abs(e.value))
        if e.value < 0:
            return Printed(f"-{shown}", SUM)
        return Printed(shown, ATOM if e.value.denominator == 1 else PRODUCT)

    def _scalar(self, e: w.Scalar) -> Printed:
        shown = e.latex if self.to.latex and e.latex else e.name
        # A name such as cosh(tau) is a function of something: a superscript would fall on that.
        return Printed(shown, PRODUCT if "(" in e.name else ATOM)

    def _symbol(self, e: w.Symbol) -> Printed:
        return Printed(e.latex if self.to.latex and e.latex else e.name, ATOM)

    def _size(self, e: w.Size) -> Printed:
        return Printed(str(e.name), ATOM)

    def _identity(self, e: w.Identity) -> Printed:
        return Printed(f"I_{{{e.size}}}" if self.to.latex else f"I_{e.size}", ATOM)

    def _zero(self, e: w.Zero) -> Printed:
        return Printed("0", ATOM)

    def _sum(self, e: w.Sum) -> Printed:
        out = ""
        for term in e.terms:
            shown = self.show(term).text
            if not out:
                out = shown
            elif shown.startswith("-"):
                out += f" - {shown[1:]}"
            else:
                out += f" + {shown}"
        return Printed(out, SUM)

    def _product(self, e: w.Product) -> Printed:
        shown = self.wrap(e.factors[0], PRODUCT)
        for factor in e.factors[1:]:
            shown = self.to.times(shown, self.wrap(factor, PRODUCT))
        return Printed(shown, PRODUCT)

    def _scaled(self, e: w.Scaled) -> Printed:
        if isinstance(e.scale, w.Number):
            return self._multiple(e.scale.value, e.body)
        if isinstance(e.scale, w.Scaled) and isinstance(e.scale.scale, w.Number):
            return self._multiple(e.scale.scale.value, w.Scaled(e.scale.body, e.body))
        if isinstance(e.body, w.Number) and e.body.value == 1:
            return self.show(e.scale)
        text = self.to.times(self.wrap(e.scale, PRODUCT), self.wrap(e.body, PRODUCT))
        return Printed(text, PRODUCT)

    def _multiple(self, number: Fraction, body: w.Word) -> Printed:
        if isinstance(body, w.Number):
            return self._number(w.Number(number * body.value))
        inside = self.wrap(body, PRODUCT)
        if inside.startswith("-"):
            inside = self.to.group(inside)
        if abs(number) != 1:
            inside = self.to.times(self.to.fraction(abs(number)), inside)
        return Printed(f"-{inside}", SUM) if number < 0 else Printed(inside, PRODUCT)

    def _power(self, e: w.Power) -> Printed:
        base = self._base(e.base)
        if isinstance(e.base, w.Trace):
            base = self.to.group(base)  # tr(X)^2 is read as tr(X^2) by many
        return Printed(self.to.power(base, str(e.exponent)), PRODUCT)

    def _transpose(self, e: w.Transpose) -> Printed:
        return Printed(self.to.transposed(self._base(e.body)), ATOM)

    def _inverse(self, e: w.Inverse) -> Printed:
        return Printed(self.to.inverted(self._base(e.body)), ATOM)

    def _base(self, e: w.Word) -> str:
        """What a superscript is put on: a second superscript needs parentheses in between."""
        shown = self.show(e)
        closed = isinstance(e, w.Trace | w.Norm | w.LossValue)
        plain = shown.strength == ATOM and (closed or "^" not in shown.text)
        return shown.text if plain else self.to.group(shown.text)

    def _trace(self, e: w.Trace) -> Printed:
        name = r"\operatorname{tr}" if self.to.latex else "tr"
        return Printed(name + self.to.group(self.show(e.body).text), ATOM)

    def _norm(self, e: w.Norm) -> Printed:
        return Printed(self.to.norm([self.show(b).text for b in e.blocks], e.kind), ATOM)

    def _lossvalue(self, e: w.LossValue) -> Printed:
        name = e.loss.latex if self.to.latex and e.loss.latex else e.loss.name
        return Printed(name + self.to.group(self.show(e.point).text), ATOM)

    def _lossgradient(self, e: w.LossGradient) -> Printed:
        name = "H" if len(e.directions) == 1 else e.loss.gradient_latex
        if len(e.directions) > 1:
            name = f"D^{{{len(e.directions)}}}G" if self.to.latex else f"D{len(e.directions)}G"
        shown = name + self.to.group(self.show(e.point).text)
        if e.directions:
            shown += f"[{', '.join(self.show(x).text for x in e.directions)}]"
        return Printed(shown, ATOM)

    def _gradient(self, e: w.Gradient) -> Printed:
        name = (
            rf"\nabla_{{{self.show(e.symbol).text}}} "
            if self.to.latex
            else (f"grad_{self.show(e.symbol).text} ")
        )
        return Printed(name + self.wrap(e.of, ATOM), PRODUCT)

    def _derivative(self, e: w.Derivative) -> Printed:
        by = "t"
        if len(e.rates) == 1 and e.rates[0][1] == w.word(1):
            by = self.show(e.rates[0][0]).text
        name = rf"\frac{{\mathrm d}}{{\mathrm d {by}}} " if self.to.latex else f"d/d{by} "
        # In a product it needs parentheses, or it would seem to act on what follows.
        return Printed(name + self.wrap(e.of, ATOM), SUM)

    def _substituted(self, e: w.Substituted) -> Printed:
        inside = ", ".join(f"{self.show(s).text} = {self.show(v).text}" for s, v in e.replacements)
        body = self.show(e.of).text
        if self.to.latex:
            return Printed(rf"\left. {body} \right|_{{{inside}}}", PRODUCT)
        return Printed(f"[{body}]_{{{inside}}}", PRODUCT)

    def _named(self, e: w.Named) -> Printed:
        return Printed(e.latex if self.to.latex and e.latex else e.name, ATOM)
