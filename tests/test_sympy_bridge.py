"""SymPy expressions in and out; what either side cannot say raises."""

from __future__ import annotations

import pytest
import sympy as sp
from sympy.core.symbol import Str

from lora_proofs.errors import NotUnderstood
from lora_proofs.mathematics import words as w
from lora_proofs.mathematics.notation import A, B, W, f, h
from lora_proofs.symbolic.rewriting import reduce
from lora_proofs.symbolic.sympy_bridge import from_sympy, relation_to_sympy, to_sympy

n, m, r = sp.symbols("n m r", integer=True, positive=True)
M, N = sp.MatrixSymbol("M", n, n), sp.MatrixSymbol("N", n, n)
X, Y = sp.MatrixSymbol("X", n, m), sp.MatrixSymbol("Y", m, n)
x, y = sp.symbols("x y")
a, b = sp.symbols("a b", commutative=False)
P, Q = w.Symbol("M", "n", "n"), w.Symbol("N", "n", "n")


def equal(left, right):
    return (reduce(left) - reduce(right)).is_zero


READ = {
    "a trace that SymPy calls different": (sp.Trace(M * N) - sp.Trace(N * M), w.word(0)),
    "products and transposes": ((X * Y).T, (w.Symbol("X", "n", "m") @ w.Symbol("Y", "m", "n")).T),
    "powers": (M**3, P @ P @ P),
    "negative powers": (M**-2, w.Inverse(P) @ w.Inverse(P)),
    "inverses": (M.I * M * N, Q),
    "numbers": (sp.Rational(1, 3) * M - M / 3, w.Zero("n", "n")),
    "scalars": (x * M + y**2 * N, w.Scalar("x") * P + w.Scalar("y") ** 2 * Q),
    "a squared trace": (sp.Trace(M) ** 2 / 2, w.Trace(P) ** 2 / 2),
    "identity and zero": (sp.Identity(n) + sp.ZeroMatrix(n, n), w.Identity("n")),
    "fixed sizes": (sp.Trace(sp.MatrixSymbol("Z", 2, 2)), w.Trace(w.Symbol("Z", 2, 2))),
    "a declared sign": (sp.Symbol("u", nonnegative=True), w.Scalar("u", nonnegative=True)),
}


@pytest.mark.parametrize("name", READ)
def test_sympy_expressions_are_read_as_they_are_meant(name):
    expression, meant = READ[name]
    assert equal(from_sympy(expression), meant)


def test_what_sympy_tells_apart_is_told_apart():
    assert not equal(from_sympy(sp.Trace(M * N.T)), from_sympy(sp.Trace(M * N)))
    assert not equal(from_sympy(M * N), from_sympy(N * M))


UNREADABLE = [
    sp.HadamardProduct(M, N), sp.KroneckerProduct(M, N), sp.Determinant(M), sp.Adjoint(M),
    sp.OneMatrix(n, n), sp.BlockMatrix([[M, N]]), sp.Matrix([[1, 2], [3, 4]]), M[0, 0], M**n,
    M ** sp.Rational(1, 2), sp.sqrt(x), 2**x, sp.Float(0.5) * x, 2.5 * M, sp.I * x, sp.pi * x,
    sp.oo, sp.nan, sp.exp(x), sp.Abs(x), sp.Derivative(x**2, x), sp.Function("f")(x),
    sp.MatrixSymbol("Z", n + 1, n), a * b - b * a, sp.Dummy("x") - sp.Dummy("x"),
    sp.Symbol("x", real=True) - x, "M", None,
]  # fmt: skip


@pytest.mark.parametrize("expression", UNREADABLE, ids=lambda e: type(e).__name__)
def test_what_cannot_be_read_raises_and_is_never_taken_as_zero(expression):
    with pytest.raises(NotUnderstood):
        from_sympy(expression)


@pytest.mark.parametrize(
    "expression",
    [
        B @ A - 2 * (B @ A @ A.T @ A),
        w.Trace(B @ A @ w.Symbol("Z", "m", "n")) ** 2 * A,
        w.Inverse(P @ Q) + P.T,
        w.squared_norm(A) * w.Identity("n"),
        h**2 * B - h * B,
        w.Zero("n", "m"),
    ],
)
def test_words_go_out_and_come_back(expression):
    assert equal(from_sympy(to_sympy(expression)), expression)


def test_formal_derivatives_are_carried_out_on_the_way():
    assert to_sympy(w.Gradient(w.squared_norm(A), A)).doit() == 2 * to_sympy(A)


def test_explicit_entries_of_what_goes_out_have_the_same_value():
    out = to_sympy(w.Trace(w.Symbol("S", 2, 3) @ w.Symbol("T", 3, 2)))
    s, t = sp.MatrixSymbol("S", 2, 3), sp.MatrixSymbol("T", 3, 2)
    expected = sum(s[i, j] * t[j, i] for i in range(2) for j in range(3))
    assert sp.expand(out.doit().rewrite(sp.Sum).doit() - expected) == 0


def test_losses_and_norms_go_out_by_names_that_equal_expressions_share():
    assert to_sympy(f(W)) == to_sympy(f(B @ A + W - B @ A))
    assert to_sympy(w.Norm("F", (A,))).is_nonnegative
    assert to_sympy(f.gradient(W)).shape == (n, m)
    assert to_sympy(f(W)) != to_sympy(w.Loss("g", "n", "m")(W))


class Unknown(w.Word):
    """A node that SymPy has no word for."""


def test_what_sympy_cannot_say_raises_or_is_said_to_be_so():
    with pytest.raises(NotUnderstood):
        to_sympy(Unknown())


def test_a_relation_goes_out_as_python_that_rebuilds_it():
    scope = {**vars(sp), "Str": Str}
    bound = eval(relation_to_sympy(w.Relation(h, "<=", h + 1)), scope)
    assert isinstance(bound, sp.Le) and bound.lhs == to_sympy(h) and bound.rhs == to_sympy(h + 1)
    same = eval(relation_to_sympy(w.Relation(P, "=", P)), scope)
    assert isinstance(same, sp.Eq) and same.lhs == same.rhs == to_sympy(P)
