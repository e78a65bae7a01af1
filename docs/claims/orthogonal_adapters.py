"""Adapters with orthogonal row spaces do not interfere: their squared sizes add up."""

from lora_proofs import Assumption, Claim, Control, Instance, Instances, Source
from lora_proofs import equal, measures, strategies


def draw(source, regime):
    """Two adapters whose rows are taken from one orthogonal matrix."""
    n, m = strategies.shape(source, low=2, high=3)
    Q, r = strategies.orthogonal_matrix(source, m), source.integer(1, m - 1)
    B1, B2 = strategies.matrix(source, n, r), strategies.matrix(source, n, m - r)
    return Instance(B1=B1, A1=Q[:r], B2=B2, A2=Q[r:])


def orthogonal(instance, ctx):
    x = instance.lift(ctx)
    cross = x.A1 @ x.A2.mT
    yield equal("A1 A2'", cross, 0 * cross)


def check(instance, ctx, times=1):
    x = instance.lift(ctx)
    both = measures.squared_norm(x.B1 @ x.A1) + measures.squared_norm(x.B2 @ x.A2)
    yield equal(
        "squared norm of the sum", measures.squared_norm(x.B1 @ x.A1 + x.B2 @ x.A2), times * both
    )


def twice(instance, ctx):
    return check(instance, ctx, times=2)


apart = Assumption("orthogonal", r"A_1 A_2^\top = 0", orthogonal)
ONES = Instance(B1=[[1]], A1=[[1, 0]], B2=[[1]], A2=[[0, 1]])

claim = Claim(
    name="outside/orthogonal-adapters",
    title="The sizes of orthogonal adapters add up",
    source=Source("folklore", status="as commonly quoted"),
    statement=r"If $A_1 A_2^\top = 0$, then $\|B_1 A_1 + B_2 A_2\|_F^2 "
    r"= \|B_1 A_1\|_F^2 + \|B_2 A_2\|_F^2$.",
    assumptions=(apart,),
    instances=Instances(draw),
    check=check,
    controls=(
        Control(apart, (ONES.replace(A2=[[1, 0]]),), "the same direction twice"),
        Control(None, (ONES,), "twice the sum", twice),
    ),
)
