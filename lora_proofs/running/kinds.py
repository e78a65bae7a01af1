"""Kinds of plain data, made of one another, and where a value is of another kind than expected."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Fault = tuple[str, str]
"""Where, as ``.name`` and ``[number]``, and what was expected of what came."""
Kind = Callable[[Any], Iterable[Fault]]
_SHOWN = 60
_FINITE = r"[-+]?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?(/[0-9]+)?"
_BALL = rf"\[({_FINITE} )?\+/- {_FINITE}\]"


def that(what: str, fits: Callable[[Any], Any]) -> Kind:
    """What fits a condition, which is told in words.

    >>> list(that("an even number", lambda x: x % 2 == 0)(3))
    [('', 'expected an even number, got 3')]
    """

    # No generator: a report asks this of a hundred thousand values.
    def faults(value: Any) -> Iterable[Fault]:
        return () if fits(value) else (("", f"expected {what}, got {told(value)}"),)

    return faults


def told(value: Any) -> str:
    """A value on a part of a line.

    >>> told("a" * 100)[-6:]
    'aaa...'
    """
    try:
        text = json.dumps(value)
    except ValueError:  # an integer of more digits than Python prints
        text = "a number of thousands of digits"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def one_of(*words: str) -> Kind:
    """One of some words."""
    return that(f"one of {', '.join(words)}", lambda value: value in words)


def or_null(kind: Kind) -> Kind:
    """What fits, or nothing."""
    return lambda value: () if value is None else kind(value)


def many(kind: Kind) -> Kind:
    """A list of what fits.

    >>> list(many(COUNT)([1, -2]))
    [('[1]', 'expected a whole number from 0 to 10^18, got -2')]
    """

    def faults(value: Any) -> Iterator[Fault]:
        if not isinstance(value, list):
            yield "", f"expected a list, got {told(value)}"
            return
        for k, one in enumerate(value):
            for where, what in kind(one):
                yield f"[{k}]{where}", what

    return faults


def by_name(kind: Kind) -> Kind:
    """An object of any names whose values fit."""

    def faults(value: Any) -> Iterator[Fault]:
        yield from OBJECT(value)
        for name, one in value.items() if isinstance(value, dict) else ():
            for where, what in kind(one):
                yield f".{name}{where}", what

    return faults


def an(*required: str, **fields: Kind) -> Kind:
    """An object that has what is required, and whose fields fit; others it may have are free.

    >>> list(an("draws", draws=COUNT)({}))
    [('.draws', 'expected one, it is missing')]
    """

    def faults(value: Any) -> Iterator[Fault]:
        yield from OBJECT(value)
        if not isinstance(value, dict):
            return
        yield from ((f".{name}", _MISSING) for name in required if name not in value)
        for name, kind in fields.items():
            if name in value:
                for where, what in kind(value[name]):
                    yield f".{name}{where}", what

    return faults


_MISSING = "expected one, it is missing"


def _text_like(pattern: str) -> Callable[[Any], bool]:
    fits = re.compile(f"({pattern})?")
    return lambda value: isinstance(value, str) and fits.fullmatch(value) is not None


def _whole(value: Any, least: int) -> bool:
    return type(value) is int and least <= value <= 10**18


def _seconds(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= 10**12


ANY: Kind = that("anything", lambda value: True)
OBJECT: Kind = that("an object", lambda value: isinstance(value, dict))
TEXT: Kind = that("text", lambda value: isinstance(value, str))
FLAG: Kind = that("true or false", lambda value: type(value) is bool)
WHOLE: Kind = that("a whole number", lambda value: type(value) is int)
COUNT: Kind = that("a whole number from 0 to 10^18", lambda value: _whole(value, 0))
SOME: Kind = that("a whole number from 1 to 10^18", lambda value: _whole(value, 1))
SECONDS: Kind = that("seconds from 0 on", _seconds)
FINITE: Kind = that("a finite number as text", _text_like(_FINITE))
ENCLOSED: Kind = that("a finite number or ball as text", _text_like(f"{_FINITE}|{_BALL}"))
