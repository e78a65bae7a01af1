"""The checker: what it reads, what it refuses, its limits, exact linear algebra, and two kinds."""

from __future__ import annotations

import gc
import hashlib
import json
import shutil
import subprocess
import sys
import time
from fractions import Fraction as Q
from pathlib import Path

import pytest

from lora_proofs import checker
from lora_proofs.checker import Invalid, Malformed, check, digest_of, main


def certificate(kind, **fields):
    told = {"format": "lora-proofs certificate", "version": 1, "kind": kind, "claim": None}
    return sealed({**told, "asserts": "a sentence", **fields})


def sealed(told):
    return {**told, "digest": digest_of(told)}


def product(**changes):
    told = {
        "factors": [[[1, 2], [0, "1/2"]], [[2], [-1]]],
        "equals": [[0], ["-1/2"]],
        "ranks": {"factors": [2, 1], "equals": 1},
    }
    return certificate("product", **{**told, **changes})


def value(kind="singular-value", **changes):
    told = {"matrix": [[3, 0, 0], [0, "1/2", 0]], "index": 2, "lower": "1/2", "upper": "1/2"}
    return certificate(kind, **{**told, **changes})


def bundle(*certificates):
    return certificate("bundle", certificates=list(certificates))


@pytest.fixture(autouse=True)
def _whole_budget(monkeypatch):
    """What a test before this one has spent is not missing here."""
    monkeypatch.setattr(checker, "_left", checker.WORK)


@pytest.fixture
def put(tmp_path):
    def write(content, name="c.json"):
        path = tmp_path / name
        if isinstance(content, dict):
            content = json.dumps(content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


# --- reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "read"),
    [
        (0, 0), (-7, -7), ("0", 0), ("-0", 0), ("-12", -12), ("007", 7), ("6/4", Q(3, 2)),
        ("-6/4", Q(-3, 2)), ("0/5", 0), ("1/010", Q(1, 10)), (10**30, 10**30),
    ],
)  # fmt: skip
def test_numbers_are_exact(told, read):
    found = checker.number(told)
    assert found == read
    assert type(found) is Q


@pytest.mark.parametrize(
    "told",
    [
        True, False, None, 0.5, 1.0, float("nan"), "", "-", "+1", "1.5", "1e3", " 1", "1 ", "1\n",
        "1_0", "--1", "1/-2", "-1/-2", "1/", "/2", "1/2/3", "0x10", "\u0661", "1\u0662", "\u00b2",
        "nan", "inf", [], [1], {},
    ],
)  # fmt: skip
def test_what_is_no_exact_number_is_refused(told):
    with pytest.raises(Malformed, match=r'^expected an integer or a text "p" or "p/q"$'):
        checker.number(told)


@pytest.mark.parametrize("zero", ["1/0", "0/0", "1/000", "-3/0"])
def test_a_denominator_is_not_zero(zero):
    with pytest.raises(Malformed, match=r"^a denominator is 0$"):
        checker.number(zero)


def test_numbers_have_at_most_twenty_thousand_digits_above_and_below():
    long = "7" * 20_000
    assert checker.number(long).numerator % 10**6 == 777777
    assert checker.number("-" + long) < -(10**19_999)
    assert checker.number("1/" + long).denominator.bit_length() == 66439
    for told in ("7" + long, "-7" + long, "1/7" + long, "0" * 20_001, "1/0" + long):
        with pytest.raises(Malformed, match=r"^a number has more than 20000 digits$"):
            checker.number(told)


@pytest.mark.parametrize("told", [2, 3, 4])
def test_an_integer_may_be_its_bounds(told):
    assert checker.whole(told, 2, 4) == told


@pytest.mark.parametrize("told", [1, 5, True, 3.0, "3", None, Q(3)])
def test_an_integer_beyond_its_bounds_or_of_another_type_is_refused(told):
    with pytest.raises(Malformed, match=r"^expected an integer from 2 to 4$"):
        checker.whole(told, 2, 4)


def test_lists_have_at_most_so_many_items():
    assert checker.listed([0, 0], 2) == [0, 0]
    assert len(checker.listed([0] * 100_000)) == 100_000
    for told, most in (([0] * 3, 2), ((0,), 2), ("ab", 2), ({}, 2), (None, 2)):
        with pytest.raises(Malformed, match=r"^expected a list of at most 2 items$"):
            checker.listed(told, most)
    with pytest.raises(Malformed, match=r"^expected a list of at most 100000 items$"):
        checker.listed([0] * 100_001)


def test_texts_are_printed_as_one_line_of_ascii():
    assert checker.sentence("a b") == "a b"
    assert checker.sentence("\u03c3\n\x1b[2J\ud800") == r"\u03c3\n\x1b[2J\ud800"
    assert len(checker.sentence("x" * 10_000)) == 10_000
    for told in ("x" * 10_001, None, 3, ["x"]):
        with pytest.raises(Malformed, match=r"^expected a text of at most 10000 characters$"):
            checker.sentence(told)


def test_matrices_have_rows_of_one_length():
    assert checker.matrix([[1, "2/3"]]) == [[1, Q(2, 3)]]
    assert len(checker.matrix([[0]] * 256)) == len(checker.matrix([[0] * 256])[0]) == 256
    for told in ([], [[]], [[], []], [[1], []], [[1, 2], [3]], [[1], [2, 3]]):
        with pytest.raises(Malformed, match=r"^expected a matrix: rows of one length, none empty$"):
            checker.matrix(told)
    for told in ([1, 2], 3, "12", ["12"], [[0]] * 257, [[0] * 257], [{}]):
        with pytest.raises(Malformed, match=r"^expected a list of at most 256 items$"):
            checker.matrix(told)


def test_every_key_is_read_and_no_other():
    assert checker.fields({"b": 2, "a": 1}, "a b") == [1, 2]
    for told in ({"a": 1}, {"a": 1, "b": 2, "c": 3}, {"a": 1, "c": 2}, [1, 2], None):
        with pytest.raises(Malformed, match=r"^expected an object with the keys a, b$"):
            checker.fields(told, "b a")


def test_the_limits_are_those_of_the_documentation():
    assert (checker.FILE_BYTES, checker.BRACKETS) == (64 * 2**20, 2**20)
    assert (checker.LETTERS, checker.PRINTED) == (10_000, 512)
    assert (checker.DEPTH, checker.DIGITS, checker.BITS) == (64, 20_000, 200_000)
    assert (checker.SIDE, checker.LENGTH, checker.TEXT) == (256, 100_000, 10_000)
    assert checker.EXPONENT == 2**16
    assert checker.WORK == 6_000_000_000


def test_work_is_paid_for_by_the_square_of_the_words(monkeypatch):
    monkeypatch.setattr(checker, "_left", 1000)
    checker.spend(2, 63)
    assert checker._left == 1000 - 2 * 101
    checker.spend(1, 128)
    assert checker._left == 1000 - 2 * 101 - 109
    checker.spend(0, 200_000)
    with pytest.raises(Malformed, match=r"^a number would need more than 200000 bits$"):
        checker.spend(0, 200_001)
    monkeypatch.setattr(checker, "_left", 101)
    checker.spend(1, 0)
    with pytest.raises(Malformed, match=r"^checking this would take too long$"):
        checker.spend(1, 0)


def test_every_document_starts_with_the_whole_budget(monkeypatch):
    monkeypatch.setattr(checker, "_left", 0)
    check(product())
    assert 0 < checker.WORK - checker._left < 10_000
    monkeypatch.setattr(checker, "WORK", 3_000)
    check(value(matrix=[[2]], index=1, lower=2, upper=2))
    with pytest.raises(Malformed, match="too long"):
        check(bundle(*[value(matrix=[[2]], index=1, lower=2, upper=2)] * 3))


def test_bits_are_those_of_the_longest_part():
    assert checker.bits_of([Q(1, 8), Q(3)], [4]) == 4
    assert checker.bits_of([Q(-9, 2)], [1]) == 4
    assert checker.bits_of([]) == 0


# --- exact linear algebra ------------------------------------------------------------------------


def rational(rows):
    return [[Q(x) for x in row] for row in rows]


def test_products_sums_and_traces():
    M, N = rational([[1, "1/2"], ["-1/3", 2]]), rational([["2/5", 0, 1], [1, "1/7", 0]])
    assert checker.matmul(M, N) == rational([["9/10", "1/14", 1], ["28/15", "2/7", "-1/3"]])
    assert checker.transpose(N) == rational([["2/5", 1], [0, "1/7"], [1, 0]])
    assert checker.combine(2, M, Q(-1, 2), M) == rational([["3/2", "3/4"], ["-1/2", 3]])
    assert checker.shape(N) == "2 x 3"
    assert checker.identity(2) == [[1, 0], [0, 1]]
    assert checker.trace(M) == 3


def test_matrices_that_do_not_fit_are_no_product_and_no_sum():
    M, N = rational([[1, 2]]), rational([[1], [2]])
    with pytest.raises(Invalid, match=r"^a 1 x 2 matrix is multiplied by a 1 x 2 one$"):
        checker.matmul(M, M)
    with pytest.raises(Invalid, match=r"^a 1 x 2 matrix is added to a 2 x 1 one$"):
        checker.combine(1, M, 1, N)


@pytest.mark.parametrize(
    ("M", "rank", "determinant"),
    [
        ([[0]], 0, 0), ([[5]], 1, 5), ([[0, 1], [1, 0]], 2, -1), ([[1, 2], [2, 4]], 1, 0),
        ([[0, 0], [0, 3]], 1, 0), ([[0, 2, 1], [0, 4, 2], [0, 1, 5]], 2, 0),
        ([["1/2", "1/3"], ["1/4", "1/5"]], 2, Q(1, 60)),
        ([[0, 2, 0], [3, 0, 0], [0, 0, 5]], 3, -30), ([[0, 0, 2], [3, 0, 0], [0, 5, 0]], 3, 30),
        ([[2, 1, 0], [4, 2, 3], [1, 1, 1]], 3, -3),
        ([[1, 2, 3], [4, 5, 6], [7, 8, 9]], 2, 0), ([[1, 2, 3], [4, 5, 6], [7, 8, 10]], 3, -3),
    ],
)  # fmt: skip
def test_ranks_and_determinants(M, rank, determinant):
    M = rational(M)
    assert checker.rank(M) == checker.rank(checker.transpose(M)) == rank
    assert checker.determinant(M) == checker.determinant(checker.transpose(M)) == determinant
    if determinant:
        n = range(len(M))
        inverse = [[checker.inverse_entry(M, i, j) for j in n] for i in n]
        assert checker.matmul(M, inverse) == checker.identity(len(M))


def test_ranks_of_rectangles():
    assert checker.rank(rational([[0, 0, 1, 2], [0, 0, 2, 4]])) == 1
    assert checker.rank(rational([[0, 1, 1, 2], [0, 0, 2, 4]])) == 2
    assert checker.rank(rational([[1], [2], [3]])) == 1


def test_what_has_no_determinant_or_inverse():
    with pytest.raises(Invalid, match=r"^a 1 x 2 matrix has no determinant and no inverse$"):
        checker.determinant(rational([[1, 2]]))
    with pytest.raises(Invalid, match=r"^a singular matrix has no inverse$"):
        checker.inverse_entry(rational([[1, 2], [2, 4]]), 0, 1)


@pytest.mark.parametrize(
    ("S", "x", "around"),
    [
        ([[3]], 3, (0, 1, 0)), ([[3]], 2, (1, 0, 0)), ([[3]], 4, (0, 0, 1)),
        ([[0, 1], [1, 0]], 0, (1, 0, 1)), ([[0, 1], [1, 0]], 1, (0, 1, 1)),
        ([[0, 1], [1, 0]], -1, (1, 1, 0)), ([[2, 1], [1, 2]], 1, (1, 1, 0)),
        ([[2, 1], [1, 2]], Q(5, 2), (1, 0, 1)), ([[0, 0], [0, 0]], 0, (0, 2, 0)),
        ([[0, 0, 1], [0, 0, 1], [1, 1, 0]], 0, (1, 1, 1)),
        ([[0, 1, 1], [1, 0, 1], [1, 1, 0]], 0, (1, 0, 2)),
        ([[0, 1, 1], [1, 0, 1], [1, 1, 0]], -1, (1, 2, 0)),
        ([["1/2", 0, 0], [0, "1/3", 0], [0, 0, "-1/5"]], Q(1, 3), (1, 1, 1)),
        ([[-1, 0, 0], [0, -2, 0], [0, 0, -3]], 0, (0, 0, 3)),
        ([[1, 2, 3], [2, 4, 6], [3, 6, 9]], 0, (1, 2, 0)),
        ([[1, 2, 3], [2, 4, 6], [3, 6, 9]], 14, (0, 1, 2)),
        ([[0, 0, 2, 0], [0, 0, 0, 3], [2, 0, 0, 0], [0, 3, 0, 0]], 2, (1, 1, 2)),
        ([[0, -1, 0], [-1, 0, 0], [0, 0, 7]], 0, (2, 0, 1)),
    ],
)  # fmt: skip
def test_eigenvalues_are_counted_around_a_number(S, x, around):
    S = rational(S)
    assert checker.eigenvalues_around(S, x) == around
    above, at, below = around
    assert checker.eigenvalues_around(checker.combine(-1, S, 0, S), -x) == (below, at, above)


def test_eigenvalues_are_counted_for_symmetric_matrices():
    with pytest.raises(Invalid, match=r"^a matrix is not symmetric$"):
        checker.eigenvalues_around(rational([[0, 1], [2, 0]]), 0)
    with pytest.raises(Invalid, match=r"^a matrix is not symmetric$"):
        checker.eigenvalues_around(rational([[0, 1]]), 0)


@pytest.mark.parametrize("q", [Q(0), Q(9, 4), Q(25), Q(1, 10**12)])
def test_rational_roots_are_exact(q):
    assert checker.sqrt_down(q, 3) == checker.sqrt_up(q, 3)
    assert checker.sqrt_down(q, 3) ** 2 == q


@pytest.mark.parametrize("q", [Q(2), Q(1, 3), Q(10**20 + 1), Q(8, 9)])
@pytest.mark.parametrize("bits", [0, 5, 60])
def test_other_roots_are_enclosed_on_a_grid(q, bits):
    low, high = checker.sqrt_down(q, bits), checker.sqrt_up(q, bits)
    assert 0 <= low**2 < q < high**2
    assert high - low == Q(1, 2**bits)
    assert 2**bits % low.denominator == 0


def test_work_on_matrices_is_paid_for_before_it_is_done(monkeypatch):
    paid = []

    def cost(function, *arguments):
        paid.clear()
        function(*arguments)
        return paid

    monkeypatch.setattr(checker, "spend", lambda count, bits: paid.append((count, bits)))
    M, N = rational([[1, "1/2", 7], ["-1/3", 2, 0]]), rational([["2/5", 0], [1, "1/7"], [0, 100]])
    assert cost(checker.cleared, M[0]) == [(2, 1), (2, 2), (2, 2)]
    assert cost(checker.combine, 2, M, Q(1, 99), M) == [(18, 7)]
    assert cost(checker.matmul, M, N)[-1] == (12, 14)
    assert len(paid) == 13
    assert cost(checker.rank, rational([[1, 2, 3], [4, 5, "1/6"]]))[-2:] == [(18, 10), (18, 14)]
    S = rational([[1, 2], [2, "1/3"]])
    assert cost(checker.eigenvalues_around, S, 1)[-2:] == [(12, 6), (12, 12)]


# --- products and singular values ----------------------------------------------------------------


def test_a_product_with_its_ranks():
    assert check(product()) == [
        "valid: product",
        "says of itself, unchecked: a sentence",
        "checked: a product of 2 factors of ranks [2, 1], its rank 1",
    ]
    ends = [[[1, 0], [0, 0]], [[0, 0], [0, 1]]]
    ranks = {"factors": [1, 1], "equals": 0}
    assert check(product(factors=ends, equals=[[0, 0], [0, 0]], ranks=ranks))[2] == (
        "checked: a product of 2 factors of ranks [1, 1], its rank 0"
    )
    one = {"factors": [[[0]]], "equals": [["0/3"]], "ranks": {"factors": [0], "equals": 0}}
    assert check(certificate("product", **one))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"equals": [[0], [-1]]}, "^the product of the factors is another matrix$"),
        ({"equals": [[0, "-1/2"]]}, "another matrix"),
        ({"equals": [[0], ["-1/2"], [0]]}, "another matrix"),
        ({"factors": [[[1, 2], [0, "1/2"]], [[2], [-2]]]}, "another matrix"),
        ({"factors": [[[2], [-1]], [[1, 2], [0, "1/2"]]]}, "is multiplied by"),
        ({"factors": []}, "another matrix"),
        ({"ranks": {"factors": [2, 1], "equals": 0}}, r"^the ranks are \[2, 1, 1\], not \[2, 1, 0"),
        ({"ranks": {"factors": [1, 1], "equals": 1}}, "the ranks are"),
        ({"ranks": {"factors": [2, 0], "equals": 1}}, "the ranks are"),
        ({"ranks": {"factors": [2], "equals": 1}}, "the ranks are"),
        ({"ranks": {"factors": [2, 1, 1], "equals": 1}}, "the ranks are"),
    ],
)
def test_a_false_product_is_invalid(changes, message):
    with pytest.raises(Invalid, match=message):
        check(product(**changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ranks": {"factors": [2, True], "equals": 1}}, "expected an integer from 0 to 256"),
        ({"ranks": {"factors": [2, 257], "equals": 1}}, "expected an integer from 0 to 256"),
        ({"ranks": {"factors": [2, -1], "equals": 1}}, "expected an integer from 0 to 256"),
        ({"ranks": {"factors": [2, 1]}}, "keys equals, factors"),
        ({"ranks": [2, 1]}, "keys equals, factors"),
        ({"factors": [[[0]]] * 257}, "at most 256"),
        ({"ranks": {"factors": [0] * 257, "equals": 1}}, "at most 256"),
        ({"note": "unread"}, "keys equals, factors, ranks"),
    ],
)
def test_a_malformed_product_is_refused(changes, message):
    with pytest.raises(Malformed, match=message):
        check(product(**changes))


@pytest.mark.parametrize(
    ("matrix", "index", "lower", "upper"),
    [
        ([[3, 0, 0], [0, "1/2", 0]], 1, 3, 3),
        ([[3, 0, 0], [0, "1/2", 0]], 2, 0, "1/2"),
        ([[3, 0], [0, "1/2"], [0, 0]], 2, "1/2", 3),
        ([[0, 0], [0, 0]], 1, 0, 0),
        ([[5, 0, 0], [0, 5, 0], [0, 0, 0]], 2, 5, 5),
        ([[5, 0, 0], [0, -5, 0], [0, 0, 0]], 1, 5, 5),
        ([[5, 0, 0], [0, 5, 0], [0, 0, 0]], 3, 0, 0),
        (
            [[1, 1], [0, 1]],
            1,
            "1618033988749894848/1000000000000000000",
            "1618033988749894849/10000",
        ),
        ([[3, 4]], 1, 5, 5),
    ],
)
def test_singular_values_within_their_bounds(matrix, index, lower, upper):
    lines = check(value(matrix=matrix, index=index, lower=lower, upper=upper))
    shape = f"{len(matrix)} x {len(matrix[0])}"
    (told,) = lines[2:]
    start, _, (low, _, high) = (*told.partition(" is between ")[:2], told.split()[-3:])
    assert start == f"checked: sigma_{index} of a {shape} matrix"
    assert Q(low) <= Q(lower) and Q(upper) <= Q(high)
    assert Q(lower) - Q(low) <= Q(lower) / 10**9 and Q(high) - Q(upper) <= Q(upper) / 10**9


def test_bounds_are_printed_rounded_outward():
    assert checker.between(Q(0), Q(5, 2)) == "between 0 and 2.5"
    assert checker.between(Q(1, 3), Q(1, 3)) == "between 0.3333333333 and 0.3333333334"
    assert checker.between(Q(2, 3), Q(2, 3)) == "between 0.6666666666 and 0.6666666667"
    assert checker.between(Q(1, 10**40), Q(10**40 + 1)) == "between 1E-40 and 1.000000001E+40"


@pytest.mark.parametrize(
    ("matrix", "index", "lower", "upper", "side"),
    [
        ([[3, 0, 0], [0, "1/2", 0]], 1, "1/2", "2999/1000", "above its upper"),
        ([[3, 0, 0], [0, "1/2", 0]], 1, "3001/1000", 4, "below its lower"),
        ([[3, 0, 0], [0, "1/2", 0]], 2, "501/1000", 3, "below its lower"),
        ([[3, 0, 0], [0, "1/2", 0]], 2, 0, "499/1000", "above its upper"),
        ([[5, 0], [0, 5]], 2, "5000001/1000000", 6, "below its lower"),
        ([[5, 0], [0, 5]], 1, 4, "4999999/1000000", "above its upper"),
        ([[5, 0], [0, 0]], 2, "1/1000000", 5, "below its lower"),
        ([[1, 1], [0, 1]], 1, "1618033988749894849/1000000000000000000", 2, "below its lower"),
        ([[5]], 1, -5, 6, "below its lower bound, or the bound is negative"),
        ([[0]], 1, -1, 0, "below its lower"),
        ([[5]], 1, 5, -6, "above its upper"),
        ([[5]], 1, 5, "9/2", "above its upper"),
    ],
)
def test_singular_values_beyond_their_bounds(matrix, index, lower, upper, side):
    with pytest.raises(Invalid, match=f"sigma_{index} is {side}"):
        check(value(matrix=matrix, index=index, lower=lower, upper=upper))


@pytest.mark.parametrize("index", [0, 3, -1, "2", True])
def test_the_index_of_a_singular_value_is_from_one_to_the_shorter_side(index):
    with pytest.raises(Malformed, match="expected an integer from 1 to 2"):
        check(value(index=index))
    with pytest.raises(Malformed, match="expected an integer from 1 to 2"):
        check(value(index=index, matrix=[[1, 2], [3, 4], [5, 6]]))


# --- the envelope --------------------------------------------------------------------------------


def test_the_digest_is_that_of_canonical_json():
    told = {"b": [1, "\u03c3"], "a": None, "digest": "whatever"}
    canonical = '{"a":null,"b":[1,"\\u03c3"]}'
    assert digest_of(told) == "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


@pytest.mark.parametrize("key", ["asserts", "claim", "factors", "equals", "ranks"])
def test_a_certificate_that_was_changed_is_invalid(key):
    told = product()
    told[key] = "another"
    with pytest.raises(Invalid, match=r"^the digest does not fit: the certificate was changed"):
        check(told)


@pytest.mark.parametrize("digest", [None, 3, "", "sha256:0", []])
def test_another_digest_does_not_fit(digest):
    with pytest.raises(Invalid, match="digest does not fit"):
        check({**product(), "digest": digest})


@pytest.mark.parametrize("key", ["format", "version", "kind", "claim", "asserts", "digest"])
def test_an_envelope_is_complete(key):
    told = product()
    del told[key]
    with pytest.raises(Malformed, match=r"keys format, version, kind, claim, asserts, digest$"):
        check(told)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "another"}, "^expected the format 'lora-proofs certificate', version 1$"),
        ({"format": None}, "expected the format"),
        ({"version": 2}, "version 1"), ({"version": 1000}, "version 1$"),
        ({"version": 0}, "from 1 to 1000"), ({"version": 1001}, "from 1 to 1000"),
        ({"version": True}, "expected an integer"), ({"version": 1.0}, "expected an integer"),
        ({"version": "1"}, "expected an integer"),
        ({"kind": "proof"}, "^expected a kind of product, singular-value, relu, instance, "),
        ({"kind": "proof"}, ", bundle; the name of a claim or null$"),
        ({"kind": ["product"]}, "expected a text"), ({"kind": None}, "expected a text"),
        ({"asserts": None}, "expected a text"), ({"asserts": "x" * 10_001}, "expected a text"),
        ({"claim": 0}, "expected a text"), ({"claim": False}, "expected a text"),
        ({"claim": ""}, "the name of a claim or null"),
    ],
)  # fmt: skip
def test_an_envelope_of_another_make_is_refused(changes, message):
    with pytest.raises(Malformed, match=message):
        check(sealed({**product(), **changes}))


@pytest.mark.parametrize("told", [None, [], "x", 3, {}, [product()]])
def test_what_is_no_object_is_no_certificate(told):
    with pytest.raises(Malformed, match=r"^expected an object with the keys"):
        check(told)


def test_an_envelope_alone_is_no_product():
    with pytest.raises(Malformed, match="keys equals, factors, ranks"):
        check(certificate("product"))


def test_a_certificate_may_name_its_claim():
    assert check(sealed({**product(), "claim": "paper/claim"}))


def test_a_document_that_json_cannot_hold_is_refused():
    loop = product()
    loop["factors"] = [loop]
    for told in (loop, {**product(), "factors": {1}}, {**product(), 3: 4}):
        with pytest.raises(Malformed, match=r"^a certificate holds what JSON cannot$"):
            check(told)


APART = "trusted: that 2 groups of certificates belong together: nothing ties them"


def test_a_bundle_is_valid_if_all_of_it_is():
    assert check(bundle(product(), value())) == [
        "valid: bundle",
        "says of itself, unchecked: a sentence",
        *check(product()),
        *check(value()),
        APART,
    ]
    assert check(bundle(product()))[2:] == check(product())
    with pytest.raises(Invalid, match="sigma_2"):
        check(bundle(product(), value(lower=1)))
    with pytest.raises(Invalid, match="digest"):
        check(bundle(product(), {**value(), "asserts": "more"}))
    with pytest.raises(Malformed, match="keys format"):
        check(bundle(product(), {}))


def test_a_bundle_holds_certificates_and_no_bundle():
    with pytest.raises(Invalid, match=r"^a bundle of no certificates asserts nothing$"):
        check(bundle())
    with pytest.raises(Malformed, match=r"^a bundle within a bundle$"):
        check(bundle(product(), bundle(product())))
    with pytest.raises(Malformed, match=r"^expected an object with the keys"):
        check(bundle(product(), []))
    with pytest.raises(Malformed, match=r"keys certificates, same$"):
        check(certificate("bundle", certificates=[product()], more=1))


def tied(*same, certificates=None):
    """What a bundle of two products and a singular value prints beyond what its members do."""
    certificates = certificates or [product(), product(), value()]
    told = check(certificate("bundle", certificates=certificates, same=list(same)))
    return told[2 + sum(len(check(one)) for one in certificates) :]


def test_what_is_the_same_is_compared_and_printed():
    assert tied([[0, "equals"], [1, "equals"]]) == [
        "checked: certificates[0].equals = certificates[1].equals",
        "checked: 1 equalities between places of the bundle",
        "trusted: that 2 groups of certificates belong together: 0 1; 2",
    ]
    block = [[2, "matrix", [1, 2, 1, 2]], [0, "factors", 0, [1, 2, 1, 2]]]
    assert tied([[1, "equals"], [0, "equals"]], block)[1:] == [
        "checked: certificates[2].matrix[1:2, 1:2] = certificates[0].factors[0][1:2, 1:2]",
        "checked: 2 equalities between places of the bundle",
    ]
    alike = [product(), product(equals=[["0/7"], ["-2/4"]])]  # the numbers count, not their text
    assert len(tied([[0, "equals"], [1, "equals"]], certificates=alike)) == 2
    assert tied() == ["trusted: that 3 groups of certificates belong together: nothing ties them"]


def test_a_place_tied_to_itself_ties_no_others():
    assert "0; 1; 2" in tied([[0, "equals"], [0, "equals"]])[-1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([0, "equals"], [0, "factors", 1]),
        ([0, "equals"], [2, "matrix"]),
        ([0, "factors", 0, [0, 1, 0, 2]], [0, "factors", 0, [1, 2, 0, 2]]),
        ([0, "factors", 0, [0, 1, 0, 2]], [0, "factors", 0, [0, 1, 0, 1]]),
    ],
)
def test_places_that_differ_are_refused(one, other):
    with pytest.raises(Invalid, match=r"^certificates\[0\]\S+.* are not the same$"):
        tied([one, other])


@pytest.mark.parametrize(
    "path",
    [
        [], [3, "equals"], [-1, "equals"], [True, "equals"], ["0", "equals"], [0], [0, "matrix"],
        [0, "asserts"], [0, "asserts", 0], [0, "claim"], [0, "equals", 0], [0, "equals", 0, 0],
        [0, "factors"], [0, "factors", 2], [0, "factors", "0"], [0, 0], [0, None], [0, ["equals"]],
        [0, "equals", []], [0, "equals", [0, 1, 0]], [0, "equals", [0, 2, 0, 1, 1]], "equals", 0,
        [0, "equals", [0, 3, 0, 1]], [0, "equals", [1, 1, 0, 1]], [0, "equals", [0, 1, 0, 2]],
        [0, "equals", [0, 1, 0, "1"]], [0, "equals", [0, 2, 0, 1], 0], [[0, 1, 0, 1]], None,
        {"0": "equals"},
    ],
)  # fmt: skip
def test_a_place_that_is_none_is_no_certificate(path):
    for pair in ([path, [0, "equals"]], [[0, "equals"], path]):
        with pytest.raises(Malformed):
            tied(pair)


@pytest.mark.parametrize("pair", [[[0, "equals"]], [[0, "equals"]] * 3, [], 0, {}, "ab"])
def test_a_pair_has_two_places(pair):
    with pytest.raises(Malformed, match="expected"):
        tied(pair)
    with pytest.raises(Malformed, match="expected a list"):
        check(certificate("bundle", certificates=[product()], same={}))


def test_comparing_places_costs(monkeypatch):
    pair = [[0, "equals"], [0, "equals"]]
    monkeypatch.setattr(checker, "WORK", 100_000)
    assert tied(*[pair] * 9)
    with pytest.raises(Malformed, match="too long"):
        tied(*[pair] * 99)
    monkeypatch.setattr(checker, "_left", 1_000_000)
    checker.tied([product()] * 2, [pair] * 99)
    monkeypatch.setattr(checker, "_left", 1_000_000)
    with pytest.raises(Malformed, match="too long"):  # each pair joins groups of all members
        checker.tied([product()] * 1000, [pair] * 99)


# --- files ---------------------------------------------------------------------------------------


def test_what_is_verified_goes_to_stdout_and_the_status_is_the_worst(put, capsys):
    good, false = put(product()), put(product(equals=[[1], [1]]), "false.json")
    broken = put("{", "broken.json")
    assert main([good]) == 0
    assert capsys.readouterr() == ("\n".join(check(product())) + "\n", "")
    assert main([false, good]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("valid: product")
    assert err == f"{false}: invalid: the product of the factors is another matrix\n"
    assert main([broken, false]) == 4
    assert main([false, broken]) == 4
    assert main([good, broken, good]) == 4
    out, err = capsys.readouterr()
    assert f"{broken}: not a certificate: the file is not JSON: " in err


def test_without_a_file_the_usage_is_printed(capsys):
    assert main([]) == 4
    assert capsys.readouterr() == ("", "usage: python checker.py FILE...\n")


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_what_is_no_file_is_no_certificate(name, tmp_path, capsys):
    assert main([str(tmp_path / name)]) == 4
    assert capsys.readouterr().err.endswith("not a certificate: there is no such file\n")


def test_a_name_is_printed_as_ascii(tmp_path, capsys):
    main([str(tmp_path / "\u03c3\n.json")])
    assert r"\u03c3\n.json: not a certificate" in capsys.readouterr().err


def test_a_file_that_cannot_be_read_is_no_certificate(put, capsys, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert main([put(product())]) == 4
    assert "the file cannot be read: Permission denied" in capsys.readouterr().err


def test_a_file_has_a_size(put, capsys, monkeypatch):
    path = put(product())
    size = Path(path).stat().st_size
    monkeypatch.setattr(checker, "FILE_BYTES", size)
    assert main([path]) == 0
    monkeypatch.setattr(checker, "FILE_BYTES", size - 1)
    assert main([path]) == 4
    assert f"the file has more than {size - 1} bytes" in capsys.readouterr().err


NESTED = "not a certificate: lists and objects are nested deeper than 64"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is not JSON: Expecting value"),
        (b"\x00\xff\xfe", "the file is not JSON: 'utf-8' codec"),
        (b"\x7fELF\x01\x02", "the file is not JSON: Expecting value"),
        ("\ufeff{}", "the file is not JSON"),
        (json.dumps(product())[:-20], "the file is not JSON"),
        (json.dumps(product()) + "x", "the file is not JSON: Extra data"),
        ('{"a": 1, "a": 1}', "json: not a certificate: an object has one key twice\n"),
        ('{"x": {"a": 1, "b": 2, "a": 3}}', "an object has one key twice"),
        ("[" * 65 + "]" * 65, NESTED), ('{"a":' * 65 + "1" + "}" * 65, NESTED),
        ('["a[b\\"]", ' * 65 + "1" + "]" * 65, NESTED),
        ("[" + "[]," * 70 + "[" * 64 + "]" * 65, NESTED),
        ("[" + "[]," * 70 + "[" * 63 + "]" * 64, "expected an object with the keys"),
        ("[" * 64 + "]" * 64, "expected an object with the keys"),
        ("[" + "[],{}," * 100 + "1]", "expected an object with the keys"),
        ('["' + "[" * 100 + '"]', "expected an object with the keys"),
        ('["\\"' + "[" * 100 + '"]', "expected an object with the keys"),
        ('["\\\\", ' + "[" * 64 + "]" * 65, NESTED),
        ('["' + "[" * 100 + "\\\n" + "[" * 100 + '"]', "the file is not JSON: Invalid"),
        ("NaN", "expected an object with"), ("-Infinity", "expected an object with"),
    ],
)  # fmt: skip
def test_what_is_no_certificate_is_refused_with_a_message(put, capsys, content, message):
    assert main([put(content)]) == 4
    out, err = capsys.readouterr()
    assert message in err
    assert out == ""
    assert err.count("\n") == 1


@pytest.mark.parametrize("told", ["1.5", "NaN", "Infinity", "1e3", "true", "null"])
def test_json_numbers_are_integers(put, capsys, told):
    text = json.dumps(product(), indent=1).replace('"1/2"', told)
    assert told in text
    assert main([put(json.dumps(sealed(json.loads(text))))]) == 4
    assert "not a certificate: expected an integer or a text" in capsys.readouterr().err


HOSTILE = {
    "nested lists": "[" * 5_000_000 + "]" * 5_000_000,
    "open lists": "[" * 10_000_000,
    "only brackets": "[" + "[]," * 2**20,
    "shallow lists": "[" + ("[" * 50 + "]" * 50 + ",") * 400_000 + "1]",
    "shallow objects": "[" + ('{"":' * 50 + "0" + "}" * 50 + ",") * 100_000 + "1]",
    "many lists": "[" + "[],{}," * 300_000,
    "a long number": "[" + "1" * 10**6 + "]",
    "a long fraction": "[" + "1" * 10**6 + ".5]",
    "an open text": '"' + '\\"' * 2_000_000,
    "many quotes": '"' * 1_000_001,
    "backslashes": '"' + "\\" * 2_000_001,
    "a long number as a text": json.dumps(product(equals=[["1" * 10**6]])),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_within_two_seconds(put, capsys, name):
    path = put(HOSTILE[name])
    # What the tests before left in memory is not gone through again for each list of the file.
    gc.collect()
    gc.freeze()
    start = time.process_time()
    assert main([path]) == 4
    spent = time.process_time() - start
    gc.unfreeze()
    assert spent < 2
    assert "not a certificate: " in capsys.readouterr().err


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The checker in a folder of its own, in an interpreter without the package."""
    home = tmp_path_factory.mktemp("alone")
    shutil.copy(checker.__file__, home / "checker.py")

    def run(*arguments):
        command = [sys.executable, "-I", "-S", "checker.py", *arguments]
        done = subprocess.run(command, cwd=home, capture_output=True, text=True, timeout=20)
        return done.returncode, done.stdout, done.stderr

    return run


def test_the_checker_runs_alone(alone, put):
    good, false = put(product()), put(value(upper=0), "false.json")
    assert alone(good) == (0, "\n".join(check(product())) + "\n", "")
    assert alone(good, false)[0] == 1
    status, out, err = alone(put("[1", "broken.json"), false)
    assert (status, out, "Traceback" in err) == (4, "", False)
    assert alone() == (4, "", "usage: python checker.py FILE...\n")
