"""Starts that leave a saddle by rounding alone: every flow kernel fails on them, and says so."""

from functools import partial

import array_api_strict as strict
import numpy as np
import pytest

from lora_proofs.errors import ToleranceNotMet
from lora_proofs.kernels import factored_flow, lora_flow

WAYS = {
    "auto": lora_flow,
    "general": partial(lora_flow, method="general"),
    "compiled": partial(lora_flow, method="general", backend="compiled"),
    "array API": partial(lora_flow, method="general"),
    "array API, closed": lora_flow,
}


def flow(way, E, A0, B0, t):
    given = [np.zeros_like(E), E, A0, B0]
    if way.startswith("array"):
        given = [strict.asarray(X) for X in given]
    return WAYS[way](*given, t)


def reflection(v):
    """|v|^2 I - 2 v v', a matrix of whole numbers with orthogonal rows."""
    v = np.array(v)
    return v @ v * np.eye(len(v)) - 2 * np.outer(v, v)


def learns_the_third(first, second):
    """A start whose flow learns the third singular direction alone: E, A0, B0 and the limit."""
    U, V = reflection(first), reflection(second)
    small = 2.0 ** -np.ceil(np.log2(np.linalg.norm(U, 2) * np.linalg.norm(V, 2)))
    E = U @ np.diag([4, 3, 2]) @ np.eye(3, len(V)) @ V.T * small
    limit = U @ np.diag([0, 0, 2]) @ np.eye(3, len(V)) @ V.T * small
    A0 = V[:, 2] * 2.0 ** -np.ceil(np.log2(np.linalg.norm(V, 2)))
    return E[None], A0[None, None], np.zeros((1, 3, 1)), limit


TURNS = [
    ((3, 3, 3), (0, 1, 1, -1)),  # rounding alone fills the zeros of V
    ((1, 2, 2), (1, 1, 1)),
    ((0, 0, 1), (1, 1, 1, 1)),
    ((2, 1, 3), (1, -2, 2)),
]


@pytest.mark.parametrize(
    ("way", "first", "second"),
    [(way, *turn) for way in WAYS for turn in TURNS[: 1 if way == "array API" else 4]],
)
def test_a_turned_saddle_is_stayed_at_or_told(way, first, second):
    E, A0, B0, limit = learns_the_third(first, second)
    end = flow(way, E, A0, B0, 60.0)
    if not bool(end.failed[0]):  # it rounds nothing
        assert np.abs(np.asarray(end.W)[0] - limit).max() <= float(end.error[0])
    moved = A0 + 2.0**-20 * reflection(second)[:, 0]  # then it is no saddle
    assert not bool(flow(way, E, moved, B0, 30.0).failed[0])


@pytest.mark.parametrize("way", WAYS)
def test_two_directions_that_are_not_axes(way):
    E, A0 = np.array([[[34.0, 12], [12, 41]]]), np.array([[[4.0, -3]]])
    end = flow(way, E, A0, np.zeros((1, 2, 1)), 5.0)
    assert bool(end.failed[0])
    assert "error" in end.why(0)
    assert not bool(flow(way, E, A0 + np.array([0.0, 1e-9]), np.zeros((1, 2, 1)), 5.0).failed[0])


@pytest.mark.parametrize(
    ("way", "ulps"), [(way, ulps) for way in WAYS if way != "array API" for ulps in (0, 1, -3)]
)
def test_a_cone_that_ends_in_the_saddle(way, ulps):
    one = np.ones((1, 1, 1))
    end = flow(way, one, 0.7 * one, -0.7 * (1 + ulps * 2.0**-52) * one, 100.0)
    assert bool(end.failed[0])


def test_aligned_saddles_are_exact():
    E, A0 = np.diag([50.0, 25])[None], np.array([[[0.0, 5]]])
    for way in WAYS:
        end = flow(way, E, A0, np.zeros((1, 2, 1)), 5.0)
        assert not bool(end.failed[0])
        assert np.abs(np.asarray(end.W)[0] - np.diag([0.0, 25])).max() <= float(end.error[0])


def test_large_matrices_in_factors():
    E, A0, B0, _ = learns_the_third((1, 2, 2), (1, 1, 1))
    with pytest.raises(ToleranceNotMet, match="error"):
        factored_flow(E[0], np.eye(3), A0[0], B0[0], 60.0)
