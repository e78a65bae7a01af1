"""Where arrays come from, and which are refused."""

from __future__ import annotations

import array_api_strict as strict
import numpy as np
import pytest

from lora_proofs.errors import BadInput, Unavailable
from lora_proofs.kernels import full_flow
from lora_proofs.kernels.namespace import batch_arrays, namespace


def test_numbers_lists_and_numpy_are_numpy():
    assert namespace(1.0, [2], np.zeros(1), None) is np


def test_other_arrays_name_their_library_and_take_plain_numbers_along():
    xp, (x, y) = batch_arrays(strict.ones(2), np.arange(3))
    assert xp.__name__ == "array_api_strict"
    assert x.dtype == y.dtype == xp.float64


def test_two_libraries_do_not_mix():
    class Foreign:
        def __array_namespace__(self):
            return pytest

    with pytest.raises(BadInput, match="all of one library"):
        namespace(strict.ones(1), Foreign())


def test_what_needs_array_api_compat_says_so(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "array_api_compat", None)
    with pytest.raises(Unavailable, match=r"lora_proofs\[gpu\]"):
        namespace(object())


@pytest.mark.parametrize("target", [True, False])
def test_full_parameter_flows_meet_their_formula_in_every_namespace(target):
    W0, Y = np.array([[[1.0, 2], [3, 4]]]), np.array([[[0.0, 1], [1, 0]]])
    t = 0.75
    exact = Y + (W0 - Y) * np.exp(-t) if target else W0 - 2.5 * (1 - np.exp(-2 * t)) * np.eye(2)
    for xp in (np, strict):
        got = full_flow(xp.asarray(W0), xp.asarray(Y) if target else None, t)
        assert np.abs(np.asarray(got.W) - exact).max() <= float(got.error[0])
        assert float(got.error[0]) < 1e-13
    assert full_flow(np.full((1, 2, 2), np.inf), None, 1.0).failed.all()
