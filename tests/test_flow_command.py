"""``flow``: reference values to their last digit, limits with their argument, clear refusals."""

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import flint
import pytest

from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.errors import BadInput
from lora_proofs.solving.answer import answer
from lora_proofs.solving.decimals import exact, missing_digits
from lora_proofs.solving.finite_time import solve
from lora_proofs.solving.problem import read_problem

VECTORS = json.loads((Path(__file__).parent / "vectors" / "gradient_flow.json").read_text())
PROBLEM = VECTORS["flow_frob_t=1/2"]["input"]
FROBENIUS = {"loss": "frobenius", **PROBLEM}
TRACE = {"loss": "trace-squared", **VECTORS["flow_trsq_t=1/4"]["input"]}
SCALAR = {"loss": "frobenius", "W0": [[0]], "Y": [[2]], "A0": [["1/2"]], "B0": [[0]]}


def solved(instance, digits=45, **more):
    return answer(read_problem({**instance, **more}), digits)


def met(found, wanted):
    """Every entry agrees with a reference to the digits that the reference prints."""
    if isinstance(wanted, list):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            met(one, other)
        return
    value, reference = Fraction(found), Fraction(wanted)
    if "/" in str(wanted) or "." not in str(wanted):
        slack = Fraction(1, 10**40) * max(1, abs(reference))
    else:
        decimals = -Decimal(wanted).as_tuple().exponent
        slack = Fraction(51, 100) * Fraction(10) ** -decimals
    assert abs(value - reference) <= slack, (found, wanted)


# reference values


def test_the_frobenius_flow_of_the_references():
    wanted, found = VECTORS["flow_frob_t=1/2"], solved(FROBENIUS, t="1/2")
    met(found["A"], wanted["A"])
    met(found["B"], wanted["B"])
    assert found["method"] == "Taylor series"
    assert found["error_bound"]["rigorous"] is False
    assert Fraction(found["invariants"]["BtB_minus_AAt_drift"]) < Fraction(1, 10**40)


def test_the_trace_squared_flow_of_the_references():
    wanted, found = VECTORS["flow_trsq_t=1/4"], solved(TRACE, t="1/4")
    met(found["A"], wanted["A"])
    met(found["B"], wanted["B"])
    met(str(sum(Fraction(found["W"][i][i]) for i in range(3))), wanted["T"])
    assert found["method"] == "closed form: trace-squared, any start"
    assert found["error_bound"]["rigorous"] is True


@pytest.mark.parametrize(
    "mode,method", [("AB", "A-first"), ("BA", "B-first"), ("sim", "simultaneous")]
)
@pytest.mark.parametrize("name,base", [("onestep_frob", FROBENIUS), ("onestep_trsq", TRACE)])
def test_one_step_in_each_mode(name, base, mode, method):
    group = VECTORS[name]
    data = {k: v for k, v in group["input"].items() if k != "Y" or base is FROBENIUS}
    instance = {"loss": base["loss"], **data, "method": method, "h": group["h"], "steps": 1}
    found = answer(read_problem(instance), 60)
    met(found["A"], group[mode]["A"])
    met(found["B"], group[mode]["B"])


@pytest.mark.parametrize("case", VECTORS["scalar_frob"], ids=lambda c: f"sigma={c['sigma']}")
def test_the_scalar_mode(case):
    instance = {"loss": "frobenius", "W0": [[0]], "Y": [[case["sigma"]]]}
    found = solved(instance, A0=[[case["a0"]]], B0=[[case["b0"]]], t=case["t"])
    met(found["A"], [[case["a"]]])
    met(found["B"], [[case["b"]]])
    met(found["W"], [[case["w"]]])
    limit = solved(instance, A0=[[case["a0"]]], B0=[[case["b0"]]], t="inf")
    if Fraction(case["rate"]) and Fraction(case["b0"]) != -Fraction(case["a0"]):
        met(limit["rate"], case["rate"])


def test_the_spectral_start():
    wanted = VECTORS["spectral_frob"]
    Y = [[3, 0, 0], [0, 2, 0], [0, 0, 1], [0, 0, 0]]
    instance = {"loss": "frobenius", "W0": [[0] * 3] * 4, "Y": Y, "A0": [["1/2", 0, 0], [0, 1, 0]]}
    found, limit = solved(instance, t=1), solved(instance, t="inf")
    met(found["W"][0][0], wanted["w1"])
    met(found["W"][1][1], wanted["w2"])
    assert (limit["limit_loss_exact"], limit["rigorous"]) == (wanted["final_loss"], True)
    met(limit["rate"], min(wanted["mode_rates"], key=Fraction))


def test_balanced_starts():
    wanted = VECTORS["riccati_B0zero"]
    zero = [[0] * 3] * 3
    instance = {"loss": "frobenius", "W0": zero, "Y": wanted["E"], "A0": wanted["A0"]}
    met(solved(instance, t=1)["W"], wanted["BA"])
    limit = solved(instance, t="inf")
    met(limit["limit_BA"], wanted["E_2"])
    met(limit["rate"], wanted["gap_rate"])
    assert limit["rigorous"] and limit["argument"].startswith("matrix Riccati equation")
    wanted = VECTORS["riccati_balanced_r1"]
    instance = {"loss": "frobenius", "W0": zero, "Y": wanted["E"], "A0": wanted["A0"]}
    found = solved(instance, B0=wanted["B0"], t=1)
    met(found["W"], wanted["BA"])
    assert found["method"] == "closed form: frobenius, matrix Riccati equation of one rank index"


def test_the_limits_of_the_trace_squared_references():
    wanted = VECTORS["limit_trsq_general"]
    limit = solved(TRACE, t="inf")
    met(limit["limit_BA"], wanted["dW"])
    met(limit["rate"], wanted["rate_of_T"])
    wanted = VECTORS["limit_trsq_B0zero"]
    limit = solved({k: v for k, v in TRACE.items() if k != "B0"}, t="inf")
    met(limit["limit_BA"], wanted["dW"])
    met(limit["rate"], wanted["rate_of_T"])


@pytest.mark.parametrize("case", VECTORS["fail_trsq"][:4])
def test_the_cones(case):
    sign = 1 if case["B0"].startswith("+") else -1
    B0 = [[sign * Fraction(x) for x in column] for column in zip(*case["A0"], strict=True)]
    W0 = [[case["trW0"], 0, 0], [0, 0, 1], [0, 0, 0]]
    instance = {
        "loss": "trace-squared",
        "W0": W0,
        "A0": case["A0"],
        "B0": [list(map(str, r)) for r in B0],
    }
    limit = solved(instance, t="inf")
    assert limit["limit_loss_exact"] == case["final_loss"]
    assert limit["saddle"] == (case["final_loss"] != "0") == (not limit["rigorous"])
    assert bool(limit["reasons"]) == limit["saddle"]


def test_algebraic_decay():
    case = VECTORS["fail_trsq"][5]
    instance = {"loss": "trace-squared", "W0": [[0] * 3] * 3, "A0": case["A0"]}
    B0 = [[x] for x in case["A0"][0]]
    found = solved(instance, B0=B0, t=10)
    met(str(sum(Fraction(found["W"][i][i]) for i in range(3))), case["T_at_10"])
    assert "algebraic" in solved(instance, B0=B0, t="inf")["reasons"][0]


# one arithmetic is none


@pytest.mark.parametrize(
    "instance",
    [
        {**TRACE, "t": "1/4"},
        {**SCALAR, "t": 1},
        {**FROBENIUS, "A0": [PROBLEM["A0"][0]], "B0": [[1], ["1/2"], [0]], "t": "1/2"},
        {**TRACE, "t": "1/4", "scale": 2, "eta_A": "1/3", "eta_B": "3/4"},
    ],
    ids=["trace-squared", "scalar", "one rank index", "scale and rates"],
)
def test_closed_form_taylor_and_floats_agree(instance):
    from lora_proofs.solving.flow_field import lora_field
    from lora_proofs.solving.problem import rows

    problem = read_problem(instance)
    (closed,) = solve(problem, 40)
    assert closed.rigorous and closed.method.startswith("closed form")
    field = lora_field(problem.f, *map(rows, (problem.W0, problem.A0, problem.B0)), **problem.rates)
    t = problem.times[0]
    taylor, floats, enclosed = field.taylor(t, digits=40), field.float64(t), field.enclosure(t)
    ctx = BallArithmetic(60)
    for name, X in (("A", closed.A), ("B", closed.B), ("W", closed.W)):
        for x, y, z, ball in zip(
            X.flat, taylor[name].flat, floats[name].flat, enclosed[name].flat, strict=True
        ):
            with ctx.working():
                assert ball.overlaps(x)
            assert abs(exact(x) - Fraction(str(y))) < Fraction(1, 10**38)
            assert abs(float(exact(x)) - z) <= 10 * float(floats.error_bound) + 1e-12


# scale, rates, lists of times


def test_scale_and_rates_are_a_change_of_variables():
    """s BA with eta_A = eta_B = 1/4 and s = 4 is the plain flow from (2 A0, 2 B0), clock 1."""
    plain = solved(FROBENIUS, 20, t="1/8")
    halves = [[str(Fraction(x) / 2) for x in row] for row in PROBLEM["A0"]]
    other = [[str(Fraction(x) / 2) for x in row] for row in PROBLEM["B0"]]
    rates = {"scale": 4, "eta_A": "1/4", "eta_B": "1/4"}
    met(solved(FROBENIUS, 45, A0=halves, B0=other, t="1/8", **rates)["W"], plain["W"])


def test_a_frozen_factor_is_least_squares_in_the_other():
    end = solved(FROBENIUS, t="inf", eta_A=0, A0=[[1, 0, 0], [0, 1, 0]])
    E = [
        [Fraction(y) - Fraction(w) for y, w in zip(*rows, strict=True)]
        for rows in zip(PROBLEM["Y"], PROBLEM["W0"], strict=True)
    ]
    assert Fraction(end["limit_loss_exact"]) == sum(row[2] ** 2 for row in E) / 2
    assert end["rigorous"]


def test_a_list_of_times_keeps_its_order():
    found = solved(FROBENIUS, t=["1/4", 0, "1/8"])
    assert [state["t"] for state in found["states"]] == ["1/4", 0, "1/8"]
    met(found["states"][1]["A"], [[str(Fraction(x)) for x in row] for row in PROBLEM["A0"]])


def test_full_parameter_training():
    found = solved({"loss": "frobenius", "W0": [[2]], "Y": [[1]], "adapter": "full"}, t=1)
    met(found["W"][0][0], "1.367879441171442321595523770161460867446")
    assert found["A"] is None and found["B"] is None
    assert found["invariants"]["BtB_minus_AAt_drift"] is None
    end = solved({"loss": "trace-squared", "W0": [[2, 1], [0, 1]], "adapter": "full"}, t="inf")
    met(end["limit_BA"], [["-1.5", "0"], ["0", "-1.5"]])


# limits


def test_an_invariant_block_in_a_rotated_basis_is_a_saddle():
    """E = Q diag(3, 2) Q' and A0 a multiple of the second direction: exact zeros are not needed."""
    Q = EXACT.matrix([["3/5", "4/5"], ["-4/5", "3/5"]])
    E = Q @ EXACT.matrix([[3, 0], [0, 2]]) @ Q.mT
    instance = {
        "loss": "frobenius",
        "W0": [[0, 0], [0, 0]],
        "Y": [[str(x) for x in row] for row in E],
        "A0": [[str(x) for x in Q[:, 1]]],
    }
    end = solved(instance, t="inf")
    assert end["saddle"] and not end["rigorous"]
    met(end["limit_loss"], "4.5")
    assert any("saddle" in reason for reason in end["reasons"])


def test_the_gap_certifies_a_general_start():
    end = solved(FROBENIUS, t="inf")
    assert end["rigorous"] and end["argument"].startswith("critical-value gap")
    assert {"LaSalle's invariance principle", "Eckart-Young-Mirsky theorem"} <= set(end["cites"])


def test_a_limit_that_is_open_says_so():
    """Orthonormal rows with det(A0 V_r) = 0: the greedy limit, which no argument here shows."""
    instance = {
        "loss": "frobenius",
        "W0": [[0] * 4] * 4,
        "Y": [[3, 0, 0, 0], [0, 2, 0, 0], [0, 0, 1, 0], [0, 0, 0, "1/2"]],
        "A0": [["3/5", 0, "4/5", 0], ["4/5", 0, "-3/5", 0]],
    }
    end = solved(instance, t="inf")
    assert end["limit_loss"] is not None or (not end["rigorous"] and end["reasons"])


def test_a_stationary_start():
    end = solved(FROBENIUS, t="inf", A0=[[0, 0, 0]], B0=[[0], [0], [0]])
    assert end["saddle"] and end["limit_loss_exact"] == "149/8"
    met(solved(FROBENIUS, 20, A0=[[0, 0, 0]], B0=[[0], [0], [0]], t=3)["W"], PROBLEM["W0"])


ZERO = [[0, 0], [0, 0]]
TURNED = {"loss": "frobenius", "W0": ZERO, "Y": [["43/25", "24/25"], ["24/25", "57/25"]]}
DIAGONAL = {"loss": "frobenius", "W0": ZERO, "Y": [[3, 0], [0, 1]]}


def test_the_rate_of_a_start_does_not_depend_on_the_basis():
    wanted = "6.082762530298219688999684245202067062085"
    met(solved(TURNED, 30, A0=[["3/5", "4/5"]], t="inf")["rate"], wanted[:30])
    met(solved(DIAGONAL, 30, A0=[[1, 0]], t="inf")["rate"], wanted[:30])


def test_a_block_at_rest_has_no_rate():
    end = solved(DIAGONAL, 30, A0=[[1, 0], [0, 1]], B0=[[0, 0], [0, 1]], t="inf")
    met(end["rate"], "6.08276253029821968899968424520")
    start = {"loss": "trace-squared", "W0": [[1, 0], [0, -1]], "A0": [[1, 2]]}
    assert solved(start, t="inf")["rate"] is None


def test_a_saddle_beside_a_near_tie_is_seen():
    near = str(1 - Fraction(1, 10**60))
    Y = [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, near, near], [0, 0, 0, near]]
    instance = {"loss": "frobenius", "W0": [[0] * 4] * 4, "Y": Y, "A0": [[0, 0, 1, 1]]}
    assert solved(instance, 15, t="inf")["saddle"]


def test_nothing_is_trained_with_both_rates_0():
    end = solved({"loss": "trace-squared", "W0": [[2]], "A0": [[1]]}, t="inf", eta_A=0, eta_B=0)
    assert (end["limit_loss_exact"], end["saddle"], end["rigorous"]) == ("2", False, True)


def test_a_trace_that_cancels_up_to_rounding():
    W0 = [["1/3", 0], [0, "-1/3"]]
    for more in (
        {"adapter": "full", "t": 1},
        {"A0": [[1, 3]], "method": "A-first", "h": "1/7", "steps": 3},
        {"A0": [[1, 3]], "scale": 2, "t": 1},
    ):
        found = solved({"loss": "trace-squared", "W0": W0}, 20, **more)
        assert found["loss"] == "0" and found["error_bound"]["rigorous"]


def test_the_start_is_exact_at_time_zero():
    found = solved(FROBENIUS, 5, t=[0, "1/8"])["states"][0]
    assert (found["method"], found["invariants"]["loss_decrease"]) == ("the start", "0")


def test_what_is_beyond_all_digits_is_zero():
    assert solved({"loss": "trace-squared", "W0": [[2]], "A0": [[1]]}, 20, t="1e999")["W"] == [
        ["0"]
    ]


# refusals


@pytest.mark.parametrize(
    "change,words",
    [
        ({"W0": [[1, 2, 0], ["1/2", "x", 3], [-1, 0, 1]]}, ("W0[2][2]", "'x'")),
        ({"W0": [[1, 2], ["1/2", 1, 3], [-1, 0, 1]]}, ("W0", "lengths [2, 3, 3]")),
        ({"W0": [[1, 2, float("nan")], [1, 1, 3], [-1, 0, 1]]}, ("W0[1][3]", "nan")),
        ({"W0": [[1, 2, float("inf")], [1, 1, 3], [-1, 0, 1]]}, ("W0[1][3]", "inf")),
        ({"W0": [[1, True, 0], [1, 1, 3], [-1, 0, 1]]}, ("W0[1][2]", "True")),
        ({"W0": [[1, None, 0], [1, 1, 3], [-1, 0, 1]]}, ("W0[1][2]", "None")),
        ({"W0": [[1, "1/0", 0], [1, 1, 3], [-1, 0, 1]]}, ("W0[1][2]", "denominator")),
        ({"W0": []}, ("W0", "[]")),
        ({"Y": [[1]]}, ("Y", "(3, 3)", "(1, 1)")),
        ({"A0": [[1, 2]]}, ("A0", "(r, 3)", "(1, 2)")),
        ({"A0": []}, ("A0", "[]")),
        ({"A0": [[]]}, ("A0", "lengths [0]")),
        ({"B0": [[1]]}, ("B0", "(3, 2)", "(1, 1)")),
        ({"B0": "zero"}, ("B0", "'zero'")),
        ({"t": -1}, ("t", "-1")),
        ({"t": [0, "-1/2"]}, ("t[2]", "-1/2")),
        ({"t": []}, ("t", "empty")),
        ({"t": "infinity"}, ("t", "'infinity'")),
        ({"t": float("nan")}, ("t", "nan")),
        ({"loss": "hinge"}, ("loss", "frobenius, trace-squared", "'hinge'")),
        ({"loss": "trace-squared"}, ("Y", "no such field")),
        ({"adapter": "full"}, ("A0", "no such field")),
        ({"method": "euler"}, ("method", "'euler'")),
        ({"method": "A-first"}, ("t", "no time")),
        ({"scale": 0}, ("scale", "positive")),
        ({"eta_A": -1}, ("eta_A", "0 or more")),
        ({"WO": [[1]]}, ("WO", "'W0'")),
        ({"h": 1}, ("h", "no such field")),
    ],
)
def test_what_is_wrong_is_named(change, words):
    with pytest.raises(BadInput) as refused:
        read_problem({**FROBENIUS, "t": 1, **change})
    for word in words:
        assert word in str(refused.value)
    assert refused.value.exit_code == 4


@pytest.mark.parametrize("name", ["loss", "W0", "Y", "A0", "t"])
def test_what_is_missing_is_named(name):
    data = {k: v for k, v in {**FROBENIUS, "t": 1}.items() if k != name}
    with pytest.raises(BadInput, match=f"^{name}: expected"):
        read_problem(data)


@pytest.mark.parametrize("data", [[], "flow", 3, None])
def test_an_instance_is_an_object(data):
    with pytest.raises(BadInput, match="expected a JSON object"):
        read_problem(data)


# the command


def written(lora_proofs, instance):
    path = lora_proofs.folder / "instance.json"
    path.write_text(instance if isinstance(instance, str) else json.dumps(instance))
    return path


def test_the_document(lora_proofs):
    done = lora_proofs.done(
        "flow", written(lora_proofs, {**SCALAR, "t": 1}), "--digits", "40", "--json"
    )
    document = json.loads(done)
    assert set(document) >= {
        "schema_version", "t", "A", "B", "W", "loss", "method", "digits", "error_bound",
        "invariants",
    }  # fmt: skip
    assert set(document["error_bound"]) >= {"value", "rigorous"}
    assert set(document["invariants"]) == {"BtB_minus_AAt_drift", "loss_decrease"}
    assert (document["digits"], document["t"]) == (40, 1)
    met(document["W"][0][0], "1.290489315632479902980975216759418708802")


def test_without_digits_numbers_are_floats(lora_proofs):
    done = lora_proofs.done("flow", written(lora_proofs, {**SCALAR, "t": 1}), "--json")
    document = json.loads(done)
    assert document["W"] == [[1.29048931563248]]


def test_the_text_names_method_and_error(lora_proofs):
    done = lora_proofs.done("flow", written(lora_proofs, {**SCALAR, "t": 1}))
    assert "method closed form: frobenius, scalar modes\nerror of A, B and W at most" in done
    done = lora_proofs.done("flow", written(lora_proofs, {**SCALAR, "t": "inf"}))
    assert "limit loss = 0.0" in done and "argument:" in done and "rate of W" in done


@pytest.mark.parametrize(
    "text,words",
    [
        ("", ("an instance", "JSON")),
        ("not json", ("an instance", "JSON")),
        ('{"loss": "frobenius", "loss": "frobenius"}', ("'loss' stands twice",)),
        ('{"loss": "trace-squared", "W0": [[NaN]], "A0": [[1]], "t": 1}', ("W0[1][1]", "nan")),
        ("[1, 2]", ("expected a JSON object",)),
    ],
)
def test_a_bad_file_is_one_message(lora_proofs, text, words):
    lora_proofs.refuses("flow", written(lora_proofs, text), words=words)


def test_a_file_that_is_not_there(lora_proofs):
    lora_proofs.refuses("flow", "nowhere.json", words=("nowhere.json", "No such file"))
    lora_proofs.refuses("flow", written(lora_proofs, SCALAR), "--digits", "0", words=("--digits",))


def test_what_cannot_be_reached_is_refused_in_one_message(lora_proofs):
    diverging = {
        "loss": "frobenius", "W0": [[0]], "Y": [[5]], "A0": [[2]], "B0": [[1]],
        "method": "simultaneous", "h": 1, "steps": 1000,
    }  # fmt: skip
    lora_proofs.refuses("flow", written(lora_proofs, diverging), words=("diverges", "h"))
    huge = {"loss": "trace-squared", "W0": [[0]], "A0": [["1e999"]], "t": 0}
    lora_proofs.refuses("flow", written(lora_proofs, huge), words=("--digits",))
    digits = {"loss": "trace-squared", "W0": [[0]], "A0": [["1" + "\uff10" * 4100]], "t": 0}
    lora_proofs.refuses("flow", written(lora_proofs, digits), words=("A0[1][1]",))


def test_descent_of_many_steps_takes_the_digits_that_it_needs():
    """160 steps of a small problem lose more digits than the first try has."""
    instance = {
        "loss": "frobenius", "W0": [[1, 2], [3, 4]], "Y": [[0, 0], [0, 1]], "A0": [[1, 1]],
        "h": "1/10", "steps": 160, "method": "simultaneous",
    }  # fmt: skip
    found = answer(read_problem(instance), 10)
    assert found["error_bound"]["rigorous"] and found["loss"].startswith("0.1990991722")


def test_entries_beyond_floats_are_refused_where_no_closed_form_is_known(lora_proofs):
    big = {
        "loss": "frobenius", "W0": [[0, 1], [2, 3]], "Y": [[2, 1], [0, 1]],
        "A0": [["1e400", 1], [1, 0]], "B0": [[0, 1], [1, 0]],
    }  # fmt: skip
    for t in (1, "inf"):
        path = written(lora_proofs, {**big, "t": t})
        lora_proofs.refuses("flow", path, words=("floats",))


def test_the_kernel_of_the_stacked_factor_takes_a_rank_index_away():
    """Two proportional rows of A0 are worth one: the limit is the best approximation of rank 1."""
    one = solved(DIAGONAL, 20, Y=[[3, 1], [0, 2]], A0=[[1, 1]], t="inf")
    two = solved(DIAGONAL, 20, Y=[[3, 1], [0, 2]], A0=[[1, 1], [2, 2]], t="inf")
    met(two["limit_loss"], one["limit_loss"])
    assert Fraction(two["limit_loss"]) > 1 and two["saddle"] and not one["saddle"]


def test_missing_digits_are_counted_so_that_the_precision_rises():
    ball = flint.arb(1, "1e-3")
    assert [missing_digits(ball, digits) for digits in (2, 5)] == [0, 3]
