"""To take an adapter times c, scale one factor: (cB)A = cBA. Both factors scaled give c^2 BA."""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import equal, instances_of


def check(instance, ctx, power=2):
    x = instance.lift(ctx)
    yield equal("one factor scaled", (x.c * x.B) @ x.A, x.c * (x.B @ x.A))
    both = (x.c * x.B) @ (x.c * x.A)
    yield equal("both factors scaled", both, x.c**power * (x.B @ x.A))


def once(instance, ctx):
    return check(instance, ctx, power=1)


TWICE = Instance(B=[[1]], A=[[1]], c=2)

claim = Claim(
    name="outside/scaling-one-factor",
    title="Scale one factor",
    source=Source("folklore", status="corrected"),
    statement=r"$(cB)A = c\,BA$ and $(cB)(cA) = c^2 BA$.",
    assumptions=(),
    instances=instances_of(B="n x r", A="r x m", c="number"),
    check=check,
    controls=(Control(None, (TWICE,), "c in place of c^2", once),),
)
