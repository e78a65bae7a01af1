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

LIPSCHITZ = Cited(
    "Lipschitz maps do not raise the Hausdorff dimension",
    "a locally Lipschitz image of a set in R^p has Hausdorff dimension p at most, and a manifold "
    "of dimension k has Hausdorff dimension k",
    "Falconer, Fractal Geometry, 2.2",
)
FUBINI = Cited(
    "Fubini's theorem",
    "a measurable set that meets almost every line of one direction in a null set is a null set",
    "Rudin, Real and Complex Analysis, 8.8",
)
AXES_BOUND = Cited(
    "proof by hand: lower bound over all adapters of rank one, inputs on the axes",
    r"for inputs $\pm\rho e_i$ on the axes, diagonal weights $w_j \le t_j$ and the sorted gaps "
    r"$g_{(1)} \ge g_{(2)} \ge \dots$ of $\rho(t_j - w_j)$, every adapter of rank one and every "
    r"bias has $\mathbb E\|f - \bar f\|^2 \ge \frac1{2D}\sum_p \frac{p-1}{p} g_{(p)}^2$, and a "
    r"mean error of at least what the text bounds in the same way",
    "the text of lora_proofs.claims.zeng_lee.relu.axes",
)
DIAGONAL_CRITERION = Cited(
    "proof by hand: adapters of rank one that are exact on the whole plane",
    "for negative diagonal W_1 and W_2 and the target ReLU(x) adapters of rank one are exact on "
    "the whole plane if and only if det W_1 det W_2 = 1",
    "the text of lora_proofs.claims.zeng_lee.relu.all_inputs",
)
TOO_FEW_RANKS = Cited(
    "proof by hand: two layers of one unit of which the first keeps its weight",
    "a network of two layers of width one whose first weight is not adapted is monotone, and "
    "convex if it has the direction of that weight",
    "the text of lora_proofs.claims.zeng_lee.relu.straddling",
)
LITERATURE |= {cited.name: cited for cited in (LIPSCHITZ, FUBINI)}
BY_HAND = {cited.name: cited for cited in (AXES_BOUND, DIAGONAL_CRITERION, TOO_FEW_RANKS)}
"""Lower bounds over all adapters that are proved in the text of a module, by name."""
__all__ += ["AXES_BOUND", "BY_HAND", "DIAGONAL_CRITERION", "FUBINI", "LIPSCHITZ", "TOO_FEW_RANKS"]

SCORES_BY_HAND = Cited(
    "proof by hand: lower bound over all adapters, the scores of one head",
    "adapters of rank R on W_Q and W_K that are exact for one block and one head, with values and "
    "output that are nonsingular, need the scores' gap to have rank 2R at most",
    "the text of lora_proofs.claims.zeng_lee.transformer.attention_scores",
)
JACOBIAN_RANKS = Cited(
    "proof by hand: lower bound over all adapters, the Jacobian of a transformer",
    "where all units of the target are active, adapters that are exact have its Jacobian, whose "
    "rank no weight, with the rank of its adapter added, falls short of",
    "the text of lora_proofs.claims.zeng_lee.transformer.problem",
)
SKIP_FIRST_LAYER = Cited(
    "proof by hand: lower bound over all adapters, W1 under a skip connection",
    "with a skip connection and no adapter on W_1, equality with a target that is alive needs "
    "W_1 Wbar_1^-1 to be a permutation with positive entries in place of its ones",
    "the text of lora_proofs.claims.zeng_lee.transformer.skip_connection",
)
BY_HAND |= {cited.name: cited for cited in (SCORES_BY_HAND, JACOBIAN_RANKS, SKIP_FIRST_LAYER)}
__all__ += ["JACOBIAN_RANKS", "SCORES_BY_HAND", "SKIP_FIRST_LAYER"]
