"""From a start with B0 not 0, such as one from singular vectors, the update has rank 2r at most."""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import at_most, flows, lora_problems, losses


def check(instance, ctx, times=2):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    *_, (A, B) = flows.iterate("simultaneous", 2, loss, x.W0, x.A0, x.B0, x.h, ctx)
    update = B @ A - x.B0 @ x.A0
    yield at_most("rank of the update", ctx.rank(update), times * len(instance.A0))


def once(instance, ctx):
    return check(instance, ctx, times=1)


TURNS = Instance(
    loss="frobenius", W0=[[0, 0], [0, 0]], Y=[[0, 1], [0, 1]], A0=[[1, 0]], B0=[[1], [0]], h=1
)

claim = Claim(
    name="outside/update-from-a-nonzero-start",
    title="The rank of an update from a nonzero start",
    source=Source("folklore", status="corrected"),
    statement=r"$\operatorname{rank}(W_k - (W_0 + B_0 A_0)) \le 2r$ for every iterate $W_k$.",
    assumptions=(),
    instances=lora_problems(h="number in (0, 1]"),
    check=check,
    controls=(Control(None, (TURNS,), "rank r", once),),
)
