"""Half the squared norms of the factors is at least the nuclear norm of their product.

So weight decay on the factors bounds the nuclear norm of the adapter; balanced factors attain it.
"""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import at_most, lora_problems, measures


def check(instance, ctx, share=1):
    x = instance.lift(ctx)
    nuclear = measures.nuclear_norm(x.B0 @ x.A0, ctx)
    half = (measures.squared_norm(x.A0) + measures.squared_norm(x.B0)) / 2
    yield at_most("nuclear norm of BA", nuclear, ctx.number(share) * half)


def one_per_cent_less(instance, ctx):
    return check(instance, ctx, share="99/100")


BALANCED = Instance(A0=[[2, 0], [0, 1]], B0=[[0, 1], [2, 0]])

claim = Claim(
    name="outside/nuclear-norm-of-a-product",
    title="The nuclear norm and the norms of the factors",
    source=Source("folklore", status="corrected"),
    statement=r"$\|BA\|_* \le \tfrac12 \left(\|A\|_F^2 + \|B\|_F^2\right)$ for every $A$ and $B$.",
    assumptions=(),
    instances=lora_problems(regimes=("generic", "zero B0", "rank deficient", "r > min(n, m)")),
    check=check,
    controls=(Control(None, (BALANCED,), "balanced factors attain it", one_per_cent_less),),
)
