"""False as commonly quoted: the multi-layer error bound with the root of ||Sigma||_F.

For a target of one layer with bbar = 0 it says E ||f - fbar|| <= beta s_{R+1}(E) with beta =
sqrt(||Sigma||_F) max(1, ||Wbar||_F). For L = R = 1 and inputs on the axes (``axes``) with Sigma = I
and ||Wbar||_F = 1 it is D^{1/4} s_2, while no adapter and no bias has a mean error below about
(D - 2)/(2 sqrt(D)) s_2: the bound fails from D = 24 on. The theorem is about the mean of the norm,
not of its square, so the lower bound for the square is not enough here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison, at_most
from lora_proofs.claims.zeng_lee.relu import axes
from lora_proofs.constructions.regions import larger
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance

INSTANCES = Instances(axes.draw, axes.REGIMES)


def quoted(instance: Instance, ctx: Arithmetic, moment: Any = None) -> Any:
    """beta E_1 in its larger reading, with ||Wbar||_F in beta."""
    root = ctx.sqrt(axes.norm_of_moment(instance, ctx) if moment is None else moment)
    size = larger(axes.target_norm(instance, ctx), ctx.number(1))
    return root * size * axes.second_gap(instance, ctx)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The mean error of the adapter that a best approximation of E gives."""
    errors = [ctx.sqrt(ctx.number(x)) for x in axes.construction_squared_errors(instance)]
    found = sum(errors, ctx.number(0)) / len(errors)
    yield at_most("E||f - fbar|| of one adapter", found, quoted(instance, ctx))


def lower_bound(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """What no adapter of rank one and no bias is below."""
    label = "what E||f - fbar|| of every adapter is at least, against the bound"
    yield at_most(label, axes.least_mean_error(instance, ctx), quoted(instance, ctx))


def with_the_trace(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A third of the bound with the trace, which is true."""
    whole = quoted(instance, ctx, ctx.number(axes.trace_of_moment(instance)))
    yield at_most("least error", axes.least_mean_error(instance, ctx), whole / 3)


def without_the_moment(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The root of the largest eigenvalue of Sigma, rho^2/D, in its place."""
    largest = ctx.number(axes.trace_of_moment(instance)) / len(instance.w[0])
    least = axes.least_mean_error(instance, ctx)
    yield at_most("least error", least, quoted(instance, ctx, largest))


TWENTY_FIVE = axes.axes_instance(["1/10"] * 25, ["1/5"] * 25, 5)

claim = Claim(
    name="zeng-lee/multi-layer-error-frobenius",
    title="The multi-layer error bound with the root of the Frobenius norm of Sigma (false)",
    source=Source(
        "zeng-lee",
        "Theorem 5",
        "as commonly quoted",
        "recalled",
        corrected_by="zeng-lee/multi-layer-error",
    ),
    statement=(
        r"As commonly quoted, not read: for nonsingular frozen weights there are adapters of rank "
        r"$R$ and biases with $\mathbb E\|f(x) - \bar f(x)\| \le \beta \sum_i \max_k(\|\bar W_k\|_F"
        r" + E_k)^{\bar L - i} E_i$, where $E_i = \sigma_{RM+1}(\bar W_i - \prod_{l \in P_i} W_l)$ "
        r"and $\beta$ contains $\sqrt{\|\Sigma\|_F}$. It is false already for $\bar L = L = R = 1$:"
        r" for $D = 25$ and $x$ uniform on the points $\pm 5 e_i$ (so $\Sigma = I$), $W = "
        r"\tfrac1{10} I$, $\bar W = \tfrac15 I$, $\bar b = 0$ the bound is $\sqrt5/10 < 0.2237$, "
        r"and every adapter and bias has a mean error above $0.228$. With $\sqrt{\mathrm{tr}\,"
        r"\Sigma}$ in place of it the bound is true."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    kind="lower-bound",
    lower_bound=lower_bound,
    controls=(
        Control(None, (TWENTY_FIVE,), "a third of the bound with the trace", with_the_trace),
        Control(None, (TWENTY_FIVE,), "the largest eigenvalue for the norm", without_the_moment),
    ),
    arithmetics=("ball",),
    note=(
        "The lower bound over all adapters and biases is a proof by hand, for Lbar = L = R = 1. "
        "For deeper networks only the numbers of an optimiser say that it fails: nothing is "
        "claimed there."
    ),
)
