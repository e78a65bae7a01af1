"""rank-accuracy of weights in factors: the same numbers as of the matrix itself, and large ones."""

import json

import numpy as np
import pytest

from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.cli import run
from lora_proofs.errors import BadInput
from lora_proofs.mathematics.factored_spectra import FactoredMatrix
from lora_proofs.mathematics.matrices import squared_singular_values
from lora_proofs.solving.rank_accuracy import rank_accuracy, read_rank_problem
from lora_proofs.solving.rank_factors import factored_accuracy, read_factored, reflected_rows

U = [[1, 2, 0], [0, -1, 3], [2, 0, 1], [1, 1, 1], [4, 0, -2]]
V = [[0, 1, 2], ["1/2", 0, 1], [3, -1, 0], [1, 1, 1], [0, 2, -1]]
DENSE = (EXACT.matrix(U) @ EXACT.matrix(V).T).tolist()
ROWS = reflected_rows(5, 5, 0).tolist()
RATES = ({}, {"scale": "1/2", "eta_A": "4"})


def told(rows):
    return [[str(x) for x in row] for row in rows]


def same(x, y):
    """Two numbers, exact or balls, or two unknown ones, agree."""
    if x is None or y is None:
        return x is y
    return abs(float(x) - float(y)) <= 1e-12 * (1 + abs(float(y)))


@pytest.mark.parametrize("rates", RATES)
@pytest.mark.parametrize(
    "start", [{"start": "spectral-residual"}, {"A0": told(ROWS[:3])}, {"A0": [[0, 0, 0, 0, 1]]}]
)
def test_frobenius_agrees_with_the_matrix(start, rates):
    factored = {"loss": "frobenius", "E": {"U": U, "V": V}, **start, **rates}
    dense = {"loss": "frobenius", "W0": told(np.zeros((5, 5), int)), "Y": told(DENSE)}
    ranks = list(range(1, 1 + len(start.get("A0", U[0]))))
    ours = factored_accuracy(read_factored(factored), ranks, 20).points
    theirs = rank_accuracy(read_rank_problem({**dense, **start, **rates}), ranks, 20).points
    for x, y in zip(ours, theirs, strict=True):
        assert same(x.limit.loss, y.limit.loss) and same(x.relative_error, y.relative_error)
        assert same(x.bound, y.bound) and x.limit.rigorous
        assert x.limit.rate is None or same(x.limit.rate, y.limit.rate)


@pytest.mark.parametrize("rates", RATES)
@pytest.mark.parametrize(
    "start", [{"start": "gaussian"}, {"start": "spectral-W0"}, {"A0": told(ROWS)}]
)
def test_trace_squared_agrees_with_the_matrix(start, rates):
    factored = {"loss": "trace-squared", "W0": {"U": U, "V": V}, **start, **rates}
    dense = {"loss": "trace-squared", "W0": told(DENSE), **start, **rates}
    ours = factored_accuracy(read_factored(factored), [1, 2, 3], 20).points
    theirs = rank_accuracy(read_rank_problem(dense), [1, 2, 3], 20).points
    for x, y in zip(ours, theirs, strict=True):
        assert same(x.relative_error, y.relative_error) and same(x.limit.rate, y.limit.rate)
        assert x.limit.loss == y.limit.loss and same(x.bound, y.bound)
        assert x.expected_squared_error == y.expected_squared_error


def test_w0_and_y_in_factors_stand_for_their_difference():
    shifted = {"W0": {"U": U, "V": V}, "Y": {"U": [[3 * x for x in row] for row in U], "V": V}}
    problem = read_factored({"loss": "frobenius", **shifted, "start": "spectral-residual"})
    found = factored_accuracy(problem, [1, 2, 3], 20).points
    alone = read_factored(
        {
            "loss": "frobenius",
            "E": {"U": [[2 * x for x in row] for row in U], "V": V},
            "start": "spectral-residual",
        }
    )
    for x, y in zip(found, factored_accuracy(alone, [1, 2, 3], 20).points, strict=True):
        assert same(x.limit.loss, y.limit.loss)


def test_levels_are_those_of_the_matrix():
    for U_, V_ in ((U, V), ([[1, 1], [2, 2], [0, 0]], [[1, 0], [0, 1]]), ([[0], [0]], [[1]])):
        E = FactoredMatrix(EXACT.matrix(U_), EXACT.matrix(V_))
        ctx = BallArithmetic(30)
        with ctx.working():
            values = squared_singular_values(E.U @ E.V.T, ctx)
        wanted = [(x, k) for x, k in values if not x == 0]
        for (x, k), (y, j) in zip(E.levels(100), wanted, strict=True):
            assert k == j and same(x, y)


def test_a_start_that_misses_a_direction_is_open():
    E = {"U": [[2, 0], [0, 1], [0, 0]], "V": [[1, 0], [0, 1], [0, 0]]}
    for A0, seen in (([[0, 1, 0]], False), ([[0, 0, 1]], False), ([[1, 0, 0]], True)):
        problem = read_factored({"loss": "frobenius", "E": E, "A0": A0})
        (point,) = factored_accuracy(problem, None, 20).points
        assert (point.limit.loss is not None) == seen
        assert (point.relative_error is None) == (not seen)
    tie = {"U": [[1, 0], [0, 1]], "V": [[1, 0], [0, 1]]}
    problem = read_factored({"loss": "frobenius", "E": tie, "start": "orthonormal"})
    first, second = factored_accuracy(problem, None, 20).points
    assert first.limit.loss is None and second.limit.loss == 0
    problem = read_factored({"loss": "frobenius", "E": E, "start": "gaussian"})
    assert "not orthonormal" in factored_accuracy(problem, [1, 2], 20).points[1].limit.reasons[0]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"E": {"U": [[1]]}}, "factors"),
        ({"E": {"U": [[1]], "V": [[1, 2]]}}, "as many columns"),
        ({"E": {"U": [["x"]], "V": [[1]]}}, "E.U"),
        ({"W0": [[1]]}, "factors"),
        ({"start": "spectral-W0"}, "spectral-W0"),
        ({"start": "none"}, "start"),
        ({"A0": [[1]]}, "both"),
        ({"eta_A": 0}, "above 0"),
        ({"t": 1}, "t: expected a field"),
        ({"loss": "trace-squared"}, "W0 in factors"),
    ],
)
def test_what_does_not_fit_is_refused(change, what):
    data = {"loss": "frobenius", "E": {"U": [[1]], "V": [[1]]}, "start": "orthonormal"}
    with pytest.raises(BadInput, match=what):
        read_factored({**data, **change})
    with pytest.raises(BadInput, match="ranks"):
        factored_accuracy(read_factored(data), [2], 20)


def test_the_command_takes_a_large_instance(tmp_path, capsys):
    random = np.random.default_rng(0)
    U, V = random.normal(size=(1000, 3)), random.normal(size=(900, 3))
    file = tmp_path / "large.json"
    told = {"loss": "frobenius", "E": {"U": U.tolist(), "V": V.tolist()}, "start": "orthonormal"}
    file.write_text(json.dumps(told))
    assert run(["rank-accuracy", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    values = np.linalg.svd(np.linalg.qr(U)[1] @ np.linalg.qr(V)[1].T, compute_uv=False)
    for r, point in enumerate(found["ranks"], 1):
        assert point["verdict"] == "CERTIFIED"
        assert point["limit_loss"] == pytest.approx((values[r:] ** 2).sum() / 2, rel=1e-11)
    assert found["error_bound"]["rigorous"] and float(found["error_bound"]["value"]) < 1e-9
    assert np.shape(found["A0"]) == (3, 900) and found["full"]["update"] is None


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"E": [[1, 2], [3, 4]], "start": "gaussian"}, "W0 and Y = W0 \\+ E"),
        ({"E": {"u": [[1]], "v": [[1]]}, "start": "gaussian"}, "got the fields u, v"),
        ({"W0": [[1]], "Y": [[1]], "starts": "gaussian"}, "did you mean 'start'"),
        ({"E": {"U": [[1]], "V": [[1]]}, "strat": "gaussian"}, "did you mean 'start'"),
    ],
)
def test_a_slip_in_an_instance_is_named(tmp_path, capsys, data, told):
    import json
    import re

    from lora_proofs.cli import run

    path = tmp_path / "instance.json"
    path.write_text(json.dumps({"loss": "frobenius", **data}))
    assert run(["rank-accuracy", str(path)]) == 4
    assert re.search(told, capsys.readouterr().err)


@pytest.mark.parametrize("command", ["verify", "selftest"])
def test_a_seed_that_is_no_number_is_refused_in_one_line(capsys, command):
    from lora_proofs.cli import run

    assert run([command, "--seed", "abc"]) == 4
    assert capsys.readouterr().err == "lora-proofs: --seed: expected an integer, got 'abc'\n"
