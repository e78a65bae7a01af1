"""Two claims in one file have one name: a verdict could not say which of them it judges."""

from dataclasses import replace

from lora_proofs import Claim, Control, Instances, Source, at_most, strategies

EXPECTED_VERDICT = "refused"
EXPECTED_REASON = "tests/duplicate-name"


def draw(source, regime):
    return strategies.lora_problem(source, regime, loss="frobenius")


def rank_at_most(offset):
    def check(instance, ctx):
        x = instance.lift(ctx)
        yield at_most("rank BA", ctx.rank(x.B0 @ x.A0), len(instance.A0) - offset)

    return check


INSTANCES = Instances(draw)
first = Claim(
    name="tests/duplicate-name",
    source=Source("tests"),
    statement=r"\operatorname{rank}(BA) \le r",
    assumptions=(),
    instances=INSTANCES,
    check=rank_at_most(0),
    controls=(Control(None, INSTANCES, why="r - 1 is too small", check=rank_at_most(1)),),
)
second = replace(first, statement=r"\operatorname{rank}(BA) \le r + 1", check=rank_at_most(-1))
