"""Words evaluated on a batch of float matrices give what they give one matrix at a time."""

from __future__ import annotations

import numpy as np
import pytest

from lora_proofs.arithmetic.array import ArrayArithmetic
from lora_proofs.mathematics import words as w
from lora_proofs.mathematics.evaluate import evaluate

W = w.Symbol("W", "n", "n")
S = w.Scalar("s")

EXPRESSIONS = {
    "a trace times a matrix": w.Trace(W) * W,
    "a square of a trace times a matrix": w.Trace(W) ** 2 * W.T,
    "a trace times a product": w.Trace(W @ W) * (W @ W.T),
    "a norm times a matrix": w.Norm("F", (W,)) * W,
    "a trace times a trace": w.Trace(W) * w.Trace(W @ W),
    "a scalar times a trace times a matrix": S * (w.Trace(W) * W),
    "a trace times the identity": w.Trace(W) * w.Identity("n"),
}


@pytest.mark.parametrize("shape", [(2, 2, 2), (3, 2, 2), (2, 3, 2, 2)], ids=str)
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_a_batch_agrees_with_its_members(name: str, shape: tuple[int, ...]) -> None:
    expression, array = EXPRESSIONS[name], ArrayArithmetic()
    X = np.random.default_rng(7).normal(size=shape)
    whole = evaluate(expression, {W: X, S: 3.0}, array)
    for at in np.ndindex(shape[:-2]):
        alone = evaluate(expression, {W: X[at], S: 3.0}, array)
        np.testing.assert_allclose(whole[at], alone, rtol=1e-14, atol=0)


def test_a_batch_of_numbers_scales_a_batch_of_matrices() -> None:
    X = np.arange(8.0).reshape(2, 2, 2)
    found = evaluate(S * W, {W: X, S: np.array([2.0, -1.0])}, ArrayArithmetic())
    np.testing.assert_array_equal(found, [2 * X[0], -X[1]])
