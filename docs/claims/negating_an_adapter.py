"""As commonly done, and false: negating all trained parameters negates the adapter.

Task vectors are negated so; but (-B)(-A) = BA, and nothing is unlearned.
"""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import equal, instances_of


def check(instance, ctx, sign=1):
    x = instance.lift(ctx)
    yield equal("product of the negated factors", sign * (-x.B) @ -x.A, -(x.B @ x.A))


def twice(instance, ctx):
    return check(instance, ctx, sign=2)


ONES = Instance(B=[[1]], A=[[1]])

claim = Claim(
    name="outside/negating-an-adapter",
    title="Negating all parameters negates the adapter",
    source=Source(
        "folklore", status="as commonly quoted", corrected_by="outside/scaling-one-factor"
    ),
    statement=r"$(-B)(-A) = -BA$.",
    assumptions=(),
    instances=instances_of(B="n x r", A="r x m"),
    check=check,
    controls=(Control(None, (ONES,), "minus half of it", twice),),
)
