"""The checker on instances: programs run exactly or in intervals, counterexamples, trust."""

from __future__ import annotations

import time
from fractions import Fraction as Q

import mpmath
import pytest

from lora_proofs import checker
from lora_proofs.checker import Invalid, Malformed, Program, check, digest_of


@pytest.fixture(autouse=True)
def _whole_budget(monkeypatch):
    """What a test before this one has spent is not missing here."""
    monkeypatch.setattr(checker, "_left", checker.WORK)


def instance(nodes, comparisons, **changes):
    told = {"format": "lora-proofs certificate", "version": 1, "kind": "instance", "claim": None}
    told |= {"asserts": "an instance", "inputs": {}, "nodes": nodes, "assumptions": []}
    told |= {"comparisons": comparisons, "outcome": "holds", "bits": 64, **changes}
    return {**told, "digest": digest_of(told)}


def number(*values):
    return [["number", x] for x in values]


def value(node, *before, bits=64, inputs=None):
    """The value of a node after numbers, or intervals, with the indices 0, 1, ..."""
    values = [x if isinstance(x, tuple) else (Q(x), Q(x)) for x in before]
    return Program(inputs or {}, bits, values).node(node)


def exact(node, *before, **options):
    low, high = value(node, *before, **options)
    assert low == high
    assert type(low) is Q
    return low


# --- exact steps ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("node", "before", "result"),
    [
        (["number", "-7/3"], [], Q(-7, 3)),
        (["add", 0, 1], [Q(1, 2), Q(1, 3)], Q(5, 6)), (["add", 1], [5, 7], 7),
        (["add", 0, 1, 1, 0], [1, 10], 22),
        (["sub", 0, 1], [Q(1, 2), Q(1, 3)], Q(1, 6)), (["neg", 0], [3], -3),
        (["mul", 0, 1], [-2, Q(1, 3)], Q(-2, 3)), (["mul", 0, 0, 0], [-2], -8),
        (["div", 0, 1], [2, -3], Q(-2, 3)), (["div", 0, 1], [0, 5], 0),
        (["abs", 0], [-3], 3), (["abs", 0], [3], 3), (["abs", 0], [0], 0),
        (["min", 0, 1, 2], [3, -1, 2], -1), (["max", 0, 1, 2], [3, 5, 2], 5),
        (["power", 0, 3], [-2], -8), (["power", 0, 2], [-3], 9), (["power", 0, 0], [0], 1),
        (["power", 0, 0], [7], 1), (["power", 0, 1], [0], 0), (["power", 0, -3], [-2], Q(-1, 8)),
        (["power", 0, -2], [Q(2, 3)], Q(9, 4)), (["power", 0, -1], [-5], Q(-1, 5)),
        (["dot", [0, 1], [1, 2]], [2, 3, 5], 21), (["dot", [0], [0]], [4], 16),
        (["sqrt", 0], [Q(9, 4)], Q(3, 2)), (["sqrt", 0], [0], 0),
        (["exp", 0], [0], 1), (["log", 0], [1], 0), (["cosh", 0], [0], 1),
        (["sinh", 0], [0], 0), (["tanh", 0], [0], 0),
        (["rank", [[0, 1], [1, 0]]], [1, -1], 1), (["rank", [[0, 1, 0]]], [0, 3], 1),
        (["det", [[0, 1], [1, 0]]], [1, 3], -8), (["det", [[0]]], [5], 5),
        (["inverse", [[0, 1], [2, 3]], 0, 1], [1, 2, 3, 4], 1),
        (["inverse", [[0, 1], [2, 3]], 1, 0], [1, 2, 3, 4], Q(3, 2)),
        (["inverse", [[0]], 0, 0], [4], Q(1, 4)),
        (["sigma", [[0, 1], [1, 0]], 1, 3, 3], [3, 0], 3),
    ],
)  # fmt: skip
def test_steps_on_single_numbers_are_exact(node, before, result):
    assert exact(node, *before) == result


def test_inputs_are_entries():
    inputs = {"W": [[Q(1), Q(2)], [Q(3), Q(4)], [Q(5), Q(6)]], "x": [[Q(7)]]}
    assert exact(["input", "W", 0, 1], inputs=inputs) == 2
    assert exact(["input", "W", 2, 0], inputs=inputs) == 5
    assert exact(["input", "x", 0, 0], inputs=inputs) == 7
    for i, j, most in ((3, 0, 2), (0, 2, 1), (-1, 0, 2), (0, -1, 1), (True, 0, 2), (0, "1", 1)):
        with pytest.raises(Malformed, match=f"expected an integer from 0 to {most}"):
            value(["input", "W", i, j], inputs=inputs)


# --- intervals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("node", "before", "low", "high"),
    [
        (["add", 0, 1], [(-1, 2), (3, 5)], 2, 7), (["sub", 0, 1], [(-1, 2), (3, 5)], -6, -1),
        (["mul", 0, 1], [(-1, 2), (3, 5)], -5, 10), (["mul", 0, 1], [(-3, -2), (-7, 5)], -15, 21),
        (["div", 0, 1], [(-1, 2), (4, 8)], Q(-1, 4), Q(1, 2)),
        (["div", 0, 1], [(1, 2), (-8, -4)], Q(-1, 2), Q(-1, 8)),
        (["neg", 0], [(-1, 2)], -2, 1), (["abs", 0], [(-1, 2)], 0, 2),
        (["abs", 0], [(-3, 2)], 0, 3), (["abs", 0], [(-3, -2)], 2, 3), (["abs", 0], [(2, 3)], 2, 3),
        (["min", 0, 1], [(-1, 6), (3, 5)], -1, 5), (["max", 0, 1], [(-1, 6), (3, 5)], 3, 6),
        (["power", 0, 2], [(-1, 2)], 0, 4), (["power", 0, 3], [(-1, 2)], -1, 8),
        (["power", 0, 4], [(-3, -2)], 16, 81), (["power", 0, 0], [(-1, 2)], 1, 1),
        (["power", 0, -1], [(2, 4)], Q(1, 4), Q(1, 2)),
        (["power", 0, -3], [(-2, -1)], -1, Q(-1, 8)),
        (["power", 0, -2], [(-2, -1)], Q(1, 4), 1), (["sqrt", 0], [(4, 9)], 2, 3),
        (["sqrt", 0], [(0, Q(1, 4))], 0, Q(1, 2)),
        (["sqrt", 0], [(Q(1, 10**40), Q(1, 10**38))], Q(1, 10**20), Q(1, 10**19)),
        (["dot", [0, 1], [1, 1]], [(-1, 2), (3, 5)], 4, 35),
    ],
)  # fmt: skip
def test_steps_on_intervals_contain_all_values_and_no_others(node, before, low, high):
    before = [(Q(a), Q(b)) for a, b in before]
    assert value(node, *before) == (low, high)


@pytest.mark.parametrize("interval", [(-1, 1), (0, 1), (-1, 0), (0, 0)])
@pytest.mark.parametrize("node", [["div", 1, 0], ["power", 0, -1], ["power", 0, -2]])
def test_nothing_is_divided_by_what_may_be_zero(interval, node):
    with pytest.raises(Invalid, match=r"^a division by what may be 0$"):
        value(node, tuple(map(Q, interval)), 1)


def test_roots_and_logarithms_have_their_domain():
    for x in (-1, (Q(-1, 10**9), Q(1))):
        with pytest.raises(Invalid, match=r"^the root of what may be negative$"):
            value(["sqrt", 0], x)
    for x in (-1, 0, (Q(0), Q(1)), (Q(-1), Q(1))):
        with pytest.raises(Invalid, match=r"^the logarithm of what may not be positive$"):
            value(["log", 0], x)


FUNCTIONS = {
    "exp": mpmath.exp, "log": mpmath.log, "sqrt": mpmath.sqrt,
    "cosh": mpmath.cosh, "sinh": mpmath.sinh, "tanh": mpmath.tanh,
}  # fmt: skip
POINTS = [
    Q(2), Q(1, 2), Q(1, 3), Q(3, 2), Q(255, 256), Q(257, 256), Q(1, 10**6), Q(10**6 + 1, 10**6),
    Q(7, 5), Q(100), Q(1, 1024), Q(16, 3), Q(31, 2), Q(128),
    Q(-1), Q(-1, 3), Q(-100), Q(-255, 256), Q(-1, 10**6), Q(-128), Q(-1, 256),
]  # fmt: skip


@pytest.mark.parametrize("bits", [8, 53, 120])
@pytest.mark.parametrize("op", FUNCTIONS)
def test_functions_are_enclosed_tightly(op, bits):
    with mpmath.workprec(900):
        for x in POINTS:
            if x <= 0 and op in ("log", "sqrt"):
                continue
            low, high = value([op, 0], x, bits=bits)
            right = FUNCTIONS[op](mpmath.mpf(x.numerator) / x.denominator)
            if low == high:
                assert op == "sqrt"
                assert low * low == x
                continue
            assert low.numerator / mpmath.mpf(low.denominator) < right
            assert high.numerator / mpmath.mpf(high.denominator) > right
            size = max(abs(low), abs(high), Q(1) if op != "exp" else Q(0))
            assert (high - low) * 2**bits <= size


@pytest.mark.parametrize(
    ("op", "x", "low", "high"),
    [
        ("exp", 1, "382564157178449/140737488355328", "191282078590077/70368744177664"),
        ("exp", Q(-5, 3), "1701240189113667/9007199254740992", "425310047280181/2251799813685248"),
        (
            "log", 3,
            "15191800276069811941167324265773338323/13828172534383745802288076710444269568",
            "30383600552215026364101153420938285791/27656345068767491604576153420888539136",
        ),
        (
            "log", Q(5, 12),
            "-96849061988800477986368637255754857343/110625380275069966418304613683554156544",
            "-3026533187142080969310703382449858387/3457043133595936450572019177611067392",
        ),
        (
            "tanh", Q(1, 2), "136136311949882521050630149145/294592636978411196237718049817",
            "136136311951467797087458419953/294592636979996472274546320625",
        ),
        ("sqrt", 2, "181/128", "725/512"), ("sqrt", Q(1, 3), "591/1024", "37/64"),
    ],
)  # fmt: skip
def test_enclosures_have_the_same_digits_everywhere(op, x, low, high):
    assert value([op, 0], x, bits=8) == (Q(low), Q(high))


def test_work_on_intervals_is_paid_for(monkeypatch):
    paid = []
    monkeypatch.setattr(checker, "spend", lambda count, bits: paid.append((count, bits)))
    checker.rounded(Q(1, 9), Q(3), 8)
    checker.power((Q(3), Q(9)), -5)
    checker.sqrt((Q(1, 9), Q(3)), 8)
    assert paid == [(20, 4), (20, 20), (50, 4)]


@pytest.mark.parametrize("op", FUNCTIONS)
def test_functions_of_intervals_reach_from_end_to_end(op):
    ends = (Q(1, 3), Q(5)) if op in ("log", "sqrt") else (Q(-1, 3), Q(5))
    low, high = value([op, 0], ends)
    lowest = value([op, 0], 0 if op == "cosh" else ends[0])
    highest = value([op, 0], ends[1])
    assert (low, high) == (lowest[0], highest[1])
    assert low < high


def test_cosh_is_even_and_least_at_zero():
    assert value(["cosh", 0], (Q(-3), Q(-2))) == value(["cosh", 0], (Q(2), Q(3)))
    assert value(["cosh", 0], (Q(-3), Q(2))) == value(["cosh", 0], (Q(0), Q(3)))


@pytest.mark.parametrize("x", [Q(1, 10**9), Q(-1, 10**30), Q(1, 10**300), (Q(-1), Q(1, 10**30))])
def test_cosh_near_zero_is_not_below_its_lower_bound(x):
    least = Q(1) if isinstance(x, tuple) else 1 + x * x / 2
    low, high = value(["cosh", 0], x, bits=8)
    assert low <= least < high


def test_exponents_have_an_end():
    low, high = value(["exp", 0], 2**16)
    assert 0 < low < high < low * (1 + Q(1, 2**50))
    assert value(["exp", 0], -(2**16))[0] > 0
    for op in ("exp", "cosh", "sinh", "tanh"):
        for x in (2**16 + Q(1, 9), -(2**16) - Q(1, 9), 10**300):
            with pytest.raises(Malformed, match=r"^exp or a relative of it is asked .* 65536$"):
                value([op, 0], x)


@pytest.mark.parametrize("bits", [8, 30, 64])
def test_rounding_goes_outward_and_keeps_so_many_digits(bits):
    for q in (Q(1, 3), Q(-1, 3), Q(10**40, 7), Q(-7, 10**40), Q(22, 7)):
        low, high = checker.rounded(q, q, bits)
        assert low < q < high
        assert abs(q) / 2 ** (bits + 1) < high - low <= abs(q) / 2 ** (bits - 1)
        odd = low.numerator // (low.numerator & -low.numerator)
        assert low.denominator == 1 or low.denominator & (low.denominator - 1) == 0
        assert odd.bit_length() <= bits + 1
    for q in (Q(0), Q(1), Q(-3, 4), Q(2**50)):
        assert checker.rounded(q, q, bits) == (q, q)


def test_single_numbers_stay_exact_and_intervals_are_rounded():
    program = Program({}, 8, [])
    third = Q(1, 3)
    assert program.short((third, third)) == (third, third)
    low, high = program.short((third, Q(2, 3)))
    assert (low, high) == (Q(170, 512), Q(171 * 2, 512))
    assert program.fold("add", [(third, Q(1)), (third, Q(1))]) == (Q(340, 512), 2)
    assert program.fold("add", [(third, third), (third, third)]) == (2 * third, 2 * third)


def test_single_numbers_that_are_too_long_become_intervals():
    program = Program({}, 64, [])
    longest = Q(1, 3) * 2 ** (checker.EXACT - 1)
    assert program.short((longest, longest))[0] < program.short((2 * longest, 2 * longest))[1]
    fits, over = Q(2**checker.EXACT - 1), Q(2 ** (checker.EXACT + 1) - 1)
    assert checker.EXACT == 2**15
    assert program.short((fits, fits)) == (fits, fits)
    low, high = program.short((over, over))
    assert low < over < high


# --- programs ------------------------------------------------------------------------------------


def test_all_comparisons_hold():
    told = instance(
        [["input", "x", 0, 0], ["input", "W", 1, 0], ["mul", 0, 1]],
        [[2, "=", 0, "equal"], [0, "<", 1, "less"]],
        inputs={"x": 0, "W": [[5], ["1/2"]]},
        assumptions=[[0, "<=", 2, "a"]],
    )
    assert check(told) == [
        "valid: instance",
        "says of itself, unchecked: an instance",
        "checked: 1 assumptions hold and 2 comparisons hold, by 3 steps, 0 of them in intervals of "
        "64 binary digits and all others single numbers",
        "trusted: that this program is the claim, and its inputs what they are called",
    ]


def test_a_counterexample_keeps_the_assumptions_and_breaks_a_comparison():
    told = {"nodes": number(1, 2), "outcome": "fails", "assumptions": [[0, "<", 1, "a"]]}
    comparisons = [[0, "<", 1, "holds"], [0, ">=", 1, "breaks"], [0, "=", 1, "too"]]
    lines = check(instance(**told, comparisons=comparisons))
    assert lines[2].startswith("checked: 1 assumptions hold and the comparison 2 of 3 fails, by 2 ")
    assert lines[3] == "says of comparison 2, unchecked: breaks"
    assert not any("breaks" in line for line in lines if line.startswith("checked:"))
    with pytest.raises(Invalid, match=r"^no comparison fails$"):
        check(instance(**told, comparisons=comparisons[:1]))
    told["assumptions"] = [[0, "<", 1, "kept"], [0, ">", 1, "broken"]]
    with pytest.raises(Invalid, match=r"^'broken' does not hold$"):
        check(instance(**told, comparisons=comparisons))


def test_what_is_undecided_is_accepted_neither_way():
    nodes = [["number", 2], ["sqrt", 0], ["mul", 1, 1]]
    comparisons = [[2, "<=", 0, "root"]]
    for outcome in ("holds", "fails"):
        message = "'root' is undecided" if outcome == "holds" else "no comparison fails"
        with pytest.raises(Invalid, match=message):
            check(instance(nodes, comparisons, outcome=outcome))
        with pytest.raises(Invalid, match=r"^'root' is undecided$"):
            check(instance(nodes, [[0, "=", 0, "is"]], assumptions=comparisons, outcome=outcome))


def test_a_counterexample_may_leave_another_comparison_open():
    nodes = [["number", 2], ["sqrt", 0], ["mul", 1, 1]]
    comparisons = [[2, "<=", 0, "open"], [1, "<", 2, "kept"], [1, ">", 2, "broken"]]
    lines = check(instance(nodes, comparisons, outcome="fails"))
    assert "the comparison 3 of 3 fails, by 3 steps, 2 of them in intervals" in lines[2]


@pytest.mark.parametrize("outcome", ["holds", "fails"])
def test_a_program_compares_something(outcome):
    with pytest.raises(Invalid, match=r"^nothing is compared$"):
        check(instance(number(1), [], outcome=outcome))


@pytest.mark.parametrize(
    ("left", "relation", "right", "verdict"),
    [
        ((1, 2), "<=", (2, 3), True), ((1, 2), "<", (2, 3), None), ((1, 2), "<", (3, 4), True),
        ((1, 3), "<=", (2, 4), None), ((2, 3), "<=", (1, 2), None), ((3, 4), "<=", (1, 2), False),
        ((2, 3), "<", (1, 2), False), ((2, 3), ">=", (1, 2), True), ((2, 3), ">", (1, 2), None),
        ((3, 4), ">", (1, 2), True), ((1, 2), ">=", (2, 3), None), ((1, 2), ">", (2, 3), False),
        ((1, 2), ">=", (3, 4), False), ((1, 3), ">", (2, 4), None), ((1, 3), ">=", (2, 4), None),
        ((1, 1), "=", (1, 1), True), ((1, 2), "=", (1, 2), None), ((1, 2), "=", (3, 4), False),
        ((3, 4), "=", (1, 2), False), ((1, 2), "=", (2, 3), None), ((2, 3), "=", (1, 2), None),
        ((1, 1), "<=", (1, 1), True), ((1, 1), "<", (1, 1), False), ((1, 1), ">=", (1, 1), True),
        ((1, 1), ">", (1, 1), False), ((1, 1), "=", (1, 2), None), ((1, 1), "=", (2, 2), False),
        ((1, 1), "=", (0, 1), None),
    ],
)  # fmt: skip
def test_comparisons_hold_fail_or_are_undecided(left, relation, right, verdict):
    program = Program({}, 64, [tuple(map(Q, left)), tuple(map(Q, right))])
    assert program.comparison([0, relation, 1, "label"]) == (verdict, "label")


def test_given_enclosures_are_trusted_and_counted():
    nodes = [["given", 1, 2, "by b"], ["given", 3, 3, "by a"], ["given", "5/2", 4, "by b"]]
    lines = check(instance(nodes, [[0, "<", 1, "x"]]))
    assert lines[4:] == [
        "trusted: 1 given enclosures: by a",
        "trusted: 2 given enclosures: by b",
    ]
    assert "2 of them in intervals" in lines[2]
    with pytest.raises(Invalid, match="'x' is undecided"):
        check(instance(nodes, [[0, "<", 2, "ok"], [2, "<", 1, "x"]]))
    with pytest.raises(Malformed, match="expected a text of at most"):
        check(instance([["given", 1, 1, "x" * 10_001]], [[0, "=", 0, "x"]]))


def test_singular_values_are_rechecked_in_a_program():
    nodes = [*number(1, 0), ["sigma", [[0, 0], [1, 0]], 1, "161/100", "162/100"]]
    assert check(instance(nodes, [[0, "<", 2, "x"]]))
    nodes[2] = ["sigma", [[0, 0], [1, 0]], 1, "162/100", "163/100"]
    with pytest.raises(Invalid, match="sigma_1 is below its lower bound"):
        check(instance(nodes, [[0, "<", 2, "x"]]))


@pytest.mark.parametrize(
    "node", [["rank", [[2]]], ["det", [[2]]], ["inverse", [[2]], 0, 0], ["sigma", [[2]], 1, 1, 2]]
)
def test_matrices_are_exact(node):
    with pytest.raises(
        Invalid, match=r"^a matrix that has to be exact is known in intervals only$"
    ):
        value(node, 1, 1, (Q(1), Q(2)))


@pytest.mark.parametrize(
    "node",
    [
        [], ["add"], ["mul"], ["neg"], ["neg", 0, 0], ["sub", 0], ["sub", 0, 0, 0], ["div", 0],
        ["sqrt"], ["sqrt", 0, 0], ["power", 0], ["power", 0, 1, 2], ["min"], ["max"],
        ["dot", [], []], ["dot", [0], [0, 0]], ["dot", [0]], ["dot", 0, 0], ["dot", [0], 0],
        ["input", "y", 0, 0], ["input", "x", 0], ["input", ["x"], 0, 0], ["number"],
        ["number", 1, 2], ["given", 2, 1, "empty"], ["given", 1, 2], ["given", 1, 2, 3],
        ["rank"], ["det", [[0]], 0], ["inverse", [[0]], 0], ["sigma", [[0]], 1, 1], ["sin", 0],
        ["and", 0, 0], [3, 0], [["add"], 0], "add", None, {}, {"add": [0, 0]}, 7,
    ],
)  # fmt: skip
def test_other_nodes_are_refused(node):
    with pytest.raises(Malformed, match=r"^node 1 is none that this checker knows$"):
        value(node, 1, inputs={"x": [[Q(1)]]})


@pytest.mark.parametrize(
    "node",
    [
        ["neg", 2], ["neg", -1], ["neg", "0"], ["neg", True], ["add", 0, 2], ["sub", 0, 2],
        ["add", 0, None], ["dot", [0, 2], [0, 0]], ["dot", [0, 1], [0, 2]], ["rank", [[2]]],
        ["div", 2, 0], ["power", 2, 1], ["abs", 0.0], ["det", [[True]]], ["min", 2], ["sqrt", []],
    ],
)  # fmt: skip
def test_operands_are_earlier_nodes(node):
    with pytest.raises(Malformed, match=r"^expected an integer from 0 to 1$"):
        value(node, 1, 2)


def test_the_first_node_has_no_operands():
    with pytest.raises(Malformed, match=r"^expected an integer from 0 to -1$"):
        check(instance([["neg", 0]], [[0, "=", 0, "x"]]))


@pytest.mark.parametrize("k", ["2", 1.0, None, True, 200_001, -200_001, 10**9])
def test_powers_are_integers_within_limits(k):
    with pytest.raises(Malformed, match=r"^expected an integer from -200000 to 200000$"):
        value(["power", 0, k], 1)


@pytest.mark.parametrize(("i", "j"), [(2, 0), (0, 2), (-1, 0), (0, -1), (True, 0)])
def test_entries_of_an_inverse_are_within_it(i, j):
    with pytest.raises(Malformed, match=r"^expected an integer from 0 to 1$"):
        value(["inverse", [[0, 1], [1, 0]], i, j], 1, 2)


def test_matrices_of_nodes_are_matrices():
    with pytest.raises(Malformed, match="expected a matrix"):
        value(["det", [[0, 0], [0]]], 1)
    with pytest.raises(Invalid, match="a 1 x 2 matrix has no determinant"):
        value(["det", [[0, 0]]], 1)
    with pytest.raises(Invalid, match="a singular matrix has no inverse"):
        value(["inverse", [[0, 0], [0, 0]], 0, 0], 1)


@pytest.mark.parametrize(
    "told",
    [
        [0, "<=", 1], [0, "<=", 1, "x", 2], [0, "==", 1, "x"], [0, "!=", 1, "x"], [0, None, 1, "x"],
        [0, ["<="], 1, "x"], "0<=1", None, {}, [],
    ],
)  # fmt: skip
def test_other_comparisons_are_refused(told):
    message = r"^expected a comparison \[left, relation, right, label\]$"
    for part in ("comparisons", "assumptions"):
        good = {"comparisons": [[0, "<", 1, "x"]]}
        with pytest.raises(Malformed, match=message):
            check(instance(number(1, 2), **{**good, part: [told]}))


@pytest.mark.parametrize("told", [[0, "<", 2, "x"], [-1, "<", 1, "x"], [0, "<", True, "x"]])
def test_comparisons_are_between_nodes(told):
    with pytest.raises(Malformed, match="expected an integer from 0 to 1"):
        check(instance(number(1, 2), [told]))


def test_labels_are_texts():
    with pytest.raises(Malformed, match="expected a text"):
        check(instance(number(1, 2), [[0, "<", 1, None]]))
    with pytest.raises(Invalid, match=r"^'a\\nb' does not hold$"):
        check(instance(number(1, 2), [[0, ">", 1, "a\nb"]]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"outcome": "undecided"}, "^expected inputs by name, and the outcome holds or fails$"),
        ({"outcome": True}, "^expected inputs by name"),
        ({"outcome": None}, "^expected inputs by name"),
        ({"inputs": []}, "^expected inputs by name"),
        ({"inputs": None}, "^expected inputs by name"),
        ({"inputs": {"x": []}}, "expected a matrix"), ({"inputs": {"x": [[1], [1, 2]]}}, "matrix"),
        ({"inputs": {"x": True}}, "expected an integer or a text"),
        ({"inputs": {"x": 0.5}}, "expected an integer or a text"),
        ({"nodes": {}}, "expected a list"), ({"nodes": number(1) * 100_001}, "at most 100000"),
        ({"assumptions": None}, "expected a list"), ({"comparisons": {}}, "expected a list"),
        ({"bits": 7}, "from 8 to 20000"), ({"bits": 20_001}, "from 8 to 20000"),
        ({"bits": "64"}, "from 8 to 20000"), ({"more": 1}, "expected an object with the keys"),
    ],
)  # fmt: skip
def test_a_malformed_program_is_refused(changes, message):
    told = {"nodes": number(1, 2), "comparisons": [[0, "<", 1, "x"]]}
    with pytest.raises(Malformed, match=message):
        check(instance(**{**told, **changes}))


def test_small_roots_have_as_many_digits_as_others():
    ends = Q(1, 2 * 10**40), Q(1, 3 * 10**40)
    for before in (ends[0], (ends[1], ends[0]), (Q(0), ends[0])):
        low, high = value(["sqrt", 0], before, bits=30)
        assert 1 - Q(1, 2**28) < high**2 / ends[0] < 1 + Q(1, 2**28)
        assert isinstance(before, tuple) or 1 - Q(1, 2**28) < low**2 / ends[0] < 1


@pytest.mark.parametrize("bits", [8, 20_000])
def test_the_bits_of_intervals_may_be_their_bounds(bits):
    nodes = [*number(2, 1), ["sqrt", 0]]
    assert check(instance(nodes, [[1, "<", 2, "x"]], bits=bits))


# --- what would explode --------------------------------------------------------------------------

SQUARES = [["number", "123456789/1000"], *(["mul", k, k] for k in range(60))]
HOSTILE = {
    "exact powers": [["number", 3], *(["power", k, 200_000] for k in range(3))],
    "inverses": [["given", 2, 3, ""], *(["power", k, -50_000] for k in range(3))],
    "exp of exp": [["number", 20], ["exp", 0], ["exp", 1]],
    "given towers": [["given", 2, 3, ""], *(["mul", k, k] for k in range(60))],
    "long numbers": [["number", "7" * 20_000], *(["power", 0, 9] for _ in range(9))],
    "long matrices": [
        *number(*(str(k) + "7" * 9_000 for k in range(1, 6))),
        ["det", [[(i * j + i * i) % 5 for j in range(5)] for i in range(5)]],
    ],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_program_of_exploding_numbers_is_stopped(name):
    start = time.process_time()
    with pytest.raises(Malformed, match=r"more than 200000 bits|beyond 65536"):
        check(instance(HOSTILE[name], [[0, "=", 0, "x"]]))
    assert time.process_time() - start < 2


def test_repeated_squares_are_stopped_in_intervals():
    start = time.process_time()
    with pytest.raises(Malformed, match="more than 200000 bits"):
        check(instance(SQUARES, [[0, "=", 0, "x"]]))
    assert time.process_time() - start < 2


def test_a_long_program_is_stopped_by_its_work(monkeypatch):
    monkeypatch.setattr(checker, "WORK", 10**7)
    nodes = [["number", 2], ["sqrt", 0], *([["exp", 1]] * 50)]
    with pytest.raises(Malformed, match=r"^checking this would take too long$"):
        check(instance(nodes, [[0, "=", 0, "x"]], bits=2_000))
