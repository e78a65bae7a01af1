"""Saying that a result holds modulo a theorem from the literature, and hearing it.

A function that needs such a theorem says so with ``lean_on`` where it uses it. Whoever runs the
function collects what was said with ``leanings``, so that no verdict can forget what it is modulo.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

_HEARD: ContextVar[tuple[dict[str, None], ...]] = ContextVar("heard", default=())


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
    for heard in _HEARD.get():
        heard.update(dict.fromkeys(x.name for x in cited))


@contextmanager
def leanings() -> Iterator[dict[str, None]]:
    """Collect, in order, the names of what the body leans on; an outer collector hears it too."""
    heard: dict[str, None] = {}
    token = _HEARD.set((*_HEARD.get(), heard))
    try:
        yield heard
    finally:
        _HEARD.reset(token)
