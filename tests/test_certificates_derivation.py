"""Shipped derivations as certificates: honest ones are valid, and every planted fault is found."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from itertools import pairwise
from types import SimpleNamespace

import pytest

from lora_proofs.certificates.derivation import bulk, derivation_certificates
from lora_proofs.checker import Invalid, Malformed, check, digest_of
from lora_proofs.mathematics import words as w
from lora_proofs.mathematics.notation import A, B
from lora_proofs.running.catalogue import load, shipped_claims
from lora_proofs.symbolic.steps import identity, inequality, prose

NAMES = (
    "classical/balancedness",
    "classical/energy-identity",
    "rushka-klabjan/bounded-products",
    "rushka-klabjan/discrete-drift",
    "rushka-klabjan/drift-bound",
    "rushka-klabjan/norm-bound-from-zero",
    "rushka-klabjan/singular-values-grow",
    "rushka-klabjan/trace-squared-normalisers",
    "rushka-klabjan/trace-squared-error-orthogonal-rows",
)


@cache
def exported(name):
    (entry,) = (entry for entry in shipped_claims() if entry.name == name)
    claim = load(entry.locator)
    derived = SimpleNamespace(steps=tuple(claim.derive()), evidence=SimpleNamespace(closed=True))
    certificates, left_out = derivation_certificates(claim, derived)
    assert all("too many terms" in why for why in left_out)
    return tuple(certificates)


def accepted(certificate):
    told = {**certificate, "digest": digest_of(certificate)}
    try:
        return bool(check(json.loads(json.dumps(told))))
    except (Invalid, Malformed):
        return False


@pytest.mark.parametrize("name", NAMES)
def test_shipped_derivations_are_rechecked(name):
    derivation, *at_shapes = exported(name)
    lines = check(derivation)
    assert lines[0] == "valid: derivation"
    rechecked = sum(line["by"] in ("algebra", "root") for line in derivation["lines"])
    assert f"checked: {rechecked} of {len(derivation['lines'])} lines are recomputed" in lines
    assert [c["kind"] for c in at_shapes] in ([], ["identity"] * 2)
    for identities in at_shapes:
        assert check(identities)[0] == "valid: identity"


# --- planted faults ------------------------------------------------------------------------------


def places(tree, path=()):
    """The places of a tree where order and transposes matter: not below a trace or a norm."""
    yield path, tree
    if isinstance(tree, list) and tree[0] in ("+", "*", "'"):
        for i, x in enumerate(tree[1:], start=1):
            yield from places(x, (*path, i))


def put(tree, path, value):
    if not path:
        return value
    out = deepcopy(tree)
    at = out
    for i in path[:-1]:
        at = at[i]
    at[path[-1]] = value
    return out


def zero(tree):
    return tree == 0 or (isinstance(tree, list) and tree[0] == "zero")


def matrix(told, tree):
    letter = tree[1] if isinstance(tree, list) and tree[0] == "'" else tree
    return isinstance(letter, str) and bool(told["symbols"][letter])


def changed_sides(told, says):
    """Relations near a relation that say something else: a coefficient, an order, a transpose."""
    left, kind, right = says
    if not zero(left) and not zero(right):  # twice what is zero would say the same
        yield "coefficient", [left, kind, ["*", 2, right]]
        yield "coefficient", [["*", 2, left], kind, right]
    if right == 0:
        yield "number", [left, kind, 1]
    if left == 0:
        yield "number", [1, kind, right]
    for path, tree in places(left):
        if not isinstance(tree, list):
            continue
        if tree[0] == "'" and matrix(told, tree) and tree[1] not in told["symmetric"]:
            yield "transpose", [put(left, path, tree[1]), kind, right]
        for i, (x, y) in enumerate(pairwise(tree)):
            if i and tree[0] == "*" and matrix(told, x) and matrix(told, y) and x != y:
                turned = [*tree[:i], y, x, *tree[i + 2 :]]
                yield "order", [put(left, path, turned), kind, right]


def mutants(told):
    """Each kind of fault at each place of a derivation where it says something else."""
    lines, sizes = told["lines"], len(told["lines"])
    for k, line in enumerate(lines):
        if line["says"] is None:
            continue
        for what, says in changed_sides(told, line["says"]):
            yield what, {**told, "lines": put(lines, (k, "says"), says)}
        if line["by"] != "algebra":
            continue
        for i, (used, context) in enumerate(line["of"][0]):
            at = (k, "of", 0, i)
            for later in {k + 1, sizes} - {used}:
                yield "later line", {**told, "lines": put(lines, (*at, 0), later)}
            # What an identity gives by itself is zero, and twice nothing is nothing.
            if lines[used - 1]["by"] in ("assumption", "lemma"):
                double = put(lines, (*at, 1), ["*", 2, context])
                yield "witness", {**told, "lines": double}
                yield "witness", {**told, "lines": put(lines, (k, "of", 0), line["of"][0][:i])}
        for i, (factor, _) in enumerate(line["of"][1]):
            double = put(lines, (k, "of", 1, i, 0), ["*", 2, factor])
            yield "square", {**told, "lines": double}
    for k, says in enumerate(told["conclusion"]):
        for what, other in changed_sides(told, says):
            yield (
                f"conclusion: {what}",
                {**told, "conclusion": put(told["conclusion"], (k,), other)},
            )
    for name, kept in told["assumptions"].items():
        for k, says in enumerate(kept["says"]):
            used = [x["of"] for x in lines if x["by"] == "assumption"]
            if any(of[:2] == [name, k + 1] for of in used):
                changed = [["*", 3, says[0]], says[1], ["+", says[0], says[0], says[2]]]
                where = ("assumptions", name, "says", k)
                yield "assumption", put(told, where, changed)
    for symbol, shape in told["symbols"].items():
        text = json.dumps(lines)
        if "r" in shape and f'["*", "{symbol}", "' in text:
            turned = ["q" if d == "r" else d for d in shape]
            yield "dimension", put(told, ("symbols", symbol), turned)
    needed = {used for x in lines if x["by"] == "algebra" for used, _ in x["of"][0]}
    for k in needed:
        if lines[k - 1]["by"] in ("assumption", "lemma"):
            yield "missing line", {**told, "lines": [*lines[: k - 1], *lines[k:]]}


FOUND = {}


@pytest.mark.parametrize("name", NAMES)
def test_planted_faults_are_found(name):
    told = exported(name)[0]
    missed = []
    for what, mutant in mutants(told):
        FOUND[what] = FOUND.get(what, 0) + 1
        if accepted(mutant):
            missed.append(what)
    assert missed == []
    assert accepted(told)


def test_enough_faults_of_every_kind_were_planted():
    for name in NAMES:
        if not FOUND:
            for what, _ in mutants(exported(name)[0]):
                FOUND[what] = FOUND.get(what, 0) + 1
    kinds = {"coefficient", "order", "transpose", "later line", "witness", "square", "assumption"}
    kinds |= {"conclusion: coefficient", "dimension", "missing line"}
    assert kinds <= FOUND.keys()
    assert sum(FOUND.values()) >= 60


def test_a_wrong_identity_at_a_fixed_shape_is_found():
    for name in NAMES[:2]:
        for told in exported(name)[1:]:
            for k, says in enumerate(told["relations"]):
                for _, other in changed_sides(told, says):
                    assert not accepted({**told, "relations": put(told["relations"], (k,), other)})


# --- what is in no certificate -------------------------------------------------------------------


def claim(steps):
    return SimpleNamespace(
        name="notes/claim", assumptions=(), conclusion=tuple(s.relation for s in steps[-1:])
    )


def export(*steps, closed=True):
    derived = SimpleNamespace(steps=steps, evidence=SimpleNamespace(closed=closed))
    return derivation_certificates(claim(steps), derived)


def test_what_the_checker_cannot_read_is_said():
    P = w.Symbol("P", "n", "n")
    step = identity(w.Inverse(P) @ P, w.Identity("n"), "")
    found, why = export(step)
    assert found == [] and "notes/claim" in why[0] and "Inverse" in why[0]
    found, why = export(identity(A, A, ""), closed=False)
    assert found == [] and "not closed" in why[0]
    found, why = export(prose("clearly"), identity(A, A, ""))
    assert found == [] and "prose" in why[0]


def test_identities_that_are_too_long_at_a_fixed_shape_are_said_to_be_left_out(monkeypatch):
    step = identity(A.T @ A, A.T @ A, "")
    (_, *at_shapes), why = export(step)
    assert len(at_shapes) == 2 and why == []
    assert at_shapes[0]["asserts"].startswith("1 of 1 identities")
    monkeypatch.setattr("lora_proofs.certificates.derivation.MOST_BULK", 1)
    (_, *at_shapes), why = export(step)
    assert at_shapes == [] and "up to 1 of its identities" in why[0]


@pytest.mark.parametrize("name", ["=", "<=", "1/2", "-3", "a`b", "P"])
def test_names_are_such_that_the_checker_reads_them(name):
    x, y = w.Scalar(name), w.Symbol(name, "n", "n")
    (told, *_), why = export(identity(x, x, ""), identity(y, y, ""))
    assert why == [] and len(told["symbols"]) == 2
    assert accepted(told)


def test_a_dimension_that_the_checker_cannot_read_is_said():
    P = w.Symbol("P", "n+1", "n+1")
    found, why = export(identity(P, P, ""))
    assert found == [] and "dimension 'n+1'" in why[0]


def test_two_symbols_of_one_name_stay_apart():
    first, second = w.Symbol("P", "n", "n"), w.Symbol("P", "m", "m")
    (told, *_), _ = export(identity(first, first, ""), identity(second, second, ""))
    assert len(told["symbols"]) == 2
    assert accepted(told)


def test_a_gradient_carries_its_value():
    step = identity(w.Gradient(w.squared_norm(B @ A), A), 2 * (B.T @ B @ A), "")
    (told, *_), _ = export(step)
    assert accepted(told)
    tree = told["lines"][0]["says"][0]
    assert tree[0] == "gradient"
    wrong = put(told, ("lines", 0, "says", 0, 3), ["*", 3, tree[3]])
    assert not accepted(wrong)


def test_powers_are_bounded_factor_by_factor():
    a, b = w.Scalar("a", nonnegative=True), w.Scalar("b", nonnegative=True)
    first = inequality(a, a + b, "", rule="sum of squares", squares=((b, 1),))
    step = inequality(a**3, (a + b) ** 3, "", rule="combine", uses=(first,))
    (told, *_), why = export(first, step)
    assert why == [] and len(told["lines"][1]["of"][0]) == 3
    assert accepted(told)


def test_the_size_of_a_polynomial_is_guessed_from_above():
    sizes = {"n": 2, "m": 3, "r": 2}
    assert bulk(w.squared_norm(B @ A), sizes) == 3 * 2 * 4
    assert bulk((A + A).T, sizes) == 2
    assert bulk(w.Power(w.Scalar("t") + 1, 3), sizes) == 8
