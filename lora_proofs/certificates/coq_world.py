"""What an export supposes of its symbols, and the proof that the prelude's normal form may run.

Each supposition holds for matrices whose entries are functions of all that moves: scalars are
central, identities and shapes are as they are, derivatives obey the product and the chain rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from lora_proofs.certificates.coq_names import Names, shown
from lora_proofs.certificates.coq_terms import Node, Pairs, Symbols, number
from lora_proofs.mathematics import words as w


def hypotheses(symbols: Symbols, names: Names) -> Iterator[str]:
    """The variables of the section, and what is supposed of each."""
    matrices = [*names.matrices, *names.scalars, *names.eyes, *names.sizes]
    if matrices:
        yield f"Variables {' '.join(matrices)} : M."
    for name in names.scalars:
        yield f"Hypothesis scalar_{name} : scalar M {name}."
    for eye, size, dimension in zip(names.eyes, names.sizes, symbols.dimensions, strict=True):
        yield f"Hypothesis is_{eye} : is_eye {eye} {size}."
        if dimension in symbols.divisors:
            yield f"Hypothesis divisor_{size} : {size} * inverse M {size} = one M."
    yield from _shapes(symbols, names)
    yield from _losses(symbols, names)
    yield from _derivatives(symbols, names)
    yield from _substitutions(symbols, names)


def _shapes(symbols: Symbols, names: Names) -> Iterator[str]:
    for x, name in zip(symbols.matrices, names.matrices, strict=True):
        if x.symmetric:
            yield f"Hypothesis symmetric_{name} : {name}^T = {name}."
        if x.rows in symbols.dimensions:
            eye = names.eyes[symbols.dimensions[x.rows]]
            yield f"Hypothesis rows_{name} : {eye} * {name} = {name}."
        if x.columns in symbols.dimensions:
            eye = names.eyes[symbols.dimensions[x.columns]]
            yield f"Hypothesis columns_{name} : {name} * {eye} = {name}."


def _losses(symbols: Symbols, names: Names) -> Iterator[str]:
    for k, loss in enumerate(symbols.losses):
        f, g, h = names.values[k], names.gradients[k], names.hessians[k]
        yield f"Variables {f} {g} : M -> M. Variable {h} : M -> M -> M."
        yield f"Hypothesis loss_{f} : is_loss {f} {g} {h}."
        for side, dimension in (("rows", loss.rows), ("columns", loss.columns)):
            if dimension in symbols.dimensions:
                eye = names.eyes[symbols.dimensions[dimension]]
                at = f"{eye} * {{}} = {{}}" if side == "rows" else f"{{}} * {eye} = {{}}"
                one, two = f"({g} x)", f"({h} x y)"
                yield (
                    f"Hypothesis {side}_{f} : (forall x, {at.format(one, one)}) /\\ "
                    f"(forall x y, {at.format(two, two)})."
                )


def _derivatives(symbols: Symbols, names: Names) -> Iterator[str]:
    for pairs, d in zip(symbols.rates, names.derivatives, strict=True):
        yield f"Variable {d} : M -> M. Hypothesis is_{d} : derivation {d}."
        for f, g, h in zip(names.values, names.gradients, names.hessians, strict=True):
            yield f"Hypothesis chain_{d}_{f} : chain_rule {d} {f} {g} {h}."
        for eye in names.eyes:
            yield f"Hypothesis {d}_{eye} : {d} {eye} = zero M."
        for name, value in _moved(symbols, names, pairs, number(0)):
            yield f"Hypothesis {d}_{name} : {d} {name} = {value}."


def _substitutions(symbols: Symbols, names: Names) -> Iterator[str]:
    for pairs, s in zip(symbols.replacements, names.substitutions, strict=True):
        yield f"Variable {s} : M -> M. Hypothesis is_{s} : substitution {s}."
        for f, g, h in zip(names.values, names.gradients, names.hessians, strict=True):
            yield f"Hypothesis inside_{s}_{f} : put_inside {s} {f} {g} {h}."
        for eye in names.eyes:
            yield f"Hypothesis {s}_{eye} : {s} {eye} = {eye}."
        for name, value in _moved(symbols, names, pairs, None):
            yield f"Hypothesis {s}_{name} : {s} {name} = {value}."


def _moved(
    symbols: Symbols, names: Names, pairs: Pairs, other: Node | None
) -> Iterator[tuple[str, str]]:
    terms = [*_values(symbols, symbols.matrices, pairs, "Mat", other)]
    terms += _values(symbols, symbols.scalars, pairs, "Sca", other)
    for name, term in zip([*names.matrices, *names.scalars], terms, strict=True):
        yield name, shown(term, names)


def _values(
    symbols: Symbols,
    of: dict[w.Symbol, int] | dict[w.Scalar, int],
    pairs: Pairs,
    kind: str,
    other: Node | None,
) -> list[Node]:
    """What each symbol becomes: its rate or its value, or else 0 or itself."""
    given = {s: symbols.node(v) for s, v in pairs}
    return [given.get(s, other or Node(kind, (i,))) for s, i in of.items()]


def _function(values: Sequence[object], default: str) -> str:
    if not values:
        return f"fun _ => {default}"
    cases = "".join(f"{_inner(d, second, given, absent)} | " for d in first)
    pattern = "".join("[|" for _ in items) + "i" + "]" * len(items)
    return f"intros {pattern}; [{' | '.join(map(proof, items))} | {default}]"


def _twice(
    first: Sequence[str], second: Sequence[str], given: str, absent: str, beyond: str
) -> str:
    """By cases of two indices: what is supposed, an absent symbol, an absent operator."""
    cases = "".join(
        f"{_by_cases(second, lambda x, d=d: f'exact {given.format(d, x)}', 'exact ' + parens)} | "
        for d in first
        for parens in (f"({absent.format(d)})",)
    )
    pattern = "".join("[|" for _ in first) + "k" + "]" * len(first)
    return f"intros {pattern}; [{cases}intro i; {beyond}]"


def _inner(operator: str, second: Sequence[str], given: str, absent: str) -> str:
    default = f"exact ({absent.format(operator)})"
    return _by_cases(second, lambda x: f"exact {given.format(operator, x)}", default)


def _units(symbols: Symbols, names: Names) -> str:
    closed = "".join(
        f"constructor; [exact divisor_{names.sizes[symbols.dimensions[d]]} | "
        for d in symbols.divisors
    )
    return f"{closed}constructor{']' * len(symbols.divisors)}"
