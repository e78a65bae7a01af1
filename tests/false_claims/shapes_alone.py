"""The check depends on the shapes alone: it bounds the columns of A0 where it means its norm."""

from lora_proofs import Claim, Control, Instances, Source, at_most, strategies
from lora_proofs.arithmetic import squared_norm

EXPECTED_VERDICT = "INCONCLUSIVE"
EXPECTED_REASON = "the check never depends on the numbers, only on the shapes"


def draw(source, regime):
    return strategies.lora_problem(source, regime, loss="frobenius")


def check(instance, ctx):
    r, m = instance.lift(ctx).A0.shape
    yield at_most("||A0||_F^2", ctx.number(m), ctx.number(r * m + 1))


def reversed_bound(instance, ctx):
    yield at_most("1 + ||W0||^2", 1 + squared_norm(instance.lift(ctx).W0), ctx.number(0))


INSTANCES = Instances(draw, ("generic", "zero B0"))
claim = Claim(
    name="tests/shapes-alone",
    source=Source("tests"),
    statement=r"\|A_0\|_F^2 \le rm + 1",
    assumptions=(),
    instances=INSTANCES,
    check=check,
    controls=(Control(None, INSTANCES, why="a norm below 0", check=reversed_bound),),
)
