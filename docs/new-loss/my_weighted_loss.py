"""What one gradient step of a weighted loss does to B'B - AA': a term of order h^2, exactly."""

from lora_proofs import Claim, Control, Instance, Source, equal, flows, lora_problems, losses, words

W, Y, P = words.Symbol("W", "n", "m"), words.Symbol("Y", "n", "m"), words.Symbol("P", "n", "n")
weighted = losses.from_word("weighted", words.squared_norm(P @ (W - Y)) / 2, W)


def check(instance, ctx, share=1):
    x, loss = instance.lift(ctx), weighted.on(instance)
    A1, B1 = flows.simultaneous_step(loss, x.W0, x.A0, x.B0, x.h, ctx)
    G = loss.gradient(x.W0 + x.B0 @ x.A0, ctx)
    GA, BG = G @ x.A0.mT, x.B0.mT @ G
    change = (B1.mT @ B1 - A1 @ A1.mT) - (x.B0.mT @ x.B0 - x.A0 @ x.A0.mT)
    told = ctx.number(share) * x.h * x.h * (GA.mT @ GA - BG @ BG.mT)
    yield equal("change of B'B - AA'", change, told)


def half(instance, ctx):
    return check(instance, ctx, share="1/2")


START = Instance(loss="weighted", W0=[[0]], Y=[[1]], P=[[1]], A0=[[1]], B0=[[0]], h=1)

claim = Claim(
    name="my/weighted-balance",
    title="A step of the weighted loss and the balance",
    source=Source("my-notes"),
    statement=r"For $f(W) = \tfrac12 \|P (W - Y)\|_F^2$ one gradient step changes "
    r"$B^\top B - A A^\top$ by $h^2 \left(A G^\top G A^\top - B^\top G G^\top B\right)$.",
    assumptions=(),
    instances=lora_problems(loss=weighted, h="number in (0, 1]"),
    check=check,
    controls=(Control(None, (START,), "half of it", half),),
)
