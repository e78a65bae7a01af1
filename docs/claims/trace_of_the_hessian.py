"""The trace of the Hessian of 1/2 ||W0 + BA - Y||^2 in the factors is n ||A||^2 + m ||B||^2.

The loss is quadratic in each entry of A or B, so a second difference is the second derivative.
"""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import equal, lora_problems, losses, measures


def directions(X, ctx):
    """The unit changes of one entry."""
    for i in range(X.size):
        E = ctx.zeros(*X.shape)
        E.flat[i] += 1
        yield E


def check(instance, ctx, sides=lambda n, m: (n, m)):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)

    def f(A, B):
        return loss.value(x.W0 + B @ A, ctx)

    A, B, twice = x.A0, x.B0, 2 * f(x.A0, x.B0)
    total = sum(f(A + E, B) + f(A - E, B) - twice for E in directions(A, ctx))
    total += sum(f(A, B + E) + f(A, B - E) - twice for E in directions(B, ctx))
    n, m = sides(*x.W0.shape)
    yield equal(
        "trace of the Hessian", total, n * measures.squared_norm(A) + m * measures.squared_norm(B)
    )


def sides_swapped(instance, ctx):
    return check(instance, ctx, sides=lambda n, m: (m, n))


ROW = Instance(loss="frobenius", W0=[[0, 0]], Y=[[0, 0]], A0=[[1, 1]], B0=[[0]])

claim = Claim(
    name="outside/trace-of-the-hessian",
    title="The trace of the Hessian of the factors",
    source=Source("folklore", status="corrected"),
    statement=r"$\operatorname{tr} \nabla^2_{(A, B)}\, \tfrac12\|W_0 + BA - Y\|_F^2 "
    r"= n\|A\|_F^2 + m\|B\|_F^2$ at every $A$ and $B$.",
    assumptions=(),
    instances=lora_problems(largest=2),
    check=check,
    controls=(Control(None, (ROW,), "n and m swapped", sides_swapped),),
)
