"""From B0 = 0 and orthonormal rows of A0, the first step of LoRA is that of full fine-tuning,
projected on the row space of A0; A itself does not move.
"""

from lora_proofs import Assumption, Claim, Control, Instance, Source
from lora_proofs import equal, flows, lora_problems, losses


def starts_at_zero(instance, ctx):
    B0 = ctx.matrix(instance.B0)
    yield equal("B0", B0, 0 * B0)


def orthonormal_rows(instance, ctx):
    A0 = ctx.matrix(instance.A0)
    yield equal("A0 A0'", A0 @ A0.mT, ctx.identity(len(A0)))


def check(instance, ctx, times=1):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    A, B = flows.simultaneous_step(loss, x.W0, x.A0, x.B0, x.h, ctx)
    full = flows.full_step(loss, x.W0, x.h, ctx) - x.W0
    yield equal("A after a step", A, x.A0)
    P = x.A0.mT @ x.A0
    yield equal("projector", P @ P, P)
    yield equal("update of W", B @ A, times * full @ P)


def twice(instance, ctx):
    return check(instance, ctx, times=2)


zero = Assumption("zero_start", r"B_0 = 0", starts_at_zero)
rows = Assumption("orthonormal_rows", r"A_0 A_0^\top = I", orthonormal_rows)
START = Instance(loss="frobenius", W0=[[0]], Y=[[1]], A0=[[1]], B0=[[0]], h=1)
MOVING = START.replace(B0=[[1]], Y=[[3]])

claim = Claim(
    name="outside/first-step-orthonormal",
    title="The first step of LoRA",
    source=Source("folklore", status="corrected"),
    statement=r"If $B_0 = 0$ and $A_0 A_0^\top = I$, the first step moves $W$ by "
    r"$-h\,G A_0^\top A_0$, the step of full fine-tuning times a projector, and leaves $A$.",
    assumptions=(zero, rows),
    instances=lora_problems(regimes=("orthonormal rows",), h="number in (0, 1]"),
    check=check,
    controls=(
        Control(zero, (MOVING,), "with B0 not 0, A moves too"),
        Control(rows, (START.replace(A0=[[2]]),), "4 is no projector"),
        Control(None, (START,), "twice the step", twice),
    ),
)
