"""As commonly said, and false: how flat a minimum is depends on the weights W alone.

(cA, B/c) is the same W; the trace of the Hessian in the factors, n ||A||^2 + m ||B||^2, is not.
"""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import equal, lora_problems, losses


def hessian_trace(x, loss, A, B, ctx):
    """The loss is quadratic in each entry, so a second difference is the second derivative."""
    total, here = ctx.number(0), loss.value(x.W0 + B @ A, ctx)
    for X in (A, B):
        for i in range(X.size):
            E = ctx.zeros(*X.shape)
            E.flat[i] += 1
            moved = ((A + k * E, B) if X is A else (A, B + k * E) for k in (-1, 1))
            total += sum(loss.value(x.W0 + N @ M, ctx) - here for M, N in moved)
    return total


def check(instance, ctx, more=0):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    scaled = hessian_trace(x, loss, x.c * x.A0, x.B0 / x.c, ctx)
    yield equal("trace of the Hessian", scaled, hessian_trace(x, loss, x.A0, x.B0, ctx) + more)


def one_more(instance, ctx):
    return check(instance, ctx, more=1)


FLAT = Instance(loss="frobenius", W0=[[0]], Y=[[0]], A0=[[1]], B0=[[0]], c=2)

claim = Claim(
    name="outside/flatness-of-the-product",
    title="Flatness depends on W alone",
    source=Source(
        "folklore", status="as commonly quoted", corrected_by="outside/trace-of-the-hessian"
    ),
    statement=r"The trace of the Hessian of $\tfrac12\|W_0 + BA - Y\|_F^2$ in the factors is the "
    r"same at $(A, B)$ and at $(cA, B/c)$.",
    assumptions=(),
    instances=lora_problems(regimes=("generic", "zero B0"), largest=2, c="number in (0, 3]"),
    check=check,
    controls=(Control(None, (FLAT,), "the trace and 1 more", one_more),),
)
