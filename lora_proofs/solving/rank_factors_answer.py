"""The answer of ``rank-accuracy`` where matrices are in factors, as a JSON document."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import BallArithmetic
from lora_proofs.arithmetic.exact import decimal, rational
from lora_proofs.solving.decimals import exact, printed, radius, upper_string
from lora_proofs.solving.rank_accuracy import BOUNDS, NORMALISERS
from lora_proofs.solving.rank_factors import FactoredAnswer, FactoredPoint

FLOAT_DIGITS = 17
NORMALISER = {**NORMALISERS, "frobenius": "||E||_F, E = Y - W0: the size of the full update"}


class _Numbers:
    """Balls as numbers of the answer, with the largest error that was made."""

    def __init__(self, digits: int | None) -> None:
        self.digits, self.error = digits, Fraction(0)

    def __call__(self, x: Any) -> Any:
        if x is None:
            return None
        if self.digits is not None:
            text, error = printed(x, self.digits)
            self.error = max(self.error, error)
            return text
        value = float(exact(x))
        self.error = max(self.error, abs(Fraction(value) - exact(x)) + radius(x))
        return value


def factored_document(found: FactoredAnswer, digits: int | None) -> dict[str, Any]:
    """The document; updates are not printed, and A0 stands once, for the largest rank.

    >>> from lora_proofs.solving.rank_factors import factored_accuracy, read_factored
    >>> E = {"U": [[2]], "V": [[3]]}
    >>> p = read_factored({"loss": "frobenius", "E": E, "start": "orthonormal"})
    >>> factored_document(factored_accuracy(p, None, 17), None)["full"]["update_norm"]
    6.0
    """
    number, problem = _Numbers(digits), found.problem
    ctx = BallArithmetic(2 * (digits or FLOAT_DIGITS) + 20)
    with ctx.working():
        size = ctx.sqrt(ctx.number(found.square))
    head = {
        "schema_version": 1,
        "command": "rank-accuracy",
        "loss": problem.loss,
        "start": problem.start,
        "shape": list(problem.matrix.shape),
        "factors_of": "W0" if problem.loss == "trace-squared" else "E",
        "normaliser": NORMALISER[problem.loss],
        "bound_means": BOUNDS[problem.loss],
        "full": {"limit_loss": number(rational(0)), "update": None, "update_norm": number(size)},
        "A0": _start(found),
        "ranks": [_point(point, number) for point in found.points],
        "digits": digits or 15,
    }
    return {**head, "error_bound": {"value": upper_string(number.error), "rigorous": True}}


def _start(found: FactoredAnswer) -> Any:
    """The start that was used; not one that was given."""
    if found.A0 is None or found.problem.start == "explicit":
        return None
    return [[_entry(rational(x)) for x in row] for row in found.A0]


def _entry(x: Fraction) -> int | str:
    return int(x) if x.denominator == 1 and abs(x) < 2**53 else decimal(x)


def _point(point: FactoredPoint, number: _Numbers) -> dict[str, Any]:
    end, expected = point.limit, point.expected_squared_error
    return {
        "rank": point.rank,
        "A0": None,
        "limit_loss": number(end.loss),
        "limit_loss_exact": None,
        "update": None,
        "relative_error": number(point.relative_error),
        "bound": number(point.bound),
        "rate": number(end.rate),
        "verdict": "INCONCLUSIVE" if end.loss is None else "CERTIFIED",
        "rigorous": end.rigorous,
        "argument": end.argument,
        "cites": list(end.cites),
        "reasons": list(end.reasons),
        "expected_squared_error": None if expected is None else decimal(expected),
    }
