"""The singular values of balanced factors are the square roots of those of their product.

If B'B = AA' then WW' = (BB')^2 and W'W = (A'A)^2 for W = BA.
"""

from lora_proofs import Assumption, Claim, Control, Instance, Instances, Source
from lora_proofs import equal, strategies
from lora_proofs.arithmetic import EXACT


def draw(source, regime):
    """B = U S and A = S V' with orthonormal U and V, and S of a kind that the regime names."""
    n, m = strategies.shape(source, high=3)
    r = source.integer(1, min(n, m))
    S = EXACT.identity(r) * EXACT.matrix([strategies.spectrum(source, r, regime)])
    B = strategies.orthonormal_rows(source, r, n).mT @ S
    return Instance(B=B, A=S @ strategies.orthonormal_rows(source, r, m))


def balanced(instance, ctx):
    x = instance.lift(ctx)
    yield equal("B'B", x.B.mT @ x.B, x.A @ x.A.mT)


def check(instance, ctx):
    x = instance.lift(ctx)
    W, left, right = x.B @ x.A, x.B @ x.B.mT, x.A.mT @ x.A
    yield equal("WW'", W @ W.mT, left @ left)
    yield equal("W'W", W.mT @ W, right @ right)


def not_squared(instance, ctx):
    x = instance.lift(ctx)
    yield equal("WW'", x.B @ x.A @ x.A.mT @ x.B.mT, x.B @ x.B.mT)


balance = Assumption("balanced", r"B^\top B = A A^\top", balanced)
TWOS, UNEQUAL = Instance(B=[[2]], A=[[2]]), Instance(B=[[2]], A=[[1]])

claim = Claim(
    name="outside/balanced-factors",
    title="Balanced factors are square roots",
    source=Source("folklore", status="as commonly quoted"),
    statement=r"If $B^\top B = A A^\top$, then $W = BA$ has $W W^\top = (B B^\top)^2$ and "
    r"$W^\top W = (A^\top A)^2$, so that $\sigma_i(W) = \sigma_i(A)^2 = \sigma_i(B)^2$.",
    assumptions=(balance,),
    instances=Instances(draw, ("distinct", "tied", "with zeros")),
    check=check,
    controls=(
        Control(balance, (UNEQUAL,), "one factor is larger"),
        Control(None, (TWOS,), "the values of the factors, not squared", not_squared),
    ),
)
