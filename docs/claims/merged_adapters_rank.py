"""Two adapters merged into one weight: their ranks add up, at most."""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import at_most, instances_of


def check(instance, ctx, less=0):
    x = instance.lift(ctx)
    merged = ctx.rank(x.B1 @ x.A1 + x.B2 @ x.A2)
    yield at_most("rank of the sum", merged, len(instance.A1) + len(instance.A2) - less)


def one_less(instance, ctx):
    return check(instance, ctx, less=1)


APART = Instance(B1=[[1], [0]], A1=[[1, 0]], B2=[[0], [1]], A2=[[0, 1]])

claim = Claim(
    name="outside/merged-adapters-rank",
    title="The rank of merged adapters",
    source=Source("folklore", status="corrected"),
    statement=r"$\operatorname{rank}(B_1 A_1 + B_2 A_2) \le r_1 + r_2$.",
    assumptions=(),
    instances=instances_of(B1="n x r1", A1="r1 x m", B2="n x r2", A2="r2 x m"),
    check=check,
    controls=(Control(None, (APART,), "the bound is attained", one_less),),
)
