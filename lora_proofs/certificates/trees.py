"""Expressions as the trees that the checker reads, every symbol under a name of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lora_proofs.checker import RATIONAL as NUMBER
from lora_proofs.checker import SIZE
from lora_proofs.errors import NotUnderstood
from lora_proofs.mathematics import words as w
from lora_proofs.symbolic.differential import gradient

Tree = Any
HOLE = "?"
"""What an equation replaces in its context; no symbol has this name."""


@dataclass
class Symbols:
    """The symbols of a derivation, each under a name of its own."""

    names: dict[Any, str] = field(default_factory=dict)
    sizes: Mapping[w.Dimension, int] = field(default_factory=dict)
    """Numbers for some dimensions; the others keep their names."""

    def name(self, symbol: Any) -> str:
        """The name; a second symbol of one name, or one that reads as no symbol, gets a mark."""
        if symbol not in self.names:
            name = symbol.name.replace("`", "'")
            while name in (HOLE, "", "=", "<=", *self.names.values()) or NUMBER.fullmatch(name):
                name += "~"
            self.names[symbol] = name
        return self.names[symbol]

    def declared(self) -> dict[str, Any]:
        """The fields of a certificate that say what the names are."""
        told = self.names.items()
        return {
            "symbols": {
                n: [] if isinstance(s, w.Scalar) else self.shape(s)
                for s, n in told
                if not isinstance(s, w.Loss)
            },
            "symmetric": [n for s, n in told if isinstance(s, w.Symbol) and s.symmetric],
            "nonnegative": [n for s, n in told if isinstance(s, w.Scalar) and s.nonnegative],
            "losses": {n: self.shape(s) for s, n in told if isinstance(s, w.Loss)},
        }

    def dimension(self, name: w.Dimension) -> str:
        """A dimension as text: digits where it is a number."""
        text = str(self.sizes.get(name, name))
        if not SIZE.fullmatch(text):
            raise NotUnderstood(f"the checker knows no dimension {text!r}")
        return text

    def shape(self, of: Any) -> list[str]:
        """Rows and columns of a symbol or a loss."""
        return [self.dimension(of.rows), self.dimension(of.columns)]

    def tree(self, e: w.Word) -> Tree:
        """An expression as the checker reads it."""
        match e:
            case w.Named(body=body):
                return self.tree(body)
            case w.Number(value=x):
                return int(x) if x.denominator == 1 else ["number", str(x)]
            case w.Scalar(name="?") | w.Symbol(name="?"):
                return HOLE
            case w.Scalar() | w.Symbol():
                return self.name(e)
            case w.Size(name=d):
                return ["size", self.dimension(d)]
            case w.Identity(size=d):
                return ["identity", self.dimension(d)]
            case w.Zero(rows=n, columns=m):
                return ["zero", self.dimension(n), self.dimension(m)]
            case w.Sum(terms=terms):
                return flat("+", [self.tree(x) for x in terms])
            case w.Product(factors=factors):
                return flat("*", [self.tree(x) for x in factors])
            case w.Scaled(scale=scale, body=body):
                return flat("*", [self.tree(scale), self.tree(body)])
            case w.Power(base=base, exponent=k):
                return ["^", k, self.tree(base)]
            case w.Transpose(body=body):
                return ["'", self.tree(body)]
            case w.Trace(body=body):
                return ["tr", self.tree(body)]
            case w.Norm(kind=kind, blocks=blocks):
                return ["norm", kind, *(self.tree(x) for x in blocks)]
            case w.LossValue(loss=loss, point=point):
                return ["f", self.name(loss), self.tree(point)]
            case w.LossGradient(loss=loss, point=point, directions=along):
                return ["grad", self.name(loss), *(self.tree(x) for x in (point, *along))]
            case w.Gradient(of=of, symbol=symbol):
                value = gradient(of, symbol)
                return ["gradient", self.tree(of), self.name(symbol), self.tree(value)]
            case w.Derivative(of=of, rates=pairs):
                return ["d", self.tree(of), self.pairs(pairs)]
            case w.Substituted(of=of, replacements=pairs):
                return ["at", self.tree(of), self.pairs(pairs)]
        raise NotUnderstood(f"the checker does not know {type(e).__name__}")

    def pairs(self, pairs: tuple[tuple[Any, w.Word], ...]) -> list[Tree]:
        """Symbols and what is put for them."""
        return [[self.name(s), self.tree(x)] for s, x in pairs]

    def relation(self, r: w.Relation) -> Tree:
        """[left, relation, right]."""
        return [self.tree(r.left), r.relation, self.tree(r.right)]


def flat(operation: str, trees: list[Tree]) -> Tree:
    """One sum of all terms, one product of all factors."""
    out: list[Tree] = []
    for tree in trees:
        out += tree[1:] if isinstance(tree, list) and tree[0] == operation else [tree]
    return [operation, *out]
