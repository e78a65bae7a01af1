"""Mutants of a check's text: one slip in one function that the check runs, in any claim's module.

A module with the slip is executed beside the original; only its check is taken from it. How
instances are drawn, the assumptions and the controls stay those of the claim.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from types import ModuleType
from typing import Any

from lora_proofs.arithmetic import Arithmetic
from lora_proofs.errors import ClaimRefused
from lora_proofs.judging.evaluation import evaluate
from lora_proofs.language.claim import Check, Claim
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mutating.mutant import Candidate, Kept, Mutant
from lora_proofs.mutating.reached import Reached, watch
from lora_proofs.mutating.rebuilding import fresh_tree, needed, rebuilt, tree_of
from lora_proofs.mutating.slips import SLIPS, Slip, with_parents

Function = ast.FunctionDef | ast.AsyncFunctionDef
Pick = Callable[[Claim], Check]
"""Which of a claim's checks is meant: the copy of a claim has one of its own."""


@dataclass(frozen=True)
class Site:
    """A place for a slip: the module, the function, which of the slip's places there it is."""

    module: ModuleType
    function: str
    slip: Slip
    occurrence: int
    number: int
    """The number of the node in the module's tree, in the order of ``with_parents``."""

    @property
    def place(self) -> str:
        """The place in words that edits elsewhere do not change."""
        name = self.module.__name__.rpartition(".")[2]
        home = "" if name.startswith("lora_proofs_file_") else f"{name}."
        return f"{home}{self.function} #{self.occurrence}"

    def changed(self) -> tuple[ast.Module, str]:
        """The module's tree with the slip, and what was changed, in words."""
        assert self.module.__file__ is not None
        tree = fresh_tree(self.module.__file__)
        node, parent = list(with_parents(tree))[self.number]
        put = self.slip.at(node, parent)
        assert put is not None
        says = f"`{_text(node)}` became `{_text(put)}` in {self.function}"
        _put(parent, node, ast.fix_missing_locations(ast.copy_location(put, node)))
        return tree, says


def _put(parent: ast.AST, old: ast.AST, new: ast.AST) -> None:
    """Put one node in the place of another."""
    for name, value in ast.iter_fields(parent):
        if value is old:
            setattr(parent, name, new)
        elif isinstance(value, list):
            value[:] = [new if one is old else one for one in value]


def _text(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    text = text.replace("__import__('flint').fmpq(99, 100)", "0.99")
    text = text.replace("__import__('flint').fmpq(101, 100)", "1.01")
    return text if len(text) <= 60 else text[:57] + "..."


def source_candidates(
    claim: Claim,
    home: ModuleType,
    original: Kept,
    probes: Sequence[Instance],
    rungs: Sequence[Arithmetic],
    pick: Pick | None = None,
    slips: Sequence[Slip] = SLIPS,
) -> tuple[list[Candidate], int]:
    """Slips in the text that the judged check of a claim runs, and the calls that it takes.

    ``pick`` says which check of the claim, if not the one that refutes it.
    """
    pick = pick or judged_check
    fresh = rebuilt(home, {})[home.__name__]
    check = pick(named_claim(fresh, claim.name))
    bodies = [partial(evaluate, check, x, ctx) for x in probes for ctx in rungs]
    modules = needed(home)
    found = watch((str(m.__file__) for m in modules), bodies)
    sites = [site for m in modules for site in _sites(m, found, slips)]
    made = [_candidate(claim, home, original, site, pick) for site in sites]
    return made, found.calls // max(1, len(probes))


def named_claim(module: ModuleType, name: str) -> Claim:
    """The claim of a name at the top level of a module; raises ``ClaimRefused`` without it."""
    for value in vars(module).values():
        for one in value if isinstance(value, tuple | list) else (value,):
            if isinstance(one, Claim) and one.name == name:
                return one
    raise ClaimRefused(f"expected the claim {name!r} at the top level of {module.__name__}")


def judged_check(claim: Claim) -> Check:
    """What mutants are made from: the lower bound of a claim of existence, or its check.

    A claim of existence without a lower bound is taken at its word about its own construction.
    """
    return claim.lower_bound or claim.check


def _sites(module: ModuleType, found: Reached, slips: Sequence[Slip]) -> Iterator[Site]:
    """Every place in what was run of a module, slip by slip."""
    assert module.__file__ is not None
    tree, lines = tree_of(module.__file__), found.lines_of(str(module.__file__))
    inside = _functions(tree, lines)
    counts: dict[tuple[str, str], int] = {}
    for number, (node, parent) in enumerate(with_parents(tree)):
        function = inside.get(node)
        if function is None or not isinstance(node, ast.expr) or _of_precision(node, parent):
            continue
        for slip in slips:
            if slip.at(node, parent) is None:
                continue
            key = (function[0], slip.name)
            counts[key] = counts.get(key, 0) + 1
            if function[1]:
                yield Site(module, function[0], slip, counts[key], number)


def _of_precision(*nodes: ast.AST) -> bool:
    """Whether a place is about digits: how a number is computed, not what is claimed of it."""
    text = " ".join(ast.unparse(node) for node in nodes if isinstance(node, ast.expr))
    return any(word in text for word in ("digits", "bits", "workprec", "tolerance"))


def _functions(tree: ast.Module, lines: set[int]) -> dict[ast.AST, tuple[str, bool]]:
    """Of each node in the body of a function: its qualified name, and whether it was run."""
    out: dict[ast.AST, tuple[str, bool]] = {}

    def visit(node: ast.AST, name: str, within: bool) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Function | ast.ClassDef):
                is_function = isinstance(child, Function)
                visit(child, f"{name}.{child.name}".lstrip("."), within or is_function)
                continue
            if within:
                whole = _run(child, lines) and not hasattr(child, "body")
                for inner in ast.walk(child):
                    before = out.get(inner, (name, False))[1]
                    out[inner] = (name, before or whole or _run(inner, lines))
            visit(child, name, within)

    visit(tree, "", False)
    return out


def _run(node: ast.AST, lines: set[int]) -> bool:
    first = getattr(node, "lineno", 0)
    return any(n in lines for n in range(first, getattr(node, "end_lineno", first) + 1))


def _candidate(claim: Claim, home: ModuleType, original: Kept, site: Site, pick: Pick) -> Candidate:
    def make() -> Mutant:
        return _mutant(claim, home, original, site, pick)

    return Candidate("source", site.slip.name, site.place, make)


def _mutant(claim: Claim, home: ModuleType, original: Kept, site: Site, pick: Pick) -> Mutant:
    tree, says = site.changed()

    @cache
    def loaded() -> Check | Exception:
        try:
            fresh = rebuilt(home, {site.module.__name__: tree})[home.__name__]
            return pick(named_claim(fresh, claim.name))
        except Exception as error:
            return error

    def check(instance: Instance, ctx: Arithmetic) -> Any:
        changed = loaded()
        if isinstance(changed, Exception):
            raise changed
        return changed(instance, ctx)

    return Mutant("source", site.slip.name, site.place, says, check, original)
