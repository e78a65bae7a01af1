"""The check yields nothing: it loops over the singular values beyond the last."""

from lora_proofs import Claim, Control, Instances, Source, at_most, strategies

EXPECTED_VERDICT = "INCONCLUSIVE"
EXPECTED_REASON = "the check yields no comparison"


def draw(source, regime):
    return strategies.lora_problem(source, regime, loss="frobenius")


def check(instance, ctx):
    x = instance.lift(ctx)
    for _ in range(len(instance.A0), len(instance.A0)):
        yield at_most("rank BA", ctx.rank(x.B0 @ x.A0), 0)


def no_rank(instance, ctx):
    x = instance.lift(ctx)
    yield at_most("rank BA", ctx.rank(x.B0 @ x.A0), 0)


INSTANCES = Instances(draw, ("generic",))
claim = Claim(
    name="tests/yields-nothing",
    source=Source("tests"),
    statement=r"\sigma_i(BA) = 0 \text{ for } i > r",
    assumptions=(),
    instances=INSTANCES,
    check=check,
    controls=(Control(None, INSTANCES, why="the rank is not 0", check=no_rank),),
)
