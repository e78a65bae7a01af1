"""The answer to an adaptation instance: adapters, what they reach, and how far that is proved.

Errors are measured from the entries that are printed, in exact numbers or balls, and rounded up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lora_proofs.errors import Unavailable
from lora_proofs.mathematics.literature import leanings
from lora_proofs.solving.adaptation_large import LargeLinearProblem, answer_large
from lora_proofs.solving.adaptation_linear_answer import answer_linear
from lora_proofs.solving.adaptation_problem import (
    LinearProblem,
    Problem,
    ReluProblem,
    TransformerProblem,
)
from lora_proofs.solving.adaptation_relu_answer import answer_relu
from lora_proofs.solving.adaptation_transformer_answer import answer_transformer

Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Adapted:
    """The document that ``adapt --json`` prints, and what it was made from."""

    problem: Problem | LargeLinearProblem
    found: Any
    document: dict[str, Any]


def adapt(
    problem: Problem | LargeLinearProblem,
    digits: int | None = None,
    exact: bool = False,
    say: Say = lambda text: None,
) -> Adapted:
    """Adapters for an instance, with their errors, thresholds and verdict.

    ``digits`` asks for decimal entries that reach the best error to so many digits; without it
    entries are floats where these do. ``exact`` works over the rationals where the construction
    allows it. ``say`` hears what a long run is at.

    >>> from lora_proofs.solving.adaptation_problem import read_adaptation
    >>> told = {"kind": "linear", "frozen": [[[1, 0], [0, 1]]], "target": [[3, 0], [0, 2]]}
    >>> adapt(read_adaptation({**told, "rank": 1})).document["achieved_error"]["spectral"]
    1.0
    """
    # Overflow in floats is met with more digits, so it is no warning to a reader.
    with leanings() as heard, np.errstate(all="ignore"):
        found, told = _answered(problem, digits, exact, say)
    head = {"schema_version": 1, "command": "adapt", "kind": _KIND[type(problem)]}
    tail = {"digits": digits, "cites": list(heard), "certificate": None}
    return Adapted(problem, found, {**head, **told, **tail})


def _answered(
    problem: Problem | LargeLinearProblem, digits: int | None, exact: bool, say: Say
) -> tuple[Any, dict[str, Any]]:
    if isinstance(problem, LargeLinearProblem):
        if digits is not None or exact:
            raise Unavailable("digits or exact numbers at this size", "array", "fewer rows")
        say("float64, with bounds of its rounding")
        return answer_large(problem)
    if isinstance(problem, LinearProblem):
        return answer_linear(problem, digits, exact, say)
    if isinstance(problem, ReluProblem):
        return answer_relu(problem, digits, exact, say)
    return answer_transformer(problem, digits, exact, say)


_KIND: dict[type, str] = {
    LargeLinearProblem: "linear",
    LinearProblem: "linear",
    ReluProblem: "relu-fnn",
    TransformerProblem: "transformer",
}
