"""The checker on ReLU networks: equal on a box by exact affine pieces, and nothing else."""

from __future__ import annotations

from fractions import Fraction as Q
from itertools import product

import pytest

from lora_proofs import checker
from lora_proofs.checker import Invalid, Malformed, check, digest_of


@pytest.fixture(autouse=True)
def _whole_budget(monkeypatch):
    """What a test before this one has spent is not missing here."""
    monkeypatch.setattr(checker, "_left", checker.WORK)


def relu(first, second, lower, upper, **more):
    told = {"format": "lora-proofs certificate", "version": 1, "kind": "relu", "claim": None}
    box = {"lower": lower, "upper": upper}
    told |= {"asserts": "equal", "first": first, "second": second, "box": box, **more}
    return {**told, "digest": digest_of(told)}


def layer(W, b):
    return {"W": W, "b": b}


def run(layers, x):
    """The network at a point, in exact numbers."""
    for depth, told in enumerate(layers):
        x = [max(v, Q(0)) for v in x] if depth else [Q(v) for v in x]
        rows = zip(told["W"], told["b"], strict=True)
        x = [sum(Q(w) * v for w, v in zip(row, x, strict=True)) + Q(b) for row, b in rows]
    return x


def checked(first, second, lower, upper):
    """Accepted, and equal at the corners and the middle of the box."""
    ends = [(Q(a), (Q(a) + Q(b)) / 2, Q(b)) for a, b in zip(lower, upper, strict=True)]
    assert all(run(first, x) == run(second, x) for x in product(*ends))
    return check(relu(first, second, lower, upper))[2:]


def refused(first, second, lower, upper, message="^not shown: the outputs are different"):
    with pytest.raises(Invalid, match=message):
        check(relu(first, second, lower, upper))


ABS = [layer([[1], [-1]], [0, 0]), layer([[1, 1]], [0])]  # |x|


def test_a_scaled_network_is_the_same():
    scaled = [layer([[2], ["-1/3"]], [0, 0]), layer([["1/2", 3]], [0])]
    swapped = [layer([[-1], [1]], [0, 0]), layer([[1, 1]], [0])]
    assert checked(ABS, scaled, [-1], [1]) == [
        "checked: 1 outputs agree on the box, where 2 units may switch"
    ]
    assert checked(ABS, swapped, [-1], [1])


@pytest.mark.parametrize(
    ("W", "b", "out", "offset"),
    [
        ([[2], ["-1/3"]], [0, 0], [["1/2", 2]], [0]),
        ([[2], ["-1/3"]], [0, 0], [["1/2", 3]], ["1/1000000000000"]),
        ([[2], ["-1/3"]], [0, "1/100"], [["1/2", 3]], [0]),
        ([[-2], ["-1/3"]], [0, 0], [["1/2", 3]], [0]),
        ([[2], [0]], [0, 0], [["1/2", 3]], [0]),
    ],
)
def test_a_network_with_another_number_is_not(W, b, out, offset):
    refused(ABS, [layer(W, b), layer(out, offset)], [-1], [1])


@pytest.mark.parametrize(
    ("lower", "upper", "line"),
    [(0, 1, [[1]]), (-1, 0, [[-1]]), (2, 3, [[1]]), (-3, -2, [[-1]]), (0, 0, [[5]])],
)
def test_units_that_keep_their_sign_on_the_box_are_linear(lower, upper, line):
    assert checked(ABS, [layer(line, [0])], [lower], [upper]) == [
        "checked: 1 outputs agree on the box, where 0 units may switch"
    ]


@pytest.mark.parametrize(("lower", "upper"), [("-1/1000000", 1), (-1, "1/1000000"), (-1, 1)])
def test_units_that_may_switch_are_not(lower, upper):
    refused(ABS, [layer([[1]], [0])], [lower], [upper])
    refused(ABS, [layer([[-1]], [0])], [lower], [upper])


def test_bounds_add_up_the_least_and_the_greatest_of_every_variable():
    # 2 x - 3 y + 1 on [1, 2] x [-1, 1] is between 0 and 8
    first = [layer([[2, -3]], [1]), layer([[1]], [0])]
    assert checked(first, [layer([[2, -3]], [1])], [1, -1], [2, 1])
    refused(first, [layer([[2, -3]], [1])], ["999/1000", -1], [2, 1])
    refused(first, [layer([[2, -3]], [1])], [1, -1], [2, "1001/1000"])
    refused(first, [layer([[2, -3]], ["1001/1000"])], [1, -1], [2, 1])
    # -2 x + 3 y - 1 on the same box is between -8 and 0
    other = [layer([[-2, 3]], [-1]), layer([[1]], [7])]
    assert checked(other, [layer([[0, 0]], [7])], [1, -1], [2, 1])
    refused(other, [layer([[0, 0]], [7])], ["999/1000", -1], [2, 1])


def test_the_constant_counts_once_in_both_bounds():
    # on [1/2, 1] the form 1 - 2 x is at most 0, and 2 x - 1 at least 0
    falling, rising = ([layer([[k]], [-k // 2]), layer([[1]], [0])] for k in (-2, 2))
    assert checked(falling, [layer([[0]], [0])], ["1/2"], [1])
    assert checked(rising, [layer([[2]], [-1])], ["1/2"], [1])


def test_bounds_of_units_carry_over_to_the_next_layer():
    # relu(2 x) <= 2 on [-1, 1], so relu(2 - relu(2 x)) is 2 - relu(2 x); below 2 it may switch
    def first(c):
        return [layer([[2]], [0]), layer([[-1]], [c]), layer([[1]], [0])]

    def second(c):
        return [layer([[4]], [0]), layer([["-1/2"]], [c])]

    assert checked(first(2), second(2), [-1], [1])
    refused(first("1999/1000"), second("1999/1000"), [-1], [1])
    # relu(x) >= 0, so relu(-relu(x)) = 0
    zero = [layer([[1]], [0]), layer([[-1]], [0]), layer([[1]], [3])]
    assert checked(zero, [layer([[0]], [3])], [-1], [1])


def test_a_unit_of_units_is_known_again():
    deep = [layer([[1]], [0]), layer([[1]], ["-1/2"]), layer([[1]], [0])]
    same = [layer([[3]], [0]), layer([["2/3"]], [-1]), layer([["1/2"]], [0])]
    assert checked(deep, same, [-1], [1]) == [
        "checked: 1 outputs agree on the box, where 2 units may switch"
    ]


def test_units_that_cancel_leave_nothing():
    first = [layer([[1], [1]], [0, 0]), layer([[1, -1]], [0]), layer([[1]], [2])]
    assert checked(first, [layer([[0]], [2])], [-1], [1])


def test_a_coordinate_that_is_fixed_is_a_number():
    first = [layer([[1, 1]], [0]), layer([[1]], [0])]
    second = [layer([[1, 0]], [2]), layer([[1]], [0])]
    assert checked(first, second, [-5, 2], [5, 2])
    refused(first, second, [-5, 2], [5, 3])
    assert checked([layer([[1, 7]], [0])], [layer([[1, -7]], [0])], [-5, 0], [5, 0])


def test_identity_through_shifted_units():
    # relu(x + 10) - 10 = x on [-10, 10]
    shift = [layer([[1, 0], [0, 1]], [10, 10]), layer([[1, 0], [0, 1]], [-10, -10])]
    line = [layer([[1, 0], [0, 1]], [0, 0])]
    assert checked(shift, line, [-10, -10], [10, 10]) == [
        "checked: 2 outputs agree on the box, where 0 units may switch"
    ]
    refused(shift, line, [-11, -10], [10, 10])


@pytest.mark.parametrize(
    ("first", "second", "lower", "upper", "message"),
    [
        (ABS, ABS, [1], [-1], "^the box is empty or its two corners do not fit$"),
        (ABS, ABS, [1], [1, 2], "the box is empty or its two corners do not fit"),
        (ABS, ABS, [1, 2], [1], "the box is empty or its two corners do not fit"),
        (ABS, ABS, [0, 2], [1, 1], "the box is empty"),
        (ABS, ABS, [0, 0], [1, 1], "^layer 1 does not fit: W is 2 x 1$"),
        (ABS, [*ABS, *ABS, ABS[1]], [0], [1], "^layer 5 does not fit: W is 1 x 2$"),
        ([layer([[1], [1]], [0])], ABS, [0], [1], "^layer 1 does not fit: W is 2 x 1$"),
        ([], [], [0], [1], "or there are none"),
        ([], [layer([[1]], [0])], [0], [1], "or there are none"),
        ([layer([[1]], [0])], [], [0], [1], "or there are none"),
        ([layer([[1]], [0])], [layer([[1], [1]], [0, 0])], [0], [1], "not shown"),
    ],
)
def test_networks_and_boxes_that_do_not_fit(first, second, lower, upper, message):
    refused(first, second, lower, upper, message)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"first": [{"W": [[1]]}]}, "keys W, b"),
        ({"first": [{"W": [[1]], "b": [0], "c": 1}]}, "keys W, b"),
        ({"first": [{"W": [[1]], "b": 0}]}, "expected a list of at most 256"),
        ({"first": [{"W": [[1]], "b": [0.5]}]}, "expected an integer or a text"),
        ({"first": [{"W": [[]], "b": [0]}]}, "expected a matrix"),
        ({"first": ABS * 129}, "expected a list of at most 256"),
        ({"first": {}}, "expected a list"),
        ({"second": None}, "expected a list"),
        ({"box": {"lower": [0]}}, "keys lower, upper"),
        ({"box": [[0], [1]]}, "keys lower, upper"),
        ({"box": {"lower": [0] * 257, "upper": [1] * 257}}, "expected a list of at most 256"),
        ({"box": {"lower": ["0x"], "upper": [1]}}, "expected an integer or a text"),
        ({"also": 1}, "keys box, first, second"),
    ],
)
def test_malformed_networks_are_refused(changes, message):
    with pytest.raises(Malformed, match=message):
        check(relu(**{"first": ABS, "second": ABS, "lower": [0], "upper": [1], **changes}))


def test_work_on_forms_is_paid_for(monkeypatch):
    paid = []
    monkeypatch.setattr(checker, "spend", lambda count, bits: paid.append((count, bits)))
    units = checker.Units([(Q(1), Q(1)), (Q(-1), Q(1))])
    units.relu({0: Q(1, 8), 1: Q(3)})
    checker.weighted([Q(99), Q(9)], [{0: Q(31)}, {0: Q(1), 1: Q(1)}])
    checker.weighted([Q(1), Q(9)], [{0: Q(1)}, {0: Q(1), 1: Q(1, 512)}])
    sums = [(2, 4), (2, 4)] * 2  # of the lower and of the upper ends
    assert paid == [(8, 5), *sums, (2, 7), (4, 12), (2, 1), (4, 10)]


def test_a_network_of_growing_numbers_is_stopped():
    big = [layer([["9" * 20_000]], [0])] * 4
    with pytest.raises(Malformed, match="more than 200000 bits"):
        check(relu(big, big, [1], [2]))
