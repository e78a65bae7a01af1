"""The check is always true: it compares a square with 0, whatever the statement says."""

from lora_proofs import (
    Assumption,
    Claim,
    Control,
    Instance,
    Instances,
    Source,
    at_least,
    equal,
    strategies,
)
from lora_proofs.arithmetic import squared_norm

EXPECTED_VERDICT = "INCONCLUSIVE"
EXPECTED_REASON = "a control survived: with B0 = 1 the update is above"


def draw(source, regime):
    return strategies.lora_problem(source, regime, loss="frobenius")


def starts_at_zero(instance, ctx):
    yield equal("||B0||_F^2", squared_norm(instance.lift(ctx).B0), ctx.number(0))


def check(instance, ctx):
    x = instance.lift(ctx)
    yield at_least("||W||_F^2", squared_norm(x.W0 + x.B0 @ x.A0), ctx.number(0))


zero_B = Assumption("zero_B", "B_0 = 0", starts_at_zero)
LARGE = Instance(loss="frobenius", W0=[[1]], Y=[[0]], A0=[[5]], B0=[[1]])
claim = Claim(
    name="tests/always-true",
    source=Source("tests"),
    statement=r"\|B_0 A_0\|_F \le \|W_0\|_F",
    assumptions=(zero_B,),
    instances=Instances(draw, ("zero B0",)),
    check=check,
    controls=(Control(zero_B, (LARGE,), why="with B0 = 1 the update is above W0"),),
)
