"""Three-valued comparisons: each holds, fails, or is undecided, with both sides on record."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import flint
import mpmath
import numpy as np

from lora_proofs.arithmetic.exact import decimal, rational
from lora_proofs.arithmetic.recorded import Recorded, bare, released
from lora_proofs.errors import BadInput, ShapeMismatch

Outcome = Literal["holds", "fails", "undecided"]
_EXACT = (int, Fraction, flint.fmpq, flint.fmpz, np.integer)
_MPF = mpmath.ctx_mp_python._mpf
_INEXACT_OR_LIFTED = (flint.fmpq, flint.arb, _MPF, float, np.floating)
Elsewhere = Callable[[str, Any, str, Any, Any], "Comparison | None"]
_ELSEWHERE: ContextVar[Elsewhere | None] = ContextVar("elsewhere", default=None)


@dataclass(frozen=True)
class Comparison:
    """One comparison: ``left relation right`` with its slack, radius and outcome.

    ``slack`` is the room to spare (negative where it fails), ``radius`` the uncertainty that
    was allowed for, and ``rigorous`` says whether the outcome is proved for this instance.
    """

    label: str
    left: Any
    relation: str
    right: Any
    slack: Any
    radius: Any
    rigorous: bool
    outcome: Outcome
    stated: bool = False
    """Whether the check stated the radius itself."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data: exact numbers as strings, balls as midpoint +/- radius."""
        return {
            "label": self.label,
            "left": show(self.left),
            "relation": self.relation,
            "right": show(self.right),
            "slack": show(self.slack),
            "radius": show(self.radius),
            "outcome": self.outcome,
        }


class Followed(Comparison):
    """A comparison of recorded numbers: a check that goes by what it says leaves a record of it."""

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name == "slack":
            return _recorded_slack(self, found)
        if name in ("outcome", "radius", "__dict__"):
            _tell(self, name)
        return found


def plainly(c: Comparison, name: str) -> Any:
    """A field of a comparison, for those who only pass it on.

    >>> plainly(at_most("bound", 2, 3), "outcome")
    'holds'
    """
    return object.__getattribute__(c, name)


def encloses(c: Comparison) -> bool:
    """Whether a side is a ball, so that balls decided it whatever arithmetic the code ran in.

    >>> encloses(at_most("bound", 2, 3)), encloses(at_most("bound", flint.arb(2), 3))
    (False, True)
    """
    sides = (plainly(c, "left"), plainly(c, "right"))
    return any(isinstance(x, flint.arb) for side in sides for x in np.asarray(side).flat)


def _tell(c: Comparison, name: str) -> None:
    """Put an outcome that is read on record; anything else that is read leaves the record."""
    known = name == "outcome" and not c.stated
    for left, right in _pairs(c):
        one = left if isinstance(left, Recorded) else right
        if not isinstance(one, Recorded):
            continue
        if not known:
            one.plain(f"the {name.strip('_')} of a comparison")
            continue
        single = _compare(c.label, left, c.relation, right, None)
        one.decided(left, c.relation, right, plainly(single, "outcome"))


def _pairs(c: Comparison) -> list[tuple[Any, Any]]:
    if not isinstance(c.left, np.ndarray):
        return [(c.left, c.right)]
    return list(zip(c.left.flat, c.right.flat, strict=True))


def _recorded_slack(c: Comparison, plain: Any) -> Any:
    """The slack, computed with the record of both sides; of matrices it leaves the record."""
    if c.stated or isinstance(c.left, np.ndarray):
        _tell(c, "slack")
        return plain
    gap = c.right - c.left
    return gap if c.relation in ("<=", "<") else (-gap if c.relation == ">=" else -abs(gap))


def show(value: Any) -> Any:
    """A number or matrix as JSON-ready text; exact numbers stay exact."""
    value = released(value)
    if isinstance(value, np.ndarray):
        return [show(x) for x in value] if value.ndim else show(value[()])
    if isinstance(value, tuple | list):
        return [show(x) for x in value]
    if isinstance(value, flint.arb):
        return value.str(25)
    if isinstance(value, _MPF):
        return mpmath.nstr(value, 25)
    if isinstance(value, _EXACT):
        return decimal(value)
    return repr(float(value)) if isinstance(value, float | np.floating) else str(value)


def _prepare(label: str, value: Any) -> Any:
    value = bare(value)
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, _INEXACT_OR_LIFTED):
        return value
    if isinstance(value, _EXACT) and not isinstance(value, bool):
        x = rational(value)
        return flint.fmpq(x.numerator, x.denominator)
    raise BadInput(
        f"comparison {label!r}: expected a number or a matrix of some arithmetic, got "
        f"{type(value).__name__}={value!r}"
    )


def _gap(label: str, left: Any, right: Any) -> Any:
    """right - left, with floats met by floats (an exact number is rounded for them)."""
    if type(left) is type(right) is flint.fmpq:
        return right - left
    inexact = (float, np.floating, _MPF)
    if isinstance(left, inexact) and isinstance(right, flint.fmpq):
        right = _like(right, left)
    if isinstance(right, inexact) and isinstance(left, flint.fmpq):
        left = _like(left, right)
    if isinstance(left, flint.arb) != isinstance(right, flint.arb) and (
        isinstance(left, inexact) or isinstance(right, inexact)
    ):
        raise BadInput(
            f"comparison {label!r} mixes a ball with a float; lift both in one arithmetic"
        )
    return right - left


def _like(exact: flint.fmpq, sample: Any) -> Any:
    if isinstance(sample, _MPF):
        return sample.context.mpf(int(exact.p)) / int(exact.q)
    return size(exact)


def _default_radius(left: Any, right: Any, gap: Any) -> Any:
    if isinstance(gap, flint.fmpq):
        return flint.fmpq(0)
    if isinstance(gap, flint.arb):
        return gap.rad()
    left, right = (_like(x, gap) if isinstance(x, flint.fmpq) else x for x in (left, right))
    size = 1 + abs(left) + abs(right)
    if isinstance(gap, _MPF):
        return size * gap.context.mpf(10) ** (-(2 * gap.context.dps) // 3)
    return float(size) * 1e-10


def _compare(label: str, left: Any, relation: str, right: Any, radius: Any) -> Comparison:
    if not isinstance(label, str):
        raise BadInput(
            f"comparison {label!r}: expected a label in words, got {type(label).__name__}={label!r}"
        )
    elsewhere = _ELSEWHERE.get()
    if elsewhere and (told := elsewhere(label, left, relation, right, radius)):
        return told
    sides = left, right
    left, right = _prepare(label, left), _prepare(label, right)
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        return _entrywise(label, left, relation, right, radius)
    gap = _gap(label, left, right)
    if radius is not None and (not radius >= 0 or radius == float("inf")):
        raise BadInput(f"comparison {label!r}: expected a radius that is 0 or more, got {radius!r}")
    stated = radius is not None
    if radius is None:
        radius = _default_radius(left, right, gap)
    elif isinstance(gap, flint.fmpq | flint.arb):
        # A stated uncertainty (an error bound of an input) widens the comparison itself.
        bound = flint.arb(_prepare(label, radius)) if not isinstance(radius, flint.arb) else radius
        if isinstance(gap, flint.arb) or not bound == 0:
            gap = flint.arb(gap) + flint.arb(0, bound.upper())
    slack = gap if relation in ("<=", "<") else (-gap if relation == ">=" else -abs(gap))
    rigorous = isinstance(gap, flint.fmpq | flint.arb)
    if isinstance(gap, flint.fmpq | flint.arb):
        outcome = _rigorous_outcome(gap if relation != ">=" else -gap, relation)
    else:
        outcome = _float_outcome(gap if relation != ">=" else -gap, relation, radius)
    left, right = (
        a if isinstance(a, Recorded) else b for a, b in zip(sides, (left, right), strict=True)
    )
    kind = Followed if any(isinstance(x, Recorded) for x in (left, right)) else Comparison
    return kind(label, left, relation, right, slack, radius, rigorous, outcome, stated)


@contextmanager
def compared_by(elsewhere: Elsewhere) -> Iterator[None]:
    """Within, comparisons are made by ``elsewhere``, except where it gives ``None``."""
    token = _ELSEWHERE.set(elsewhere)
    try:
        yield
    finally:
        _ELSEWHERE.reset(token)


def _rigorous_outcome(gap: Any, relation: str) -> Outcome:
    if relation == "=":
        if gap == 0:
            return "holds"
        return "fails" if gap != 0 else "undecided"
    if relation == "<":
        return "holds" if gap > 0 else ("fails" if gap <= 0 else "undecided")
    return "holds" if gap >= 0 else ("fails" if gap < 0 else "undecided")


def _float_outcome(gap: Any, relation: str, radius: Any) -> Outcome:
    if gap != gap or abs(gap) == float("inf"):
        return "undecided"
    if relation == "=":
        return "holds" if abs(gap) <= radius else "fails"
    if gap > radius:
        return "holds"
    return "fails" if gap < -radius else "undecided"


def confirm_outcome(told: Comparison) -> None:
    """Raise ``BadInput`` where a comparison's outcome is not the one that its sides give.

    It is worked out again, with more digits where the present ones do not tell.
    """
    if told.relation not in ("<=", ">=", "<", "="):
        raise BadInput(
            f"comparison {told.label!r}: expected a relation among <=, >=, < and =, got "
            f"{told.relation!r}"
        )
    again = _compare(told.label, told.left, told.relation, told.right, None)
    if _says(again, told) or _says(_stated(told), told):
        return
    with flint.ctx.workprec(4 * flint.ctx.prec):
        if _says(_compare(told.label, told.left, told.relation, told.right, None), told):
            return
    raise BadInput(
        f"comparison {told.label!r}: expected the outcome {again.outcome!r} that its sides give, "
        f"got {told.outcome!r}; take what at_most, at_least, below and equal give as it is"
    )


def _stated(told: Comparison) -> Comparison:
    return _compare(told.label, told.left, told.relation, told.right, told.radius)


def _says(again: Comparison, told: Comparison) -> bool:
    # Balls of fewer digits may leave open what more digits decide; that claims nothing.
    modest = told.outcome == "undecided" and isinstance(again.slack, flint.arb)
    return (again.outcome == told.outcome or modest) and again.rigorous == told.rigorous


def _entrywise(label: str, left: Any, relation: str, right: Any, radius: Any) -> Comparison:
    if relation != "=":
        raise BadInput(f"comparison {label!r}: matrices are compared by '=', got {relation!r}")
    left, right = np.asarray(left), np.asarray(right)
    if left.shape != right.shape:
        raise ShapeMismatch(
            f"comparison {label!r}: expected equal shapes, got {left.shape} and {right.shape}"
        )
    if radius is None and _ELSEWHERE.get() is None and _same_rationals(left, right):
        zero = flint.fmpq(0)
        return Comparison(label, left, "=", right, zero, zero, True, "holds")
    entries = [
        _compare(label, a, "=", b, radius) for a, b in zip(left.flat, right.flat, strict=True)
    ]
    if not entries:
        raise BadInput(f"comparison {label!r}: expected matrices with entries, got {left.shape}")
    order = {"fails": 0, "undecided": 1, "holds": 2}
    worst = min(entries, key=lambda c: (order[plainly(c, "outcome")], size(plainly(c, "slack"))))
    found = (plainly(worst, name) for name in ("slack", "radius", "rigorous", "outcome", "stated"))
    slack, radius, _, outcome, stated = found
    rigorous = all(c.rigorous for c in entries)
    kind = Followed if any(isinstance(c, Followed) for c in entries) else Comparison
    return kind(label, left, "=", right, slack, radius, rigorous, outcome, stated)


def _same_rationals(left: np.ndarray, right: np.ndarray) -> bool:
    """Whether these are plain rationals, at least one, and all of them the same."""
    pairs = zip(left.flat, right.flat, strict=True)
    return left.size > 0 and all(type(a) is type(b) is flint.fmpq and a == b for a, b in pairs)


def size(x: Any) -> float:
    """A number of any arithmetic as a float: of a ball the middle, infinite beyond the range.

    >>> size(flint.fmpq(1, 2)), size(flint.fmpq(-(10**400)))
    (0.5, -inf)
    """
    if not isinstance(x, flint.fmpq):
        return float(x.mid() if isinstance(x, flint.arb) else x)
    try:
        return int(x.p) / int(x.q)
    except OverflowError:
        return math.inf if x > 0 else -math.inf


def at_most(label: str, left: Any, right: Any, *, radius: Any = None) -> Comparison:
    """Compare ``left <= right`` for numbers of one arithmetic.

    Exact numbers and balls decide rigorously; floats allow for ``radius`` and only nominate.

    >>> at_most("rank bound", 2, 3).outcome
    'holds'
    """
    return _compare(label, left, "<=", right, radius)


def at_least(label: str, left: Any, right: Any, *, radius: Any = None) -> Comparison:
    """Compare ``left >= right`` for numbers of one arithmetic.

    >>> at_least("loss", 1, 2).outcome
    'fails'
    """
    return _compare(label, left, ">=", right, radius)


def below(label: str, left: Any, right: Any, *, radius: Any = None) -> Comparison:
    """Compare ``left < right`` strictly.

    >>> below("gap", 1, 1).outcome
    'fails'
    """
    return _compare(label, left, "<", right, radius)


def equal(label: str, left: Any, right: Any, *, radius: Any = None) -> Comparison:
    """Compare ``left = right`` for numbers or, entry by entry, for matrices.

    Overlapping balls leave it undecided; floats hold it where they agree within ``radius``.

    >>> from lora_proofs.arithmetic import EXACT
    >>> equal("identity", EXACT.identity(2), EXACT.matrix([[1, 0], [0, 1]])).outcome
    'holds'
    """
    return _compare(label, left, "=", right, radius)
