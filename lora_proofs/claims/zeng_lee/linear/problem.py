"""What the claims about deep linear networks share: reading a problem, and what no adapters beat.

E = target - W_L ... W_1 is the gap, S = R_1 + ... + R_L. Singular values are exact where they are
rational, so that a bound which is met counts as met.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import flint

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    Comparison,
    at_least,
    at_most,
    below,
    equal,
    squared_norm,
)
from lora_proofs.constructions.leading import rank_factors
from lora_proofs.constructions.linear import linear_adapters
from lora_proofs.errors import Unavailable
from lora_proofs.language.claim import Assumption
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.literature import ECKART_YOUNG_MIRSKY, lean_on
from lora_proofs.mathematics.singular_values import squared_levels
from lora_proofs.strategies.networks import layers, whole_product


def ranks(instance: Instance) -> tuple[int, ...]:
    """R_1, ..., R_L."""
    return tuple(int(R) for R in instance.ranks[0])


def gap(instance: Instance) -> Any:
    """E = target - W_L ... W_1, exact."""
    return EXACT.matrix(instance.target) - whole_product(layers(instance))


def squares(X: Any, ctx: Arithmetic) -> list[Any]:
    """The squared singular values of an exact X, largest first: rational ones exactly.

    The others are balls; exact arithmetic has none and raises ``Unavailable``.
    """
    bits = int(getattr(ctx, "digits", 17) * 3.33) + 32
    found = [value for value, times in squared_levels(X, bits) for _ in range(times)]
    if ctx is EXACT and any(isinstance(value, flint.arb) for value in found):
        raise Unavailable("irrational singular values", ctx.name)
    return found


def root(square: Any) -> Any:
    """The square root, exact where it is rational; ``Unavailable`` nowhere, else a ball."""
    if isinstance(square, flint.arb):
        return square.sqrt()
    try:
        return EXACT.sqrt(square)
    except Unavailable:
        return flint.arb(square).sqrt()


def nth(values: Sequence[Any], k: int) -> Any:
    """The k-th of the values, from 1; 0 beyond the last."""
    return values[k - 1] if k <= len(values) else EXACT.number(0)


def tail(values: Sequence[Any], r: int) -> Any:
    """The sum of the values beyond the first r."""
    return sum(values[r:], EXACT.number(0))


def least_squared_error(instance: Instance, ctx: Arithmetic) -> Any:
    """What the squared spectral error of no adapters is below.

    The update has rank S at most, and the adapted product the rank min_l (rank W_l + R_l) at most;
    each bounds the distance to the target by the Eckart-Young-Mirsky theorem.
    """
    lean_on(ECKART_YOUNG_MIRSKY)
    by_update = nth(squares(gap(instance), ctx), sum(ranks(instance)) + 1)
    whole = nth(squares(EXACT.matrix(instance.target), ctx), bottleneck(instance) + 1)
    return by_update if by_update >= whole else whole


def unadapted_error(instance: Instance, X: Any) -> Any:
    """(target - W_L ... W_1) X for an exact X, the frozen layers applied one after another."""
    reached = X
    for W in layers(instance):
        reached = W @ reached
    return EXACT.matrix(instance.target) @ X - reached


def named_squared_value(instance: Instance, S: int) -> Any:
    """sigma_(S+1)(E)^2 as the frame V of the instance names it, |E v_(S+1)|^2; 0 beyond the last.

    Bounds are computed from the spectrum of E: what is promised is not, so that a slip in one of
    the two is seen.
    """
    v = EXACT.matrix(instance.V)[:, S : S + 1]
    return squared_norm(unadapted_error(instance, v)) if v.size else EXACT.number(0)


def bottleneck(instance: Instance) -> int:
    """The least of rank W_l + R_l and all widths: no adapted product has a larger rank."""
    pairs = zip(layers(instance), ranks(instance), strict=True)
    return int(min(min(EXACT.rank(W) + R, *W.shape) for W, R in pairs))


def shapes_fit(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The layers can be composed, the target has the shape of the product, and every R_l >= 0."""
    weights = layers(instance)
    for W, after in pairwise(weights):
        yield equal("columns of the next layer", after.shape[1], W.shape[0])
    target = EXACT.matrix(instance.target)
    yield equal("rows of the target", target.shape[0], weights[-1].shape[0])
    yield equal("columns of the target", target.shape[1], weights[0].shape[1])
    yield equal("number of ranks", len(ranks(instance)), len(weights))
    for R in ranks(instance):
        yield at_least("R_l", R, 0)


def nonsingular(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Every W_l is square of full rank."""
    for W in layers(instance):
        yield equal("columns of W_l against rows", W.shape[1], W.shape[0])
        yield at_least("rank of W_l", EXACT.rank(W), len(W))


# --- adapters from the constructions --------------------------------------------------------------


def leading_part(instance: Instance, X: Any, r: int) -> Any:
    """X K with the projector K onto the first r columns of V: the truncation of X that V names."""
    V = EXACT.matrix(instance.V)[:, :r]
    return X @ V @ V.mT if V.shape[1] else 0 * X


def is_frame(X: Any, V: Any) -> Iterator[Comparison]:
    """V is orthogonal and X'X V = V diag(falling): right singular vectors of X, largest first."""
    yield equal("V'V", V.mT @ V, EXACT.identity(len(V)))
    turned = V.mT @ X.mT @ X @ V
    falling = [turned[i, i] for i in range(len(V))]
    for i, value in enumerate(falling):
        turned[i, i] -= value
    yield equal("V'E'E V off the diagonal", turned, 0 * turned)
    for first, second in pairwise(falling):
        yield at_least("one squared singular value against the next", first, second)


def has_frame(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The columns of V are right singular vectors of E, in falling order."""
    yield from is_frame(gap(instance), EXACT.matrix(instance.V))


FRAME = Assumption(
    "frame",
    r"the columns of $V$ are right singular vectors of $E$, largest first; they name $\mathrm{LR}_S"
    r"(E) = E K_S$ also where singular values are tied",
    has_frame,
    technical="every matrix has such vectors; on instances they are rational",
)
WEIGHTS = Assumption("nonsingular_weights", r"every $W_l$ is square and nonsingular", nonsingular)


@dataclass(frozen=True)
class Adapted:
    """Updates DW_l = B_l A_l, how many columns B_l has, and the product of all W_l + DW_l."""

    updates: tuple[Any, ...]
    columns: tuple[int, ...]
    product: Any
    parameters: int


def adapters_towards(instance: Instance, target: Any, allowed: Sequence[int]) -> Adapted:
    """The adapters that the constructions give for a target, multiplied out here once more."""
    weights = layers(instance)
    found = linear_adapters(weights, target, allowed, EXACT)
    updates = [
        x.B @ x.A if x.B.shape[1] else 0 * W for W, x in zip(weights, found.adapters, strict=True)
    ]
    whole = whole_product([W + D for W, D in zip(weights, updates, strict=True)])
    columns = tuple(x.B.shape[1] for x in found.adapters)
    return Adapted(tuple(updates), columns, whole, sum(x.B.size + x.A.size for x in found.adapters))


def best_adapters(instance: Instance) -> Adapted:
    """Adapters that reach P_0 + LR_S(E)."""
    allowed = ranks(instance)
    reachable = whole_product(layers(instance)) + leading_part(
        instance, gap(instance), sum(allowed)
    )
    return adapters_towards(instance, reachable, allowed)


def within_ranks(found: Adapted, allowed: Sequence[int]) -> Iterator[Comparison]:
    """B_l has R_l columns at most."""
    for columns, R in zip(found.columns, allowed, strict=True):
        yield at_most("columns of B_l against R_l", columns, R)


def too_few(
    instance: Instance, found: Adapted, fewer: Sequence[int], ctx: Arithmetic
) -> Iterator[Comparison]:
    """With fewer ranks no adapters are exact, and those at hand, cut down to them, miss the target.

    What is left has the rank that they lack at least.
    """
    least = least_squared_error(instance.replace(ranks=[list(fewer)]), ctx)
    yield below("0 against what no adapters of fewer ranks beat", EXACT.number(0), least)
    kept = [cut(D, R) for D, R in zip(found.updates, fewer, strict=True)]
    product = whole_product([W + D for W, D in zip(layers(instance), kept, strict=True)])
    lacking = EXACT.rank(gap(instance)) - sum(fewer)
    left = EXACT.rank(EXACT.matrix(instance.target) - product)
    yield at_least("rank that is left with fewer ranks", left, lacking)


def cut(D: Any, R: int) -> Any:
    """The first R terms of an update of any rank."""
    G, H = rank_factors(D)
    return G[:, :R] @ H[:R] if R and G.shape[1] else 0 * D
