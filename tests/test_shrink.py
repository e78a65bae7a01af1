"""Counterexamples are made small, soundly, and within a fixed effort."""

from fractions import Fraction

import pytest

from lora_proofs import Assumption, Instance, Instances, at_least, at_most, equal
from lora_proofs.breaking.choices import drawn_with
from lora_proofs.breaking.fields import digits, entries
from lora_proofs.breaking.hunt import Found
from lora_proofs.breaking.search import Subject
from lora_proofs.breaking.shrinking import (
    is_plain,
    is_short,
    shrink_choices,
    shrink_fields,
    simplicity,
)
from lora_proofs.judging.counterexample import Refutation, refute
from lora_proofs.language.budget import budget
from lora_proofs.running.searching import Breaking
from lora_proofs.strategies.draw import fraction
from lora_proofs.strategies.matrices import orthonormal_rows


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


def square_of(X):
    return (X * X).sum()


def matrices_of(*names, numbers=()):
    def draw(source, regime):
        fields = {name: matrix(source, regime).X for name in names}
        return Instance(**fields, **{name: abs(fraction(source)) + 1 for name in numbers})

    return Instances(draw)


def test_an_equation_that_is_assumed_is_kept_by_simpler_choices(template):
    """No edit of one entry keeps X_12 = X_11^2; the draw does, whatever it chooses."""

    def square(source, regime):
        x = fraction(source, size=50)
        return Instance(X=[[x, x * x]])

    def squared(instance, ctx):
        (x, y) = map(ctx.number, instance.X[0])
        yield equal("square", y, x * x)

    def small(instance, ctx):
        yield at_most("X_12", ctx.number(instance.X[0][1]), ctx.number(100))

    assumed = (Assumption("square", "X_12 = X_11^2", squared, technical="-"),)
    subject = claim(template, instances=Instances(square), check=small, assumptions=assumed)
    breaking = Breaking(subject, budget("quick"), 0)
    assert not breaking.subject.dependent
    found = _first_that_refutes(subject)
    alone = shrink_fields(subject, found, breaking.subject.character, 50, 400).refutation
    assert abs(alone.instance.X[0][0]) > 12
    for by in (breaking.sampled("all", found), Found(found, "corner: made")):
        shrunk = breaking.shrunk(by)
        assert abs(shrunk.refutation.instance.X[0][0]) in (11, 12)
        assert 0 < shrunk.steps <= shrunk.judged
        assert shrunk.to_dict(found)["steps"] == shrunk.steps


def test_a_number_that_hangs_on_a_size_shrinks_with_it(template):
    """Edits leave both as they were drawn; plain as the end of edits is, choices go on from it."""

    def draw(source, regime):
        n, m = source.integer(2, 3), source.integer(2, 3)
        X = [[fraction(source) for _ in range(m)] for _ in range(n)]
        return Instance(X=X, r=source.integer(1, min(n, m)))

    def small(instance, ctx):
        yield at_most("entries", sum(abs(x) for row in instance.X for x in row), ctx.number(0))

    subject = claim(template, instances=Instances(draw), check=small)
    breaking = Breaking(subject, budget("quick"), 0)
    assert breaking.subject.together
    start = Instance(X=[[2, 1, 1], [1, 0, 3], [1, 1, 1]], r=3, regimes=("all",))
    end = breaking.shrunk(Found(refute(subject, start, 50), "draws")).refutation.instance
    assert (len(end.X), len(end.X[0]), end.r) == (2, 2, 1)


def _first_that_refutes(subject):
    """The first draw of the samples that refutes and is not simple."""
    for k in range(100):
        instance, _ = drawn_with(
            subject.instances, "all", (), (0, subject.name, "sample", "all", k)
        )
        found = refute(subject, instance, 50)
        if isinstance(found, Refutation) and instance.X[0][0].denominator > 1:
            return found
    raise AssertionError("no draw refutes")


def test_numbers_on_a_tie_change_together(template):
    """4ab|BA|^2 <= 0.999 (a|B|^2 + b|A|^2)^2 fails only close to a|B|^2 = b|A|^2."""

    def means(instance, ctx):
        x = instance.lift(ctx)
        whole = (x.a * square_of(x.B) + x.b * square_of(x.A)) ** 2
        product = 4 * x.a * x.b * square_of(x.B @ x.A)
        yield at_most("means", product, ctx.number("999/1000") * whole)

    instances = matrices_of("B", "A", numbers=("a", "b"))
    subject = claim(template, instances=instances, check=means)
    small = shrink(subject, Instance(B=[[7]], A=[["13/2"]], a=7, b=8)).refutation
    assert small.instance == Instance(B=[[1]], A=[[1]], a=1, b=1)


def four_means(instance, ctx):
    """256 abcd <= 0.999 (a + b + c + d)^4 fails only close to a = b = c = d."""
    x = [ctx.number(getattr(instance, name)[0][0]) for name in "ABCD"]
    a, b, c, d = ((k * y) ** 2 for k, y in enumerate(x, 1))
    yield at_most("means", 256 * a * b * c * d, ctx.number("999/1000") * (a + b + c + d) ** 4)


IN_PROPORTION = Instance(A=[["19/2"]], B=[["19/4"]], C=[["19/6"]], D=[["19/8"]])


def test_fields_in_proportion_become_short_together(template):
    subject = claim(template, instances=matrices_of(*"ABCD"), check=four_means)
    small = shrink(subject, IN_PROPORTION)
    assert all(digits(x) <= 2 for x in entries(small.refutation.instance))


def test_two_matrices_turn_together(template):
    """|XY - YX|^2 <= 1.998 |X|^2 |Y|^2 fails at e_1 e_2' and e_2 e_1'."""

    def commutator(instance, ctx):
        x = instance.lift(ctx)
        gap = square_of(x.X @ x.Y - x.Y @ x.X)
        yield at_most("gap", gap, ctx.number("1998/1000") * square_of(x.X) * square_of(x.Y))

    def pair(source, regime):
        return Instance(
            **{n: [[fraction(source) for _ in range(2)] for _ in range(2)] for n in "XY"}
        )

    subject = claim(template, instances=Instances(pair), check=commutator)
    start = Instance(X=[[1, 1], [1, -1]], Y=[[1, -1], [-1, -1]])
    small = shrink(subject, start).refutation.instance
    assert sum(x != 0 for X in (small.X, small.Y) for row in X for x in row) == 2


def test_orthonormal_rows_turn_to_the_axes(template):
    """An assumption ties both: one of them alone cannot turn."""

    def orthogonal(instance, ctx):
        x = instance.lift(ctx)
        yield equal("U'V", x.U @ x.V.T, ctx.number(0) * (x.U @ x.V.T))

    def rows(source, regime):
        return Instance(U=orthonormal_rows(source, 1, 2), V=orthonormal_rows(source, 1, 2))

    subject = claim(
        template,
        instances=Instances(rows),
        assumptions=(Assumption("apart", "UV' = 0", orthogonal, technical="-"),),
        check=lambda x, ctx: [at_most("never", ctx.number(1), ctx.number(0))],
    )
    start = Instance(U=[["-3/5", "4/5"]], V=[["4/5", "3/5"]])
    small = shrink(subject, start).refutation.instance
    assert {small.U, small.V} == {((1, 0),), ((0, 1),)}


def test_what_the_check_never_reads_becomes_zero(template):
    instances = matrices_of("X", "W")
    start = Instance(X=LARGE.X, W=[["7/3", 5], [-1, "9/4"]])
    small = shrink(claim(template, instances=instances), start).refutation.instance
    assert small == Instance(X=[[4]], W=[[0]])


def test_a_grid_leaves_effort_for_the_next(template):
    """Without float64 every instance of a grid is judged; none takes all that may be."""

    def means(instance, ctx):
        if ctx.name != "exact":
            raise ArithmeticError("only exactly")
        yield from four_means(instance, ctx)

    subject = claim(template, instances=matrices_of(*"ABCD"), check=means, arithmetics=("exact",))
    small = shrink(subject, IN_PROPORTION)
    assert all(digits(x) <= 2 for x in entries(small.refutation.instance))
    assert small.judged <= 400


def test_a_plain_instance_has_short_whole_numbers():
    assert is_plain(Instance(X=[[9, 0, -1]], h=3))
    assert not is_plain(Instance(X=[[1]], h=10))
    assert not is_plain(Instance(X=[[0, 0, 0, 0]]))


def test_matrices_that_should_be_equal_become_small(template):
    def symmetric(instance, ctx):
        x = instance.lift(ctx)
        yield equal("X = X'", x.X, x.X.T)

    start = Instance(X=[[7, "3/2"], [2, "1/3"]])
    small = shrink(claim(template, check=symmetric), start).refutation.instance
    assert small in (Instance(X=[[0, 1], [0, 0]]), Instance(X=[[0, 0], [1, 0]]))


def on_two(template, check, assumptions=()):
    def square(source, regime):
        return Instance(P=[[fraction(source) for _ in range(2)] for _ in range(2)])

    return claim(template, instances=Instances(square), check=check, assumptions=assumptions)


def test_equal_entries_become_short_together(template):
    """tr P tr P^{-1} >= 4.002, which fails at [a 1; 1 a] for 4a^2/(a^2 - 1) < 4.002 alone."""

    def traces(instance, ctx):
        P = instance.lift(ctx).P
        volume = P[0, 0] * P[1, 1] - P[0, 1] * P[1, 0]
        yield at_least("traces", (P[0, 0] + P[1, 1]) ** 2, ctx.number("2001/500") * volume)

    def off_diagonal(instance, ctx):
        P = instance.lift(ctx).P
        yield at_least("1 <= p_12 p_21", P[0, 1] * P[1, 0], ctx.number(1))

    assumed = (Assumption("off", "1 <= p_12 p_21", off_diagonal, technical="-"),)
    small = shrink(on_two(template, traces, assumed), Instance(P=[[700, 1], [1, 700]]))
    assert small.refutation.instance == Instance(P=[[45, 1], [1, 45]])


def test_a_long_number_is_traded_for_short_ones(template):
    """a <= 2000 b fails where one of them is long, or both are a little."""

    def ratio(instance, ctx):
        x = instance.lift(ctx)
        yield at_least("ratio", 2000 * x.b, x.a)

    def positive(instance, ctx):
        yield at_least("b", 10_000 * ctx.number(instance.b), ctx.number(1))

    assumed = (Assumption("b", "b >= 1/10000", positive, technical="-"),)
    subject = claim(
        template, instances=matrices_of(numbers=("a", "b")), check=ratio, assumptions=assumed
    )
    small = shrink(subject, Instance(a=2500, b=1)).refutation.instance
    assert is_short(small) and small.a > 2000 * small.b


def test_a_number_below_1_is_no_longer_than_it_has_to_be(template):
    def late(instance, ctx):
        t = ctx.number(instance.t)
        yield at_least("decay", (1 - t / 10 + t * t / 100) * (1 + t * t), ctx.number(1))

    subject = claim(template, instances=matrices_of(numbers=("t",)), check=late)
    small = shrink(subject, Instance(t="1/1000")).refutation.instance
    assert small == Instance(t="1/11")


def wide_or_small(source, regime):
    size = 6 if regime == "wide" else source.integer(1, 3)
    return Instance(W=[[Fraction(i == j, size) for j in range(size)] for i in range(size)])


def test_what_is_large_in_one_regime_is_looked_for_in_the_others(template):
    """Sizes that entries depend on are changed by nothing but the draw."""

    def large(instance, ctx):
        yield at_least("1/n", ctx.number(instance.W[0][0]), ctx.number("2/5"))

    instances = Instances(wide_or_small, ("wide", "small"))
    subject = claim(template, instances=instances, check=large)
    breaking = Breaking(subject, budget("quick"), 0)
    found = refute(subject, wide_or_small(None, "wide"), 50)
    small = breaking.shrunk(breaking.sampled("wide", found)).refutation.instance
    assert len(small.W) == 3
