"""Floats that a check would make exact: refused, since a bound computed in floats is no bound."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import FrameType

from lora_proofs.errors import BadInput

ARITHMETICS = str(Path(__file__).parent)
HOME = str(Path(__file__).parent.parent)
_REFUSED: ContextVar[bool] = ContextVar("floats_refused", default=False)


@contextmanager
def floats_refused(refused: bool = True) -> Iterator[None]:
    """Within the body, exact and ball arithmetic take no float from code outside of this package.

    Constructions of the package look for witnesses in floats, and measure them exactly.

    >>> from lora_proofs.arithmetic.exact import EXACT
    >>> with floats_refused():
    ...     EXACT.number(0.1)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    lora_proofs.errors.BadInput: expected an exact number, got the float 0.1: ...
    """
    token = _REFUSED.set(refused)
    try:
        yield
    finally:
        _REFUSED.reset(token)


def float_met(value: float) -> None:
    """Raise ``BadInput`` where a check of somebody else makes an exact number of a float."""
    if _REFUSED.get() and not _from_here():
        raise BadInput(
            f"expected an exact number, got the float {value!r}: write a constant as text, "
            "ctx.number('1/10'); compute from instance.lift(ctx), with ctx and "
            "lora_proofs.measures. What is computed in floats is rounded and decides nothing; a "
            "witness that was found in floats is made exact on purpose by Fraction(x)"
        )


def _from_here() -> bool:
    """Whether the first caller outside of the arithmetics is a module of this package."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.startswith(ARITHMETICS):
        frame = frame.f_back
    return frame is None or frame.f_code.co_filename.startswith(HOME)
