"""The machinery of the claims about steps and limits, on reference values and known traps."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
import sympy

from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.claims.rushka_klabjan.discretisation import (
    leading_bounds,
    leading_error,
    limit_without_bounded_iterates,
    one_step,
    one_step_difference_general,
)
from lora_proofs.claims.rushka_klabjan.discretisation.quartic import Quartic
from lora_proofs.claims.rushka_klabjan.naive import bounded_gradient_suffices
from lora_proofs.errors import Unavailable
from lora_proofs.integrate.tape import compile_words
from lora_proofs.mathematics.evaluate import evaluate
from lora_proofs.mathematics.flows import METHODS, sequential_difference
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import loss_from_instance
from lora_proofs.mathematics.words import Gradient, Symbol

VECTORS = json.loads((Path(__file__).parent / "vectors" / "gradient_flow.json").read_text())
GROUPS = {"onestep_frob": "frobenius", "onestep_trsq": "trace-squared"}
SHORT = {"simultaneous": "sim", "A-first": "AB", "B-first": "BA"}
ctx = BallArithmetic(40)


def problem(group: str) -> Instance:
    return Instance(loss=GROUPS[group], h=VECTORS[group]["h"], **VECTORS[group]["input"])


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("mode", METHODS)
def test_one_step_meets_the_reference_values(group, mode):
    x = problem(group).lift(EXACT)
    loss = loss_from_instance(problem(group))
    A, B = METHODS[mode](loss, x.W0, x.A0, x.B0, x.h, EXACT)
    wanted = VECTORS[group][SHORT[mode]]
    assert (EXACT.matrix(wanted["A"]) == A).all()
    assert (EXACT.matrix(wanted["B"]) == B).all()


@pytest.mark.parametrize("group", GROUPS)
def test_second_order_coefficients_meet_the_reference_values(group):
    """From the steps by interpolation, and from the formulas with gradient and Hessian."""
    wanted = [
        EXACT.matrix(VECTORS[group][name]) for name in ("coefB_AB_minus_sim", "coefA_BA_minus_sim")
    ]
    for found in (
        one_step_difference_general.second(problem(group), EXACT),
        one_step_difference_general.squares(problem(group), EXACT),
    ):
        assert all((a == b).all() for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize("loss", ["frobenius", "trace-squared"])
def test_sympy_finds_the_same_second_order_coefficients(loss):
    data = {"W0": [[1, 2], ["1/2", 1]], "Y": [[3, 0], [1, 2]]}
    data |= {"A0": [[1, "1/2"]], "B0": [["1/2"], ["1/4"]]}
    letters = {"W0": "w", "Y": "y", "A0": "a", "B0": "b"}
    values = {
        sympy.Symbol(f"{letters[name]}_{i + 1}{j + 1}"): sympy.Rational(str(entry))
        for name, rows in data.items()
        for i, row in enumerate(rows)
        for j, entry in enumerate(row)
    }
    found = sequential_difference(loss, 2, 2, 1)
    wanted = one_step_difference_general.second(Instance(loss=loss, h=1, **data), EXACT)
    for coefficients, matrix in zip((found.A_first, found.B_first), wanted, strict=True):
        rows = [[sympy.Rational(str(x)) for x in row] for row in matrix]
        assert coefficients[2].subs(values) == sympy.Matrix(rows)


def test_interpolation_reads_off_coefficients():
    values = [EXACT.number(7 + 5 * h - 3 * h**2 + h**4) for h in range(5)]
    found = [one_step_difference_general.coefficient(values, k, EXACT) for k in (0, 1, 2)]
    assert found == [7, 5, -3]


def test_gradient_of_the_quartic_loss_is_the_derived_one():
    Y, at = ((Fraction(1), Fraction(-1, 2)),), EXACT.matrix([[3, "1/4"]])
    loss, W = Quartic(Y), Symbol("W", "n", "m")
    (target,) = loss.symbols(W)
    derived = evaluate(Gradient(loss.value_word(W), W), {W: at, target: EXACT.matrix(Y)}, EXACT)
    assert (loss.gradient(at, EXACT) == derived).all()
    assert compile_words({W: loss.value_word(W)}, {W: at.tolist(), target: Y}, (W,)).nodes


def test_hessian_of_the_quartic_loss_is_the_slope_of_its_gradient():
    loss, W, X = Quartic(((1, 2),)), EXACT.matrix([[3, 1]]), EXACT.matrix([[1, -2]])
    # The gradient is a cubic: its central difference is the slope plus h^2 times a fixed matrix.
    slope = [
        (loss.gradient(W + X * h, EXACT) - loss.gradient(W - X * h, EXACT)) / (2 * h)
        for h in (EXACT.number(1), EXACT.number(2))
    ]
    assert (loss.hessian(W, X, EXACT) == (4 * slope[0] - slope[1]) / 3).all()


def test_the_bound_on_the_leading_error_holds():
    instance = leading_error.FINE.replace(A0=[["3/5"]], B0=[["4/5"]], rho=1)
    with ctx.working():
        found = leading_bounds.bounds(instance, ctx, "A-first")
        x = instance.lift(ctx)
        _, error = leading_bounds.leading(instance.replace(h="1/64", steps=8), ctx, "A-first")
        assert leading_bounds.length(error, ctx) < found.error
        assert found.right(x.h, x.T, ctx) > 0


def test_simultaneous_steps_have_smaller_constants():
    with ctx.working():
        sim, late = (leading_bounds.bounds(leading_error.FINE, ctx, mode) for mode in
                     ("simultaneous", "A-first"))  # fmt: skip
        assert sim.constant < late.constant and sim.error < late.error


def test_exact_arithmetic_has_no_leading_error():
    with pytest.raises(Unavailable, match="an enclosure of the leading error"):
        leading_bounds.leading(leading_error.FINE, EXACT, "A-first")


def test_the_tube_has_room_for_the_first_steps():
    smooth = limit_without_bounded_iterates.SMOOTH
    with ctx.working():
        found = list(limit_without_bounded_iterates.check(smooth, ctx))
    assert {c.outcome for c in found} == {"holds"}
    assert 1 + max(smooth.A0[0][0], smooth.B0[0][0]) <= smooth.R


@pytest.mark.parametrize("steps", [4, 16, 64])
def test_asymmetry_does_not_fall_with_the_step_size(steps):
    instance = bounded_gradient_suffices.POINT.replace(steps=steps)
    with ctx.working():
        found = bounded_gradient_suffices.asymmetry(instance, ctx, "A-first", steps)
    assert all(bounded_gradient_suffices.conditions(instance).values())
    assert found > ctx.number(bounded_gradient_suffices.lower_bound(instance))


def test_no_trap_is_claimed_outside_its_conditions():
    outside = bounded_gradient_suffices.POINT.replace(q=2)
    with ctx.working(), pytest.raises(Unavailable, match="the trap, which needs"):
        list(bounded_gradient_suffices.check(outside, ctx))


def test_steps_of_the_shared_problem_differ():
    A, B = one_step.stepped(one_step.SCALAR, EXACT, "simultaneous")
    late_A, late_B = one_step.stepped(one_step.SCALAR, EXACT, "A-first")
    assert late_A == A and late_B != B


def test_the_printed_start_of_a_control_from_zero_is_the_one_that_is_judged():
    from lora_proofs.claims.rushka_klabjan.naive.same_iterates_at_fixed_step import claim

    (control,) = [one for one in claim.controls if "from B = 0" in one.why]
    (instance,) = control.instances
    assert all(x == 0 for row in instance.B0 for x in row)
