"""As commonly said, and false: freezing A at its random start costs no accuracy.

The best B for the frozen A0 would have to reach what the best adapter of rank r reaches, which is
the sum of sigma_i(Y - W0)^2 over i > r. It does only where the rows of A0 happen to be aligned.
"""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import at_most, lora_problems, measures


def check(instance, ctx, share=1):
    x = instance.lift(ctx)
    E = x.Y - x.W0
    left = E - E @ x.A0.mT @ ctx.inverse(x.A0 @ x.A0.mT) @ x.A0
    best = sum(s * s for s in ctx.singular_values(E)[len(instance.A0) :])
    yield at_most(
        "squared error with A frozen", measures.squared_norm(left), ctx.number(share) * best
    )


def better_than_the_best(instance, ctx):
    return check(instance, ctx, share="99/100")


ALIGNED = Instance(W0=[[0, 0], [0, 0]], Y=[[2, 0], [0, 1]], A0=[[1, 0]])

claim = Claim(
    name="outside/freezing-a-costs-nothing",
    title="Freezing A costs nothing",
    source=Source("folklore", status="as commonly quoted", corrected_by="outside/freezing-a"),
    statement=r"$\min_B \|W_0 + B A_0 - Y\|_F^2 = \min_{\operatorname{rank} X \le r} "
    r"\|W_0 + X - Y\|_F^2$ for every $A_0$ of full rank.",
    assumptions=(),
    instances=lora_problems(regimes=("generic", "r = min(n, m)", "orthonormal rows")),
    check=check,
    controls=(Control(None, (ALIGNED,), "one per cent less than the best", better_than_the_best),),
)
