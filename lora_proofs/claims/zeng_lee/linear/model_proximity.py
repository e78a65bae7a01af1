"""Closer models need less rank for the same error: sigma_(S+1)(E) <= ||E||_F / sqrt(S + 1).

The S + 1 largest squared singular values add up to ||E||_F^2 at most, and the last of them is the
smallest. So S + 1 >= ||E||_F^2 / eps^2 gives an error of eps at most.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_most, squared_norm
from lora_proofs.claims.zeng_lee.linear.problem import (
    FRAME,
    WEIGHTS,
    best_adapters,
    gap,
    least_squared_error,
    ranks,
    squares,
    unadapted_error,
    within_ranks,
)
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.networks import linear_problem

ONE = [[1, 0], [0, 1]]
SPECTRA = ("generic", "flat spectrum", "with zeros spectrum", "zero ranks", "S = 0", "width 1")
REGIMES = (*SPECTRA, "close models")


def draw(source: Draw, regime: str) -> Instance:
    """A problem of the regime, or two layers I and a small gap, with an adapter on one only."""
    if regime == "close models":
        k = Fraction(1, source.integer(50, 99))
        target = [[1 + k, 0], [0, 1 + k * source.integer(0, 1)]]
        allowed = [[0, source.integer(0, 2)]]
        return Instance(regimes=(regime,), W1=ONE, W2=ONE, target=target, ranks=allowed, V=ONE)
    return linear_problem(source, regime, most_width=3, most_depth=3)


INSTANCES = Instances(draw, REGIMES)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """(S + 1) times the squared error of the best adapters, against ||E||_F^2."""
    found = best_adapters(instance)
    yield from within_ranks(found, ranks(instance))
    reached = squares(EXACT.matrix(instance.target) - found.product, ctx)[0]
    many = sum(ranks(instance)) + 1
    yield at_most("(S + 1) times the squared error", many * reached, squared_norm(gap(instance)))


def least_times(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """(S + 1) times what no adapters beat, against ||E||_F^2."""
    yield from times(instance, ctx, 1)


def times(instance: Instance, ctx: Arithmetic, more: int) -> Iterator[Comparison]:
    """(S + more) times what no adapters beat, against ||E||_F^2."""
    many = sum(ranks(instance)) + more
    least = least_squared_error(instance, ctx)
    whole = squared_norm(unadapted_error(instance, EXACT.identity(len(instance.V))))
    yield at_most("ranks times the least squared error", many * least, whole)


def one_more(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """||E||_F / sqrt(S + 2)."""
    yield from times(instance, ctx, 2)


def inverse_rank(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """||E||_F / (S + 1), without the root."""
    many = (sum(ranks(instance)) + 1) ** 2
    least = least_squared_error(instance, ctx)
    yield at_most("with S + 1 in place of its root", many * least, squared_norm(gap(instance)))


DEAD = Instance(W1=[[0, 0], [0, 0]], W2=ONE, target=ONE, ranks=[[1, 1]], V=ONE)
FLAT = Instance(W1=ONE, target=[[4, 0], [0, 4]], ranks=[[1]], V=ONE)
CLOSE = Instance(W1=ONE, target=[["101/100", 0], [0, "101/100"]], ranks=[[0]], V=ONE)
"""A gap far below the weights, and no adapter."""

claim = Claim(
    name="zeng-lee/model-proximity",
    title="Closer models need less rank for the same error",
    source=Source("zeng-lee", "", "corrected", "summary"),
    statement=(
        r"If every $W_l$ is nonsingular, then adapters with $R_1 + \dots + R_L = S$ reach a "
        r"spectral error of $\sigma_{S+1}(E) \le \|E\|_F / \sqrt{S + 1}$, so $S + 1 \ge "
        r"\|E\|_F^2/\varepsilon^2$ is enough for an error of $\varepsilon$. The rank for an exact "
        r"fit does not depend on the size of $E$."
    ),
    assumptions=(WEIGHTS, FRAME),
    instances=INSTANCES,
    check=check,
    kind="lower-bound",
    lower_bound=least_times,
    controls=(
        Control(WEIGHTS, (DEAD,), "W_1 = 0: the error is 1, and 3 > ||E||_F^2 = 2"),
        Control(None, (FLAT, CLOSE), "S + 2 in place of S + 1: a flat spectrum", one_more),
        Control(None, (FLAT,), "S + 1 in place of its root: a flat spectrum", inverse_rank),
    ),
    arithmetics=("exact", "ball"),
)
