"""The problems that the preliminaries are judged on: their flows, times and reference values."""

from __future__ import annotations

import contextlib
import json
from fractions import Fraction
from pathlib import Path

import pytest

from lora_proofs.arithmetic import EXACT, BallArithmetic, squared_norm
from lora_proofs.claims.rushka_klabjan.preliminaries import solutions
from lora_proofs.claims.rushka_klabjan.preliminaries.product_norm import squared_operator_norm
from lora_proofs.errors import Unavailable
from lora_proofs.language.lemmas import flows as lemmas
from lora_proofs.mathematics.evaluate import evaluate
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import loss_from_instance
from lora_proofs.strategies.draw import Rejected, SeededDraw

BALL = BallArithmetic(40)
VECTORS = json.loads((Path(__file__).parent / "vectors" / "gradient_flow.json").read_text())


def drawn(regime, count=6):
    """Instances of a regime, the rejected ones left out."""
    found, key = [], 0
    while len(found) < count and key < 10 * count:
        with contextlib.suppress(Rejected):
            found.append(solutions.draw(SeededDraw.keyed("test", regime, key), regime))
        key += 1
    return found


@pytest.mark.parametrize("regime", solutions.REGIMES)
def test_every_regime_is_drawn_with_times_in_order(regime):
    found = drawn(regime)
    assert len(found) == 6
    for problem in found:
        assert 0 <= problem.s < problem.t <= 2 and problem.regimes == (regime,)
        assert not solutions.stationary(problem)


def test_the_trace_squared_flow_meets_the_reference_value():
    given = VECTORS["flow_trsq_t=1/4"]["input"]
    start = {name: given[name] for name in ("W0", "A0", "B0")}
    problem = Instance(loss="trace-squared", **start, s=0, t="1/4")
    with BALL.working():
        _, last = solutions.between(problem, BALL)
        T = sum(solutions.weight(problem, last, BALL)[i, i] for i in range(3))
        expected = BALL.number(VECTORS["flow_trsq_t=1/4"]["T"])
        assert abs(T - expected) < BALL.number("1e-36")


@pytest.mark.parametrize("case", VECTORS["scalar_frob"])
def test_the_scalar_flow_meets_the_reference_values(case):
    fields = {"Y": [[case["sigma"]]], "A0": [[case["a0"]]], "B0": [[case["b0"]]], "t": case["t"]}
    problem = Instance(loss="frobenius", W0=[[0]], s=0, **fields)
    with BALL.working():
        _, (A, B) = solutions.between(problem, BALL)
        assert abs((B @ A)[0, 0] - BALL.number(case["w"])) < BALL.number("1e-36")


def test_the_enclosed_flow_overlaps_the_closed_form():
    closed = Instance(
        loss="trace-squared", W0=[[1, 0], [0, "1/2"]], A0=[[1, "1/2"]], B0=[["1/2"], [0]],
        s="1/8", t="1/4",
    )  # fmt: skip
    with BALL.working():
        exact = solutions.between(closed, BALL)
        enclosed = tuple(solutions._integrated(closed, (closed.s, closed.t), BALL))
        for one, two in zip(exact, enclosed, strict=True):
            for X, Y in zip(one, two, strict=True):
                assert all(x.overlaps(y) for x, y in zip(X.flat, Y.flat, strict=True))


def test_the_flow_that_blows_up_is_the_solution_of_its_equation():
    problem = Instance(loss="concave-square", W0=[[0]], A0=[[1]], B0=[[1]], s="1/4", t="3/8")
    with BALL.working():
        first, last = solutions.between(problem, BALL)
        # a = 1/sqrt(1 - 2t): a^2 is 2 at t = 1/4 and 4 at t = 3/8.
        assert (first[0][0, 0] ** 2).overlaps(BALL.number(2))
        assert (last[0][0, 0] ** 2).overlaps(BALL.number(4))


def test_exact_arithmetic_has_no_flow_at_a_positive_time():
    (problem,) = drawn("generic", 1)
    with pytest.raises(Unavailable):
        solutions.between(problem, EXACT)


def test_a_stationary_start_is_seen():
    rest = Instance(loss="frobenius", W0=[[1]], Y=[[1]], A0=[[1]], B0=[[0]])
    assert solutions.stationary(rest)
    assert solutions.stationary(rest.replace(loss="log-cosh"))
    assert not solutions.stationary(rest.replace(Y=[[2]]))


def test_the_squared_operator_norm_is_exact_where_it_is_rational():
    assert squared_operator_norm([[3, 0], [0, 1]], BALL) == 9
    root = squared_operator_norm([[1, 1], [0, 1]], BALL)
    with BALL.working():
        assert root.overlaps((3 + BALL.sqrt(BALL.number(5))) / 2)


def test_distances_and_losses_are_those_of_the_weight():
    problem = Instance(
        loss="frobenius", W0=[[0]], Y=[[2]], A0=[[1]], B0=[["1/2"]], s=0, t=Fraction(1, 8)
    )
    with BALL.working():
        first, last = solutions.between(problem, BALL)
        assert solutions.squared_size(first).overlaps(BALL.number("5/4"))
        assert solutions.squared_distance(first, last) > 0
        W = solutions.weight(problem, first, BALL)
        value = loss_from_instance(problem, BALL).value(W, BALL)
        assert solutions.loss_at(problem, first, BALL).overlaps(value)
        assert squared_norm(solutions.gradient_at(problem, first, BALL)).overlaps(2 * value)


def both_sides(relation, values):
    return (evaluate(side, values, BALL) for side in (relation.left, relation.right))


def test_the_length_of_a_straight_way_at_unit_speed_is_attained():
    # y = t in one entry and g = -t: both sides are s^2.
    one, zero = BALL.matrix([[1]]), BALL.zeros(1, 1)
    s = Fraction(3, 4)
    values = dict.fromkeys(lemmas.POINT, zero) | {lemmas.ELAPSED: BALL.number(s)}
    values |= {lemmas.LATER[0]: BALL.number(s) * one, lemmas.LATER[1]: zero}
    values |= {lemmas.ENERGY: BALL.number(0), lemmas.LATER_ENERGY: BALL.number(-s)}
    with BALL.working():
        left, right = both_sides(lemmas.ENERGY_LENGTH.conclusion, values)
        assert left.overlaps(right) and right == BALL.number(s**2)


@pytest.mark.parametrize("lemma", [lemmas.GRAM_LEFT, lemmas.GRAM_RIGHT])
def test_the_norm_of_a_gram_matrix_is_the_square(lemma):
    with BALL.working():
        values = {lemmas.PRODUCT: BALL.matrix([[1, 2, 0], ["1/2", -1, 3]])}
        left, right = both_sides(lemma.conclusion, values)
        assert left.overlaps(right) and left.rad() < 1e-20


def test_the_fourth_powers_and_the_sum_of_gram_matrices():
    with BALL.working():
        B, A = BALL.matrix([[1, 2], [0, "1/2"], [3, 1]]), BALL.matrix([[1, 2, 5], [0, -1, 1]])
        for lemma, values in (
            (lemmas.FOURTH_LEFT, {lemmas.LEFT: B}),
            (lemmas.FOURTH_RIGHT, {lemmas.RIGHT: A}),
        ):
            left, right = both_sides(lemma.conclusion, values)
            assert left.overlaps(right) and left.rad() < 1e-20
        Y, X = B @ B.mT, B @ A
        values = {lemmas.ROOT: Y, lemmas.PRODUCT: X, lemmas.WHOLE: Y @ Y.mT + X @ X.mT}
        left, right = both_sides(lemmas.GRAM_SUM.conclusion, values)
        assert left < right


def test_gronwall_is_attained_by_the_exponential():
    # u = e^t with c = 1, forward; u = e^-t, backward.
    with BALL.working():
        grown, one = BALL.exp(BALL.number(2)), BALL.number(1)
        values = {lemmas.QUANTITY_START: one, lemmas.EXPONENTIAL: grown}
        forward = values | {lemmas.QUANTITY_LATER: grown}
        for lemma in (lemmas.GRONWALL, lemmas.GRONWALL_FORWARD):
            left, right = both_sides(lemma.conclusion, forward)
            assert left.overlaps(right)
        backward = values | {lemmas.QUANTITY_LATER: 1 / grown}
        left, right = both_sides(lemmas.GRONWALL_BACKWARD.conclusion, backward)
        assert left.overlaps(right)
