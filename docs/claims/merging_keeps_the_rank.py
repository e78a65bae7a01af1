"""As commonly said, and false: merging adapters of rank r gives an adapter of rank r."""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import at_most, instances_of


def check(instance, ctx, less=0):
    x = instance.lift(ctx)
    largest = max(len(instance.A1), len(instance.A2))
    yield at_most("rank of the mean", ctx.rank((x.B1 @ x.A1 + x.B2 @ x.A2) / 2), largest - less)


def one_less(instance, ctx):
    return check(instance, ctx, less=1)


ONES = Instance(B1=[[1]], A1=[[1]], B2=[[1]], A2=[[1]])

claim = Claim(
    name="outside/merging-keeps-the-rank",
    title="Merging keeps the rank",
    source=Source(
        "folklore", status="as commonly quoted", corrected_by="outside/merged-adapters-rank"
    ),
    statement=r"$\operatorname{rank} \tfrac12(B_1 A_1 + B_2 A_2) \le \max(r_1, r_2)$.",
    assumptions=(),
    instances=instances_of(sizes={"r": 1}, B1="n x r", A1="r x m", B2="n x r", A2="r x m"),
    check=check,
    controls=(Control(None, (ONES,), "one rank less than each adapter", one_less),),
)
