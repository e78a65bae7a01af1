"""Right to first order only: BA moves by -h(GA'A + BB'G) up to h^2, and exactly from B0 = 0."""

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
    h = strategies.fraction(source, size=1) / 1024
    return strategies.lora_problem(source, regime, loss="frobenius", largest=2, h=h)


def moved(sign):
    def check(instance, ctx):
        x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
        A, B = flows.simultaneous_step(loss, x.W0, x.A0, x.B0, x.h, ctx)
        G = loss.gradient(x.W0 + x.B0 @ x.A0, ctx)
        linear = -x.h * (G @ x.A0.mT @ x.A0 + sign * x.B0 @ x.B0.mT @ G)
        yield equal("change of BA", B @ A - x.B0 @ x.A0, linear)

    return check


START = Instance(loss="frobenius", h="1/8", W0=[[0]], Y=[[1]], A0=[[1]], B0=[[2]])
claim = Claim(
    name="tests/first-order-only",
    source=Source("tests"),
    statement=r"B_+ A_+ = BA - h (G A^\top A + B B^\top G)",
    assumptions=(),
    instances=Instances(draw, ("zero B0", "generic")),
    check=moved(1),
    controls=(Control(None, (START,), why="with the other sign of BB'G", check=moved(-1)),),
)
