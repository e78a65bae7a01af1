"""As commonly said, and false: weight decay on the factors is a nuclear-norm penalty on BA.

It is one at balanced factors, where the two agree. At every other point weight decay is larger;
that is what the check compares.
"""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import at_most, lora_problems, measures


def check(instance, ctx, share=1):
    x = instance.lift(ctx)
    nuclear = ctx.number(share) * measures.nuclear_norm(x.B0 @ x.A0, ctx)
    yield at_most(
        "weight decay", (measures.squared_norm(x.A0) + measures.squared_norm(x.B0)) / 2, nuclear
    )


def one_per_cent_less(instance, ctx):
    return check(instance, ctx, share="99/100")


BALANCED = Instance(A0=[[2, 0], [0, 1]], B0=[[0, 1], [2, 0]])

claim = Claim(
    name="outside/weight-decay-is-the-nuclear-norm",
    title="Weight decay is the nuclear norm",
    source=Source(
        "folklore", status="as commonly quoted", corrected_by="outside/nuclear-norm-of-a-product"
    ),
    statement=r"$\tfrac12 \left(\|A\|_F^2 + \|B\|_F^2\right) = \|BA\|_*$ for every $A$ and $B$.",
    assumptions=(),
    instances=lora_problems(regimes=("generic", "zero B0", "rank deficient", "r > min(n, m)")),
    check=check,
    controls=(Control(None, (BALANCED,), "one per cent less", one_per_cent_less),),
)
