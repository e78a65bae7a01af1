"""Certificates of flows: the truth lies in what they assert, and the checker accepts them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from fractions import Fraction as Q
from random import Random

import flint
import numpy as np
import pytest

from lora_proofs import checker
from lora_proofs.arithmetic import BallArithmetic, squared_norm
from lora_proofs.certificates import flow as flow_module
from lora_proofs.certificates import flow_steps
from lora_proofs.certificates.flow import (
    certificates_of,
    flow_certificate,
    for_problem,
    gap_certificate,
    write_flow_certificate,
)
from lora_proofs.certificates.flow_steps import FlowData
from lora_proofs.errors import BadInput, ToleranceNotMet
from lora_proofs.mathematics.closed_forms import trace_squared_closed_form
from lora_proofs.mathematics.frobenius_riccati import frobenius_riccati_closed_form
from lora_proofs.mathematics.losses import frobenius, log_cosh, trace_squared
from lora_proofs.solving.flow_field import full_field, lora_field, recorded_flows
from lora_proofs.solving.problem import read_problem

BALL = BallArithmetic(60)


def rational_matrix(random, n, m):
    return [[Q(random.randint(-9, 9), random.choice([6, 8])) for _ in range(m)] for _ in range(n)]


def drawn(seed, n, m, r, *, target=True):
    random = Random(seed)
    shapes = [(n, m), (n, m), (r, m), (n, r)]
    W0, Y, A0, B0 = (rational_matrix(random, *shape) for shape in shapes)
    return FlowData.of(W0, Y if target else None, A0, B0)


def ball_matrix(rows):
    return BALL.matrix([[Q(x) for x in row] for row in rows])


def holds(told, truth):
    """Whether balls for A and B lie within the stated radius, or surely outside."""
    with BALL.working():
        off = sum(squared_norm(ball_matrix(told[name]) - X) for name, X in truth.items())
        radius = BALL.number(Q(told["radius"]))
        inside, outside = off <= radius * radius, off > radius * radius
    assert inside or outside
    return inside


@pytest.mark.parametrize("seed", range(6))
def test_the_trace_squared_closed_form_lies_inside(seed):
    n, r = (1, 2, 2, 3, 3, 2)[seed], (1, 1, 2, 1, 2, 2)[seed]
    flow = drawn(seed, n, n, r, target=False)
    told = flow_certificate(flow, "1/6", digits=20)
    for t, expected in (("1/6", True), (Q(1, 6) + Q(1, 2**50), False)):
        end = trace_squared_closed_form(flow.W0, flow.A0, flow.B0, t, BALL)
        assert holds(told, {"A": end.A, "B": end.B}) is expected
    end = trace_squared_closed_form(flow.W0, flow.A0, flow.B0, "1/6", BALL)
    with BALL.working():
        loss = trace_squared().value(end.W, BALL)
        assert BALL.number(Q(told["loss_lower"])) <= loss <= BALL.number(Q(told["loss_upper"]))


@pytest.mark.parametrize("seed", range(6))
def test_the_frobenius_closed_form_lies_inside(seed):
    n, m = ((1, 1), (1, 2), (2, 1), (2, 2), (3, 2), (3, 3))[seed]
    flow = drawn(seed, n, m, 1)
    told = flow_certificate(flow, "1/6", digits=20)
    for t, expected in (("1/6", True), (Q(1, 6) + Q(1, 2**50), False)):
        end = frobenius_riccati_closed_form(flow.W0, flow.Y, flow.A0, flow.B0, t, BALL)
        assert holds(told, {"A": end.A, "B": end.B}) is expected
        with BALL.working():
            loss = frobenius(flow.Y).value(end.W, BALL)
            assert (loss >= BALL.number(Q(told["loss_lower"]))) is expected
            assert loss <= BALL.number(Q(told["loss_upper"]))


def test_two_ranks_agree_with_the_riccati_solution():
    flow = FlowData.of([[0, 0], [1, 0]], [[2, 1], [0, "1/2"]], [[1, 0], [0, 1]], [[0, 0], [0, 0]])
    told = flow_certificate(flow, 1, digits=20)
    end = frobenius_riccati_closed_form(flow.W0, flow.Y, flow.A0, flow.B0, 1, BALL)
    with BALL.working():
        BA = ball_matrix(told["B"]) @ ball_matrix(told["A"])
        assert all(abs(x) < flint.arb("1e-19") for x in (BA - end.BA).flat)
        loss = frobenius(flow.Y).value(end.W, BALL)
        assert BALL.number(Q(told["loss_lower"])) <= loss <= BALL.number(Q(told["loss_upper"]))


def test_a_change_of_2_to_the_minus_60_in_the_target_is_told_apart():
    rows = [[0, 1], ["1/3", 0]], [[2, 1], [1, -1]], [["1/2", 1]], [["1/4"], [-1]]
    one = flow_certificate(FlowData.of(*rows), "1/2", digits=22)
    rows[1][0][0] += Q(1, 2**60)
    other = flow_certificate(FlowData.of(*rows), "1/2", digits=22)
    off = sum(
        (Q(x) - Q(y)) ** 2
        for name in "AB"
        for row, beside in zip(one[name], other[name], strict=True)
        for x, y in zip(row, beside, strict=True)
    )
    assert off > (Q(one["radius"]) + Q(other["radius"])) ** 2
    assert Q(one["loss_upper"]) < Q(other["loss_lower"])


@pytest.mark.parametrize("digits", [1, 6, 30])
def test_the_radius_is_as_small_as_asked(digits):
    told = flow_certificate(drawn(3, 2, 2, 1), "1/4", digits=digits)
    assert 0 < Q(told["radius"]) <= Q(3, 10**digits)
    width = Q(told["loss_upper"]) - Q(told["loss_lower"])
    assert 0 < width < Q(100, 10**digits)


def test_a_start_at_rest_stays_and_is_told_exactly():
    told = flow_certificate(FlowData.of([[1]], [[3]], [[0]], [[0]]), 2)
    assert (told["A"], told["B"], told["radius"]) == ([[0]], [[0]], 0)
    assert told["loss_lower"] == told["loss_upper"] == 2


# --- limits --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("Y", "r", "least"),
    [
        ([[3, 0, 0], [0, 2, 0]], 1, 2),
        ([[2, 0, 0], [0, 2, 0]], 1, 2),
        ([[2, 0], [0, 2], [0, 0]], 2, 0),
        ([[1, 2], [2, 4]], 1, 0),
        ([[3, 0, 0], [0, 1, 0], [0, 0, 1]], 2, "1/2"),
        ([[1, 1], [0, 1]], 1, None),
        ([[0, 0], [0, 0]], 1, 0),
    ],
)
def test_the_limit_is_half_of_what_rank_r_leaves(Y, r, least):
    n, m = len(Y), len(Y[0])
    A0 = [[Q(1 + (i + 2 * j) % 3, 2) for j in range(m)] for i in range(r)]
    B0 = [[Q((2 * i + j) % 3 - 1, 4) for j in range(r)] for i in range(n)]
    told = gap_certificate(FlowData.of([[0] * m] * n, Y, A0, B0))
    sigma = np.linalg.svd(np.array(Y, dtype=float), compute_uv=False)
    near = float(sum(sigma[r:] ** 2)) / 2
    assert float(Q(told["limit_lower"])) <= near + 1e-12
    assert float(Q(told["limit_upper"])) >= near - 1e-12
    if least is not None:
        assert Q(told["limit_lower"]) == Q(told["limit_upper"]) == Q(least)
    assert [level["multiplicity"] for level in told["levels"]] == [
        sum(abs(sigma - s) < 1e-9) for s in sorted({round(s, 9) for s in sigma if s > 1e-9})[::-1]
    ]
    assert Q(told["limit_upper"]) <= Q(told["loss_lower"]) or Q(told["t"]) == 0


def test_a_narrow_gap_gets_the_digits_that_it_takes():
    near = 1 - Q(1, 10**8)
    A0, B0 = [[1, Q(1, 10**6)]], [[1], [Q(1, 10**6)]]
    flow = FlowData.of([[0, 0], [0, 0]], [[1, 0], [0, near]], A0, B0)
    told = gap_certificate(flow)
    assert Q(told["limit_lower"]) == near**2 / 2
    assert Q(told["loss_upper"]) < Q(told["second"]) < Q(1, 2)


def test_a_saddle_has_no_certificate():
    saddle = FlowData.of([[0, 0], [0, 0]], [[3, 0], [0, 2]], [[0, 1]], [[0], [0]])
    with pytest.raises(ToleranceNotMet, match="second smallest critical value"):
        gap_certificate(saddle)


# --- what is refused -----------------------------------------------------------------------------

INSTANCE = {"loss": "frobenius", "W0": [[0]], "Y": [[1]], "A0": [["1/2"]], "t": 1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": 2}, "scale and rates 1"),
        ({"adapter": "full", "A0": None}, "scale and rates 1"),
        ({"method": "A-first", "h": 1, "steps": 1, "t": None}, "scale and rates 1"),
        ({"loss": "trace-squared", "Y": None, "t": "inf"}, "expected the loss frobenius"),
        ({"W0": [[0] * 9] * 9, "Y": [[1] * 9] * 9, "A0": [[1] * 9] * 2}, "at most 100"),
        ({"W0": [[0] * 9] * 9, "Y": [[1] * 9] * 9, "A0": [[1] * 9] * 2, "t": "inf"}, "at most 100"),
    ],
)
def test_what_has_no_certificate_says_why(changes, message):
    data = {k: v for k, v in {**INSTANCE, **changes}.items() if v is not None}
    with pytest.raises(BadInput, match=message):
        for_problem(read_problem(data))


def test_several_times_make_a_bundle():
    told = for_problem(read_problem({**INSTANCE, "t": ["1/2", 1]}), digits=6)
    assert [one["t"] for one in told["certificates"]] == ["1/2", 1]
    assert sum(line.startswith("valid: flow") for line in checker.check(told)) == 2


def test_a_written_certificate_is_checked_without_the_package(tmp_path):
    path = tmp_path / "flow.json"
    assert write_flow_certificate(read_problem({**INSTANCE, "t": "inf"}), path) == (
        "critical-value-gap"
    )
    alone = shutil.copy(checker.__file__, tmp_path / "checker.py")
    run = [sys.executable, "-I", alone, str(path)]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert "valid: critical-value-gap" in done.stdout and "trusted: LaSalle" in done.stdout
    path.write_text(json.dumps({**json.loads(path.read_text()), "radius": "1/7"}))
    assert subprocess.run(run, capture_output=True, check=False).returncode == 1
    with pytest.raises(BadInput, match="cannot be written"):
        write_flow_certificate(read_problem(INSTANCE), tmp_path / "none" / "flow.json")


def test_the_command_line_writes_what_check_accepts(lora_proofs):
    path = lora_proofs.folder / "instance.json"
    path.write_text(json.dumps({**INSTANCE, "t": "1/2"}))
    lora_proofs.done("flow", "instance.json", "--certify", "--certificate", "flow.json")
    assert "valid: flow" in lora_proofs.done("check", "flow.json")
    words = ("--certificate", "--certify")
    lora_proofs.refuses("flow", "instance.json", "--certificate", "flow.json", words=words)


def test_an_answer_without_a_certificate_is_printed_all_the_same(lora_proofs):
    path = lora_proofs.folder / "instance.json"
    path.write_text(json.dumps({**INSTANCE, "t": "1/2", "scale": 2}))
    told = lora_proofs("flow", "instance.json", "--certify", "--json", "--certificate", "f.json")
    assert told.returncode == 4 and not (lora_proofs.folder / "f.json").exists()
    assert json.loads(told.stdout)["rigorous"]
    assert "no certificate was written" in told.stderr and "scale and rates 1" in told.stderr


def test_too_many_steps_are_refused(monkeypatch):
    monkeypatch.setattr(flow_steps, "MOST_STEPS", 2)
    with pytest.raises(ToleranceNotMet, match="at most 2 steps"):
        flow_certificate(drawn(3, 2, 2, 1), 3)


@pytest.mark.parametrize(("bound", "lie"), [(0, 0), (1, "1/2"), (0, "99/100"), (1, "99/100")])
def test_an_exporter_that_lies_is_not_believed(monkeypatch, bound, lie):
    honest = flow_steps._norms

    def lying(flow, link):
        found = list(honest(flow, link))
        found[bound] *= Q(lie)
        return tuple(found)

    monkeypatch.setattr(flow_steps, "_norms", lying)
    with pytest.raises(ToleranceNotMet, match="does not accept"):
        flow_certificate(drawn(3, 2, 2, 1), "1/4", digits=8)


def test_more_digits_are_taken_where_errors_grow(monkeypatch):
    tried = []
    honest = flow_module.links
    monkeypatch.setattr(
        flow_module,
        "links",
        lambda flow, t, digits: tried.append(digits) or honest(flow, t, digits),
    )
    flow = FlowData.of([[0, 0], [0, 0]], [[3, 0], [0, 3]], [["1/9", "1/7"]], [[0], ["1/8"]])
    told = flow_certificate(flow, 4, digits=8)
    assert len(tried) > 1 and tried[0] < tried[-1] and Q(told["radius"]) < Q(3, 10**8)
    monkeypatch.setattr(flow_module, "ATTEMPTS", 1)
    with pytest.raises(ToleranceNotMet, match="were not reached"):
        flow_certificate(flow, 4, digits=8)


# --- flows that were enclosed --------------------------------------------------------------------


def test_flows_are_recorded_once_with_their_exact_data():
    field = lora_field(frobenius([[1, "1/3"]]), [[0, 0]], [[1, 2]], [["1/2"]])
    with recorded_flows() as outer:
        field.enclosure([0, "1/2"], digits=8)
        with recorded_flows() as inner:
            field.enclosure("1/2", digits=8)
    assert [flow.t for flow in outer] == [0, Q(1, 2)] and [flow.t for flow in inner] == [Q(1, 2)]
    assert inner[0].Y[0] == (1, Q(1, 3)) and inner[0].B0[0][0] == Q(1, 2)
    told = certificates_of(inner, claim="some/claim")
    assert [one["claim"] for one in told] == ["some/claim"] and checker.check(told[0])
    assert Q(told[0]["radius"]) <= Q(1, 10**8)


def test_other_flows_are_not_recorded():
    with recorded_flows() as flows:
        lora_field(log_cosh([[1]]), [[0]], [[1]], [[1]]).enclosure("1/4", digits=6)
        lora_field(trace_squared(), [[1]], [[1]], [[1]], scale=2).enclosure("1/4", digits=6)
        lora_field(trace_squared(), [[1]], [[1]], [[1]], eta_A=2).enclosure("1/4", digits=6)
        full_field(frobenius([[1]]), [[0]]).enclosure("1/4", digits=6)
        third = flint.arb(1) / 3
        lora_field(trace_squared(), [[third]], [[1]], [[1]]).enclosure("1/4", digits=6)
    lora_field(trace_squared(), [[1]], [[1]], [[1]]).enclosure("1/4", digits=6)
    assert not flows


def test_large_flows_are_left_out():
    with recorded_flows() as flows:
        lora_field(trace_squared(), [[1]], [[1]], [[1]]).enclosure(["1/4", 2], digits=6)
    assert [told["t"] for told in certificates_of(flows, work=1)] == ["1/4"]
