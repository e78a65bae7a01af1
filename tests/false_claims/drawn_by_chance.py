"""The instances come from chance and not from their source: no run can be repeated."""

import random

from lora_proofs import Claim, Control, Instance, Instances, Source, at_most

EXPECTED_VERDICT = "INCONCLUSIVE"
EXPECTED_REASON = "expected Instances.draw to be determined by its source"


def draw(source, regime):
    return Instance(regimes=(regime,), x=random.randint(1, 10**9))


def at_most_plus(number):
    def check(instance, ctx):
        x = ctx.number(instance.x)
        yield at_most("x", x, x + number)

    return check


claim = Claim(
    name="tests/drawn-by-chance",
    source=Source("tests"),
    statement=r"x \le x + 1",
    assumptions=(),
    instances=Instances(draw),
    check=at_most_plus(1),
    controls=(Control(None, Instances(draw), why="1 is taken away", check=at_most_plus(-1)),),
)
