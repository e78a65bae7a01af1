"""A transpose is lost: B'B - AA' is conserved, B'B - A'A is not, which no 1 x 1 problem shows."""

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
    n = source.integer(1, 2)
    fields = {name: strategies.full_rank_matrix(source, n, n) for name in ("W0", "Y", "A0", "B0")}
    return Instance(regimes=(regime,), loss="frobenius", **fields)


def rates(instance, ctx):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    dA, dB = flows.lora_vector_field(loss, x.W0, x.A0, x.B0, ctx)
    return dB.mT @ x.B0 + x.B0.mT @ dB, dA.mT @ x.A0 + x.A0.mT @ dA


def check(instance, ctx):
    of_BtB, of_AtA = rates(instance, ctx)
    yield equal("rate of B'B - A'A", of_BtB, of_AtA)


def opposite(instance, ctx):
    of_BtB, of_AtA = rates(instance, ctx)
    yield equal("rate of B'B + A'A", of_BtB, -of_AtA)


START = Instance(loss="frobenius", W0=[[0]], Y=[[1]], A0=[[1]], B0=[[2]])
claim = Claim(
    name="tests/transpose-lost",
    source=Source("tests"),
    statement=r"\frac{d}{dt} (B^\top B - A^\top A) = 0 \quad (n = m = r)",
    assumptions=(),
    instances=Instances(draw, ("square",)),
    check=check,
    controls=(Control(None, (START,), why="the sum moves", check=opposite),),
)
