"""The best adapter of rank r repairs at least r/k of a quantisation error E, k = min(n, m).

What it leaves is the sum of sigma_i(E)^2 over i > r, at most (1 - r/k) ||E||^2.
"""

from lora_proofs import Assumption, Claim, Control, Instance, Instances, Source
from lora_proofs import at_least, at_most, measures, strategies


def draw(source, regime):
    n, m = strategies.shape(source, high=3)
    return Instance(E=strategies.matrix(source, n, m), r=source.integer(1, min(n, m)))


def fits(instance, ctx):
    r = ctx.number(instance.r)
    yield at_least("r", r, 0)
    yield at_most("r", r, min(ctx.matrix(instance.E).shape))


def check(instance, ctx, share=1):
    E, r = ctx.matrix(instance.E), int(instance.r)
    left = sum(s * s for s in ctx.singular_values(E)[r:])
    kept = 1 - ctx.number(r) / min(E.shape)
    yield at_most("squared error left", left, ctx.number(share) * kept * measures.squared_norm(E))


def one_per_cent_less(instance, ctx):
    return check(instance, ctx, share="99/100")


rank = Assumption("rank", r"0 \le r \le k", fits)
NUMBER = Instance(E=[[1]], r=2)
FLAT = Instance(E=[[1, 0], [0, 1]], r=1)

claim = Claim(
    name="outside/error-that-is-left",
    title="What an adapter leaves of a quantisation error",
    source=Source("folklore", status="corrected"),
    statement=r"$\min_{A, B} \|E - BA\|_F^2 \le \left(1 - \tfrac rk\right) \|E\|_F^2$ with "
    r"$k = \min(n, m)$.",
    assumptions=(rank,),
    instances=Instances(draw),
    check=check,
    controls=(
        Control(rank, (NUMBER,), "beyond k the bound is negative"),
        Control(None, (FLAT,), "a flat spectrum attains it", one_per_cent_less),
    ),
)
