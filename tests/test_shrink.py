"""Counterexamples are made small, soundly, and within a fixed effort."""

import pytest

from lora_proofs import Assumption, Instance, Instances, at_least, at_most, equal
from lora_proofs.breaking.search import Subject
from lora_proofs.breaking.shrinking import shrink_choices, shrink_fields, simplicity
from lora_proofs.judging.counterexample import Refutation, refute
from lora_proofs.strategies.draw import fraction


def matrix(source, regime):
    size = source.integer(1, 4)
    return Instance(X=[[fraction(source) for _ in range(size)] for _ in range(size)])


def entries_below_three(instance, ctx):
    for row in instance.X:
        for entry in row:
            yield at_most("entry", ctx.number(entry), ctx.number(3))


LARGE = Instance(X=[["31/4", 2, -3], [0, "7/2", 1], [8, 8, "-1/4"]])


def claim(template, **parts):
    plain = {"instances": Instances(matrix), "check": entries_below_three}
    return template.variant(**{**plain, **parts})


def shrink(subject, instance=LARGE, most=400):
    found = refute(subject, instance, 50)
    assert isinstance(found, Refutation)
    return shrink_fields(subject, found, Subject.of(subject, 0).character, 50, most)


def test_the_smallest_matrix_and_the_smallest_entry(template):
    small = shrink(claim(template))
    assert small.refutation.instance == Instance(X=[[4]])
    assert small.judged > 1


def test_a_smaller_instance_still_satisfies_every_assumption(template):
    def large(instance, ctx):
        yield at_least("size", ctx.number(len(instance.X)), ctx.number(2))

    subject = claim(template, assumptions=(Assumption("large", "n >= 2", large, technical="-"),))
    small = shrink(subject).refutation
    assert small.instance == Instance(X=[[4, 0], [0, 0]])
    assert small.assumptions == ("large",)


def test_sides_that_are_one_dimension_shrink_together(template):
    def factors(source, regime):
        n, m, r = (source.integer(1, 4) for _ in range(3))
        B = [[fraction(source) for _ in range(r)] for _ in range(n)]
        return Instance(B=B, A=[[fraction(source) for _ in range(m)] for _ in range(r)], r=r)

    def no_large_product(instance, ctx):
        x = instance.lift(ctx)
        yield equal("r", ctx.number(len(instance.A)), x.r)
        for entry in (x.B @ x.A).flat:
            yield at_most("entry", entry, ctx.number(3))

    start = Instance(B=[[1, "7/3"], [2, 5], [0, 1]], A=[[1, 2, 3], [4, "5/2", 6]], r=2)
    small = shrink(claim(template, instances=Instances(factors), check=no_large_product), start)
    assert small.refutation.instance == Instance(B=[[1]], A=[[4]], r=1)


def test_what_every_draw_has_is_kept(template):
    def symmetric(source, regime):
        a, b, c = (fraction(source) for _ in range(3))
        return Instance(X=[[a, b], [b, c]])

    def not_large_off_the_diagonal(instance, ctx):
        yield at_most("X_12", ctx.number(instance.X[0][1]), ctx.number(3))

    subject = claim(template, instances=Instances(symmetric), check=not_large_off_the_diagonal)
    start = Instance(X=[["31/4", 8], [8, 2]])
    assert shrink(subject, start).refutation.instance == Instance(X=[[0, 4], [4, 0]])


def test_choices_shrink_where_fields_depend_on_each_other(template):
    def pair(source, regime):
        x = fraction(source, size=50)
        return Instance(x=x, square=x * x)

    def small(instance, ctx):
        x = instance.lift(ctx)
        yield at_most("square", x.square, ctx.number(100))

    subject = claim(template, instances=Instances(pair), check=small)
    told = Subject.of(subject, 0)
    assert told.dependent == "x and square are drawn from the same choices"
    instance, origin = next((x, o) for x, o in told.drawn if x.square > 100)
    found = refute(subject, instance, 50)
    shrunk = shrink_choices(subject, found, origin, 50, 400).refutation.instance
    assert shrunk.square == shrunk.x**2 > 100
    assert shrunk.x in (11, 12)


def test_the_effort_is_bounded(template):
    calls = []

    def counted(instance, ctx):
        calls.append(instance)
        yield from entries_below_three(instance, ctx)

    subject = claim(template, check=counted)
    found, character = refute(subject, LARGE, 50), Subject.of(subject, 0).character
    calls.clear()
    assert shrink_fields(subject, found, character, 50, 1).judged == 1
    few = len(calls)
    calls.clear()
    assert shrink_fields(subject, found, character, 50, 400).judged > 1
    assert few < len(calls) < 20 * 400


def test_a_check_that_raises_on_small_instances_does_no_harm(template):
    def fussy(instance, ctx):
        if len(instance.X) < 2:
            raise ZeroDivisionError
        yield from entries_below_three(instance, ctx)

    assert len(shrink(claim(template, check=fussy)).refutation.instance.X) == 2


def test_running_out_of_memory_is_not_taken_for_an_instance_that_holds(template):
    def hungry(instance, ctx):
        if len(instance.X) < 3:
            raise MemoryError
        yield from entries_below_three(instance, ctx)

    subject = claim(template, check=hungry)
    found = refute(subject, LARGE, 50)
    character = Subject.of(claim(template), 0).character
    with pytest.raises(MemoryError):
        shrink_fields(subject, found, character, 50, 400)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([[9, 9]], [[1, 0], [0, 0]]),
        ([["1/7", 0]], [[1, 1]]),
        ([[1, 1]], [[2, 1]]),
        ([[1]], [[-1]]),
    ],
)
def test_fewer_entries_then_fewer_nonzero_then_fewer_digits(one, other):
    assert simplicity(Instance(X=one)) < simplicity(Instance(X=other))
