"""A one-layer ReLU target: the error of adapters of ranks R_1, ..., R_L with adapted biases.

The biases keep every hidden unit active on the bounded set, so f(x) = ReLU(prod What x + bbar), and
the adapters make the product P + T, T the truncation of E = Wbar - P of rank S = R_1 + ... + R_L.
ReLU moves no two numbers apart, so E||f - fbar||^2 <= E||(E - T)x||^2 = sum_{i>S} s_i^2 v_i'Sigma
v_i, at most s_{S+1}^2 times the sum of the D - S largest eigenvalues of Sigma = E xx', and that is
at most the trace. For S >= rank E it is 0 on the whole set.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_most, squared_norm
from lora_proofs.claims.zeng_lee.linear.problem import nonsingular, squares
from lora_proofs.claims.zeng_lee.relu import axes
from lora_proofs.claims.zeng_lee.relu.problem import (
    adapted_to,
    bounded,
    frames,
    least_jacobian_gap,
    least_variance,
    least_without_adapters,
    mean,
    nearest,
    same_on_the_box,
    squared_errors,
    sums,
    tails,
    trace_of_moment,
)
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.relu_network import relu_network
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.networks import layer_ranks
from lora_proofs.strategies.relu_networks import relu_problem, target
from lora_proofs.strategies.spectra import spectrum

REGIMES = (
    "generic", "exact", "S = 0", "one layer", "tied spectrum", "gap of low rank", "active target",
    "dead target", "one input", "attained",
)  # fmt: skip


def draw(source: Draw, regime: str) -> Instance:
    """Up to three frozen layers of width 3 at most, and ranks that suffice or do not."""
    if regime == "attained":
        return attained(source.integer(4, 8), source.integer(1, 4)).replace(regimes=(regime,))
    D = 1 if regime == "one input" else source.integer(2, 3)
    L = 1 if regime == "one layer" else source.integer(1, 3)
    kinds = {"tied spectrum": "tied", "gap of low rank": "with zeros"}
    values = spectrum(source, D, kinds.get(regime, "distinct"))
    chosen = (0,) * L if regime == "S = 0" else layer_ranks(source, L, 1)
    if regime == "exact":
        chosen = (D, *layer_ranks(source, L - 1, 1))
    above = {"active target": 40, "dead target": -40}.get(regime, 0)
    return relu_problem(source, D, (L,), [values], chosen, above=above, regimes=(regime,))


def attained(s: int, rho: int) -> Instance:
    """No adapters, an active target, x = +-rho e_1 and E = diag(s, 1): the error is s^2 rho^2."""
    one = [[1, 0], [0, 1]]
    return Instance(
        W1=one, Wbar1=[[1 + s, 0], [0, 2]], bbar1=[[rho * (1 + s), 2]], U1=one, V1=one,
        sigma1=[[s, 1]], partition=[[1]], ranks=[[0]], X=[[rho, -rho], [0, 0]],
        lower=[[-rho, -1]], upper=[[rho, 1]],
    )  # fmt: skip


INSTANCES = Instances(draw, REGIMES)
weights = Assumption("weights", r"every frozen weight $W_l$ is square and nonsingular", nonsingular)


def bound(instance: Instance) -> Any:
    """s_{S+1}(E)^2 tr Sigma."""
    (tail,) = tails(instance)
    return tail * tail * trace_of_moment(instance)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The network that is built, and its mean squared error against each bound in turn."""
    net, wanted = adapted_to(instance, nearest(instance)), nearest(instance)
    yield from same_on_the_box(instance, net, wanted)
    ((T, _),), ((W, _),), (S,), (tail,) = wanted, target(instance), sums(instance), tails(instance)
    X = EXACT.matrix(instance.X)
    error, left = mean(squared_errors(instance, net.layers)), squared_norm((W - T) @ X)
    left = left / X.shape[1]
    yield at_most("E||f - fbar||^2 against E||(E - T)x||^2", error, left)
    if S > 0:
        moments = [value / X.shape[1] for value in squares(X, ctx)][: max(0, len(X) - S)]
        largest = sum(moments, EXACT.number(0))
        yield at_most("E||(E - T)x||^2 against the D - S eigenvalues", left, tail * tail * largest)
    yield at_most("E||(E - T)x||^2 against s_{S+1}^2 tr Sigma", left, bound(instance))
    if tail == 0:
        yield from same_on_the_box(instance, net, target(instance))


def lower_bound(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """What no adapters and biases are below, against the bound."""
    yield at_most("least E||f - fbar||^2", least_variance(instance), bound(instance))
    least = least_without_adapters(instance, ctx)
    yield at_most("least E||f - fbar||^2 without adapters", least, bound(instance))


def with_one_rank_more(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Exact claimed, against what every adapter's Jacobian is off by."""
    yield at_most("least gap of the Jacobians", least_jacobian_gap(instance, ctx), EXACT.number(0))


def with_the_frobenius_norm(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """||Sigma||_F in place of the trace, against the lower bound over all adapters on the axes."""
    (tail,), norm = tails(instance), axes.norm_of_moment(instance, ctx)
    yield at_most("least error", ctx.number(axes.least_squared_error(instance)), tail * tail * norm)


def frozen_biases(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """All biases kept at 0: then f(0) = 0, whatever the adapters."""
    at_zero = EXACT.zeros(len(instance.X), 1)
    share = sum(not any(x) for x in zip(*instance.X, strict=True))
    missed = squared_norm(relu_network(target(instance), at_zero, EXACT))
    yield at_most("least error", missed * share / len(instance.X[0]), bound(instance))


NO_WEIGHT = Instance(
    W1=[[0, 0], [0, 0]], W2=[[1, 0], [0, 1]], Wbar1=[[1, 0], [0, 1]], bbar1=[[1, 1]],
    U1=[[1, 0], [0, 1]], V1=[[1, 0], [0, 1]], sigma1=[[1, 1]], partition=[[2]], ranks=[[0, 2]],
    X=[[1, -1], [0, 0]], lower=[[-1, -1]], upper=[[1, 1]],
)  # fmt: skip
ONE = Instance(
    W1=[[1]], Wbar1=[[1]], bbar1=[[1]], U1=[[1]], V1=[[1]], sigma1=[[0]], partition=[[1]],
    ranks=[[1]], X=[[-1, 0, 1]], lower=[[-1]], upper=[[1]],
)  # fmt: skip
SHORT = NO_WEIGHT.replace(W1=[[3, 0], [0, 3]], ranks=[[0, 1]], sigma1=[[2, 2]],
                          U1=[[-1, 0], [0, -1]], bbar1=[[9, 9]])  # fmt: skip
NINE = axes.as_problem(axes.axes_instance(["1/6"] * 9, ["1/3"] * 9, 3))

claim = Claim(
    name="zeng-lee/one-layer-relu-error",
    title="The error of a one-layer ReLU target, with the trace of Sigma",
    source=Source("zeng-lee", "Lemma 2", "corrected", "recalled"),
    statement=(
        r"Let all $W_l$ be nonsingular, $\bar f(x) = \mathrm{ReLU}(\bar W x + \bar b)$, $E = "
        r"\bar W - \prod_l W_l$, $S = \sum_l R_l$, and let the inputs be bounded. There are "
        r"adapters of ranks $R_l$ and biases with $\mathbb E\|f(x) - \bar f(x)\|^2 \le "
        r"\sigma_{S+1}(E)^2 \sum_{i \le D - S} \lambda_i(\Sigma) \le \sigma_{S+1}(E)^2\,"
        r"\mathrm{tr}\,\Sigma$ with $\Sigma = \mathbb E\,x x^\top$, and $f = \bar f$ on the whole "
        r"set where $S \ge \mathrm{rank}\,E$."
    ),
    assumptions=(weights, bounded, frames),
    instances=INSTANCES,
    check=check,
    kind="lower-bound",
    lower_bound=lower_bound,
    controls=(
        Control(weights, (NO_WEIGHT,), "W_1 = 0 with R_1 = 0: f does not depend on x"),
        Control(
            None, (SHORT, attained(4, 1)), "exact with fewer ranks than rank E", with_one_rank_more
        ),
        Control(None, (NINE,), "the Frobenius norm in place of the trace", with_the_frobenius_norm),
        Control(None, (ONE,), "biases kept at 0: f(0) = 0, and fbar(0) = 1", frozen_biases),
    ),
    arithmetics=("exact", "ball"),
    note=(
        "The intermediate products need not be nonsingular, as the paper is quoted to ask: frozen "
        "weights that are suffice. The Frobenius norm of Sigma in place of the trace is false."
    ),
)
