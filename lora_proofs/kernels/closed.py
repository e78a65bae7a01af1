"""The closed form of lambda-balanced starts: the fastest way that keeps its digits, or the surest.

Without an SVD (``rank_one.py``, ``propagated.py``) rounding mixes all singular directions. Where a
flow depends on their being apart, at a saddle or near one, where it is long, or stiff, it goes in
substeps in singular coordinates (``balanced.py``), which keep zeros and know their error best.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from lora_proofs.kernels.balanced import balanced_flow
from lora_proofs.kernels.propagated import propagated_flow
from lora_proofs.kernels.rank_one import rank_one_flow
from lora_proofs.kernels.result import BatchResult, taken, woven

Array = Any


def closed_flow(
    W0: Array,
    Y: Array,
    A0: Array,
    B0: Array,
    t: Array,
    xp: Any,
    *,
    most_steps: int,
    singular_values: bool,
) -> BatchResult:
    """The flow of 1/2 ||W0 + BA - Y||^2 for N starts with ``balance_defect`` below ``BALANCED``.

    A and B are those of the flow where r = 1, and ``None`` elsewhere: W is known, a rotation not.
    """
    swift = rank_one_flow if A0.shape[1] == 1 else propagated_flow
    careful = partial(balanced_flow, most_steps=most_steps, singular_values=singular_values)
    if A0.shape[1] > 1 and bool(xp.all(xp.any(B0 != 0, axis=(-2, -1)))):
        return careful(W0, Y, A0, B0, t, xp)
    found, sure = swift(W0, Y, A0, B0, t, xp, singular_values=singular_values)
    if bool(xp.all(sure)):
        return found
    (kept,), (others,) = xp.nonzero(sure), xp.nonzero(~sure)
    W0, Y, A0, B0, t = (xp.take(X, others, axis=0) for X in (W0, Y, A0, B0, t))
    rest = careful(W0, Y, A0, B0, t, xp)
    if not kept.shape[0]:
        return rest
    return woven([taken(found, kept, xp), rest], [kept, others], xp)
