"""Floor 2: the fast path. Batched kernels in float64, each with its own honest error per instance.

What a kernel returns only nominates: an instance that matters is asked again in balls or exact
rationals. Arrays of NumPy are the default; any other array-API namespace works where its arrays
come in.
"""

from lora_proofs.kernels.descent import gradient_descent
from lora_proofs.kernels.factored import FactoredFlow, factored_flow, factored_trace_squared
from lora_proofs.kernels.flow import lora_flow
from lora_proofs.kernels.full import full_flow
from lora_proofs.kernels.linear import LinearBatch, linear_batch
from lora_proofs.kernels.relu import ReluBatch, relu_batch, relu_values
from lora_proofs.kernels.result import REASONS, BatchResult
from lora_proofs.kernels.spectra import Spectra, product_spectra

__all__ = [
    "REASONS",
    "BatchResult",
    "FactoredFlow",
    "LinearBatch",
    "ReluBatch",
    "Spectra",
    "factored_flow",
    "factored_trace_squared",
    "full_flow",
    "gradient_descent",
    "linear_batch",
    "lora_flow",
    "product_spectra",
    "relu_batch",
    "relu_values",
]
