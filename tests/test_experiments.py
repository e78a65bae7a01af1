"""Experiments: exact derivatives, the textbook Adam, honest batches, checks that can fail."""

import json
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from lora_proofs.arithmetic import ArrayArithmetic
from lora_proofs.errors import BadInput
from lora_proofs.experiments import catalogue
from lora_proofs.experiments.adam import Adam
from lora_proofs.experiments.alternating_study import IMPROVED, alternating_checks
from lora_proofs.experiments.attention import Shape, TransformerLearner, forward
from lora_proofs.experiments.catalogue import EXPERIMENTS
from lora_proofs.experiments.checkpoint import Checkpoint
from lora_proofs.experiments.constructing import radius, relu_construction
from lora_proofs.experiments.digits import CLASSES, slope_of_cross_entropy, tasks
from lora_proofs.experiments.drawing import product, stream
from lora_proofs.experiments.feedforward import (
    backward,
    mean_squared_error,
    slope_of_squares,
)
from lora_proofs.experiments.feedforward import forward as feed
from lora_proofs.experiments.fitting import fit, last_layers_start, low_rank_start
from lora_proofs.experiments.linear_studies import linear_checks, linear_points
from lora_proofs.experiments.models import condensed, pretrained, random_pair, related_pair
from lora_proofs.experiments.relu_studies import relu_checks, relu_points
from lora_proofs.experiments.result import document, shown, sizes, summary
from lora_proofs.experiments.settings import AUTHORS
from lora_proofs.experiments.study import (
    CONSTRUCTION,
    GRADIENT_DESCENT,
    LOWER_BOUND,
    Point,
    matching,
)
from lora_proofs.experiments.training import chosen, each_rate, train
from lora_proofs.experiments.transformer_studies import model, transformer_pair
from lora_proofs.experiments.tuning import Learner, low_rank, whole_layers
from lora_proofs.mathematics.relu_network import relu_network
from lora_proofs.mathematics.transformer import transformer_network

TINY = AUTHORS.changed(
    width=4,
    ranks=(1, 2, 4),
    seeds=2,
    steps=60,
    batch=16,
    rates=(0.03, 0.01),
    tests=400,
    validations=100,
)


def silent(part):
    return None


# Adam


def textbook(theta, gradients, rate, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Algorithm 1 of Kingma & Ba, for one number."""
    m = v = 0.0
    for t, g in enumerate(gradients, 1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        theta -= rate * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)) ** 0.5 + epsilon)
    return theta


def test_adam_is_the_textbook_recursion_and_every_model_has_its_rate():
    slopes = [3.0, -1.0, 0.25, 0.0, 1e-6, -40.0]
    theta = np.array([[[1.0]], [[1.0]]])
    adam = Adam(rate=each_rate([0.1, 0.01], 1))
    for g in slopes:
        adam.update([theta], [np.full((2, 1, 1), g)])
    wanted = [textbook(1.0, slopes, rate) for rate in (0.1, 0.01)]
    assert theta[:, 0, 0] == pytest.approx(wanted, rel=1e-12)


# derivatives


def slopes_by_differences(learner, X, Y, step=1e-6):
    """Central differences of the loss by one entry of every trained array, beside the gradient."""
    rng = np.random.default_rng(1)
    for theta, gradient in zip(learner.parameters, learner.gradients(X, Y), strict=True):
        assert theta.shape == gradient.shape
        at = tuple(rng.integers(n) for n in theta.shape)
        values = []
        for move in (step, -2 * step):
            theta[at] += move
            values.append(mean_squared_error(learner.outputs(X), Y)[at[0]])
        theta[at] += step
        yield (values[0] - values[1]) / (2 * step), gradient[at]


def close(pairs):
    pairs = list(pairs)
    assert pairs
    assert [y for _, y in pairs] == pytest.approx([x for x, _ in pairs], rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("relus", [(False, False, False), (True, True, True), (True, True, False)])
@pytest.mark.parametrize("tune_biases", [True, False])
def test_derivatives_of_networks_agree_with_differences(relus, tune_biases):
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal((n, m)) for n, m in ((4, 3), (4, 4), (2, 4))]
    biases = [rng.standard_normal((len(W), 1)) for W in weights]
    X, Y = rng.standard_normal((3, 7)), rng.standard_normal((2, 7))
    lora = low_rank(weights, biases, [1, 3], 0.5, rng, tune_biases=tune_biases)
    for B in lora.B:
        B += 0.3 * rng.standard_normal(B.shape)
    whole = whole_layers(weights, biases, [3, 3], tune_biases=tune_biases)
    for tuning in (lora, whole):
        close(slopes_by_differences(Learner(tuning, relus, slope_of_squares), X, Y))


def test_derivatives_of_a_small_network_are_exact():
    """f = relu(w2 relu(w1 x + b1) + b2) at two points, by hand over the rationals."""
    w1, b1, w2, b2 = Fraction(1, 2), Fraction(1, 4), Fraction(-2), Fraction(3)
    points = [(Fraction(1), Fraction(1)), (Fraction(-2), Fraction(0))]
    found = {"w1": 0, "b1": 0, "w2": 0, "b2": 0}
    for x, y in points:
        z = max(w1 * x + b1, 0)
        g = 2 * (max(w2 * z + b2, 0) - y) / len(points)
        found["w2"] += g * z
        found["b2"] += g
        if z > 0:
            found["w1"] += g * w2 * x
            found["b1"] += g * w2
    weights = [np.array([[float(w1)]]), np.array([[float(w2)]])]
    biases = [np.array([[float(b1)]]), np.array([[float(b2)]])]
    X, Y = (np.array([[float(p[k]) for p in points]]) for k in (0, 1))
    values = feed(weights, biases, X, (True, True))
    by_weight, by_bias = backward(weights, values, slope_of_squares(values[-1], Y), (True, True))
    computed = [by_weight[0], by_bias[0], by_weight[1], by_bias[1]]
    assert [x.item() for x in computed] == [float(x) for x in found.values()]


def transformer_learners(rng, D=3, models=2):
    shape = Shape(2, 2)
    weights = {
        p: 0.7 * rng.standard_normal((models, 1 if p[2][0] == "b" else D, D))
        for p in shape.places()
    }
    factors = [
        {p: 0.3 * rng.standard_normal((models, *size)) for p in shape.adapted()}
        for size in ((D, 2), (2, D))
    ]
    yield TransformerLearner(weights, shape, *factors)
    yield TransformerLearner(weights, shape, {}, {})


def test_derivatives_of_transformers_agree_with_differences():
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((5, 4, 3)), rng.standard_normal((5, 4, 3))
    for learner in transformer_learners(rng):
        close(slopes_by_differences(learner, X, Y))


def test_the_slope_of_cross_entropy_agrees_with_differences():
    rng = np.random.default_rng(0)
    logits, Y = rng.standard_normal((3, 4)), np.eye(3)[:, [0, 2, 1, 1]]

    def loss(x):
        return -np.mean(np.sum(Y * (x - np.log(np.exp(x).sum(axis=0))), axis=0))

    move = np.zeros_like(logits)
    move[2, 1] = 1e-6
    wanted = (loss(logits + move) - loss(logits - move)) / 2e-6
    assert slope_of_cross_entropy(logits, Y)[2, 1] == pytest.approx(wanted, rel=1e-6)


# the models are those of the mathematics


def test_networks_are_those_that_mathematics_knows():
    pair = random_pair(TINY.changed(frozen_depth=3), 0, relu=True)
    X = stream(0, "points").standard_normal((4, 9))
    layers = [(W, b[:, 0]) for W, b in zip(pair.frozen.weights, pair.frozen.biases, strict=True)]
    assert pair.frozen(X) == pytest.approx(relu_network(layers, X, ArrayArithmetic()))


def test_transformers_are_those_that_mathematics_knows():
    pair = transformer_pair(TINY.changed(heads=2, length=3, frozen_depth=2), 0)
    X, Y = pair.draw("points")(4)
    exact = model(pair.target, pair.shape)
    for x, y in zip(X, Y, strict=True):
        assert pytest.approx(transformer_network(exact, x.T, ArrayArithmetic())) == y.T
    assert forward(pair.target, X[None], pair.shape)[0].shape == (1, 4, 3, 4)


# honest batches


def test_batches_are_fresh_and_test_points_are_apart():
    pair = random_pair(TINY, 0, relu=True)
    draw = pair.draw("training")
    first, second = draw(16)[0], draw(16)[0]
    assert not np.any(np.isin(second, first))
    others = [pair.draw(name)(16)[0] for name in ("test", "validation", "pretraining")]
    assert not any(np.any(np.isin(other, first)) for other in others)
    assert (pair.draw("training")(16)[0] == first).all()


def test_training_asks_for_a_batch_at_every_step():
    pair, asked = random_pair(TINY, 0, relu=True), []
    draw = pair.draw("training")

    def watched(points):
        asked.append(draw(points))
        return asked[-1]

    models = low_rank_start(pair, TINY, tune_biases=True)([1])
    train(models, watched, each_rate([0.01], 1), steps=20, batch=8)
    assert len({X.tobytes() for X, _ in asked}) == 20
    assert all(X.shape == (4, 8) for X, _ in asked)


def test_training_sees_no_test_point_and_choosing_sees_none_either():
    pair, asked = random_pair(TINY, 0, relu=True), []

    class Watched:
        seed = 0

        def draw(self, name):
            draw = pair.draw(name)

            def batch(points):
                asked.append((name, points))
                return draw(points)

            return batch

    fit(Watched(), TINY, low_rank_start(pair, TINY, tune_biases=True), (1,), silent)
    assert asked[:-2] == [("training", 16)] * TINY.steps
    assert asked[-2:] == [("validation", 100), ("test", 400)]


def test_a_condensed_batch_has_the_same_loss_and_derivatives():
    pair = random_pair(TINY, 0, relu=False)
    models = low_rank_start(pair, TINY, tune_biases=False)([1, 4])
    for B in models.tuning.B:
        B += 0.1
    X = stream(0, "points").standard_normal((4, 50))
    small = condensed(X)
    assert small.shape == (4, 4)
    errors = [mean_squared_error(models.outputs(x), pair.target(x)) for x in (X, small)]
    assert errors[0] == pytest.approx(errors[1])
    slopes = [models.gradients(x, pair.target(x)) for x in (X, small)]
    for one, other in zip(*slopes, strict=True):
        assert one == pytest.approx(other, abs=1e-12)


def test_the_learning_rate_is_chosen_by_validation_alone():
    choice = chosen(np.array([5.0, np.nan, 1.0, 2.0]), [0.1, 0.01])
    assert choice.of(np.array([10.0, 11.0, 12.0, 13.0])) == [12.0, 13.0]
    assert [choice.rate(k) for k in (0, 1)] == [0.01, 0.01]


def test_the_radius_of_the_construction_holds_the_points():
    X = stream(0, "points").standard_normal((16, 50_000))
    assert np.linalg.norm(X, axis=0).max() < radius(16) - 2


# what is trained


def test_adapters_keep_their_rank_and_frozen_weights_stay():
    pair = random_pair(TINY, 0, relu=True)
    before = [W.copy() for W in pair.frozen.weights]
    models = fit(pair, TINY, low_rank_start(pair, TINY, tune_biases=False), (1, 2), silent).groups
    for W, B, A in zip(before, models[0].tuning.B, models[0].tuning.A, strict=True):
        ranks = np.linalg.matrix_rank(B @ A)
        assert ranks.tolist() == [1, 2, 1, 2]
        assert W.shape == (4, 4)
    assert all((W == X).all() for W, X in zip(before, pair.frozen.weights, strict=True))
    assert all((b == pair.frozen.biases[k]).all() for k, b in enumerate(models[0].tuning.biases))


def test_only_the_last_layers_move():
    pair = random_pair(TINY.changed(frozen_depth=3), 0, relu=True)
    models = last_layers_start(pair)([1, 2])
    train(models, pair.draw("training"), each_rate([0.01], 2), steps=5, batch=16)
    moved = [
        [bool((W[k] != pair.frozen.weights[l]).any()) for l, W in enumerate(models.tuning.weights)]
        for k in (0, 1)
    ]
    assert moved == [[False, False, True], [False, True, True]]


def test_more_steps_come_closer():
    pair = random_pair(TINY, 0, relu=False)
    start = low_rank_start(pair, TINY, tune_biases=False)
    few, many = (fit(pair, TINY.changed(steps=n), start, (4,), silent).test.min() for n in (5, 300))
    assert many < few / 10


def test_results_do_not_depend_on_how_models_are_grouped():
    pair = random_pair(TINY, 0, relu=True)
    start = low_rank_start(pair, TINY, tune_biases=True)
    one, other = (fit(pair, TINY, start, (1, 2, 4), silent, group=n).test for n in (2, 6))
    assert one == pytest.approx(other, rel=1e-9)


@pytest.mark.parametrize("relu", [False, True])
def test_pretraining_stops_at_a_third_of_the_loss(relu):
    pair = random_pair(TINY, 1, relu=relu)
    found = pretrained(pair, TINY.changed(batch=500, pretraining_steps=3000))
    X, Y = pair.draw("points")(2000)
    before, after = (float(mean_squared_error(p.frozen(X), Y)) for p in (pair, found))
    assert before / 4 < after < before / 2.5
    assert found.target is pair.target
    near = related_pair(pair)
    assert 0 < np.abs(near.target.weights[0] - pair.target.weights[0]).max() < 1


# checks that can fail


def moved(points, method, change):
    """The points with the first one of a method changed."""
    at = next(k for k, p in enumerate(points) if p.method == method)
    return [*points[:at], change(points[at]), *points[at + 1 :]]


def with_details(**details):
    return lambda p: replace(p, details={**p.details, **details})


def test_linear_results_check_themselves():
    pair = random_pair(TINY, 0, relu=False)
    points = linear_points(pair, TINY, "random", silent)
    assert [c.holds for c in linear_checks(TINY, points)] == [True, True, True]
    bound = matching(points, LOWER_BOUND)[0].error
    wrong = moved(points, GRADIENT_DESCENT, with_details(population=bound * (1 - 1e-6)))
    assert [c.holds for c in linear_checks(TINY, wrong)] == [False, True, True]
    wrong = moved(points, GRADIENT_DESCENT, lambda p: replace(p, error=bound / 10))
    assert [c.holds for c in linear_checks(TINY, wrong)] == [True, False, True]
    wrong = moved(points, CONSTRUCTION, with_details(population=bound + 1e-6))
    assert [c.holds for c in linear_checks(TINY, wrong)] == [True, True, False]


def test_the_lower_bound_is_the_tail_of_the_gap():
    pair = random_pair(TINY, 3, relu=False)
    points = linear_points(pair, TINY.changed(steps=1), "random", silent)
    E = pair.target.weights[0] - product(pair.frozen.weights, 4)
    s = np.linalg.svd(E, compute_uv=False)
    found = [p.error for p in matching(points, LOWER_BOUND)]
    assert found == pytest.approx([(s[2:] ** 2).sum() / 4, 0, 0], abs=1e-15)
    assert [p.parameters for p in matching(points, LOWER_BOUND)] == [16, 32, 64]


def test_relu_results_check_themselves():
    points = relu_points(random_pair(TINY, 0, relu=True), TINY, "random", silent)
    assert [c.holds for c in relu_checks(TINY, points)] == [True, True]
    built = [k for k, p in enumerate(points) if p.method == CONSTRUCTION]
    wrong = list(points)
    wrong[built[1]] = with_details(relative=1e-3)(wrong[built[1]])
    assert [c.holds for c in relu_checks(TINY, wrong)] == [False, True]
    wrong = moved(points, CONSTRUCTION, lambda p: replace(p, error=10.0))
    assert [c.holds for c in relu_checks(TINY, wrong)] == [True, False]


def test_two_target_layers_are_exact_at_the_threshold_and_their_layers_too():
    pair = random_pair(TINY.changed(target_depth=2, frozen_depth=4), 0, relu=True)
    X, Y = pair.draw("test")(300)
    exact, below = relu_construction(pair, 2), relu_construction(pair, 1)
    for net in (exact.pieces, exact.layers):
        assert float(mean_squared_error(net(X), Y)) < 1e-18
    assert below.layers(X) == pytest.approx(below.pieces(X), abs=1e-8)
    assert float(mean_squared_error(below.pieces(X), Y)) > 1e-6
    wide = 1e3 * X  # off the ball the two are different functions
    assert not np.allclose(exact.pieces(wide), exact.layers(wide))


def test_alternating_results_check_themselves():
    settings = TINY.changed(target_depth=2, frozen_depth=4, steps=5)
    study = EXPERIMENTS["zeng-lee/alternating"]
    points = study.run(settings, "random", 0, silent)
    assert [c.holds for c in alternating_checks(settings, points)][2:] == [True, True]
    wrong = moved(points, IMPROVED, with_details(population=10.0))
    assert [c.holds for c in alternating_checks(settings, wrong)][-1] is False
    better = [p.details["population"] for p in points if p.method == IMPROVED]
    blocks = [p.details["population"] for p in points if p.method.endswith("block by block")]
    assert better[0] < 0.9 * blocks[0]


# result documents


def test_what_diverged_counts_and_leaves_quartiles_open():
    points = [Point("c", "m", k, 1, 1, x) for k, x in enumerate((1.0, 2.0, float("inf")))]
    (row,) = summary(points)
    assert (row["lower_quartile"], row["median"], row["upper_quartile"]) == (1.5, 2.0, None)
    assert points[2].document()["error"] is None


def test_every_experiment_says_what_it_is():
    for name, experiment in EXPERIMENTS.items():
        assert name == experiment.name
        assert set(experiment.settings) == {"quick", "default"}
        assert experiment.origin and experiment.question.endswith("?")
        assert experiment.settings["quick"].steps < experiment.settings["default"].steps
        assert "authors" not in experiment.origin or experiment.settings["default"].departures
    assert "substitute for GLUE" in EXPERIMENTS["zeng-lee/digits"].title


# the command


@pytest.fixture
def tiny(monkeypatch):
    """The catalogue with the linear study, so small that it takes no time."""
    study = EXPERIMENTS["zeng-lee/linear-rank"]
    settings = {"quick": TINY.changed(steps=20, pretraining_steps=20), "default": TINY}
    small = replace(study, settings=settings)
    monkeypatch.setitem(catalogue.EXPERIMENTS, study.name, small)
    return small


NAME = "zeng-lee/linear-rank"
STEM = "zeng-lee-linear-rank"


def test_a_run_writes_its_result_and_a_second_one_the_same(lora_proofs, tiny):
    first = lora_proofs.done("experiment", NAME, "--quick", "--json", "-o", "one")
    lora_proofs.done("experiment", NAME, "--quick", "-o", "two")
    result = json.loads(first)
    assert result["complete"] and result["seeds"] == 2 and result["quick"]
    assert "carries no verdict" in result["standing"]
    assert {c["name"] for c in result["checks"]} >= {"lower bound respected"}
    assert all(c["holds"] for c in result["checks"])
    one, two = (lora_proofs.folder / x for x in ("one", "two"))
    assert json.loads((one / f"{STEM}.json").read_text()) == result
    for suffix in ("json", "csv", "cells.jsonl"):
        assert (one / f"{STEM}.{suffix}").read_bytes() == (two / f"{STEM}.{suffix}").read_bytes()
    rows = (one / f"{STEM}.csv").read_text().splitlines()
    assert rows[0].startswith("condition,method,seed,size,parameters,error")
    assert len(rows) == 1 + len(result["points"])


def test_an_interrupted_run_keeps_its_cells_and_goes_on(lora_proofs, tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    wanted = json.loads(lora_proofs.done("experiment", NAME, "--quick", "--json", "-o", "whole"))
    cells = []

    def stops(*arguments):
        if len(cells) == 1:
            raise KeyboardInterrupt
        cells.append(arguments)
        return tiny.run(*arguments)

    with monkeypatch.context() as patch:
        patch.setitem(catalogue.EXPERIMENTS, NAME, replace(tiny, run=stops))
        stopped = lora_proofs("experiment", NAME, "--quick", "-o", "parts")
    assert stopped.returncode == 2
    assert "1 of 4 cells are finished" in stopped.stderr
    partial = json.loads((lora_proofs.folder / "parts" / f"{STEM}.json").read_text())
    assert not partial["complete"] and partial["points"]
    file = lora_proofs.folder / "parts" / f"{STEM}.cells.jsonl"
    with file.open("a") as torn:
        torn.write('{"condition": "ran')  # killed while it was writing
    found = lora_proofs("experiment", NAME, "--quick", "--json", "-o", "parts")
    assert "already on disk" in found.stderr
    assert json.loads(found.stdout) == wanted
    again = lora_proofs("experiment", NAME, "--quick", "--json", "-o", "parts")
    assert again.stderr.count("already on disk") == 4
    assert json.loads(again.stdout) == wanted


def test_more_seeds_take_up_what_is_there(lora_proofs, tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    lora_proofs.done("experiment", NAME, "--quick", "--seeds", 1, "-o", "out")
    found = lora_proofs("experiment", NAME, "--quick", "--seeds", 2, "--json", "-o", "out")
    assert found.stderr.count("already on disk") == 2
    assert {p["seed"] for p in json.loads(found.stdout)["points"]} == {0, 1}
    other = lora_proofs("experiment", NAME, "--quick", "--seeds", 1, "--seed", 5, "--json")
    assert {p["seed"] for p in json.loads(other.stdout)["points"]} == {5}


def test_what_is_wrong_gets_one_message(lora_proofs, tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    lora_proofs.refuses("experiment", words=["expected the name", NAME])
    lora_proofs.refuses("experiment", "zeng-lee/none", words=["zeng-lee/none", "zeng-lee/digits"])
    lora_proofs.refuses("experiment", NAME, "--seeds", 0, words=["--seeds", "got 0"])
    lora_proofs.refuses("experiment", NAME, "--seed", -1, words=["--seed", "got -1"])
    lora_proofs.done("experiment", NAME, "--quick", "--seeds", 1, "-o", "out")
    lora_proofs.refuses("experiment", NAME, "-o", "out", words=["other settings", "-o"])
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "x.jsonl").write_text("[]\nnothing\n")
    with pytest.raises(BadInput, match=r"expected finished cells.*Remove the file"):
        Checkpoint(tmp_path / "bad" / "x.jsonl", {"experiment": "x"})
    (lora_proofs.folder / "file").write_text("")
    lora_proofs.refuses("experiment", NAME, "--quick", "-o", "file", words=["file"])


def test_the_list_is_one_line_each(lora_proofs):
    lines = lora_proofs.done("experiment", "--list").splitlines()
    assert [line.split()[0] for line in lines] == list(EXPERIMENTS)
    listed = json.loads(lora_proofs.done("experiment", "--list", "--json"))
    assert [x["name"] for x in listed] == list(EXPERIMENTS)


def test_without_matplotlib_the_numbers_are_written(lora_proofs, tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    found = lora_proofs("experiment", NAME, "--quick", "--seeds", 1, "-o", "out")
    assert found.returncode == 0
    assert "pip install 'lora_proofs[plots]'" in found.stderr
    names = {path.name for path in (lora_proofs.folder / "out").iterdir()}
    assert names == {f"{STEM}.json", f"{STEM}.csv", f"{STEM}.cells.jsonl"}


def test_a_broken_matplotlib_costs_the_plot_alone(lora_proofs, tiny, monkeypatch, tmp_path):
    (tmp_path / "matplotlib").mkdir()
    (tmp_path / "matplotlib" / "__init__.py").write_text("raise AttributeError('no _ARRAY_API')\n")
    for name in [x for x in sys.modules if x.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    found = lora_proofs("experiment", NAME, "--quick", "--seeds", 1, "-o", "out")
    assert found.returncode == 0 and "check: lower bound respected: holds" in found.stdout
    told = "matplotlib is there but cannot be imported (AttributeError: no _ARRAY_API); reinstall"
    assert "no plot: " in found.stderr and told in found.stderr
    names = {path.name for path in (lora_proofs.folder / "out").iterdir()}
    assert names == {f"{STEM}.json", f"{STEM}.csv", f"{STEM}.cells.jsonl"}


def test_the_table_says_its_sizes_and_why_each_check_holds():
    study = EXPERIMENTS["zeng-lee/relu-rank"]
    settings = study.settings["quick"]
    points = [Point("random", CONSTRUCTION, 0, 4, 128, 0.0, {"relative": 0.0})]
    told = list(shown(document(study, settings, points, seed=0, seeds=1, quick=True)))
    assert told[1] == (
        "width 8, frozen depth 2, target depth 1, 400 steps, batches of 64, learning rates 0.01 "
        "and 0.003, 2000 test points; 1 seed"
    )
    at = told.index("check: the construction is exact from rank 4 on: holds (worst 0)")
    assert "counts as rounding" in told[at + 1]
    assert "ceil(D / floor(L / Lbar)) at D = 8, L = 2, Lbar = 1" in told[at + 1]


@pytest.mark.parametrize("name", EXPERIMENTS)
@pytest.mark.parametrize("size", ["quick", "default"])
def test_digits_alone_are_measured_on_images_and_have_no_target_network(name, size):
    study = EXPERIMENTS[name]
    made = document(study, study.settings[size], [], seed=0, seeds=1, quick=size == "quick")
    digits = name == "zeng-lee/digits"
    assert ("the test images" in made["standing"]) == digits
    assert ("random points" in made["standing"]) != digits
    assert ("target depth" in sizes(made)) != digits and ("test points" in sizes(made)) != digits


def test_without_scikit_learn_the_message_says_what_to_install(lora_proofs, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    words = ["zeng-lee/digits", "pip install 'lora_proofs[digits]'"]
    lora_proofs.refuses("experiment", "zeng-lee/digits", "--quick", words=words)


def test_the_plot_has_the_same_bytes_twice(tmp_path, tiny):
    pytest.importorskip("matplotlib", reason="without matplotlib plots are not tested: no result")
    from lora_proofs.experiments.plotting import draw

    points = [p for seed in (0, 1) for p in tiny.run(TINY.changed(steps=2), "random", seed, silent)]
    result = document(tiny, TINY, points, seed=0, seeds=2, quick=True)
    paths = [tmp_path / f"{k}.svg" for k in (0, 1)]
    for path in paths:
        draw(result, path, across="size", scale="log")
    text = paths[0].read_text()
    assert text == paths[1].read_text()
    assert text.startswith("<?xml") and "dc:date" not in text


def test_digits_of_the_three_parts_are_apart():
    pytest.importorskip("sklearn", reason="without scikit-learn digits are not tested: no result")
    for task in tasks(0):
        sizes = {name: len(found) for name, found in task.labels.items()}
        assert sizes["training"] > 2 * sizes["test"] > 300
        assert set(task.labels["test"]) == set(range(CLASSES))
        columns = {name: {x.tobytes() for x in X.T} for name, X in task.images.items()}
        assert len(columns["training"] & columns["test"]) <= 1  # equal images may occur
        X, Y = task.draw(stream(0, "draw"))(5)
        assert X.shape == (64, 5) and (Y.sum(axis=0) == 1).all()


def test_digits_are_learned_and_lora_comes_closer_with_rank():
    pytest.importorskip("sklearn", reason="without scikit-learn digits are not tested: no result")
    study = EXPERIMENTS["zeng-lee/digits"]
    small = study.settings["quick"].changed(ranks=(1, 8), width=16)
    points = study.run(small, study.conditions[0], 0, silent)
    assert [c.holds for c in study.checks(small, points)] == [True]
    found = {(p.method, p.size): p.error for p in points}
    assert found["no adaptation", 1] > 0.5
    assert found["LoRA", 8] < 0.15 and found["LoRA", 8] <= found["LoRA", 1] < 0.5
