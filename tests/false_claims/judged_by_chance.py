"""The check throws a coin: what it says of an instance cannot be said again."""

import random

from lora_proofs import Claim, Control, Instance, Instances, Source, at_most
from lora_proofs.strategies.draw import fraction

EXPECTED_VERDICT = "INCONCLUSIVE"
EXPECTED_REASON = "expected the check to be determined by its instance"


def draw(source, regime):
    return Instance(regimes=(regime,), x=fraction(source))


def at_most_plus(number):
    def check(instance, ctx):
        x = ctx.number(instance.x)
        yield at_most("x", x, x + number * random.randint(1, 10**9))

    return check


claim = Claim(
    name="tests/judged-by-chance",
    source=Source("tests"),
    statement=r"x \le x + c",
    assumptions=(),
    instances=Instances(draw),
    check=at_most_plus(1),
    controls=(Control(None, Instances(draw), why="c is taken away", check=at_most_plus(-1)),),
)
