"""Gradient descent with scale s is gradient descent with scale 1, a step s times as long, and
factors sqrt(s) times as large: what scale and learning rate do to each other.
"""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import equal, flows, lora_problems, losses


def after_two_steps(x, loss, A, B, h, ctx, scale):
    *_, last = flows.iterate("simultaneous", 2, loss, x.W0, A, B, h, ctx, scale=scale)
    return last


def check(instance, ctx, step=lambda x: x.c * x.c * x.h):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    A, B = after_two_steps(x, loss, x.A0, x.B0, x.h, ctx, scale=x.c * x.c)
    A1, B1 = after_two_steps(x, loss, x.c * x.A0, x.c * x.B0, step(x), ctx, scale=1)
    yield equal("A", x.c * A, A1)
    yield equal("B", x.c * B, B1)


def same_step(instance, ctx):
    return check(instance, ctx, step=lambda x: x.h)


START = Instance(loss="frobenius", W0=[[0]], Y=[[1]], A0=[[1]], B0=[[0]], c=2, h=1)

claim = Claim(
    name="outside/scale-and-learning-rate",
    title="What a scale is for gradient descent",
    source=Source("folklore", status="corrected"),
    statement=r"If $(A_k, B_k)$ are the iterates of gradient descent with scale $s$ and step $h$, "
    r"then $(\sqrt s\,A_k, \sqrt s\,B_k)$ are those with scale $1$ and step $s h$.",
    assumptions=(),
    instances=lora_problems(
        regimes=("generic", "zero B0", "r = 1"), c="number > 0", h="number in (0, 1]"
    ),
    check=check,
    controls=(Control(None, (START,), "the same step for both", same_step),),
)
