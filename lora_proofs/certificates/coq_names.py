"""Names and notation of an export: every symbol an identifier, every term as a reader writes it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from lora_proofs.certificates.coq_terms import Node, Symbols

# What an export itself says beside what the prelude defines; a symbol of that name gets an
# underscore, and so does one that begins as the names of what is supposed of symbols do.
RESERVED = set(
    "M N value is_value conclusion T E I Q nat list conj f_equal fun match with end let in forall "
    "exists if then else return as at by for using Set Prop Type cofix fix Any Proved proved i j k "
    "d x y where mod O S Some None true false eq_refl D f G H IF exists2 SProp".split()
)
SUPPOSED = re.compile(
    r"(line|assumed|taken|scalar|is|divisor|symmetric|rows|columns|loss|chain|inside|derivative"
    r"|put|eye|gradient|hessian)_"
)
WORDS = {"'": "_prime", "~": "_tilde", "*": "_star", "^-": "_inverse_", "/": "_over_"}


def identifier(name: str) -> str:
    """A name as a Coq identifier."""
    for mark, word in WORDS.items():
        name = name.replace(mark, word)
    name = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "x"
    name = name if name[0].isalpha() else f"x{name}"
    taken = name in RESERVED or name in vocabulary() or SUPPOSED.match(name)
    return f"{name}_" if taken else name


def prelude() -> str:
    """The Coq source that every export leans on: the vocabulary, a normal form, its proof."""
    return (files("lora_proofs.certificates") / "coq_prelude.v").read_text(encoding="utf-8")


@cache
def vocabulary() -> frozenset[str]:
    """Every name that the prelude defines: definitions, fields, constructors."""
    defined = r"\b(?:Definition|Fixpoint|Lemma|Theorem|Record|Inductive|Instance) (\w+)"
    fields = r"(?:[{;] |^  )(\w+) (?::|:=|:>) "
    constructors = r"\| ([A-Z]\w*) "
    found = (re.findall(x, prelude(), re.M) for x in (defined, fields, constructors))
    return frozenset(name for names in found for name in names)


def comment(lines: Iterable[str]) -> str:
    """Lines as one comment; nothing in them can end it or open a string."""
    safe = (x.replace("(*", "( *").replace("*)", "* )").replace('"', "''") for x in lines)
    return "\n".join(["(*", *(f"   {x}".rstrip() for x in safe), "*)"])


class Names:
    """An identifier for each symbol of a derivation; no two alike."""

    def __init__(self, symbols: Symbols) -> None:
        self.taken: set[str] = set()
        self.matrices = [self._new(identifier(x.name)) for x in symbols.matrices]
        self.scalars = [self._new(identifier(x.name)) for x in symbols.scalars]
        self.eyes = [self._new(f"eye_{identifier(str(x))}") for x in symbols.dimensions]
        self.sizes = [self._new(identifier(str(x))) for x in symbols.dimensions]
        self.values = [self._new(identifier(x.name)) for x in symbols.losses]
        self.gradients = [self._new(f"gradient_{identifier(x.name)}") for x in symbols.losses]
        self.hessians = [self._new(f"hessian_{identifier(x.name)}") for x in symbols.losses]
        self.derivatives = [self._new(f"derivative_{k}") for k in range(len(symbols.rates))]
        self.substitutions = [self._new(f"put_{k}") for k in range(len(symbols.replacements))]

    def _new(self, wanted: str) -> str:
        name, k = wanted, 2
        while name in self.taken:
            name, k = f"{wanted}_{k}", k + 1
        self.taken.add(name)
        return name


def shown(term: Node, names: Names) -> str:
    """A term in the notation of the section; every operation in parentheses."""
    head, of = term.name, term.arguments
    if head == "Num":
        return f"num M {_rational(of[0])}"
    lists = {"Sca": names.scalars, "Mat": names.matrices, "Eye": names.eyes, "Size": names.sizes}
    if head in lists:
        return str(lists[head][of[0]])
    functions = {
        "Val": names.values,
        "Grad": names.gradients,
        "Hess": names.hessians,
        "Der": names.derivatives,
        "Sub": names.substitutions,
    }
    if head in functions:
        return " ".join([functions[head][of[0]], *(_closed(x, names) for x in of[1:])])
    inside = [_closed(x, names) for x in of]
    return _FORMS[head].format(*inside)


_FORMS = {
    "Add": "{0} + {1}",
    "Mul": "{0} * {1}",
    "Opp": "- {0}",
    "Tp": "{0}^T",
    "Tr": "tr M {0}",
    "Inv": "inverse M {0}",
}


def _closed(term: Node, names: Names) -> str:
    text = shown(term, names)
    return text if term.name in ("Sca", "Mat", "Eye", "Size") else f"({text})"


def _rational(x: object) -> str:
    top, bottom = getattr(x, "numerator", 0), getattr(x, "denominator", 1)
    return f"{top}" if bottom == 1 else f"({top} # {bottom})"
