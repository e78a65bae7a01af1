"""The checker on flows: what it computes again, and every fault that it has to notice."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal, localcontext
from fractions import Fraction as Q
from functools import cache
from itertools import combinations
from operator import add, mul
from random import Random

import pytest

from lora_proofs import checker
from lora_proofs.certificates.flow import flow_certificate, gap_certificate
from lora_proofs.certificates.flow_steps import FlowData
from lora_proofs.checker import Flow, Invalid, Malformed, Step, check, digest_of

FROBENIUS = FlowData.of([[0, 1], ["1/3", 0]], [[2, 1], [1, -1]], [["1/2", 1]], [["1/4"], [-1]])
TRACE = FlowData.of([[1, 2], [0, "1/2"]], None, [["1/2", 1], [0, 1]], [["1/4", 0], [-1, 1]])
SCALAR = FlowData.of([[0]], [[1]], [["1/2"]], [["1/3"]])
TIED = FlowData.of([[0, 0, 0], [0, 0, 0]], [[2, 0, 0], [0, 2, 0]], [[1, "1/2", 1]], [["1/4"], [0]])


@cache
def honest():
    """A certificate of each sort, small enough to be checked a hundred times."""
    return {
        "frobenius": flow_certificate(FROBENIUS, "1/2", digits=20),
        "trace-squared": flow_certificate(TRACE, "1/4", digits=20),
        "scalar": flow_certificate(SCALAR, "1/8", digits=6),
        "gap": gap_certificate(FROBENIUS),
        "tied": gap_certificate(TIED),
    }


def resealed(told):
    return {**told, "digest": digest_of(told)}


def changed(name, *path, to):
    """An honest certificate with one value replaced, or changed by a function, and a new digest."""
    told = deepcopy(honest()[name])
    *inner, last = path
    place = told
    for key in inner:
        place = place[key]
    place[last] = to(place[last]) if callable(to) else to
    return resealed(told)


def plus(x):
    return lambda value: str(Q(value) + Q(x))


def times(x):
    return lambda value: str(Q(value) * Q(x))


@pytest.mark.parametrize("name", ["frobenius", "trace-squared", "scalar", "gap", "tied"])
def test_honest_certificates_are_accepted(name):
    lines = check(honest()[name])
    assert lines[0].startswith("valid: ")
    assert any("Dahlquist" in line for line in lines if line.startswith("trusted"))
    gap = [line for line in lines if "LaSalle" in line or "Baldi" in line]
    assert len(gap) == (2 if name in ("gap", "tied") else 0)


# --- mutants: a certificate that says something else, with a digest that fits --------------------

LITTLE = 1 - Q(1, 2**14)  # bounds are rounded up to 16 bits: so much less is less than needed
STEPS = ("frobenius", "trace-squared")


def bound_mutants():
    for name in STEPS:
        for k in range(len(honest()[name]["steps"])):
            at = (name, "steps", k)
            for bound in ("defect", "growth", "radius_out"):
                yield f"{name} {bound} {k} too small", changed(*at, bound, to=times(LITTLE))
            if k:  # the error that the step before leaves
                yield f"{name} radius_in {k}", changed(*at, "radius_in", to=times(LITTLE))
            out = honest()[name]["steps"][k]["radius_out"]
            yield f"{name} tube {k} met", changed(*at, "tube", to=out)
            yield f"{name} tube {k} wider", changed(*at, "tube", to=plus(1))
            yield f"{name} tau {k}", changed(*at, "tau", to=times("1025/1024"))


def coefficient_mutants():
    for name in STEPS:
        for k in range(len(honest()[name]["steps"])):
            for side in "AB":
                at = (name, "steps", k, side)
                yield (
                    f"{name} {side} {k} order 3 dropped",
                    changed(*at, 3, to=lambda X: [[0 for _ in row] for row in X]),
                )
                yield (
                    f"{name} {side} {k} sign",
                    changed(*at, 2, to=lambda X: [[str(-Q(x)) for x in row] for row in X]),
                )
                yield (
                    f"{name} {side} {k} swapped",
                    changed(*at, to=lambda Xs: [Xs[0], Xs[2], Xs[1], *Xs[3:]]),
                )
                yield f"{name} {side} {k} off", changed(*at, 0, 0, 0, to=plus(2**20))
            yield (
                f"{name} shorter {k}",
                resealed(
                    {
                        **honest()[name],
                        "steps": [
                            {**s, "A": s["A"][:-12], "B": s["B"][:-12]} if j == k else s
                            for j, s in enumerate(honest()[name]["steps"])
                        ],
                    }
                ),
            )
            yield f"{name} denominator {k}", changed(name, "steps", k, "denominator", to=times(2))


def chain_mutants():
    for name in STEPS:
        a, b, *rest = honest()[name]["steps"]
        yield f"{name} steps swapped", changed(name, "steps", to=[b, a, *rest])
        yield f"{name} first step left out", changed(name, "steps", to=[b, *rest])
        yield f"{name} last step left out", changed(name, "steps", to=lambda steps: steps[:-1])
        yield f"{name} a step twice", changed(name, "steps", to=[a, a, b, *rest])
        yield f"{name} no steps", changed(name, "steps", to=[])
        yield f"{name} t", changed(name, "t", to=plus("1/1000000"))
        shifted = changed(name, "t", to=times("1025/1024"))
        for step in shifted["steps"]:
            step["tau"] = times("1025/1024")(step["tau"])
        yield f"{name} another clock", resealed(shifted)


def data_mutants():
    for name, matrices in (("frobenius", ("W0", "Y", "A0", "B0")), ("trace-squared", ("A0", "B0"))):
        for matrix in matrices:
            for i, row in enumerate(honest()[name][matrix]):
                for j in range(len(row)):
                    moved = changed(name, matrix, i, j, to=plus(Q(1, 2**60)))
                    yield f"{name} {matrix}[{i}][{j}]", moved
    yield "trace-squared W0", changed("trace-squared", "W0", 0, 0, to=plus(Q(1, 2**60)))
    yield (
        "W0 and Y exchanged",
        resealed(
            {**honest()["frobenius"], "W0": honest()["frobenius"]["Y"], "Y": [[0, 1], ["1/3", 0]]}
        ),
    )
    yield "another loss", resealed({**honest()["frobenius"], "Y": None, "loss": "trace-squared"})


def claim_mutants():
    for name in (*STEPS, "gap"):
        told = honest()[name]
        radius = Q(told["radius"])
        for side in "AB":
            moved = changed(name, side, 0, 0, to=plus(2 * radius))
            yield f"{name} {side} moved", moved
        yield f"{name} radius", changed(name, "radius", to=times("1/2"))
        yield f"{name} negative radius", changed(name, "radius", to=times(-1))
        width = Q(told["loss_upper"]) - Q(told["loss_lower"])
        for bound, sign in (("loss_lower", 1), ("loss_upper", -1)):
            yield f"{name} {bound} inside", changed(name, bound, to=plus(sign * width / 10))
            yield f"{name} {bound} beyond", changed(name, bound, to=plus(2 * sign * width))
        both = changed(name, "loss_lower", to=plus(width))
        yield (
            f"{name} loss shifted",
            resealed({**both, "loss_upper": plus(width)(both["loss_upper"])}),
        )


def gap_mutants():
    told = honest()["gap"]
    first, last = told["levels"]
    double = {**first, "multiplicity": 2}
    yield "multiplicity", changed("gap", "levels", to=[double, last])
    yield "a level twice", changed("gap", "levels", to=[first, first, last])
    yield "levels exchanged", changed("gap", "levels", to=[last, first])
    yield "a level left out", changed("gap", "levels", to=[first])
    yield "levels as one", changed("gap", "levels", to=[{**double, "lower": last["lower"]}])
    yield "a level moved", changed("gap", "levels", 1, "upper", to=last["lower"])
    yield "a level beyond 0", changed("gap", "levels", 1, "lower", to=plus(-10))
    yield "second above", changed("gap", "second", to=plus("1/1000000"))
    # What it costs to drop the smallest singular value instead of the least exchange.
    yield "second by another exchange", changed("gap", "second", to=plus(Q(first["lower"]) / 2))
    yield "second below the loss", changed("gap", "second", to=told["loss_lower"])
    yield "second met by the loss", changed("gap", "second", to=told["loss_upper"])
    for bound, sign in (("limit_lower", 1), ("limit_upper", -1)):
        yield f"{bound} shifted", changed("gap", bound, to=plus(sign * Q(1, 2**40)))
    yield "limit_lower at the upper end", changed("gap", "limit_lower", to=told["limit_upper"])
    yield "limit_upper at the lower end", changed("gap", "limit_upper", to=told["limit_lower"])
    yield "limit of another rank", resealed({**told, "limit_lower": 0, "limit_upper": 0})
    yield (
        "limit turned around",
        resealed({**told, "limit_lower": told["limit_upper"], "limit_upper": told["limit_lower"]}),
    )
    tie = honest()["tied"]["levels"][0]
    split = [{**tie, "multiplicity": 1}, {**tie, "multiplicity": 1}]
    yield "a tie broken", changed("tied", "levels", to=split)
    near = {"lower": str(Q(tie["lower"]) - Q(1, 2**60)), "upper": tie["lower"], "multiplicity": 1}
    yield "a tie broken by little", changed("tied", "levels", to=[split[0], near])
    yield "a tie halved", changed("tied", "levels", to=[split[0]])
    yield "a tie counted thrice", changed("tied", "levels", 0, "multiplicity", to=3)
    gap = {key: told[key] for key in ("levels", "second", "limit_lower", "limit_upper")}
    yield (
        "a gap of another loss",
        resealed({**honest()["trace-squared"], **gap, "kind": "critical-value-gap"}),
    )


MUTANTS = (
    bound_mutants,
    coefficient_mutants,
    chain_mutants,
    data_mutants,
    claim_mutants,
    gap_mutants,
)


@pytest.mark.parametrize("mutants", MUTANTS, ids=lambda mutants: mutants.__name__)
def test_every_mutant_is_rejected(mutants):
    names = [name for name, told in mutants() if not rejected(told)]
    assert not names


def test_the_mutants_are_many_and_all_differ():
    digests = {told["digest"] for mutants in MUTANTS for _, told in mutants()}
    honest_ones = {told["digest"] for told in honest().values()}
    assert len(digests) >= 100 and not digests & honest_ones


def test_bounds_may_be_met_exactly():
    told = deepcopy(honest()["frobenius"])
    flow = checker.read_flow(*(told[name] for name in ("loss", "W0", "Y", "A0", "B0")))
    step = told["steps"][-1]
    tau, tube, radius_in = (Q(step[name]) for name in ("tau", "tube", "radius_in"))
    read = checker.read_step(flow, *(step[k] for k in ("tau", "denominator", "A", "B")))
    defect, size, reach = checker.step_bounds(flow, read)
    growth = size + tube * reach + tube**2 / 2
    out = (radius_in + defect * tau) * checker.exp_above(growth * tau)
    for name, bound in (("defect", defect), ("growth", growth), ("radius_out", out)):
        step[name] = str(bound)
        assert check(resealed(told))
    for name in ("defect", "growth", "radius_out"):
        less = {**step, name: str(Q(step[name]) - Q(1, 10**60))}
        assert rejected(resealed({**told, "steps": [*told["steps"][:-1], less]}))


REST = {
    "tau": 1,
    "denominator": 1,
    "A": [[[0]]],
    "B": [[[0]]],
    "radius_in": 0,
    "defect": 0,
    "growth": "5/2",
    "tube": 1,
    "radius_out": 0,
}


def at_rest(**changes):
    """A certificate by hand: a start where both gradients vanish, W = 1, Y = 3."""
    head = {
        key: honest()["scalar"][key] for key in ("format", "version", "kind", "claim", "asserts")
    }
    data = {"loss": "frobenius", "W0": [[1]], "Y": [[3]], "A0": [[0]], "B0": [[0]]}
    end = {"A": [[0]], "B": [[0]], "radius": 0, "loss_lower": 2, "loss_upper": 2}
    return resealed({**head, **data, "t": 2, "steps": [{**REST, **changes}, REST], **end})


def test_a_step_may_have_one_coefficient_and_the_denominator_1():
    assert check(at_rest())
    assert rejected(at_rest(growth="249/100")) and rejected(at_rest(tube=0, growth=2))
    assert rejected(at_rest(A=[[[1]]]))
    with pytest.raises(Malformed):
        check(at_rest(A=[], B=[]))


def test_the_second_value_may_be_met_exactly():
    assert check(changed("tied", "second", to=4))
    assert rejected(changed("tied", "second", to="4000000001/1000000000"))


def rejected(told):
    try:
        check(told)
    except Invalid:
        return True
    return False


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("steps", 0, "tau"), 0),
        (("steps", 0, "tau"), -1),
        (("steps", 0, "denominator"), 0),
        (("steps", 0, "denominator"), "1/2"),
        (("steps", 0, "A"), []),
        (("steps", 0, "A"), lambda Xs: Xs[:-1]),
        (("steps", 0, "A", 0, 0, 0), "1/2"),
        (("steps", 0, "A", 1), [[1]]),
        (("steps", 0, "A"), lambda Xs: Xs * 30),
        (("steps", 0), {}),
        (("steps",), 3),
        (("loss",), "log-cosh"),
        (("Y",), None),
        (("Y",), [[1]]),
        (("A0",), [[1]]),
        (("B0",), [[1, 1], [1, 1]]),
        (("B0",), [[1]]),
        (("A",), [[1]]),
        (("B",), [[1], [1], [1]]),
        (("radius",), 0.5),
        (("t",), None),
    ],
)
def test_what_does_not_fit_is_no_certificate(path, to):
    with pytest.raises(Malformed):
        check(changed("frobenius", *path, to=to))


def test_trace_squared_takes_a_square_weight_and_no_target():
    told = honest()["trace-squared"]
    with pytest.raises(Malformed, match="null"):
        check(resealed({**told, "Y": told["W0"]}))
    with pytest.raises(Malformed, match="square"):
        check(resealed({**told, "W0": [[1, 2, 0], [0, 1, 0]], "A0": [[1, 1, 1], [0, 1, 1]]}))


def test_a_gap_with_too_many_choices_is_refused():
    n = 13
    E = [[Q((i + 1) * (i == j)) for j in range(n)] for i in range(n)]
    flow = Flow("frobenius", E, [[Q(0)] * n], [[Q(0)]] * n)
    levels = [{"lower": (n - i) ** 2, "upper": (n - i) ** 2, "multiplicity": 1} for i in range(n)]
    with pytest.raises(Malformed, match="more than"):
        checker.critical_values(flow, levels)


# --- what it computes, against plain ways of computing it ----------------------------------------


def product(X, Y):
    columns = transposed(Y)
    return [[sum(map(mul, row, column)) for column in columns] for row in X]


def transposed(X):
    return [list(column) for column in zip(*X, strict=True)]


def entries(*matrices):
    return [x for X in matrices for row in X for x in row]


def at(Xs, s, slope):
    """The value, or the slope, of a matrix of polynomials over 8 at s."""
    weights = [k * s ** max(k - 1, 0) if slope else s**k for k in range(len(Xs))]
    return [
        [sum(w * X[i][j] for w, X in zip(weights, Xs, strict=True)) / Q(8) for j in range(len(row))]
        for i, row in enumerate(Xs[0])
    ]


STEP = Step(Q(3, 7), 8, [[[4, -8]], [[3, 1]], [[0, -2]]], [[[2], [0]], [[-1], [5]], [[1], [0]]])


@pytest.mark.parametrize("loss", ["frobenius", "trace-squared"])
def test_the_bounds_of_a_step_hold_at_every_point(loss):
    flow = Flow(loss, [[Q(1, 3), Q(2)], [Q(0), Q(-1)]], [], [])
    defect, growth, reach = checker.step_bounds(flow, STEP)
    for s in (Q(k, 10) for k in range(11)):
        A, B = at(STEP.A, s, False), at(STEP.B, s, False)
        W = [list(map(add, *rows)) for rows in zip(flow.C, product(B, A), strict=True)]
        tr = W[0][0] + W[1][1]
        G = W if loss == "frobenius" else [[tr, Q(0)], [Q(0), tr]]
        rates = entries(product(transposed(B), G), product(G, transposed(A)))
        slopes = [x / STEP.tau for x in entries(at(STEP.A, s, True), at(STEP.B, s, True))]
        assert sum((x + y) ** 2 for x, y in zip(slopes, rates, strict=True)) <= defect**2
        roots = entries(W) if loss == "frobenius" else [tr]
        assert sum(x * x for x in roots) <= growth**2
        assert sum(x * x for x in entries(A, B)) <= reach**2


def convolved(X, Y):
    """The product of matrices of polynomials, as coefficients."""
    out = [[[Q(0)] * (len(X) + len(Y) - 1) for _ in Y[0][0]] for _ in X[0]]
    for a, Xa in enumerate(X):
        for b, Yb in enumerate(Y):
            for i, row in enumerate(product(Xa, Yb)):
                for j, x in enumerate(row):
                    out[i][j][a + b] += x
    return [[[entry[k] for entry in row] for row in out] for k in range(len(X) + len(Y) - 1)]


@pytest.mark.parametrize("scale", [1, 2**70, Q(1, 2**70)])
@pytest.mark.parametrize("tau", [Q(1), Q(10**9, 7), Q(1, 10**9)])
@pytest.mark.parametrize("orders", [1, 2, 6])
def test_the_defect_is_the_sum_of_its_coefficients_whatever_the_sizes(scale, tau, orders):
    random = Random(str((scale, tau, orders)))
    draw = lambda n, m: [[random.randint(-99, 99) for _ in range(m)] for _ in range(n)]  # noqa: E731
    step = Step(tau, 5, [draw(1, 2) for _ in range(orders)], [draw(2, 1) for _ in range(orders)])
    flow = Flow("frobenius", [[Q(x) * scale for x in row] for row in draw(2, 2)], [], [])
    A, B = ([[[Q(x, 5) for x in row] for row in X] for X in Xs] for Xs in (step.A, step.B))
    G = convolved(B, A)
    G[0] = [list(map(add, *rows)) for rows in zip(G[0], flow.C, strict=True)]
    rates = convolved([transposed(X) for X in B], G), convolved(G, [transposed(X) for X in A])
    sizes = []
    for X, rate in ((A, rates[0]), (B, rates[1])):
        for i, j in ((i, j) for i in range(len(X[0])) for j in range(len(X[0][0]))):
            slopes = [k * Xk[i][j] / tau for k, Xk in enumerate(X)][1:] + [Q(0)] * len(rate)
            sizes.append(sum(abs(x + Y[i][j]) for x, Y in zip(slopes, rate, strict=False)))
    square, unit = sum(x * x for x in sizes), Q(1, tau.numerator * 5**3)
    defect = checker.step_bounds(flow, step)[0]
    assert defect**2 >= square > (defect - max(unit, defect / 2**60)) ** 2


def test_a_bound_is_the_sum_of_sizes_and_not_more():
    still = Step(Q(1), 1, [[[3]], [[-1]]], [[[0]], [[0]]])
    defect, growth, reach = checker.step_bounds(Flow("frobenius", [[Q(2)]], [], []), still)
    # p = (3 - s, 0), W = 2: A' = -1 and B' + G A = 2 (3 - s).
    assert reach == 4 and growth == 2
    assert defect == checker.sqrt_up(Q(1 + 64), 0)


@pytest.mark.parametrize("x", ["0", "1/1000", "1/3", "1", "5/2", "20", "99", "100"])
def test_exponentials_are_rounded_up_by_little(x):
    with localcontext() as context:
        context.prec = 60
        true = Q(Decimal(Q(x).numerator) / Decimal(Q(x).denominator)).limit_denominator(10**50)
        true = Q((Decimal(true.numerator) / Decimal(true.denominator)).exp())
    near = checker.exp_above(Q(x))
    assert true <= near * (1 + Q(1, 10**45)) and near <= true * (1 + Q(1, 10**9))


@pytest.mark.parametrize("x", ["-1/1000", "10001/100"])
def test_exponentials_out_of_range_are_refused(x):
    with pytest.raises(Invalid):
        checker.exp_above(Q(x))


@pytest.mark.parametrize(
    ("a", "b", "c", "fits"),
    [
        (4, 1, 9, True),
        (4, 1, Q(899, 100), False),
        (2, 1, 5, False),
        (2, 1, 6, True),
        (0, 0, 0, True),
        (0, 0, -1, False),
        (2, 0, 2, True),
        (0, 3, 9, True),
        (0, 3, 8, False),
    ],
)
def test_sums_of_roots_are_compared_exactly(a, b, c, fits):
    assert checker.roots_fit(Q(a), Q(b), Q(c)) is fits


def test_distances_meet_their_radius():
    assert checker.near([Q(3), Q(0)], [Q(0), Q(4)], Q(5))
    assert not checker.near([Q(3), Q(0)], [Q(0), Q(4)], Q(499, 100))
    assert checker.near([Q(1)], [Q(1)], Q(0)) and not checker.near([Q(1)], [Q(1)], Q(-1))


SPECTRA = [(3, 2, 1), (2, 2, 1), (2, 1, 1), (1, 1, 1), (3, 0, 0), (5, 4, 4, 1), (0, 0), (1,)]


@pytest.mark.parametrize("sigma", SPECTRA)
@pytest.mark.parametrize("r", [1, 2, 3, 4])
@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_critical_values_against_every_choice(sigma, r, extra):
    n, m = len(sigma) + max(extra, 0), len(sigma) + max(-extra, 0)
    E = [[Q(sigma[i] if i == j and i < len(sigma) else 0) for j in range(m)] for i in range(n)]
    flow = Flow("frobenius", E, [[Q(0)] * m] * r, [[Q(0)] * r] * n)
    levels = [
        {"lower": s * s, "upper": s * s, "multiplicity": sigma.count(s)}
        for s in sorted({s for s in sigma if s}, reverse=True)
    ]
    least, others = checker.critical_values(flow, levels)
    total = sum(s * s for s in sigma)
    values = {
        Q(total - sum(sigma[i] ** 2 for i in S), 2)
        for k in range(min(r, len(sigma)) + 1)
        for S in combinations(range(len(sigma)), k)
    }
    assert least == [min(values)] * 2
    assert set(others) == values - {min(values)}


def test_a_level_may_be_an_interval_but_holds_one_value():
    flow = Flow("frobenius", [[Q(2), Q(0)], [Q(0), Q(1)]], [[Q(0)] * 2], [[Q(0)]] * 2)
    wide = [
        {"lower": "7/2", "upper": 5, "multiplicity": 1},
        {"lower": "1/2", "upper": 2, "multiplicity": 1},
    ]
    assert checker.critical_values(flow, wide)[0] == [Q(1, 4), 1]
    with pytest.raises(Invalid, match="told apart"):
        checker.critical_values(flow, [{"lower": "1/2", "upper": 5, "multiplicity": 2}])


def test_a_flow_without_steps_is_its_start():
    told = flow_certificate(FROBENIUS, 0, digits=8)
    assert check(told) and told["steps"] == []
    with pytest.raises(Invalid, match="ball"):
        check(resealed({**told, "A": [["1/2", "3/2"]]}))


def test_work_on_a_flow_is_limited(monkeypatch):
    told = honest()["frobenius"]
    monkeypatch.setattr(checker, "WORK", 10**5)
    with pytest.raises(Malformed, match="too long"):
        check(told)
