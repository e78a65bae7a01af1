"""A declared regime is almost never met: its draws are rejected, the hard case stays untried."""

from lora_proofs import Claim, Control, Instances, Source, at_most, strategies
from lora_proofs.arithmetic import squared_norm

EXPECTED_VERDICT = "INCONCLUSIVE"
EXPECTED_REASON = "regime 'cone' has "


def draw(source, regime):
    x = strategies.lora_problem(source, "generic", loss="trace-squared")
    if regime == "cone" and tuple(zip(*x.A0, strict=True)) != x.B0:
        raise strategies.Rejected
    return x


def bound(constant):
    def check(instance, ctx):
        x = instance.lift(ctx)
        theta = squared_norm(x.A0) + squared_norm(x.B0)
        yield at_most("||BA||_F^2", squared_norm(x.B0 @ x.A0), ctx.number(constant) * theta**2)

    return check


INSTANCES = Instances(draw, ("generic", "cone"))
claim = Claim(
    name="tests/empty-regime",
    source=Source("tests"),
    statement=r"\|BA\|_F^2 \le \tfrac14 (\|A\|_F^2 + \|B\|_F^2)^2",
    assumptions=(),
    instances=INSTANCES,
    check=bound("1/4"),
    controls=(
        Control(
            None, Instances(draw), why="with 1/1000 it is plainly false", check=bound("1/1000")
        ),
    ),
)
