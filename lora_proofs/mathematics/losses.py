"""Losses as frozen values, made by name: each has value, gradient, Hessian action and a word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lora_proofs.arithmetic.context import Arithmetic
from lora_proofs.errors import BadInput
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.loss_kinds import (
    Cubic,
    Frobenius,
    Linear,
    LogCosh,
    Loss,
    TraceSquared,
    entrywise,
)

__all__ = [
    "Cubic",
    "Frobenius",
    "Linear",
    "LogCosh",
    "Loss",
    "TraceSquared",
    "cubic",
    "entrywise",
    "frobenius",
    "linear",
    "log_cosh",
    "loss_from_instance",
    "trace_squared",
]


def _exact(name: str, rows: Any) -> Any:
    """Rows as nested tuples of fractions; an array stays in its own arithmetic."""
    if rows is None or isinstance(rows, np.ndarray):
        return rows
    return dict(Instance(**{name: rows}).fields)[name]


def trace_squared() -> TraceSquared:
    """f(W) = 1/2 (tr W)^2.

    >>> from lora_proofs.arithmetic import EXACT
    >>> trace_squared().value(EXACT.matrix([[1, 2], [3, 4]]), EXACT)
    25/2
    """
    return TraceSquared()


def frobenius(Y: Any) -> Frobenius:
    """f(W) = 1/2 ||W - Y||_F^2; Y is exact rows, or an array of the arithmetic in use.

    >>> from lora_proofs.arithmetic import EXACT
    >>> frobenius([[1, 0]]).gradient(EXACT.matrix([[3, "1/2"]]), EXACT)
    array([[2, 1/2]], dtype=object)
    """
    return Frobenius(_exact("Y", Y))


def linear(C: Any) -> Linear:
    """f(W) = <C, W>.

    >>> from lora_proofs.arithmetic import EXACT
    >>> linear([[1, 2]]).value(EXACT.matrix([[3, 4]]), EXACT)
    11
    """
    return Linear(_exact("C", C))


def log_cosh(Y: Any = None) -> LogCosh:
    """f(W) = sum_ij log cosh(W_ij - Y_ij): its gradient is bounded and 1-Lipschitz.

    >>> from lora_proofs.arithmetic import EXACT
    >>> log_cosh([[2]]).gradient(EXACT.matrix([[2]]), EXACT)
    array([[0]], dtype=object)
    """
    return LogCosh(_exact("Y", Y))


def cubic(C: Any, P: Any, Q: Any, R: Any) -> Cubic:
    """f(W) = <C, W> + 1/2 <W, P W Q> + 1/3 tr((W R')^3).

    >>> from lora_proofs.arithmetic import EXACT
    >>> cubic([[0]], [[2]], [[1]], [[1]]).value(EXACT.matrix([[3]]), EXACT)
    18
    """
    return Cubic(_exact("C", C), _exact("P", P), _exact("Q", Q), _exact("R", R))


_BY_NAME: dict[str, tuple[Callable[..., Loss], tuple[str, ...]]] = {
    "frobenius": (frobenius, ("Y",)),
    "trace-squared": (trace_squared, ()),
    "log-cosh": (log_cosh, ()),
    "linear": (linear, ("C",)),
    "cubic": (cubic, ("C", "P", "Q", "R")),
}


def loss_from_instance(instance: Any, ctx: Arithmetic | None = None) -> Loss:
    """The loss that an instance names in its field ``loss``, with the matrices it carries.

    ``instance`` may also be what ``Instance.lift`` gives. With ``ctx`` the matrices are lifted
    once, for that arithmetic. Raises ``BadInput`` for an unknown name or a missing matrix.

    >>> loss_from_instance(Instance(loss="frobenius", Y=[[1]])).name
    'frobenius'
    """
    name = getattr(instance, "loss", None)
    if name not in _BY_NAME:
        raise BadInput(
            f"loss: expected one of {', '.join(_BY_NAME)}, got {name!r}; set the field 'loss'"
        )
    make, needed = _BY_NAME[name]
    fields = {k: getattr(instance, k, None) for k in needed or ("Y",) * (name == "log-cosh")}
    missing = [k for k in needed if fields[k] is None]
    if missing:
        raise BadInput(f"loss {name}: expected the matrix {missing[0]} beside it, got none")
    if ctx is not None:
        fields = {k: ctx.matrix(v) if v is not None else None for k, v in fields.items()}
    return make(**fields)
