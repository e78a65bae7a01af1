"""As commonly said, and false: whatever the start, training an adapter of rank r moves W by rank r.

True from B0 = 0. From another start the old product has to be taken off, and ranks add up.
"""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import at_most, flows, lora_problems, losses


def check(instance, ctx, less=0):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    A, B = flows.simultaneous_step(loss, x.W0, x.A0, x.B0, x.h, ctx)
    update = B @ A - x.B0 @ x.A0
    yield at_most("rank of the update", ctx.rank(update), len(instance.A0) - less)


def one_less(instance, ctx):
    return check(instance, ctx, less=1)


START = Instance(loss="frobenius", W0=[[0]], Y=[[1]], A0=[[1]], B0=[[0]], h=1)

claim = Claim(
    name="outside/update-has-rank-r",
    title="The update has rank r",
    source=Source(
        "folklore", status="as commonly quoted", corrected_by="outside/update-from-a-nonzero-start"
    ),
    statement=r"$\operatorname{rank}(W_k - (W_0 + B_0 A_0)) \le r$ for every iterate $W_k$.",
    assumptions=(),
    instances=lora_problems(regimes=("generic", "zero B0", "r = 1"), h="number in (0, 1]"),
    check=check,
    controls=(Control(None, (START,), "rank r - 1", one_less),),
)
