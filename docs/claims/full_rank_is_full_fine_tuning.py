"""As commonly said, and false: LoRA with r = min(n, m) trains as full fine-tuning does.

It can reach every W. It gets there by another path: W moves at the rate -(G A'A + BB'G), not -G.
"""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import equal, flows, lora_problems, losses


def check(instance, ctx, sign=1):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    dA, dB = flows.lora_vector_field(loss, x.W0, x.A0, x.B0, ctx)
    full = flows.full_vector_field(loss, x.W0 + x.B0 @ x.A0, ctx)
    yield equal("rate of W", dB @ x.A0 + x.B0 @ dA, sign * full)


def uphill(instance, ctx):
    return check(instance, ctx, sign=-1)


START = Instance(loss="frobenius", W0=[[0]], Y=[[1]], A0=[[1]], B0=[[0]])

claim = Claim(
    name="outside/full-rank-is-full-fine-tuning",
    title="LoRA of full rank is full fine-tuning",
    source=Source(
        "folklore", status="as commonly quoted", corrected_by="outside/preconditioned-gradient"
    ),
    statement=r"For $r = \min(n, m)$, $\dot W = -G$ along the flow of the factors.",
    assumptions=(),
    instances=lora_problems(regimes=("r = min(n, m)",)),
    check=check,
    controls=(Control(None, (START,), "uphill", uphill),),
)
