"""Nonsingular frozen weights are enough for the optimal error, whatever the target.

X_l = P_l What_l P_{l-1}^{-1} is I + (rank <= R_l), and prod What = P_0 + LR_S(E) asks for X_L ...
X_1 = T = (P_0 + LR_S(E)) P_0^{-1}, with rank (T - I) <= S. Peeling splits T into that many factors
I + (rank one), singular or not, which are dealt out to the layers.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_most, equal
from lora_proofs.claims.zeng_lee.linear.problem import (
    FRAME,
    WEIGHTS,
    best_adapters,
    gap,
    leading_part,
    least_squared_error,
    named_squared_value,
    nth,
    ranks,
    squares,
    within_ranks,
)
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.networks import (
    layers,
    linear_problem,
    problem,
    singular_frame,
    weights_with_product,
    whole_product,
)
from lora_proofs.strategies.spectra import spectrum

GENERIC = ("generic", "zero ranks", "S >= D", "one layer", "flat spectrum", "tied spectrum")
REGIMES = (*GENERIC, "rotation", "zero target", "singular target", "singular on the way")


def draw(source: Draw, regime: str) -> Instance:
    """A problem of any kind, or one where P_0 + LR_r(E) is singular for some r <= S."""
    if regime in GENERIC:
        return linear_problem(source, regime, most_width=3, most_depth=3)
    D, L = source.integer(2, 3), source.integer(2, 3)
    if regime == "rotation":
        return turned(source, L)
    pairs = values_of(source, regime, D)
    frame = singular_frame(source, D, D, [abs(t - p) for p, t in pairs])
    P_0, signs = EXACT.zeros(D, D), EXACT.identity(D)
    for i, (p, t) in enumerate(pairs):
        P_0[i, i], signs[i, i] = EXACT.number(p), EXACT.number(1 if t >= p else -1)
    weights = weights_with_product(source, EXACT.matrix(frame["U"]) @ P_0 @ frame["V"].mT, L)
    allowed = [source.integer(0, D) for _ in range(L)]
    return problem(weights, allowed, {**frame, "U": frame["U"] @ signs}).replace(regimes=(regime,))


def values_of(source: Draw, regime: str, D: int) -> list[tuple[Fraction, Fraction]]:
    """p and t with P_0 = U diag(p) V' and the target U diag(t) V', |t - p| falling."""
    p = [x + 1 for x in spectrum(source, D)]
    if regime == "zero target":
        pairs = [(x, Fraction(0)) for x in p]
    elif regime == "singular target":
        pairs = [*pairwise(p), (p[-1], Fraction(0))]
    else:  # the first block makes it singular, the next ones do not
        pairs = [(p[0], Fraction(0)), *((x, x + Fraction(1, 4)) for x in p[1:])]
    return sorted(pairs, key=lambda pair: -abs(pair[1] - pair[0]))


def turned(source: Draw, L: int) -> Instance:
    """Identities, and a target that turns every vector of the plane by a right angle."""
    angle = source.choice((1, -1))
    ONE = [[1, 0], [0, 1]]
    named = {f"W{k}": ONE for k in range(1, L + 1)}
    allowed = [source.integer(0, 1) for _ in range(L)]
    target = [[0, -angle], [angle, 0]]
    return Instance(regimes=("rotation",), **named, target=target, ranks=[allowed], V=ONE)


INSTANCES = Instances(draw, REGIMES)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Adapters within their ranks, the product P_0 + LR_S(E), and the spectral error."""
    S, E, found = sum(ranks(instance)), gap(instance), best_adapters(instance)
    yield from within_ranks(found, ranks(instance))
    reachable = whole_product(layers(instance)) + leading_part(instance, E, S)
    yield equal("prod What against P_0 + LR_S(E)", found.product, reachable)
    X = EXACT.matrix(instance.target) - found.product
    wanted = nth(squares(E, ctx), S + 1)
    yield equal("squared spectral error against sigma_(S+1)(E)^2", squares(X, ctx)[0], wanted)


def least_error(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """What no adapters beat against sigma_(S+1)(E), both squared."""
    yield from against(instance, ctx, named_squared_value(instance, sum(ranks(instance))))


def against(instance: Instance, ctx: Arithmetic, promised: Any) -> Iterator[Comparison]:
    """What no adapters beat against a squared error."""
    yield at_most("what no adapters beat", least_squared_error(instance, ctx), promised)


def one_rank_more(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """sigma_(S+2)(E) claimed to be reached."""
    yield from against(instance, ctx, named_squared_value(instance, sum(ranks(instance)) + 1))


def a_percent_less(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """0.99 sigma_(S+1)(E) claimed to be reached."""
    wanted = named_squared_value(instance, sum(ranks(instance)))
    yield from against(instance, ctx, wanted * EXACT.number("9801/10000"))


ONE = [[1, 0], [0, 1]]
DEAD = Instance(W1=[[0, 0], [0, 0]], W2=ONE, target=ONE, ranks=[[1, 1]], V=ONE)
ROTATION = Instance(W1=ONE, W2=ONE, target=[[0, -1], [1, 0]], ranks=[[1, 0]], V=ONE)
PLAIN = Instance(W1=ONE, target=[[4, 0], [0, 3]], ranks=[[1]], V=ONE)

claim = Claim(
    name="zeng-lee/linear-nonsingular-weights-suffice",
    title="Nonsingular frozen weights suffice for the optimal error, for every target",
    source=Source("zeng-lee", "Lemma 1, sharpened", "extension", "summary"),
    statement=(
        r"If every $W_l$ is nonsingular, then for every target $\bar W$ - singular, zero, a "
        r"rotation - and all $R_l \ge 0$ there are updates of rank at most $R_l$ with $\hat W_L "
        r"\cdots \hat W_1 = P_0 + \mathrm{LR}_S(E)$, $S = R_1 + \dots + R_L$, and so with the "
        r"spectral error $\sigma_{S+1}(E)$. The second assumption of the lemma, that the "
        r"intermediate $P_0 + \mathrm{LR}_r(E)$ are nonsingular, is needed by its construction "
        r"only."
    ),
    assumptions=(WEIGHTS, FRAME),
    instances=INSTANCES,
    check=check,
    kind="lower-bound",
    lower_bound=least_error,
    controls=(
        Control(WEIGHTS, (DEAD,), "W_1 = 0: every product has rank 1 at most, the identity has 2"),
        Control(None, (PLAIN, ROTATION), "sigma_(S+2) in place of sigma_(S+1)", one_rank_more),
        Control(None, (ROTATION,), "0.99 of the optimal error", a_percent_less),
    ),
    arithmetics=("exact", "ball"),
    note=(
        "The two steps of the peeling are proved: zeng-lee/linear-peeling-nonsingular and "
        "zeng-lee/linear-peeling-singular; that no updates of these ranks beat the error is "
        "zeng-lee/linear-lower-bound. For W = (I, I) and the rotation by a right angle every "
        "choice of singular vectors meets a singular matrix on the way; peeling does not."
    ),
)
