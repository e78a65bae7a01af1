"""Numbers of an arithmetic as the exact numbers that they are, and back, rounded to one side."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.array import ArrayArithmetic
from lora_proofs.arithmetic.context import Arithmetic, Scalar
from lora_proofs.arithmetic.exact import fmpq
from lora_proofs.arithmetic.multiprecision import MultiprecisionArithmetic


def exact_values(X: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """An array of floats, multiprecision or exact numbers as the rationals that they are.

    >>> exact_values(np.array([[0.5, 2.0]]))
    array([[1/2, 2]], dtype=object)
    """
    out = np.empty(X.shape, dtype=object)
    for i, x in enumerate(X.flat):
        out.flat[i] = exact_value(x)
    return out


def exact_value(x: Scalar) -> flint.fmpq:
    """One number as the rational that it is.

    >>> exact_value(MultiprecisionArithmetic(30).number("-0.75"))
    -3/4
    """
    if not hasattr(x, "_mpf_"):
        return fmpq(x)
    sign, mantissa, exponent, _ = x._mpf_
    return flint.fmpq(-int(mantissa) if sign else int(mantissa)) * flint.fmpq(2) ** int(exponent)


def rounded_up(q: flint.fmpq, ctx: Arithmetic) -> Scalar:
    """A number of the arithmetic that is at least q, by a unit in its last place or less.

    >>> third = flint.fmpq(1, 3)
    >>> up = rounded_up(third, ArrayArithmetic())
    >>> bool(exact_value(up) > third), exact_value(up) - third < flint.fmpq(1, 2**53)
    (True, True)
    """
    if isinstance(ctx, ArrayArithmetic):
        found = float(Fraction(int(q.p), int(q.q)))
        return found if exact_value(found) >= q else math.nextafter(found, math.inf)
    if isinstance(ctx, MultiprecisionArithmetic):
        return ctx.mp.fdiv(int(q.p), int(q.q), rounding="c")  # towards plus infinity
    return ctx.number(q)


def rounded_down(q: flint.fmpq, ctx: Arithmetic) -> Scalar:
    """A number of the arithmetic that is at most q, by a unit in its last place or less.

    >>> bool(exact_value(rounded_down(flint.fmpq(1, 3), ArrayArithmetic())) < flint.fmpq(1, 3))
    True
    """
    return -rounded_up(-q, ctx)
