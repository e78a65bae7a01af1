"""False as commonly quoted: the one-layer error bound with the Frobenius norm of Sigma.

The bound E ||f - fbar||^2 <= s_{S+1}(E)^2 ||Sigma||_F is below what any adapter and any bias can
reach. For L = R = 1 and inputs on the axes (the proof of the lower bound is in ``axes``) with
W = Wbar/2 and Wbar = t I it would say

    (1/2D) (D - 1 - 1/2 - ... - 1/D) <= 1/sqrt(D)          (both sides over (rho t/2)^2),

which fails for every D >= 9. At D = 9, rho = 3 and t = 1/3, so that Sigma = I and ||Wbar||_F = 1,
no adapter has an error below (9 - 7129/2520)/72 = 0.0857, and the bound is 1/12 = 0.0833. The trace
in place of the Frobenius norm gives 1/4.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_most
from lora_proofs.claims.zeng_lee.relu import axes
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance

INSTANCES = Instances(axes.draw, axes.REGIMES)


def quoted(instance: Instance, ctx: Arithmetic) -> Any:
    """s_2(E)^2 ||Sigma||_F."""
    s = axes.second_gap(instance, ctx)
    return s * s * axes.norm_of_moment(instance, ctx)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The error of the adapter that a best approximation of E gives."""
    errors = axes.construction_squared_errors(instance)
    found = ctx.number(sum(errors, EXACT.number(0)) / len(errors))
    yield at_most("E||f - fbar||^2 of one adapter", found, quoted(instance, ctx))


def lower_bound(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """What no adapter of rank one and no bias is below."""
    least = ctx.number(axes.least_squared_error(instance))
    label = "what E||f - fbar||^2 of every adapter is at least, against the bound"
    yield at_most(label, least, quoted(instance, ctx))


def with_the_trace(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A quarter of the bound with the trace, which is true."""
    s, least = axes.second_gap(instance, ctx), ctx.number(axes.least_squared_error(instance))
    yield at_most("least error", least, s * s * ctx.number(axes.trace_of_moment(instance)) / 4)


def spectral(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The largest eigenvalue of Sigma, rho^2/D, in place of its Frobenius norm."""
    s, least = axes.second_gap(instance, ctx), ctx.number(axes.least_squared_error(instance))
    largest = ctx.number(axes.trace_of_moment(instance)) / len(instance.w[0])
    yield at_most("least error", least, s * s * largest)


NINE = axes.axes_instance(["1/6"] * 9, ["1/3"] * 9, 3)
SIX = axes.axes_instance(["1/2"] * 6, [1] * 6, 1)

claim = Claim(
    name="zeng-lee/one-layer-relu-error-frobenius",
    title="The one-layer error bound with the Frobenius norm of Sigma (false)",
    source=Source(
        "zeng-lee",
        "",
        "as commonly quoted",
        "recalled",
        corrected_by="zeng-lee/one-layer-relu-error",
    ),
    statement=(
        r"As commonly quoted, not read: for a one-layer target $\bar f(x) = \mathrm{ReLU}(\bar W x "
        r"+ \bar b)$ and nonsingular frozen weights there are adapters of rank $R$ and biases with "
        r"$\mathbb E\|f(x) - \bar f(x)\|^2 \le \sigma_{RL+1}(\bar W - \prod_l W_l)^2\,\|\Sigma\|_F$"
        r", $\Sigma = \mathbb E\,x x^\top$. It is false already for $L = R = 1$: for $D = 9$ and "
        r"$x$ uniform on the points $\pm 3 e_i$ (so $\Sigma = I$), $W = \tfrac16 I$, $\bar W = "
        r"\tfrac13 I$, $\bar b = 0$ every adapter and bias has an error of at least $(9 - "
        r"\tfrac{7129}{2520})/72 > \tfrac1{12}$, which is the bound. With the trace in place of "
        r"the Frobenius norm it is zeng-lee/one-layer-relu-error."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    kind="lower-bound",
    lower_bound=lower_bound,
    controls=(
        Control(None, (SIX,), "the largest eigenvalue in place of the norm", spectral),
        Control(None, (NINE,), "a quarter of the bound with the trace", with_the_trace),
    ),
    arithmetics=("exact", "ball"),
    note=(
        "The lower bound is a proof by hand, for L = R = 1. For L >= 2 there is only a numerical "
        "counterexample, without a lower bound over all adapters: nothing is claimed there. For x "
        "uniform on a sphere the bound fails for every D >= 3, by symmetry."
    ),
)
