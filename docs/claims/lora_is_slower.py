"""As commonly said, and false: LoRA, having fewer directions, never decreases the loss faster."""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import at_most, flows, lora_problems, losses, measures


def check(instance, ctx, share=1):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    dA, dB = flows.lora_vector_field(loss, x.W0, x.A0, x.B0, ctx)
    full = flows.full_vector_field(loss, x.W0 + x.B0 @ x.A0, ctx)
    rate = measures.squared_norm(dA) + measures.squared_norm(dB)
    yield at_most("rate of decrease", rate, ctx.number(share) * measures.squared_norm(full))


def one_per_cent_less(instance, ctx):
    return check(instance, ctx, share="99/100")


START = Instance(loss="frobenius", W0=[[0]], Y=[[1]], A0=[[1]], B0=[[0]])

claim = Claim(
    name="outside/lora-is-slower",
    title="LoRA never decreases the loss faster",
    source=Source("folklore", status="as commonly quoted", corrected_by="outside/rate-of-decrease"),
    statement=r"$\|\dot A\|_F^2 + \|\dot B\|_F^2 \le \|G\|_F^2$, the rate of full fine-tuning.",
    assumptions=(),
    instances=lora_problems(regimes=("generic", "zero B0", "r = 1")),
    check=check,
    controls=(Control(None, (START,), "one per cent less", one_per_cent_less),),
)
