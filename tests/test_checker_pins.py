"""The checker: its exact words, the boundaries of its limits, and arguments that do not fit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from fractions import Fraction as Q
from types import SimpleNamespace

import pytest

from lora_proofs import checker
from lora_proofs.checker import Invalid, Malformed, check, digest_of, main

SYMBOLS = {"X": ["n", "m"], "Y": ["n", "m"], "P": ["n", "n"], "S": ["n", "n"], "t": [], "a": []}
WORLD = {"symbols": SYMBOLS, "symmetric": ["S"], "nonnegative": ["a"], "losses": {"f": ["n", "m"]}}
FIXED = {"P": ["2", "2"], "Q": ["2", "2"], "S": ["2", "2"], "X": ["2", "3"], "t": []}
ORDER = {"statement": "in order", "says": [["t", "<=", "a"], [0, "<=", 0]], "free": []}
SIGN = {"statement": "a sign", "says": [[0, "<=", "a"]], "free": []}
TRIVIAL = {"says": ["t", "=", "t"], "by": "algebra", "of": [[], []]}


@pytest.fixture(autouse=True)
def _whole_budget(monkeypatch):
    """What a test before this one has spent is not missing here."""
    monkeypatch.setattr(checker, "_left", checker.WORK)


def sealed(kind, **told):
    told = {"format": "lora-proofs certificate", "version": 1, "kind": kind, "claim": None, **told}
    told["asserts"] = "a sentence"
    return {**told, "digest": digest_of(told)}


def identity(left, right, kind="=", **told):
    told = {"symbols": FIXED, "symmetric": ["S"], "nonnegative": [], "losses": {}, **told}
    return sealed("identity", **{"relations": [[left, kind, right]], **told})


def line(left, kind, right, by="algebra", of=((), ())):
    return {"says": [left, kind, right], "by": by, "of": list(of)}


def derivation(*lines, **told):
    told = {"assumptions": {}, "lemmas": {}, **WORLD, "conclusion": [TRIVIAL["says"]], **told}
    return sealed("derivation", lines=list(lines), **told)


def refusal(certificate):
    with pytest.raises((Invalid, Malformed)) as caught:
        check(certificate)
    return f"{caught.type.__name__}: {caught.value}"


# --- equations at fixed shapes -------------------------------------------------------------------

I2 = ["identity", "2"]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (["tr", I2], 2), (["*", I2, "X"], "X"), (["*", "X", ["identity", "3"]], "X"),
        (["tr", ["identity", "1"]], 1), (["tr", ["identity", "256"]], 256), (["size", "3"], 3),
        (["tr", ["*", "P", "Q"]], ["tr", ["*", "Q", "P"]]), (["'", "S"], "S"),
        (["'", ["*", "P", "X"]], ["*", ["'", "X"], ["'", "P"]]),
        (["^", 2, ["norm", "F", "X"]], ["tr", ["*", ["'", "X"], "X"]]),
    ],
)  # fmt: skip
def test_equations_in_entries(left, right):
    printed = check(identity(left, right))
    assert printed[2] == f"checked: {checker.show([left, '=', right])}"
    double = identity(["*", 2, left], right)
    assert (
        refusal(double) == f"Invalid: not an identity: {checker.show([['*', 2, left], '=', right])}"
    )


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (["*", 2, I2], I2), (["tr", I2], 1), (["size", "3"], 2), ("P", "Q"), (["'", "P"], "P"),
        (["*", "P", "Q"], ["*", "Q", "P"]),
        (["tr", ["*", "P", "Q"]], ["*", ["tr", "P"], ["tr", "Q"]]),
        (["tr", "P"], ["tr", ["*", "P", "P"]]), (["tr", "P"], 2),
    ],
)  # fmt: skip
def test_other_equations_in_entries_are_refused(left, right):
    told = checker.show([left, "=", right])
    assert refusal(identity(left, right)) == f"Invalid: not an identity: {told}"


def test_a_fixed_shape_has_at_most_so_many_rows():
    far = ["identity", "257"]
    assert refusal(identity(far, far)) == "Malformed: expected an integer from 1 to 256"
    wide = {"Z": ["257", "1"]}
    assert (
        refusal(identity("Z", "Z", symbols=wide, symmetric=[]))
        == "Malformed: expected an integer from 1 to 256"
    )
    assert check(identity("Z", "Z", symbols={"Z": ["256", "1"]}, symmetric=[]))


def test_a_number_for_a_dimension_is_that_number_and_a_name_a_first_power():
    three = ["size", "3"]
    assert check(derivation(TRIVIAL, line(three, "=", 3)))
    assert refusal(derivation(line(three, "=", 2))) == "Invalid: line 1: it does not follow"
    words = checker.Words({}, [], [], {})
    assert words.size("3") == checker.term(3)
    assert words.size("n").terms == {(((("size", "n"), 1),), ()): 1}
    assert words.trace(words.identity("7")) == checker.term(7)


def test_an_identity_certificate_says_what_it_lacks():
    assert refusal(identity(0, 0, relations=[])) == "Invalid: no equation is asserted"
    assert refusal(identity("t", "t", kind="<=")) == "Invalid: not an identity: t <= t"


# --- derivations ---------------------------------------------------------------------------------


def use(name, says):
    return {"says": says, "by": "assumption", "of": [name, 1, []]}


def test_a_hypothesis_closed_by_a_line_rests_on_what_that_line_rests_on():
    lemma = {"statement": "L", "reference": "R", "hypotheses": {"h": "it holds"}}
    lemma["conclusion"] = ["t", "<=", "t"]
    cite = {"says": lemma["conclusion"], "by": "lemma", "of": ["L", [], {"h": 3}]}
    lines = (TRIVIAL, use("sign", [0, "<=", "a"]), use("order", ["t", "<=", "a"]), cite)
    told = {"assumptions": {"order": ORDER, "sign": SIGN}, "lemmas": {"L": lemma}}
    printed = check(derivation(*lines, conclusion=[["t", "<=", "t"]], **told))
    assert printed == [
        "valid: derivation",
        "says of itself, unchecked: a sentence",
        "concluded: t <= t, from assumption order, lemma L",
        "where: P: n x n, S: n x n, X: n x m, Y: n x m, a: a scalar, "
        "f: a smooth loss of n x m, t: a scalar",
        "assumed: a >= 0",
        "assumed: S is symmetric",
        "checked: 1 of 4 lines are recomputed",
        "assumed: sign: 0 <= a, in its words: a sign",
        "assumed: order: t <= a, in its words: in order",
        "trusted: lemma: L (R): L As it is used: the hypotheses => t <= t",
        "trusted: it holds <- line 3: t <= a",
    ]


def test_a_lemma_is_printed_with_all_its_hypotheses():
    lemma = {"statement": "L", "reference": "R", "conclusion": None}
    lemma["hypotheses"] = {"h": ["t", "=", "t"], "k": [0, "=", 0]}
    silent = {"says": None, "by": "lemma", "of": ["L", [], {"h": 1, "k": 2}]}
    lines = (TRIVIAL, line(0, "=", 0), silent)
    printed = check(derivation(*lines, lemmas={"L": lemma}))
    assert printed[-1] == "trusted: lemma: L (R): L As it is used: t = t and 0 = 0 => "
    short = {**silent, "of": ["L", [], {"h": 1}]}
    assert refusal(derivation(TRIVIAL, short, lemmas={"L": lemma})) == (
        "Invalid: line 2: the lemma is not used as it is stated"
    )


NORM = ["norm", "F", "X"]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (line(["gradient", ["tr", "P"], "P", "P"], "=", "P"),
         "Invalid: line 1: a wrong gradient in P"),
        (line(NORM, "<=", NORM, "submultiplicative", ["F", "2", "X", "2", "Y"]),
         "Invalid: line 1: operator norms alone do not bound a Frobenius norm"),
        (line(NORM, "<=", NORM, "triangle", ["F", [1, "X", "P"], [1, "Y"]]),
         "Malformed: expressions that cannot be read: ValueError"),
        (line(NORM, "<=", NORM, "Cauchy-Schwarz", [["X", "Y"], ["P"]]),
         "Malformed: expressions that cannot be read: ValueError"),
        (line(NORM, "<=", NORM, "triangle", ["F", [-1, "X"], [1, "Y"]]),
         "Invalid: line 1: a factor that may be negative"),
        (line("X", "=", "P"),
         "Invalid: line 1: shapes [('n', 'm'), ('n', 'n')] in one sum or relation"),
        (line(["*", "X", "Y"], "=", 0),
         "Invalid: line 1: a product of the shapes (('n', 'm'), ('n', 'm'))"),
        (line(["^", 2, "P"], "=", 0), "Invalid: line 1: a power of a matrix: write the product"),
        (line(["^", -1, "t"], "=", 0), "Invalid: line 1: a quotient by something that may be 0"),
        (line(["'", "t"], "=", 0), "Invalid: line 1: the transpose of a scalar"),
        (line(["tr", "X"], "=", 0), "Invalid: line 1: the trace of something of shape ('n', 'm')"),
        (line(["norm", "1", "X"], "=", 0),
         "Invalid: line 1: a norm that is not defined, or the derivative of one"),
        (line(["f", "f", "P"], "=", 0), "Invalid: line 1: the loss f at a matrix of another shape"),
        (line("u", "=", 0), "Malformed: an unknown symbol u"),
        (line(["at", "t", [["t", 1], ["t", 2]]], "=", 0), "Malformed: two values for one symbol"),
        (line(["at", "S", [["S", "P"]]], "=", "P"),
         "Invalid: line 1: S is symmetric, what is put for it is not"),
        (line("X", "<=", "X"),
         'Malformed: expected [left, "=", right], or [left, "<=", right] of scalars'),
        (line("t", "=", 0), "Invalid: line 1: it does not follow"),
        (line("a", "<=", "t", "operator below Frobenius", ["X"]),
         "Invalid: line 1: it is not what its rule gives"),
        (line("t", "<=", "a", "root", [1]), "Malformed: expected an integer from 1 to 0"),
    ],
)  # fmt: skip
def test_a_line_is_refused_in_these_words(bad, message):
    assert refusal(derivation(bad, TRIVIAL)) == message


def test_a_derivation_is_refused_in_these_words():
    assert refusal(derivation(TRIVIAL, conclusion=[])) == (
        "Invalid: nothing is concluded, or no line can be recomputed"
    )
    assert refusal(derivation(TRIVIAL, conclusion=[["a", "=", "t"]])) == (
        "Invalid: no line says a = t"
    )


def derived(left, right):
    lines = (line(left, "=", right), TRIVIAL)
    return check(derivation(*lines)) is not None


def test_derivatives_of_a_loss_are_linear_in_every_direction():
    grad = ["grad", "f", "X"]
    assert derived([*grad, ["*", "t", "Y"]], ["*", "t", [*grad, "Y"]])
    assert derived([*grad, ["zero", "n", "m"]], ["zero", "n", "m"])
    assert derived(["d", [*grad, "Y"], [["X", "Y"]]], [*grad, "Y", "Y"])
    rate = [["X", "Y"]]
    twice = ["tr", ["*", ["'", [*grad, "Y"]], "Y"]]
    assert derived(["d", ["d", ["f", "f", "X"], rate], rate], twice)
    both = [["t", 1], ["X", "Y"]]
    slope = ["*", "t", [*grad, "Y", "Y"]]
    assert derived(["d", ["*", "t", [*grad, "Y"]], both], ["+", [*grad, "Y"], slope])
    for other in ([*grad, "X"], ["grad", "f", "Y", "Y"], grad, [*grad, "Y", "Y"]):
        told = derivation(line([*grad, "Y"], "=", other), TRIVIAL)
        assert refusal(told) == "Invalid: line 1: it does not follow"
    words = checker.Words(*(WORLD[k] for k in ("symbols", "symmetric", "nonnegative", "losses")))
    assert list(words.value(["f", "f", "X"], {}).terms.values()) == [1]
    assert list(words.value(["tr", "P"], {}).terms.values()) == [1]


def test_a_trace_is_paid_for_by_the_square_of_its_length(monkeypatch):
    paid = []
    words = checker.Words({}, [], [], {})
    monkeypatch.setattr(checker, "spend", lambda count, bits: paid.append((count, bits)))
    words.loop(((("symbol", "P"), 0),) * 3, "n")
    assert paid[0] == (450, 0)


# --- ReLU networks, singular values, programs ----------------------------------------------------


def test_as_many_weights_as_forms():
    for weights in ([Q(1)], [Q(1)] * 3):
        with pytest.raises(ValueError, match="zip"):
            checker.weighted(weights, checker.ONE * 2)


def test_a_number_known_in_an_interval_is_not_exact():
    program = checker.Program({}, 64, [(Q(2), Q(2)), (Q(2), Q(3))])
    assert program.exact(0) == 2
    with pytest.raises(
        Invalid, match=r"^a matrix that has to be exact is known in intervals only$"
    ):
        program.exact(1)


def test_cosh_is_one_at_its_least():
    assert checker.cosh_of(Q(1)) == checker.cosh_of(Q(1, 2)) == 1
    assert checker.cosh_of(Q(2)) == Q(5, 4)


# --- files ---------------------------------------------------------------------------------------


def test_a_file_has_so_many_lists(tmp_path, monkeypatch):
    path = tmp_path / "c.json"
    monkeypatch.setattr(checker, "BRACKETS", 3)
    path.write_text("[[],{}]")
    assert checker.load(str(path)) == [[], {}]
    path.write_text("[[],{},[]]")
    with pytest.raises(Malformed, match=r"^the file has more than 3 lists and objects$"):
        checker.load(str(path))


def test_what_is_printed_is_printed_at_once(tmp_path):
    path = tmp_path / "c.json"
    path.write_text(json.dumps(derivation(TRIVIAL)))
    read, write = os.pipe()
    os.close(read)
    code = (
        f"import sys; sys.path.insert(0, {os.path.dirname(checker.__file__)!r}); import checker;"
        f"status = checker.main([{str(path)!r}]); print('written to nobody', flush=True);"
        "sys.exit(40 + status)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        timeout=20,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (40, "")


def test_the_lines_of_a_certificate_are_the_standard_output(tmp_path, capsys):
    path = tmp_path / "c.json"
    path.write_text(json.dumps(identity(["tr", I2], 2)))
    assert main([str(path)]) == 0
    assert capsys.readouterr().out.splitlines()[2] == "checked: tr(identity(2)) = 2"


def test_the_name_of_a_loss_promises_nothing():
    """A loss called nonnegative has no sign, one called symmetric no symmetric gradient."""
    value = ["f", "nonnegative", "X"]
    says = [0, "<=", ["*", value, ["^", 2, "t"]]]
    signless = {"says": says, "by": "algebra", "of": [[], [[value, "t"]]]}
    losses = {"nonnegative": ["n", "m"], "symmetric": ["n", "n"]}
    told = derivation(signless, losses=losses, conclusion=[says])
    assert "a factor that may be negative" in refusal(told)
    slope = ["grad", "symmetric", "P"]
    says = [["'", slope], "=", slope]
    told = derivation(line(*says), losses=losses, conclusion=[says])
    assert "Invalid" in refusal(told)


def test_a_loss_commutes_with_scalars():
    value = ["f", "f", "X"]
    says = [["*", "t", value], "=", ["*", value, "t"]]
    assert check(derivation(line(*says), conclusion=[says]))


@pytest.mark.parametrize(
    ("entry", "radius", "high", "within"),
    [(0, 2, "9/2", True), (0, 2, "22/5", False), (1, 1, "43/10", True), (1, 1, 4, False)],
)
def test_the_loss_on_a_ball_counts_the_product_of_both_moves(entry, radius, high, within):
    # |BA - B0 A0| <= |(A0, B0)| rho + rho^2/2: from a = b = 0, W0 = 1 up to 3; from a = b = 1 on.
    start = SimpleNamespace(loss="trace-squared", C=[[Q(1 - entry)]])
    factor = [[Q(entry)]]
    told = checker.loss_within(start, factor, factor, Q(radius), Q(0), Q(high))
    assert told is within
