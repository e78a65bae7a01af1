"""Numbers that hang on a size stay with it: no edit cuts the size and leaves the number."""

from fractions import Fraction

import pytest

from lora_proofs import Claim, Control, Instance, Instances, Source, equal, measures
from lora_proofs.breaking.character import Character
from lora_proofs.breaking.hanging import SteadyDraw, highest, lowest
from lora_proofs.breaking.search import Subject, edits, search
from lora_proofs.strategies import fraction, matrix


def _alpha_over_r(s, regime):
    n, r, alpha = s.integer(1, 3), s.integer(1, 3), s.integer(1, 16)
    return Instance(B=matrix(s, n, r), alpha=alpha, s=Fraction(alpha, r))


def _total(s, regime):
    n, c = s.integer(1, 4), fraction(s)
    return Instance(X=matrix(s, 2, n), c=c, total=c * n)


def _scale_of_shape(s, regime):
    n, a = s.integer(1, 4), s.integer(1, 5)
    return Instance(X=matrix(s, n, 2), h=Fraction(a, n))


def _index(s, regime):
    n = s.integer(1, 4)
    return Instance(X=matrix(s, n, n), k=s.integer(1, n))


def _from_zero(s, regime):
    n, m = s.integer(1, 4), s.integer(1, 4)
    return Instance(X=matrix(s, n, m), k=s.integer(0, m - 1))


def _free(s, regime):
    n = s.integer(1, 4)
    return Instance(X=matrix(s, n, 2), h=Fraction(s.integer(1, 8), 8))


def claim_of(draw):
    def check(i, ctx, more=0):
        x = i.lift(ctx)
        yield equal("norm", measures.squared_norm(x.X) + more, measures.squared_norm(x.X))

    at = Instance(X=[[1]])
    control = Control(None, (at,), "one more", lambda i, ctx: check(i, ctx, 1))
    return Claim(
        name="x/ties",
        source=Source("a test"),
        statement="|X| = |X|",
        assumptions=(),
        instances=Instances(draw),
        check=check,
        controls=(control,),
    )


def subject_of(draw):
    return Subject.of(claim_of(draw), 0)


@pytest.mark.parametrize(
    ("draw", "holds"),
    [
        (_alpha_over_r, lambda i: i.s * len(i.B[0]) == i.alpha),
        (_total, lambda i: i.total == i.c * len(i.X[0])),
        (_scale_of_shape, lambda i: (i.h * len(i.X)).denominator == 1),
        (_index, lambda i: 1 <= i.k <= len(i.X)),
        (_from_zero, lambda i: 0 <= i.k < len(i.X[0])),
    ],
)
def test_what_hangs_on_a_size_is_kept_by_every_edit(draw, holds):
    subject = subject_of(draw)
    made = [instance for _, instance in edits(subject)]
    assert made and not subject.dependent
    assert all(map(holds, made))
    shrunk = [
        less
        for instance in made[:50]
        for less in subject.character.dimensions.smaller(instance)
        if subject.character.admits(less)
    ]
    assert all(map(holds, shrunk))


def test_an_index_leaves_its_size_to_be_cut_and_a_scale_does_not():
    index, scale, free = map(subject_of, (_index, _scale_of_shape, _free))
    assert not index.character.dimensions.held and "k" not in index.together
    assert [str(found) for found in index.character.indices] == ["k an index, drawn up to a size"]
    assert scale.character.dimensions.held and "h and the sizes" in scale.together
    assert not free.character.dimensions.held and not free.together


def test_a_steady_draw_answers_each_range_alike():
    low, high = SteadyDraw(lowest), SteadyDraw(highest, altered=0, value=2)
    assert [low.integer(1, 4), low.integer(-3, 0), low.integer(1, 4)] == [1, -3, 1]
    assert [high.integer(1, 4), high.integer(1, 4)] == [2, 4]


def test_what_was_taken_for_granted_is_told():
    claim = claim_of(_index)
    hunt = search(claim, Subject.of(claim, 0), 0, 50, 20)
    assert hunt is not None
    (told,) = hunt.notes
    assert told.startswith("the search took for granted what every draw has: ")
    assert told.endswith("k an index, drawn up to a size")


def _eighths(s, regime):
    return Instance(X=matrix(s, 2, 2), h=Fraction(s.integer(1, 8), 8))


def test_a_number_of_eighths_keeps_its_range():
    made = [instance for _, instance in edits(subject_of(_eighths))]
    assert made and all(Fraction(1, 8) <= i.h <= 1 for i in made)
    assert len({i.h for i in made}) > 2


@pytest.mark.parametrize(
    ("draws", "other"),
    [
        (
            [[[k, 1, 0], [2, k, 3], [0, 1, k]] for k in range(1, 10)],
            [[5, 1, 1], [2, 5, 3], [0, 1, 5]],
        ),
        ([[[Fraction(k, 4), 1]] for k in range(1, 10)], [["1/3", 1]]),
        ([[[1, k], [0, -1]] for k in range(1, 10)], [[1, 2], [0, 1]]),
        ([[[1, k], [0, -1]] if k % 2 else [[-1]] for k in range(1, 10)], [[1]]),
    ],
)
def test_places_grids_and_squares_of_every_draw_are_kept(draws, other):
    character = Character.of([Instance(X=X) for X in draws])
    assert character.admits(Instance(X=draws[3]))
    assert not character.admits(Instance(X=other))


def test_one_of_two_matrices_stays_zero():
    draws = [Instance(A=[[k * (k % 2)]], B=[[k * (1 - k % 2)]]) for k in range(1, 20)]
    character = Character.of(draws)
    assert character.admits(Instance(A=[[0]], B=[[2]]))
    assert not character.admits(Instance(A=[[1]], B=[[2]]))


def test_fields_that_have_the_same_in_common_are_told_together():
    draws = [Instance(W0=[[0, 0], [0, 0]], B0=[[0], [0]], h=k) for k in range(1, 9)]
    taken = Character.of(draws).taken()
    assert taken.startswith("W0, B0 = 0; h ") and "triangular" not in taken


def test_what_every_matrix_of_a_shape_has_is_nothing_in_common():
    draws = [Instance(b=[[k], [-k * k], [3 - k]], D=[[k, 0], [0, k + 1]]) for k in range(1, 12)]
    taken = Character.of(draws).taken()
    assert "b of entries" in taken and "b lower" not in taken and "b with rows" not in taken
    assert "D diagonal" in taken and "triangular" not in taken
