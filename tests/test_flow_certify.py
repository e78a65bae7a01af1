"""``flow --certify``: decimal intervals that hold the truth, at finite times and in the limit."""

import functools
import json
import random
from fractions import Fraction

import flint
import pytest

from lora_proofs.errors import ToleranceNotMet
from lora_proofs.integrate import enclosure
from lora_proofs.solving.answer import answer
from lora_proofs.solving.decimals import ball_strings, exact, radius
from lora_proofs.solving.problem import read_problem

START = {"A0": [[1, "1/3", 0], [0, "1/2", "-0.4"]], "B0": [["1/5", 0], [0, 1], ["1/7", "-1/2"]]}
W0 = [[1, 2, 0], ["1/2", 1, 3], [-1, 0, 1]]
FROBENIUS = {"loss": "frobenius", "W0": W0, "Y": [[3, 0, 1], [1, 2, -1], [0, 1, -2]], **START}
TRACE = {"loss": "trace-squared", "W0": W0, **START}
FINITE = {
    "enclosed": {**FROBENIUS, "t": "1/2"},
    "an irrational clock": {**FROBENIUS, "t": "1/4", "eta_A": "1/3", "scale": 2},
    "a frozen factor": {**FROBENIUS, "t": "1/4", "eta_A": 0},
    "trace-squared": {**TRACE, "t": "1/2"},
    "full": {"loss": "frobenius", "W0": W0, "Y": FROBENIUS["Y"], "adapter": "full", "t": 2},
    "one rank index": {**FROBENIUS, "A0": START["A0"][:1], "B0": [[1], [0], ["1/3"]], "t": 1},
    "descent": {**FROBENIUS, "method": "A-first", "h": "1/50", "steps": 20},
}


def certified(instance):
    return answer(read_problem(instance), None, certify=True)


def leaves(x):
    """The numbers of a document, each {"mid", "rad"}."""
    if isinstance(x, dict) and set(x) == {"mid", "rad"}:
        yield x
    elif isinstance(x, dict | list):
        for part in x.values() if isinstance(x, dict) else x:
            yield from leaves(part)


def ends(number):
    middle, wide = Fraction(number["mid"]), Fraction(number["rad"])
    assert wide >= 0
    return middle - wide, middle + wide


def holds(number, value, slack=Fraction(0)):
    low, high = ends(number)
    return low - slack <= value <= high + slack


def numbers(state):
    """All numbers of a state in a fixed order."""
    for name in ("A", "B", "W"):
        for row in state[name] or []:
            yield from row
    yield state["loss"]
    yield state["invariants"]["loss_decrease"]


@pytest.mark.parametrize("instance", FINITE.values(), ids=FINITE.keys())
def test_every_interval_holds_the_truth_and_is_narrow(instance):
    found, truth = certified(instance), answer(read_problem(instance), 40)
    assert found["rigorous"] and found["error_bound"]["rigorous"]
    for ball, value in zip(numbers(found), numbers(truth), strict=True):
        value = Fraction(value)
        assert holds(ball, value, max(abs(value), Fraction(1)) / 10**39)
        assert Fraction(ball["rad"]) <= max(abs(value) / 10**12, Fraction(1, 10**13))


@pytest.mark.parametrize("instance", FINITE.values(), ids=FINITE.keys())
def test_every_number_is_an_interval(instance):
    found = certified(instance)
    assert all(set(x) == {"mid", "rad"} for x in numbers(found))
    drift = found["invariants"]["BtB_minus_AAt_drift"]
    if instance.get("adapter") == "full":
        assert drift is None
    elif "method" not in instance:
        assert holds(drift, 0) and ends(drift)[1] < Fraction(1, 10**12)


def test_exact_numbers_have_radius_0():
    found = certified({**FROBENIUS, "t": [0, "1/8"]})
    assert found["states"][0]["A"][0][0] == {"mid": "1", "rad": "0"}
    assert [state["t"] for state in found["states"]] == [0, "1/8"]


def test_a_target_moved_by_2_to_the_minus_45_is_told_apart():
    moved = [[str(3 + Fraction(1, 2**45)), 0, 1], *FROBENIUS["Y"][1:]]
    here, there = (
        certified({**FROBENIUS, "Y": Y, "t": "1/2"})["W"][0][0] for Y in (FROBENIUS["Y"], moved)
    )
    assert ends(here)[1] < ends(there)[0] or ends(there)[1] < ends(here)[0]


def test_what_an_enclosure_leans_on_is_cited():
    assert "growth of errors by the logarithmic norm" in certified(FINITE["enclosed"])["cites"]
    assert certified(FINITE["trace-squared"])["cites"] == []


def test_progress_is_heard_inside_one_enclosure():
    heard = []
    answer(read_problem(FINITE["enclosed"]), None, heard.append, certify=True)
    assert any(0 < t < Fraction(1, 2) for t in heard)


def test_a_time_that_takes_too_many_steps_is_refused_early(monkeypatch):
    monkeypatch.setattr(enclosure, "LOOKED_AT", 10)
    heard = []
    with pytest.raises(ToleranceNotMet, match="ask for an earlier time"):
        answer(read_problem({**FROBENIUS, "t": 10**6}), None, heard.append, certify=True)
    assert len(heard) < 20


# decimals


def test_a_decimal_interval_holds_its_ball():
    source = random.Random(3)
    for _ in range(300):
        with flint.ctx.workprec(source.choice((30, 53, 200))):
            middle = flint.arb(source.randint(-(10**9), 10**9)) * flint.arb(2) ** source.randint(
                -120, 60
            )
            wide = flint.arb(source.randint(0, 999)) * flint.arb(2) ** source.randint(-150, 40)
            ball = middle / source.choice((1, 3, 7)) + flint.arb(0, wide)
        low, high = ends(dict(zip(("mid", "rad"), ball_strings(ball), strict=True)))
        assert low <= exact(ball) - radius(ball) and exact(ball) + radius(ball) <= high
        assert high - low <= Fraction(5, 2) * radius(ball) + abs(exact(ball)) / 10**23


@pytest.mark.parametrize(
    "x,text",
    [
        (flint.fmpq(1, 3), ("0.3333333333333333333333333", "3.4e-26")),
        (flint.fmpq(-5, 4), ("-1.25", "0")),
        (flint.fmpq(0), ("0", "0")),
        (flint.arb(0, "1e-30"), ("0", "1.1e-30")),
        (flint.arb(3, 100), ("0", "1.1e+2")),
        (flint.fmpq(1200), ("1200", "0")),
    ],
)
def test_how_a_ball_is_written(x, text):
    assert ball_strings(x) == text


def test_a_ball_that_is_not_finite_is_no_answer():
    with pytest.raises(ToleranceNotMet, match="not enclosed"):
        ball_strings(flint.arb("nan"))


# limits

SMALL = {
    "loss": "frobenius",
    "W0": [[0, 1, 0], [0, 0, 0]],
    "Y": [[3, 1, 1], [1, 2, 0]],
    "A0": [[1, "1/3", 0], [0, "1/2", "-0.4"]],
    "B0": [["1/5", 0], [0, 1]],
}


@functools.cache
def frobenius_limit():
    return certified({**FROBENIUS, "t": "inf"})


def flat(rows):
    return [x for row in rows for x in row]


def test_the_limit_in_intervals():
    found = frobenius_limit()
    truth = answer(read_problem({**FROBENIUS, "t": "inf"}), 40)
    assert found["rigorous"] and found["argument"].startswith("critical-value gap")
    assert holds(found["limit_loss"], Fraction(truth["limit_loss"]), Fraction(1, 10**38))
    for ball, value in zip(leaves(found["limit_BA"]), flat(truth["limit_BA"]), strict=True):
        assert holds(ball, Fraction(value), Fraction(1, 10**38))
    assert {"Weyl's inequality", "LaSalle's invariance principle"} <= set(found["cites"])
    assert Fraction(found["rate_lower_bound"]["mid"]) > 0


def test_the_factors_later_lie_in_their_limits():
    """The rate is at least the bound, so at t = 100/rate the flow is its limit to 40 digits."""
    found = frobenius_limit()
    rate = Fraction(found["rate_lower_bound"]["mid"])
    late = answer(read_problem({**FROBENIUS, "t": str(round(100 / rate))}), 12)
    for name in ("A", "B"):
        balls = list(leaves(found[f"limit_{name}"]))
        assert all(Fraction(ball["rad"]) < Fraction(1, 1000) for ball in balls)
        for ball, value in zip(balls, flat(late[name]), strict=True):
            assert holds(ball, Fraction(value), Fraction(1, 10**10))


@pytest.mark.parametrize("sign,more", [(1, {}), (-1, {"eta_A": "1/3"})])
def test_the_limits_of_trace_squared_factors(sign, more):
    instance = {**TRACE, **more, "W0": [[sign, 2, 0], [0, 1, 3], [-1, 0, sign]]}
    found = certified({**instance, "t": "inf"})
    late = answer(read_problem({**instance, "t": 60}), 20)
    for name in ("A", "B"):
        for ball, value in zip(leaves(found[f"limit_{name}"]), flat(late[name]), strict=True):
            assert holds(ball, Fraction(value), Fraction(1, 10**15))


def test_a_cone_that_it_leaves_and_one_that_it_does_not():
    """B0 = A0' keeps |tr W| >= w0 for w0 > 0; for w0 < 0 the factors grow to norm^2 |w0|."""
    cone = {"loss": "trace-squared", "A0": [[3, 4]], "B0": [[3], [4]], "t": "inf"}
    kept = certified({**cone, "W0": [[1, 0], [0, 1]]})
    assert (
        not kept["rigorous"]
        and not kept["error_bound"]["rigorous"]
        and kept["saddle"]
        and kept["limit_loss"]["mid"] == "2"
    )
    assert all(x == {"mid": "0", "rad": "0"} for x in leaves(kept["limit_A"]))
    left = certified({**cone, "W0": [[-1, 0], [0, -1]]})
    size = [ends(x) for x in leaves(left["limit_A"])]
    assert left["rigorous"] and sum(low**2 for low, _ in size) <= 2 <= sum(h**2 for _, h in size)


def test_scale_and_rates_change_the_clock_of_the_rate():
    plain = certified({**SMALL, "t": "inf"})
    halves = {k: [[str(Fraction(x) / 2) for x in row] for row in SMALL[k]] for k in ("A0", "B0")}
    found = certified({**SMALL, **halves, "scale": 4, "t": "inf"})
    ratio = Fraction(found["rate_lower_bound"]["mid"]) / Fraction(plain["rate_lower_bound"]["mid"])
    assert abs(ratio - 4) < Fraction(1, 10**6)
    for one, other in zip(leaves(found["limit_A"]), leaves(plain["limit_A"]), strict=True):
        assert holds(one, Fraction(other["mid"]) / 2, Fraction(other["rad"]))


# the command


def written(lora_proofs, instance):
    path = lora_proofs.folder / "instance.json"
    path.write_text(json.dumps(instance))
    return path


def test_the_command_prints_intervals(lora_proofs):
    path = written(lora_proofs, FINITE["enclosed"])
    document = json.loads(lora_proofs.done("flow", path, "--certify", "--json"))
    assert document["rigorous"] is True and len(list(leaves(document["W"]))) == 9
    text = lora_proofs.done("flow", path, "--certify")
    assert " +- " in text and "a bound that surely holds" in text and "cites: growth" in text


def test_the_command_prints_the_limit(lora_proofs):
    text = lora_proofs.done("flow", written(lora_proofs, {**SMALL, "t": "inf"}), "--certify")
    for words in ("limit of A", "rate of A, B and W at least", "(proved)", "cites: "):
        assert words in text


def test_digits_and_certify_exclude_each_other(lora_proofs):
    path = written(lora_proofs, FINITE["trace-squared"])
    words = ("--certify", "expected no --digits", "leave one")
    lora_proofs.refuses("flow", path, "--certify", "--digits", 5, words=words)


def test_the_error_of_the_factors_in_the_limit_is_their_own():
    data = {"loss": "frobenius", "W0": [[0, 0], [0, 0]], "Y": [[3, 1], [0, 2]], "t": "inf",
            "A0": [[1, 1], [0, "1/2"]], "B0": [[1, 0], [0, 1]]}  # fmt: skip
    told = answer(read_problem(data), None, certify=True)
    radii = [Fraction(x["rad"]) for name in "AB" for row in told[f"limit_{name}"] for x in row]
    assert Fraction(told["error_bound"]["factors"]) >= max(radii) > 0
    assert Fraction(told["error_bound"]["value"]) < min(radii)
