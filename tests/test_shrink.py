"""Counterexamples are made small, soundly, and within a fixed effort."""

import pytest

from lora_proofs import Assumption, Instance, Instances, at_least, at_most
from lora_proofs.judging import counterexample
from lora_proofs.judging.counterexample import Refutation, refute, shrink
from lora_proofs.strategies.draw import Rejected, fraction


def matrix(source, regime):
    size = source.integer(1, 4)
    return Instance(X=[[fraction(source) for _ in range(size)] for _ in range(size)])


def entries_below_three(instance, ctx):
    for row in instance.X:
        for entry in row:
            yield at_most("entry", ctx.number(entry), ctx.number(3))


LARGE = Instance(X=[["31/4", 2, -3], [0, "7/2", 1], [8, 8, "-1/4"]])


def claim(template, **parts):
    return template.variant(instances=Instances(matrix), check=entries_below_three, **parts)


def found(subject, instance=LARGE):
    refutation = refute(subject, instance, 50)
    assert isinstance(refutation, Refutation)
    return refutation


def test_the_smallest_matrix_and_the_smallest_entry(template):
    subject = claim(template)
    assert shrink(subject, "generic", found(subject), 50).instance == Instance(X=[[4]])


def test_a_smaller_instance_still_satisfies_every_assumption(template):
    def large(instance, ctx):
        yield at_least("size", ctx.number(len(instance.X)), ctx.number(2))

    subject = claim(template, assumptions=(Assumption("large", "n >= 2", large, technical="-"),))
    small = shrink(subject, "generic", found(subject), 50)
    assert len(small.instance.X) == 2
    assert small.assumptions == ("large",)


def test_what_cannot_be_found_again_stays_as_it_was(template):
    def never(source, regime):
        raise Rejected

    subject = template.variant(instances=Instances(never), check=entries_below_three)
    assert shrink(subject, "generic", found(subject), 50).instance == LARGE


def test_the_effort_is_bounded(template, monkeypatch):
    monkeypatch.setattr(counterexample, "MOST_EVALUATIONS", 5)
    calls = []

    def counted(instance, ctx):
        calls.append(instance)
        yield from entries_below_three(instance, ctx)

    subject = template.variant(instances=Instances(matrix), check=counted)
    shrink(subject, "generic", found(subject), 50)
    assert len(calls) <= 6


def test_a_check_that_raises_on_small_instances_does_no_harm(template):
    def fussy(instance, ctx):
        if len(instance.X) < 2:
            raise ZeroDivisionError
        yield from entries_below_three(instance, ctx)

    subject = template.variant(instances=Instances(matrix), check=fussy)
    assert len(shrink(subject, "generic", found(subject), 50).instance.X) == 2


@pytest.mark.parametrize("seed", range(3))
def test_the_answer_is_the_same_every_time(template, seed):
    subject = claim(template)
    first = shrink(subject, "generic", found(subject), 50)
    assert first.instance == shrink(subject, "generic", found(subject), 50).instance
