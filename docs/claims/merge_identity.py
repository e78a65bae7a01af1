"""Merging an adapter into the weights changes no output: W0 x + s B(Ax) = (W0 + s BA) x."""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import equal, lora_problems


def check(instance, ctx, wrong=1):
    v = instance.lift(ctx)
    beside = v.W0 @ v.x + v.s * (v.B0 @ (v.A0 @ v.x))
    yield equal("output", beside, (v.W0 + wrong * v.s * (v.B0 @ v.A0)) @ v.x)


def scale_forgotten(instance, ctx):
    return check(instance, ctx, wrong=1 / ctx.number(instance.s))


ONES = Instance(W0=[[1]], B0=[[1]], A0=[[1]], s=2, x=[[1]])

claim = Claim(
    name="outside/merge-identity",
    title="Merging changes no output",
    source=Source("folklore", status="as commonly quoted"),
    statement=r"$W_0 x + s\,B(Ax) = (W_0 + s\,BA)\,x$ for every input $x$.",
    assumptions=(),
    instances=lora_problems(
        regimes=("generic", "zero B0", "rank deficient", "r > min(n, m)"), s="number", x="m x 1"
    ),
    check=check,
    controls=(Control(None, (ONES,), "merged without the scale", scale_forgotten),),
)
