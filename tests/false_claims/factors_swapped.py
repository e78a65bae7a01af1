"""A and B are swapped: an A-first step has the new A of the simultaneous step, not the new B."""

from lora_proofs import (
    Claim,
    Control,
    Instance,
    Instances,
    Source,
    equal,
    flows,
    losses,
    strategies,
)

EXPECTED_VERDICT = "REFUTED"
EXPECTED_REASON = "counterexample of kind value, confirmed by exact"
H = "1/8"


def draw(source, regime):
    return strategies.lora_problem(source, regime, loss="frobenius", largest=2)


def steps(instance, ctx):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    start = (loss, x.W0, x.A0, x.B0, H, ctx)
    return flows.a_first_step(*start), flows.simultaneous_step(*start)


def check(instance, ctx):
    (_, sequential), (_, simultaneous) = steps(instance, ctx)
    yield equal("new B", sequential, simultaneous)


def unmoved(instance, ctx):
    (sequential, _), _ = steps(instance, ctx)
    yield equal("new A", sequential, instance.lift(ctx).A0)


START = Instance(loss="frobenius", W0=[[0]], Y=[[3]], A0=[[1]], B0=[[2]])
claim = Claim(
    name="tests/factors-swapped",
    source=Source("tests"),
    statement=r"B_+^{\mathrm{AB}} = B_+^{\mathrm{sim}}",
    assumptions=(),
    instances=Instances(draw, ("generic", "zero B0", "r = 1")),
    check=check,
    controls=(Control(None, (START,), why="the step moves A", check=unmoved),),
)
