"""A sign is wrong: B'B - AA' is conserved by the LoRA flow, B'B + AA' is not."""

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


def draw(source, regime):
    return strategies.lora_problem(source, regime, loss="frobenius", largest=2)


def rates(instance, ctx):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    dA, dB = flows.lora_vector_field(loss, x.W0, x.A0, x.B0, ctx)
    return dB.mT @ x.B0 + x.B0.mT @ dB, dA @ x.A0.mT + x.A0 @ dA.mT


def check(instance, ctx):
    of_BtB, of_AAt = rates(instance, ctx)
    yield equal("rate of B'B + AA'", of_BtB + of_AAt, 0 * of_BtB)


def only_B(instance, ctx):
    of_BtB, _ = rates(instance, ctx)
    yield equal("rate of B'B", of_BtB, 0 * of_BtB)


START = Instance(loss="frobenius", W0=[[0]], Y=[[1]], A0=[[1]], B0=[[2]])
claim = Claim(
    name="tests/wrong-sign",
    source=Source("tests"),
    statement=r"\frac{d}{dt} (B^\top B + A A^\top) = 0",
    assumptions=(),
    instances=Instances(draw, ("generic", "zero B0")),
    check=check,
    controls=(Control(None, (START,), why="B'B alone moves", check=only_B),),
)
