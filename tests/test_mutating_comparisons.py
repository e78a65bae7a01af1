"""Slips in what a check compares: each is stronger or different, and made where it makes sense."""

import pytest

from lora_proofs.arithmetic import EXACT, BallArithmetic, at_least, at_most, below, equal
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mutating.comparisons import OPERATORS, comparison_mutants, groups
from lora_proofs.mutating.mutant import Inapplicable, kept_check

X = Instance(k=3, M=[[1, 2], [3, 4]])


def mutants(check, instance=X):
    kept = kept_check(check)
    made = comparison_mutants(kept, [kept(instance, EXACT)])
    return {m.id.removeprefix("comparison: "): m for m in made}


def said(mutant, instance=X, ctx=EXACT):
    return [(str(c.left), c.relation, str(c.right)) for c in mutant.check(instance, ctx)]


def bound(instance, ctx):
    yield at_most("bound", ctx.number(instance.k), ctx.number("16/3"))


def test_a_bound_is_made_strict_sharper_and_turned_round():
    found = mutants(bound)
    assert said(found["strict: bound"]) == [("3", "<", "16/3")]
    assert said(found["0.99: bound"]) == [("3", "<=", "132/25")]
    assert said(found["1.01: bound"]) == [("303/100", "<=", "16/3")]
    assert said(found["direction: bound"]) == [("16/3", "<=", "3")]
    assert said(found["sign: bound"]) == [("3", "<=", "-16/3")]
    assert said(found["square: bound"]) == [("3", "<=", "256/9")]


def test_a_bound_from_below_is_sharpened_the_other_way():
    def check(instance, ctx):
        yield at_least("floor", ctx.number(-2), ctx.number(-3))

    found = mutants(check)
    assert said(found["0.99: floor"]) == [("-3", "<=", "-101/50")]
    assert said(found["1.01: floor"]) == [("-297/100", "<=", "-2")]
    assert said(found["strict: floor"]) == [("-3", "<", "-2")]


def test_only_whole_numbers_are_counts():
    def rank(instance, ctx):
        yield at_most("rank", ctx.number(2), ctx.number(3))

    assert said(mutants(rank)["r - 1: rank"]) == [("2", "<=", "2")]
    assert said(mutants(rank)["r + 1: rank"]) == [("3", "<=", "3")]
    assert "r - 1: bound" not in mutants(bound)
    assert "square: rank" not in mutants(rank)


def test_matrices_are_transposed_reversed_and_moved():
    def check(instance, ctx):
        M = ctx.matrix(instance.M)
        yield equal("M", M, M)

    found = mutants(check)
    assert [c.outcome for c in found["transpose: M"].check(X, EXACT)] == ["fails"]
    assert found["rows reversed: M"].check(X, EXACT)[0].right[0][0] == 3
    assert found["one entry: M"].check(X, EXACT)[0].right[1][1] == 5
    assert "strict: M" not in found
    wide = Instance(M=[[1, 2]])
    with pytest.raises(Inapplicable):
        found["transpose: M"].check(wide, EXACT)


def test_a_family_is_shifted_by_one_index():
    def check(instance, ctx):
        for i, (a, b) in enumerate([(3, 4), (2, 3), (1, 2)], start=1):
            yield at_most(f"sigma_{i}", ctx.number(a), ctx.number(b))

    found = mutants(check)
    assert said(found["index + 1: sigma_#"]) == [("3", "<=", "3"), ("2", "<=", "2")]
    assert said(found["index - 1: sigma_#"]) == [("2", "<=", "4"), ("1", "<=", "3")]


def test_the_larger_sides_of_two_labels_are_exchanged():
    def check(instance, ctx):
        yield at_most("A", ctx.number(1), ctx.number(2))
        yield at_least("B", ctx.number(9), ctx.number(8))

    assert said(mutants(check)["swap: A / B"]) == [("1", "<=", "9"), ("8", "<=", "2")]


def test_what_is_only_measured_is_left_alone():
    def check(instance, ctx):
        yield below("measured: gap", ctx.number(0), ctx.number(1))
        yield at_most("bound", ctx.number(0), ctx.number(1))

    assert list(groups(check(X, EXACT))) == ["bound"]
    assert not any("measured" in name for name in mutants(check))


def test_a_root_is_taken_in_balls_and_never_of_a_negative_number():
    ball = BallArithmetic(30)
    found = mutants(bound)["square root: bound"]
    with ball.working():
        assert found.check(X, ball)[0].outcome == "fails"

    def negative(instance, ctx):
        yield at_most("bound", ctx.number("-7/2"), ctx.number(-2))

    with pytest.raises(Inapplicable):
        mutants(negative)["square root: bound"].check(X, EXACT)


def test_every_operator_makes_a_statement_that_is_not_the_original():
    groups_ = {
        "count": lambda ctx: [at_most("x", ctx.number(3), ctx.number(5))],
        "bound": lambda ctx: [at_most("x", ctx.number("9/4"), ctx.number("25/4"))],
        "value": lambda ctx: [equal("x", ctx.number(4), ctx.number(4))],
        "matrix": lambda ctx: [equal("x", ctx.matrix(X.M), ctx.matrix(X.M))],
    }
    for operator in OPERATORS:
        fitting = [
            make(EXACT)
            for make in groups_.values()
            if operator.fits(make(EXACT)) and operator.needs(make(EXACT))
        ]
        assert fitting, operator
        for group in fitting:
            found = operator.on(group, EXACT)
            assert [str(c.to_dict()) for c in found] != [str(c.to_dict()) for c in group]


def test_the_original_is_evaluated_once_for_all_mutants():
    calls = []

    def check(instance, ctx):
        calls.append(instance)
        yield at_most("bound", ctx.number(1), ctx.number(2))

    found = mutants(check)
    for mutant in found.values():
        if "root" not in mutant.operator:
            mutant.check(X, EXACT)
    assert len(found) > 5
    assert len(calls) == 1


def test_a_bound_that_is_whole_or_zero_by_chance_is_still_a_bound():
    def check(instance, ctx):
        yield at_most("bound", ctx.number(instance.k) - 3, ctx.number(instance.k) / 2)

    kept = kept_check(check)
    probes = [kept(Instance(k=k), EXACT) for k in (3, 4, 5)]  # 0 <= 3/2, 1 <= 2, 2 <= 5/2
    found = {m.operator for m in comparison_mutants(kept, probes)}
    assert {"0.99", "1.01", "square root", "halved"} <= found
    assert "r - 1" not in found
