"""A construction at as many digits as it takes: the precision is raised until the answer holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np

from lora_proofs.arithmetic.array import ArrayArithmetic
from lora_proofs.arithmetic.context import Arithmetic
from lora_proofs.arithmetic.multiprecision import MultiprecisionArithmetic
from lora_proofs.errors import BadInput, ToleranceNotMet

T = TypeVar("T")
FLOAT64_DIGITS = 16
LADDER = (16, 30, 60, 120, 240, 480)
"""Digits that are tried in turn; the first is float64."""


def arithmetic_of(digits: int) -> Arithmetic:
    """float64 for at most 16 digits, multiprecision beyond.

    >>> arithmetic_of(16).name, arithmetic_of(30).name
    ('array', 'multiprecision')
    """
    return ArrayArithmetic() if digits <= FLOAT64_DIGITS else MultiprecisionArithmetic(digits)


def at_enough_digits(
    build: Callable[[Arithmetic], T],
    accept: Callable[[T], bool],
    digits: Iterable[int] = LADDER,
) -> T:
    """What ``build`` makes at the first number of digits at which ``accept`` takes it.

    A build that finds a matrix singular to its precision counts as not accepted. Raises
    ``ToleranceNotMet`` where no number of digits is enough.

    >>> at_enough_digits(lambda ctx: ctx.name, lambda name: name == "multiprecision", (16, 30))
    'multiprecision'
    """
    tried: list[int] = []
    for number in digits:
        tried.append(number)
        try:
            with np.errstate(all="ignore"):  # an overflow is refused below, and digits help
                found = build(arithmetic_of(number))
        except (BadInput, np.linalg.LinAlgError):
            continue
        if accept(found):
            return found
    raise ToleranceNotMet(
        f"expected an answer within the tolerance at one of {tried} digits, got none; allow more "
        "digits or a larger tolerance"
    )
