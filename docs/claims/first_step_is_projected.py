"""As commonly said, and false: the first step of LoRA is the step of full fine-tuning, projected.

It is -h G A0'A0, which is a projection only where the rows of A0 are orthonormal.
"""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import equal, flows, lora_problems, losses


def check(instance, ctx, times=1):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    A, B = flows.simultaneous_step(loss, x.W0, x.A0, x.B0, x.h, ctx)
    full = flows.full_step(loss, x.W0, x.h, ctx) - x.W0
    onto_rows = x.A0.mT @ ctx.inverse(x.A0 @ x.A0.mT) @ x.A0
    yield equal("update of W", B @ A, times * full @ onto_rows)


def twice(instance, ctx):
    return check(instance, ctx, times=2)


START = Instance(loss="frobenius", W0=[[0]], Y=[[1]], A0=[[1]], B0=[[0]], h=1)

claim = Claim(
    name="outside/first-step-is-projected",
    title="The first step is the projected one",
    source=Source(
        "folklore", status="as commonly quoted", corrected_by="outside/first-step-orthonormal"
    ),
    statement=r"From $B_0 = 0$ and any $A_0$ of full rank, the first step moves $W$ by $-h\,G P$ "
    r"with the orthogonal projector $P$ on the rows of $A_0$.",
    assumptions=(),
    instances=lora_problems(regimes=("zero B0",), h="number in (0, 1]"),
    check=check,
    controls=(Control(None, (START,), "twice the step", twice),),
)
