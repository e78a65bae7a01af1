"""The house: imports run downwards, siblings keep apart, and names do not collide."""

from __future__ import annotations

import ast
import pkgutil
import subprocess
import sys
from functools import cache
from importlib import import_module
from inspect import isfunction
from pathlib import Path

import pytest

import lora_proofs

HOME = Path(lora_proofs.__file__).parent
FLOORS = {
    "errors": 0, "arithmetic": 0, "mathematics": 1, "symbolic": 2, "integrate": 2,
    "constructions": 2, "kernels": 2, "strategies": 2, "language": 3, "solving": 3,
    "certificates": 3, "experiments": 3, "writing": 3, "claims": 4, "judging": 5, "breaking": 6,
    "mutating": 6, "running": 7, "report": 8, "cli": 8,
}  # fmt: skip
ROOFS = {"__init__", "__main__", "pytest_plugin"}  # the faces of the whole: they may see all
APART = {"checker"}  # the standard library alone


@cache
def modules():
    """Every module of the package with its tree, by dotted name."""
    paths = sorted(HOME.rglob("*.py"))
    names = [path.relative_to(HOME).with_suffix("").parts for path in paths]
    return [(n, p, ast.parse(p.read_text())) for n, p in zip(names, paths, strict=True)]


def imported(tree):
    """The modules of the package that a tree imports, also inside functions; not for types only."""
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written out in full"
            if node.module == "lora_proofs":
                yield from (f"lora_proofs.{alias.name}" for alias in node.names)
            elif node.module:
                yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def complaints(parts, tree):
    """What a module imports that stands above it, or beside it on floor 2."""
    package = parts[0]
    for name in imported(tree):
        if not name.startswith("lora_proofs."):
            continue
        other = name.split(".")[1]
        if other == package or other not in FLOORS:
            continue
        if FLOORS[other] > FLOORS[package] or (FLOORS[other] == FLOORS[package] == 2):
            yield f"{'.'.join(parts)} imports {name}"


def test_every_package_has_its_floor():
    packages = {parts[0] for parts, _, _ in modules()}
    assert packages - ROOFS - APART <= set(FLOORS)


def test_imports_run_only_downwards_and_siblings_of_floor_two_keep_apart():
    found = [x for p, _, tree in modules() if p[0] in FLOORS for x in complaints(p, tree)]
    assert not found


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("claims/x", "from lora_proofs.running.runner import verify"),
        ("symbolic/x", "from lora_proofs.strategies.draw import Draw"),
        ("mathematics/x", "def late():\n    import lora_proofs.symbolic.steps"),
        ("arithmetic/x", "from lora_proofs import mathematics"),
    ],
)
def test_an_import_upwards_or_sideways_is_noticed(module, line):
    assert list(complaints(tuple(module.split("/")), ast.parse(line)))


def test_the_checker_leans_on_nothing_but_the_standard_library():
    for parts, _, tree in modules():
        if parts[0] in APART:
            roots = {name.split(".")[0] for name in imported(tree)}
            assert roots <= sys.stdlib_module_names


def test_the_runner_names_no_theorem():
    names = {claim.name for _, claim in named_claims()}
    assert names
    for parts, _, tree in modules():
        if parts[0] not in ("judging", "breaking", "mutating", "running", "language"):
            continue
        assert not any(name.startswith("lora_proofs.claims.") for name in imported(tree)), parts
        code = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
        assert not names & {x for x in code if isinstance(x, str)}, parts


def named_claims():
    from lora_proofs.language.claim import Claim

    package = import_module("lora_proofs.claims")
    for info in pkgutil.walk_packages(package.__path__, "lora_proofs.claims."):
        for value in vars(import_module(info.name)).values():
            if isinstance(value, Claim):
                yield info.name, value


def test_no_public_function_shares_its_name_with_a_submodule():
    for parts, path, tree in modules():
        inside = path.parent if path.name == "__init__.py" else path.with_suffix("")
        if not inside.is_dir():
            continue
        submodules = {p.stem for p in inside.iterdir() if p.suffix == ".py" or p.is_dir()}
        functions = {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}
        public = {
            alias.asname or alias.name
            for n in ast.walk(tree)
            if isinstance(n, ast.ImportFrom) and n.module and "lora_proofs" in n.module
            for alias in n.names
            if isfunction(getattr(import_module(n.module), alias.name, None))
        }
        assert not submodules & (functions | public), parts


def test_importing_the_package_loads_no_heavy_library():
    heavy = "sympy matplotlib distributed scipy hypothesis mpmath numpy flint rich typer".split()
    code = f"import sys, lora_proofs; print([x for x in {heavy!r} if x in sys.modules])"
    environment = {"PYTHONPATH": str(HOME.parent), "PYTHONSAFEPATH": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.strip() == "[]"
