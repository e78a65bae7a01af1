"""What is asked of a strategy is exactly what comes, and what it finds shrinks to a small thing."""

from fractions import Fraction
from types import SimpleNamespace

import flint
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from lora_proofs.arithmetic import EXACT
from lora_proofs.errors import BadInput
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies import (
    LOSSES,
    REGIMES,
    SPECTRA,
    HypothesisDraw,
    Rejected,
    SeededDraw,
    hypothesis_strategy,
    lora_problem,
    orthogonal_matrix,
    orthonormal_rows,
    permutation,
    rank_matrix,
    spectrum,
    with_eigenvalues,
    with_singular_values,
)
from lora_proofs.strategies.draw import fraction, quarter

SOURCES = [SeededDraw.keyed("test_strategies", index) for index in range(20)]
problems = SimpleNamespace(
    regimes=REGIMES, draw=lambda draw, regime: lora_problem(draw, regime, loss="frobenius")
)
search = settings(
    database=None,
    derandomize=True,
    deadline=None,
    max_examples=500,
    phases=[Phase.generate, Phase.shrink],
)


def is_dyadic(x):
    return x.denominator & (x.denominator - 1) == 0


def characteristic(X):
    return flint.fmpq_mat(X.tolist()).charpoly()


def polynomial(roots):
    product = flint.fmpq_poly([1])
    for root in roots:
        product *= flint.fmpq_poly([-EXACT.number(root), 1])
    return product


@pytest.mark.parametrize("entry", [fraction, quarter])
@pytest.mark.parametrize(
    "n,m,rank", [(1, 1, 0), (1, 3, 1), (3, 2, 2), (4, 4, 2), (5, 3, 1), (4, 4, 4)]
)
def test_the_rank_asked_for_is_the_rank_that_comes(n, m, rank, entry):
    for draw in SOURCES:
        X = rank_matrix(draw, n, m, rank, entry=entry)
        assert X.shape == (n, m) and EXACT.rank(X) == rank


@pytest.mark.parametrize("dyadic", [False, True])
@pytest.mark.parametrize("n,m", [(1, 1), (2, 3), (4, 2), (3, 3)])
@pytest.mark.parametrize("kind", SPECTRA)
def test_the_singular_values_asked_for_are_the_ones_that_come(kind, n, m, dyadic):
    for draw in SOURCES:
        values = spectrum(draw, min(n, m), kind)
        X = with_singular_values(draw, n, m, values, dyadic=dyadic)
        gram = X @ X.mT if n <= m else X.mT @ X
        assert characteristic(gram) == polynomial(s**2 for s in values)
        assert not dyadic or all(is_dyadic(Fraction(int(x.p), int(x.q))) for x in X.flat)


def test_the_eigenvalues_asked_for_are_the_ones_that_come():
    for draw in SOURCES:
        values = [fraction(draw) for _ in range(3)]
        assert characteristic(with_eigenvalues(draw, values)) == polynomial(values)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_spectra_are_what_their_kind_says(size):
    for draw in SOURCES:
        drawn = {kind: spectrum(draw, size, kind) for kind in SPECTRA}
        assert all(s == tuple(sorted(s, reverse=True)) and min(s) >= 0 for s in drawn.values())
        assert len(set(drawn["distinct"])) == size and min(drawn["distinct"]) > 0
        assert size == 1 or len(set(drawn["tied"])) < size
        assert len(set(drawn["flat"])) == 1 and drawn["flat"][0] > 0
        assert drawn["with zeros"][-1] == 0 and set(drawn["zero"]) == {0}


def test_orthogonal_matrices_reach_both_components_and_are_exact():
    determinants = set()
    for draw in SOURCES:
        Q = orthogonal_matrix(draw, 3)
        assert (Q.mT @ Q == EXACT.identity(3)).all()
        determinants.add(int(flint.fmpq_mat(Q.tolist()).det().p))
    assert determinants == {1, -1}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("regime", REGIMES)
def test_every_regime_is_drawn_and_fits_together(regime, loss):
    for draw in SOURCES:
        x = lora_problem(draw, regime, loss=loss)
        n, m, r = len(x.W0), len(x.W0[0]), len(x.A0)
        assert (len(x.A0[0]), len(x.B0), len(x.B0[0])) == (m, n, r)
        assert x.regimes == (regime,) and x.loss == loss
        assert n == m if loss == "trace-squared" else (len(x.Y), len(x.Y[0])) == (n, m)
        assert Instance.from_json(x.to_json()) == x


def properties_of(x):
    """What the names of the regimes promise, decided exactly."""
    lifted = x.lift(EXACT)
    n, m, r = len(x.W0), len(x.W0[0]), len(x.A0)
    entries = [
        entry for name in ("W0", "Y", "A0", "B0") for row in getattr(x, name) for entry in row
    ]
    ranks = [EXACT.rank(X) for X in (lifted.A0, lifted.B0)]
    values = (lifted.Y - lifted.W0) @ (lifted.Y - lifted.W0).mT
    factors = flint.fmpq_mat(values.tolist()).charpoly().factor()[1]
    return {
        "generic": ranks == [r, r],
        "zero B0": not lifted.B0.any() and ranks[0] == r,
        "zero A0": not lifted.A0.any() and ranks[1] == r,
        "zero W0": not lifted.W0.any(),
        "rank deficient": max(ranks) < r
        and EXACT.rank(lifted.W0) < min(n, m)
        and all(map(is_dyadic, entries)),
        "r = 1": r == 1 and all(map(is_dyadic, entries)),
        "r = min(n, m)": r == min(n, m),
        "r > min(n, m)": r > min(n, m),
        "tiny scale": all(abs(a) < 1 / 8 for row in x.A0 for a in row)
        and all(map(is_dyadic, entries)),
        "huge scale": lifted.A0.any() and all(map(is_dyadic, entries)),
        "cone": n == m and any((s * lifted.A0.mT == lifted.B0).all() for s in (1, -1)),
        "tied spectrum": any(count > 1 or n > m for _, count in factors)
        and all(map(is_dyadic, entries)),
        "orthonormal rows": not lifted.B0.any()
        and (lifted.A0 @ lifted.A0.mT == EXACT.identity(r)).all(),
    }


@pytest.mark.parametrize("regime", REGIMES)
def test_regimes_are_what_their_names_say(regime):
    for draw in SOURCES:
        assert properties_of(lora_problem(draw, regime, loss="frobenius"))[regime]


@pytest.mark.parametrize("regime", REGIMES)
def test_hypothesis_never_rejects_a_problem(regime):
    @settings(search, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
    @given(hypothesis_strategy(problems, regime))
    def draws(x):
        assert properties_of(x)[regime]

    draws()


def entries(x):
    return sum(len(row) for name in x if name != "loss" for row in getattr(x, name))


@pytest.mark.parametrize(
    "condition,largest",
    [
        (lambda x: True, 4),
        (lambda x: len(x.W0) != len(x.W0[0]), 8),
        (lambda x: len(x.A0) >= 2 and EXACT.rank(x.lift(EXACT).A0) < len(x.A0), 16),
    ],
    ids=["anything", "not square", "factor without full rank"],
)
def test_hard_examples_are_found_and_shrink(condition, largest):
    x = find(hypothesis_strategy(problems), condition, settings=search)
    assert entries(x) <= largest and len(repr(x)) < 300


def test_the_null_set_where_trace_squared_lora_fails_is_found_and_shrinks():
    """B0 = sgn(tr W0) A0' with A0 and tr W0 nonzero: no generic draw would ever hit it."""

    def fails(x):
        lifted, w0 = x.lift(EXACT), sum(x.W0[i][i] for i in range(len(x.W0)))
        sign = (w0 > 0) - (w0 < 0)
        return sign and lifted.A0.any() and not (lifted.B0 - sign * lifted.A0.mT).any()

    squared = SimpleNamespace(
        regimes=REGIMES, draw=lambda draw, regime: lora_problem(draw, regime, loss="trace-squared")
    )
    x = find(hypothesis_strategy(squared), fails, settings=search)
    assert entries(x) == 3 and abs(x.A0[0][0]) <= 2


def test_a_rejected_draw_is_replaced():
    def draw(source, regime):
        k = source.integer(0, 20)
        if k % 2:
            raise Rejected
        return Instance(k=k)

    odd = SimpleNamespace(regimes=("even",), draw=draw)
    assert find(hypothesis_strategy(odd), lambda x: x.k > 4, settings=search).k == 6


@given(st.data())
@settings(search, max_examples=50)
def test_permutations_under_hypothesis(data):
    assert sorted(permutation(HypothesisDraw(data.draw), 5)) == list(range(5))


def test_seeded_draws_depend_on_the_key_alone():
    first = [
        lora_problem(SeededDraw.keyed(0, "k", i), "generic", loss="frobenius") for i in range(5)
    ]
    again = [
        lora_problem(SeededDraw.keyed(0, "k", i), "generic", loss="frobenius") for i in range(5)
    ]
    other = [
        lora_problem(SeededDraw.keyed(1, "k", i), "generic", loss="frobenius") for i in range(5)
    ]
    assert first == again != other


@pytest.mark.parametrize(
    "call,message",
    [
        (
            lambda d: rank_matrix(d, 2, 3, 3),
            "expected a rank between 0 and 2 for shape (2, 3), got 3",
        ),
        (lambda d: orthonormal_rows(d, 3, 2), "expected between 1 and 2 orthonormal rows"),
        (lambda d: spectrum(d, 2, "nice"), "expected a kind of spectrum among distinct"),
        (lambda d: with_singular_values(d, 2, 2, (1,)), "expected 2 singular values >= 0"),
        (lambda d: with_singular_values(d, 1, 1, (-1,)), "expected 1 singular values >= 0"),
        (lambda d: lora_problem(d, "nice", loss="frobenius"), "expected a regime among generic"),
        (lambda d: lora_problem(d, "generic", loss="nice"), "expected a loss among frobenius"),
        (lambda d: hypothesis_strategy(problems, "nice"), "expected a regime among 'generic'"),
        (lambda d: d.integer(2, 1), "expected low <= high"),
    ],
)
def test_bad_requests_say_what_was_expected(call, message):
    with pytest.raises(BadInput) as caught:
        call(SOURCES[0])
    assert message in str(caught.value)
