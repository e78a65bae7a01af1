"""Bad input at the public doors of the kernels: refused in words, and no number silently wrong."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest

from lora_proofs.arithmetic import MultiprecisionArithmetic
from lora_proofs.errors import BadInput, ShapeMismatch
from lora_proofs.kernels import (
    factored_flow,
    factored_trace_squared,
    full_flow,
    gradient_descent,
    linear_batch,
    lora_flow,
    product_spectra,
    relu_batch,
    relu_values,
)
from lora_proofs.mathematics.closed_forms import trace_squared_closed_form
from lora_proofs.mathematics.frobenius_riccati import frobenius_riccati_closed_form

W, T = np.zeros((2, 3, 3)), np.ones((2, 3, 3))
A, B, X = np.ones((2, 2, 3)), np.ones((2, 3, 2)), np.ones((2, 3))
EYE, COLUMN = np.eye(3)[None] + W, np.ones((3, 1))
DOORS = {
    "lora_flow": (lora_flow, (W, T, A, B, 1.0)),
    "trace-squared": (lambda W0, A0, B0, t: lora_flow(W0, None, A0, B0, t), (W, A, B, 1.0)),
    "full_flow": (full_flow, (W, T, 1.0)),
    "descent": (lambda *x: gradient_descent("frobenius", *x), (W, T, A, B, 0.1, 2)),
    "linear_batch": (lambda V, Y, r: linear_batch([V, V], Y, [r, 1]), (EYE, T, 1)),
    "relu_batch": (
        lambda V, Y, b, r, c, radius: relu_batch([V, V], Y, b, [r, 1], c, radius),
        (EYE, T, X, 1, X, np.ones(2)),
    ),
    "relu_values": (lambda V, b, x: relu_values([V], [b], x), (EYE, X, T)),
    "product_spectra": (product_spectra, (B, A)),
    "factored_flow": (factored_flow, (COLUMN, COLUMN, A[0], B[0], 1.0)),
    "factored_trace": (factored_trace_squared, (COLUMN, COLUMN, A[0], B[0], 1.0)),
}
HOPELESS = {
    "None in a list": [None],
    "text": "abc",
    "text of a number": "1.0",
    "ragged": [[1.0], [1.0, 2.0]],
    "empty": [],
    "complex": 1j * np.ones((2, 3, 3)),
    "a mapping": {"a": 1},
    "masked": np.ma.masked_array([1.0, 2.0], [False, True]),
    "no rows": np.zeros((2, 0, 3)),
    "no columns": np.zeros((2, 3, 0)),
    "four axes": np.zeros((2, 2, 3, 3)),
    "too large": 10**400,
    "dates": np.array([1, 2], dtype="M8[s]"),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("what", HOPELESS)
def test_what_no_kernel_can_use_is_refused_in_words(door, what):
    call, good = DOORS[door]
    call(*good)
    for i in range(len(good)):
        with pytest.raises(BadInput, match=r"expected .*got"):
            call(*good[:i], HOPELESS[what], *good[i + 1 :])


@pytest.mark.parametrize("place", range(4))
def test_none_does_not_shift_the_other_arguments(place):
    given = [W, A, B, 1.0]
    given[place] = None
    with pytest.raises(BadInput, match=f"^{('W0', 'A0', 'B0', 't')[place]}: .*got None"):
        lora_flow(given[0], T, *given[1:])


@pytest.mark.parametrize(
    "option",
    [
        *({"scale": x} for x in ("2", np.ones(2), 0.0, np.nan, 1e-300, 1j, True)),
        *({"tolerance": x} for x in ("1e-9", None, np.nan, [1e-9])),
        *({"most_steps": x} for x in (np.nan, 10**30, 1.5, 0, "9", np.inf)),
        *({"method": x} for x in (None, ["auto"], np.ones(2))),
        {"backend": 1},
        {"estimate": "no"},
        {"factors": 2},
    ],
    ids=str,
)
def test_options_of_a_flow_are_checked(option):
    with pytest.raises(BadInput, match=f"^{next(iter(option))}: expected .*got"):
        lora_flow(W, T, A, B, 1.0, **option)


def test_shapes_and_whole_numbers_are_checked():
    for wrong in ((W, T, A[0], B, 0.1, 1), (W, T, A, B, [[0.1], [0.1]], 1), (W, T, A, B, X[0], 1)):
        with pytest.raises(ShapeMismatch, match=r"A0 \(N, r, m\)"):
            gradient_descent("frobenius", *wrong)
    for steps in (1.5, "2", np.nan, -1):
        with pytest.raises(BadInput, match=r"^steps: expected"):
            gradient_descent("frobenius", W, T, A, B, 0.1, steps)
    with pytest.raises(BadInput, match=r"^ranks\[0\]: .*got 1\.5"):
        linear_batch([EYE], T, [1.5])
    with pytest.raises(ShapeMismatch, match="B0"):
        lora_flow(W, T, A[:, :0], B[:, :, :0], 1.0)
    with pytest.raises(BadInput, match="radius: expected numbers that are 0 or more, got -1"):
        relu_batch([EYE], T, X, [1], X, [1.0, -1.0])
    for t in (np.inf, np.nan, np.ones(2)):
        with pytest.raises(BadInput, match=r"^t: expected one"):
            factored_flow(COLUMN, COLUMN, A[0], B[0], t)
    assert "time" in lora_flow(W, T, A, B, np.inf).why(0)


def test_a_product_that_overflows_fails_alone():
    big = EYE * [[[1e200]], [[1.0]]]
    found = linear_batch([big, big], T, [1, 1])
    assert found.failed.tolist() == [True, False] and found.why(0) == "overflow"


@pytest.mark.parametrize("t", [1e25, 1e30, 1e300])
def test_a_balanced_flow_over_a_very_long_time_does_not_stand_still(t):
    end = lora_flow([[0.0]], [[1.0]], [[[1.0]]], [[[0.0]]], t)
    assert end.why(0) == "too many steps" and np.isnan(end.W[0, 0, 0])


def rows(X):
    return [[Fraction(float(x)) for x in row] for row in X]


def off(found, truth):
    exact = [mpmath.mpf(x) for row in truth.tolist() for x in row]
    return max(abs(mpmath.mpf(float(x)) - y) for x, y in zip(found.ravel(), exact, strict=True))


TINY = [  # the sizes of Y and A0, and the time in units of the rate
    (1e-310, 5e-324, 1.0),
    (5e-324, 1e-80, 3.0),
    (5e-324, 3e-150, 30.0),
    (1e-250, 1e-200, 30.0),
    (1e-250, 1e-160, 300.0),
    (1e-160, 1e-310, 300.0),
    (1.0, 5e-324, 700.0),
    (1.0, 1e-170, 1.0),
    (1e-100, 1e-60, 3.0),
]


@pytest.mark.parametrize("case", TINY, ids=str)
@pytest.mark.parametrize("how", ["auto", "general", "compiled", "trace-squared"])
def test_tiny_numbers_agree_with_many_digits_or_fail(case, how):
    size, start, units = case
    t = min(1e308, units / max(size, start**2, 1e-307))
    W0, Y, A0, B0 = [[0.0]], [[1.3 * size]], [[start]], [[start]]
    digits = MultiprecisionArithmetic(40)
    options = {"method": "general"} if how in ("general", "compiled") else {}
    options["backend"] = "auto" if how == "compiled" else "numpy"
    if how == "trace-squared":
        truth = trace_squared_closed_form(*map(rows, (Y, A0, B0)), Fraction(t), digits)
        end = lora_flow(Y, None, [A0], [B0], t)
    else:
        truth = frobenius_riccati_closed_form(*map(rows, (W0, Y, A0, B0)), Fraction(t), digits)
        end = lora_flow(W0, Y, [A0], [B0], t, **options)
    if end.failed[0]:
        assert np.isnan(end.W[0, 0, 0]) and end.why(0)
        return
    for name in ("A", "B", "W"):
        assert off(getattr(end, name)[0], getattr(truth, name)) <= end.error[0], name


def test_most_tiny_numbers_do_not_fail():
    for size, start in ((1e-250, 1e-125), (1e-100, 1e-60), (1e-280, 1e-140)):
        end = lora_flow([[0.0]], [[size]], [[[start]]], [[[0.0]]], 1 / size, method="general")
        assert not end.failed[0] and end.error[0] < 1e-6 * end.A[0, 0, 0]


def tensors():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    shapes = ((4, 3, 3), (4, 3, 3), (4, 2, 3), (4, 3, 2))
    single = [torch.tensor(rng.normal(size=s), dtype=torch.float32) for s in shapes]
    return torch, [*single[:3], single[3].to(torch.float64)]


@pytest.mark.parametrize("method", ["auto", "general"])
def test_shorter_tensors_come_back_in_float64_with_its_errors(method):
    torch, given = tensors()
    there = lora_flow(*given, 1.0, method=method)
    here = lora_flow(*(x.numpy() for x in given), 1.0, method=method)
    assert there.W.dtype == there.error.dtype == torch.float64
    gap = np.abs(there.W.numpy() - here.W).max(axis=(1, 2))
    assert (gap <= here.error + there.error.numpy()).all() and gap.max() < 1e-9


def test_tensors_that_no_kernel_can_use_are_refused():
    torch, (W0, Y, A0, B0) = tensors()
    with pytest.raises(BadInput, match=r"give A0\.detach\(\)"):
        lora_flow(W0, Y, A0.clone().requires_grad_(), B0, 1.0)
    with pytest.raises(BadInput, match="arrays of NumPy"):
        lora_flow(W0, Y, A0, B0, 1.0, backend="compiled")
    with pytest.raises(BadInput, match="dense"):
        lora_flow(W0.to_sparse(), Y, A0, B0, 1.0)
    with pytest.raises(BadInput, match="real numbers"):
        lora_flow(W0.to(torch.complex64), Y, A0, B0, 1.0)
