"""As commonly said, and false: adapters with orthogonal row spaces have ranks that add up.

Their column spaces may be the same.
"""

from lora_proofs import Assumption, Claim, Control, Instance, Instances, Source
from lora_proofs import equal, strategies


def draw(source, regime):
    """Two adapters of rank 1 whose rows are taken from one orthogonal matrix."""
    n, m = strategies.shape(source, high=3)
    Q = strategies.orthogonal_matrix(source, m + 1)
    B1, B2 = strategies.matrix(source, n, 1), strategies.matrix(source, n, 1)
    return Instance(B1=B1, A1=Q[:1], B2=B2, A2=Q[1:2])


def orthogonal(instance, ctx):
    x = instance.lift(ctx)
    yield equal("A1 A2'", x.A1 @ x.A2.mT, ctx.zeros(1, 1))


def check(instance, ctx, more=0):
    x = instance.lift(ctx)
    both = ctx.rank(x.B1 @ x.A1) + ctx.rank(x.B2 @ x.A2)
    yield equal("rank of the sum", ctx.rank(x.B1 @ x.A1 + x.B2 @ x.A2), both + more)


def one_more(instance, ctx):
    return check(instance, ctx, more=1)


apart = Assumption("orthogonal", r"A_1 A_2^\top = 0", orthogonal)
APART = Instance(B1=[[1], [0]], A1=[[1, 0]], B2=[[0], [1]], A2=[[0, 1]])

claim = Claim(
    name="outside/orthogonal-adapters-add-ranks",
    title="The ranks of orthogonal adapters add up",
    source=Source(
        "folklore", status="as commonly quoted", corrected_by="outside/merged-adapters-rank"
    ),
    statement=r"If $A_1 A_2^\top = 0$, then $\operatorname{rank}(B_1 A_1 + B_2 A_2) "
    r"= \operatorname{rank}(B_1 A_1) + \operatorname{rank}(B_2 A_2)$.",
    assumptions=(apart,),
    instances=Instances(draw),
    check=check,
    controls=(
        Control(apart, (APART.replace(A2=[[1, 0]], B2=[[1], [0]]),), "the same direction twice"),
        Control(None, (APART,), "one more", one_more),
    ),
)
