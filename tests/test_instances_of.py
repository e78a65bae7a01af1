"""Instances in words: each field is what its words say, in every regime, and none is rejected."""

from fractions import Fraction

import pytest

from lora_proofs import instances_of, lora_problems
from lora_proofs.arithmetic import EXACT
from lora_proofs.errors import BadInput
from lora_proofs.strategies import SeededDraw
from lora_proofs.writing.fields import KINDS, SQUARE


def draws(instances, times=8):
    for regime in instances.regimes:
        for k in range(times):
            yield regime, instances.draw(SeededDraw.keyed("fields", regime, k), regime)


HOLDS = {
    "free": lambda X: True,
    "nonzero": lambda X: any(x != 0 for x in X.flat),
    "zero": lambda X: all(x == 0 for x in X.flat),
    "full rank": lambda X: EXACT.rank(X) == min(X.shape),
    "nonsingular": lambda X: EXACT.rank(X) == len(X),
    "symmetric": lambda X: (X.mT == X).all(),
    "skew": lambda X: (-X.mT == X).all(),
    "diagonal": lambda X: all(X[i, j] == 0 for i in range(len(X)) for j in range(len(X)) if i != j),
    "psd": lambda X: (X.mT == X).all() and X[0, 0] >= 0 and EXACT.rank(X) <= len(X),
    "positive definite": lambda X: EXACT.rank(X) == len(X) and X[0, 0] > 0,
    "orthogonal": lambda X: (X @ X.mT == EXACT.identity(len(X))).all(),
    "orthonormal rows": lambda X: (X @ X.mT == EXACT.identity(len(X))).all(),
    "orthonormal columns": lambda X: (X.mT @ X == EXACT.identity(X.shape[1])).all(),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_matrix_is_of_its_kind(kind):
    shape = "n x n" if kind in SQUARE else "n x m"
    words = shape if kind == "free" else f"{shape} {kind}"
    for _, x in draws(instances_of(X=words)):
        assert HOLDS[kind](EXACT.matrix(x.X)), x


def test_shapes_ranks_and_conditions_fit():
    found = instances_of("k < min(n, m)", D="n x m rank k", B="n x k", sizes={"n": (2, 4)})
    seen = set()
    for regime, x in draws(found, 20):
        D = EXACT.matrix(x.D)
        assert EXACT.rank(D) == len(x.B[0]) < min(D.shape), regime
        assert len(x.B) == len(x.D) and x.regimes == (regime,)
        seen.add(D.shape)
    assert len(seen) > 3


@pytest.mark.parametrize(
    ("words", "inside"),
    [
        ("number > 0", lambda x: x > 0),
        ("number >= 1/2", lambda x: x >= Fraction(1, 2)),
        ("number in (0, 1]", lambda x: 0 < x <= 1),
        ("number in [0, 1/4)", lambda x: 0 <= x < Fraction(1, 4)),
        ("integer in [1, 3]", lambda x: x in (1, 2, 3)),
        ("integer > 2", lambda x: x > 2 and x.denominator == 1),
        ("integer > 1/2", lambda x: x > 0 and x.denominator == 1),
        ("integer >= -3/2", lambda x: x >= -1 and x.denominator == 1),
        ("integer in (1/2, 7/2)", lambda x: x in (1, 2, 3)),
        ("number", lambda x: True),
    ],
)
def test_a_number_is_of_its_interval(words, inside):
    values = {x.h for _, x in draws(instances_of(h=words), 30)}
    assert all(map(inside, values)) and len(values) > 1


def test_regimes_are_what_they_say():
    found = instances_of(B="n x r", A="r x m")
    for regime, x in draws(found):
        matrices = [EXACT.matrix(x.B), EXACT.matrix(x.A)]
        if regime == "one zero":
            assert any(HOLDS["zero"](X) for X in matrices)
        if regime == "rank deficient":
            assert any(EXACT.rank(X) < min(X.shape) for X in matrices)
        if regime == "smallest":
            assert len(x.B) == len(x.A) == 1


def test_problems_have_extra_fields_and_bounded_entries():
    found = lora_problems(size=1, largest=2, h="number in (0, 1]", X="m x k", regimes=("cone",))
    for _, x in draws(found, 20):
        assert len(x.X) == len(x.W0[0]) <= 2 and 0 < x.h <= 1
        assert all(abs(e) <= 1 for M in (x.W0, x.Y, x.A0, x.B0, x.X) for row in M for e in row)
        A, B = EXACT.matrix(x.A0), EXACT.matrix(x.B0)
        assert (A.mT == B).all() or (-A.mT == B).all()


def test_dimensions_that_only_further_fields_have_fit_each_other():
    found = lora_problems(largest=2, X="m x k rank j", regimes=("generic",))
    ranks = {
        (len(x.X), len(x.X[0]), int(EXACT.rank(EXACT.matrix(x.X)))) for _, x in draws(found, 40)
    }
    assert {(1, 1, 1), (2, 2, 1), (2, 2, 2), (2, 1, 1)} <= ranks


def test_a_rank_may_have_a_name_that_is_a_side_or_short():
    for words in ("rows x m rank rows", "n x m rank k_max", "n x m rank r2", "n x m rank 1"):
        instances_of(D=words)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: instances_of(), "at least one field"),
        (lambda: instances_of(B="n times m"), "n x r"),
        (lambda: instances_of(B="n x m orthogonal"), "square"),
        (lambda: instances_of(B="n x m sparse"), "kind of matrix"),
        (lambda: instances_of(B="0 x m"), "dimension"),
        (lambda: instances_of(h="number in [1, 1]"), "more than one"),
        (lambda: instances_of(h="number around 3"), "expected 'number'"),
        (lambda: instances_of("q <= n", B="n x m"), "q"),
        (
            lambda: instances_of("r <= min(n, m)", E="n x m", r="integer in [1, 2]"),
            r"dimension of a field \(n, m\): .* dimensions only. r is a field.*'n x m rank r'",
        ),
        (lambda: instances_of("n about m", B="n x m"), "condition"),
        (lambda: instances_of("n < 1", B="n x m"), "none of"),
        (lambda: instances_of(B="n x m", sizes={"n": (3, 1)}), "low"),
        (lambda: instances_of(B="n x m", regimes="generic"), "tuple of names"),
        (lambda: instances_of(B="n x m", regimes=("cold",)), "cold"),
        (lambda: instances_of(D="n x n rank deficient"), "'k < min"),
        (lambda: instances_of(D="n x n rank maximal"), "'rank maximal'"),
        (lambda: instances_of(D="n x n rank 0"), "D: expected a dimension"),
        (lambda: instances_of(D="n x symmetric"), "D: expected a dimension.*'symmetric'"),
        (lambda: instances_of(D="Rank x m"), "D: expected a dimension.*'Rank'"),
        (lambda: instances_of(D="n x 2r"), "D: expected a dimension.*'2r'"),
        (lambda: instances_of(D="n X r"), "'n x r'"),
        (lambda: instances_of(D="n × r"), "'n x r'"),
        (lambda: instances_of(D="3x"), "'n x r'"),
        (lambda: instances_of(D="n x"), "'n x r'"),
        (
            lambda: instances_of(D="n x n symmetric positive"),
            "kind of matrix.*'symmetric positive'",
        ),
        (lambda: instances_of(h="positive"), "'number > 0'"),
        (lambda: instances_of(h="nonzero number"), "'number > 0'"),
        (lambda: instances_of(h=1), "'number > 0'"),
        (lambda: instances_of(h="number in (1, 0)"), "smaller end first"),
        (lambda: instances_of(h="number < 1"), "'number in"),
        (lambda: instances_of(h="number in [0, oo)"), "h: expected an integer, a decimal"),
        (lambda: instances_of(k="integer in [1/2, 3/4]"), "holds an integer"),
        (lambda: instances_of(k="integer in (1, 2)"), "holds an integer"),
        (lambda: instances_of(replace="n x r"), "field named 'replace'"),
        (lambda: instances_of(B="n x r", lift="number"), "field named 'lift'"),
        (lambda: instances_of(fields="n x r"), "field named 'fields'"),
        (lambda: instances_of(B="n x r", sizes="n x r"), "sizes: expected a mapping"),
        (lambda: lora_problems(to_json="n x r"), "field named 'to_json'"),
        (lambda: lora_problems(X="m x k rank j", Z="m x m rank 4"), "X, Z: .*W0"),
        (lambda: lora_problems(X="n x m orthonormal rows"), "n = 2, m = 1"),
        (lambda: lora_problems(largest=0), "largest"),
        (lambda: lora_problems(size=0), "size"),
        (lambda: lora_problems(loss="hinge"), "hinge"),
        (lambda: lora_problems(W0="n x m"), "another one"),
        (lambda: lora_problems(regimes=("cold",)), "cold"),
    ],
)
def test_words_that_say_nothing_are_refused(make, words):
    with pytest.raises(BadInput, match=words):
        make()
