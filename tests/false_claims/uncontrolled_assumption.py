"""An assumption that no control drops, and that does not say why none exists."""

from lora_proofs import Assumption, Claim, Control, Instances, Source, at_least, at_most, strategies
from lora_proofs.arithmetic import squared_norm

EXPECTED_VERDICT = "refused"
EXPECTED_REASON = "assumption 'nonzero_factors' has no control. Add Control(nonzero_factors, ...)"


def draw(source, regime):
    return strategies.lora_problem(source, regime, loss="frobenius")


def nonzero(instance, ctx):
    yield at_least("||A||_F^2", squared_norm(instance.lift(ctx).A0), ctx.number("1/1000"))


def rank_at_most(offset):
    def check(instance, ctx):
        x = instance.lift(ctx)
        yield at_most("rank BA", ctx.rank(x.B0 @ x.A0), len(instance.A0) - offset)

    return check


INSTANCES = Instances(draw)
claim = Claim(
    name="tests/uncontrolled-assumption",
    source=Source("tests"),
    statement=r"\operatorname{rank}(BA) \le r",
    assumptions=(Assumption("nonzero_factors", r"A \ne 0", nonzero),),
    instances=INSTANCES,
    check=rank_at_most(0),
    controls=(Control(None, INSTANCES, why="r - 1 is too small", check=rank_at_most(1)),),
)
