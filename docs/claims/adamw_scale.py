"""For sign steps with decoupled weight decay, which is what AdamW does when its averages have no
memory: scale s / c^2, step c h, decay w / c and a start c times as large give the same weights W.
"""

from lora_proofs import Assumption, Claim, Control, Instance, Source
from lora_proofs import below, equal, flows, lora_problems, losses


def sign(X, ctx):
    return ctx.number(1) * (X > 0) - ctx.number(1) * (X < 0)


def weight_after_two_steps(instance, ctx, *, times, scale, h, decay):
    """W after two steps of A <- (1 - h w) A + h sign(A'), and the same for B."""
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    A, B = times * x.A0, times * x.B0
    for _ in range(2):
        dA, dB = flows.lora_vector_field(loss, x.W0, A, B, ctx, scale=scale)
        A = (1 - h * decay) * A + h * sign(dA, ctx)
        B = (1 - h * decay) * B + h * sign(dB, ctx)
    return flows.adapted(x.W0, A, B, ctx, scale=scale)


def positive(instance, ctx):
    yield below("0 and c", ctx.number(0), ctx.number(instance.c))


def check(instance, ctx, steps=lambda x: x.c * x.h):
    x = instance.lift(ctx)
    one = weight_after_two_steps(instance, ctx, times=1, scale=x.s, h=x.h, decay=x.w)
    other = {"times": x.c, "scale": x.s / (x.c * x.c), "h": steps(x), "decay": x.w / x.c}
    yield equal("W after two steps", one, weight_after_two_steps(instance, ctx, **other))


def as_for_gradient_descent(instance, ctx):
    return check(instance, ctx, steps=lambda x: x.c * x.c * x.h)


above = Assumption("positive", r"c > 0", positive)
START = Instance(loss="frobenius", W0=[[0]], Y=[[9]], A0=[[1]], B0=[[0]], s=1, c=2, h=1, w=0)

SIZES = {"s": "number > 0", "c": "number > 0", "h": "number in (0, 1/4]", "w": "number in [0, 1]"}
INSTANCES = lora_problems(regimes=("generic", "zero B0", "r = 1"), **SIZES)

claim = Claim(
    name="outside/adamw-scale",
    title="What a scale is for AdamW",
    source=Source("folklore", status="corrected"),
    statement=r"Sign steps with scale $s$, step $h$ and decay $w$ from $(A_0, B_0)$ give the same "
    r"$W$ as with $s / c^2$, $c h$ and $w / c$ from $(c A_0, c B_0)$.",
    assumptions=(above,),
    instances=INSTANCES,
    check=check,
    arithmetics=("exact",),
    controls=(
        Control(above, (START.replace(c=-1, A0=[[2]], B0=[[1]]),), "for c < 0 the steps climb"),
        Control(None, (START,), "the step times c^2", as_for_gradient_descent),
    ),
)
