"""Floor 2: adapters that a theorem promises, built: linear nets, ReLU networks, transformers."""

from lora_proofs.constructions.adapters import Adapter, Broken, adapted, largest_norm
from lora_proofs.constructions.alternating import (
    Improved,
    alternating_least_squares,
    reduced_rank_regression,
)
from lora_proofs.constructions.alternating_relu import ImprovedRelu, improve_relu_adapters
from lora_proofs.constructions.leading import leading_factors
from lora_proofs.constructions.linear import (
    LinearAdaptation,
    linear_adapters,
    update_adapters,
)
from lora_proofs.constructions.narrow import narrow_target_adapters
from lora_proofs.constructions.optimality import (
    ErrorNorms,
    LowerBounds,
    attained_error,
    lower_bounds,
    minimal_linear_rank,
    optimal_error,
    precise_linear_adapters,
)
from lora_proofs.constructions.partition import uniform_partition
from lora_proofs.constructions.precision import at_enough_digits
from lora_proofs.constructions.regions import Ball, Box
from lora_proofs.constructions.relu_biases import affine_biases
from lora_proofs.constructions.relu_error import ErrorBound, error_bound, sup_error
from lora_proofs.constructions.relu_fnn import (
    ReluAdaptation,
    precise_relu_adapters,
    relu_adapters,
)
from lora_proofs.constructions.relu_minimal import minimal_exact_rank, sufficient_rank
from lora_proofs.constructions.transformer import (
    TransformerAdaptation,
    precise_transformer_adapters,
    transformer_adapters,
)
from lora_proofs.constructions.transformer_error import error_bound as transformer_error_bound
from lora_proofs.constructions.transformer_gaps import (
    minimal_exact_rank as minimal_transformer_rank,
)
from lora_proofs.constructions.transformer_gaps import (
    sufficient_rank as sufficient_transformer_rank,
)
from lora_proofs.constructions.weighted import weighted_adapters, weighted_optimum

__all__ = [
    "Adapter",
    "Ball",
    "Box",
    "Broken",
    "ErrorBound",
    "ErrorNorms",
    "Improved",
    "ImprovedRelu",
    "LinearAdaptation",
    "LowerBounds",
    "ReluAdaptation",
    "TransformerAdaptation",
    "adapted",
    "affine_biases",
    "alternating_least_squares",
    "at_enough_digits",
    "attained_error",
    "error_bound",
    "improve_relu_adapters",
    "largest_norm",
    "leading_factors",
    "linear_adapters",
    "lower_bounds",
    "minimal_exact_rank",
    "minimal_linear_rank",
    "minimal_transformer_rank",
    "narrow_target_adapters",
    "optimal_error",
    "precise_linear_adapters",
    "precise_relu_adapters",
    "precise_transformer_adapters",
    "reduced_rank_regression",
    "relu_adapters",
    "sufficient_rank",
    "sufficient_transformer_rank",
    "sup_error",
    "transformer_adapters",
    "transformer_error_bound",
    "uniform_partition",
    "update_adapters",
    "weighted_adapters",
    "weighted_optimum",
]
