"""The outcome of each comparison is overwritten: what fails is said to hold."""

from dataclasses import replace

from lora_proofs import Claim, Control, Instance, Instances, Source, at_most

EXPECTED_VERDICT = "INCONCLUSIVE"
EXPECTED_REASON = "expected the outcome 'fails' that its sides give, got 'holds'"


def draw(source, regime):
    return Instance(regimes=(regime,), x=source.integer(1, 10**6))


def larger(instance, ctx):
    x = ctx.number(instance.x)
    yield at_most("x", x + 1, x)


def forged(instance, ctx):
    for comparison in larger(instance, ctx):
        yield replace(comparison, outcome="holds")


claim = Claim(
    name="tests/forged-outcome",
    source=Source("tests"),
    statement=r"x + 1 \le x",
    assumptions=(),
    instances=Instances(draw),
    check=forged,
    controls=(Control(None, Instances(draw), why="the same, told as it is", check=larger),),
)
