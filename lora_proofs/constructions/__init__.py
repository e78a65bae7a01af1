"""Floor 2: adapters that a theorem promises, built: linear nets, ReLU networks, transformers."""

from lora_proofs.constructions.adapters import Adapter, Broken, adapted, largest_norm
from lora_proofs.constructions.leading import leading_factors
from lora_proofs.constructions.linear import LinearAdaptation, linear_adapters
from lora_proofs.constructions.precision import at_enough_digits

__all__ = [
    "Adapter",
    "Broken",
    "LinearAdaptation",
    "adapted",
    "at_enough_digits",
    "largest_norm",
    "leading_factors",
    "linear_adapters",
]
