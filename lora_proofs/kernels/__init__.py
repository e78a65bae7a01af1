"""Floor 2: the fast path. Batched kernels in float64, each with its own honest error per instance.

What a kernel returns only nominates: an instance that matters is asked again in balls or exact
rationals. Arrays of NumPy are the default; any other array-API namespace works where its arrays
come in.
"""

from lora_proofs.kernels.result import REASONS, BatchResult

__all__ = ["REASONS", "BatchResult"]
