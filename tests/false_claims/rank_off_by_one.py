"""A rank is off by one: the adapter adds at most r to the rank of W0, not at most r - 1."""

from lora_proofs import Claim, Control, Instances, Source, at_most, strategies

EXPECTED_VERDICT = "REFUTED"
EXPECTED_REASON = "counterexample of kind value, confirmed by exact"


def draw(source, regime):
    return strategies.lora_problem(source, regime, loss="frobenius")


def check(instance, ctx):
    x = instance.lift(ctx)
    r = len(instance.A0)
    yield at_most("rank W", ctx.rank(x.W0 + x.B0 @ x.A0), ctx.rank(x.W0) + r - 1)


def no_growth(instance, ctx):
    x = instance.lift(ctx)
    yield at_most("rank W", ctx.rank(x.W0 + x.B0 @ x.A0), ctx.rank(x.W0))


INSTANCES = Instances(draw, ("generic", "zero W0", "rank deficient"))
claim = Claim(
    name="tests/rank-off-by-one",
    source=Source("tests"),
    statement=r"\operatorname{rank}(W_0 + BA) \le \operatorname{rank}(W_0) + r - 1",
    assumptions=(),
    instances=INSTANCES,
    check=check,
    controls=(Control(None, INSTANCES, why="an adapter can raise the rank", check=no_growth),),
)
