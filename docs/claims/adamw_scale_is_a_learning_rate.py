"""As commonly said, and false: under Adam, doubling alpha is the same as doubling the rate.

It is, for the first step from B0 = 0. In the second step A has moved too.
"""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import equal, flows, lora_problems, losses


def sign(X, ctx):
    return ctx.number(1) * (X > 0) - ctx.number(1) * (X < 0)


def weight(instance, ctx, *, steps, scale, faster):
    """W after sign steps, which are those of Adam without memory."""
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    A, B = x.A0, x.B0
    for _ in range(steps):
        dA, dB = flows.lora_vector_field(loss, x.W0, A, B, ctx, scale=scale)
        A, B = A + faster * x.h * sign(dA, ctx), B + faster * x.h * sign(dB, ctx)
    return flows.adapted(x.W0, A, B, ctx, scale=scale)


def check(instance, ctx, steps=2, times=2):
    scaled = weight(instance, ctx, steps=steps, scale=2, faster=1)
    faster = weight(instance, ctx, steps=steps, scale=1, faster=times)
    yield equal("W after two steps", scaled, faster)


def as_for_gradient_descent(instance, ctx):
    return check(instance, ctx, steps=1, times=4)


START = Instance(loss="frobenius", W0=[[0]], Y=[[9]], A0=[[1]], B0=[[0]], h=1)

claim = Claim(
    name="outside/adamw-scale-is-a-learning-rate",
    title="Under Adam, doubling alpha doubles the learning rate",
    source=Source("folklore", status="as commonly quoted", corrected_by="outside/adamw-scale"),
    statement=r"From $B_0 = 0$, two sign steps with scale $2$ and step $h$ reach the $W$ that "
    r"scale $1$ and step $2h$ reach.",
    assumptions=(),
    instances=lora_problems(regimes=("zero B0", "orthonormal rows"), h="number in (0, 1]"),
    check=check,
    arithmetics=("exact",),
    controls=(Control(None, (START,), "four times the rate", as_for_gradient_descent),),
)
