"""What freezing A costs: the part of Y - W0 that the row space of A0 does not reach.

With P = A0'(A0 A0')^-1 A0, the least loss over B alone is 1/2 ||(Y - W0)(I - P)||^2.
"""

from lora_proofs import Assumption, Claim, Control, Instance, Source
from lora_proofs import at_least, equal, lora_problems, losses, measures


def independent_rows(instance, ctx):
    yield at_least("rank of A0", ctx.rank(ctx.matrix(instance.A0)), len(instance.A0))


def check(instance, ctx, share=1):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    E, best = x.Y - x.W0, x.A0.mT @ ctx.inverse(x.A0 @ x.A0.mT)
    least = ctx.number(share) * measures.squared_norm(E - E @ best @ x.A0) / 2
    yield equal("loss of the best B", loss.value(x.W0 + E @ best @ x.A0, ctx), least)
    yield at_least("loss of any B", loss.value(x.W0 + x.B0 @ x.A0, ctx), least)


def one_per_cent_more(instance, ctx):
    return check(instance, ctx, share="101/100")


rows = Assumption(
    "independent_rows",
    r"\operatorname{rank} A_0 = r",
    independent_rows,
    technical="the formula names the inverse of A0 A0'",
)
MISSED = Instance(loss="frobenius", W0=[[0, 0]], Y=[[1, 1]], A0=[[0, 1]], B0=[[0]])

claim = Claim(
    name="outside/freezing-a",
    title="What freezing A costs",
    source=Source("folklore", status="corrected"),
    statement=r"$\min_B \tfrac12\|W_0 + B A_0 - Y\|_F^2 = \tfrac12\|(Y - W_0)(I - P)\|_F^2$ with "
    r"the projector $P = A_0^\top (A_0 A_0^\top)^{-1} A_0$.",
    assumptions=(rows,),
    instances=lora_problems(regimes=("generic", "zero B0", "r = min(n, m)", "orthonormal rows")),
    check=check,
    arithmetics=("exact",),
    controls=(Control(None, (MISSED,), "one per cent more", one_per_cent_more),),
)
