"""Where an exception came from, in the words of the author of a claim: function, line, fields."""

from __future__ import annotations

import functools
import inspect
import re
import traceback
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lora_proofs
from lora_proofs.judging.raising import message
from lora_proofs.language.claim import Claim, Instances
from lora_proofs.mathematics.instance import Instance

HOME = Path(lora_proofs.__file__).parent
_LIFT = (
    "take the fields from x = instance.lift(ctx), and other numbers from ctx.number('1/2'): then "
    "all are of one arithmetic"
)
_HINTS = (
    (
        r"has no field",
        "name one of the fields that stand there, or give the field to the instances, both those "
        "that are drawn and those of the controls",
    ),
    (
        r"expected it to yield",
        "let it `yield` one or more of at_most, at_least, below and equal, and return nothing",
    ),
    (
        r"unsupported operand.*'float'|mixes a ball with a float",
        "write ctx.number('99/100') in place of 0.99, and no float(...): a float is no exact "
        "number",
    ),
    (r"'tuple'|'Fraction'|got tuple=", _LIFT),
    (
        r"matmul|broadcast|expected equal shapes",
        "make the shapes fit: X.mT is the transpose of X, X @ Y the product of matrices",
    ),
    (
        r"ZeroDivisionError",
        "exclude the zero: draw the field as 'number > 0', or state below('s', ctx.number(0), x.s) "
        "as an assumption; or compare without dividing",
    ),
    (
        r"ufunc|not a square number|must be real number",
        "use lora_proofs.measures or ctx (ctx.sqrt, ctx.singular_values, ...): the functions of "
        "numpy and math know floats alone",
    ),
    (
        r"truth value of an array",
        "compare matrices as a whole: yield equal(label, X, Y), or at_most of their norms",
    ),
    (
        r"matrices are compared by '='",
        "compare numbers of the matrices, such as measures.squared_norm(X), or say equal(...)",
    ),
    (r"takes \d+ positional arguments? but 2 were given", "let it take (instance, ctx)"),
)


@dataclass(frozen=True)
class Trial:
    """What was asked when an exception came: which function, on what, in which arithmetic."""

    function: Any
    instance: Instance
    arithmetic: str


def remember(error: BaseException, trial: Trial) -> None:
    """Keep with an exception what was asked, where nothing is kept yet."""
    with suppress(Exception):  # a claim may raise an exception that cannot keep anything
        vars(error).setdefault("_trial", trial)


def _remembered(error: BaseException) -> Trial | None:
    found = None
    with suppress(Exception):
        found = vars(error).get("_trial")
    return found if isinstance(found, Trial) else None


def described(error: BaseException, claim: Claim | None = None) -> dict[str, str]:
    """The ``error`` of a record: type, message, the innermost line of the claim, and what helps.

    ``on`` is what it was raised on, ``hint`` what to do about such an error; both may be absent.

    >>> sorted(described(ValueError("too small")))
    ['message', 'type', 'where']
    """
    trial = _remembered(error)
    found = {
        "type": type(error).__name__,
        "message": message(error) or "no message",
        "where": _where(error, claim, trial),
    }
    if trial is not None:
        found["on"] = f"{told_fields(trial.instance)}, in {trial.arithmetic} arithmetic"
        found |= {"hint": hint} if (hint := _hint(found)) else {}
    return found


def told_fields(instance: Instance) -> str:
    """The fields of an instance, each matrix with its shape.

    >>> told_fields(Instance(B=[[1], [2]], s=3, loss="frobenius"))
    "B (2 x 1), s (a number), loss ('frobenius')"
    """
    return ", ".join(f"{name} ({_kind(value)})" for name, value in instance.fields) or "no field"


def _kind(value: Any) -> str:
    if isinstance(value, Instance):
        return f"an instance of {told_fields(value)}"
    if isinstance(value, tuple):
        return f"{len(value)} x {len(value[0])}"
    return repr(value) if isinstance(value, str) else "a number"


def _hint(found: dict[str, str]) -> str:
    text = f"{found['type']}: {found['message']}"
    return next((hint for pattern, hint in _HINTS if re.search(pattern, text)), "")


def _where(error: BaseException, claim: Claim | None, trial: Trial | None) -> str:
    """The innermost line of the claim, else the function that was asked, else the last line."""
    files = {place[0] for place in _places(claim, trial)}
    frames = traceback.extract_tb(error.__traceback__)
    inside = [f for f in frames if f.filename in files]
    if not inside and trial is not None and (asked := definition(trial.function)):
        return asked
    found = inside or list(frames)
    return f"{found[-1].filename}:{found[-1].lineno} in {found[-1].name}" if found else "unknown"


def definition(function: Any) -> str:
    """Where a function is defined; empty where that is not known.

    >>> definition(len)
    ''
    """
    place = _place(function)
    return f"{place[0]}:{place[1]} in {place[2]}" if place else ""


def _place(function: Any) -> tuple[str, int, str] | None:
    """File, line and name of a function; of a claim's objects any attribute may raise."""
    try:
        while isinstance(function, functools.partial):
            function = function.func
        plain = inspect.unwrap(function)
        code = (plain if hasattr(plain, "__code__") else type(plain).__call__).__code__
        return code.co_filename, code.co_firstlineno, code.co_name
    except Exception:
        return None


def _places(claim: Claim | None, trial: Trial | None) -> Iterator[tuple[str, int, str]]:
    """The places of a claim's functions, without those that this package makes for it."""
    for function in (*_functions(claim), *([trial.function] if trial else ())):
        place = _place(function)
        if place and not _ours(Path(place[0])):
            yield place


def _ours(file: Path) -> bool:
    return file.is_relative_to(HOME) and not file.is_relative_to(HOME / "claims")


def _functions(claim: Claim | None) -> Iterator[Any]:
    if claim is None:
        return
    yield from (claim.check, claim.lower_bound, claim.derive, claim.interpret, claim.check_batch)
    yield from (claim.measure, claim.instances.draw, *(a.holds for a in claim.assumptions))
    for control in claim.controls:
        yield control.check
        if isinstance(control.instances, Instances):
            yield control.instances.draw
