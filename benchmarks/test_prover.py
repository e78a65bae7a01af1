"""The prover against SymPy: one gradient of LoRA, and one trace, proved by each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sympy as sp

from lora_proofs.mathematics import words as w
from lora_proofs.symbolic.differential import gradient
from lora_proofs.symbolic.entries import agree
from lora_proofs.symbolic.normal_form import cyclic_word, normal_form, order
from lora_proofs.symbolic.rewriting import reduce

W0, Y = w.Symbol("W0", "n", "m"), w.Symbol("Y", "n", "m")
A, B = w.Symbol("A", "r", "m"), w.Symbol("B", "n", "r")
RESIDUAL = W0 + B @ A - Y
LEFT = w.Gradient(w.squared_norm(RESIDUAL) / 2, A)
RIGHT = B.T @ RESIDUAL
SHAPES = [(2, 2, 1), (4, 4, 2), (6, 6, 2)]
Versus = Callable[..., None]


def by_normal_form() -> None:
    """grad_A = B'(W0 + BA - Y) for every n, m and r, nothing remembered from the round before."""
    order.cache_clear()
    cyclic_word.cache_clear()
    assert (reduce(LEFT) - reduce(RIGHT)).is_zero


def by_entries(shape: tuple[int, int, int]) -> None:
    """The same by the second engine, at one shape."""
    n, m, r = shape
    assert agree(LEFT, RIGHT, shapes=({"n": n, "m": m, "r": r},))


def by_sympy(shape: tuple[int, int, int]) -> None:
    """The same by SymPy, component by component; its cache starts empty, as for a new identity."""
    sp.core.cache.clear_cache()
    n, m, r = shape
    start, target = _matrix("w", n, m), _matrix("y", n, m)
    right, left = _matrix("a", r, m), _matrix("b", n, r)
    residual = start + left * right - target
    loss = sum(x**2 for x in residual) / 2
    stated = left.T * residual
    assert all(
        sp.expand(sp.diff(loss, right[i, j]) - stated[i, j]) == 0
        for i in range(r)
        for j in range(m)
    )


def _matrix(name: str, rows: int, columns: int) -> Any:
    return sp.Matrix(rows, columns, lambda i, j: sp.Symbol(f"{name}_{i}_{j}"))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_all_shapes_against_components(versus: Versus, shape: tuple[int, int, int]) -> None:
    versus(
        "gradient, normal form, all shapes",
        by_normal_form,
        f"SymPy components at {shape}",
        lambda: by_sympy(shape),
        rounds=5,
    )


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_second_engine_against_components(versus: Versus, shape: tuple[int, int, int]) -> None:
    versus(
        f"gradient, second engine at {shape}",
        lambda: by_entries(shape),
        f"SymPy components at {shape}",
        lambda: by_sympy(shape),
        rounds=5,
    )


def test_against_matrix_expressions(versus: Versus) -> None:
    """d tr(BAM)/dA = B'M', which SymPy's matrix calculus gets right; the square above it cannot."""
    M = w.Symbol("M", "m", "n")
    n, m, r = sp.symbols("n m r", integer=True, positive=True)
    a, b = sp.MatrixSymbol("A", r, m), sp.MatrixSymbol("B", n, r)
    c = sp.MatrixSymbol("M", m, n)

    def ours() -> None:
        order.cache_clear()
        cyclic_word.cache_clear()
        found = normal_form(gradient(w.Trace(B @ A @ M), A))
        assert (found - normal_form(B.T @ M.T)).is_zero

    def sympy() -> None:
        sp.core.cache.clear_cache()
        assert sp.Trace(b * a * c).diff(a) == b.T * c.T

    versus("d tr(BAM)/dA, normal form", ours, "SymPy MatrixExpr", sympy, rounds=15)
