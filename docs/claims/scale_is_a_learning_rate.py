"""As commonly said, and false: under gradient descent, doubling alpha doubles the learning rate.

From B0 = 0 the first update of W is -h s^2 G A0'A0: the scale counts twice.
"""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import equal, flows, lora_problems, losses


def weight(instance, ctx, *, scale, faster):
    """W after one step with the scale, and a learning rate ``faster`` times h."""
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    A, B = flows.simultaneous_step(loss, x.W0, x.A0, x.B0, faster * x.h, ctx, scale=scale)
    return flows.adapted(x.W0, A, B, ctx, scale=scale)


def check(instance, ctx, faster=2):
    scaled = weight(instance, ctx, scale=2, faster=1)
    yield equal("W after a step", scaled, weight(instance, ctx, scale=1, faster=faster))


def no_effect(instance, ctx):
    return check(instance, ctx, faster=1)


START = Instance(loss="frobenius", W0=[[0]], Y=[[1]], A0=[[1]], B0=[[0]], h=1)

claim = Claim(
    name="outside/scale-is-a-learning-rate",
    title="Doubling alpha doubles the learning rate",
    source=Source(
        "folklore",
        status="as commonly quoted",
        corrected_by="outside/scale-and-learning-rate",
    ),
    statement=r"From $B_0 = 0$, gradient descent with scale $2$ and step $h$ reaches the $W$ that "
    r"scale $1$ and step $2h$ reach.",
    assumptions=(),
    instances=lora_problems(regimes=("zero B0", "orthonormal rows"), h="number in (0, 1]"),
    check=check,
    controls=(Control(None, (START,), "doubling alpha has an effect", no_effect),),
)
