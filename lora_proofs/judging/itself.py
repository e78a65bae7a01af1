"""Comparisons of an expression with itself: they hold of anything, and each slip in them fails.

A score counts refuted slips, so that ``X = X`` has the best there is; it is told apart here. Two
sides are one where the text of both is the same, names of a function written out, or where every
instance gives one object for both.
"""

from __future__ import annotations

import ast
import copy
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lora_proofs.arithmetic import Comparison
from lora_proofs.judging.evaluation import MEASURED

COMPARING = frozenset(("at_most", "at_least", "below", "equal"))
ADVANCING = frozenset(("next", "pop", "popleft", "read", "readline"))
"""Calls that give something else the second time."""
DEEPEST = 8
"""How many names are written out one within the other."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Itself:
    """Whether both sides of a claim's comparisons have been one object always, by label."""

    told: dict[str, bool] = field(default_factory=dict)

    def look(self, found: Iterable[Comparison]) -> None:
        """Take in the comparisons of an instance."""
        for c in found:
            if not c.label.startswith(MEASURED):
                self.told[c.label] = self.told.get(c.label, True) and c.left is c.right

    def labels(self, texts: Iterable[str]) -> list[str]:
        """The comparisons of something with itself; ``texts`` are patterns of labels of such."""
        patterns = [re.compile(text) for text in texts]
        same = [x for x in self.told if any(pattern.fullmatch(x) for pattern in patterns)]
        # A construction may hand on a part of what it starts from: one object proves little alone.
        alone = all(one or label in same for label, one in self.told.items())
        return sorted(self.told if alone else same)


def texts_of(check: Callable[..., Any]) -> tuple[str, ...]:
    """Patterns of the labels of comparisons of a text with itself, in the file of a check.

    Nothing is said of a check whose text cannot be read.
    """
    function = inspect.unwrap(getattr(check, "func", check))
    code = getattr(function, "__code__", None)
    try:
        text = Path(code.co_filename).read_text(encoding="utf-8") if code else ""
        return texts_in(ast.parse(text), getattr(function, "__globals__", {}))
    except (OSError, ValueError, SyntaxError):
        return ()


def texts_in(tree: ast.Module, names: Mapping[str, Any]) -> tuple[str, ...]:
    """The same in a tree; ``names`` are what the names in it stand for.

    >>> tree = ast.parse("def f(x, ctx):\\n    yield equal('X', x.X, x.X)")
    >>> texts_in(tree, {})
    ('X',)
    """
    functions = (n for n in ast.walk(tree) if isinstance(n, Function))
    calls = (pair for function in functions for pair in _calls(function))
    found = (_pattern(label, names) for label, same in calls if same)
    return tuple(dict.fromkeys(pattern for pattern in found if pattern))


def _calls(function: Function) -> Iterator[tuple[ast.expr, bool]]:
    """Of each comparison in a function the label, and whether its sides are one text."""
    known = _named(function)
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and len(node.args) == 3 and _name(node) in COMPARING:
            label, left, right = node.args
            one, other = (ast.dump(_written_out(side, known)) for side in (left, right))
            yield label, one == other and not _advances(node)


def _name(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _advances(call: ast.Call) -> bool:
    return any(isinstance(n, ast.Call) and _name(n) in ADVANCING for n in ast.walk(call))


def _named(function: Function) -> dict[str, ast.expr]:
    """What the names of a function stand for that are given a value once, in one place."""
    stored = [n.id for n in ast.walk(function) if isinstance(n, ast.Name) and _is_stored(n)]
    found: dict[str, ast.expr] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            found.update(_pairs(node.targets[0], node.value))
    return {name: value for name, value in found.items() if stored.count(name) == 1}


def _is_stored(name: ast.Name) -> bool:
    return not isinstance(name.ctx, ast.Load)


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, of_it in zip(target.elts, value.elts, strict=False):
            yield from _pairs(one, of_it)


def _written_out(side: ast.expr, known: Mapping[str, ast.expr], depth: int = DEEPEST) -> ast.expr:
    """A side with the names of the function written out."""

    class Fill(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            value = known.get(node.id) if depth and not _is_stored(node) else None
            return node if value is None else _written_out(value, known, depth - 1)

    written: ast.expr = Fill().visit(copy.deepcopy(side))
    return written


def _pattern(label: ast.expr, names: Mapping[str, Any]) -> str:
    """A pattern of the labels that an expression gives; nothing where it cannot be told."""
    if isinstance(label, ast.Constant) and isinstance(label.value, str):
        return re.escape(label.value)
    if isinstance(label, ast.Name):
        value = names.get(label.id)
        return re.escape(value) if isinstance(value, str) else ""
    if isinstance(label, ast.JoinedStr):
        parts = [_pattern(v, names) if isinstance(v, ast.Constant) else ".*" for v in label.values]
        return "".join(parts) if any(part != ".*" for part in parts) else ""
    return ""
