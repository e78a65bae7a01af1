"""Slips of the pen in Python text: each takes a node of a tree and says what may stand there."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

LESS, MORE = "__import__('flint').fmpq(99, 100)", "__import__('flint').fmpq(101, 100)"
"""0.99 and 1.01 as numbers that every exact arithmetic and the balls take."""
RANKS = frozenset("r R S k n m D L r_ n_ m_ k_ rank order rank_ order_ n_0 width depth".split())
ROOTS = frozenset(("sqrt", "root", "_root"))
TURNED = frozenset(("mT",))
PARTNERS = {
    "A": "B", "A0": "B0", "eA": "eB", "eta_A": "eta_B", "U": "V", "Q": "K", "G_A": "G_B",
    "A_2": "B_2", "a_2": "b_2", "push": "pull", "lower": "upper", "DA": "DB", "dA": "dB",
}  # fmt: skip
PARTNERS |= {second: first for first, second in PARTNERS.items()}


@dataclass(frozen=True)
class Slip:
    """An operator on trees: ``at(node, parent)`` is what to put there, or ``None``."""

    name: str
    at: Callable[[ast.AST, ast.AST], ast.expr | None]


def _expression(text: str, **parts: ast.AST) -> ast.expr:
    """The tree of a text in which names stand for trees."""
    tree = ast.parse(text, mode="eval").body

    class Fill(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            return copy.deepcopy(parts[node.id]) if node.id in parts else node

    found: ast.expr = Fill().visit(tree)
    return found


def _binary(node: ast.AST, *kinds: type[ast.operator]) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, kinds)


def _called(node: ast.AST) -> str:
    """The last name of what is called, or nothing."""
    if not isinstance(node, ast.Call):
        return ""
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _read(node: ast.AST) -> bool:
    return isinstance(getattr(node, "ctx", ast.Load()), ast.Load)


def transpose_dropped(node: ast.AST, parent: ast.AST) -> ast.expr | None:
    """X for X'."""
    return node.value if isinstance(node, ast.Attribute) and node.attr in TURNED else None


def transpose_added(node: ast.AST, parent: ast.AST) -> ast.expr | None:
    """X' for X in a product."""
    plain = isinstance(node, ast.Name | ast.Attribute) and _read(node)
    turned = isinstance(node, ast.Attribute) and node.attr in TURNED
    if not plain or turned or not _binary(parent, ast.MatMult):
        return None
    return _expression("X.mT", X=node)


def sign(node: ast.AST, parent: ast.AST) -> ast.expr | None:
    """+ for -, - for +, and a minus left out."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return node.operand
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Add | ast.Sub):
        return None
    text = "X - Y" if isinstance(node.op, ast.Add) else "X + Y"
    return _expression(text, X=node.left, Y=node.right)


def term_dropped(node: ast.AST, parent: ast.AST) -> ast.expr | None:
    """X for X + Y and X - Y."""
    return node.left if isinstance(node, ast.BinOp) and _binary(node, ast.Add, ast.Sub) else None


def factor_dropped(node: ast.AST, parent: ast.AST) -> ast.expr | None:
    """Y for X * Y, X for X / Y."""
    if not isinstance(node, ast.BinOp) or not _binary(node, ast.Mult, ast.Div):
        return None
    return node.right if isinstance(node.op, ast.Mult) else node.left


def power_lower(node: ast.AST, parent: ast.AST) -> ast.expr | None:
    """X^(k-1) for X^k; a square becomes X."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Pow):
        return None
    if isinstance(node.right, ast.Constant) and node.right.value == 2:
        return node.left
    return _expression("X ** (Y - 1)", X=node.left, Y=node.right)


def power_higher(node: ast.AST, parent: ast.AST) -> ast.expr | None:
    """X^(k+1) for X^k."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Pow):
        return None
    return _expression("X ** (Y + 1)", X=node.left, Y=node.right)


def root_dropped(node: ast.AST, parent: ast.AST) -> ast.expr | None:
    """x for the square root of x."""
    if isinstance(node, ast.Call) and _called(node) in ROOTS and node.args:
        return node.args[0]
    return None


def root_of_divisor(node: ast.AST, parent: ast.AST) -> ast.expr | None:
    """x / sqrt(r) for x / r."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div):
        return None
    if _called(node.right) in ROOTS:
        return None
    return _expression("X / ctx.sqrt(ctx.number(Y))", X=node.left, Y=node.right)


def _is_rank(node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        return node.id in RANKS and _read(node)
    return _called(node) in ("rank", "len")


def rank_less(node: ast.AST, parent: ast.AST) -> ast.expr | None:
    """r - 1 for r."""
    return _expression("X - 1", X=node) if _is_rank(node) else None


def rank_more(node: ast.AST, parent: ast.AST) -> ast.expr | None:
    """r + 1 for r."""
    return _expression("X + 1", X=node) if _is_rank(node) else None


def index_shifted(node: ast.AST, parent: ast.AST) -> ast.expr | None:
    """The next entry for an entry: sigma_(i+1) for sigma_i; one entry less for a slice."""
    if isinstance(parent, ast.Subscript) and node is parent.slice and _is_index(node):
        return _expression("X + 1", X=node)
    if isinstance(parent, ast.Slice) and node in (parent.lower, parent.upper):
        return _expression("X + 1", X=node)
    if isinstance(parent, ast.Call) and _called(parent) in ("nth", "tail") and len(parent.args) > 1:
        return _expression("X + 1", X=node) if node is parent.args[1] else None
    return None


def _is_index(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int)
    return isinstance(node, ast.Name) and len(node.id) <= 2


def _constant(node: ast.AST, parent: ast.AST) -> bool:
    if not isinstance(node, ast.Constant) or isinstance(node.value, bool):
        return False
    if not isinstance(node.value, int) or node.value == 0:
        return False
    return isinstance(parent, ast.BinOp) and not (
        isinstance(parent.op, ast.Pow) and node is parent.right
    )


def constant_less(node: ast.AST, parent: ast.AST) -> ast.expr | None:
    """0.99 c for a constant c."""
    return _expression(f"X * {LESS}", X=node) if _constant(node, parent) else None


def constant_more(node: ast.AST, parent: ast.AST) -> ast.expr | None:
    """1.01 c for a constant c."""
    return _expression(f"X * {MORE}", X=node) if _constant(node, parent) else None


def partner(node: ast.AST, parent: ast.AST) -> ast.expr | None:
    """B for A, A for B, with a transpose where it makes the shapes fit."""
    turned = isinstance(parent, ast.Attribute) and parent.attr in TURNED
    other: ast.expr
    if isinstance(node, ast.Attribute) and node.attr in PARTNERS and _read(node):
        other = ast.Attribute(copy.deepcopy(node.value), PARTNERS[node.attr], ast.Load())
    elif isinstance(node, ast.Name) and node.id in PARTNERS and _read(node):
        other = ast.Name(PARTNERS[node.id], ast.Load())
    else:
        return None
    matrix = _binary(parent, ast.MatMult)
    return _expression("X.mT", X=other) if matrix and not turned else other


def arguments_swapped(node: ast.AST, parent: ast.AST) -> ast.expr | None:
    """f(Y, X) for f(X, Y)."""
    if not isinstance(node, ast.Call) or len(node.args) != 2 or node.keywords:
        return None
    if any(isinstance(x, ast.Starred) for x in node.args) or _called(node) in ("isinstance", "zip"):
        return None
    first, second = node.args
    return ast.Call(copy.deepcopy(node.func), [second, first], [])


def factors_swapped(node: ast.AST, parent: ast.AST) -> ast.expr | None:
    """Y X for the product X Y."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.MatMult):
        return None
    return _expression("Y @ X", X=node.left, Y=node.right)


def largest_for_sum(node: ast.AST, parent: ast.AST) -> ast.expr | None:
    """The largest for the sum, the least for the largest and the other way round."""
    turned = {"sum": "max", "max": "min", "min": "max"}
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return None
    if node.func.id not in turned or node.keywords:
        return None
    return ast.Call(ast.Name(turned[node.func.id], ast.Load()), copy.deepcopy(node.args), [])


SLIPS = (
    Slip("transpose dropped", transpose_dropped),
    Slip("sign", sign),
    Slip("r - 1", rank_less),
    Slip("square root dropped", root_dropped),
    Slip("A and B swapped", partner),
    Slip("index shifted", index_shifted),
    Slip("r + 1", rank_more),
    Slip("constant times 0.99", constant_less),
    Slip("square dropped", power_lower),
    Slip("constant times 1.01", constant_more),
    Slip("factors swapped", factors_swapped),
    Slip("1/sqrt(r) for 1/r", root_of_divisor),
    Slip("transpose added", transpose_added),
    Slip("factor dropped", factor_dropped),
    Slip("term dropped", term_dropped),
    Slip("power one higher", power_higher),
    Slip("max for sum", largest_for_sum),
    Slip("arguments swapped", arguments_swapped),
)


def with_parents(tree: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Every node below a tree with its parent, in the order of the text."""
    for node in ast.iter_child_nodes(tree):
        yield node, tree
        yield from with_parents(node)
