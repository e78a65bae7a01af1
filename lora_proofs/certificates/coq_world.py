"""What an export supposes of its symbols, and the proof that the prelude's normal form may run.

Each supposition holds for matrices whose entries are functions of all that moves: scalars are
central, identities and shapes are as they are, derivatives obey the product and the chain rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lora_proofs.certificates.coq_names import Names, shown
from lora_proofs.certificates.coq_terms import Node, Pairs, Symbols, number
from lora_proofs.mathematics import words as w

Numbered = dict[w.Symbol, int] | dict[w.Scalar, int]
BLANK = "{}"


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
    of: Numbered,
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
    cases = "".join(f" | {i} => {value}" for i, value in enumerate(values))
    return f"fun i => match i with{cases} | _ => {default} end"


def _family(rows: Sequence[Sequence[object]], default: str) -> str:
    """A function of two indices."""
    return _function([f"({_function(row, default)})" for row in rows], f"fun _ => {default}")


def table(symbols: Symbols) -> str:
    """The closed data that the normal form reads."""

    def place(dimension: w.Dimension) -> str:
        known = dimension in symbols.dimensions
        return f"Some {symbols.dimensions[dimension]}" if known else "None"

    matrices, scalars = symbols.matrices, symbols.scalars
    units = "; ".join(f"Size {symbols.dimensions[d]}" for d in symbols.divisors)
    fields = {
        "row": _function([place(x.rows) for x in matrices], "None"),
        "column": _function([place(x.columns) for x in matrices], "None"),
        "symmetric": _function([str(x.symmetric).lower() for x in matrices], "false"),
        "loss_row": _function([place(x.rows) for x in symbols.losses], "None"),
        "loss_column": _function([place(x.columns) for x in symbols.losses], "None"),
        "rate": _rates(symbols, matrices, "Mat"),
        "scalar_rate": _rates(symbols, scalars, "Sca"),
        "put": _puts(symbols, matrices, "Mat"),
        "scalar_put": _puts(symbols, scalars, "Sca"),
        "units": f"[{units}]%list",
    }
    inside = ";\n  ".join(f"{name} := {value}" for name, value in fields.items())
    return f"Definition T : table := {{|\n  {inside} |}}."


def _rates(symbols: Symbols, of: Numbered, kind: str) -> str:
    return _family([_values(symbols, of, p, kind, number(0)) for p in symbols.rates], "Num 0")


def _puts(symbols: Symbols, of: Numbered, kind: str) -> str:
    rows = [_values(symbols, of, p, kind, None) for p in symbols.replacements]
    return _function([f"({_function(row, 'Num 0')})" for row in rows], f"fun j => {kind} j")


def meaning(symbols: Symbols, names: Names) -> Iterator[str]:
    """What the indices stand for, and that all that the normal form supposes is supposed."""
    nothing = "num M 0"
    fields = {
        "mat": _function(names.matrices, nothing),
        "sca": _function(names.scalars, nothing),
        "eye": _function(names.eyes, nothing),
        "size": _function(names.sizes, nothing),
        "val": _function(names.values, f"fun _ => {nothing}"),
        "grad": _function(names.gradients, f"fun _ => {nothing}"),
        "hess": _function(names.hessians, f"fun _ _ => {nothing}"),
        "der": _function(names.derivatives, f"fun _ => {nothing}"),
        "sub": _function(names.substitutions, "fun x => x"),
    }
    inside = ";\n  ".join(f"{name} := {value}" for name, value in fields.items())
    yield f"Definition E : world M := {{|\n  {inside} |}}."
    yield "Lemma meaning : valid T E.\nProof.\n  constructor.\n" + _cases(symbols, names) + "Qed."


def _cases(symbols: Symbols, names: Names) -> str:
    """One bullet for each field of ``valid``, one case for each symbol."""
    ds, ss, fs = names.derivatives, names.substitutions, names.values
    matrices, scalars, eyes = names.matrices, names.scalars, names.eyes
    placed = "intro d; first [discriminate | intro H; injection H as <-; assumption]"
    losses = _by_cases(fs, "exact loss_{}", "exact no_loss")
    bullets = [
        _by_cases(scalars, "exact scalar_{}", "exact no_scalar"),
        _by_cases(matrices, placed, "discriminate"),
        _by_cases(matrices, placed, "discriminate"),
        _by_cases(matrices, "first [discriminate | intro H; assumption]", "discriminate"),
        _by_cases(eyes, "exact is_{}", "exact no_eye"),
        losses,
        _by_cases(fs, placed, "discriminate"),
        _by_cases(fs, placed, "discriminate"),
        _by_cases(ds, "exact is_{}", "exact no_derivation"),
        _twice(ds, fs, "chain_{}_{}", "no_chain _ is_{}", f"apply no_motion; revert i; {losses}"),
        _twice(ds, eyes, "{}_{}", "der_num _ is_{} _", "exact num_zero"),
        _twice(ds, matrices, "{}_{}", "no_rate _ is_{}", "reflexivity"),
        _twice(ds, scalars, "{}_{}", "no_rate _ is_{}", "reflexivity"),
        _by_cases(ss, "exact is_{}", "exact no_substitution"),
        _twice(ss, fs, "inside_{}_{}", "no_inside _ is_{}", "constructor; reflexivity"),
        _twice(ss, eyes, "{}_{}", "no_put _ is_{}", "reflexivity"),
        _twice(ss, matrices, "{}_{}", "no_put _ is_{}", "reflexivity"),
        _twice(ss, scalars, "{}_{}", "no_put _ is_{}", "reflexivity"),
        _units(symbols, names),
    ]
    return "".join(f"  - {bullet}.\n" for bullet in bullets)


def _by_cases(items: Sequence[str], proof: str, default: str) -> str:
    """By cases of an index: each symbol by ``proof`` with its name, the absent by ``default``."""
    if not items:
        return f"intro i; {default}"
    pattern = "".join("[|" for _ in items) + "i" + "]" * len(items)
    return f"intros {pattern}; [{' | '.join(proof.format(x) for x in items)} | {default}]"


def _twice(
    first: Sequence[str], second: Sequence[str], given: str, absent: str, beyond: str
) -> str:
    """By cases of two indices: what is supposed, an absent symbol, an absent operator."""
    cases = "".join(
        f"{_by_cases(second, f'exact {given.format(d, BLANK)}', f'exact ({absent.format(d)})')} | "
        for d in first
    )
    pattern = "".join("[|" for _ in first) + "k" + "]" * len(first)
    return f"intros {pattern}; [{cases}intro i; {beyond}]"


def _units(symbols: Symbols, names: Names) -> str:
    closed = "".join(
        f"constructor; [exact divisor_{names.sizes[symbols.dimensions[d]]} | "
        for d in symbols.divisors
    )
    return f"{closed}constructor{']' * len(symbols.divisors)}"
