"""A tight constant shaved by 1 in 1000: ||BA||_F <= 1/2 (||A||_F^2 + ||B||_F^2) is sharp."""

from lora_proofs import Claim, Control, Instances, Source, at_most, strategies
from lora_proofs.arithmetic import squared_norm

EXPECTED_VERDICT = "REFUTED"
EXPECTED_REASON = "counterexample of kind value, confirmed by exact"


def draw(source, regime):
    return strategies.lora_problem(source, regime, loss="trace-squared")


def bound(constant):
    def check(instance, ctx):
        x = instance.lift(ctx)
        theta = squared_norm(x.A0) + squared_norm(x.B0)
        yield at_most("||BA||_F^2", squared_norm(x.B0 @ x.A0), ctx.number(constant) * theta**2)

    return check


INSTANCES = Instances(draw, ("generic", "cone"))
claim = Claim(
    name="tests/constant-shaved",
    source=Source("tests"),
    statement=r"\|BA\|_F^2 \le \tfrac{1}{4 \cdot 1.001} (\|A\|_F^2 + \|B\|_F^2)^2",
    assumptions=(),
    instances=INSTANCES,
    check=bound("1000/4004"),
    controls=(Control(None, INSTANCES, why="with 1/16 it is plainly false", check=bound("1/16")),),
)
