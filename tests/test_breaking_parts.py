"""The parts of the search: choices, dimensions, what draws have in common, moves on the slack."""

import itertools
import math
from dataclasses import replace
from fractions import Fraction

import pytest

from lora_proofs import Instance, Instances, at_least, at_most, below, equal
from lora_proofs.arithmetic import EXACT, inner, squared_norm
from lora_proofs.breaking.character import Character
from lora_proofs.breaking.choices import drawn_with, nearby
from lora_proofs.breaking.corners import bases, corners
from lora_proofs.breaking.descent import descend, descend_choices
from lora_proofs.breaking.dimensions import Dimensions
from lora_proofs.breaking.fields import leaves, put
from lora_proofs.breaking.hunt import Hunt
from lora_proofs.breaking.search import Subject
from lora_proofs.breaking.slack import Guide, relative
from lora_proofs.breaking.targeted import targeted
from lora_proofs.strategies import SeededDraw, fraction, matrix


def factors(source, regime="generic"):
    n, m = source.integer(2, 4), source.integer(2, 4)
    r = source.integer(1, min(n, m))
    return Instance(B=matrix(source, n, r), A=matrix(source, r, m), W=matrix(source, n, m), r=r)


def some(draw, count=30):
    return [draw(SeededDraw.keyed("parts", k), "generic") for k in range(count)]


def hunt_of(claim, limit=200):
    subject = Subject.of(claim, 0)
    guide = Guide.of(claim, [x for x, _ in subject.drawn[:4]], 50)
    return Hunt(claim, 50, guide, limit), subject


# --- choices --------------------------------------------------------------------------------------


def test_a_draw_replays_from_its_choices_and_edited_ones_stay_in_range():
    instances = Instances(factors)
    instance, origin = drawn_with(instances, "generic", (), ("key",))
    assert drawn_with(instances, "generic", origin.values, ("another",))[0] == instance
    for k in range(len(origin.choices)):
        for values in nearby(origin.choices, k):
            other, made = drawn_with(instances, "generic", values, ("key",))
            assert all(c.low <= c.value <= c.high for c in made.choices)
            assert len(other.A) == other.r
    outside, _ = drawn_with(instances, "generic", (99, -99), ("key",))
    assert (len(outside.W), len(outside.W[0])) == (4, 2)


# --- dimensions -----------------------------------------------------------------------------------


def test_rows_and_columns_go_together_with_the_number_that_counts_them():
    draws = some(factors)
    dimensions = Dimensions.of(draws)
    instance = next(x for x in draws if x.r == 3)
    for smaller in dimensions.smaller(instance):
        n, m, r = len(smaller.W), len(smaller.W[0]), int(smaller.r)
        assert (len(smaller.B), len(smaller.B[0])) == (n, r)
        assert (len(smaller.A), len(smaller.A[0])) == (r, m)
    small = dimensions.cut_to(instance, 1)
    assert [len(small.B), len(small.A), small.r] == [1, 1, 1]


def test_an_order_that_every_draw_has_is_kept():
    character = Character.of(some(factors))
    wide = Instance(B=[[1, 2]], A=[[1], [2]], W=[[1]], r=2)
    assert not character.admits(wide)
    assert character.admits(Instance(B=[[1]], A=[[1]], W=[[1]], r=1))


# --- what every draw has --------------------------------------------------------------------------


def lower(source, regime):
    n = source.integer(2, 3)
    L = [[fraction(source) if j <= i else 0 for j in range(n)] for i in range(n)]
    return Instance(L=L, h=source.choice(("1/2", "1/4")), t="1/3")


@pytest.mark.parametrize(
    ("changes", "admitted"),
    [
        ({("L",): [[0, 0], [0, 0]]}, True),
        ({("L",): [[1, 0], [1, 1]]}, True),
        ({("L",): [[1, 1], [0, 1]]}, False),
        ({("h",): Fraction(1, 1000)}, True),
        ({("h",): Fraction(0)}, False),
        ({("h",): Fraction(11)}, False),
    ],
)
def test_equations_and_signs_of_every_draw_are_kept_and_generic_properties_are_not(
    changes, admitted
):
    draws = some(lower)
    character = Character.of(draws)
    start = next(x for x in draws if len(x.L) == 2)
    assert character.admits(put(start, changes)) is admitted
    assert ("t",) in character.fixed


def test_corners_are_instances_of_the_same_shape_and_order():
    draws = some(factors)
    character = Character.of(draws)
    small = bases(draws[:1], character)[:1]
    found = list(itertools.islice(corners(small, character), 300))
    names = [name for name, _ in found]
    assert {"every matrix: zero", "B = -A'", "W: rank one", "A: last row zero"} <= set(names)
    assert all(list(leaves(x)) == list(leaves(draws[0])) for _, x in found)
    again = list(itertools.islice(corners(small, character), 300))
    assert found == again


# --- the slack ------------------------------------------------------------------------------------


def test_the_relative_slack_is_that_of_the_worst_comparison():
    worst = relative([at_most("a", 1, 3), at_least("b", 9, 11), equal("c", 2, 2)])
    assert worst.value == -0.1 and worst.suspicious
    assert relative([below("tied", 2, 2)]).suspicious
    assert not relative([at_most("tied", 2, 2)]).suspicious
    assert relative([equal("off", 1, 2)]).suspicious
    assert not relative([at_least("measured: c", 0, 1)]).suspicious


def test_two_sides_that_are_0_guide_nobody_but_tie_a_strict_comparison():
    assert relative([at_most("zero", 0, 0), at_most("b", 1, 3)]).value == 0.5
    assert relative([at_most("zero", 0, 0)]).value == math.inf
    assert relative([below("zero", 0, 0)]).suspicious


def test_a_difference_against_0_is_weighed_beside_the_size_of_its_matrices(template):
    def difference(instance, ctx):
        (a, b), (c, d) = instance.lift(ctx).X
        yield at_least("homogeneous", a * a + b * b + c * c - d * d / 2, ctx.number(0))

    def shifted(instance, ctx):
        yield at_least("no power", ctx.number(instance.X[0][0]) ** 2 + 1, ctx.number(0))

    def square(source, regime):
        return Instance(X=matrix(source, 2, 2))

    claim = template.variant(instances=Instances(square), check=difference)
    samples = some(square, 8)
    guide = Guide.of(claim, samples, 50)
    slacks = [guide.weigh(Instance(X=[[x, 0], [0, 1]])).value for x in (3, 2, 1)]
    assert slacks == sorted(slacks, reverse=True) and 0 < slacks[-1] < slacks[0] < 1
    larger = guide.weigh(Instance(X=[[2000, 0], [0, 1000]])).value
    assert larger == pytest.approx(slacks[1])
    other = template.variant(instances=Instances(square), check=shifted)
    guide = Guide.of(other, samples, 50)
    assert [guide.weigh(Instance(X=[[x, 0], [0, 1]])).value for x in (0, 2)] == [1, 5]


def test_floats_guide_only_where_they_say_what_exact_numbers_say(template):
    def check(instance, ctx):
        wrong = 0 if ctx.rigorous else 1
        yield at_least("x", ctx.number(instance.x) ** 2 + 1 - wrong, ctx.number(0))

    samples = some(template.draw, 4)
    assert Guide.of(template.variant(), samples, 50).fast
    assert not Guide.of(template.variant(check=check), samples, 50).fast


# --- moves ----------------------------------------------------------------------------------------


def vector(source, regime):
    return Instance(X=[[fraction(source), fraction(source)]])


def away(instance, ctx):
    """False only near the point (31/7, -23/9)."""
    a, b = instance.lift(ctx).X[0]
    a, b = a - ctx.number("31/7"), b + ctx.number("23/9")
    yield at_least("distance", a * a + b * b, ctx.number("1/100000"))


def test_a_descent_finds_what_no_corner_hits(template):
    hunt, subject = hunt_of(template.variant(instances=Instances(vector), check=away))
    start = subject.drawn[0][0]
    descend(hunt, start, subject.character, 1.0)
    assert hunt.found is not None and hunt.found.by == "descent"
    a, b = hunt.found.refutation.instance.X[0]
    assert (a - Fraction(31, 7)) ** 2 + (b + Fraction(23, 9)) ** 2 < Fraction(1, 100000)


def positive_pair(source, regime):
    X = matrix(source, 2, 2, entry=lambda d: Fraction(d.integer(1, 40), 8))
    return Instance(X=X, Y=matrix(source, 2, 2))


def nearly_parallel(instance, ctx):
    """Cauchy-Schwarz as a difference, off by 1/1000: scaling X or Y brings it no nearer."""
    X, Y = instance.lift(ctx).X, instance.lift(ctx).Y
    room = ctx.number("999/1000") * squared_norm(X) * squared_norm(Y) - inner(X, Y) ** 2
    yield at_least("difference", room, ctx.number(0))


def test_a_descent_spends_little_on_scales_that_a_bound_does_not_feel(template):
    claim = template.variant(instances=Instances(positive_pair), check=nearly_parallel)
    for k in (0, 2, 5):
        hunt, subject = hunt_of(claim)
        descend(hunt, subject.drawn[k][0], subject.character, 1.0)
        assert hunt.found is not None and len(hunt.met) < 160


def in_thousandths(source, regime):
    return Instance(x=Fraction(source.integer(0, 10**9), 1000), y=source.integer(0, 99))


def test_a_descent_on_choices_gives_what_the_draw_can_give(template):
    def check(instance, ctx):
        x = instance.lift(ctx)
        yield at_least("x - y", x.x, x.y)

    claim = template.variant(instances=Instances(in_thousandths), check=check)
    hunt, subject = hunt_of(claim)
    descend_choices(hunt, [origin for _, origin in subject.drawn[:2]], 1.0)
    assert hunt.found is not None and hunt.found.origin is not None
    assert hunt.found.refutation.instance.x < hunt.found.refutation.instance.y


def test_targeted_search_depends_on_its_seed_alone(template):
    def check(instance, ctx):
        x = instance.lift(ctx)
        yield at_least("x", x.x, ctx.number(-1))

    claim = template.variant(instances=Instances(in_thousandths), check=check)
    told = []
    for seed in (0, 0, 1):
        hunt, _ = hunt_of(claim)
        targeted(hunt, seed, 12, 1.0)
        told.append(list(hunt.met))
    assert told[0] == told[1] != told[2]
    assert len(told[0]) > 5


# --- what is left as it is drawn, and what comes first --------------------------------------------


def averaged(source, regime):
    weight = Fraction(source.integer(0, 8), 8)
    return Instance(a=weight, b=1 - weight, X=matrix(source, 2, 2), Y=matrix(source, 2, 2))


def with_its_largest(source, regime):
    X = [[Fraction(source.integer(-9, 9)) for _ in range(2)] for _ in range(2)]
    return Instance(X=X, m=max(abs(x) for row in X for x in row))


def test_numbers_that_are_drawn_together_leave_the_matrices_to_be_edited(template):
    subject = Subject.of(template.variant(instances=Instances(averaged)), 0)
    assert subject.dependent == "" and subject.together.startswith("a and b")
    assert {("a",), ("b",)} <= subject.character.fixed
    bound = Subject.of(template.variant(instances=Instances(with_its_largest)), 0)
    assert bound.dependent and not bound.together


def test_fixed_shapes_beside_a_vector_are_cut_and_what_is_held_is_not():
    def square(source, regime):
        return Instance(W=matrix(source, 3, 3), x=matrix(source, 3, 1))

    def small(instance):
        return len(instance.W), len(instance.x), len(instance.x[0])

    draws = some(square)
    dimensions = Dimensions.of(draws)
    assert small(dimensions.cut_to(draws[0], 2)) == (2, 2, 1)
    assert small(dimensions.holding([("x",)]).cut_to(draws[0], 2)) == (3, 3, 1)
    assert not list(dimensions.holding([("x",)]).smaller(draws[0]))


def test_a_factor_that_is_minus_the_other_comes_among_the_first_corners():
    draws = some(factors)
    character = Character.of(draws)
    small = bases(draws[:1], character)[:1]
    first = [name for name, _ in itertools.islice(corners(small, character), 5)]
    assert {"A = B'", "A = -B'"} <= set(first)


def test_two_fields_are_edited_at_once_as_early_as_one_and_first_where_it_is_smallest():
    draws = some(factors)
    character = Character.of(draws)
    many = bases(draws[:8], character)
    assert len(many) > 4
    names = [name for name, _ in itertools.islice(corners(many, character), 500)]
    two = next(k for k, name in enumerate(names) if name.startswith("identities, A: identity"))
    assert two < 200
    assert set(name for name, _ in itertools.islice(corners(many[:1], character), 100)) <= set(
        names
    )


def two_square(source, regime="generic"):
    return Instance(X=matrix(source, 2, 2), Y=matrix(source, 2, 2))


def test_square_fields_are_edited_into_pairs_whose_squares_cancel_and_pairs_that_anticommute():
    draws = some(two_square)
    character = Character.of(draws)
    first = [x for _, x in itertools.islice(corners(bases(draws[:1], character), character), 120)]
    pairs = [(EXACT.matrix(x.X), EXACT.matrix(x.Y)) for x in first]
    pairs = [(X, Y) for X, Y in pairs if (X @ Y).any()]
    cancelling = [(X, Y) for X, Y in pairs if not (X @ X + Y @ Y).any()]
    assert any(X[0, 0] == 1 for X, _ in cancelling) and any(Y[0, 0] == 1 for _, Y in cancelling)
    assert any(not (X @ X).any() and not (Y @ Y).any() for X, Y in pairs)
    assert sum(not (X @ Y + Y @ X).any() for X, Y in pairs) >= 6


def test_a_check_that_encloses_a_flow_is_not_fast_in_floats():
    from lora_proofs.claims.rushka_klabjan.frobenius.riccati_closed_form import claim

    drawn = [claim.instances.draw(SeededDraw.keyed(k), claim.instances.regimes[0]) for k in (0, 1)]
    assert not Guide.of(claim, drawn, 50).fast
    quickly = replace(claim, check=lambda i, ctx: [at_most("t", ctx.number(i.t), ctx.number(9))])
    assert Guide.of(quickly, drawn, 50).fast
