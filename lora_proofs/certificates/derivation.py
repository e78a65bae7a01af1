"""Derivations as certificates: every line as a tree, with witnesses that no search is needed for.

An identity under hypotheses carries the rewrites that prove it, an inequality the factors by which
the used lines add up, a gradient its value. The checker recomputes every sum from them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import Any

from lora_proofs.certificates.envelope import certificate
from lora_proofs.certificates.trees import Symbols
from lora_proofs.certificates.witnesses import contexts, factors, hole
from lora_proofs.errors import NotUnderstood, ShapeMismatch
from lora_proofs.language.claim import Assumption, Claim
from lora_proofs.mathematics import words as w
from lora_proofs.symbolic.differential import expand
from lora_proofs.symbolic.entries import OTHER_DIMENSION, SHAPES, dimensions, parts
from lora_proofs.symbolic.inequalities import form
from lora_proofs.symbolic.normal_form import normal_form
from lora_proofs.symbolic.printing import relation_text
from lora_proofs.symbolic.steps import Step

MOST_BULK = 400
"""Terms of the two sides of an identity, as polynomials in entries, that are written down."""


@dataclass
class Exporter:
    """One derivation on its way into a certificate."""

    steps: tuple[Step, ...]
    assumptions: tuple[Assumption, ...]
    symbols: Symbols = field(default_factory=Symbols)
    lemmas: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.number = {id(step): k for k, step in enumerate(self.steps, start=1)}

    def line(self, step: Step) -> dict[str, Any]:
        """One line: what it says, by what rule, of which operands."""
        by, of = self._rule(step)
        says = self.symbols.relation(step.relation) if step.relation else None
        return {"says": says, "by": by, "of": of}

    def _rule(self, step: Step) -> tuple[str, list[Any]]:
        if step.rule == "assumption":
            return "assumption", self._assumption(step)
        if step.kind == "cited":
            return "lemma", self._lemma(step)
        if step.kind == "identity":
            return "algebra", [self._rewrites(step), []]
        if step.kind == "inequality":
            return _INEQUALITIES[step.rule](self, step)
        raise NotUnderstood("a step in prose")

    def _rewrites(self, step: Step) -> list[Any]:
        """right - left as the sum of what the used equations change."""
        assert step.relation is not None
        given = [(self.number[id(u)], u.relation) for u in step.uses if u.relation]
        left = contexts(normal_form(expand(step.relation.left)), given)
        right = contexts(normal_form(expand(step.relation.right)), given)
        return self._used([*left, *((k, -x) for k, x in right)])

    def _used(self, found: Sequence[tuple[int, w.Word]]) -> list[Any]:
        return [[k, self.symbols.tree(x)] for k, x in found]

    def _combine(self, step: Step) -> tuple[str, list[Any]]:
        given, rest = factors(step, self.number)
        equations = {
            self.number[id(u)] for u in step.uses if u.relation and u.relation.relation == "="
        }
        around = [(k, x * hole(None) if k in equations else x) for k, x in given]
        left = [] if rest == w.word(0) else [[self.symbols.tree(rest), 1]]
        return "algebra", [self._used(around), left]

    def _squares(self, step: Step) -> tuple[str, list[Any]]:
        tree = self.symbols.tree
        return "algebra", [[], [[tree(f), tree(b)] for f, b in step.squares]]

    def _root(self, step: Step) -> tuple[str, list[Any]]:
        return "root", [self.number[id(step.uses[0])]]

    def _triangle(self, step: Step) -> tuple[str, list[Any]]:
        left, right = _sides(step)
        terms = [scaled(term) for term in _terms(right)]
        tree = self.symbols.tree
        parts = [[tree(c), *(tree(x) for x in norm.blocks)] for c, norm in terms]
        return "triangle", [left.kind, *parts]

    def _submultiplicative(self, step: Step) -> tuple[str, list[Any]]:
        left, right = _sides(step)
        whole, x, y = left.blocks[0], right.scale, right.body
        for (a, k), (b, j) in (
            ((x.blocks[0], x.kind), (y.blocks[0], y.kind)),
            ((y.blocks[0], y.kind), (x.blocks[0], x.kind)),
        ):
            for u, v in product((a, a.T), (b, b.T)):
                if u.shape[1] != v.shape[0] or (u.shape[0], v.shape[1]) != whole.shape:
                    continue
                if (form(whole) - form(u @ v)).is_zero:
                    tree = self.symbols.tree
                    return "submultiplicative", [left.kind, k, tree(u), j, tree(v)]
        raise NotUnderstood("a product of norms in an unknown order")

    def _below(self, step: Step) -> tuple[str, list[Any]]:
        left, _ = _sides(step)
        return "operator below Frobenius", [self.symbols.tree(left.blocks[0])]

    def _cauchy_schwarz(self, step: Step) -> tuple[str, list[Any]]:
        _, right = _sides(step)
        pairs = zip(right.scale.blocks, right.body.blocks, strict=True)
        return "Cauchy-Schwarz", [[self.symbols.tree(x) for x in pair] for pair in pairs]

    def _squared_cauchy_schwarz(self, step: Step) -> tuple[str, list[Any]]:
        pairs = [[self.symbols.tree(x) for x in pair] for pair in step.squares]
        return "squared Cauchy-Schwarz", pairs

    def _assumption(self, step: Step) -> list[Any]:
        (relations,) = (a.relations for a in self.assumptions if a.name == step.assumption)
        assert step.pattern is not None
        pairs = self.symbols.pairs(step.substitution)
        return [step.assumption, relations.index(step.pattern) + 1, pairs]

    def _lemma(self, step: Step) -> list[Any]:
        lemma = step.lemma
        assert lemma is not None
        said = self.symbols.relation
        self.lemmas[lemma.name] = {
            "statement": lemma.statement,
            "reference": lemma.reference,
            "hypotheses": {
                name: said(h) if isinstance(h, w.Relation) else getattr(h, "sentence", h)
                for name, h in lemma.hypotheses.items()
            },
            "conclusion": said(lemma.conclusion) if lemma.conclusion else None,
        }
        closed = {
            name: self.number[id(by)] if isinstance(by, Step) else by
            for name, by in step.discharged_by
        }
        return [lemma.name, self.symbols.pairs(step.substitution), closed]

    def granted(self) -> dict[str, Any]:
        """The assumptions in use: what they say, and the symbols that stand for any value."""
        used = {step.assumption for step in self.steps if step.rule == "assumption"}
        used |= {by for step in self.steps for _, by in step.discharged_by if isinstance(by, str)}
        return {
            a.name: {
                "statement": a.statement,
                "says": [self.symbols.relation(r) for r in a.relations],
                "free": [self.symbols.name(s) for s in a.pattern],
            }
            for a in self.assumptions
            if a.name in used
        }


_INEQUALITIES = {
    "combine": Exporter._combine,
    "sum of squares": Exporter._squares,
    "square root": Exporter._root,
    "triangle": Exporter._triangle,
    "submultiplicative": Exporter._submultiplicative,
    "operator below Frobenius": Exporter._below,
    "Cauchy-Schwarz": Exporter._cauchy_schwarz,
    "squared Cauchy-Schwarz": Exporter._squared_cauchy_schwarz,
}


def _sides(step: Step) -> tuple[Any, Any]:
    assert step.relation is not None
    return step.relation.left, step.relation.right


def _terms(e: w.Word) -> list[w.Word]:
    if isinstance(e, w.Named):
        return _terms(e.body)
    return [t for term in e.terms for t in _terms(term)] if isinstance(e, w.Sum) else [e]


def scaled(term: w.Word) -> tuple[w.Word, w.Norm]:
    """A term c ||X|| of a triangle inequality as its factor and its norm."""
    if isinstance(term, w.Norm):
        return w.word(1), term
    assert isinstance(term, w.Scaled) and isinstance(term.body, w.Norm)
    return term.scale, term.body


def derivation_certificates(claim: Claim, derived: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """The certificates of a claim's derivation, and sentences that say what they leave out.

    ``derived`` has the ``steps`` of the derivation and the ``evidence`` that checking them gave.
    The derivation is one certificate; its identities at fixed shapes are one for each shape.
    """
    steps = tuple(derived.steps)
    if not derived.evidence.closed:
        return [], [f"{claim.name}: its derivation is not closed, so it is in no certificate"]
    try:
        first = derivation_certificate(claim, steps)
    except (NotUnderstood, ShapeMismatch) as error:
        return [], [f"{claim.name}: its derivation is in no certificate: {error}"]
    at_shapes = [identity_certificate(claim, steps, sizes) for sizes in SHAPES[:2]]
    long = {k for _, k in at_shapes if k}
    why = [
        f"{claim.name}: up to {max(long, default=0)} of its identities in entries at a "
        "fixed shape, where they have too many terms: words alone show them, for all shapes"
    ]
    return [first, *(found for found, _ in at_shapes if found)], why if long else []


def derivation_certificate(claim: Claim, steps: Sequence[Step]) -> dict[str, Any]:
    """A derivation with a witness for every line, for all shapes."""
    told = Exporter(tuple(steps), claim.assumptions)
    lines = [told.line(step) for step in told.steps]
    conclusion = [told.symbols.relation(r) for r in claim.conclusion]
    granted = told.granted()
    asserts = "; ".join(relation_text(r) for r in claim.conclusion)
    return certificate(
        "derivation",
        claim.name,
        asserts,
        lines=lines,
        conclusion=conclusion,
        assumptions=granted,
        lemmas=told.lemmas,
        **told.symbols.declared(),
    )


def identity_certificate(
    claim: Claim, steps: Sequence[Step], sizes: Mapping[Any, int]
) -> tuple[dict[str, Any] | None, int]:
    """The identities without hypotheses as polynomials in the entries at one shape.

    And the number of those that have too many terms for that.
    """
    found = [s.relation for s in steps if s.kind == "identity" and not s.rule and not s.uses]
    named = dimensions(x for r in found if r for side in (r.left, r.right) for x in parts(side))
    full = {d: d if isinstance(d, int) else sizes.get(d, OTHER_DIMENSION) for d in named}
    relations = [r for r in found if r and bulk(r.left, full) + bulk(r.right, full) <= MOST_BULK]
    symbols = Symbols(sizes=full)
    trees = [symbols.relation(r) for r in relations]
    long = sum(r is not None for r in found) - len(relations)
    if not trees:
        return None, long
    shape = ", ".join(f"{d} = {n}" for d, n in sorted(full.items(), key=str))
    asserts = f"{len(trees)} of {len(trees) + long} identities of the derivation where {shape}"
    made = certificate("identity", claim.name, asserts, relations=trees, **symbols.declared())
    return made, long


def bulk(e: Any, sizes: Mapping[Any, int]) -> int:
    """About how many terms an expression has as a polynomial in its entries, entry by entry.

    >>> bulk(w.Trace(w.Symbol("P", "n", "n") @ w.Symbol("Q", "n", "n")), {"n": 3})
    9
    """
    if isinstance(e, w.Symbol | w.Scalar | w.Number | w.Size | w.Identity | w.Zero):
        return 1
    if isinstance(e, w.Sum):
        return sum(bulk(x, sizes) for x in e.terms)
    if isinstance(e, w.Product):
        inner = prod(sizes[x.shape[1]] for x in e.factors[:-1] if x.shape)
        return inner * prod(bulk(x, sizes) for x in e.factors)
    if isinstance(e, w.Scaled):
        return bulk(e.scale, sizes) * bulk(e.body, sizes)
    if isinstance(e, w.Power):
        return int(min(bulk(e.base, sizes) ** abs(e.exponent), 10**6))
    if isinstance(e, w.Trace):
        return sizes[(e.body.shape or ("",))[0]] * bulk(e.body, sizes)
    if isinstance(e, w.Transpose | w.Named):
        return bulk(e.body, sizes)
    # What is put for symbols, or moves them, multiplies the terms; norms and losses stay small.
    return 4 * prod(bulk(x, sizes) for x in _inside(e))


def _inside(e: Any) -> list[w.Word]:
    held = [
        x for value in vars(e).values() for x in (value if isinstance(value, tuple) else (value,))
    ]
    flat = [x for y in held for x in (y if isinstance(y, tuple) else (y,))]
    return [x for x in flat if isinstance(x, w.Word)]
