"""Half of the draws break the assumption: what is left is a sample of nothing in particular."""

from lora_proofs import (
    Assumption,
    Claim,
    Control,
    Instance,
    Instances,
    Source,
    at_most,
    equal,
    strategies,
)
from lora_proofs.arithmetic import squared_norm

EXPECTED_VERDICT = "INCONCLUSIVE"
EXPECTED_REASON = "draws broke an assumption (at most 20 % may)"


def draw(source, regime):
    x = strategies.lora_problem(source, "zero B0", loss="frobenius")
    return x if source.integer(1, 2) == 1 else x.replace(B0=[[1] * len(x.A0) for _ in x.W0])


def starts_at_zero(instance, ctx):
    yield equal("||B0||_F^2", squared_norm(instance.lift(ctx).B0), ctx.number(0))


def check(instance, ctx):
    x = instance.lift(ctx)
    yield at_most("||W||_F^2", squared_norm(x.W0 + x.B0 @ x.A0), squared_norm(x.W0))


zero_B = Assumption("zero_B", "B_0 = 0", starts_at_zero)
LARGE = Instance(loss="frobenius", W0=[[1]], Y=[[0]], A0=[[5]], B0=[[1]])
claim = Claim(
    name="tests/most-draws-discarded",
    source=Source("tests"),
    statement=r"\|W_0 + B_0 A_0\|_F \le \|W_0\|_F",
    assumptions=(zero_B,),
    instances=Instances(draw, ("anything",)),
    check=check,
    controls=(Control(zero_B, (LARGE,), why="with B0 = 1 the norm grows"),),
)
