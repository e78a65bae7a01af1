"""An adapter of rank r changes W0 by at most r, and by no more than its factors' norms allow.

For every W0 (n x m), B (n x r) and A (r x m): rank(W0 + BA) <= rank(W0) + r, and
||BA||_F^2 <= ||B||_F^2 ||A||_F^2.
"""

from lora_proofs import Claim, Control, Instance, Instances, Source, at_most, strategies
from lora_proofs.arithmetic import squared_norm


def bounds(instance, ctx, *, extra_rank, factor):
    """Both bounds, with room to be made wrong: the controls use the same text."""
    x = instance.lift(ctx)
    update, r = x.B0 @ x.A0, len(instance.A0)
    yield at_most("rank of W", ctx.rank(x.W0 + update), ctx.rank(x.W0) + r + extra_rank)
    largest = ctx.number(factor) * squared_norm(x.B0) * squared_norm(x.A0)
    yield at_most("squared norm of BA", squared_norm(update), largest)


def check(instance, ctx):
    return bounds(instance, ctx, extra_rank=0, factor=1)


def one_rank_less(instance, ctx):
    return bounds(instance, ctx, extra_rank=-1, factor=1)


def smaller_norm(instance, ctx):
    return bounds(instance, ctx, extra_rank=0, factor="99/100")


INSTANCES = Instances(
    lambda source, regime: strategies.lora_problem(source, regime, loss="frobenius"),
    regimes=("generic", "zero B0", "rank deficient", "r = 1", "r > min(n, m)"),
)
FROM_ZERO = Instance(W0=[[0, 0]], A0=[[3, 4]], B0=[[2]])

claim = Claim(
    name="tutorial/adapters-are-small",
    source=Source("tutorial", status="our reading", evidence="recalled"),
    statement=r"\operatorname{rank}(W_0 + BA) \le \operatorname{rank}(W_0) + r"
    r" \quad\text{and}\quad \|BA\|_F^2 \le \|B\|_F^2 \, \|A\|_F^2",
    assumptions=(),
    instances=INSTANCES,
    check=check,
    controls=(
        Control(None, (FROM_ZERO,), why="an adapter can use all of its rank", check=one_rank_less),
        Control(None, (FROM_ZERO,), why="for r = 1 the norms are equal", check=smaller_norm),
    ),
)
