"""Slips in a check's text: found by what is run, made beside the original, named without lines."""

import ast
import sys

import pytest

from lora_proofs.arithmetic import EXACT
from lora_proofs.errors import ClaimRefused
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mutating.mutant import kept_check
from lora_proofs.mutating.reached import watch
from lora_proofs.mutating.rebuilding import needed, rebuilt
from lora_proofs.mutating.slips import SLIPS, with_parents
from lora_proofs.mutating.source import _put, named_claim, source_candidates

CODE = """
from lora_proofs import at_most

def sizes(instance, ctx):
    return ctx.number(instance.x), ctx.number(2)

def never(ctx):
    return ctx.number(3) + 1

def check(instance, ctx):
    x, two = sizes(instance, ctx)
    if x < -100:
        x = x - 1
    yield at_most("bound", x, two * 4 + x * x)

claim = variant("text", check=check)
"""
ONE = Instance(x=1)


@pytest.fixture
def candidates(claim_file):
    from lora_proofs.running.catalogue import load_file

    def made(code=CODE):
        home = load_file(claim_file(code))
        claim = named_claim(home, "tests/text")
        found, calls = source_candidates(claim, home, kept_check(claim.check), [ONE], [EXACT])
        assert calls > 0
        return {c.id: c for c in found}

    return made


def right_side(candidate):
    return next(iter(candidate.make().check(ONE, EXACT))).right


def test_a_slip_changes_what_is_claimed_and_nothing_else(candidates):
    found = candidates()
    mutant = found["source: sign: check #3"].make()
    assert mutant.description == "`two * 4 + x * x` became `two * 4 - x * x` in check"
    assert right_side(found["source: sign: check #3"]) == 7
    assert next(iter(mutant.reference(ONE, EXACT))).right == 9
    assert right_side(found["source: factor dropped: check #2"]) == 5


def test_only_what_is_run_is_changed(candidates):
    places = [c.place for c in candidates().values()]
    assert any(place.startswith("check") for place in places)
    assert not any(place.startswith("never") for place in places)
    assert "source: sign: check #2" not in candidates()  # x - 1 stands in a branch not taken


def test_a_place_keeps_its_name_when_lines_are_added_elsewhere(candidates):
    moved = "def other(ctx):\n    return 1 + 2 - 3\n\n\n" + CODE
    assert list(candidates()) == list(candidates(moved))


def test_the_claim_itself_stays_as_it_was(candidates):
    from lora_proofs.claims.rushka_klabjan.discretisation import discrete_drift, drift_bound

    before = drift_bound.change, sys.modules[drift_bound.__name__]
    tree = ast.parse("raise ValueError('broken by a slip')")
    with pytest.raises(ValueError, match="broken by a slip"):
        rebuilt(drift_bound, {discrete_drift.__name__: tree})
    assert (drift_bound.change, sys.modules[drift_bound.__name__]) == before
    fresh = rebuilt(drift_bound, {})[drift_bound.__name__]
    assert fresh is not drift_bound
    assert fresh.change is not drift_bound.change
    assert sys.modules[discrete_drift.__name__] is discrete_drift
    assert discrete_drift in needed(drift_bound)


def test_a_helper_of_another_module_is_changed_too():
    from lora_proofs.claims.rushka_klabjan.discretisation import drift_bound

    claim = drift_bound.claim
    (instance,) = claim.controls[0].instances
    found, _ = source_candidates(claim, drift_bound, kept_check(claim.check), [instance], [EXACT])
    helpers = [c for c in found if c.place.startswith("discrete_drift.")]
    assert helpers
    assert "one_step.draw" not in {c.place.partition(" ")[0] for c in found}


def test_a_claim_that_is_not_there_is_refused():
    with pytest.raises(ClaimRefused, match="expected the claim 'nobody'"):
        named_claim(sys.modules[__name__], "nobody")


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        ("X.mT @ Y", "transpose dropped", "X @ Y"),
        ("X @ Y", "transpose added", "X.mT @ Y"),
        ("X @ Y", "factors swapped", "Y @ X"),
        ("a - b", "sign", "a + b"),
        ("-a", "sign", "a"),
        ("a + b", "term dropped", "a"),
        ("a / b", "factor dropped", "a"),
        ("a ** 2", "square dropped", "a"),
        ("a ** 3", "power one higher", "a ** (3 + 1)"),
        ("ctx.sqrt(a)", "square root dropped", "a"),
        ("a / r", "1/sqrt(r) for 1/r", "a / ctx.sqrt(ctx.number(r))"),
        ("r * a", "r - 1", "(r - 1) * a"),
        ("len(X) * a", "r + 1", "(len(X) + 1) * a"),
        ("s[0]", "index shifted", "s[0 + 1]"),
        ("nth(s, i)", "index shifted", "nth(s, i + 1)"),
        ("4 * a", "constant times 0.99", "4 * __import__('flint').fmpq(99, 100) * a"),
        ("x.A0 @ Y", "A and B swapped", "x.B0.mT @ Y"),
        ("x.A0.mT @ Y", "A and B swapped", "x.B0.mT @ Y"),
        ("sum(v)", "max for sum", "max(v)"),
        ("f(a, b)", "arguments swapped", "f(b, a)"),
    ],
)  # fmt: skip
def test_every_slip_makes_what_its_name_says(before, name, after):
    slip = next(slip for slip in SLIPS if slip.name == name)
    tree = ast.parse(before, mode="eval")
    for node, parent in with_parents(tree):
        put = slip.at(node, parent)
        if put is not None:
            _put(parent, node, put)
            assert ast.unparse(tree) == ast.unparse(ast.parse(after))
            return
    pytest.fail(f"{name} finds no place in {before}")


def test_watching_says_which_lines_were_run_and_ends(tmp_path):
    file = tmp_path / "watched.py"
    file.write_text("def f(x):\n    if x:\n        return 1\n    return 2\n")
    scope = {}
    exec(compile(file.read_text(), str(file), "exec"), scope)
    before = sys.gettrace()
    found = watch([str(file)], [lambda: scope["f"](0), lambda: 1 / 0])
    assert found.lines_of(str(file)) == {2, 4}
    assert sys.gettrace() is before
