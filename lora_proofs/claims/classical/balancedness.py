"""Balancedness: B'B - A A' is conserved along the LoRA gradient flow of any loss."""

from __future__ import annotations

from collections.abc import Iterator

from lora_proofs.arithmetic import Arithmetic, Comparison, equal
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.flows import lora_vector_field
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import loss_from_instance
from lora_proofs.mathematics.notation import A, B, G, problem_values
from lora_proofs.mathematics.words import Relation, Zero, along
from lora_proofs.strategies.any_loss import REGIMES, any_loss_problem
from lora_proofs.symbolic.steps import Step, identity

INSTANCES = Instances(any_loss_problem, REGIMES)
LABEL = "rate of B'B - AA'"
RATE = along(B.T @ B - A @ A.T, {A: -(B.T @ G), B: -(G @ A.T)})


def derive() -> Iterator[Step]:
    """Both products have the same rate."""
    field = {A: -(B.T @ G), B: -(G @ A.T)}
    both = -(A @ G.T @ B) - B.T @ G @ A.T
    yield identity(along(B.T @ B, field), both, "product rule with B' = -G A'")
    yield identity(along(A @ A.T, field), both, "product rule with A' = -B'G")
    yield identity(RATE, Zero("r", "r"), "the two rates cancel", label=LABEL)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The rate along the hand-written vector field."""
    x = instance.lift(ctx)
    dA, dB = lora_vector_field(loss_from_instance(instance), x.W0, x.A0, x.B0, ctx)
    rate = dB.mT @ x.B0 + x.B0.mT @ dB - dA @ x.A0.mT - x.A0 @ dA.mT
    yield equal(LABEL, rate, ctx.zeros(*rate.shape))


def sum_instead(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """B'B + AA' in place of the difference."""
    x = instance.lift(ctx)
    dA, dB = lora_vector_field(loss_from_instance(instance), x.W0, x.A0, x.B0, ctx)
    rate = dB.mT @ x.B0 + x.B0.mT @ dB + dA @ x.A0.mT + x.A0 @ dA.mT
    yield equal("rate of B'B + AA'", rate, ctx.zeros(*rate.shape))


def unequal_rates(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Unequal learning rates: the unweighted difference moves."""
    x, loss = instance.lift(ctx), loss_from_instance(instance)
    dA, dB = lora_vector_field(loss, x.W0, x.A0, x.B0, ctx, eta_A=1, eta_B=16)
    rate = dB.mT @ x.B0 + x.B0.mT @ dB - dA @ x.A0.mT - x.A0 @ dA.mT
    yield equal("rate of B'B - AA' with eta_B = 16 eta_A", rate, ctx.zeros(*rate.shape))


claim = Claim(
    name="classical/balancedness",
    title="B'B - AA' is conserved",
    source=Source("classical", "", "stated", "recalled"),
    statement=(
        r"Along the gradient flow $\dot A = -B^\top G$, $\dot B = -G A^\top$ of any differentiable "
        r"loss, $B^\top B - A A^\top$ is constant."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    conclusion=(Relation(RATE, "=", Zero("r", "r"), LABEL),),
    derive=derive,
    interpret=problem_values,
    controls=(
        Control(None, INSTANCES, "the sum in place of the difference", sum_instead),
        Control(None, INSTANCES, "unequal learning rates", unequal_rates),
    ),
)
