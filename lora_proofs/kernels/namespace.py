"""Where arrays come from: NumPy, or any namespace of the array-API standard."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from lora_proofs.errors import BadInput, Unavailable

PLAIN = (int, float, list, tuple, np.ndarray, np.generic)


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


def batch_arrays(*matrices: Any) -> tuple[Any, list[Any]]:
    """The namespace, and every argument as a float64 array of it, on the device of the first.

    >>> xp, (X, t) = batch_arrays([[1, 2]], 3)
    >>> X.dtype.name, X.shape, t.shape
    ('float64', (1, 2), ())
    """
    xp = namespace(*matrices)
    if xp is np:
        return np, [_real(X) for X in matrices]
    device = next(X.device for X in matrices if not isinstance(X, PLAIN))
    return xp, [_lifted(xp, X, device) for X in matrices]


def _real(X: Any) -> Any:
    """float64, which would drop an imaginary part without a word."""
    if np.iscomplexobj(X):
        raise BadInput("arrays: expected real numbers, got complex ones")
    return np.asarray(X, dtype=np.float64)


def _lifted(xp: Any, X: Any, device: Any) -> Any:
    if isinstance(X, np.ndarray | np.generic):
        X = _real(X).tolist()
    return xp.asarray(X, dtype=xp.float64, device=device)
