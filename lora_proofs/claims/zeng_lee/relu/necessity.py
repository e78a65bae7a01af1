"""When the threshold is necessary: an active target with a nonsingular weight.

Let fbar(x) = ReLU(Wbar x + bbar) have only positive outputs at x, so Dfbar = Wbar there. Where no
preactivation is 0 the Jacobian of any adapted network is Df = D_L What_L ... D_1 What_1 with
0/1 masks. If a mask has a 0, its rank is below D, and ||Df - Wbar||_F >= sigma_D(Wbar). Else it is
prod What, which differs from prod W by a matrix of rank S = R_1 + ... + R_L at most, and
||Df - Wbar||_F^2 >= sum_{i>S} sigma_i(E)^2 by Eckart and Young. With Wbar nonsingular both are
positive for S < rank E: no such network equals the target on an open set around x.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

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
from lora_proofs.claims.zeng_lee.linear.problem import nth, squares, tail
from lora_proofs.claims.zeng_lee.relu.problem import (
    adapted_to,
    frames,
    jacobian,
    nearest,
    ranks,
    spectrum,
)
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.literature import ECKART_YOUNG_MIRSKY, lean_on
from lora_proofs.strategies import spectra
from lora_proofs.strategies.draw import Draw, quarter
from lora_proofs.strategies.matrices import rank_matrix
from lora_proofs.strategies.networks import layers, small
from lora_proofs.strategies.relu_networks import relu_problem, target

REGIMES = (
    "best adapters", "any adapters", "dead units", "S = 0", "one layer", "singular weights",
    "the least unit off",
)  # fmt: skip
HIGH = 60
"""Raises every output of the target above 0 near the inputs that are drawn."""


def draw(source: Draw, regime: str) -> Instance:
    """A problem of one active target layer, adapters of total rank below D, biases, a point x."""
    if regime == "the least unit off":
        return least_unit_off(source.integer(2, 6), source.integer(1, 6)).replace(regimes=(regime,))
    D = source.integer(2, 3)
    L = 1 if regime == "one layer" else source.integer(1, 3)
    chosen = [0] * L
    for _ in range(0 if regime == "S = 0" else source.integer(1, D - 1)):
        chosen[source.integer(0, L - 1)] += 1
    values = spectra.spectrum(source, D)
    problem = relu_problem(source, D, (L,), [values], chosen, above=HIGH, regimes=(regime,))
    if regime == "singular weights":
        problem = problem.replace(W1=0 * EXACT.matrix(problem.W1), Wbar1=_gap(problem))
    updates, biases = _adapters(source, regime, problem)
    named = {f"b{k}": [list(b)] for k, b in enumerate(biases, start=1)}
    named |= {f"DW{k}": DW for k, DW in enumerate(updates, start=1)}
    x = [[(a + b) / 2 + Fraction(1, 97) for a, b in zip(problem.lower[0], problem.upper[0],
                                                        strict=True)]]  # fmt: skip
    return problem.replace(**named, x=x)


def least_unit_off(gap: int, size: int) -> Instance:
    """Wbar = k I, no adapters: one unit has the row of the target, the other one is off.

    Df = diag(k, 0), a best approximation of Wbar of rank 1.
    """
    one, zero = [[1, 0], [0, 1]], [[0, 0], [0, 0]]
    return Instance(
        W1=[[size, 0], [0, size + gap]], Wbar1=[[size, 0], [0, size]], bbar1=[[HIGH, HIGH]],
        U1=[[0, 1], [-1, 0]], sigma1=[[gap, 0]], V1=[[0, 1], [1, 0]], partition=[[1]], ranks=[[0]],
        b1=[[HIGH, -HIGH]], DW1=zero, x=[[0, 0]], X=one, lower=[[0, 0]], upper=[[1, 1]],
    )  # fmt: skip


def _gap(problem: Instance) -> Any:
    """U diag(sigma) V', which is Wbar where the frozen product is 0."""
    U, V = EXACT.matrix(problem.U1), EXACT.matrix(problem.V1)
    return U @ (EXACT.matrix(problem.sigma1) * EXACT.identity(len(U))) @ V.mT


def _adapters(source: Draw, regime: str, problem: Instance) -> tuple[list[Any], list[Any]]:
    """Those of the construction, or any of these ranks with any biases."""
    if regime in ("best adapters", "S = 0", "one layer"):
        net = adapted_to(problem, nearest(problem))
        pairs = zip(net.weights, layers(problem), strict=True)
        return [What - W for What, W in pairs], list(net.biases)
    D = len(problem.W1)
    updates = [rank_matrix(source, D, D, R, entry=small) for R in ranks(problem)]
    biases = [[quarter(source) + Fraction(40 ** (k + 1), 3) for _ in range(D)]
              for k in range(len(updates))]  # fmt: skip
    if regime == "dead units":
        biases[source.integer(0, len(biases) - 1)][0] = Fraction(-(10**6), 3)
    return updates, biases


INSTANCES = Instances(draw, REGIMES)


def adapted(instance: Instance) -> list[tuple[Any, Any]]:
    """(W_l + DW_l, b_l)."""
    return [
        (W + EXACT.matrix(getattr(instance, f"DW{k}")), getattr(instance, f"b{k}")[0])
        for k, W in enumerate(layers(instance), start=1)
    ]


def nonsingular_target(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """rank Wbar = D."""
    W = EXACT.matrix(instance.Wbar1)
    yield equal("columns of Wbar", W.shape[1], len(W))
    yield at_least("rank of Wbar", EXACT.rank(W), len(W))


def active_at_x(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Every output of the target is positive at x."""
    ((W, b),) = target(instance)
    for value in W @ EXACT.matrix(instance.x)[0] + b:
        yield below("0 against an output of the target at x", 0, value)


def differentiable_at_x(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """No preactivation of the adapted network is 0 at x."""
    _, seen = jacobian(adapted(instance), EXACT.matrix(instance.x)[0])
    for value in seen:
        yield below("0 against the square of a preactivation at x", 0, value * value)


def have_their_ranks(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """rank DW_l <= R_l, and S < rank E."""
    for k, R in enumerate(ranks(instance), start=1):
        yield at_most("rank of DW_l", EXACT.rank(EXACT.matrix(getattr(instance, f"DW{k}"))), R)
    positive = sum(value > 0 for value in spectrum(instance, 1))
    yield at_most("S + 1 against rank E", sum(ranks(instance)) + 1, positive)


nonsingular = Assumption("nonsingular", r"$\bar W$ is nonsingular", nonsingular_target)
active = Assumption(
    "active", r"every output of $\bar f$ is positive at the interior point $x$", active_at_x
)
differentiable = Assumption(
    "differentiable", r"no preactivation of $f$ is 0 at $x$", differentiable_at_x,
    technical="it holds at almost every x near a given one, and says which Jacobian is meant",
)  # fmt: skip
few = Assumption(
    "few",
    r"$\mathrm{rank}\,\Delta W_l \le R_l$, and $S = \sum_l R_l < \mathrm{rank}\,E$",
    have_their_ranks,
)


def difference(instance: Instance) -> Any:
    """||Df - Dfbar||_F^2 at x."""
    x = EXACT.matrix(instance.x)[0]
    J, Jbar = (jacobian(net, x)[0] for net in (adapted(instance), target(instance)))
    return squared_norm(J - Jbar)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The difference of the Jacobians against its lower bound, and against 0."""
    lean_on(ECKART_YOUNG_MIRSKY)
    found, W = difference(instance), EXACT.matrix(instance.Wbar1)
    _, seen = jacobian(adapted(instance), EXACT.matrix(instance.x)[0])
    if all(value > 0 for value in seen):
        gap = [EXACT.number(value) ** 2 for value in spectrum(instance, 1)]
        least, label = tail(gap, sum(ranks(instance))), "all units active: sum_{i>S} s_i(E)^2"
    else:
        least, label = nth(squares(W, ctx), len(W)), "a unit is off: sigma_D(Wbar)^2"
    yield at_least(f"||Df - Wbar||_F^2, {label}", found, least)
    yield below("0 against ||Df - Wbar||_F^2", 0, found)


def one_more(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The bound of total rank S - 1, which the construction goes below."""
    gap = [EXACT.number(value) ** 2 for value in spectrum(instance, 1)]
    least = tail(gap, sum(ranks(instance)) - 1)
    yield at_least("||Df - Wbar||_F^2", difference(instance), least)


EYE = [[1, 0], [0, 1]]
SINGULAR = Instance(
    W1=EYE, W2=EYE, Wbar1=[[1, 0], [0, 0]], bbar1=[[3, 3]], U1=[[0, 1], [-1, 0]],
    sigma1=[[1, 0]], V1=[[0, 1], [1, 0]], partition=[[2]], ranks=[[0, 0]], b1=[[2, -50]],
    b2=[[1, 3]], DW1=[[0, 0], [0, 0]], DW2=[[0, 0], [0, 0]], x=[[0, 0]], lower=[[-1, -1]],
    upper=[[1, 1]],
)  # fmt: skip
DEAD = SINGULAR.replace(
    W1=[[3, 0], [0, 1]], Wbar1=EYE, bbar1=[[-9, -9]], U1=[[-1, 0], [0, 1]], V1=EYE, b2=[[-99, -99]],
    b1=[[2, 2]], sigma1=[[2, 0]],
)  # fmt: skip
EXACT_ONE = SINGULAR.replace(
    W2=EYE, W1=[[3, 0], [0, 1]], Wbar1=EYE, b1=[[9, 9]], b2=[[1, 1]], bbar1=[[10, 10]],
    U1=[[-1, 0], [0, 1]], V1=EYE, sigma1=[[2, 0]], DW1=[[-2, 0], [0, 0]], ranks=[[1, 0]],
)  # fmt: skip
HALFWAY = EXACT_ONE.replace(W1=[[3, 0], [0, 2]], sigma1=[[2, 1]], U1=[[-1, 0], [0, -1]])

claim = Claim(
    name="zeng-lee/threshold-necessary",
    title="When the threshold of a one-layer ReLU target is necessary",
    source=Source("zeng-lee", "", "extension", "recalled"),
    statement=(
        r"Let $\bar W$ be nonsingular and all outputs of $\bar f(x) = \mathrm{ReLU}(\bar W x + "
        r"\bar b)$ positive at an interior point $x$. For all adapters with $S = \sum_l R_l < "
        r"\mathrm{rank}(\bar W - \prod_l W_l)$ and all biases, wherever $f$ is differentiable "
        r"near $x$, $\|Df - \bar W\|_F^2 \ge \min\bigl(\sigma_D(\bar W)^2, \sum_{i > S} \sigma_i("
        r"\bar W - \prod_l W_l)^2\bigr) > 0$: no such network equals $\bar f$ around $x$."
    ),
    assumptions=(nonsingular, active, differentiable, few, frames),
    instances=INSTANCES,
    check=check,
    controls=(
        Control(nonsingular, (SINGULAR,), "Wbar = diag(1, 0): a dead hidden unit does it"),
        Control(active, (DEAD,), "fbar = 0 near x: biases alone make f = 0"),
        Control(few, (EXACT_ONE,), "S = rank E: the construction is exact"),
        Control(None, (HALFWAY,), "the bound of total rank S - 1", one_more),
    ),
    arithmetics=("exact", "ball"),
    note=(
        "Nothing is asked of the frozen weights. Where the outputs are not all positive at one "
        "point, or Wbar is singular, or the target has more layers, it is not necessary."
    ),
)
