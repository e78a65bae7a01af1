"""The checker: nothing false is printed as checked, and no certificate takes it for ever."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from lora_proofs import checker
from lora_proofs.checker import Invalid, Malformed, check, digest_of, main

ZERO = ["zero", "n", "n"]
BY = {"by": "algebra", "of": [[], []]}


def sealed(kind, **told):
    told = {"format": "lora-proofs certificate", "version": 1, "kind": kind, "claim": None, **told}
    told["asserts"] = "a sentence"
    return {**told, "digest": digest_of(told)}


def derivation(*lines, **told):
    lines = [line if isinstance(line, dict) else {"says": list(line), **BY} for line in lines]
    world = {"symbols": {}, "symmetric": [], "nonnegative": [], "losses": {}}
    world |= {"assumptions": {}, "lemmas": {}, "conclusion": [lines[-1]["says"]], **told}
    return sealed("derivation", lines=lines, **world)


def identity(left, right, **told):
    world = {"symmetric": [], "nonnegative": [], "losses": {}, **told}
    return sealed("identity", relations=[[left, "=", right]], **world)


def tr(*factors):
    return ["tr", ["*", *factors]]


def minus(x, y):
    return ["+", x, ["*", -1, y]]


@pytest.fixture(autouse=True)
def _whole_budget(monkeypatch):
    """What a test before this one has spent is not missing here."""
    monkeypatch.setattr(checker, "_left", checker.WORK)


# --- what is declared ----------------------------------------------------------------------------


def test_a_loss_has_two_dimensions_and_a_symbol_two_or_none():
    g, told = ["grad", "g", "t"], {"symbols": {"t": []}, "losses": {"g": []}}
    false = [tr(["identity", "2"], g), "=", tr(["identity", "1"], g)]
    sign = {"says": [0, "<=", g], "by": "algebra", "of": [[], [[g, 1]]]}
    for line in (false, sign):
        with pytest.raises(Malformed, match="two dimensions"):
            check(derivation(line, **told))
    for shape in (["n"], ["n", "n", "n"]):
        with pytest.raises(Malformed, match="two dimensions"):
            check(derivation(("t", "=", "t"), symbols={"t": [], "X": shape}))


def test_a_scalar_that_carries_a_word_has_no_sign():
    scalar = checker.Expansion((), {((), (("P", 0),)): checker.Fraction(1)})
    with pytest.raises(Invalid, match="may be negative"):
        checker.signed(scalar)
    checker.signed(checker.term(1))


@pytest.mark.parametrize("size", ["-5", "", "0", "007", "n m", "\u00e9", "n\n", "1e3", 3, None])
def test_a_dimension_is_a_name_or_a_positive_integer(size):
    squares = {
        "says": [0, "<=", ["size", size]],
        "by": "algebra",
        "of": [[], [[["size", size], 1]]],
    }
    for line in (squares, (["tr", ["identity", size]], "=", ["tr", ["identity", size]])):
        with pytest.raises(Malformed, match="expected a dimension"):
            check(derivation(line))
    with pytest.raises(Malformed, match="expected a dimension"):
        check(derivation((0, "=", 0), symbols={"X": [size, "n"]}))
    zero = ["zero", size, "n"]
    with pytest.raises(Malformed, match="expected a dimension"):
        check(derivation((zero, "=", zero)))


@pytest.mark.parametrize("name", ["-1", "1/2", "7", "", "?", "=", "<=", "a`b"])
def test_names_that_would_read_as_something_else_are_refused(name):
    for told in ({"symbols": {name: []}}, {"losses": {name: ["n", "m"]}}):
        with pytest.raises(Malformed, match="name of a number, a relation or a mark"):
            check(derivation((0, "=", 0), **told))


def test_a_symbol_is_no_loss():
    with pytest.raises(Malformed, match="name of a loss"):
        check(derivation((0, "=", 0), symbols={"f": []}, losses={"f": ["n", "m"]}))


@pytest.mark.parametrize(
    "told",
    [
        {"symbols": {"S": ["n", "m"]}, "symmetric": ["S"]},
        {"symbols": {"S": []}, "symmetric": ["S"]},
        {"symmetric": ["S"]},
        {"symbols": {"S": ["n", "n"]}, "nonnegative": ["S"]},
        {"nonnegative": ["S"]},
    ],
)
def test_only_square_symbols_are_symmetric_and_only_scalars_have_a_sign(told):
    with pytest.raises(Malformed, match="is said to be"):
        check(derivation((0, "=", 0), **told))


def test_two_values_for_one_symbol_are_refused():
    twice = ["at", "t", [["t", 1], ["t", 2]]]
    for pairs in (twice, ["at", "t", ["tt"]]):
        with pytest.raises(Malformed):
            check(derivation((pairs, "=", pairs), symbols={"t": []}))


# --- what is printed -----------------------------------------------------------------------------


def test_what_is_taken_for_granted_is_printed_wherever_it_is_used():
    symbols = {"P": ["n", "n"], "t": []}
    scaled = minus(["norm", "F", ["*", "t", "P"]], ["*", "t", ["norm", "F", "P"]])
    told = {"symbols": symbols, "symmetric": ["P"], "nonnegative": ["t"]}
    assumed = {"assumed: P is symmetric", "assumed: t >= 0"}
    hidden = [[minus(["'", "P"], "P"), "=", ZERO], [scaled, "=", 0]]
    assert assumed <= set(
        check(derivation((0, "=", 0), (ZERO, "=", ZERO), conclusion=hidden, **told))
    )
    told["symbols"] = {"P": ["2", "2"], "t": []}
    assert assumed <= set(check(identity(["'", "P"], "P", **told)))


def test_names_that_read_like_more_are_quoted():
    symbols = {"t": [], "cosh(mu t)": [], "tr": []}
    rate = ["d", "cosh(mu t)", [["t", 1]]]
    printed = check(derivation((rate, "=", 0), ("tr", "=", "tr"), symbols=symbols))
    assert "where: `cosh(mu t)`: a scalar, t: a scalar, `tr`: a scalar" in printed
    assert "checked: `tr` = `tr`" in printed
    assert "where: a name in ` ` is a symbol by itself" in printed
    assert "checked: d(`cosh(mu t)`, [t: 1]) = 0" in check(
        derivation((rate, "=", 0), symbols=symbols)
    )


def test_nothing_is_printed_of_symbols_where_there_are_none():
    assert not any(x.startswith("where") for x in check(derivation((0, "=", 0))))


def test_an_assumption_says_for_what_it_is_taken():
    told = {"given": {"statement": "s is small", "says": [["s", "<=", 1]], "free": ["s"]}}
    use = {"says": ["t", "<=", 1], "by": "assumption", "of": ["given", 1, [["s", "t"]]]}
    double = {"says": [["*", 2, "t"], "<=", 2], "by": "algebra", "of": [[[1, 2]], []]}
    lines = check(derivation(use, double, symbols={"s": [], "t": []}, assumptions=told))
    assert "assumed: given: s <= 1 for every s, in its words: s is small" in lines
    assert "concluded: (2 t) <= 2, from assumption given" in lines


def test_what_rests_on_a_lemma_alone_is_not_printed_as_checked():
    lemma = {"statement": "a", "reference": "b", "hypotheses": {"c": "f is convex"}}
    lemma["conclusion"] = [["f", "f", "X"], "<=", ["f", "f", "Y"]]
    told = {"symbols": {"X": ["n", "m"], "Y": ["n", "m"]}, "losses": {"f": ["n", "m"]}}
    use = {"says": lemma["conclusion"], "by": "lemma", "of": ["tangent", [], {"c": 1}]}
    lines = check(derivation((0, "=", 0), use, lemmas={"tangent": lemma}, **told))
    assert "concluded: f(f, X) <= f(f, Y), from lemma tangent" in lines
    assert "trusted: f is convex <- line 1: 0 = 0" in lines
    again = {"says": use["says"], "by": "algebra", "of": [[[2, 1]], []]}
    lines = check(derivation((0, "=", 0), use, again, lemmas={"tangent": lemma}, **told))
    assert "concluded: f(f, X) <= f(f, Y), from lemma tangent" in lines


def program(nodes, **told):
    rest = {"inputs": {}, "assumptions": [], "outcome": "holds", "bits": 64, **told}
    return sealed("instance", nodes=nodes, **rest)


def test_labels_are_printed_as_what_they_are():
    label = "x'. checked: the theorem is refuted, by"
    nodes = [["number", 0], ["number", 1]]
    lines = check(program(nodes, comparisons=[[1, "<", 0, label]], outcome="fails"))
    assert "refuted" not in "".join(x for x in lines if x.startswith("checked:"))
    assert f"says of comparison 1, unchecked: {label}" in lines
    assert "trusted: that this program is the claim, and its inputs what they are called" in lines
    given = check(program([["given", 1, 1, "trust me"]], comparisons=[[0, "=", 0, "x"]]))
    assert not any("exact" in line for line in given)


# --- long numbers, a lack of memory, a closed pipe -----------------------------------------------

BIG = "1/1" + "0" * 4400
FLOW = {
    "loss": "frobenius", "W0": [[0]], "Y": [[1]], "A0": [[1]], "B0": [[1]], "t": 0, "steps": [],
    "A": [[1]], "B": [[1]], "radius": 0, "loss_lower": 0, "loss_upper": 1,
}  # fmt: skip


def test_long_numbers_are_printed_by_their_size():
    lines = check(sealed("flow", **{**FLOW, "radius": BIG}))
    assert any("within about 2^-14616 of the stated (A, B), loss in [0, 1]" in x for x in lines)
    with pytest.raises(Invalid, match=r"do not end at t = about 2\^-14616$"):
        check(sealed("flow", **{**FLOW, "t": BIG}))
    assert checker.briefly(2**512 - 1) == str(2**512 - 1)
    assert (checker.briefly(2**512), checker.briefly(-(2**600))) == ("about 2^512", "about -2^600")


def test_whatever_happens_the_next_file_is_checked(tmp_path, capsys, monkeypatch):
    good = tmp_path / "good.json"
    good.write_text(json.dumps(derivation((0, "=", 0))))

    def exhausted(name, load=checker.load):
        if "bad" in name:
            raise MemoryError
        return load(name)

    monkeypatch.setattr(checker, "load", exhausted)
    assert main(["bad.json", str(good)]) == 4
    out, err = capsys.readouterr()
    assert out.startswith("valid: derivation")
    assert err == "bad.json: not checked, for want of what it takes: MemoryError\n"


def test_a_closed_pipe_leaves_the_status(tmp_path):
    good = tmp_path / "good.json"
    good.write_text(json.dumps(derivation((0, "=", 0))))
    for files, status in (([str(good)], 0), ([str(good), "missing.json"], 4)):
        read, write = os.pipe()
        os.close(read)
        command = [sys.executable, checker.__file__, *files]
        done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, timeout=20)
        os.close(write)
        assert done.returncode == status
        assert "BrokenPipe" not in done.stderr


# --- nothing takes for ever ----------------------------------------------------------------------


def fraction(k):
    return f"1/{'1' * 4000}{1001 + 2 * k}"


def stopped(certificate, message="more than|too long", seconds=5):
    started = time.process_time()
    with pytest.raises(Malformed, match=message):
        check(certificate)
    assert time.process_time() - started < seconds


def test_sums_over_different_denominators_are_paid_for():
    row, other = ([[fraction(k + shift) for k in range(60)]] for shift in (0, 100))
    wide = {"W0": [[0] * 60], "Y": [[1] * 60], "A0": row}
    stopped(sealed("flow", **{**FLOW, **wide, "A": row, "loss_upper": 100}))
    stopped(sealed("flow", **{**FLOW, **wide, "A": other, "radius": 1, "loss_upper": 100}))
    diagonal = [[fraction(i) if i == j else 0 for j in range(60)] for i in range(60)]
    zeros = [[0] * 60]
    square = {"loss": "trace-squared", "W0": diagonal, "Y": None, "A0": zeros, "A": zeros}
    column = {"B0": [[0]] * 60, "B": [[0]] * 60}
    stopped(sealed("flow", **{**FLOW, **square, **column}))


def test_bounds_of_a_unit_are_paid_for():
    row = [("-" if k % 2 else "") + fraction(k) for k in range(60)]
    net = [{"W": [row], "b": [0]}, {"W": [[1]], "b": [0]}]
    box = {"lower": [-1] * 60, "upper": [1] * 60}
    stopped(sealed("relu", first=net, second=net, box=box))


def test_critical_values_are_paid_for(monkeypatch):
    paid = []
    monkeypatch.setattr(checker, "spend", lambda count, bits: paid.append((count, bits)))
    told = {**FLOW, "B0": [["1/2"]], "B": [["1/2"]], "second": "1/2", "loss_upper": "1/8"}
    levels = [{"lower": 1, "upper": "257/256", "multiplicity": 1}]
    check(sealed("critical-value-gap", **told, levels=levels, limit_lower=0, limit_upper=0))
    assert paid[-3:] == [(3, 1), (3, 1), (3, 9)]


def test_long_monomials_are_paid_for(monkeypatch):
    words = checker.Words({}, [], [], {})
    long = checker.term(1, *((("scalar", f"s{k}"), 1) for k in range(400)))
    monkeypatch.setattr(checker, "_left", 100 * (50 + 8 * 400) - 1)
    with pytest.raises(Malformed, match="too long"):
        words.times(long, long)


def test_words_have_a_length(monkeypatch):
    tree, double = "P", [["P", ["*", "P", "P"]]]
    for _ in range(14):
        tree = ["at", tree, double]
    stopped(derivation((tree, "=", tree), symbols={"P": ["n", "n"]}), "more than 10000 matrices")
    word = checker.Expansion(("n", "n"), {((), (("P", 0),) * 7): checker.Fraction(1)})
    for turn in (checker.frozen, checker.Words({"P": ["n", "n"]}, [], [], {}).transpose):
        monkeypatch.setattr(checker, "_left", 100 * 70 - 1)
        with pytest.raises(Malformed, match="too long"):
            turn(word)


def test_a_long_sum_is_collected_once():
    names = {f"s{k}": [] for k in range(3000)}
    started = time.process_time()
    assert check(derivation((["+", *names], "=", ["+", *names]), symbols=names))
    assert time.process_time() - started < 8


# --- what a reader has to read -------------------------------------------------------------------

HEADING = re.compile(r"^# --- .*?(?:\((.*)\))? -+$")


def test_the_lines_to_read_are_as_many_as_stated():
    lines = Path(checker.__file__).read_text().splitlines()
    starts = [k for k, line in enumerate(lines) if HEADING.match(line)]
    common, found = starts[0], {}
    for start, end in pairwise([*starts, len(lines)]):
        kinds = re.findall('"([a-z-]+)"', lines[start])
        found |= dict.fromkeys(kinds, end - start)
        common += 0 if kinds else end - start
    stated = {}
    assert checker.__doc__
    for kinds, size in re.findall(r"^    ([a-z, -]+): (\d+) lines$", checker.__doc__, re.MULTILINE):
        stated |= dict.fromkeys(kinds.split(", "), int(size))
    assert stated.keys() == {"common part", *checker.KINDS} - {"bundle"}
    assert abs(stated.pop("common part") - common) <= common / 10
    for kind, size in stated.items():
        assert abs(size - found[kind]) <= found[kind] / 10, kind


def test_the_lines_of_derivations_are_as_many_as_the_page_says():
    from lora_proofs.running.catalogue import load, shipped_claims

    page = (Path(__file__).parent.parent / "docs" / "trust.md").read_text(encoding="utf-8")
    told = re.search(
        r"Of the (\d+)\s+lines of the (\d+) shipped derivations it recomputes (\d+) .*?, (\d+) are "
        r"instances of\s+assumptions and (\d+) of cited lemmas, and for (\d+) it checks",
        page,
        re.DOTALL,
    )
    assert told
    lines, derivations, recomputed, assumed, cited, inequalities = map(int, told.groups())
    assert lines == recomputed + assumed + cited + inequalities
    found = [list(c.derive()) for c in (load(x.locator) for x in shipped_claims()) if c.derive]
    kinds = ["assumption" if s.rule == "assumption" else s.kind for d in found for s in d]
    for stated, counted in (
        (derivations, len(found)),
        (lines, len(kinds)),
        (assumed, kinds.count("assumption")),
        (cited, kinds.count("cited")),
    ):
        assert abs(stated - counted) <= counted / 20
