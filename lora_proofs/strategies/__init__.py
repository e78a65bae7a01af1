"""Floor 2: exact random instances, drawn by Hypothesis or by a counter-based generator.

Shape, rank and spectrum are chosen first, so every regime is drawn on purpose and none is
found by rejecting draws. All of it asks two things of its source of randomness: an integer,
and a choice.
"""

from lora_proofs.strategies.draw import (
    Draw,
    HypothesisDraw,
    Rejected,
    SeededDraw,
    fraction,
    hypothesis_strategy,
    permutation,
    quarter,
)
from lora_proofs.strategies.matrices import (
    diagonal_matrix,
    dyadic_matrix,
    full_rank_matrix,
    matrix,
    orthogonal_matrix,
    orthonormal_rows,
    psd_matrix,
    rank_matrix,
    shape,
    skew_matrix,
    symmetric_matrix,
)
from lora_proofs.strategies.problems import LOSSES, REGIMES, lora_problem
from lora_proofs.strategies.spectra import (
    SPECTRA,
    spectrum,
    with_eigenvalues,
    with_singular_values,
)

__all__ = [
    "LOSSES",
    "REGIMES",
    "SPECTRA",
    "Draw",
    "HypothesisDraw",
    "Rejected",
    "SeededDraw",
    "diagonal_matrix",
    "dyadic_matrix",
    "fraction",
    "full_rank_matrix",
    "hypothesis_strategy",
    "lora_problem",
    "matrix",
    "orthogonal_matrix",
    "orthonormal_rows",
    "permutation",
    "psd_matrix",
    "quarter",
    "rank_matrix",
    "shape",
    "skew_matrix",
    "spectrum",
    "symmetric_matrix",
    "with_eigenvalues",
    "with_singular_values",
]
