"""What a construction for a linear net hands back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lora_proofs.arithmetic.context import Arithmetic, Matrix
from lora_proofs.arithmetic.dense import handed_on, product
from lora_proofs.constructions.adapters import Adapter, Broken, adapted


@dataclass(frozen=True)
class LinearAdaptation:
    """Adapters of a linear net, layer 1 first, with What_l = W_l + B_l A_l and their product."""

    adapters: tuple[Adapter, ...]
    weights: tuple[Matrix, ...]
    product: Matrix
    method: str
    broken: tuple[Broken, ...] = ()

    def in_arithmetic(self, ctx: Arithmetic) -> LinearAdaptation:
        """The same numbers as ``ctx`` has them."""

        def lifted(X: Matrix) -> Matrix:
            return handed_on(X, ctx)

        adapters = tuple(Adapter(lifted(x.B), lifted(x.A)) for x in self.adapters)
        weights = tuple(lifted(W) for W in self.weights)
        return LinearAdaptation(adapters, weights, lifted(self.product), self.method, self.broken)


def assembled(
    frozen: Sequence[Matrix],
    adapters: tuple[Adapter, ...],
    method: str,
    broken: tuple[Broken, ...],
    ctx: Arithmetic,
) -> LinearAdaptation:
    """The adaptation with its weights and their product, of weights and factors in ``ctx``."""
    weights = tuple(adapted(W, x, ctx) for W, x in zip(frozen, adapters, strict=True))
    total = product(*reversed(weights), ctx=ctx)
    return LinearAdaptation(adapters, weights, total, method, broken)
