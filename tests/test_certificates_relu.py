"""Certificates of equality on a box: the checker accepts what holds, and nothing near it."""

from __future__ import annotations

import json

import flint
import numpy as np
import pytest

from lora_proofs.arithmetic import EXACT
from lora_proofs.certificates.relu import relu_certificate
from lora_proofs.checker import Invalid, check_relu, main
from lora_proofs.constructions import Ball, Box, relu_adapters
from lora_proofs.errors import BadInput
from lora_proofs.strategies.draw import SeededDraw
from lora_proofs.strategies.matrices import full_rank_matrix, matrix

LENGTHS = {1: (3,), 2: (2, 3), 3: (1, 2, 2)}


def drawn(seed, width, depth):
    draw = SeededDraw.keyed(seed)
    return [(full_rank_matrix(draw, width, width), matrix(draw, 1, width)[0]) for _ in range(depth)]


def instance(seed, targets, region=None):
    partition = LENGTHS[targets]
    frozen, target = drawn(seed, 3, sum(partition)), drawn(seed + 90, 3, targets)
    box = region or Box([-1, 0, "-1/2"], [1, 2, "1/3"])
    ranks = [-(-3 // length) for length in partition for _ in range(length)]
    return relu_adapters(frozen, target, ranks, box, partition, EXACT), target, box


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("targets", LENGTHS)
def test_the_checker_accepts_adapted_networks(seed, targets, tmp_path, capsys):
    found, target, box = instance(seed, targets)
    path = tmp_path / "certificate.json"
    path.write_text(json.dumps(relu_certificate(found.layers, target, box)))
    assert main([str(path)]) == 0
    assert "3 outputs agree on the box" in capsys.readouterr().out


@pytest.mark.parametrize("change", ["weight", "bias", "box"])
def test_a_network_that_is_not_the_target_is_refused(change):
    found, target, box = instance(1, 2)
    layers = [(W.copy(), b.copy()) for W, b in found.layers]
    if change == "weight":
        layers[1][0][0, 0] += flint.fmpq(1, 1000)
    elif change == "bias":
        layers[0][1][0] -= flint.fmpq(1, 1000)  # below the sharp offset
        layers[1][1][:] += flint.fmpq(1, 1000) * layers[1][0][:, 0]
    else:
        box = Box([-1, 0, "-1/2"], [1, 3, "1/3"])
    with pytest.raises(Invalid, match="different affine forms"):
        check_relu(relu_certificate(layers, target, box))


def test_too_little_rank_is_refused():
    eye, box = EXACT.identity(3), Box([-1] * 3, [1] * 3)
    target = [(EXACT.matrix([[4, 0, 0], [0, 3, 0], [0, 0, 2]]), [9, 9, 9])]
    found = relu_adapters([(eye, [0] * 3)] * 2, target, [1, 1], box, (2,), EXACT)
    with pytest.raises(Invalid):
        check_relu(relu_certificate(found.layers, target, box))


def test_the_last_relu_counts():
    """-1 and 0 are different before the last ReLU and the same after it."""
    box = Box([0], [1])
    assert check_relu(relu_certificate([([[-1]], [-1])], [([[0]], [0])], box))
    with pytest.raises(Invalid):
        check_relu(relu_certificate([([[-1]], [1])], [([[0]], [0])], box))


def test_dead_targets_are_certified():
    frozen, box = drawn(5, 3, 2), Box([-1] * 3, [1] * 3)
    target = [(drawn(6, 3, 1)[0][0], [-1000, 0, 1])]
    found = relu_adapters(frozen, target, [1, 1], box, (2,), EXACT)
    assert 0 in found.blocks[0].gap.dead
    assert check_relu(relu_certificate(found.layers, target, box))


def test_a_network_made_for_a_ball_is_certified_on_a_box_inside_of_it():
    found, target, _ = instance(2, 1, Ball([0, 0, 0], 2))
    assert check_relu(relu_certificate(found.layers, target, Box([-1] * 3, [1] * 3)))


def test_what_the_checker_does_not_take_is_said():
    eye, box = np.eye(2), Box([0, 0], [1, 1])
    with pytest.raises(BadInput, match="between 1 and 255 layers"):
        relu_certificate([(eye, [0, 0])] * 256, [(eye, [0, 0])], box)
    wide = np.zeros((257, 2))
    with pytest.raises(BadInput, match=r"adapted\[1\]: the checker takes at most 256 units"):
        relu_certificate([(wide, [0] * 257)], [(wide, [0] * 257)], box)
    with pytest.raises(BadInput, match="at most 256 inputs"):
        relu_certificate([(eye, [0, 0])], [(eye, [0, 0])], Box([0] * 257, [1] * 257))
