"""The difference of equal things is compared with 0: the check has not shown that it looks."""

from lora_proofs import Claim, Control, Instances, Source, equal, strategies
from lora_proofs.arithmetic import squared_norm

EXPECTED_VERDICT = "INCONCLUSIVE"
EXPECTED_REASON = "the check compares 0 with 0 on every instance"


def draw(source, regime):
    return strategies.lora_problem(source, regime, loss="frobenius")


def check(instance, ctx):
    x = instance.lift(ctx)
    update = x.B0 @ x.A0
    yield equal("size of what is left", squared_norm(update - update), ctx.number(0))


def whole(instance, ctx):
    x = instance.lift(ctx)
    yield equal("size of the whole", squared_norm(x.W0) + 1, ctx.number(0))


INSTANCES = Instances(draw, ("generic", "zero B0"))
claim = Claim(
    name="tests/zero-against-zero",
    source=Source("tests"),
    statement=r"W_0 + BA - W_0 = W_0",
    assumptions=(),
    instances=INSTANCES,
    check=check,
    controls=(Control(None, INSTANCES, why="the whole is not 0", check=whole),),
)
