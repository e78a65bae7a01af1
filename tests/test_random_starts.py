"""Expected squared errors: reference values, three independent exact routes, and a simulation."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from lora_proofs.arithmetic import BallArithmetic, squared_norm
from lora_proofs.claims.rushka_klabjan.trace_squared import expectations
from lora_proofs.errors import BadInput
from lora_proofs.mathematics.flows import trace_squared_limit
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.random_starts import (
    KURTOSIS,
    SIGNS,
    enumerated_squared_error,
    expected_squared_error,
    gaussian_error_by_cubature,
    gram_moments,
    ratio_of_expectations,
    squared_error_from_zero_b,
)

VECTORS = json.loads((Path(__file__).parent / "vectors" / "gradient_flow.json").read_text())
SMALL = [(n, r) for n in (1, 2, 3, 4) for r in (1, 2, 3, 4) if n * r <= 9]


def sizes(key):
    n, r = (int(part.split("=")[1]) for part in key.split(","))
    return n, r


@pytest.mark.parametrize("kind", ["gaussian", "rademacher"])
def test_the_reference_values(kind):
    found = VECTORS[f"{'gauss' if kind == 'gaussian' else kind}_E_R2"]
    assert found
    for key, value in found.items():
        assert expected_squared_error(kind, *sizes(key)) == Fraction(value)


@pytest.mark.parametrize("n,r", SMALL)
def test_three_routes_to_the_gaussian_mean(n, r):
    square, norm = gram_moments(n, r, (0, 1, 0, 3))
    wanted = expected_squared_error("gaussian", n, r)
    assert wanted == n * square / norm - 1 == gaussian_error_by_cubature(n, r)
    assert wanted == ratio_of_expectations(n, r, 3)


@pytest.mark.parametrize("n,r", SMALL)
def test_signs_run_through_give_the_rademacher_mean(n, r):
    assert enumerated_squared_error(n, r, SIGNS) == expected_squared_error("rademacher", n, r)
    assert ratio_of_expectations(n, r, 1) == expected_squared_error("rademacher", n, r)


@pytest.mark.parametrize("n,r", [*SMALL, (4, 3), (3, 4), (4, 6)])
def test_the_cubature_of_the_claim_at_every_size(n, r):
    size = Instance(n=n, r=r, law="gaussian", v=1)
    assert expectations.by_design(size) == expected_squared_error("gaussian", n, r)


def test_no_mean_of_the_quotient_for_a_law_where_it_is_not_known():
    with pytest.raises(BadInput, match="expected gaussian, rademacher or finite"):
        expectations.mean_squared_error(Instance(n=2, r=2, law="uniform", v="1/3"))


def test_the_scale_of_a_law_does_not_matter():
    law = [(2, Fraction(1, 3)), (-1, Fraction(2, 3))]
    tenth = [(Fraction(x, 10), p) for x, p in law]
    assert enumerated_squared_error(2, 2, law) == enumerated_squared_error(2, 2, tenth)


def test_the_ratio_of_the_means_is_not_the_mean_of_the_ratio():
    law = [(x, Fraction(1, 4)) for x in (1, -1, 2, -2)]
    moments = [sum(p * x**k for x, p in law) for k in (1, 2, 3, 4)]
    ratio = ratio_of_expectations(2, 2, moments[3] / moments[1] ** 2)
    square, norm = gram_moments(2, 2, moments)
    assert ratio == 2 * square / norm - 1
    assert ratio != enumerated_squared_error(2, 2, law)


def test_the_error_of_one_start_is_that_of_the_limit_of_the_flow():
    A0, ball = [[1, Fraction(1, 2), 0], [Fraction(-1, 3), 1, Fraction(2, 5)]], BallArithmetic(30)
    W0 = [[1, 2, 0], [Fraction(1, 2), 1, 3], [-1, 0, 1]]
    wanted = Fraction(VECTORS["limit_trsq_B0zero"]["R_squared"])
    assert squared_error_from_zero_b(A0) == wanted
    with ball.working():
        end = trace_squared_limit(W0, A0, [[0, 0]] * 3, ball).dW + ball.identity(3)
        assert abs(squared_norm(end) / 3 - ball.number(wanted)) < 1e-20


def simulated(kind, n, r, count, seed):
    """R^2 of seeded starts, in float64."""
    source = np.random.default_rng(seed)
    if kind == "diagonal":
        squares = source.standard_normal((count, r)) ** 2
        return n * (squares**2).sum(axis=1) / squares.sum(axis=1) ** 2 - 1
    A = source.standard_normal((count, r, n))
    if kind == "rademacher":
        A = np.sign(A)
    if kind == "uniform":
        A = source.uniform(-1, 1, (count, r, n))
    gram = A @ A.mT
    return n * (gram**2).sum(axis=(1, 2)) / np.trace(gram, axis1=1, axis2=2) ** 2 - 1


SHAPES = [(4, 2), (8, 3), (5, 5), (16, 4)]
SIMULATED = [(k, *s) for k in ("gaussian", "rademacher", "diagonal") for s in SHAPES]


@pytest.mark.parametrize("kind,n,r", [*SIMULATED, ("gaussian", 3, 6), ("rademacher", 3, 6)])
def test_a_simulation_agrees(kind, n, r):
    found = simulated(kind, n, r, 20_000, seed=(n, r))
    wanted = float(expected_squared_error(kind, n, r))
    z = (found.mean() - wanted) / (found.std() / math.sqrt(len(found)))
    assert abs(z) < 4


def test_uniform_entries_have_the_ratio_to_leading_order():
    found = simulated("uniform", 16, 8, 20_000, seed=7).mean()
    assert found == pytest.approx(
        float(ratio_of_expectations(16, 8, KURTOSIS["uniform"])), rel=0.01
    )


@pytest.mark.parametrize(
    "call,message",
    [
        (lambda: expected_squared_error("uniform", 2, 1), "kind: expected one of gaussian"),
        (lambda: expected_squared_error("diagonal", 2, 3), "r: expected an aligned start"),
        (lambda: expected_squared_error("gaussian", 0, 1), "n: expected a positive integer"),
        (lambda: ratio_of_expectations(2, 1, "1/2"), "kurtosis: expected"),
        (lambda: squared_error_from_zero_b([[0, 0]]), "A0: expected a matrix other than 0"),
        (lambda: gram_moments(2, 1, (0, 1)), "moments: expected the first four"),
        (lambda: enumerated_squared_error(2, 1, [(1, "1/2")]), "law: expected nonzero values"),
        (lambda: enumerated_squared_error(5, 5, SIGNS), "expected at most"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(BadInput, match=message):
        call()


def test_each_step_has_words_of_its_own_and_one_matrix():
    """A hypothesis is closed "by line 3, '...'", and A of the lemma is A0 of the claim."""
    from lora_proofs.claims.rushka_klabjan.trace_squared import (
        expected_diagonal,
        expected_gaussian,
        expected_general,
        expected_rademacher,
    )
    from lora_proofs.symbolic.printing import relation_text

    for module in (expected_gaussian, expected_general, expected_rademacher, expected_diagonal):
        steps = list(module.derive())
        assert len({step.why for step in steps}) == len(steps), module.__name__
        said = [relation_text(step.relation) for step in steps]
        assert not any("E Q" in text or "A'A)" in text or ")^2)^2" in text for text in said), said
    assert "E tr((A0'A0)^2) = " in " ".join(
        map(relation_text, (s.relation for s in expected_gaussian.derive()))
    )
