"""The trace of an adapter is at most the product of the Frobenius norms of its factors."""

from lora_proofs import Claim, Control, Instance, Source, at_most, instances_of, measures


def bound(instance, ctx, factor="1"):
    x = instance.lift(ctx)
    trace = (x.B @ x.A).trace()
    sizes = measures.squared_norm(x.B) * measures.squared_norm(x.A)
    yield at_most("squared trace of BA", trace * trace, ctx.number(factor) * sizes)


def sharper(instance, ctx):
    return bound(instance, ctx, factor="99/100")


TIGHT = Instance(B=[[1], [0]], A=[[1, 0]])

claim = Claim(
    name="my-claims/trace-of-an-adapter",
    source=Source("my-notes"),
    statement=r"$(\operatorname{tr} BA)^2 \le \|B\|_F^2 \, \|A\|_F^2$ for square $BA$.",
    assumptions=(),
    instances=instances_of(B="n x r", A="r x n"),
    check=bound,
    controls=(Control(None, (TIGHT,), why="equal for A = B'", check=sharper),),
)
