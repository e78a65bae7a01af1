"""An assumption that some starts satisfy and no draw does: B0 = 0, where B0 has full rank."""

from lora_proofs import (
    Assumption,
    Claim,
    Control,
    Instances,
    Source,
    equal,
    flows,
    losses,
    strategies,
)
from lora_proofs.arithmetic import squared_norm

EXPECTED_VERDICT = "INCONCLUSIVE"
EXPECTED_REASON = "vacuous: the assumptions held on none of"


def draw(source, regime):
    return strategies.lora_problem(source, regime, loss="frobenius", largest=2)


def starts_at_zero(instance, ctx):
    yield equal("||B0||_F^2", squared_norm(instance.lift(ctx).B0), ctx.number(0))


def check(instance, ctx):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    dA, _ = flows.lora_vector_field(loss, x.W0, x.A0, x.B0, ctx)
    yield equal("rate of A", dA, 0 * x.A0)


INSTANCES = Instances(draw, ("generic",))
zero_B = Assumption("zero_B", "B_0 = 0", starts_at_zero)
claim = Claim(
    name="tests/assumption-never-drawn",
    source=Source("tests"),
    statement=r"\dot A(0) = 0",
    assumptions=(zero_B,),
    instances=INSTANCES,
    check=check,
    controls=(Control(zero_B, INSTANCES, why="from B0 of full rank A moves at once"),),
)
