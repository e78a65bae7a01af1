"""With M orthogonal, (M'A, BM) and (A, B) train alike: the same W, and the same rate of W."""

from lora_proofs import Assumption, Claim, Control, Instance, Source
from lora_proofs import equal, flows, lora_problems, losses


def orthogonal(instance, ctx):
    M = ctx.matrix(instance.M)
    yield equal("M'M", M.mT @ M, ctx.identity(len(M)))


def rate(x, loss, A, B, ctx):
    """The rate of W along the flow of the factors."""
    dA, dB = flows.lora_vector_field(loss, x.W0, A, B, ctx)
    return dB @ A + B @ dA


def check(instance, ctx, times=1):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    turned = rate(x, loss, x.M.mT @ x.A0, x.B0 @ x.M, ctx)
    yield equal("rate of W", turned, times * rate(x, loss, x.A0, x.B0, ctx))


def twice(instance, ctx):
    return check(instance, ctx, times=2)


gauge = Assumption("orthogonal", r"M^\top M = I", orthogonal)
ONES = Instance(loss="frobenius", W0=[[0]], Y=[[3]], A0=[[1]], B0=[[1]], M=[[1]])

claim = Claim(
    name="outside/orthogonal-gauge",
    title="Turning the factors changes nothing",
    source=Source("folklore", status="corrected"),
    statement=r"If $M^\top M = I$, then $W$ moves at the same rate from $(M^\top A, BM)$ as from "
    r"$(A, B)$.",
    assumptions=(gauge,),
    instances=lora_problems(
        regimes=("generic", "zero B0", "rank deficient", "r > min(n, m)"), M="r x r orthogonal"
    ),
    check=check,
    controls=(
        Control(gauge, (ONES.replace(M=[[2]]),), "M = 2 is another start altogether"),
        Control(None, (ONES,), "twice the rate", twice),
    ),
)
