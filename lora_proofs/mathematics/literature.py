"""Theorems from the literature that rigorous numerics lean on, and who hears of their use.

A function that needs one says so with ``lean_on`` where it uses it. Whoever runs the function
collects what was said with ``leanings``, so that no verdict can forget what it is modulo.
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


LOGARITHMIC_NORM = Cited(
    "growth of errors by the logarithmic norm",
    "if e' = F(y + e) - F(y) + d with |d| <= delta, and the symmetric part of the Jacobian of F "
    "has no eigenvalue above mu on a tube that e does not leave, then |e|' <= mu |e| + delta",
    "Dahlquist 1958; Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, I.10",
)
WEYL = Cited(
    "Weyl's inequality",
    "the ordered eigenvalues of symmetric matrices S and S + D differ by at most ||D||_2",
    "Horn and Johnson, Matrix Analysis, 4.3",
)
OSTROWSKI = Cited(
    "Ostrowski's theorem",
    "the ordered eigenvalues of U'SU are those of S times numbers between the least and the "
    "largest eigenvalue of U'U",
    "Horn and Johnson, Matrix Analysis, 4.5",
)
LASALLE = Cited(
    "LaSalle's invariance principle",
    "a bounded gradient flow tends to the set of critical points, on one level of the loss",
    "LaSalle 1960; Khalil, Nonlinear Systems, 4.2",
)
CRITICAL_POINTS = Cited(
    "critical points of the factored Frobenius loss (Baldi and Hornik 1989)",
    "at a critical point of 1/2 ||E - BA||_F^2 the product BA keeps some of the singular values "
    "of E and drops the others",
    "Baldi and Hornik, Neural Networks 2, 1989",
)
ECKART_YOUNG_MIRSKY = Cited(
    "Eckart-Young-Mirsky theorem",
    "the least Frobenius distance of E to a matrix of rank r is that to its truncated singular "
    "value decomposition",
    "Eckart and Young 1936; Mirsky 1960",
)
DAVIS_KAHAN = Cited(
    "Davis-Kahan sin theta theorem",
    "invariant subspaces of symmetric matrices that are close and whose spectra are apart are at "
    "a small angle",
    "Davis and Kahan 1970; Stewart and Sun, Matrix Perturbation Theory, V.3",
)
LITERATURE = {
    cited.name: cited
    for cited in (
        LOGARITHMIC_NORM,
        WEYL,
        OSTROWSKI,
        LASALLE,
        CRITICAL_POINTS,
        ECKART_YOUNG_MIRSKY,
        DAVIS_KAHAN,
    )
}
"""Every theorem that the numerics may lean on, by name."""


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
