"""What edits keep: the words of ready-made instances, and what an author's own draws have."""

from fractions import Fraction
from itertools import islice

import pytest

from lora_proofs import (
    Claim,
    Control,
    Instance,
    Instances,
    Source,
    at_most,
    instances_of,
    lora_problems,
    measures,
    verify,
)
from lora_proofs.breaking.character import Character
from lora_proofs.breaking.choices import drawn_with
from lora_proofs.breaking.corners import bases, corners
from lora_proofs.breaking.coupling import apart_from_others, coupled
from lora_proofs.strategies import (
    SeededDraw,
    fraction,
    matrix,
    orthogonal_matrix,
    rank_matrix,
    skew_matrix,
    symmetric_matrix,
)
from lora_proofs.writing.fields import KINDS, SQUARE


def character_of(instances, times=12):
    """The character, and the draws that it is read off from."""
    drawn = [
        (regime, instances.draw(SeededDraw.keyed("character", regime, k), regime))
        for k in range(times)
        for regime in instances.regimes
    ]
    draws = [x for _, x in drawn]
    return Character.of(draws, [regime for regime, _ in drawn], instances.admits), draws


def edited(instances, most=150):
    character, draws = character_of(instances)
    widest = sorted(draws, key=lambda x: -sum(len(X) for _, X in x.fields if isinstance(X, tuple)))
    found = [x for _, x in islice(corners(bases(widest[:1], character), character), most)]
    assert len(found) > 3
    return found


# --- words ----------------------------------------------------------------------------------------


INTERVALS = {
    "number > 0": lambda x: x > 0,
    "number >= 1/2": lambda x: x >= Fraction(1, 2),
    "number in (0, 1]": lambda x: 0 < x <= 1,
    "number in (0, 1)": lambda x: 0 < x < 1,
    "number in [1, 2]": lambda x: 1 <= x <= 2,
    "number in [-2, 2]": lambda x: -2 <= x <= 2,
    "integer in [1, 4]": lambda x: 1 <= x <= 4 and x.denominator == 1,
}


@pytest.mark.parametrize("words", INTERVALS)
def test_no_edit_leaves_the_interval(words):
    instances = instances_of(X="n x m", h=words)
    found = edited(instances)
    character, _ = character_of(instances)
    tried = [found[0].replace(h=k) for k in ("-9", "-1", "0", "1/4", "1", "3/2", "3", "9")]
    assert all(character.admits(x) is INTERVALS[words](x.h) for x in tried if abs(x.h) < 9)
    assert all(INTERVALS[words](x.h) for x in found)
    assert len({x.X for x in found}) > 5


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "free"])
def test_every_kind_is_asked_of_an_edit(kind):
    instances = instances_of(X=f"{'n x n' if kind in SQUARE else 'n x m'} {kind}")
    assert all(instances.admits(x) for x in edited(instances))
    others = {"zero": [[1, 2], [3, 4]], "nonzero": [[0, 0], [0, 0]]}
    other = others.get(kind, [[0, 5], [0, 0]])
    assert not instances.admits(Instance(X=other))


def test_sizes_conditions_and_ranks_are_asked_of_an_edit():
    for instances in (
        instances_of(X="n x n", sizes={"n": (2, 3)}),
        instances_of(X="n x n", sizes={"n": 2}),
        instances_of(X="2 x m", Y="m x m"),
        instances_of("2 <= n", X="n x n"),
    ):
        assert all(len(x.X) >= 2 for x in edited(instances))
    ranked = instances_of("k < n", X="n x n rank k", C="n x k")
    assert ranked.admits(Instance(X=[[1, 2], [2, 4]], C=[[1], [0]]))
    assert not ranked.admits(Instance(X=[[1, 2], [2, 5]], C=[[1], [0]]))
    assert not ranked.admits(Instance(X=[[1, 2], [2, 4]], C=[[1, 0], [0, 1]]))


def test_the_size_of_problems_is_no_condition_and_further_words_are():
    instances = lora_problems(regimes=("zero B0",), size=1, h="number in (0, 1/4]", P="n x n psd")
    found = edited(instances)
    character, draws = character_of(instances)
    assert character.admits(draws[0].replace(A0=[[9 for _ in row] for row in draws[0].A0]))
    assert all(0 < x.h <= Fraction(1, 4) and not any(map(any, x.B0)) for x in found)
    assert not instances.admits(found[0].replace(h="1/2"))


def test_a_function_of_the_author_decides_and_one_that_fails_admits_nothing():
    def draw(source, regime):
        return Instance(X=matrix(source, 2, 2))

    small = Instances(draw, ("all",), admits=lambda x: max(map(max, x.X)) <= 1)
    assert all(a <= 1 for x in edited(small) for row in x.X for a in row)
    character, draws = character_of(Instances(draw, ("all",), admits=lambda x: x.missing))
    assert not any(map(character.admits, draws))


# --- an author's own draws ------------------------------------------------------------------------


def test_an_edit_keeps_the_character_of_one_regime():
    make = {"sym": symmetric_matrix, "skew": skew_matrix, "orth": orthogonal_matrix}
    instances = Instances(lambda d, r: Instance(X=make[r](d, 3), v=matrix(d, 3, 1)), tuple(make))
    character, draws = character_of(instances)
    symmetric = draws[0].replace(X=[[1, 2, 0], [2, 7, 0], [0, 0, 1]])
    assert character.admits(symmetric)
    assert not character.admits(symmetric.replace(X=[[1, 2, 0], [3, 7, 0], [0, 0, 1]]))


def test_an_edit_keeps_the_character_of_its_tag():
    def draw(source, regime):
        sign = source.choice(("plus", "minus"))
        return Instance(sign=sign, h=Fraction(source.integer(1, 8), 4 if sign == "plus" else -4))

    character, _ = character_of(Instances(draw, ("all",)), 30)
    assert character.admits(Instance(sign="plus", h="1/3"))
    assert not character.admits(Instance(sign="plus", h="-1/3"))
    assert not character.admits(Instance(sign="new", h="1/3"))


@pytest.mark.parametrize(
    ("draw", "inside", "outside"),
    [
        (lambda d: {"P": matrix(d, 2, 2, entry=lambda s: Fraction(s.integer(0, 3)))},
         {"P": [[3, 0], [1, 1]]}, {"P": [["1/2", 0], [1, 1]]}),
        (lambda d: {"P": matrix(d, 2, 2, entry=lambda s: Fraction(s.integer(0, 3)))},
         {"P": [[0, 0], [0, 0]]}, {"P": [[4, 0], [1, 1]]}),
        (lambda d: {"k": 2 * d.integer(1, 4)}, {"k": 6}, {"k": 5}),
        (lambda d: {"s": [sorted((d.integer(0, 9) for _ in range(3)), reverse=True)]},
         {"s": [[7, 7, 1]]}, {"s": [[1, 7, 7]]}),
        (lambda d: (lambda a, b: {"a": min(a, b), "b": max(a, b) + 1})(fraction(d), fraction(d)),
         {"a": 0, "b": 2}, {"a": 2, "b": 0}),
        (lambda d: (lambda a, b: {"X": [[1, b], [a, 1 + a * b]]})(fraction(d), fraction(d)),
         {"X": [[2, 0], [0, "1/2"]]}, {"X": [[2, 0], [0, 2]]}),
        (lambda d: (lambda a, b: {"X": [[a, b], [b, a]]})(fraction(d), fraction(d)),
         {"X": [[1, 5], [5, 1]]}, {"X": [[1, 5], [5, 2]]}),
        (lambda d: (lambda a: {"X": [[a, a * a], [-1, -a]]})(fraction(d)),
         {"X": [[2, 4], [-1, -2]]}, {"X": [[2, 4], [-1, -1]]}),
        (lambda d: (lambda a: {"X": [[1, a], [0, 0]]})(fraction(d)),
         {"X": [[1, 5], [0, 0]]}, {"X": [[2, 5], [0, 0]]}),
        (lambda d: (lambda a, b: {"X": [[1, b], [a, 1 + a * b]]})(fraction(d), fraction(d)),
         {"X": [[0, 1], [-1, 3]]}, {"X": [[0, 1], [1, 3]]}),
        (lambda d: {"X": rank_matrix(d, d.integer(1, 3), 3, 1)},
         {"X": [[1, 2, 0], [2, 4, 0], [0, 0, 0]]}, {"X": [[1, 0, 0], [0, 1, 0], [0, 0, 0]]}),
        (lambda d: (lambda k: {"X": rank_matrix(d, 4, 4, k), "C": matrix(d, k, 2)})(
            d.integer(1, 2)),
         {"X": [[1, 0, 0, 0], [0, 1, 0, 0], [0] * 4, [0] * 4], "C": [[1, 2], [3, 4]]},
         {"X": [[1, 0, 0, 0], [0, 1, 0, 0], [0] * 4, [0] * 4], "C": [[1, 2]]}),
        (lambda d: {"X": matrix(d, 3, 3), "i": d.integer(1, 3)},
         {"X": [[1, 2], [3, 4]], "i": 2}, {"X": [[1, 2], [3, 4]], "i": 3}),
        (lambda d: (lambda i: {"i": i, "j": d.choice([k for k in (1, 2, 3) if k != i])})(
            d.integer(1, 3)), {"i": 1, "j": 3}, {"i": 3, "j": 3}),
    ],
)  # fmt: skip
def test_what_is_exceptional_in_every_draw_is_kept(draw, inside, outside):
    character, _ = character_of(Instances(lambda d, r: Instance(**draw(d)), ("all",)), 40)
    assert character.admits(Instance(**inside))
    assert not character.admits(Instance(**outside))


def test_a_rank_that_shapes_or_ranges_settle_is_not_read_as_one_of_another_matrix():
    def draw(source, regime):
        n, k = source.integer(1, 4), source.integer(2, 3)
        X = rank_matrix(source, 4, 4, source.integer(1, 2))
        return Instance(X=X, C=matrix(source, k, n), Y=matrix(source, n, 3), Z=matrix(source, n, 4))

    character, _ = character_of(Instances(draw, ("all",)), 40)
    assert not [str(kept) for kept in character.kept if "of rank at most" in str(kept)]


def test_random_matrices_and_ranges_apart_keep_nothing():
    def draw(source, regime):
        return Instance(X=matrix(source, 2, 2), a=fraction(source), b=20 + fraction(source))

    character, draws = character_of(Instances(draw, ("one", "two")), 20)
    assert character.admits(draws[0].replace(X=[[0, 0], [0, 0]], a=9, b=1))
    assert character.admits(draws[0].replace(X=[[1000, 0], [0, 0]]))


# --- what hangs together --------------------------------------------------------------------------


def test_a_number_that_scales_a_matrix_is_drawn_with_it():
    def draw(source, regime):
        eps = Fraction(1, source.integer(2, 8))
        return Instance(eps=eps, A=[[eps * (3 + source.integer(0, 5))]])

    instances = Instances(draw, ("all",))
    drawn = [drawn_with(instances, "all", (), ("scaled", k)) for k in range(4)]
    assert ("eps",) in coupled(instances, drawn, ())


def test_what_is_heard_of_a_draw_is_not_asked_for_twice():
    asked = []

    def draw(source, regime):
        asked.append(regime)
        k = source.integer(1, 9)
        return Instance(k=k, twice=2 * k, x=source.integer(0, 9))

    instances = Instances(draw)
    drawn, heard = [drawn_with(instances, "generic", (), (0,))], {}
    found = coupled(instances, drawn, (), heard)
    before = len(asked)
    assert apart_from_others(instances, drawn, found, heard)
    assert (set(found), len(asked)) == ({("k",), ("twice",)}, before)
    assert apart_from_others(instances, drawn, found)
    assert len(asked) > before


def test_a_start_that_is_always_zero_hangs_on_nothing_and_stays_zero():
    character, draws = character_of(lora_problems(regimes=("zero B0",)), 40)
    assert ("B0",) in character.settled and ("A0",) not in character.settled
    start = draws[0]
    assert not character.admits(start.replace(B0=[[1] * len(row) for row in start.B0]))


def test_a_field_that_is_always_zero_leaves_the_others_to_be_edited():
    def check(instance, ctx):
        yield at_most("A0", measures.squared_norm(instance.lift(ctx).A0), ctx.number(200))

    control = Control(None, (Instance(A0=[[20]]),), why="400 is more", check=check)
    claim = Claim(
        name="tests/zero-start",
        source=Source("tests"),
        statement="A0 is small",
        assumptions=(),
        instances=lora_problems(regimes=("zero B0",), size=1),
        check=check,
        controls=(control,),
    )
    assert verify(claim, budget="quick").verdict == "REFUTED"
