"""With A fixed, a convex loss stays convex in B: freezing A makes training a convex problem."""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import at_most, lora_problems, losses


def check(instance, ctx, share=1):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    f = [loss.value(x.W0 + B @ x.A0, ctx) for B in (x.B0, x.B1, (x.B0 + x.B1) / 2)]
    yield at_most("loss halfway", f[2], ctx.number(share) * (f[0] + f[1]) / 2)


def one_per_cent_less(instance, ctx):
    return check(instance, ctx, share="99/100")


SAME = Instance(loss="frobenius", W0=[[0]], Y=[[1]], A0=[[1]], B0=[[0]], B1=[[0]])

claim = Claim(
    name="outside/convex-in-one-factor",
    title="Convex in one factor",
    source=Source("folklore", status="corrected"),
    statement=r"$f(W_0 + \tfrac12 (B_0 + B_1) A) \le \tfrac12 f(W_0 + B_0 A) "
    r"+ \tfrac12 f(W_0 + B_1 A)$ for the Frobenius loss.",
    assumptions=(),
    instances=lora_problems(regimes=("generic", "zero B0", "rank deficient"), B1="n x r"),
    check=check,
    controls=(Control(None, (SAME,), "one per cent less", one_per_cent_less),),
)
