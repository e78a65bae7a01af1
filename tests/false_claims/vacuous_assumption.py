"""An assumption that nothing satisfies: the update has a rank above r. Anything follows."""

from lora_proofs import Assumption, Claim, Control, Instances, Source, at_least, equal, strategies
from lora_proofs.arithmetic import squared_norm

EXPECTED_VERDICT = "INCONCLUSIVE"
EXPECTED_REASON = "vacuous: the assumptions held on none of"


def draw(source, regime):
    return strategies.lora_problem(source, regime, loss="frobenius")


def rank_above_r(instance, ctx):
    x = instance.lift(ctx)
    yield at_least("rank BA", ctx.rank(x.B0 @ x.A0), len(instance.A0) + 1)


def check(instance, ctx):
    x = instance.lift(ctx)
    yield equal("loss", squared_norm(x.W0 + x.B0 @ x.A0 - x.Y), ctx.number(0))


INSTANCES = Instances(draw, ("generic", "r = 1"))
high_rank = Assumption("high_rank", r"\operatorname{rank}(BA) > r", rank_above_r)
claim = Claim(
    name="tests/vacuous-assumption",
    source=Source("tests"),
    statement=r"\tfrac12 \|W_0 + BA - Y\|_F^2 = 0",
    assumptions=(high_rank,),
    instances=INSTANCES,
    check=check,
    controls=(Control(high_rank, INSTANCES, why="without it the loss is positive"),),
)
