"""The check raises on some inputs: it divides by the norm of an update that may be 0."""

from lora_proofs import Claim, Control, Instances, Source, at_most, strategies
from lora_proofs.arithmetic import squared_norm

EXPECTED_VERDICT = "INCONCLUSIVE"
EXPECTED_REASON = "raised ZeroDivisionError"


def draw(source, regime):
    return strategies.lora_problem(source, regime, loss="frobenius")


def relative(bound):
    def check(instance, ctx):
        x = instance.lift(ctx)
        largest = squared_norm(x.B0) * squared_norm(x.A0)
        yield at_most("relative norm", squared_norm(x.B0 @ x.A0) / largest, ctx.number(bound))

    return check


claim = Claim(
    name="tests/raises",
    source=Source("tests"),
    statement=r"\|BA\|_F^2 / (\|B\|_F^2 \|A\|_F^2) \le 1",
    assumptions=(),
    instances=Instances(draw, ("generic", "zero B0")),
    check=relative(1),
    controls=(
        Control(None, Instances(draw, ("r = 1", "generic")), why="1/9", check=relative("1/9")),
    ),
)
