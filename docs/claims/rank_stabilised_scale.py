"""With alpha / sqrt(r) the size of an adapter's output does not depend on r.

B is one row and A has r rows, with entries 1 and -1. The mean over all of them is exact.
"""

from itertools import product

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import equal, instances_of, measures


def mean_square(x, r, ctx):
    """The mean of (BAx)^2 over all matrices B (1 x r) and A (r x m) of signs."""
    m = len(x)
    signs = list(product((1, -1), repeat=r + r * m))
    cut = ([s[:r], [s[r + m * i : r + m * (i + 1)] for i in range(r)]] for s in signs)
    return sum(measures.squared_norm(ctx.matrix([B]) @ (ctx.matrix(A) @ x)) for B, A in cut) / len(
        signs
    )


def check(instance, ctx, power=1):
    v, r = instance.lift(ctx), int(instance.r)
    scaled = v.alpha * v.alpha / ctx.number(r**power) * mean_square(v.x, r, ctx)
    yield equal("mean square of the output", scaled, v.alpha * v.alpha * measures.squared_norm(v.x))


def over_r(instance, ctx):
    return check(instance, ctx, power=2)


TWO = Instance(r=2, alpha=1, x=[[1]])

claim = Claim(
    name="outside/rank-stabilised-scale",
    title="alpha / sqrt(r) keeps the size of the output",
    source=Source("folklore", status="corrected"),
    statement=r"For independent random signs, $\mathbb{E}\,\|\tfrac{\alpha}{\sqrt r} BAx\|^2 "
    r"= \alpha^2 \|x\|^2$ whatever $r$ is ($B$: $1 \times r$).",
    assumptions=(),
    instances=instances_of(
        sizes={"m": (1, 2)}, r="integer in [1, 3]", alpha="number > 0", x="m x 1"
    ),
    check=check,
    arithmetics=("exact",),
    controls=(Control(None, (TWO,), "alpha / r", over_r),),
)
