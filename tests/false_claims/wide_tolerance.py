"""A tolerance that swallows the fault: an uncertainty of 1/10 around numbers that are exact."""

from lora_proofs import Claim, Control, Instance, Instances, Source, equal, strategies
from lora_proofs.arithmetic import trace

EXPECTED_VERDICT = "INCONCLUSIVE"
EXPECTED_REASON = "undecided"


def draw(source, regime):
    return strategies.lora_problem(source, regime, loss="trace-squared")


def check(instance, ctx):
    x = instance.lift(ctx)
    left, right = trace(x.B0 @ x.A0), trace(x.A0 @ x.B0) + ctx.number("1/100")
    yield equal("trace of BA", left, right, radius=ctx.number("1/10"))


def off_by_one(instance, ctx):
    x = instance.lift(ctx)
    yield equal("trace of BA", trace(x.B0 @ x.A0), trace(x.A0 @ x.B0) + ctx.number(1))


INSTANCES = Instances(draw, ("generic",))
START = Instance(loss="trace-squared", W0=[[0]], A0=[[1]], B0=[[2]])
claim = Claim(
    name="tests/wide-tolerance",
    source=Source("tests"),
    statement=r"\operatorname{tr}(BA) = \operatorname{tr}(AB) + \tfrac{1}{100}",
    assumptions=(),
    instances=INSTANCES,
    check=check,
    controls=(Control(None, (START,), why="they do not differ by 1", check=off_by_one),),
)
