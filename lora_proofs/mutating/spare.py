"""Slips for where a claim's text gives too few others: absolute errors, entries, conditions.

A claim that compares a single number with 0 has no constant to change by one per cent; an error
of a given size is a slip there as well. They are kept apart so that the others stay first.
"""

from __future__ import annotations

import ast
from typing import Any

import flint

from lora_proofs.mutating.comparisons import (
    HUNDREDTH,
    Operator,
    is_bound,
    is_equality,
    is_equality_of_matrices,
)
from lora_proofs.mutating.slips import Slip

TENTH = flint.fmpq(1, 10)


def _first_moved(X: Any) -> Any:
    out = X.copy()
    out.flat[0] = out.flat[0] + 1
    return out


OPERATORS = (
    Operator("one more", "the smaller side is one more", is_bound, lambda a, b, ctx: (a + 1, b)),
    Operator("one less", "the larger side is one less", is_bound, lambda a, b, ctx: (a, b - 1)),
    Operator(
        "a hundredth less", "the larger side is less by 0.01", is_bound,
        lambda a, b, ctx: (a, b - HUNDREDTH),
    ),
    Operator(
        "a hundredth more", "the smaller side is more by 0.01", is_bound,
        lambda a, b, ctx: (a + HUNDREDTH, b),
    ),
    Operator("zero", "the larger side is left out", is_bound, lambda a, b, ctx: (a, b - b)),
    Operator(
        "off by one", "`<=` became `=`, the larger side one less", is_bound,
        lambda a, b, ctx: (a, b - 1), "=",
    ),
    Operator(
        "a tenth less", "the larger side is less by 0.1", is_bound,
        lambda a, b, ctx: (a, b - TENTH),
    ),
    Operator(
        "a tenth more", "the smaller side is more by 0.1", is_bound,
        lambda a, b, ctx: (a + TENTH, b),
    ),
    Operator("zero", "the right side is 0", is_equality, lambda a, b, ctx: (a, b - b)),
    Operator(
        "a hundredth more", "the right side is more by 0.01, in every entry", is_equality,
        lambda a, b, ctx: (a, b + HUNDREDTH),
    ),
    Operator(
        "first entry", "the first entry of the right side is one more", is_equality_of_matrices,
        lambda a, b, ctx: (a, _first_moved(b)),
    ),
    Operator(
        "columns reversed", "the columns of the right side are reversed", is_equality_of_matrices,
        lambda a, b, ctx: (a, b[:, ::-1]),
    ),
)  # fmt: skip


def _whole(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int


def constant_one_more(node: ast.AST, parent: ast.AST) -> ast.expr | None:
    """n + 1 for a whole number n."""
    return ast.Constant(node.value + 1) if _whole(node) else None  # type: ignore[attr-defined]


def constant_one_less(node: ast.AST, parent: ast.AST) -> ast.expr | None:
    """n - 1 for a whole number n."""
    return ast.Constant(node.value - 1) if _whole(node) else None  # type: ignore[attr-defined]


_BESIDE: dict[type[ast.cmpop], ast.cmpop] = {
    ast.Lt: ast.LtE(), ast.LtE: ast.Lt(), ast.Gt: ast.GtE(), ast.GtE: ast.Gt(),
}  # fmt: skip


def condition_moved(node: ast.AST, parent: ast.AST) -> ast.expr | None:
    """<= for <, < for <=, and the same the other way round."""
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:
        return None
    beside = _BESIDE.get(type(node.ops[0]))
    return ast.Compare(node.left, [beside], node.comparators) if beside else None


def condition_turned(node: ast.AST, parent: ast.AST) -> ast.expr | None:
    """Not c for a condition c."""
    if not isinstance(parent, ast.If | ast.IfExp) or node is not parent.test:
        return None
    return ast.UnaryOp(ast.Not(), node)


SLIPS = (
    Slip("constant one more", constant_one_more),
    Slip("condition turned", condition_turned),
    Slip("condition moved", condition_moved),
    Slip("constant one less", constant_one_less),
)
