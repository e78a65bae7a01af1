"""What the claims about ReLU networks share: reading a problem, gaps, and what no adapters beat.

A block of frozen layers has the product P_i and the gap E_i = Wbar_i - P_i; S_i is the sum of the
ranks in it. Numbers are exact wherever they are rational, so that a bound which is met counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np

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
from lora_proofs.claims.zeng_lee.linear.problem import root, squares
from lora_proofs.constructions.regions import Box, larger
from lora_proofs.constructions.relu_error import sup_error
from lora_proofs.constructions.relu_fnn import ReluAdaptation, relu_adapters
from lora_proofs.language.claim import Assumption
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.literature import ECKART_YOUNG_MIRSKY, lean_on
from lora_proofs.mathematics.relu_network import relu_network
from lora_proofs.strategies.networks import layers, truncated, whole_product
from lora_proofs.strategies.relu_networks import blocks, frozen, target, whole_numbers


def partition(instance: Instance) -> tuple[int, ...]:
    """How many frozen layers each block has."""
    return whole_numbers(instance.partition)


def ranks(instance: Instance) -> tuple[int, ...]:
    """R_1, ..., R_L."""
    return whole_numbers(instance.ranks)


def sums(instance: Instance) -> list[int]:
    """S_i, the sum of the ranks of each block."""
    return [sum(block) for block in blocks(ranks(instance), partition(instance))]


def products(instance: Instance) -> list[Any]:
    """P_i, the product of the frozen weights of each block."""
    return [whole_product(block) for block in blocks(layers(instance), partition(instance))]


def gaps(instance: Instance) -> list[int]:
    """rank(Wbar_i - P_i)."""
    pairs = zip(target(instance), products(instance), strict=True)
    return [EXACT.rank(W - P) for (W, _), P in pairs]


def box(instance: Instance) -> Box:
    """The box that the inputs are in."""
    return Box(instance.lower[0], instance.upper[0])


def spectrum(instance: Instance, i: int) -> tuple[Any, ...]:
    """The singular values of the gap of block i (from 1) as the instance names them."""
    return tuple(getattr(instance, f"sigma{i}")[0])


def tails(instance: Instance) -> list[Any]:
    """sigma_{S_i + 1}(E_i) of each block; 0 beyond the last one."""
    found = []
    for i, S in enumerate(sums(instance), start=1):
        values = spectrum(instance, i)
        found.append(EXACT.number(values[S]) if len(values) > S else EXACT.number(0))
    return found


def nearest(instance: Instance) -> list[tuple[Any, Any]]:
    """(P_i + the truncation of E_i of rank S_i, bbar_i): what the network is turned into."""
    found = []
    parts = zip(target(instance), products(instance), sums(instance), strict=True)
    for i, ((_, b), P, S) in enumerate(parts, start=1):
        U, V = (getattr(instance, f"{name}{i}") for name in "UV")
        found.append((P + truncated(U, spectrum(instance, i), V, S), b))
    return found


def adapted_to(instance: Instance, wanted: Sequence[tuple[Any, Any]]) -> ReluAdaptation:
    """The frozen network with adapters of the ranks of the instance, made for a target on the box.

    Source: Zeng & Lee, general partition, as commonly quoted.
    """
    there = box(instance)
    return relu_adapters(
        frozen(instance), wanted, ranks(instance), there, partition(instance), EXACT
    )


def same_on_the_box(
    instance: Instance, net: ReluAdaptation, wanted: Sequence[tuple[Any, Any]]
) -> Iterator[Comparison]:
    """What_l - W_l have their ranks, and the network is the target at every point of the box."""
    for (What, _), W, R in zip(net.layers, layers(instance), ranks(instance), strict=True):
        yield at_most("rank of What_l - W_l", EXACT.rank(EXACT.matrix(What) - W), R)
    apart = sup_error(net.layers, wanted, partition(instance), box(instance), EXACT)
    yield equal("the greatest distance of each output on the box", apart, 0 * apart)


def squared_errors(instance: Instance, net: Sequence[tuple[Any, Any]]) -> list[Any]:
    """||f(x) - fbar(x)||^2 at each point of the support."""
    X = EXACT.matrix(instance.X)
    D = relu_network(net, X, EXACT) - relu_network(target(instance), X, EXACT)
    return list((D * D).sum(axis=0))


def mean(values: Sequence[Any]) -> Any:
    """The mean of numbers of one arithmetic."""
    return sum(values[1:], values[0]) / len(values)


def trace_of_moment(instance: Instance) -> Any:
    """tr Sigma = E ||x||^2."""
    X = EXACT.matrix(instance.X)
    return mean(list((X * X).sum(axis=0)))


def least_variance(instance: Instance) -> Any:
    """What E ||f - fbar||^2 is at least, for all adapters and biases: the variance of fbar if f
    cannot depend on x, as a frozen weight 0 has an adapter of rank 0; else 0.
    """
    pairs = zip(layers(instance), ranks(instance), strict=True)
    if not any(EXACT.rank(W) == 0 and R == 0 for W, R in pairs):
        return EXACT.number(0)
    values = relu_network(target(instance), EXACT.matrix(instance.X), EXACT)
    away = values - values.sum(axis=1)[:, None] / values.shape[1]
    return (away * away).sum() / values.shape[1]


def least_without_adapters(instance: Instance, ctx: Arithmetic) -> Any:
    """What E ||f - fbar||^2 is at least for all biases, if all R_l = 0 and x is one of two points.

    f has the Lipschitz constant prod ||W_l||, so the errors at x and y add up to t = ||fbar(x) -
    fbar(y)|| - prod ||W_l|| ||x - y|| at least, and a^2 + b^2 >= t^2/2 for a + b >= t. Else 0.
    """
    X = EXACT.matrix(instance.X)
    if any(ranks(instance)) or X.shape[1] != 2:
        return EXACT.number(0)
    Y = relu_network(target(instance), X, EXACT)
    apart, moved = (root(squared_norm(Z[:, :1] - Z[:, 1:])) for Z in (X, Y))
    for W in layers(instance):
        apart = apart * root(squares(W, ctx)[0])
    missed = larger(moved - apart, 0 * apart)
    return missed * missed / 4


def least_jacobian_gap(instance: Instance, ctx: Arithmetic) -> Any:
    """What ||Df - Dfbar||_2^2 is at least near the middle of the box, for all adapters and biases.

    For a target of one layer whose outputs are all positive there, Dfbar = Wbar. The Jacobian of f
    is What_L D_{L-1} ... D_1 What_1 with 0/1 masks. Its rank is at most m = min_l (rank W_l + R_l);
    and either a mask has a 0, so that its rank is below D, or it differs from the product of the
    W_l by a matrix of rank S at most. So its distance to Wbar is at least sigma_{m+1}(Wbar), and at
    least the smaller one of sigma_D(Wbar) and sigma_{S+1}(Wbar - prod W). It is 0 where fbar is of
    another form: then nothing is known here.
    """
    lean_on(ECKART_YOUNG_MIRSKY)
    (W, b), *more = target(instance)
    x = (EXACT.matrix(instance.lower)[0] + EXACT.matrix(instance.upper)[0]) / 2
    if more or not all(value > 0 for value in W @ x + b):
        return EXACT.number(0)
    pairs = zip(layers(instance), ranks(instance), strict=True)
    m = min(EXACT.rank(V) + R for V, R in pairs)
    whole, gap = squares(W, ctx), squares(W - whole_product(layers(instance)), ctx)
    by_mask, by_update = whole[-1], _after(gap, sum(ranks(instance)))
    either = by_update if by_mask >= by_update else by_mask
    narrow = _after(whole, m)
    return narrow if narrow >= either else either


def _after(values: Sequence[Any], k: int) -> Any:
    return values[k] if k < len(values) else EXACT.number(0)


def jacobian(net: Sequence[tuple[Any, Any]], x: Any) -> tuple[Any, list[Any]]:
    """The Jacobian of a ReLU network at an exact point x, and every preactivation there."""
    J, z, seen = EXACT.identity(len(x)), x, []
    for W, b in net:
        u = EXACT.matrix(W) @ z + EXACT.matrix([list(b)])[0]
        mask = np.array([EXACT.number(int(value > 0)) for value in u])
        J, z = mask[:, None] * (EXACT.matrix(W) @ J), u * mask
        seen += list(u)
    return J, seen


def frames_hold(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """U_i, V_i are orthogonal, sigma_i falls to at least 0, and Wbar_i - P_i = U_i sigma_i V_i'."""
    pairs = zip(target(instance), products(instance), strict=True)
    for i, ((W, _), P) in enumerate(pairs, start=1):
        U, V = (EXACT.matrix(getattr(instance, f"{name}{i}")) for name in "UV")
        yield equal("U'U", U.mT @ U, EXACT.identity(len(U)))
        yield equal("V'V", V.mT @ V, EXACT.identity(len(V)))
        for first, second in pairwise((*spectrum(instance, i), 0)):
            yield at_least("sigma_k against sigma_{k+1}", first, second)
        yield equal("Wbar - P", W - P, truncated(U, spectrum(instance, i), V, len(U)))


def inside(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The support is in the box, and the box has an inside."""
    rows = zip(instance.X, instance.lower[0], instance.upper[0], strict=True)
    for row, low, high in rows:
        yield at_most("lower against the least input", low, min(row))
        yield at_least("upper against the greatest input", high, max(row))
        yield below("lower against upper", low, high)


frames = Assumption(
    "frames",
    r"$E_i = \bar W_i - \prod_{l \in P_i} W_l = U_i\,\mathrm{diag}(\sigma_i)\,V_i^\top$ is a "
    r"singular value decomposition",
    frames_hold,
    technical="it names the singular values of the gaps",
)
bounded = Assumption(
    "bounded",
    r"the inputs are in a bounded set, here a box",
    inside,
    technical="zeng-lee/naive/exact-on-all-inputs is what goes wrong without it",
)


def product_of(matrices: Sequence[Any]) -> Any:
    """M_k ... M_1."""
    return reduce(lambda below, above: above @ below, matrices)
