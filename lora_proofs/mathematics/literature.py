"""Theorems from the literature that rigorous numerics lean on; ``lean_on`` says so."""

from __future__ import annotations

from lora_proofs.arithmetic.leaning import OSTROWSKI, WEYL, Cited, lean_on, leanings

__all__ = [
    "CRITICAL_POINTS",
    "ECKART_YOUNG_MIRSKY",
    "KY_FAN",
    "LASALLE",
    "LITERATURE",
    "LOGARITHMIC_NORM",
    "OSTROWSKI",
    "WEYL",
    "Cited",
    "lean_on",
    "leanings",
]

LOGARITHMIC_NORM = Cited(
    "growth of errors by the logarithmic norm",
    "if e' = F(y + e) - F(y) + d with |d| <= delta, and the symmetric part of the Jacobian of F "
    "has no eigenvalue above mu on a tube that e does not leave, then |e|' <= mu |e| + delta",
    "Dahlquist 1958; Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, I.10",
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
KY_FAN = Cited(
    "Ky Fan's inequality",
    "the trace of a symmetric matrix on a subspace of k dimensions is at most the sum of its k "
    "largest eigenvalues",
    "Ky Fan 1949; Horn and Johnson, Matrix Analysis, 4.3",
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
        KY_FAN,
    )
}
"""Every theorem that the numerics may lean on, by name."""
ROUNDED = {LOGARITHMIC_NORM.name, WEYL.name, OSTROWSKI.name}
"""Theorems that only balls lean on: a check that cites one did not stay exact."""
