"""Modules of claims executed a second time: with a changed tree, or untouched, to watch them.

The second copy lives beside the first: nothing that is imported elsewhere sees it, and the claims
that everybody has stay what they are.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import CodeType, ModuleType

SHIPPED = "lora_proofs.claims"


@cache
def tree_of(file: str) -> ast.Module:
    """The tree of a source file; it is shared, so nobody changes it."""
    return fresh_tree(file)


def fresh_tree(file: str) -> ast.Module:
    """The tree of a source file, to be changed."""
    return ast.parse(Path(file).read_text(encoding="utf-8"), file)


def is_home(module: ModuleType | None, root: ModuleType) -> bool:
    """Whether a module holds text of claims: the one of the claim itself, or a shipped one."""
    if module is None or not getattr(module, "__file__", None):
        return False
    return module is root or module.__name__.startswith(SHIPPED + ".")


@cache
def _code_of(file: str) -> CodeType:
    return compile(tree_of(file), file, "exec", dont_inherit=True)


@cache
def needed(root: ModuleType) -> tuple[ModuleType, ...]:
    """The modules of claims that a module is made from, each after those that it imports."""
    done: dict[str, ModuleType] = {}

    def visit(module: ModuleType, above: tuple[str, ...]) -> None:
        for name in _imports(module):
            other = sys.modules.get(name)
            if other is not None and is_home(other, root) and name not in (*above, *done):
                visit(other, (*above, module.__name__))
        done.setdefault(module.__name__, module)

    visit(root, ())
    return tuple(module for module in done.values() if not hasattr(module, "__path__"))


def _imports(module: ModuleType) -> Iterator[str]:
    assert module.__file__ is not None
    for node in ast.walk(tree_of(module.__file__)):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def rebuilt(root: ModuleType, changed: Mapping[str, ast.Module]) -> dict[str, ModuleType]:
    """Fresh copies of a module and of all that it is made from, some from changed trees.

    ``changed`` maps names of modules to their trees. What executing them raises is raised.
    """
    fresh: dict[str, ModuleType] = {}
    with _standing_in():
        for module in needed(root):
            assert module.__file__ is not None
            code, copy = _code_of(module.__file__), _blank(module)
            if module.__name__ in changed:
                tree = changed[module.__name__]
                code = compile(tree, module.__file__, "exec", dont_inherit=True)
            _stand_in(copy)
            exec(code, copy.__dict__)
            fresh[module.__name__] = copy
    return fresh


def _blank(module: ModuleType) -> ModuleType:
    spec = importlib.util.spec_from_file_location(module.__name__, module.__file__)
    assert spec is not None
    return importlib.util.module_from_spec(spec)


def _stand_in(copy: ModuleType) -> None:
    """Let imports find the copy; a package hands out its submodules as attributes."""
    sys.modules[copy.__name__] = copy
    package, _, name = copy.__name__.rpartition(".")
    if package in sys.modules:
        setattr(sys.modules[package], name, copy)


@contextmanager
def _standing_in() -> Iterator[None]:
    """Every module that was replaced comes back."""
    before = {name: module for name, module in sys.modules.items() if module is not None}
    try:
        yield
    finally:
        for name in list(sys.modules):
            known = before.get(name)
            if known is not None and sys.modules[name] is not known:
                _stand_in(known)
