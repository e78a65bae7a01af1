"""As commonly done, and false: averaging the factors averages the adapters."""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import equal, instances_of


def check(instance, ctx, share="1/2"):
    x = instance.lift(ctx)
    average = ctx.number(share) * (x.B1 @ x.A1 + x.B2 @ x.A2)
    yield equal("product of the averages", (x.B1 + x.B2) / 2 @ (x.A1 + x.A2) / 2, average)


def the_sum(instance, ctx):
    return check(instance, ctx, share=1)


SAME = Instance(B1=[[1]], A1=[[1]], B2=[[1]], A2=[[1]])

claim = Claim(
    name="outside/averaging-the-factors",
    title="Averaging the factors averages the adapters",
    source=Source("folklore", status="as commonly quoted", corrected_by="outside/averaging-gap"),
    statement=r"$\tfrac12(B_1 + B_2)\,\tfrac12(A_1 + A_2) = \tfrac12(B_1 A_1 + B_2 A_2)$.",
    assumptions=(),
    instances=instances_of(B1="n x r", A1="r x m", B2="n x r", A2="r x m"),
    check=check,
    controls=(Control(None, (SAME,), "the sum in place of the average", the_sum),),
)
