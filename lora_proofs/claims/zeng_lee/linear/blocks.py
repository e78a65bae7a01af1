"""The construction in blocks of singular vectors: what one layer adds, and the instances for it.

E = target - P_0 = U diag(s) V', K_l projects onto the columns of V that belong to layer l, and
DW_l = P_l^{-1} E K_l (What_{l-1} ... What_1)^{-1} with P_l = W_L ... W_{l+1}. If
P_{l-1} What_{l-1} ... What_1 = P_0 + E K for the earlier blocks K, then layer l adds E K_l. After
l layers the error is E - E K with S_l = R_1 + ... + R_l leading singular values gone. One-sided
inverses are enough, so the layers may have different widths.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    Comparison,
    at_least,
    at_most,
    equal,
    squared_norm,
)
from lora_proofs.claims.zeng_lee.linear.blocks_proof import (
    BLOCK,
    ERROR_VALUE,
    FROBENIUS,
    GAP_IS,
    GAP_TAIL,
    GAP_VALUE,
    K_L,
    OF_DW,
    OF_INNER,
    OF_K,
    P_0,
    P_INVERSE,
    P_INVERTED,
    PRODUCT,
    Q_INVERSE,
    Q_INVERTED,
    RANK,
    TARGET,
    VALUE,
    E,
    K,
    P,
    Q,
    R,
    W,
)
from lora_proofs.claims.zeng_lee.linear.problem import (
    gap,
    least_squared_error,
    named_squared_value,
    nonsingular,
    nth,
    ranks,
    root,
    squares,
    tail,
)
from lora_proofs.language.claim import Assumption
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw, Rejected
from lora_proofs.strategies.networks import layers, linear_problem, truncated, whole_product


def draw(source: Draw, regime: str, *, uniform: bool = False) -> Instance:
    """A problem, a layer l and an index i; what the construction meets on its way is nonsingular.

    ``uniform``: the same rank for every layer.
    """
    found = linear_problem(source, regime, most_width=3, most_depth=3)
    L, D = len(layers(found)), len(found.target)
    if uniform:
        R = {"S = 0": 0, "S >= D": D}.get(regime, source.integer(1, D))
        found = found.replace(ranks=[[R] * L])
    found = found.replace(l=source.integer(1, L), i=source.integer(1, D))
    if any(c.outcome != "holds" for c in is_nonsingular(found, EXACT)):
        raise Rejected("a singular matrix on the way")
    return found


def block(instance: Instance, first: int, last: int) -> Any:
    """The projector onto the columns first + 1, ..., last of V."""
    V = EXACT.matrix(instance.V)[:, first:last]
    return V @ V.mT if V.shape[1] else EXACT.zeros(len(V), len(V))


def ends(instance: Instance) -> list[int]:
    """0, R_1, R_1 + R_2, ...: how many singular vectors are used up after each layer."""
    return [0, *accumulate(ranks(instance))]


def adapters(instance: Instance, count: int) -> list[Any]:
    """DW_l = P_l^{-1} E K_l (What_{l-1} ... What_1)^{-1} for l <= count, exact.

    Raises ``BadInput`` where a matrix that is to be inverted is singular.
    """
    weights, E_, stops = layers(instance), gap(instance), ends(instance)
    prefix, found = EXACT.identity(E_.shape[1]), []
    for k, W_k in enumerate(weights[:count]):
        K_k, later = block(instance, *stops[k : k + 2]), after_layer(weights, k + 1)
        new = right_inverse(later) @ E_ @ K_k @ left_inverse(prefix)
        found.append(new)
        prefix = (W_k + new) @ prefix
    return found


def after_layer(weights: Any, count: int) -> Any:
    """P_l = W_L ... W_{l+1} for l = count, I for the last layer."""
    return (
        whole_product(weights[count:]) if count < len(weights) else EXACT.identity(len(weights[-1]))
    )


def right_inverse(X: Any) -> Any:
    """X^+ of a matrix of full row rank, its inverse where it is square."""
    return X.mT @ EXACT.inverse(X @ X.mT)


def left_inverse(X: Any) -> Any:
    """X^+ of a matrix of full column rank, its inverse where it is square."""
    return EXACT.inverse(X.mT @ X) @ X.mT


def at_layer(instance: Instance, count: int) -> tuple[Any, Any]:
    """P_l and What_{l-1} ... What_1 for l = count."""
    weights, earlier = layers(instance), adapters(instance, count - 1)
    moved = [W_k + D for W_k, D in zip(weights, earlier, strict=False)]
    first = EXACT.identity(weights[0].shape[1])
    return after_layer(weights, count), whole_product([first, *moved])


def is_nonsingular(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Every W_l, and P_0 + LR_r(E) for r = R_1, R_1 + R_2, ... below the last layer."""
    yield from nonsingular(instance, ctx)
    P_0_, E_ = whole_product(layers(instance)), gap(instance)
    for stop in ends(instance)[1:-1]:
        reached = P_0_ + E_ @ block(instance, 0, stop)
        yield at_least(f"rank of P_0 + LR_{stop}(E)", EXACT.rank(reached), len(reached))


def are_blocks(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """E = U diag(s) V' with orthogonal U, V and falling s >= 0; a rank R_l >= 0 for each layer."""
    U, V = EXACT.matrix(instance.U), EXACT.matrix(instance.V)
    sigma = instance.sigma[0]
    yield equal("U'U", U.mT @ U, EXACT.identity(len(U)))
    yield equal("V'V", V.mT @ V, EXACT.identity(len(V)))
    yield equal("U diag(s) V'", truncated(U, sigma, V, len(sigma)), gap(instance))
    for first, second in pairwise([*sigma, 0]):
        yield at_least("one singular value against the next", first, second)
    for R_l in ranks(instance):
        yield at_least("R_l", R_l, 0)


def earlier_layers(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """P_l W_l What_{l-1} ... What_1 = P_0 + E K."""
    count = int(instance.l)
    later, before = at_layer(instance, count)
    K_ = block(instance, 0, ends(instance)[count - 1])
    reached = whole_product(layers(instance)) + gap(instance) @ K_
    yield equal("what was reached", later @ layers(instance)[count - 1] @ before, reached)


def indices(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """1 <= l <= L and i >= 1: what else is named is computed from the instance."""
    yield at_least("l", int(instance.l), 1)
    yield at_most("l", int(instance.l), len(layers(instance)))
    yield at_least("i", int(instance.i), 1)


NONSINGULAR = Assumption(
    "nonsingular",
    r"every $W_l$ and every $P_0 + \mathrm{LR}_r(E)$ with $r = R_1 + \dots + R_l$, $l < L$, is "
    r"nonsingular",
    is_nonsingular,
    relations=(P_INVERTED, Q_INVERTED),
)
BLOCKS = Assumption(
    "blocks",
    r"$\bar W = P_0 + E$, $E = U \mathrm{diag}(s) V^\top$ is a singular value decomposition with "
    r"falling $s$, and $K$, $K_l$ project onto the first $R_1 + \dots + R_{l-1}$ and the next "
    r"$R_l \ge 0$ columns of $V$",
    are_blocks,
    relations=(GAP_IS, BLOCK),
)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The matrices at layer l, the ranks and the singular values."""
    count, stops = int(instance.l), ends(instance)
    later, before = at_layer(instance, count)
    K_, K_now = block(instance, 0, stops[count - 1]), block(instance, *stops[count - 1 : count + 1])
    back = left_inverse(before)
    values = {
        E: gap(instance), TARGET: instance.target, P_0: whole_product(layers(instance)),
        P: later, P_INVERSE: right_inverse(later), W: layers(instance)[count - 1], K: K_,
        K_L: K_now, Q: before, Q_INVERSE: back,
    }  # fmt: skip
    update, i = adapters(instance, count)[-1], int(instance.i)
    measured = ((OF_DW, update), (OF_INNER, K_now @ back), (OF_K, K_now))
    in_E, in_X = squares(gap(instance), ctx), squares(error_after(instance, count), ctx)
    return {
        **{symbol: ctx.matrix(value) for symbol, value in values.items()},
        **{symbol: ctx.number(EXACT.rank(X)) for symbol, X in measured},
        R: ctx.number(ranks(instance)[count - 1]),
        GAP_VALUE: root(nth(in_E, stops[count] + i)), ERROR_VALUE: root(nth(in_X, i)),
        GAP_TAIL: ctx.number(tail(in_E, stops[count])),
    }  # fmt: skip


def reached_after(instance: Instance, count: int) -> Any:
    """P_l What_l ... What_1 for l = count."""
    weights = layers(instance)
    moved = [W_k + D for W_k, D in zip(weights, adapters(instance, count), strict=False)]
    return after_layer(weights, count) @ whole_product(moved)


def error_after(instance: Instance, count: int) -> Any:
    """The target minus what is reached after ``count`` layers."""
    return EXACT.matrix(instance.target) - reached_after(instance, count)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Layer l as derived; beside it the last one, which is the theorem."""
    count, L, stops = int(instance.l), len(layers(instance)), ends(instance)
    reached = whole_product(layers(instance)) + gap(instance) @ block(instance, 0, stops[count])
    found, in_E = reached_after(instance, count), squares(gap(instance), ctx)
    X, update = EXACT.matrix(instance.target) - found, adapters(instance, count)[-1]
    yield equal(PRODUCT, found, reached)
    yield at_most(RANK, EXACT.rank(update), ranks(instance)[count - 1])
    i = int(instance.i)
    yield equal(VALUE, root(nth(squares(X, ctx), i)), root(nth(in_E, stops[count] + i)))
    yield equal(FROBENIUS, squared_norm(X), tail(in_E, stops[count]))
    largest = squares(X if count == L else error_after(instance, L), ctx)[0]
    yield equal("measured: squared spectral error", largest, nth(in_E, stops[L] + 1))


def least_error(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """What no adapters beat against sigma_(S+1)(E)."""
    yield from against(instance, ctx, ends(instance)[-1], Fraction(1))


def against(instance: Instance, ctx: Arithmetic, S: int, factor: Fraction) -> Iterator[Comparison]:
    """What no adapters beat against a multiple of sigma_(S+1)(E) as V names it, both squared."""
    promised = named_squared_value(instance, S) * EXACT.number(factor) ** 2
    yield at_most("what no adapters beat", least_squared_error(instance, ctx), promised)


def one_rank_more(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """sigma_(S+2)(E) claimed to be reached."""
    yield from against(instance, ctx, ends(instance)[-1] + 1, Fraction(1))


def a_percent_less(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """0.99 sigma_(S+1)(E) claimed to be reached."""
    yield from against(instance, ctx, ends(instance)[-1], Fraction(99, 100))


def last_vectors(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The formula with whatever columns of V come first."""
    X = error_after(instance, len(layers(instance)))
    wanted = nth(squares(gap(instance), ctx), ends(instance)[-1] + 1)
    yield equal("squared spectral error", squares(X, ctx)[0], wanted)


ONE, NONE, SWAP = [[1, 0], [0, 1]], [[0, 0], [0, 0]], [[0, 1], [1, 0]]
DEAD = Instance(
    W1=NONE, W2=ONE, DW1=NONE, DW2=NONE, target=ONE, ranks=[[1, 1]], U=ONE, V=ONE, sigma=[[1, 1]],
    l=1, i=1,
)  # fmt: skip
"""W_1 = 0: the product has rank 1 at most, and the identity is at distance 1."""
PLAIN = Instance(
    W1=ONE, DW1=NONE, target=[[4, 0], [0, 3]], ranks=[[1]], U=ONE, V=ONE, sigma=[[3, 2]], l=1, i=1
)
UNSORTED = PLAIN.replace(U=SWAP, V=SWAP, sigma=[[2, 3]])
