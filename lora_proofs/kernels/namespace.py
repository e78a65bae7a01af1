"""Where arrays come from: NumPy, or any namespace of the array-API standard."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from numbers import Real
from typing import Any

import numpy as np

from lora_proofs.errors import BadInput, Unavailable

PLAIN = (Real, list, tuple, np.ndarray, np.generic)
NEITHER = (str, bytes, complex, dict, set, type(None))
"""What is no array of any library."""


def namespace(*arrays: Any) -> Any:
    """The array-API namespace of the arrays: NumPy for plain numbers and for arrays of NumPy.

    Other arrays say it themselves (``__array_namespace__``: JAX, CuPy, array-api-strict) or through
    array-api-compat (PyTorch). Raises ``BadInput`` where two of them differ, and ``Unavailable``
    where array-api-compat is needed and missing.

    >>> namespace(np.zeros(2), 1.0).__name__
    'numpy'
    """
    spaces = [_space(x) for x in arrays if x is not None and not isinstance(x, PLAIN)]
    if any(space is not spaces[0] for space in spaces):
        names = ", ".join(sorted({space.__name__ for space in spaces}))
        raise BadInput(f"arrays: expected all of one library, got {names}; convert them first")
    return spaces[0] if spaces else np


def _space(x: Any) -> Any:
    if hasattr(x, "__array_namespace__"):
        return x.__array_namespace__()
    try:
        compat = import_module("array_api_compat")
    except ImportError:
        raise Unavailable(
            f"a kernel on arrays of type {type(x).__module__}.{type(x).__name__}",
            "array",
            "pip install 'lora_proofs[gpu]' (array-api-compat)",
        ) from None
    try:
        return compat.array_namespace(x)
    except TypeError:
        raise BadInput(
            "arrays: expected arrays of NumPy or of an array-API library, got "
            f"{type(x).__module__}.{type(x).__name__}"
        ) from None


def batch_arrays(*matrices: Any, names: Sequence[str] = ()) -> tuple[Any, list[Any]]:
    """The namespace, and every argument as a float64 array of it, on the device of the first.

    Numbers of other types come as the nearest float64: what is shorter loses nothing. Raises
    ``BadInput``, with the argument's name, for what is ragged, text, complex, ``None``, masked, or
    a tensor that wants a gradient, which no kernel has.

    >>> xp, (X, t) = batch_arrays([[1, 2]], 3)
    >>> X.dtype.name, X.shape, t.shape
    ('float64', (1, 2), ())
    """
    told = [*names, *(["arrays"] * (len(matrices) - len(names)))]
    for name, X in zip(told, matrices, strict=True):
        if isinstance(X, NEITHER):
            raise BadInput(f"{name}: {EXPECTED}, got {_what(X)}")
    xp = namespace(*matrices)
    if xp is np:
        return np, [_real(X, name) for X, name in zip(matrices, told, strict=True)]
    device = next(X.device for X in matrices if not isinstance(X, PLAIN))
    return xp, [_lifted(xp, X, device, name) for X, name in zip(matrices, told, strict=True)]


EXPECTED = "expected real numbers in lists of one shape, or in an array"


def _what(X: Any) -> str:
    return "complex ones" if isinstance(X, complex) else f"{X!r:.40}"


def _real(X: Any, name: str) -> Any:
    """float64, which would read text, drop an imaginary part or a mask, and make None NaN."""
    if np.ma.isMaskedArray(X):
        raise BadInput(f"{name}: {EXPECTED}, got a masked array; fill what is masked")
    try:
        raw = np.asarray(X)
        if raw.dtype.kind in "iufb":
            with np.errstate(over="ignore"):  # of longer floats; it fails in its instance
                return raw.astype(np.float64, copy=False)
        if raw.dtype.kind == "c":
            raise BadInput(f"{name}: expected real numbers, got complex ones")
        if raw.dtype.kind == "O" and all(isinstance(x, Real) for x in raw.flat):
            return raw.astype(np.float64)
    except (ValueError, TypeError, OverflowError, RuntimeError) as error:
        raise BadInput(f"{name}: {EXPECTED}, got what NumPy refuses: {error}") from None
    raise BadInput(f"{name}: {EXPECTED}, got numbers of the type {raw.dtype}")


def _lifted(xp: Any, X: Any, device: Any, name: str) -> Any:
    if isinstance(X, PLAIN):
        plain = _real(X, name)
        X = xp.asarray(plain.ravel().tolist(), dtype=xp.float64, device=device)
        return xp.reshape(X, plain.shape)
    if not xp.isdtype(X.dtype, ("bool", "integral", "real floating")):
        raise BadInput(f"{name}: expected real numbers, got those of the type {X.dtype}")
    layout = str(getattr(X, "layout", "torch.strided"))
    if layout != "torch.strided" or getattr(X, "is_meta", False):
        raise BadInput(f"{name}: expected a dense tensor with entries, got {layout} on {X.device}")
    if getattr(X, "requires_grad", False):
        raise BadInput(
            f"{name}: expected a tensor without requires_grad, since no kernel has a gradient; "
            f"give {name}.detach()"
        )
    try:
        lifted = xp.asarray(X, dtype=xp.float64, device=device)
    except (ValueError, TypeError, RuntimeError, NotImplementedError) as error:
        raise BadInput(f"{name}: expected an array that float64 can hold; {error}") from None
    if lifted.dtype != xp.float64:
        raise BadInput(
            f"{name}: expected a library that computes in float64, got {lifted.dtype}; in JAX set "
            "jax_enable_x64"
        )
    return lifted
