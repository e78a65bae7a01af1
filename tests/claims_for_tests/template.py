"""A claim whose parts a test replaces: keywords of ``variant`` replace fields of ``claim``."""

from dataclasses import replace

from lora_proofs import Claim, Control, Instance, Instances, Source, at_least
from lora_proofs.strategies.draw import fraction


def draw(source, regime):
    x = fraction(source, size=50)
    return Instance(regimes=(regime,), x=x if regime == "generic" else 2 * x)


def check(instance, ctx):
    x = ctx.number(instance.x)
    yield at_least("square", x * x, ctx.number(0))


def sharpened(instance, ctx):
    x = ctx.number(instance.x)
    yield at_least("square", x * x, ctx.number(1000))


INSTANCES = Instances(draw, ("generic", "doubled"))
CONTROL = Control(None, INSTANCES, why="a bound that is too large", check=sharpened)
base = Claim(
    name="tests/square",
    source=Source("tests"),
    statement="x^2 >= 0",
    assumptions=(),
    instances=INSTANCES,
    check=check,
    controls=(CONTROL,),
)


def variant(name="variant", **parts):
    return replace(base, name=f"tests/{name}", **parts)
