"""A multi-layer ReLU target below the threshold: the error of block-wise adapters.

Block i of the adapted network is ReLU(T_i z + bbar_i), T_i the best approximation of Wbar_i that
the ranks allow, E_i = ||T_i - Wbar_i||_2 = s_{S_i+1} of its gap. With e_i the root mean square of
z_i - zbar_i and r_i that of zbar_i, as ||T_i|| <= ||Wbar_i|| + E_i and |ReLU(u) - ReLU(v)| <=
|u - v|,

    e_i <= (||Wbar_i|| + E_i) e_{i-1} + E_i r_{i-1},     r_i <= ||Wbar_i|| r_{i-1} + |bbar_i|,

by Minkowski's inequality, with r_0 = sqrt(tr Sigma). So e <= beta sum_i m^(Lbar - i) E_i with beta
the greatest of the r_i, i < Lbar, and m that of the ||Wbar_k|| + E_k. Any norm that is at least the
operator norm serves for the Wbar_i.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import reduce
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_most, power
from lora_proofs.claims.zeng_lee.linear.problem import nonsingular
from lora_proofs.claims.zeng_lee.relu.problem import (
    adapted_to,
    bounded,
    frames,
    least_variance,
    least_without_adapters,
    mean,
    nearest,
    same_on_the_box,
    squared_errors,
    tails,
    trace_of_moment,
)
from lora_proofs.constructions.regions import larger
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.networks import layer_ranks
from lora_proofs.strategies.relu_networks import relu_problem, target
from lora_proofs.strategies.spectra import spectrum

SPLITS = ((1, 1), (1, 2), (2, 1), (1, 1, 1), (1,))
REGIMES = (
    "generic", "close to the target", "one layer", "exact in one block", "large biases",
    "far from the target", "first block misses", "second block misses",
)  # fmt: skip


def draw(source: Draw, regime: str) -> Instance:
    """One to three target layers, ranks that suffice in some blocks or in none."""
    if regime == "far from the target":
        return far(*(source.integer(2, 5) for _ in range(3))).replace(regimes=(regime,))
    if regime in MISSES:
        return short(*MISSES[regime], source.integer(20, 40)).replace(regimes=(regime,))
    lengths = (2,) if regime == "one layer" else source.choice(SPLITS)
    D = source.integer(2, 3)
    values = [spectrum(source, D) for _ in lengths]
    if regime == "close to the target":
        values = [tuple(x / 1000 for x in row) for row in values]
    chosen = layer_ranks(source, sum(lengths), 1)
    if regime == "exact in one block":
        chosen = (D, *chosen[1:])
    above = 50 if regime == "large biases" else 0
    return relu_problem(
        source, D, lengths, values, chosen, above=above, points=4, regimes=(regime,)
    )


def far(first: int, second: int, rho: int) -> Instance:
    """No adapters, width 1, weights 1 and 1/2 in the target: the errors multiply.

    At x = rho the error is rho (E_2 + E_1/2 + E_1 E_2): the product is what E_k in m is for.
    """
    half = Fraction(1, 2)
    return Instance(
        W1=[[1 + first]], W2=[[half + second]], Wbar1=[[1]], Wbar2=[[half]], bbar1=[[0]],
        bbar2=[[0]], U1=[[-1]], V1=[[1]], sigma1=[[first]], U2=[[-1]], V2=[[1]],
        sigma2=[[second]], partition=[[1, 1]], ranks=[[0, 0]], X=[[rho]], lower=[[0]],
        upper=[[rho]],
    )  # fmt: skip


MISSES = {"first block misses": ("1/4", "1/100"), "second block misses": (0, 2)}


def short(first: Any, second: Any, rho: int) -> Instance:
    """No adapters, width 1, target 3 ReLU(ReLU(x)/2) at 0 and rho: the slope of f is too small."""
    first, second, half = (EXACT.number(x) for x in (first, second, "1/2"))
    return Instance(
        W1=[[half - first]], W2=[[3 - second]], Wbar1=[[half]], Wbar2=[[3]], bbar1=[[0]],
        bbar2=[[0]], U1=[[1]], V1=[[1]], sigma1=[[first]], U2=[[1]], V2=[[1]],
        sigma2=[[second]], partition=[[1, 1]], ranks=[[0, 0]], X=[[0, rho]], lower=[[0]],
        upper=[[rho]],
    )  # fmt: skip


INSTANCES = Instances(draw, REGIMES)
Norm = Callable[[Any], Any]


def bounds(instance: Instance, norm: Norm, ctx: Arithmetic) -> tuple[Any, Any, Any]:
    """beta, m and the E_i."""
    E = [ctx.number(x) for x in tails(instance)]
    norms = [norm(ctx.matrix(W)) for W, _ in target(instance)]
    sizes = [ctx.sqrt(ctx.number(trace_of_moment(instance)))]
    for size, (_, b) in zip(norms[:-1], target(instance), strict=False):
        sizes.append(size * sizes[-1] + ctx.frobenius_norm(ctx.matrix([list(b)])))
    m = reduce(larger, [size + tail for size, tail in zip(norms, E, strict=True)])
    return reduce(larger, sizes), m, E


def bound(instance: Instance, norm: Norm, ctx: Arithmetic) -> Any:
    """beta sum_i m^(Lbar - i) E_i."""
    beta, m, E = bounds(instance, norm, ctx)
    terms = [power(m, len(E) - 1 - i) * tail for i, tail in enumerate(E)]
    return beta * sum(terms[1:], terms[0])


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The network that is built, and its error against both bounds."""
    wanted = nearest(instance)
    net = adapted_to(instance, wanted)
    yield from same_on_the_box(instance, net, wanted)
    error = ctx.sqrt(ctx.number(mean(squared_errors(instance, net.layers))))
    tight = bound(instance, ctx.operator_norm, ctx)
    yield at_most("root mean square of f - fbar, operator norms", error, tight)
    quoted = bound(instance, ctx.frobenius_norm, ctx)
    yield at_most("root mean square of f - fbar, Frobenius norms", error, quoted)


def lower_bound(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """What no adapters and biases are below, against the bound."""
    promised = bound(instance, ctx.operator_norm, ctx)
    least = ctx.sqrt(ctx.number(least_variance(instance)))
    yield at_most("least root mean square", least, promised)
    least = ctx.sqrt(ctx.number(least_without_adapters(instance, ctx)))
    yield at_most("least root mean square without adapters", least, promised)


def without_beta(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """1 in place of beta."""
    _, m, E = bounds(instance, ctx.operator_norm, ctx)
    found = adapted_to(instance, nearest(instance))
    error = ctx.sqrt(ctx.number(mean(squared_errors(instance, found.layers))))
    terms = [power(m, len(E) - 1 - i) * tail for i, tail in enumerate(E)]
    yield at_most("root mean square", error, sum(terms[1:], terms[0]))


def without_the_gaps(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """m the greatest ||Wbar_k||, without E_k."""
    beta, _, E = bounds(instance, ctx.operator_norm, ctx)
    m = reduce(larger, [ctx.operator_norm(ctx.matrix(W)) for W, _ in target(instance)])
    found = adapted_to(instance, nearest(instance))
    error = ctx.sqrt(ctx.number(mean(squared_errors(instance, found.layers))))
    terms = [power(m, len(E) - 1 - i) * tail for i, tail in enumerate(E)]
    yield at_most("root mean square", error, beta * sum(terms[1:], terms[0]))


def last_block_only(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Only the error of the last block counted."""
    beta, _, E = bounds(instance, ctx.operator_norm, ctx)
    found = adapted_to(instance, nearest(instance))
    error = ctx.sqrt(ctx.number(mean(squared_errors(instance, found.layers))))
    yield at_most("root mean square", error, beta * E[-1])


weights = Assumption("weights", r"every frozen weight $W_l$ is square and nonsingular", nonsingular)
EYE = [[1, 0], [0, 1]]
TWO = Instance(
    W1=EYE, W2=EYE, Wbar1=[[2, 0], [0, 2]], bbar1=[[0, 0]], Wbar2=EYE, bbar2=[[0, 0]],
    U1=EYE, V1=EYE, sigma1=[[1, 1]], U2=EYE, V2=EYE, sigma2=[[0, 0]], partition=[[1, 1]],
    ranks=[[0, 0]], X=[[9, 0], [0, 9]], lower=[[0, 0]], upper=[[9, 9]],
)  # fmt: skip
NO_WEIGHT = TWO.replace(
    W1=[[0, 0], [0, 0]], W3=EYE, Wbar1=EYE, partition=[[2, 1]], ranks=[[0, 2, 0]],
    sigma2=[[0, 0]],
)  # fmt: skip

claim = Claim(
    name="zeng-lee/multi-layer-error",
    title="The error of a multi-layer ReLU target, with the root of the trace of Sigma",
    source=Source("zeng-lee", "Theorem 5", "corrected", "recalled"),
    statement=(
        r"Let all frozen weights be nonsingular and the inputs bounded, and $E_i = \sigma_{S_i+1}("
        r"\bar W_i - \prod_{l \in P_i} W_l)$ with $S_i = \sum_{l \in P_i} R_l$. There are adapters "
        r"of ranks $R_l$ and biases with $\mathbb E\|f - \bar f\| \le (\mathbb E\|f - \bar f\|^2)^{"
        r"1/2} \le \beta \sum_i \max_k(\|\bar W_k\| + E_k)^{\bar L - i} E_i$, where $\beta = "
        r"\max_{i < \bar L} \bigl(\sqrt{\mathrm{tr}\,\Sigma} \prod_{j \le i} \|\bar W_j\| + "
        r"\sum_{j \le i} \prod_{j < k \le i} \|\bar W_k\|\,\|\bar b_j\|\bigr)$, in operator norms "
        r"or in Frobenius norms."
    ),
    assumptions=(weights, bounded, frames),
    instances=INSTANCES,
    check=check,
    kind="lower-bound",
    lower_bound=lower_bound,
    controls=(
        Control(weights, (NO_WEIGHT,), "W_1 = 0 with R_1 = 0: f does not depend on x"),
        Control(None, (TWO,), "beta forgotten", without_beta),
        Control(None, (far(2, 2, 1),), "E_k forgotten in m: 7 against 4", without_the_gaps),
        Control(None, (TWO,), "the errors of the first blocks forgotten", last_block_only),
    ),
    arithmetics=("ball",),
    note=(
        "beta is larger as commonly quoted, with i up to Lbar, and in Frobenius norms; the smaller "
        "one with operator norms is judged here. The root of ||Sigma||_F in it is false."
    ),
)
