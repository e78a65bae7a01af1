"""LoRA decreases the loss at most (||A||^2 + ||B||^2) times as fast as full fine-tuning."""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import at_most, flows, lora_problems, losses, measures


def check(instance, ctx, share=1):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    dA, dB = flows.lora_vector_field(loss, x.W0, x.A0, x.B0, ctx)
    full = flows.full_vector_field(loss, x.W0 + x.B0 @ x.A0, ctx)
    bound = (measures.squared_norm(x.A0) + measures.squared_norm(x.B0)) * measures.squared_norm(
        full
    )
    rate = measures.squared_norm(dA) + measures.squared_norm(dB)
    yield at_most("rate of decrease", rate, ctx.number(share) * bound)


def one_per_cent_less(instance, ctx):
    return check(instance, ctx, share="99/100")


ONES = Instance(loss="frobenius", W0=[[0]], Y=[[0]], A0=[[1]], B0=[[1]])

claim = Claim(
    name="outside/rate-of-decrease",
    title="How fast LoRA decreases the loss",
    source=Source("folklore", status="corrected"),
    statement=r"$\|\dot A\|_F^2 + \|\dot B\|_F^2 \le (\|A\|_F^2 + \|B\|_F^2)\,\|G\|_F^2$.",
    assumptions=(),
    instances=lora_problems(),
    check=check,
    controls=(Control(None, (ONES,), "numbers attain it", one_per_cent_less),),
)
