"""As commonly said, and false: an adapter of rank r adds at most r intruder directions.

Read so: all but r of the right singular vectors of W = W0 + BA are singular vectors of W0. On those
that are shared W'W and W0'W0 commute, so the commutator would have rank r at most. One rank-one
update can turn every singular vector.
"""

from lora_proofs import Assumption, Claim, Control, Instance, Source
from lora_proofs import at_least, at_most, instances_of


def invertible(instance, ctx):
    x = instance.lift(ctx)
    yield at_least("rank of W0", ctx.rank(x.W0), len(x.W0))
    yield at_least("rank of W", ctx.rank(x.W0 + x.B @ x.A), len(x.W0))


def check(instance, ctx, spared=0):
    x = instance.lift(ctx)
    W = x.W0 + x.B @ x.A
    new, old = W.mT @ W, x.W0.mT @ x.W0
    yield at_most("rank of the commutator", ctx.rank(new @ old - old @ new), len(x.A) - spared)


def none_at_all(instance, ctx):
    return check(instance, ctx, spared=2)


regular = Assumption(
    "invertible",
    r"$W_0$ and $W_0 + BA$ are invertible",
    invertible,
    technical="it leaves out the singular vectors of the value 0, on which readings differ",
)
TURNED = Instance(W0=[[1, 0], [0, 2]], B=[[1, 0], [0, 1]], A=[[0, 1], [0, 0]])

claim = Claim(
    name="outside/at-most-r-intruders",
    title="Rank r adds at most r intruder directions",
    source=Source(
        "folklore", status="our reading", corrected_by="outside/intruders-above-the-spectrum"
    ),
    statement=r"At most $r$ of the right singular vectors of $W_0 + BA$ are not singular vectors "
    r"of $W_0$.",
    assumptions=(regular,),
    instances=instances_of(
        sizes={"r": 1, "n": (2, 3)}, W0="n x n nonsingular", B="n x r", A="r x n"
    ),
    check=check,
    controls=(Control(None, (TURNED,), "no new direction for r = 2", none_at_all),),
)
