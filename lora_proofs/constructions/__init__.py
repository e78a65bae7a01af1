"""Floor 2: adapters that a theorem promises, built: linear nets, ReLU networks, transformers."""

from lora_proofs.constructions.adapters import Adapter, Broken, adapted, largest_norm
from lora_proofs.constructions.leading import leading_factors
from lora_proofs.constructions.linear import LinearAdaptation, linear_adapters
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

__all__ = [
    "Adapter",
    "Ball",
    "Box",
    "Broken",
    "ErrorBound",
    "LinearAdaptation",
    "ReluAdaptation",
    "adapted",
    "affine_biases",
    "at_enough_digits",
    "error_bound",
    "largest_norm",
    "leading_factors",
    "linear_adapters",
    "minimal_exact_rank",
    "precise_relu_adapters",
    "relu_adapters",
    "sufficient_rank",
    "sup_error",
    "uniform_partition",
]
