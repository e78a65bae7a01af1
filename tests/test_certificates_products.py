"""Factors, singular values and bundles as certificates: what the checker finds in them."""

from __future__ import annotations

from fractions import Fraction as Q

import numpy as np
import pytest

from lora_proofs.arithmetic import EXACT
from lora_proofs.certificates.products import (
    Members,
    bundle,
    halves,
    less,
    product_certificate,
    singular_certificate,
    thirds,
    transposed,
)
from lora_proofs.checker import Invalid, check
from lora_proofs.constructions.adapters import Adapter

W = EXACT.matrix([[1, "2/3"], [0, 5], [7, -1]])
ADAPTER = Adapter(
    EXACT.matrix([["1/3", 0], [2, 0], ["-5/9", 0]]), EXACT.matrix([[3, "1/7"], [0, 0]])
)
NONE = Adapter(EXACT.zeros(3, 0), EXACT.zeros(0, 2))


@pytest.mark.parametrize("split", [halves, thirds])
def test_factors_of_an_adapted_weight(split):
    told = product_certificate(split(W, ADAPTER), "")
    wanted = W + ADAPTER.B @ ADAPTER.A
    assert (EXACT.matrix(told["equals"]) == wanted).all()
    assert len(check(told)) == 3
    assert split(W, NONE) == [W]
    turned = product_certificate(transposed(split(W, ADAPTER)), "")
    assert (EXACT.matrix(turned["equals"]) == wanted.T).all()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_matrix_that_is_taken_off_stands_beside_the_first_factor(count):
    factors = [W, EXACT.matrix([[1, 2], [3, 5]]), EXACT.matrix([[0], [1]])][:count]
    X = EXACT.matrix([[4 + i + j for j in range(factors[-1].shape[1])] for i in range(3)])
    told = product_certificate(less(factors, X), "")
    whole = factors[0]
    for F in factors[1:]:
        whole = whole @ F
    assert (EXACT.matrix(told["equals"]) == whole - X).all()
    assert (EXACT.matrix(told["factors"][0])[:, 2:] == X).all()


def test_bounds_of_singular_values_are_close_and_hold():
    M = EXACT.matrix([[1, 1], [0, 1]])
    for index, value in enumerate(np.linalg.svd([[1, 1], [0, 1]], compute_uv=False), 1):
        told = singular_certificate(M, index, "")
        low, high = Q(told["lower"]), Q(told["upper"])
        assert check(told) and high - low < Q(1, 10**20) and abs(float(low) - value) < 1e-12
    zero = singular_certificate(EXACT.matrix([[1, 1], [1, 1]]), 2, "")
    assert (zero["lower"], zero["upper"]) == (0, 0) and check(zero)


def test_members_know_their_number():
    one = product_certificate([EXACT.matrix([[2]]), EXACT.matrix([[3]])], "")
    told = Members()
    assert [told.add(one), told.add(one, (["equals"], [0, "equals"]))] == [0, 1]
    assert told.same == [([1, "equals"], [0, "equals"])]
    assert check(bundle(told.parts, told.same))[-1] == (
        "checked: 1 equalities between places of the bundle"
    )
    told.add(one, (["equals"], [0, "factors", 0]))
    with pytest.raises(Invalid, match=r"^certificates\[2\]\.equals and certificates\[0\]\.factors"):
        check(bundle(told.parts, told.same))
