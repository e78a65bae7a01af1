"""Plausible, and false: a convex loss stays convex in the factors of the adapter."""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import at_most, lora_problems, losses


def check(instance, ctx, share=1):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    halfway = ((x.A0 + x.A1) / 2, (x.B0 + x.B1) / 2)
    points = ((x.A0, x.B0), (x.A1, x.B1), halfway)
    f = [loss.value(x.W0 + B @ A, ctx) for A, B in points]
    yield at_most("loss halfway", f[2], ctx.number(share) * (f[0] + f[1]) / 2)


def one_per_cent_less(instance, ctx):
    return check(instance, ctx, share="99/100")


SAME = Instance(loss="frobenius", W0=[[0]], Y=[[1]], A0=[[1]], B0=[[0]], A1=[[1]], B1=[[0]])

claim = Claim(
    name="outside/convex-in-both-factors",
    title="Convex in both factors",
    source=Source("folklore", status="our reading", corrected_by="outside/convex-in-one-factor"),
    statement=r"$(A, B) \mapsto f(W_0 + BA)$ is convex for the Frobenius loss.",
    assumptions=(),
    instances=lora_problems(
        regimes=("generic", "zero B0", "rank deficient"), A1="r x m", B1="n x r"
    ),
    check=check,
    controls=(Control(None, (SAME,), "one per cent less", one_per_cent_less),),
)
