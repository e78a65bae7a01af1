"""As commonly carried over from the flow, and false: gradient descent conserves B'B - AA'."""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import equal, flows, lora_problems, losses


def check(instance, ctx, sign=-1):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    A, B = flows.simultaneous_step(loss, x.W0, x.A0, x.B0, x.h, ctx)
    after, before = B.mT @ B + sign * A @ A.mT, x.B0.mT @ x.B0 + sign * x.A0 @ x.A0.mT
    yield equal("B'B - AA' after a step", after, before)


def the_sum(instance, ctx):
    return check(instance, ctx, sign=1)


GROWS = Instance(loss="frobenius", W0=[[0]], Y=[[2]], A0=[[1]], B0=[[1]], h=1)

claim = Claim(
    name="outside/descent-conserves-the-balance",
    title="Gradient descent conserves the balance",
    source=Source(
        "folklore", status="as commonly quoted", corrected_by="outside/imbalance-of-a-step"
    ),
    statement=r"$B^\top B - A A^\top$ is the same before and after a step of gradient descent.",
    assumptions=(),
    instances=lora_problems(h="number in (0, 1]"),
    check=check,
    controls=(Control(None, (GROWS,), "the sum in place of the difference", the_sum),),
)
