"""Floor 0: one algorithm text, several number systems, passed as ``ctx``.

A matrix is a NumPy array in every arithmetic: dtype ``object`` holding ``flint.fmpq``
(exact), ``flint.arb`` (ball) or ``mpmath.mpf`` (multiprecision), and ``float64`` in the array
arithmetic, where leading axes are a batch. ``@``, ``+``, ``*`` and ``.mT`` mean the same in all.
"""

from lora_proofs.arithmetic.array import ArrayArithmetic
from lora_proofs.arithmetic.ball import BallArithmetic
from lora_proofs.arithmetic.comparison import Comparison, at_least, at_most, below, equal
from lora_proofs.arithmetic.context import (
    Arithmetic,
    entries,
    inner,
    power,
    scaled,
    squared_norm,
    trace,
)
from lora_proofs.arithmetic.exact import EXACT, ExactArithmetic, rational
from lora_proofs.arithmetic.multiprecision import MultiprecisionArithmetic

__all__ = [
    "EXACT",
    "Arithmetic",
    "ArrayArithmetic",
    "BallArithmetic",
    "Comparison",
    "ExactArithmetic",
    "MultiprecisionArithmetic",
    "at_least",
    "at_most",
    "below",
    "entries",
    "equal",
    "inner",
    "power",
    "rational",
    "scaled",
    "squared_norm",
    "trace",
]
