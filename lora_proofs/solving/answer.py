"""The answer of ``flow`` as a JSON document: numbers rounded once, each with its error."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flint

from lora_proofs.arithmetic import BallArithmetic, squared_norm
from lora_proofs.arithmetic.exact import decimal, rational
from lora_proofs.errors import ToleranceNotMet
from lora_proofs.mathematics.literature import leanings
from lora_proofs.solving.decimals import (
    ball_strings,
    decimal_string,
    exact,
    least,
    magnitude,
    printed,
    radius,
    upper_string,
)
from lora_proofs.solving.enclosed import enclosed
from lora_proofs.solving.finite_time import BEYOND_FLOATS, Progress, Solved, solve
from lora_proofs.solving.limit import Limit
from lora_proofs.solving.limit_frobenius import frobenius_end
from lora_proofs.solving.limit_trace_squared import trace_squared_end
from lora_proofs.solving.problem import INFINITE, Problem
from lora_proofs.solving.rank_accuracy import BOUNDS, NORMALISERS, RankAccuracy, RankPoint

FLOAT_DIGITS = 17
NOISE = Fraction(1, 10**FLOAT_DIGITS)


class _Printer:
    """Turns balls into numbers of the answer, and remembers the largest error that it made."""

    def __init__(self, digits: int | None = None) -> None:
        self.digits = digits
        self.error = Fraction(0)

    def number(self, x: Any) -> Any:
        """A decimal string, or a float where no number of digits is asked for."""
        if self.digits is not None:
            text, error = printed(x, self.digits)
            self.error = max(self.error, error)
            return text
        noise = least(x) == 0 and radius(x) > 0 and abs(exact(x)) + radius(x) < NOISE
        value = 0.0 if noise else _to_float(exact(x))
        self.error = max(self.error, abs(Fraction(value) - exact(x)) + radius(x))
        return value

    def matrix(self, X: Any) -> Any:
        """Rows of numbers; ``None`` stays."""
        return None if X is None else [[self.number(x) for x in row] for row in X]


class _Enclosing(_Printer):
    """Turns balls into {"mid", "rad"}: a decimal interval that surely holds the number."""

    def number(self, x: Any) -> Any:
        """The interval of one ball, or of an exact number."""
        middle, wide = ball_strings(x)
        self.error = max(self.error, Fraction(wide))
        return {"mid": middle, "rad": wide}


def _to_float(x: Fraction) -> float:
    try:
        return float(x)
    except OverflowError:
        raise ToleranceNotMet(
            "a number of the answer is beyond the range of floats; ask for --digits"
        ) from None


def _printer(digits: int | None, certify: bool) -> _Printer:
    return _Enclosing() if certify else _Printer(digits)


def answer(
    problem: Problem, digits: int | None, progress: Progress = None, certify: bool = False
) -> dict[str, Any]:
    """The document that ``flow --json`` prints; numbers are floats where ``digits`` is ``None``.

    ``certify`` gives every number as an enclosure that surely holds, and the theorems that this
    leans on.

    >>> from lora_proofs.solving.problem import read_problem
    >>> p = read_problem({"loss": "trace-squared", "W0": [[2]], "A0": [[1]], "t": "1/2"})
    >>> answer(p, 12)["W"]
    [['0.946274402225']]
    """
    with leanings() as heard:
        if problem.times == INFINITE:
            document = _limit_document(problem, digits, certify, progress)
        else:
            document = _finite_document(problem, digits, certify, progress)
    if certify:
        document["cites"] = list(dict.fromkeys((*document.get("cites", ()), *heard)))
    return document


def _finite_document(
    problem: Problem, digits: int | None, certify: bool, progress: Progress
) -> dict[str, Any]:
    if certify:
        found = enclosed(problem, progress)
    else:
        found = solve(problem, digits or FLOAT_DIGITS, progress)
    told = [_state(one, digits, certify) for one in found]
    states = [state for state, _ in told]
    head = {"schema_version": 1, "command": "flow"}
    bound = {
        "value": upper_string(max(error for _, (error, _) in told)),
        "loss": upper_string(max(error for _, (_, error) in told)),
        "rigorous": all(state["rigorous"] for state in states),
    }
    for state in states:
        del state["rigorous"]
    tail: dict[str, Any] = {"digits": digits or 15, "error_bound": bound}
    if certify:
        tail = {"error_bound": bound, "rigorous": bound["rigorous"]}
    if not problem.single:
        return {**head, "states": states, "method": states[-1]["method"], **tail}
    discrete = {"h": _exact(problem.h), "steps": problem.steps} if problem.method != "flow" else {}
    return {**head, **states[0], **discrete, **tail}


def _state(
    found: Solved, digits: int | None, certify: bool
) -> tuple[dict[str, Any], tuple[Fraction, Fraction]]:
    """A state, with the largest error of an entry of A, B and W and that of the loss."""
    printer, loss, told = (_printer(digits, certify) for _ in range(3))
    moved = told.number if certify else _at_most
    state = {
        "t": None if found.t is None else _exact(found.t),
        "A": printer.matrix(found.A),
        "B": printer.matrix(found.B),
        "W": printer.matrix(found.W),
        "loss": loss.number(found.loss),
        "method": found.method,
        "rigorous": found.rigorous,
        "invariants": {
            "BtB_minus_AAt_drift": None if found.drift is None else moved(found.drift),
            "loss_decrease": told.number(found.decrease),
        },
    }
    return state, (printer.error, loss.error)


def _exact(x: Fraction) -> int | str:
    """A number as a file holds it."""
    return int(x) if x.denominator == 1 and abs(x) < 2**53 else decimal(x)


def _at_most(x: Any) -> str:
    return upper_string(abs(exact(x)) + radius(x))


def limit(problem: Problem, digits: int, certify: bool = False, progress: Progress = None) -> Limit:
    """The limit of a problem's flow, with balls of about that many digits.

    ``certify`` asks for the limits of the factors and a bound of the rate too.

    >>> from lora_proofs.solving.problem import read_problem
    >>> p = read_problem({"loss": "frobenius", "W0": [[0]], "Y": [[2]], "A0": [[1]], "t": "inf"})
    >>> limit(p, 20).loss
    0
    """
    try:
        return _limit(problem, digits, certify, progress)
    except OverflowError:
        raise ToleranceNotMet(BEYOND_FLOATS) from None


def _limit(problem: Problem, digits: int, certify: bool, progress: Progress) -> Limit:
    def end(ctx: BallArithmetic) -> Limit:
        if problem.loss == "trace-squared":
            return trace_squared_end(problem, ctx)
        return frobenius_end(problem, ctx, certify, progress)

    working = digits + 20
    while (missing := (found := end(BallArithmetic(working))).missing(digits)) > 0:
        working += missing + 20
        if working > 10 * digits + 1000:
            raise ToleranceNotMet(f"{digits} digits of the limit were not reached; ask for fewer")
    return found


def _limit_document(
    problem: Problem, digits: int | None, certify: bool, progress: Progress
) -> dict[str, Any]:
    found = limit(problem, digits or FLOAT_DIGITS, certify, progress)
    printer = _printer(digits, certify)

    def number(x: Any) -> Any:
        return None if x is None else printer.number(x)

    document = {
        "schema_version": 1,
        "command": "flow",
        "t": INFINITE,
        "limit_loss": number(found.loss),
        "limit_loss_exact": _fraction(found.loss),
        "limit_BA": printer.matrix(found.BA),
        "rate": number(found.rate),
        "digits": digits or 15,
        "error_bound": {"value": upper_string(printer.error), "rigorous": found.rigorous},
        "rigorous": found.rigorous,
        "argument": found.argument,
        "cites": list(found.cites),
        "reasons": list(found.reasons),
        "saddle": found.saddle,
        "estimated_loss": found.estimate,
    }
    if not certify:
        return document
    factors = _Enclosing()
    told = _factors(found, factors)
    # The factors' own error: they are known less well than the product.
    apart = None if found.A is None else upper_string(factors.error)
    return {**document, **told, "error_bound": {**document["error_bound"], "factors": apart}}


def _factors(found: Limit, printer: _Enclosing) -> dict[str, Any]:
    """The limits of A and B and a lower bound of the rate, where they are known."""
    bound = None if found.rate_bound is None else _Enclosing().number(found.rate_bound)
    return {
        "rate_lower_bound": None if bound is None else _lower_end(bound),
        "limit_A": printer.matrix(found.A),
        "limit_B": printer.matrix(found.B),
    }


def _lower_end(ball: dict[str, str]) -> dict[str, str]:
    """The lower end of a decimal interval, rounded down to ten digits: an exact number."""
    least = Fraction(ball["mid"]) - Fraction(ball["rad"])
    step = Fraction(10) ** (magnitude(least) - 9)
    return {"mid": decimal_string(least // step * step, 10), "rad": "0"}


def _fraction(x: Any) -> str | None:
    return None if x is None or isinstance(x, flint.arb) else decimal(x)


def rank_document(found: RankAccuracy, digits: int | None) -> dict[str, Any]:
    """The document that ``rank-accuracy --json`` prints; numbers as in ``answer``."""
    printer, loss = _Printer(digits), found.problem.loss
    ctx = BallArithmetic(2 * (digits or FLOAT_DIGITS) + 20)
    with ctx.working():
        size = ctx.sqrt(ctx.number(squared_norm(found.full)))
    full = {
        "limit_loss": printer.number(flint.fmpq(0)),
        "update": printer.matrix(found.full),
        "update_norm": printer.number(size),
    }
    return {
        "schema_version": 1,
        "command": "rank-accuracy",
        "loss": loss,
        "start": found.start,
        "normaliser": NORMALISERS[loss],
        "bound_means": BOUNDS[loss],
        "full": full,
        "ranks": [_point(point, printer) for point in found.points],
        "digits": digits or 15,
        "error_bound": {"value": upper_string(printer.error), "rigorous": True},
    }


def _start_rows(point: RankPoint) -> Any:
    """The start that was used, exactly; ``None`` for one that is known by its directions alone."""
    if point.A0 is None:
        return None
    return [[_exact(rational(x)) for x in row] for row in point.A0]


def _point(point: RankPoint, printer: _Printer) -> dict[str, Any]:
    def number(x: Any) -> Any:
        return None if x is None else printer.number(x)

    end = point.limit
    expected = point.expected_squared_error
    return {
        "rank": point.rank,
        "A0": _start_rows(point),
        "limit_loss": number(end.loss),
        "limit_loss_exact": _fraction(end.loss),
        "update": printer.matrix(end.BA),
        "relative_error": number(point.relative_error),
        "bound": number(point.bound),
        "rate": number(end.rate),
        "verdict": point.verdict,
        "rigorous": end.rigorous,
        "argument": end.argument,
        "cites": list(end.cites),
        "reasons": list(point.reasons),
        "expected_squared_error": None if expected is None else decimal(expected),
    }
