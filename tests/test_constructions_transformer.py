"""Transformer adapters: exact at the threshold, bounded below it, honest where something breaks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lora_proofs.arithmetic import (
    EXACT,
    ArrayArithmetic,
    BallArithmetic,
    MultiprecisionArithmetic,
)
from lora_proofs.arithmetic.comparison import size
from lora_proofs.constructions import adapted
from lora_proofs.constructions.rounding import exact_values
from lora_proofs.constructions.transformer import (
    precise_transformer_adapters,
    transformer_adapters,
)
from lora_proofs.constructions.transformer_error import error_bound
from lora_proofs.constructions.transformer_gaps import (
    gap_ranks,
    minimal_exact_rank,
    pseudo_inverse,
    sufficient_rank,
    unit_offset,
)
from lora_proofs.errors import BadInput, ShapeMismatch
from lora_proofs.mathematics.transformer import (
    Block,
    Head,
    TransformerModel,
    identity_model,
    transformer_network,
)
from lora_proofs.mathematics.transformer_readings import padded, same_function
from lora_proofs.strategies.draw import SeededDraw
from lora_proofs.strategies.matrices import matrix
from lora_proofs.strategies.transformers import small, transformer_model

ARRAY, BALL, MP = ArrayArithmetic(), BallArithmetic(30), MultiprecisionArithmetic(30)


def drawn(seed, D, blocks, heads):
    return transformer_model(SeededDraw.keyed(seed), D, blocks, heads)


def gaussian(seed, D, blocks, heads):
    """Weights N(0, 1/D) as the rationals that float64 holds."""
    rng = np.random.default_rng(seed)

    def weight(columns=D):
        return exact_values(rng.normal(size=(D, columns)) / np.sqrt(D))

    def block():
        attention = tuple(Head(*(weight() for _ in range(4))) for _ in range(heads))
        return Block(attention, weight(), weight(1), weight(), weight(1))

    return TransformerModel(tuple(block() for _ in range(blocks)), weight())


def with_block(model, i, **changes):
    block = replace(model.blocks[i], **changes)
    return replace(model, blocks=(*model.blocks[:i], block, *model.blocks[i + 1 :]))


def relative_error(model, target, X, ctx):
    ours, theirs = transformer_network(model, X, ctx), transformer_network(target, X, ctx)
    return max(abs(ours - theirs).flat) / max(abs(theirs).flat)


@pytest.mark.parametrize("shape", [(2, 1, 1), (3, 1, 2), (2, 2, 2), (3, 3, 1)])
def test_at_the_threshold_the_function_is_the_target_for_any_map_in_place_of_the_softmax(shape):
    D = shape[0]
    frozen, target = drawn("f", *shape), drawn("t", *shape)
    R = sufficient_rank(frozen, target)
    assert R == -(-D // 2)
    found = transformer_adapters(frozen, target, R, EXACT)
    assert found.residual == 0 and found.defect == 0 and same_function(found.model, target)
    X = matrix(SeededDraw.keyed("X"), D, 3, entry=small)
    for columns in (lambda S: S, lambda S: S * S + 1):
        ours = transformer_network(found.model, X, EXACT, softmax=columns)
        assert (ours == transformer_network(target, X, EXACT, softmax=columns)).all()


def test_the_model_is_the_frozen_one_with_the_adapters_and_biases_that_are_told():
    frozen, target = drawn("f", 3, 2, 2), drawn("t", 3, 2, 2)
    found = transformer_adapters(frozen, target, 2, EXACT)
    whats = dict(found.model.weights())
    for place, W in frozen.weights():
        adapter = found.adapters[place]
        assert adapter.rank <= 2 and (adapted(W, adapter) == whats[place]).all()
        untouched = place[2] == "W1" or place == (1, None, "W2")
        assert (adapter.rank == 0) == untouched
    for (b1, b2), block in zip(found.biases, found.model.blocks, strict=True):
        assert (b1 == block.b1).all() and (b2 == block.b2).all()
    assert found.gaps == (3, 3, 3)


@pytest.mark.parametrize(("shape", "seed"), [((4, 3, 3), 0), ((6, 2, 2), 1), ((16, 1, 1), 2)])
def test_random_weights_are_exact_to_1e_12_at_half_the_width_and_not_one_below(shape, seed):
    frozen, target = gaussian(seed, *shape), gaussian(seed + 100, *shape)
    R = sufficient_rank(frozen, target)
    found = precise_transformer_adapters(frozen, target, R)
    X = exact_values(np.random.default_rng(seed).normal(size=(shape[0], 3)))
    exact = found.model.map(exact_values)
    assert relative_error(exact, target, X, MP) < 1e-12
    less = transformer_adapters(frozen, target, R - 1, ARRAY)
    assert relative_error(less.model.map(exact_values), target, X, ARRAY) > 1e-3


def test_the_precision_is_raised_where_float64_is_not_enough():
    """Frozen weights of condition 1e9 are beyond float64 at this tolerance."""
    D = 4
    frozen, target = gaussian(5, D, 1, 1), gaussian(6, D, 1, 1)
    bad = exact_values(np.diag([1.0, 1.0, 1e-4, 1e-9])) @ frozen.blocks[0].heads[0].O
    head = replace(frozen.blocks[0].heads[0], O=bad)
    frozen = with_block(frozen, 0, heads=(head,))
    plain = transformer_adapters(frozen, target, 2, ARRAY)
    found = precise_transformer_adapters(frozen, target, 2)
    assert plain.residual > 1e-11 > found.residual
    assert found.model.Wo.dtype == object


def test_a_narrower_target_is_embedded_and_needs_half_its_own_width():
    frozen, target = drawn("f", 4, 2, 2), drawn("t", 2, 2, 2)
    assert sufficient_rank(frozen, target) == 1
    found = transformer_adapters(frozen, target, 1, EXACT)
    assert found.residual == 0
    X = matrix(SeededDraw.keyed("X"), 2, 3, entry=small)
    ours = transformer_network(found.model, padded(X, 4, EXACT), EXACT, softmax=lambda S: S * S)
    assert (ours[:2] == transformer_network(target, X, EXACT, softmax=lambda S: S * S)).all()


@pytest.mark.parametrize("ctx", [ARRAY, MP, EXACT], ids=lambda ctx: ctx.name)
def test_the_output_beyond_a_narrower_target_may_be_singular(ctx):
    frozen, target = drawn("f19", 3, 1, 1), drawn("t19", 2, 1, 1)
    assert EXACT.rank(transformer_adapters(frozen, target, 1, EXACT).model.Wo) == 2
    assert size(transformer_adapters(frozen, target, 1, ctx).residual) <= 1e-9


def test_a_singular_target_is_reached_where_its_biases_can_be():
    frozen, target = drawn("f", 2, 2, 1), drawn("t", 2, 2, 1)
    target = with_block(target, 0, W2=EXACT.matrix([[1, 0], [0, 0]]), b2=EXACT.matrix([[1], [2]]))
    head = replace(target.blocks[1].heads[0], K=EXACT.identity(2), Q=EXACT.matrix([[1, 1], [0, 1]]))
    target = with_block(target, 1, heads=(head,))
    assert unit_offset(target, 1)[1] and sufficient_rank(frozen, target) == 1
    found = transformer_adapters(frozen, target, 1, EXACT)
    assert same_function(found.model, target, softmax="columns")
    assert not same_function(found.model, target)
    X = matrix(SeededDraw.keyed("X"), 2, 3, entry=small)
    assert relative_error(found.model, target, X, MP) < 1e-25


@pytest.mark.parametrize("ctx", [ARRAY, MP, EXACT], ids=lambda ctx: ctx.name)
def test_a_singular_output_keeps_its_bias(ctx):
    """Wbar_o Wbar2 = 0 makes What_o singular: its bias is a least-squares solution."""
    frozen, target = drawn("f", 2, 1, 1), drawn("t", 2, 1, 1)
    for Wo in ([[1, 2], [2, 4]], [[0, 0], [0, 0]]):
        singular = replace(target, Wo=EXACT.matrix(Wo))
        assert sufficient_rank(frozen, singular) == 1
        found = transformer_adapters(frozen, singular, 1, ctx)
        assert 10**10 * found.residual < 1


def test_biases_that_no_bias_reproduces_are_named():
    frozen, target = drawn("f", 2, 2, 2), drawn("t", 2, 2, 2)
    target = with_block(target, 0, W2=EXACT.matrix([[1, 0], [0, 0]]), b2=EXACT.matrix([[0], [1]]))
    first, second = (EXACT.matrix(Q) for Q in ([[1, 0], [0, 1]], [[1, 1], [0, 1]]))
    heads = tuple(
        replace(h, K=EXACT.identity(2), Q=Q)
        for h, Q in zip(target.blocks[1].heads, (first, second), strict=True)
    )
    target = with_block(target, 1, heads=heads)
    assert sufficient_rank(frozen, target) is None and minimal_exact_rank(frozen, target) is None
    found = transformer_adapters(frozen, target, 1, EXACT)
    assert found.residual > 0
    assert any("W2 of block 1" in x.assumption for x in found.broken)


@pytest.mark.parametrize("name", ["W1", "W2", "Q", "O", "Wo"])
def test_a_singular_frozen_weight_is_named_and_the_rest_is_still_built(name):
    frozen, target = drawn("f", 2, 2, 1), drawn("t", 2, 2, 1)
    zero = EXACT.zeros(2, 2)
    if name == "Wo":
        frozen = replace(frozen, Wo=zero)
    elif name in ("W1", "W2"):
        frozen = with_block(frozen, 0, **{name: zero})
    else:
        head = replace(frozen.blocks[0].heads[0], **{name: zero})
        frozen = with_block(frozen, 0, heads=(head,))
    assert sufficient_rank(frozen, target) is None
    for ctx in (EXACT, ARRAY):
        found = transformer_adapters(frozen, target, 1, ctx)
        assert any(f"the frozen {name}" in x.assumption for x in found.broken)
        assert found.residual > 0
    if name in ("W1", "W2"):
        X, Y = (matrix(SeededDraw.keyed(k), 2, 2, entry=small) for k in "XY")
        one, two = (transformer_network(found.model.map(exact_values), Z, MP) for Z in (X, Y))
        assert max(abs(one - two).flat) < 1e-25


@pytest.mark.parametrize("ctx", [ARRAY, EXACT], ids=lambda ctx: ctx.name)
def test_what_a_singular_first_layer_reaches_is_reached(ctx):
    """W1 of rank 1, and a target whose values differ in the range of W1 alone."""
    line = EXACT.matrix([[1, 0], [0, 0]])
    frozen = with_block(identity_model(2, blocks=1), 0, W1=line)
    head = replace(frozen.blocks[0].heads[0], V=3 * EXACT.identity(2))
    target = with_block(frozen, 0, heads=(head,))
    assert sufficient_rank(frozen, target) is None
    found = transformer_adapters(frozen, target, 1, ctx)
    assert 10**12 * found.residual < 1
    assert any("W1" in x.assumption for x in found.broken)


def test_products_that_are_met_are_not_enough_where_the_units_see_them_enlarged():
    """A frozen W2 of condition 1e7: the products are right to 1e-15, the scores are not."""
    frozen, target = gaussian(1, 2, 2, 1), gaussian(2, 2, 2, 1)
    frozen = with_block(frozen, 0, W2=exact_values(np.diag([1.0, 1e-7])))
    found = precise_transformer_adapters(frozen, target, 1, tolerance=1e-12)
    assert found.residual < 1e-12
    plain = transformer_adapters(frozen, target, 1, ARRAY)
    assert plain.defect < 1e-12 < plain.residual


def test_equal_functions_need_no_adapter():
    model = drawn("f", 2, 1, 2)
    turned = with_block(model, 0, heads=model.blocks[0].heads[::-1])
    assert minimal_exact_rank(model, turned) == 0 and max(gap_ranks(model, turned)) > 0
    found = transformer_adapters(model, turned, 0, EXACT)
    assert all(x.rank == 0 for x in found.adapters.values())
    assert same_function(found.model, turned)


def test_the_minimal_rank_is_told_where_it_is_proved_only():
    one = identity_model(4, blocks=1)
    assert minimal_exact_rank(one, one.map(lambda X: 2 * X)) == 2
    more = identity_model(4, blocks=1, heads=2)
    assert minimal_exact_rank(more, more.map(lambda X: 2 * X)) is None
    scores = replace(one.blocks[0].heads[0], Q=EXACT.matrix(np.diag([2, 1, 1, 1]).tolist()))
    low = with_block(one, 0, heads=(scores,))
    assert sufficient_rank(one, low) == minimal_exact_rank(one, low) == 1
    values = with_block(low, 0, heads=(replace(scores, V=2 * scores.V),))
    assert sufficient_rank(one, values) == 2 and minimal_exact_rank(one, values) is None


@pytest.mark.parametrize("shape", [(3, 1, 1), (4, 2, 1), (3, 2, 2)])
def test_below_the_threshold_the_error_is_within_its_certified_bound(shape):
    frozen, target = gaussian(1, *shape), gaussian(2, *shape)
    model = transformer_adapters(frozen, target, 1, ARRAY).model.map(exact_values)
    X = exact_values(np.random.default_rng(3).normal(size=(shape[0], 3)) / 2)
    rho = EXACT.number(4)
    with BALL.working():
        off = transformer_network(model, X, BALL) - transformer_network(target, X, BALL)
        bound = error_bound(model, target, rho, BALL)
        for j in range(3):
            error = BALL.frobenius_norm(off[:, j : j + 1])
            assert error > 0 and error < bound


def test_the_bound_is_attained_at_the_output_and_through_two_blocks():
    """Wo doubled, and values doubled in the second block after values doubled in the first."""
    one = identity_model(2, blocks=2)
    ahead = with_block(one, 0, W1=2 * EXACT.identity(2))
    later = with_block(ahead, 1, W1=2 * EXACT.identity(2))
    X = EXACT.matrix([[3], [0]])
    for model, target, wanted in ((replace(one, Wo=2 * one.Wo), one, 3), (later, ahead, 6)):
        off = transformer_network(model, X, EXACT) - transformer_network(target, X, EXACT)
        assert off[0, 0] == wanted and off[1, 0] == 0
        assert abs(error_bound(model, target, 3, ARRAY) - wanted) < 1e-12


def test_more_rank_leaves_smaller_gaps():
    frozen, target = gaussian(8, 6, 1, 1), gaussian(9, 6, 1, 1)
    bounds = [
        float(error_bound(transformer_adapters(frozen, target, R, ARRAY).model, target, 1, ARRAY))
        for R in range(4)
    ]
    assert bounds == sorted(bounds, reverse=True) and bounds[3] < 1e-9


def test_what_does_not_fit_is_refused():
    two, three = identity_model(2, blocks=1), identity_model(3, blocks=1)
    with pytest.raises(ShapeMismatch):
        transformer_adapters(two, three, 1, EXACT)
    with pytest.raises(ShapeMismatch):
        transformer_adapters(two, identity_model(2, blocks=2), 1, EXACT)
    with pytest.raises(ShapeMismatch):
        transformer_adapters(two, identity_model(2, blocks=1, heads=2), 1, EXACT)
    for rank in (-1, 3, True, 1.5):
        with pytest.raises(BadInput, match="rank"):
            transformer_adapters(two, two, rank, EXACT)


def test_the_pseudo_inverse_is_exact():
    X = EXACT.matrix([[1, 2], [2, 4], [0, 0]])
    P = pseudo_inverse(X)
    assert (X @ P @ X == X).all() and (P @ X @ P == P).all()
    assert ((X @ P).mT == X @ P).all() and ((P @ X).mT == P @ X).all()
    assert (pseudo_inverse(EXACT.zeros(2, 3)) == EXACT.zeros(3, 2)).all()
