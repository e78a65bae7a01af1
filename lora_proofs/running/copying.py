"""A shipped claim as a file of its own: the part of its module that it needs, under a new name."""

from __future__ import annotations

import ast
import symtable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from lora_proofs.language.claim import Claim
from lora_proofs.running.catalogue import Entry

HEAD = """

# Starts from the shipped claim {name}.
# Change it from top to bottom: the statement, `check`, the instances that it is drawn on, and the
# controls, which must fail. Then run `lora-proofs verify` on this file."""
WIDTH = 100


def copied(entry: Entry, name: str) -> str:
    """The source of a shipped claim, standing alone, as a claim of a new name.

    What the claim does not need is left out; another claim of the module that it needs is
    imported from there.

    >>> from lora_proofs.running.catalogue import named, shipped_claims
    >>> text = copied(named("classical/balancedness", shipped_claims())[0], "my/own")
    >>> 'name="my/own"' in text, "def derive()" in text
    (True, True)
    """
    module = import_module(entry.locator.module)
    source = _Source.read(Path(module.__file__ or ""))
    claims = {key for key, value in vars(module).items() if _is_claims(value)}
    home = source.statement_of(entry.locator.attribute)
    target = _target(home.value, entry.locator.index)
    needed = source.closure(target, frozenset(claims))
    return source.text(entry, name, home, target, needed, claims)


def _is_claims(value: object) -> bool:
    if isinstance(value, tuple | list) and value:
        return all(isinstance(one, Claim) for one in value)
    return isinstance(value, Claim)


def _target(value: ast.expr, index: int | None) -> ast.expr:
    """The expression of the claim: an element, where a tuple is written out."""
    if index is None:
        return value
    if isinstance(value, ast.Tuple | ast.List) and len(value.elts) > index:
        return value.elts[index]
    picked = f"tuple({ast.unparse(value)})[{index}]"
    return ast.parse(picked, mode="eval").body


@dataclass(frozen=True)
class _Source:
    """A module's text and its top-level statements."""

    lines: tuple[str, ...]
    body: tuple[ast.stmt, ...]

    @classmethod
    def read(cls, path: Path) -> _Source:
        text = path.read_text(encoding="utf-8")
        return cls(tuple(text.splitlines()), tuple(ast.parse(text).body))

    def statement_of(self, attribute: str) -> ast.Assign:
        """The assignment that gives a name its value."""
        for node in self.body:
            if isinstance(node, ast.Assign) and attribute in _bound(node):
                return node
        raise AssertionError(f"no assignment to {attribute}")

    def closure(self, target: ast.expr, claims: frozenset[str]) -> set[str]:
        """Every name that the claim leads to, through this module; claims are not followed."""
        needed: set[str] = set()
        waiting = _used(target)
        while waiting:
            name = waiting.pop()
            if name not in needed:
                needed.add(name)
                for node in self.body if name not in claims else ():
                    if name in _bound(node):
                        waiting |= _used(node)
        return needed

    def text(
        self,
        entry: Entry,
        name: str,
        home: ast.Assign,
        target: ast.expr,
        needed: set[str],
        claims: set[str],
    ) -> str:
        """The parts that are needed, in their order, then the claim."""
        others = sorted(needed & claims)
        docstring, *rest = self._kept(needed, claims, home)
        parts = [self._part(node, needed, space) for node, space in rest]
        borrowed = [] if _is_call(target) else ["\nimport dataclasses"]
        borrowed += ["\n" + _import(entry.locator.module, others)] if others else []
        place = _after_imports([node for node, _ in rest])
        parts[place:place] = borrowed
        head = self._plain(docstring[0]) + HEAD.format(name=entry.name)
        return "".join([head, *parts, "\n\n\n", self._claim(target, name), "\n"])

    def _kept(
        self, needed: set[str], claims: set[str], home: ast.Assign
    ) -> list[tuple[ast.stmt, int]]:
        """The statements that are needed, and the blank lines above each.

        A text below a statement explains it and stays with it.
        """
        found, above, space = [], True, 0
        for node in self.body:
            bound = _bound(node)
            wanted = bool(bound & (needed | {"annotations"})) and not bound & claims
            above = above if isinstance(node, ast.Expr) else wanted and node is not home
            space = max(space, self._space(node))
            if above:
                found.append((node, space))
                space = 0
        return found

    def _space(self, node: ast.stmt) -> int:
        """The blank lines above a statement."""
        first, blank = self._first(node), 0
        while first > blank and not self.lines[first - blank - 1].strip():
            blank += 1
        return blank

    def _part(self, node: ast.stmt, needed: set[str], space: int) -> str:
        """A statement, with so many blank lines above it."""
        above = "\n" * (space + 1)
        if isinstance(node, ast.ImportFrom) and node.module != "__future__":
            aliases = [a for a in node.names if (a.asname or a.name) in needed]
            return above + _import(node.module or "", [ast.unparse(alias) for alias in aliases])
        return above + "\n".join(self.lines[self._first(node) : node.end_lineno])

    def _plain(self, node: ast.stmt) -> str:
        return "\n".join(self.lines[node.lineno - 1 : node.end_lineno])

    def _source(self, node: ast.expr) -> str:
        segment = ast.get_source_segment("\n".join(self.lines), node)
        return segment or ast.unparse(node)

    def _first(self, node: ast.stmt) -> int:
        """The first line of a statement, with its decorators and the comments above it."""
        decorators = getattr(node, "decorator_list", [])
        first: int = min([node.lineno, *(d.lineno for d in decorators)]) - 1
        while first > 0 and self.lines[first - 1].startswith("#"):
            first -= 1
        return first

    def _claim(self, target: ast.expr, name: str) -> str:
        if not _is_call(target):
            return f'claim = dataclasses.replace({self._source(target)}, name="{name}")'
        assert isinstance(target, ast.Call)
        value = next(k.value for k in target.keywords if k.arg == "name")
        lines = list(self.lines[target.lineno - 1 : target.end_lineno])
        row = value.lineno - target.lineno
        assert value.end_col_offset is not None
        line = lines[row].encode()
        lines[row] = (
            line[: value.col_offset] + f'"{name}"'.encode() + line[value.end_col_offset :]
        ).decode()
        lines[0] = "claim = " + lines[0].encode()[target.col_offset :].decode()
        return "\n".join(lines)


def _is_call(target: ast.expr) -> bool:
    """Whether it is written ``Claim(...)``."""
    return isinstance(target, ast.Call) and getattr(target.func, "id", "") == "Claim"


def _after_imports(nodes: list[ast.stmt]) -> int:
    places = [i for i, node in enumerate(nodes) if isinstance(node, ast.Import | ast.ImportFrom)]
    return max(places, default=-1) + 1


def _bound(node: ast.stmt) -> set[str]:
    """The names that a top-level statement gives a value."""
    match node:
        case ast.Import() | ast.ImportFrom():
            return {(a.asname or a.name).partition(".")[0] for a in node.names}
        case ast.FunctionDef() | ast.ClassDef():
            return {node.name}
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            return {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
        case _:
            return set()


def _used(node: ast.AST) -> set[str]:
    """The names of the module that a tree reads; what a function binds itself is none of them."""
    return _read(symtable.symtable(ast.unparse(node), "<part>", "exec"), True)


def _read(table: symtable.SymbolTable, top: bool) -> set[str]:
    found = {s.get_name() for s in table.get_symbols() if s.is_referenced()}
    if not top:
        found = {name for name in found if table.lookup(name).is_global()}
    return found.union(*(_read(child, False) for child in table.get_children()))


def _import(module: str, names: list[str]) -> str:
    """An import, broken into lines where it is long."""
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= WIDTH:
        return line
    inside = "".join(f"    {name},\n" for name in names)
    return f"from {module} import (\n{inside})"
