"""Flows, steps and closed forms against reference values, exact identities and mpmath."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import flint
import mpmath
import numpy as np
import pytest

from lora_proofs.arithmetic import (
    EXACT,
    ArrayArithmetic,
    BallArithmetic,
    MultiprecisionArithmetic,
    squared_norm,
    trace,
)
from lora_proofs.errors import BadInput, NotUnderstood, ShapeMismatch
from lora_proofs.mathematics import flows, losses

VECTORS = json.loads((Path(__file__).parent / "vectors" / "gradient_flow.json").read_text())
ARRAY, BALL = ArrayArithmetic(), BallArithmetic(60)
STEPS = {
    "sim": flows.simultaneous_step,
    "AB": flows.a_first_step,
    "BA": flows.b_first_step,
}
LOSSES = {
    "onestep_frob": lambda data: losses.frobenius(data["Y"]),
    "onestep_trsq": lambda data: losses.trace_squared(),
}


def exact(rows):
    return EXACT.matrix(rows)


def agrees(ball, text, digits=40):
    """A ball that meets a decimal of 40 significant digits: equal within one unit of the last."""
    reference = flint.arb(EXACT.number(text))
    gap = abs(ball - reference)
    return gap <= abs(reference) * flint.arb(10) ** (1 - digits) + flint.arb(10) ** -digits


def all_agree(matrix, rows):
    with BALL.working():
        return all(
            agrees(matrix[i, j], text) for i, row in enumerate(rows) for j, text in enumerate(row)
        )


@pytest.mark.parametrize("group", LOSSES)
@pytest.mark.parametrize("order", STEPS)
def test_one_step_meets_the_reference_fractions(group, order):
    data = VECTORS[group]["input"]
    start = [exact(data[k]) for k in ("W0", "A0", "B0")]
    A, B = STEPS[order](LOSSES[group](data), *start, VECTORS[group]["h"], EXACT)
    assert (exact(VECTORS[group][order]["A"]) == A).all()
    assert (exact(VECTORS[group][order]["B"]) == B).all()


@pytest.mark.parametrize("group", LOSSES)
def test_difference_of_steps_has_the_reference_second_order(group):
    data = VECTORS[group]["input"]
    start = [exact(data[k]) for k in ("W0", "A0", "B0")]
    loss, h = LOSSES[group](data), Fraction(1, 10**9)
    sim, ab, ba = (step(loss, *start, h, EXACT) for step in STEPS.values())
    assert (ab[0] == sim[0]).all() and (ba[1] == sim[1]).all()
    second = (ab[1] - sim[1]) / flint.fmpq(1, 10**18)
    reference = exact(VECTORS[group]["coefB_AB_minus_sim"])
    assert max(abs(x) for x in (second - reference).flat) < flint.fmpq(1, 10**7)
    second = (ba[0] - sim[0]) / flint.fmpq(1, 10**18)
    reference = exact(VECTORS[group]["coefA_BA_minus_sim"])
    assert max(abs(x) for x in (second - reference).flat) < flint.fmpq(1, 10**7)


def test_trace_squared_flow_meets_the_reference_to_forty_digits():
    reference = VECTORS["flow_trsq_t=1/4"]
    data = reference["input"]
    end = flows.trace_squared_closed_form(data["W0"], data["A0"], data["B0"], "1/4", BALL)
    assert all_agree(end.A, reference["A"]) and all_agree(end.B, reference["B"])
    with BALL.working():
        assert agrees(end.trace_W, reference["T"])
        assert agrees(end.tau, reference["tau"])
        assert agrees(end.mu, reference["mu"])
        assert agrees(end.x, reference["x"])
        assert end.trace_W.overlaps(trace(end.W))


def test_trace_squared_limit_meets_the_reference_to_forty_digits():
    data, reference = VECTORS["flow_trsq_t=1/4"]["input"], VECTORS["limit_trsq_general"]
    limit = flows.trace_squared_limit(data["W0"], data["A0"], data["B0"], BALL)
    assert all_agree(limit.dW, reference["dW"])
    with BALL.working():
        assert agrees(limit.x, reference["x_star"]) and agrees(limit.tau, reference["tau_star"])
        assert agrees(2 * limit.mu, reference["rate_of_T"])
        # ||A*||^2 + ||B*||^2 = 2 mu, and the trace ends at 0.
        assert (squared_norm(limit.A) + squared_norm(limit.B)).overlaps(2 * limit.mu)
        assert (trace(BALL.matrix(data["W0"])) + trace(limit.dW)).contains(0)


def test_limit_from_zero_B_is_the_exact_reference():
    data = VECTORS["limit_trsq_B0zero"]
    limit = flows.trace_squared_limit(data["W0"], data["A0"], [[0, 0]] * 3, BALL)
    with BALL.working():
        for ball, x in zip(limit.dW.flat, exact(data["dW"]).flat, strict=True):
            assert ball.contains(x) and ball.rad() < 1e-55


@pytest.mark.parametrize("case", VECTORS["fail_trsq"])
def test_final_loss_decides_the_cones_exactly(case):
    if case["A0"] == "0":
        A0, B0 = [[0, 0]], [[0], [0]]
    else:
        A0 = case["A0"]
        sign = -1 if case["B0"].startswith("-") else 1
        B0 = (sign * exact(A0).mT).tolist()
    n = len(B0)
    W0 = [[case["trW0"] if i == j == 0 else 0 for j in range(n)] for i in range(n)]
    expected = flint.fmpq(int(case.get("final_loss", 0)))
    assert flows.trace_squared_final_loss(W0, A0, B0) == expected
    if "T_at_10" in case:
        end = flows.trace_squared_closed_form(W0, A0, B0, 10, BALL)
        with BALL.working():
            assert agrees(end.trace_W, case["T_at_10"]) and end.trace_W.rad() < 1e-50


@pytest.mark.parametrize("case", VECTORS["scalar_frob"])
def test_scalar_frobenius_meets_the_reference_to_forty_digits(case):
    end = flows.frobenius_scalar_closed_form(
        [[0]], [[case["sigma"]]], [[case["a0"]]], [[case["b0"]]], case["t"], BALL
    )
    for name, matrix in (("a", end.A), ("b", end.B), ("w", end.W)):
        if name in case:
            assert all_agree(matrix, [[case[name]]])


def starts():
    """Generic, cones of either sign, zero trace, mu = 0, the origin: (W0, A0, B0)."""
    A0 = [["1/2", 1], ["-1/3", "3/4"]]
    for w in ("0", "2", "-2"):
        W0 = [[w, 1], ["1/5", 0]]
        for B0 in (
            [[0, 0], [0, 0]],
            [["1/2", "-1/3"], [1, "3/4"]],
            [["-1/2", "1/3"], [-1, "-3/4"]],
            [["1/7", 2], [1, -1]],
        ):
            yield W0, A0, B0
        yield W0, [[0, 0]], [[0], [0]]


@pytest.mark.parametrize("start", list(starts()))
@pytest.mark.parametrize("t", ["1/3"])
def test_closed_form_agrees_with_mpmath_for_every_kind_of_start(start, t):
    mp = mpmath.MPContext()
    mp.dps = 20
    W0, A0, B0 = (np.array(exact(X).astype(object)) for X in start)
    w0, r = Fraction(str(trace(W0))), A0.shape[0]
    to = lambda x: mp.mpf(int(x.p)) / int(x.q)  # noqa: E731

    def rhs(_, y):
        A = [y[2 * k : 2 * k + 2] for k in range(r)]
        B = [y[2 * r + r * i : 2 * r + r * i + r] for i in range(2)]
        T = mp.mpf(w0.numerator) / w0.denominator
        T += sum(B[i][k] * A[k][i] for i in range(2) for k in range(r))
        return [-T * B[i][k] for k in range(r) for i in range(2)] + [
            -T * A[k][i] for i in range(2) for k in range(r)
        ]

    y0 = [to(x) for x in A0.flat] + [to(x) for x in B0.flat]
    y = mp.odefun(rhs, 0, y0)(mp.mpf(Fraction(t).numerator) / Fraction(t).denominator)
    end = flows.trace_squared_closed_form(*start, t, BALL)
    multi = MultiprecisionArithmetic(30)
    end_mp = flows.trace_squared_closed_form(*start, t, multi)
    end_float = flows.trace_squared_closed_form(*start, t, ARRAY)
    mine = [*end.A.flat, *end.B.flat]
    for ball, number, approximate, reference in zip(
        mine,
        [*end_mp.A.flat, *end_mp.B.flat],
        [*end_float.A.flat, *end_float.B.flat],
        y,
        strict=True,
    ):
        assert ball.is_finite() and ball.rad() < 1e-50
        assert abs(multi.number(ball) - reference) < mp.mpf(10) ** -16
        assert abs(multi.number(ball) - number) < mp.mpf(10) ** -28
        assert abs(float(ball.mid()) - approximate) < 1e-13
    assert end.trace_W.overlaps(trace(end.W))


def test_closed_form_survives_long_times_on_the_cone():
    A0, B0 = [[1, 2]], [[1], [2]]
    W0 = [[2, 0], [0, 0]]
    for ctx in (ARRAY, MultiprecisionArithmetic(30), BALL):
        end = flows.trace_squared_closed_form(W0, A0, B0, 40, ctx)
        assert abs(float(abs(end.A[0, 0]))) < 1e-30
        assert abs(float(abs(end.trace_W - 2))) < 1e-12
    far = flows.trace_squared_closed_form(W0, A0, B0, 10**6, ARRAY)
    assert np.isfinite(far.A).all() and far.trace_W == pytest.approx(2)


def test_closed_form_is_batched_in_the_array_arithmetic():
    rng = np.random.default_rng(1)
    W0, A0, B0 = rng.normal(size=(5, 3, 3)), rng.normal(size=(5, 2, 3)), rng.normal(size=(5, 3, 2))
    end = flows.trace_squared_closed_form(W0, A0, B0, "1/2", ARRAY)
    for k in range(5):
        one = flows.trace_squared_closed_form(W0[k], A0[k], B0[k], "1/2", ARRAY)
        np.testing.assert_allclose(end.A[k], one.A, rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(end.W[k], one.W, rtol=1e-13, atol=1e-13)


def test_beyond_the_blow_up_there_is_no_closed_form():
    # mu^2 = 1 + 4 and D = cosh + sinh/mu > 0, N = cosh + 3 sinh/mu: 0 at t = -0.43.
    start = [[1]], [[2]], [[0]]
    for ctx in (BALL, MultiprecisionArithmetic(30)):
        for t in (-1000, -1, "-1/2"):
            with pytest.raises(BadInput, match="does not exist at t"):
                flows.trace_squared_closed_form(*start, t, ctx)
        with pytest.raises(BadInput, match="does not exist at t"):
            flows.frobenius_scalar_closed_form([[0]], [[-1]], *start[1:], -1, ctx)
    pair = np.array([[[1.0]], [[1.0]]]), np.array([[[2.0]], [[0.1]]]), np.zeros((2, 1, 1))
    ends = flows.trace_squared_closed_form(*pair, "-1/2", ARRAY)
    assert np.isnan(ends.trace_W[0]) and np.isnan(ends.A[0]).all()
    assert np.isfinite(ends.A[1]).all()


def test_backward_and_forward_again_is_where_it_started():
    W0, A0, B0 = BALL.matrix([[1, 0], [0, 2]]), [[1, 2]], [[1], ["-1/2"]]
    before = flows.trace_squared_closed_form(W0, A0, B0, "-1/20", BALL)
    end = flows.trace_squared_closed_form(W0, before.A, before.B, "1/20", BALL)
    for x, y in zip([*end.A.flat, *end.B.flat], (1, 2, 1, flint.arb(-1) / 2), strict=True):
        assert x.overlaps(flint.arb(y)) and x.rad() < 1e-50
    # On the cone with w0 = 0: tr W = 1/(1 + 2t), which ends at t = -1/2.
    cone = [[0]], [[1]], [[1]]
    assert flows.trace_squared_closed_form(*cone, "-1/8", BALL).trace_W.overlaps(flint.arb(4) / 3)
    with pytest.raises(BadInput):
        flows.trace_squared_closed_form(*cone, "-1/2", BALL)


def test_full_parameter_flows_solve_their_equations():
    W0, Y = [[1, "1/2"], [0, 2]], [[3, 0], [1, "-1/4"]]
    cases = [
        (losses.trace_squared(), lambda t: flows.trace_squared_full(W0, t, BALL)),
        (losses.frobenius(Y), lambda t: flows.frobenius_full(W0, Y, t, BALL)),
    ]
    for loss, W in cases:
        with BALL.working():
            h = Fraction(1, 10**12)
            slope = (W(Fraction(1, 3) + h) - W(Fraction(1, 3) - h)) / (
                2 * flint.arb(flint.fmpq(1, 10**12))
            )
            field = flows.full_vector_field(loss, W(Fraction(1, 3)), BALL)
            assert all(abs(x) < 1e-22 for x in (slope - field).flat)


def test_scale_and_rates_are_a_change_of_clock_exactly():
    """A~ = A, B~ = s B for eta_A = 1, eta_B = 1/s^2 turns the scaled step into the plain one."""
    rows = VECTORS["onestep_frob"]["input"]
    W0, A, B = (exact(rows[k]) for k in ("W0", "A0", "B0"))
    loss, s, h = losses.frobenius(rows["Y"]), flint.fmpq(3, 2), Fraction(1, 20)
    for step in STEPS.values():
        plain = step(loss, W0, A, s * B, h, EXACT)
        scaled = step(loss, W0, A, B, h, EXACT, scale=s, eta_B=1 / s**2)
        assert (plain[0] == scaled[0]).all() and (plain[1] == s * scaled[1]).all()
        wrong = step(loss, W0, A, B, h, EXACT, scale=s)
        assert not (plain[1] == s * wrong[1]).all()


def test_the_saddle_is_left_only_by_sequential_steps():
    loss, W0 = losses.frobenius([[1]]), exact([[0]])
    A, B = exact([["1/2"]]), exact([["-1/2"]])
    for A_k, B_k in flows.iterate("simultaneous", 5, loss, W0, A, B, "1/10", EXACT):
        assert A_k[0, 0] == -B_k[0, 0]
    *_, (A_k, B_k) = flows.iterate("A-first", 5, loss, W0, A, B, "1/10", EXACT)
    assert A_k[0, 0] != -B_k[0, 0]


def test_batches_step_like_single_instances():
    rng = np.random.default_rng(2)
    W0, Y = rng.normal(size=(4, 3, 2)), rng.normal(size=(4, 3, 2))
    A, B = rng.normal(size=(4, 1, 2)), rng.normal(size=(4, 3, 1))
    together = flows.a_first_step(losses.frobenius(Y), W0, A, B, "1/8", ARRAY, scale=2)
    for k in range(4):
        one = flows.a_first_step(losses.frobenius(Y[k]), W0[k], A[k], B[k], "1/8", ARRAY, scale=2)
        np.testing.assert_allclose(together[1][k], one[1], rtol=1e-14)


@pytest.mark.parametrize(
    ("loss", "shape"), [("trace-squared", (2, 2, 1)), ("frobenius", (2, 3, 2))]
)
def test_sympy_equations_agree_with_the_hand_written_field(loss, shape):
    n, m, r = shape
    rows = {"w": (n, m), "y": (n, m), "a": (r, m), "b": (n, r)}
    values = {
        k: exact(
            [[Fraction(i * 7 + j * 3 + ord(k), 5 + i) - 20 for j in range(c)] for i in range(d)]
        )
        for k, (d, c) in rows.items()
    }
    from sympy.core.function import AppliedUndef

    f = losses.trace_squared() if loss == "trace-squared" else losses.frobenius(values["y"])
    field = flows.lora_vector_field(f, values["w"], values["a"], values["b"], EXACT)
    numbers = [x for matrix in field for x in matrix.flat]
    equations = flows.equations(loss, n, m, r)
    assert len(equations) == r * (n + m)
    for equation, expected in zip(equations, numbers, strict=True):
        pairs = {}
        for atom in equation.rhs.free_symbols | equation.rhs.atoms(AppliedUndef):
            name, _, index = str(atom).split("(")[0].partition("_")
            if index:
                i, j = int(index[0]) - 1, int(index[1]) - 1
                pairs[atom] = str(values[name][i, j])
        assert str(equation.rhs.subs(pairs)) == str(expected)


def test_sequential_difference_meets_the_reference_fractions():
    data = VECTORS["onestep_frob"]["input"]
    difference = flows.sequential_difference("frobenius", 3, 3, 2)
    assert sorted(difference.A_first) == [2, 3] and sorted(difference.B_first) == [2, 3]
    keys = {"W0": "w", "Y": "y", "A0": "a", "B0": "b"}
    pairs = {
        f"{short}_{i + 1}{j + 1}": str(x)
        for long, short in keys.items()
        for i, row in enumerate(data[long])
        for j, x in enumerate(row)
    }
    got = difference.A_first[2].subs(pairs)
    for i, row in enumerate(VECTORS["onestep_frob"]["coefB_AB_minus_sim"]):
        assert [str(x) for x in got.row(i)] == row


def test_equations_of_a_generic_loss_use_its_partial_derivatives():
    import sympy

    text = str(flows.equations("generic", 1, 2, 1)[0].rhs.doit())
    assert "Derivative" in text or "Subs" in text
    quartic = flows.sequential_difference(lambda W: sympy.Add(*(x**4 for x in W)), 1, 1, 1)
    assert min(quartic.A_first) == 2


def test_bad_input_is_named():
    with pytest.raises(BadInput, match="method: expected one of simultaneous"):
        flows.iterate("both", 1, losses.trace_squared(), *[EXACT.identity(1)] * 3, 1, EXACT)
    with pytest.raises(ShapeMismatch, match="expected A of shape"):
        flows.adapted(EXACT.identity(2), EXACT.identity(2), EXACT.zeros(1, 2), EXACT)
    with pytest.raises(BadInput, match="loss: expected"):
        flows.equations("hinge", 1, 1, 1)
    with pytest.raises(BadInput, match="cone"):
        flows.trace_squared_limit([[2]], [[1]], [[1]], BALL)
    with pytest.raises(NotUnderstood, match="polynomial"):
        flows.sequential_difference("generic", 1, 1, 1)
