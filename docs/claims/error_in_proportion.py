"""As commonly estimated, and false: an adapter of rank r repairs no more than r/k of an error.

That is the worst case, a flat spectrum. Most errors are repaired better.
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
    yield at_least("squared error left", left, ctx.number(share) * kept * measures.squared_norm(E))


def one_per_cent_more(instance, ctx):
    return check(instance, ctx, share="101/100")


rank = Assumption("rank", r"0 \le r \le k", fits, technical="the statement names an r up to k")
FLAT = Instance(E=[[1, 0], [0, 1]], r=1)

claim = Claim(
    name="outside/error-in-proportion",
    title="Rank r repairs r/k of an error",
    source=Source(
        "folklore", status="as commonly quoted", corrected_by="outside/error-that-is-left"
    ),
    statement=r"$\min_{A, B} \|E - BA\|_F^2 \ge \left(1 - \tfrac rk\right) \|E\|_F^2$ with "
    r"$k = \min(n, m)$.",
    assumptions=(rank,),
    instances=Instances(draw),
    check=check,
    controls=(Control(None, (FLAT,), "one per cent more", one_per_cent_more),),
)
