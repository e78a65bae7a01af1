"""As commonly said, and false: with alpha / r the size of an adapter's output does not depend on r.

It shrinks as 1 / sqrt(r). B is one row and A has r rows, with entries 1 and -1.
"""

from itertools import product

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import equal, instances_of, measures


def mean_square(x, r, ctx):
    """The mean of (BAx / r)^2 over all matrices B (1 x r) and A (r x m) of signs."""
    m = len(x)
    signs = list(product((1, -1), repeat=r + r * m))
    cut = ([s[:r], [s[r + m * i : r + m * (i + 1)] for i in range(r)]] for s in signs)
    squares = (measures.squared_norm(ctx.matrix([B]) @ (ctx.matrix(A) @ x)) for B, A in cut)
    return sum(squares) / (len(signs) * r * r)


def check(instance, ctx, times=1):
    x, r = ctx.matrix(instance.x), int(instance.r)
    yield equal("mean square", mean_square(x, r, ctx), times * mean_square(x, 1, ctx))


def twice(instance, ctx):
    return check(instance, ctx, times=2)


ONE = Instance(r=1, x=[[1]])

claim = Claim(
    name="outside/alpha-over-r",
    title="alpha / r keeps the size of the output",
    source=Source(
        "folklore", status="as commonly quoted", corrected_by="outside/rank-stabilised-scale"
    ),
    statement=r"For independent random signs, $\mathbb{E}\,\|\tfrac{\alpha}{r} BAx\|^2$ is the "
    r"same for every $r$ ($B$: $1 \times r$).",
    assumptions=(),
    instances=instances_of(sizes={"m": (1, 2)}, r="integer in [1, 3]", x="m x 1"),
    check=check,
    arithmetics=("exact",),
    controls=(Control(None, (ONE,), "twice the mean square for r = 1", twice),),
)
