"""Adaptation instances: what is read, exactly, and what is refused, by the name of the entry."""

import json
import re
from fractions import Fraction

import pytest

from lora_proofs.constructions.regions import Ball, Box
from lora_proofs.errors import BadInput
from lora_proofs.solving.adaptation_problem import read_adaptation

EYE = [[1, 0], [0, 1]]
LINEAR = {"kind": "linear", "frozen": [EYE, EYE, EYE], "target": [[0, 1], [1, 0]], "rank": 1}
LAYER = {"W": EYE, "b": [0, "1/2"]}
RELU = {
    "kind": "relu-fnn",
    "frozen": [LAYER] * 5,
    "target": [LAYER, {"W": [[2, 1], [0, 1]], "b": [1, 0.5]}],
    "rank": 1,
    "ball": {"center": [0, 0], "radius": 4},
}
HEAD = {name: EYE for name in "QKVO"}
BLOCK = {"heads": [HEAD, HEAD], "W1": EYE, "b1": [0, 0], "W2": EYE, "b2": [1, 2]}
MODEL = {"blocks": [BLOCK, BLOCK], "Wo": EYE}
TRANSFORMER = {"kind": "transformer", "frozen": MODEL, "target": MODEL, "rank": 1}
BASES = {"linear": LINEAR, "relu": RELU, "transformer": TRANSFORMER}


def changed(base, path, value):
    """A copy with one entry replaced; the value ``...`` takes it away."""
    told = json.loads(json.dumps(BASES[base]))
    place = told
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return told


def refused(message):
    """The message begins so; three dots stand for anything."""
    return pytest.raises(BadInput, match="^" + ".*".join(map(re.escape, message.split("..."))))


# what is read


def test_a_linear_instance_is_read_exactly():
    problem = read_adaptation({**LINEAR, "target": [[0.1, "0.1"], ["-3/4", 2]], "rank": [0, 2, 1]})
    assert [Fraction(str(x)) for x in problem.target.flat] == [
        Fraction(0.1), Fraction(1, 10), Fraction(-3, 4), Fraction(2),
    ]  # fmt: skip
    assert (problem.ranks, problem.rank) == ((0, 2, 1), None)
    assert (read_adaptation(LINEAR).ranks, read_adaptation(LINEAR).rank) == ((1, 1, 1), 1)


def test_rectangular_layers_chain():
    told = {"kind": "linear", "frozen": [[[1, 2]], [[1], [2], [3]]], "rank": 1}
    assert read_adaptation({**told, "target": [[0, 0]] * 3}).target.shape == (3, 2)
    with pytest.raises(BadInput, match=r"^target: expected at most the shape \(3, 2\), got \(1, 3"):
        read_adaptation({**told, "target": [[1, 2, 3]]})


def test_one_rank_stands_for_the_width_of_narrower_layers():
    frozen = [[[1] * 3] * 5, [[1] * 5] * 4, [[1] * 4] * 2]
    told = {"kind": "linear", "frozen": frozen, "target": [[0] * 3] * 2}
    assert read_adaptation({**told, "rank": 3}).ranks == (3, 3, 2)
    assert read_adaptation({**told, "rank": 4}).ranks == (3, 4, 2)
    with refused("rank: expected a whole number from 0 to 4, the largest width, got 5"):
        read_adaptation({**told, "rank": 5})
    with refused("rank[3]: expected a whole number from 0 to 2, the width, got 3"):
        read_adaptation({**told, "rank": [3, 4, 3]})


def test_a_narrower_target_is_compared_with_its_part_of_the_product():
    frozen = [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]
    problem = read_adaptation({**LINEAR, "frozen": frozen, "target": [[9]], "rank": [1, 2]})
    assert [W.tolist() for W in problem.frozen] == [[[1], [3]], [[5, 6]]]
    assert [W.tolist() for W in problem.whole] == frozen and problem.ranks == (1, 1)
    assert read_adaptation(LINEAR).whole is None


def test_a_second_moment_is_read_exactly():
    problem = read_adaptation({**LINEAR, "second_moment": [["1/3", 0.5], [0.5, 2]]})
    assert str(problem.second_moment[0, 0]) == "1/3" and problem.second_moment[0, 1] * 2 == 1
    assert read_adaptation(LINEAR).second_moment is None
    assert read_adaptation({**LINEAR, "second_moment": [[1, 1], [1, 1]]}).second_moment.shape


def test_the_uniform_partition_gives_the_rest_to_the_last_block():
    assert read_adaptation(RELU).partition == (2, 3)
    assert read_adaptation({**RELU, "partition": "uniform"}).partition == (2, 3)
    assert read_adaptation({**RELU, "partition": [4, 1]}).partition == (4, 1)


def test_regions():
    ball = read_adaptation(RELU).region
    assert isinstance(ball, Ball) and (ball.center, ball.radius) == ((0, 0), 4)
    bare = {k: v for k, v in RELU.items() if k != "ball"}
    assert read_adaptation(bare).region is None
    box = read_adaptation({**bare, "box": {"lower": [-1, "1/2"], "upper": [1, "1/2"]}}).region
    assert isinstance(box, Box) and Fraction(str(box.lower[1])) == Fraction(1, 2)


def test_a_transformer_is_read_whole():
    problem = read_adaptation(TRANSFORMER)
    assert [len(block.heads) for block in problem.target.blocks] == [2, 2]
    assert problem.frozen.blocks[1].b2.tolist() == [[1], [2]] and problem.rank == 1


# what is refused

NAN, INFINITE = float("nan"), float("inf")
REFUSED = [
    ("linear", ["kind"], "lora", "kind: expected one of linear, relu-fnn, transformer, got 'lora'"),
    ("linear", ["kind"], ..., "kind: expected one of linear, relu-fnn, transformer, and none"),
    ("linear", ["kind"], ["linear"], "kind: expected one of"),
    ("linear", ["Target"], EYE, "Target: expected a field among ...did you mean 'target'"),
    ("linear", ["ball"], {}, "ball: expected a field among kind, frozen, target, rank"),
    ("linear", ["frozen"], ..., "frozen: expected the frozen weights ... none is given"),
    ("linear", ["frozen"], [], "frozen: expected the frozen weights ..., got []"),
    ("linear", ["frozen", 1], [[1, 2, 3]], "frozen[2]: expected 2 columns, as layer 1 has 2"),
    ("linear", ["frozen", 1], [[1, 2], [3]], "frozen[2][2]: expected 2 entries ... got 1"),
    ("linear", ["frozen", 1], 3, "frozen[2]: expected a matrix as a list of rows, got 3"),
    ("linear", ["frozen", 2, 1, 0], NAN, "frozen[3][2][1]: expected a finite ...got nan"),
    ("linear", ["frozen", 0, 0, 1], -INFINITE, "frozen[1][1][2]: ...got -inf"),
    ("linear", ["frozen", 0, 0, 1], "x", "frozen[1][1][2]: expected an integer, a dec"),
    ("linear", ["frozen", 0, 0, 1], True, "frozen[1][1][2]: ...truth value"),
    ("linear", ["target"], ..., "target: expected a matrix of shape (2, 2), and none is given"),
    ("linear", ["target"], [[1, 2, 3]] * 3, "target: expected at most the shape (2, 2), got (3"),
    ("linear", ["second_moment"], [[1, 2], [3, 9]],
     "second_moment[1][2]: expected 3 as in second_moment[2][1], because it is symmetric, got 2"),
    ("linear", ["second_moment"], [[1, 2], [2, 3.9999]],
     "second_moment: expected no negative eigenvalue, got one"),
    ("linear", ["second_moment"], [[1]], "second_moment: expected the shape (2, 2), got (1, 1)"),
    ("linear", ["second_moment"], [[1, 0], [0, NAN]], "second_moment[2][2]: expected a finite"),
    ("linear", ["second_moment"], None, "second_moment: expected a matrix as a list of rows, got"),
    ("linear", ["target", 0, 0], NAN, "target[1][1]: expected a finite number, got nan"),
    ("linear", ["rank"], ..., "rank: expected a rank for all layers, or a list ... none is given"),
    ("linear", ["rank"], 3, "rank: expected a whole number from 0 to 2, the width, got 3"),
    ("linear", ["rank"], -1, "rank: expected a whole number from 0 to 2, the width, got -1"),
    ("linear", ["rank"], 1.5, "rank: expected a whole number ... got 1.5"),
    ("linear", ["rank"], True, "rank: expected a whole number ... got a truth value"),
    ("linear", ["rank"], None, "rank: expected a whole number ... got null"),
    ("linear", ["rank"], [1, 1], "rank: expected one number or a list of 3, ... got 2"),
    ("linear", ["rank"], [], "rank: expected one number or a list of 3, ... got 0"),
    ("linear", ["rank"], [0, 1, 3], "rank[3]: expected a whole number from 0 to 2, ... got 3"),
    ("linear", ["rank"], [0, -2, 1], "rank[2]: expected a whole number from 0 to 2, ... got -2"),
    ("relu", ["frozen", 1, "b"], ..., "frozen[2].b: expected the biases, a list of 2 numbers, "),
    ("relu", ["target", 0, "b"], ..., "target[1].b: expected the biases, a list of 2 numbers, "),
    ("relu", ["target", 0, "W"], ..., "target[1].W: expected a matrix, and none is given"),
    ("relu", ["frozen", 1, "b"], [1], "frozen[2].b: expected 2 numbers, got 1"),
    ("relu", ["frozen", 1, "b"], [1, NAN], "frozen[2].b[2]: expected a finite ... got nan"),
    ("relu", ["frozen", 1, "b"], 1, "frozen[2].b: expected a list of numbers, got 1"),
    ("relu", ["frozen", 1, "w"], EYE, "frozen[2].w: expected a field among W, b; ... 'W'"),
    ("relu", ["frozen", 1], EYE, "frozen[2]: expected an object with the fields W, b, got"),
    ("relu", ["frozen", 0, "W"], [[1, 2]], "frozen[1].W: expected a square matrix, got the"),
    ("relu", ["target", 0, "W"], [[1]], "target[1].W: expected the shape (2, 2), got the"),
    ("relu", ["target"], [LAYER] * 6, "target: expected at most as many layers as frozen ..."),
    ("relu", ["partition"], [2, 2], "partition: expected block lengths that cover the 5 ... sum 4"),
    ("relu", ["partition"], [2, 4], "partition: expected block lengths that cover the 5 ... sum 6"),
    ("relu", ["partition"], [5], "partition: expected 2 block lengths, ... got 1"),
    ("relu", ["partition"], [0, 5], "partition[1]: expected a block length from 1 to 5, got 0"),
    ("relu", ["partition"], [2.0, 3], "partition[1]: expected a block length ... got 2.0"),
    ("relu", ["partition"], "even", 'partition: expected "uniform" or a list ... got \'even\''),
    ("relu", ["box"], {"lower": [0, 0], "upper": [1, 1]}, "box: expected either a ball or a box"),
    ("relu", ["ball", "radius"], -1, "ball.radius: expected a number that is 0 or more, got -1"),
    ("relu", ["ball", "radius"], INFINITE, "ball.radius: expected a finite number, got inf"),
    ("relu", ["ball", "radius"], ..., "ball.radius: expected ... none is given"),
    ("relu", ["ball", "center"], [0], "ball.center: expected 2 numbers, got 1"),
    ("relu", ["ball", "centre"], [0, 0], "ball.centre: expected a field ... did you mean 'center'"),
    ("relu", ["ball"], 4, "ball: expected an object with the fields center, radius, got 4"),
    ("relu", ["rank"], [1] * 4, "rank: expected one number or a list of 5, one for each ... got 4"),
    ("relu", ["second_moment"], EYE, "second_moment: expected a field among"),
    ("relu", ["rank"], 3, "rank: expected a whole number from 0 to 2"),
    ("transformer", ["rank"], 3, "rank: expected a whole number from 0 to 2, the width"),
    ("transformer", ["rank"], [1], "rank: expected a whole number ..., one number for"),
    ("transformer", ["partition"], [1], "partition: expected a field among kind, frozen"),
    ("transformer", ["frozen"], EYE, "frozen: expected an object with the fields blocks, Wo"),
    ("transformer", ["frozen", "blocks"], [], "frozen.blocks: expected a list of blocks, got"),
    ("transformer", ["target", "blocks"], [BLOCK], "target.blocks: expected 2 blocks as in frozen"),
    ("transformer", ["target", "blocks", 1, "heads"], [HEAD],
     "target.blocks[2].heads: expected 2 heads as in frozen, got 1"),
    ("transformer", ["frozen", "blocks", 0, "heads"], [], "frozen.blocks[1].heads: expected a"),
    ("transformer", ["frozen", "blocks", 0, "heads", 1, "Q"], [[1]],
     "frozen.blocks[1].heads[2].Q: expected the shape (2, 2), got (1, 1)"),
    ("transformer", ["frozen", "blocks", 0, "heads", 1, "Q", 1, 0], NAN,
     "frozen.blocks[1].heads[2].Q[2][1]: expected a finite number, got nan"),
    ("transformer", ["frozen", "blocks", 0, "heads", 1, "K"], ...,
     "frozen.blocks[1].heads[2].K: expected a matrix of shape (2, 2), and none is given"),
    ("transformer", ["target", "blocks", 0, "b1"], ..., "target.blocks[1].b1: expected the bias"),
    ("transformer", ["target", "blocks", 0, "b2"], [1], "target.blocks[1].b2: expected 2 num"),
    ("transformer", ["target", "blocks", 0, "W3"], EYE, "target.blocks[1].W3: expected a field"),
    ("transformer", ["target", "Wo"], ..., "target.Wo: expected the output matrix, and none is"),
    ("transformer", ["target", "Wo"], [[1]], "target.Wo: expected the shape (2, 2), got the"),
    ("transformer", ["frozen", "Wo"], [[1, 2]], "frozen.Wo: expected a square matrix, got the"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("base", "path", "value", "message"), REFUSED, ids=[str(k) for k in range(len(REFUSED))]
)
def test_bad_input_is_refused_by_the_name_of_the_entry(base, path, value, message):
    with refused(message):
        read_adaptation(changed(base, path, value))


@pytest.mark.parametrize(
    ("lower", "upper", "message"),
    [
        ([0, 2], [1, 1], "box.lower[2]: expected at most box.upper[2] = 1, got 2"),
        ([0], [1, 1], "box.lower: expected 2 numbers, got 1"),
        ([0, 0], [1, NAN], "box.upper[2]: expected a finite number, got nan"),
    ],
)
def test_a_box_that_is_none(lower, upper, message):
    bare = {k: v for k, v in RELU.items() if k != "ball"}
    with refused(message):
        read_adaptation({**bare, "box": {"lower": lower, "upper": upper}})


@pytest.mark.parametrize("data", [None, 3, [], "linear", [LINEAR]])
def test_what_is_no_object_is_refused(data):
    with refused("expected a JSON object such as"):
        read_adaptation(data)


def test_the_bases_themselves_are_fine():
    for base in BASES.values():
        read_adaptation(json.loads(json.dumps(base)))
