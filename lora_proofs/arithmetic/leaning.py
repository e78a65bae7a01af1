"""Saying that a result holds modulo a theorem from the literature, and hearing it.

A function that needs such a theorem says so with ``lean_on`` where it uses it. Whoever runs the
function collects what was said with ``leanings``, so that no verdict can forget what it is modulo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
_HEARD: ContextVar[tuple[dict[str, None], ...]] = ContextVar("heard", default=())
_AFRESH: ContextVar[bool] = ContextVar("afresh", default=False)


@dataclass(frozen=True)
class Cited:
    """A theorem that is used and not shown here: what it says, and where it is proved."""

    name: str
    statement: str
    reference: str


WEYL = Cited(
    "Weyl's inequality",
    "the ordered eigenvalues of symmetric matrices S and S + D differ by at most ||D||_2; so do "
    "the ordered singular values of any two matrices X and X + D",
    "Horn and Johnson, Matrix Analysis, 4.3 and 7.3",
)
OSTROWSKI = Cited(
    "Ostrowski's theorem",
    "the ordered eigenvalues of U'SU are those of S times numbers between the least and the "
    "largest eigenvalue of U'U",
    "Horn and Johnson, Matrix Analysis, 4.5",
)


def lean_on(*cited: Cited) -> None:
    """Say that what is computed now holds modulo these theorems.

    >>> with leanings() as heard:
    ...     lean_on(WEYL)
    >>> list(heard)
    ["Weyl's inequality"]
    """
    _tell(x.name for x in cited)


def _tell(names: Iterable[str]) -> None:
    told = dict.fromkeys(names)
    for heard in _HEARD.get():
        heard.update(told)


@contextmanager
def leanings() -> Iterator[dict[str, None]]:
    """Collect, in order, the names of what the body leans on; an outer collector hears it too."""
    heard: dict[str, None] = {}
    token = _HEARD.set((*_HEARD.get(), heard))
    try:
        yield heard
    finally:
        _HEARD.reset(token)


def remembered(most: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep the last results of a function, and say again what each leans on when it is reused.

    >>> @remembered(8)
    ... def norm(x: int) -> int:
    ...     lean_on(WEYL)
    ...     return abs(x)
    >>> first = norm(-3)
    >>> with leanings() as heard:
    ...     again = norm(-3)
    >>> again, list(heard)
    (3, ["Weyl's inequality"])
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        def observed(*args: P.args, **named: P.kwargs) -> tuple[R, tuple[str, ...]]:
            with leanings() as heard:
                return function(*args, **named), tuple(heard)

        kept: Callable[..., tuple[R, tuple[str, ...]]] = lru_cache(maxsize=most)(observed)

        @wraps(function)
        def again(*args: P.args, **named: P.kwargs) -> R:
            if _AFRESH.get():
                return function(*args, **named)
            value, names = kept(*args, **named)
            _tell(names)
            return value

        return again

    return decorate


@contextmanager
def afresh() -> Iterator[None]:
    """Compute everything again in the body, whatever is remembered."""
    token = _AFRESH.set(True)
    try:
        yield
    finally:
        _AFRESH.reset(token)
