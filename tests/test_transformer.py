"""Transformers: the forward pass against a plain one, and when two models are one function."""

from __future__ import annotations

from dataclasses import replace

import flint
import numpy as np
import pytest

from lora_proofs.arithmetic import (
    EXACT,
    ArrayArithmetic,
    BallArithmetic,
    MultiprecisionArithmetic,
)
from lora_proofs.errors import BadInput, ShapeMismatch, Unavailable
from lora_proofs.mathematics.transformer import (
    TransformerModel,
    checked,
    column_softmax,
    identity_model,
    relu,
    transformer_network,
)
from lora_proofs.mathematics.transformer_instances import instance_of, model_of
from lora_proofs.mathematics.transformer_readings import (
    reading_distance,
    readings,
    root_above,
    same_function,
)
from lora_proofs.strategies.draw import SeededDraw
from lora_proofs.strategies.matrices import matrix
from lora_proofs.strategies.transformers import nonsingular, small, transformer_model

ARRAY, BALL, MP = ArrayArithmetic(), BallArithmetic(40), MultiprecisionArithmetic(40)


def drawn(seed, D=2, blocks=2, heads=2):
    return transformer_model(SeededDraw.keyed(seed), D, blocks, heads)


def inputs(seed, D=2, N=3):
    return matrix(SeededDraw.keyed("X", seed), D, N, entry=small)


def plain(model, X):
    """The forward pass written out, entry by entry, without the package."""
    Z = np.array(X.tolist(), dtype=float)
    floats = model.map(lambda W: np.array(W.tolist(), dtype=float))
    for block in floats.blocks:
        H = np.zeros_like(Z)
        for h in block.heads:
            S = (h.K @ Z).T @ (h.Q @ Z)
            for j in range(Z.shape[1]):
                p = np.exp(S[:, j] - S[:, j].max())
                H[:, j] += h.O @ h.V @ Z @ (p / p.sum())
        Z = block.W2 @ np.maximum(block.W1 @ H + block.b1, 0) + block.b2
    return floats.Wo @ Z


@pytest.mark.parametrize("seed", range(4))
def test_the_forward_pass_is_the_one_of_the_paper_in_every_arithmetic(seed):
    model, X = drawn(seed), inputs(seed)
    wanted = plain(model, X)
    array = transformer_network(model, X, ARRAY)
    size = 1 + np.abs(wanted).max()
    assert np.abs(array - wanted).max() < 1e-12 * size
    high = transformer_network(model, X, MP).astype(float)
    assert np.abs(high - wanted).max() < 1e-12 * size
    with BALL.working():
        balls = transformer_network(model, X, BALL)
        exact_digits = transformer_network(model, X, MultiprecisionArithmetic(60))
        for ball, number in zip(balls.flat, exact_digits.flat, strict=True):
            assert ball.rad() < 1e-20
            assert abs(float(ball.mid()) - float(number)) < 1e-12 * size


def test_arrays_are_batched_over_inputs_and_over_weights():
    models = [drawn(seed, blocks=1, heads=2) for seed in range(3)]
    X = np.random.default_rng(0).normal(size=(5, 2, 4))
    one = models[0].lift(ARRAY)
    together = transformer_network(one, X, ARRAY)
    assert together.shape == (5, 2, 4)
    for k in range(5):
        assert np.allclose(together[k], transformer_network(one, X[k], ARRAY))
    lifted = [m.lift(ARRAY) for m in models]
    weights = [iter(_matrices(m)) for m in lifted]
    stacked = lifted[0].map(lambda _: np.stack([next(one) for one in weights]))
    out = transformer_network(stacked, X[:3], ARRAY)
    for k in range(3):
        assert np.allclose(out[k], transformer_network(lifted[k], X[k], ARRAY))


def _matrices(model):
    found = []
    model.map(lambda W: found.append(W) or W)
    return found


def test_large_scores_do_not_overflow():
    scores = np.array([[800.0, -800.0], [0.0, 800.0]])
    assert np.allclose(column_softmax(scores, ARRAY), [[1, 0], [0, 1]])
    high = column_softmax(MP.matrix([[8000], [0]]), MP)
    assert abs(float(high[0, 0]) - 1) < 1e-30


def test_softmax_in_balls_encloses_and_its_columns_sum_to_one():
    with BALL.working():
        S = np.array([[flint.arb(1, 0.5)], [flint.arb(0)], [flint.arb(-1)]], dtype=object)
        p = column_softmax(S, BALL)
        assert p[:, 0].sum().contains(1)
        for x in (0.5, 1.0, 1.5):
            weights = np.exp([x, 0, -1])
            assert all(
                a.overlaps(flint.arb(float(b), 1e-12))
                for a, b in zip(p[:, 0], weights / weights.sum(), strict=True)
            )


def test_rational_numbers_have_the_softmax_of_one_column_and_of_another_map_only():
    model, one, two = drawn(3), inputs(3, N=1), inputs(3, N=2)
    exact = transformer_network(model, one, EXACT)
    assert np.allclose(np.array(exact.tolist(), dtype=float), plain(model, one))
    with pytest.raises(Unavailable):
        transformer_network(model, two, EXACT)
    assert transformer_network(model, two, EXACT, softmax=lambda S: S).shape == (2, 2)


def test_a_final_softmax_and_a_skip_connection_are_what_they_say():
    model, X = drawn(5, blocks=1, heads=1), inputs(5)
    logits = transformer_network(model, X, ARRAY)
    ended = transformer_network(model, X, ARRAY, final_softmax=True)
    assert np.allclose(ended, column_softmax(logits, ARRAY))
    none = replace(model.blocks[0].heads[0], O=EXACT.zeros(2, 2))
    alone = TransformerModel((replace(model.blocks[0], heads=(none,)),), model.Wo)
    block = alone.blocks[0]
    skipped = transformer_network(alone, X, EXACT, skip=True, softmax=lambda S: S)
    wanted = model.Wo @ (block.W2 @ relu(block.W1 @ X + block.b1) + block.b2)
    assert (skipped == wanted).all()
    flat = transformer_network(alone, X, EXACT, softmax=lambda S: S)
    assert not (flat == skipped).all()


def test_relu_of_a_ball_with_an_open_sign_is_the_hull():
    (found,) = relu(np.array([[flint.arb(0.25, 0.5)]], dtype=object))[0]
    assert found.contains(0) and found.contains(flint.arb(0.75)) and not found.contains(-1)


def test_a_model_is_read_and_its_shapes_are_checked():
    told = {"Q": [[1]], "K": [[1]], "V": [[1]], "O": [[1]]}
    block = {"heads": [told], "W1": [[1]], "b1": [0], "W2": [[1]], "b2": ["1/2"]}
    model = TransformerModel.read({"blocks": [block], "Wo": [[3]]})
    assert transformer_network(model, [[1]], EXACT)[0, 0] == flint.fmpq(9, 2)
    for bad in ({**block, "b1": [0, 1]}, {**block, "W1": [[1, 2]]}, {**block, "heads": []}):
        with pytest.raises(ShapeMismatch):
            TransformerModel.read({"blocks": [bad], "Wo": [[3]]})
    with pytest.raises(ShapeMismatch, match="V of block 1, head 1"):
        checked(
            replace(
                model,
                blocks=(
                    replace(
                        model.blocks[0],
                        heads=(replace(model.blocks[0].heads[0], V=EXACT.zeros(2, 2)),),
                    ),
                ),
            )
        )


def test_instances_keep_a_model():
    model = drawn(7)
    again = model_of(instance_of(model))
    assert same_function(model, again)
    assert [place for place, _ in again.weights()] == [place for place, _ in model.weights()]


def test_equal_readings_make_equal_functions_for_any_map_in_place_of_the_softmax():
    model, X = drawn(11), inputs(11)
    other = _in_other_coordinates(model)
    assert same_function(model, other)
    for columns in (lambda S: S, lambda S: S * S * S + 1, lambda S: 0 * S + S[:1]):
        one = transformer_network(model, X, EXACT, softmax=columns)
        assert (one == transformer_network(other, X, EXACT, softmax=columns)).all()


def _in_other_coordinates(model):
    """K, Q and V, O changed by a nonsingular T each, which leaves the products."""
    source = SeededDraw.keyed("T")

    def head(h):
        T = nonsingular(source, 2)
        return replace(
            h, K=T.mT @ h.K, Q=EXACT.inverse(T) @ h.Q, V=T @ h.V, O=h.O @ EXACT.inverse(T)
        )

    blocks = tuple(replace(b, heads=tuple(map(head, b.heads))) for b in model.blocks)
    return replace(model, blocks=blocks)


def test_one_changed_weight_is_another_function():
    model = drawn(13)
    for i in (0, 1):
        for name in "QKVO":
            block = model.blocks[i]
            head = replace(block.heads[1], **{name: 3 * getattr(block.heads[1], name)})
            changed = replace(block, heads=(block.heads[0], head))
            blocks = tuple(changed if j == i else b for j, b in enumerate(model.blocks))
            assert not same_function(model, replace(model, blocks=blocks))
    assert not same_function(model, replace(model, Wo=2 * model.Wo))
    for name in ("b1", "b2"):
        block = replace(model.blocks[0], **{name: getattr(model.blocks[0], name) + 1})
        assert not same_function(model, replace(model, blocks=(block, model.blocks[1])))


def test_heads_may_stand_in_another_order_or_be_split():
    model = drawn(17, blocks=1)
    block = model.blocks[0]
    turned = replace(model, blocks=(replace(block, heads=block.heads[::-1]),))
    assert same_function(model, turned) and reading_distance(model, turned, ARRAY) > 0.01
    half = replace(block.heads[0], O=block.heads[0].O / 2)
    split = replace(model, blocks=(replace(block, heads=(half, half, block.heads[1])),))
    assert same_function(model, split)


def test_a_bias_that_only_shifts_scores_needs_the_facts_of_the_softmax():
    one = identity_model(2, blocks=2)
    moved = [[1], [0]]
    first, second = one.blocks
    # b2 = e_1 with Q = 0 in the next block: the scores are 0, the values move by a constant.
    still = replace(second.heads[0], Q=EXACT.zeros(2, 2))
    a = replace(one, blocks=(first, replace(second, heads=(still,))))
    shifted = replace(first, b2=EXACT.matrix(moved))
    back = replace(second, heads=(still,), b1=-EXACT.matrix(moved))
    b = replace(one, blocks=(shifted, back))
    assert not same_function(a, b)
    assert same_function(a, b, softmax="columns")
    X = inputs(1)
    assert np.allclose(transformer_network(a, X, ARRAY), transformer_network(b, X, ARRAY))


def test_readings_refuse_an_unknown_kind_and_models_of_other_depth():
    one = identity_model(1, blocks=1)
    with pytest.raises(BadInput):
        readings(one, EXACT, softmax="hard")
    assert not same_function(one, identity_model(1, blocks=2))


def test_a_root_above_is_above_and_near():
    two = root_above(flint.fmpq(2))
    assert two * two >= 2 and abs(float(int(two.p) / int(two.q)) - 2**0.5) < 1e-15
