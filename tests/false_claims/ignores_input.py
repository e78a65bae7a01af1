"""The check ignores its input: it judges one adapter that is written into it."""

from lora_proofs import Claim, Control, Instances, Source, at_most, strategies
from lora_proofs.arithmetic import squared_norm

EXPECTED_VERDICT = "INCONCLUSIVE"
EXPECTED_REASON = "the check ignores its input"


def draw(source, regime):
    return strategies.lora_problem(source, regime, loss="frobenius")


def check(instance, ctx):
    A, B, W0 = ctx.matrix([[1, 0]]), ctx.matrix([["1/2"]]), ctx.matrix([[3, 4]])
    yield at_most("||BA||_F^2", squared_norm(B @ A), squared_norm(W0))


def reversed_bound(instance, ctx):
    x = instance.lift(ctx)
    yield at_most("||W0||_F^2", squared_norm(x.W0), squared_norm(x.B0 @ x.A0))


INSTANCES = Instances(draw, ("generic", "zero B0"))
claim = Claim(
    name="tests/ignores-input",
    source=Source("tests"),
    statement=r"\|BA\|_F \le \|W_0\|_F",
    assumptions=(),
    instances=INSTANCES,
    check=check,
    controls=(Control(None, INSTANCES, why="the bound the other way", check=reversed_bound),),
)
