"""The shipped claims by example: reference fractions, hand-computed constants, a trap's edges."""

from __future__ import annotations

import json
import pkgutil
from fractions import Fraction
from importlib import import_module
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import sympy
from latex2mathml.converter import convert
from sympy.polys.rings import PolyRing

import lora_proofs
from lora_proofs.arithmetic import EXACT
from lora_proofs.claims.rushka_klabjan.discretisation import limit_runs, one_step_difference
from lora_proofs.claims.rushka_klabjan.naive import same_limit_at_infinite_time as naive
from lora_proofs.language.claim import Claim
from lora_proofs.mathematics.evaluate import evaluate
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.notation import (
    A_SQUARE,
    W0,
    W0_SQUARE,
    A,
    B,
    G,
    W,
    Y,
    f,
    frobenius_value,
    h,
    trace_squared_value,
)
from lora_proofs.mathematics.words import Symbol, substitute
from lora_proofs.symbolic.differential import expand, gradient
from lora_proofs.symbolic.printing import relation_latex

VECTORS = json.loads((Path(__file__).parent / "vectors" / "gradient_flow.json").read_text())
SHAPES = [(2, 2, 1), (2, 3, 2), (3, 3, 2)]


def shipped():
    package = import_module("lora_proofs.claims")
    for info in pkgutil.walk_packages(package.__path__, "lora_proofs.claims."):
        for value in vars(import_module(info.name)).values():
            if isinstance(value, Claim):
                yield value


CLAIMS = {claim.name: claim for claim in shipped()}


def test_the_claims_of_the_paper_are_there():
    names = "lora-flow-equations one-step-difference first-order-equality gradient-flow-limit"
    assert {f"rushka-klabjan/{name}" for name in names.split()} <= set(CLAIMS)
    assert "rushka-klabjan/naive/same-limit-at-infinite-time" in CLAIMS


@pytest.mark.parametrize("name", CLAIMS)
def test_every_statement_renders_as_mathematics(name):
    claim = CLAIMS[name]
    for text in (claim.statement, *(a.statement for a in claim.assumptions)):
        pieces = text.split("$")
        assert len(pieces) % 2, f"a dollar is open in {text!r}"
        assert all("<math" in convert(piece) for piece in pieces[1::2])
    assert claim.title and claim.statement.endswith(".")


@pytest.mark.parametrize("name", CLAIMS)
def test_every_conclusion_is_labelled_and_its_lines_are_printable(name):
    claim = CLAIMS[name]
    for relation in claim.conclusion:
        assert relation.label and "<math" in convert(relation_latex(relation))
    assert len({r.label for r in claim.conclusion}) == len(claim.conclusion)


# One step: the same fractions through the functions that a user calls and through what is derived.

CASES = {
    "onestep_frob": (one_step_difference.frobenius_relations, {A: "A0", B: "B0", W0: "W0", Y: "Y"}),
    "onestep_trsq": (
        one_step_difference.trace_squared_relations,
        {A_SQUARE: "A0", B: "B0", W0_SQUARE: "W0"},
    ),
}


def loss_of(group):
    losses, Y = lora_proofs.losses, VECTORS[group]["input"].get("Y")
    return losses.frobenius(Y) if group == "onestep_frob" else losses.trace_squared()


@pytest.mark.parametrize("group", CASES)
def test_derived_differences_are_those_of_the_reference_steps(group):
    vector, (relations, names) = VECTORS[group], CASES[group]
    values = {s: EXACT.matrix(vector["input"][k]) for s, k in names.items()}
    values[h] = EXACT.number(vector["h"])
    in_B, in_A = relations()
    for relation, mode, factor in ((in_B, "AB", "B"), (in_A, "BA", "A")):
        wanted = EXACT.matrix(vector[mode][factor]) - EXACT.matrix(vector["sim"][factor])
        assert (evaluate(relation.left, values, EXACT) == wanted).all()
        assert (evaluate(relation.right, values, EXACT) == wanted).all()


@pytest.mark.parametrize("group", CASES)
@pytest.mark.parametrize("mode", ["sim", "AB", "BA"])
def test_the_steps_that_a_user_calls_give_the_reference_fractions(group, mode):
    flows, vector = lora_proofs.flows, VECTORS[group]
    step = {"sim": flows.simultaneous_step, "AB": flows.a_first_step, "BA": flows.b_first_step}
    start = [EXACT.matrix(vector["input"][k]) for k in ("W0", "A0", "B0")]
    found = step[mode](loss_of(group), *start, vector["h"], EXACT)
    for factor, got in zip("AB", found, strict=True):
        assert (got == EXACT.matrix(vector[mode][factor])).all()


@pytest.mark.parametrize("group", CASES)
def test_the_derived_second_order_is_the_reference_coefficient(group):
    vector, (relations, names) = VECTORS[group], CASES[group]
    values = {s: EXACT.matrix(vector["input"][k]) for s, k in names.items()}
    in_B, in_A = relations()
    for relation, key in ((in_B, "coefB_AB_minus_sim"), (in_A, "coefA_BA_minus_sim")):
        at_one = {value: evaluate(relation.right, {**values, h: value}, EXACT) for value in (1, -1)}
        # c h^2 + d h^3: the even part at h = 1 is c.
        assert ((at_one[1] + at_one[-1]) / 2 == EXACT.matrix(vector[key])).all()


# The flow and the steps written out by SymPy, entry by entry, against the words.


class SymPyEntries:
    """Words evaluated with SymPy expressions for entries."""

    name = "SymPy entries"

    def number(self, value):
        return sympy.Rational(value.numerator, value.denominator)

    def identity(self, size):
        return array(sympy.eye(size))

    def zeros(self, rows, columns):
        return array(sympy.zeros(rows, columns))


def array(matrix):
    return np.array(matrix.tolist(), dtype=object).reshape(matrix.shape)


def entries(name, rows, columns):
    return array(sympy.Matrix(rows, columns, lambda i, j: sympy.Symbol(f"{name}_{i + 1}{j + 1}")))


def symbols(loss, n, m, r):
    square = loss == "trace-squared"
    sizes = {A_SQUARE if square else A: ("a", r, m), B: ("b", n, r)}
    sizes[W0_SQUARE if square else W0] = ("w", n, m)
    if loss == "frobenius":
        sizes[Y] = ("y", n, m)
    return {s: entries(*names) for s, names in sizes.items()} | {h: sympy.Symbol("h")}


class GenericEntries:
    """f of all entries, for the words and for ``equations`` alike: a polynomial of every entry."""

    @staticmethod
    def of(W):
        flat = list(W.flat if hasattr(W, "flat") and not callable(W.flat) else W)
        return sum((i + 1) * x**3 + x * flat[i - 1] ** 2 for i, x in enumerate(flat))

    def gradient(self, W, ctx):
        out = W.copy()
        names = [sympy.Symbol(f"v{i}") for i in range(W.size)]
        value, at = self.of(names), dict(zip(names, W.flat, strict=True))
        out.flat = [value.diff(v).subs(at, simultaneous=True) for v in names]
        return out


def rates(loss, values):
    """-B'G and -G A' of the words, on entries."""
    if loss == "generic":
        field = (-(B.T @ G), -(G @ A.T))
        values = {**values, f: GenericEntries()}
    else:
        first = A if loss == "frobenius" else A_SQUARE
        square = trace_squared_value(W0_SQUARE + B @ A_SQUARE)
        value = frobenius_value(W) if loss == "frobenius" else square
        field = (-gradient(value, first), -gradient(value, B))
    return [evaluate(word, values, SymPyEntries()) for word in field]


LOSSES = [
    (loss, shape)
    for loss in ("frobenius", "trace-squared", "generic")
    for shape in SHAPES
    if loss != "trace-squared" or shape[0] == shape[1]
]


@pytest.mark.parametrize(("loss", "shape"), LOSSES)
def test_the_flow_that_sympy_derives_is_the_flow_of_the_words(loss, shape):
    given = GenericEntries.of if loss == "generic" else loss
    found = lora_proofs.flows.equations(given, *shape)
    t = sympy.Symbol("t")
    derived = chain(*(x.flat for x in rates(loss, symbols(loss, *shape))))
    for equation, rate in zip(found, derived, strict=True):
        still = {x: sympy.Symbol(x.func.__name__) for x in equation.atoms(sympy.Function)}
        assert sympy.expand(equation.rhs.subs(still) - rate) == 0
        assert equation.lhs.args[1] == (t, 1)


@pytest.mark.parametrize(("loss", "shape"), [x for x in LOSSES if x[0] != "generic"])
def test_the_steps_that_sympy_compares_differ_as_derived(loss, shape):
    found = lora_proofs.flows.sequential_difference(loss, *shape)
    values = symbols(loss, *shape)
    make = {
        "frobenius": one_step_difference.frobenius_relations,
        "trace-squared": one_step_difference.trace_squared_relations,
    }
    # In a polynomial ring of SymPy: its expressions would take a minute to expand.
    names = [x for value in values.values() for x in getattr(value, "flat", [value])]
    lift = PolyRing(names, "QQ", "lex").from_expr
    lifted = {s: np.vectorize(lift, otypes=[object])(x) for s, x in values.items()}
    lifted[h] = lift(values[h])
    for relation, by_power in zip(make[loss](), (found.A_first, found.B_first), strict=True):
        assert sorted(by_power) == [2, 3]
        derived = evaluate(relation.right, lifted, SymPyEntries())
        for index in np.ndindex(derived.shape):
            whole = sum(lift(c[index]) * lifted[h] ** k for k, c in by_power.items())
            assert whole == derived[index]


def test_an_undefined_loss_differentiates_to_its_partial_derivatives():
    equation, *_ = lora_proofs.flows.equations("generic", 1, 1, 1)
    assert isinstance(equation.rhs, sympy.Mul) and equation.rhs.atoms(sympy.Derivative)


def test_substituted_steps_are_the_steps():
    again = substitute(one_step_difference.FROBENIUS.a_first[1], {h: 0})
    assert expand(again).shape == B.shape and isinstance(B, Symbol)


# The constants of the limit, by hand: RA = 2, RB = 3, M2 = 1, MF = 4, Lf = 5, K = 15.


def test_the_constants_of_the_limit_are_those_computed_by_hand():
    tiny = Instance(
        loss="frobenius", W0=[[0]], Y=[[1]], A0=[["1/2"]], B0=[[0]], h="1/4", steps=1, T="1/4",
        RA=2, RB=3, M2=1, MF=4, Lf=5, K=15,
    )  # fmt: skip
    # L = 1 + 5 (4 + 9) = 66; LK/2 = 495; (M2 + RA RB Lf) MF = 31 * 4 = 124.
    assert limit_runs.constants(tiny, EXACT) == {
        "L": 66, "simultaneous": 495, "A-first": 495 + 3 * 124, "B-first": 495 + 2 * 124,
    }  # fmt: skip


def test_roots_are_rounded_up_to_the_grain():
    assert limit_runs.up(2) == Fraction(12, 8) and limit_runs.up(Fraction(9, 4)) == Fraction(3, 2)
    assert limit_runs.up(0) == 0 and limit_runs.up(2, grain=100) == Fraction(142, 100)


def test_the_constants_that_are_drawn_satisfy_their_assumptions():
    tiny = limit_runs.with_constants(
        Instance(loss="frobenius", W0=[[0]], Y=[[1]], A0=[["1/2"]], B0=[[0]], h="1/8", steps=2, T=1)
    )
    for comparison in limit_runs.signs_and_speed(tiny, EXACT):
        assert comparison.outcome == "holds"
    assert tiny.Lf == 1 and tiny.RA == tiny.RB == Fraction(1, 2) + Fraction(3, 4) + Fraction(1, 4)


# The trap of A-first descent: 0 < ab < 1, a^2 >= h, b^2 >= h.

HALF, TENTH = Fraction(1, 2), Fraction(1, 10)
EDGES = [
    (HALF, HALF, TENTH, True),
    (-HALF, -HALF, TENTH, True),
    (HALF, HALF, Fraction(1, 4), True),  # a^2 = h
    (HALF, HALF, Fraction(1, 4) + Fraction(1, 10**9), False),
    (2, HALF, TENTH, False),  # w = 1: already there
    (2, HALF - Fraction(1, 10**9), TENTH, True),
    (0, HALF, TENTH, False),  # w = 0
    (HALF, -HALF, TENTH, False),  # the wrong side
    (3, HALF, TENTH, False),  # w > 1
    (4, Fraction(1, 8), TENTH, False),  # b^2 < h: a step could pass w = 1
]


@pytest.mark.parametrize(("a", "b", "size", "inside"), EDGES)
def test_the_trap_is_said_exactly_where_it_holds(a, b, size, inside):
    assert naive.trap(a, b, size) is inside


@pytest.mark.parametrize(("a", "b", "size"), [x[:3] for x in EDGES if x[3]])
def test_inside_the_trap_no_step_passes_the_minimum_or_falls_back(a, b, size):
    for _ in range(4):
        before = a * b
        a = a - size * b * (a * b - 1)
        middle = a * b
        b = b - size * a * (a * b - 1)
        assert 0 < before <= middle <= a * b <= 1
        assert naive.trap(a, b, size) or a * b == 1
