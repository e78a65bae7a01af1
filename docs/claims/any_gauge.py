"""As commonly said, and false: the factors of an adapter train alike, whichever they are.

(M^-1 A, BM) is the same adapter, but its W moves at another rate.
"""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import equal, flows, lora_problems, losses


def rate(x, loss, A, B, ctx):
    """The rate of W along the flow of the factors."""
    dA, dB = flows.lora_vector_field(loss, x.W0, A, B, ctx)
    return dB @ A + B @ dA


def check(instance, ctx, times=1):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    other = rate(x, loss, ctx.inverse(x.M) @ x.A0, x.B0 @ x.M, ctx)
    yield equal("rate of W", other, times * rate(x, loss, x.A0, x.B0, ctx))


def twice(instance, ctx):
    return check(instance, ctx, times=2)


ONES = Instance(loss="frobenius", W0=[[0]], Y=[[3]], A0=[[1]], B0=[[1]], M=[[1]])

claim = Claim(
    name="outside/any-gauge",
    title="Factors of one adapter train alike",
    source=Source("folklore", status="as commonly quoted", corrected_by="outside/orthogonal-gauge"),
    statement=r"For every invertible $M$, $W$ moves at the same rate from $(M^{-1} A, BM)$ as from "
    r"$(A, B)$.",
    assumptions=(),
    instances=lora_problems(regimes=("generic", "zero B0"), M="r x r nonsingular"),
    check=check,
    controls=(Control(None, (ONES,), "twice the rate", twice),),
)
