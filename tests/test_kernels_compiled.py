"""The compiled backend: the same numbers, errors and failures as NumPy; built once, or refused."""

from __future__ import annotations

import ctypes
import os

import array_api_strict as strict
import numpy as np
import pytest

from lora_proofs.errors import BadInput, Unavailable
from lora_proofs.kernels import REASONS, lora_flow
from lora_proofs.kernels.compiled import building
from lora_proofs.kernels.result import NOT_FINITE, TOO_MANY_STEPS

compiled = pytest.mark.compiled


def problems(n, m, r, count, seed=0):
    """Named regimes; zeros and ties are exact in float64."""
    rng = np.random.default_rng(seed)

    def dyadic(*shape):
        return np.round(rng.normal(size=shape) * 8) / 8

    W0, Y = dyadic(count, n, m), dyadic(count, n, m)
    A0, B0 = dyadic(count, r, m), dyadic(count, n, r)
    tied, wrong = np.zeros((count, n, m)), np.zeros((count, r, m))
    for i in range(min(n, m)):
        tied[:, i, i] = (2, 1, 1, 0.5)[i % 4]
    for j in range(min(r, m - 1)):
        wrong[:, j, j + 1] = 1 + j / 4
    stiff = np.diag(np.logspace(-8, 0, max(n, m)))[:n, :m] @ dyadic(count, m, m)
    return {
        "generic": (W0, Y, A0, B0),
        "zero B0": (W0, Y, A0, 0 * B0),
        "zero A0": (W0, Y, 0 * A0, B0),
        "all zero": (W0, Y, 0 * A0, 0 * B0),
        "ties": (0 * W0, tied, A0, 0 * B0),
        "swapped": (0 * W0, tied[:, ::-1], A0, B0),
        "saddle": (0 * W0, tied, wrong, 0 * B0),
        "near a saddle": (0 * W0, tied, wrong + A0 / 2**20, 0 * B0),
        "nothing to learn": (W0, W0, A0, B0),
        "rank one": (W0, W0 + B0[:, :, :1] @ A0[:, :1], A0, B0),
        "small start": (W0, Y, A0 / 2**20, B0 / 2**20),
        "small": (W0 / 2**27, Y / 2**27, A0 / 2**13, B0 / 2**13),
        "large": (W0 * 2**10, Y * 2**10, A0, B0),
        "large A0": (W0, Y, 16 * A0, B0),
        "wide spectrum": (W0, W0 + stiff, A0, B0),
    }


def both(data, t, **options):
    return (lora_flow(*data, t, method="general", backend=x, **options) for x in building_names)


building_names = ("compiled", "numpy")


@compiled
@pytest.mark.parametrize(
    "shape", [(2, 3, 2), (4, 3, 3), (3, 3, 5), (5, 6, 4), (9, 8, 8), (1, 1, 1)]
)
@pytest.mark.parametrize("regime", problems(1, 1, 1, 1))
def test_it_agrees_with_numpy_within_both_errors(shape, regime):
    data = problems(*shape, 11, seed=2)[regime]
    t = {"large": 2.0**-6, "large A0": 2.0**-4}.get(regime, 4.0)
    here, there = both(data, t)
    assert here.method == "dop853 (compiled)" and there.method == "dop853"
    assert (here.reason == there.reason).all()
    fine = ~here.failed
    assert fine.any()
    room = (here.error + there.error)[fine]
    for name in ("A", "B", "W", "singular_values"):
        gap = np.abs(getattr(here, name) - getattr(there, name))[fine]
        assert (gap.reshape(len(gap), -1).max(axis=1) <= room).all(), name
    assert np.isnan(here.W[~fine]).all()
    size = 1 + np.abs(there.W[fine]).max(axis=(1, 2))
    assert (here.error[fine] <= 3e-5 * size).all()
    kept = here.B[fine] @ here.A[fine] + data[0][fine]
    assert np.abs(here.W[fine] - kept).max() <= 1e-13 * size.max()


@compiled
@pytest.mark.parametrize("scale", [1e-8, 1e-4, 1e4, 1e8])
def test_another_unit_of_length_changes_nothing(scale):
    W0, Y, A0, B0 = problems(4, 5, 3, 9)["generic"]
    plain = lora_flow(W0, Y, A0, B0, 4.0, method="general", backend="compiled")
    root = np.sqrt(scale)
    scaled = lora_flow(
        W0 * scale, Y * scale, A0 * root, B0 * root, 4.0 / scale, method="general",
        backend="compiled",
    )  # fmt: skip
    assert not scaled.failed.any()
    gap = np.abs(scaled.W / scale - plain.W).max(axis=(1, 2))
    assert (gap <= plain.error + scaled.error / min(scale, root)).all()
    assert gap.max() < 1e-8


@compiled
def test_failures_are_those_of_numpy():
    data = [np.repeat(X, 6, axis=0) for X in problems(3, 4, 2, 1)["generic"]]
    (_, Y, A0, B0), t = data, np.array([1.0, 1.0, 1.0, 1e9, np.inf, 1.0])
    Y[0, 1, 1], A0[1, 0, 0], B0[2, 0, 0] = np.nan, np.inf, 1e200
    here, there = both(data, t)
    expected = [NOT_FINITE] * 3 + [TOO_MANY_STEPS, NOT_FINITE, 0]
    assert here.reason.tolist() == there.reason.tolist() == expected
    assert np.isnan(here.W[:5]).all() and np.isnan(here.error[:5]).all()
    assert np.abs(here.W[5] - there.W[5]).max() <= here.error[5] + there.error[5]
    few, same = both(data, 1.0, most_steps=3)
    assert few.why(5) == same.why(5) == REASONS[TOO_MANY_STEPS]


@compiled
def test_an_instance_does_not_depend_on_its_neighbours():
    data = problems(4, 4, 2, 21, seed=3)["generic"]
    t = np.linspace(0, 8, 21)
    whole = lora_flow(*data, t, method="general", backend="compiled")
    for i in (0, 7, 20):
        part = [X[i : i + 1] for X in data]
        one = lora_flow(*part, t[i : i + 1], method="general", backend="compiled")
        assert (one.W[0] == whole.W[i]).all() and (one.A[0] == whole.A[i]).all()
        assert one.error[0] == whole.error[i] and one.steps[0] == whole.steps[i]


@compiled
@pytest.mark.parametrize("shape", [(6, 5, 2), (3, 7, 3), (6, 6, 8)])
def test_the_start_comes_back_with_its_singular_values(shape):
    W0, Y, A0, B0 = problems(*shape, 5, seed=4)["generic"]
    end = lora_flow(W0, Y, A0, B0, 0.0, method="general", backend="compiled")
    assert np.abs(end.A - A0).max() < 1e-13 and np.abs(end.B - B0).max() < 1e-13
    exact = np.linalg.svd(B0 @ A0, compute_uv=False)[:, : min(shape)]
    assert np.abs(end.singular_values - exact).max() < 1e-12
    bare = lora_flow(W0, Y, A0, B0, 0.0, method="general", backend="compiled",
                     singular_values=False)  # fmt: skip
    assert bare.singular_values is None


@compiled
def test_auto_takes_it_for_numpy_alone():
    data = problems(3, 3, 2, 2)["generic"]
    here = lora_flow(*data, 1.0, method="general", backend="auto")
    assert here.method == "dop853 (compiled)"
    other = [strict.asarray(X) for X in data]
    assert lora_flow(*other, 1.0, method="general", backend="auto").method == "dop853"
    with pytest.raises(BadInput, match="arrays of NumPy"):
        lora_flow(*other, 1.0, backend="compiled")
    with pytest.raises(BadInput, match="backend"):
        lora_flow(*data, 1.0, backend="fortran")


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """No library is known, and the cache is empty."""
    monkeypatch.setattr(building, "library", building.cache(building.library.__wrapped__))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "lora_proofs"


@pytest.mark.parametrize("compiler", ["no-such-compiler", "false"])
def test_where_nothing_compiles_numpy_goes_on(fresh, monkeypatch, compiler):
    from lora_proofs.kernels.compiled import frobenius

    monkeypatch.setenv("CC", compiler)
    monkeypatch.setattr(frobenius, "library", building.library)
    data = problems(3, 3, 2, 2)["generic"]
    assert lora_flow(*data, 1.0, method="general", backend="auto").method == "dop853"
    with pytest.raises(Unavailable, match=compiler):
        lora_flow(*data, 1.0, method="general", backend="compiled")


@compiled
def test_it_is_compiled_once_and_kept_where_only_the_user_writes(fresh, monkeypatch):
    monkeypatch.setattr(building, "FLAGS", tuple(x.replace("-O3", "-O0") for x in building.FLAGS))
    assert isinstance(building.library(), ctypes.CDLL)
    (kept,) = fresh.iterdir()
    assert fresh.stat().st_mode & 0o777 == 0o700
    made = kept.stat().st_mtime_ns
    building.cache(building.library.__wrapped__)()
    assert kept.stat().st_mtime_ns == made and len(list(fresh.iterdir())) == 1
    fresh.chmod(0o777)
    assert building._cache() != fresh and os.path.isdir(building._cache())


@compiled
@pytest.mark.parametrize("spoiled", [lambda x: x[: len(x) // 2], lambda x: x[:-9] + b"garbled!!"])
def test_a_library_that_was_cut_short_is_made_again(fresh, monkeypatch, spoiled):
    monkeypatch.setattr(building, "FLAGS", tuple(x.replace("-O3", "-O0") for x in building.FLAGS))
    made = building._made(["cc"])
    content = made.read_bytes()
    made.write_bytes(spoiled(content))
    again = building._made(["cc"])
    assert building._digest(again.read_bytes()) == again.stem.rpartition("-")[2]
    assert again.read_bytes() == content and list(fresh.iterdir()) == [again]
    assert ctypes.CDLL(str(again)).lora_flow


@compiled
def test_roundings_that_the_flow_amplifies_are_in_the_error():
    """Turned saddles: only rounding drives the flow away, which every way in rounds anew."""
    rng = np.random.default_rng(8)
    U, V = (np.linalg.qr(rng.normal(size=(20, 4, 4)))[0] for _ in range(2))
    Y, A0 = U @ np.diag([2.0, 1.5, 1.0, 0.5]) @ V.mT, np.zeros((20, 2, 4))
    A0[:, 0, 2], A0[:, 1, 3] = 1.0, 0.5
    data = (0 * Y, Y, A0 @ V.mT, np.zeros((20, 4, 2)))
    here, there = both(data, 12.0, tolerance=1e-13)
    gap = np.abs(here.W - there.W).max(axis=(1, 2))
    fine = ~(here.failed | there.failed)
    assert fine.any() and gap[fine].max() > 1e-12
    assert (gap <= here.error + 1e-13)[fine].all() and (gap <= there.error + 1e-13)[fine].all()


@compiled
def test_without_an_estimate_there_is_one_run_and_no_error_is_known():
    for name, data in problems(4, 5, 2, 11).items():
        two = lora_flow(*data, 1.0, method="general", backend="compiled")
        one = lora_flow(*data, 1.0, method="general", backend="compiled", estimate=False)
        assert np.all(np.isposinf(one.error) | one.failed) and not np.any(one.failed > two.failed)
        assert np.all(one.steps < two.steps) or not two.steps.any(), name
        assert np.array_equal(one.W[~two.failed], two.W[~two.failed]), name
        assert np.array_equal(one.singular_values[~two.failed], two.singular_values[~two.failed])
