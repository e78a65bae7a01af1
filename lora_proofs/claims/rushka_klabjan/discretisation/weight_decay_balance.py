"""With weight decay the imbalance B'B - AA' decays at twice the decay rate, whatever the loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison, equal
from lora_proofs.claims.rushka_klabjan.discretisation.one_step import REGIMES
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.flows import lora_vector_field
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import loss_from_instance
from lora_proofs.mathematics.notation import A, B, G, problem_values
from lora_proofs.mathematics.words import Relation, Scalar, along
from lora_proofs.strategies.any_loss import any_loss_problem
from lora_proofs.strategies.draw import Draw
from lora_proofs.symbolic.steps import Step, identity

decay = Scalar("lambda", latex=r"\lambda")
FIELD = {A: -(B.T @ G) - decay * A, B: -(G @ A.T) - decay * B}
D = B.T @ B - A @ A.T
LABEL = "rate of B'B - AA' with weight decay"


def draw(source: Draw, regime: str) -> Instance:
    """A problem of any loss with a rate of weight decay."""
    rate = source.choice(("1/10", "1/2", "1", "7/3"))
    return any_loss_problem(source, regime, decay=rate)


INSTANCES = Instances(draw, REGIMES)
UNBALANCED = Instance(
    loss="frobenius", W0=[[0]], Y=[[2]], A0=[[1]], B0=[["1/4"]], decay="1/2"
)  # fmt: skip


def derive() -> Iterator[Step]:
    """The loss contributes the same to both products, the decay -2 lambda of each."""
    both = -(A @ G.T @ B) - B.T @ G @ A.T
    yield identity(along(B.T @ B, FIELD), both - 2 * decay * (B.T @ B), "product rule")
    yield identity(along(A @ A.T, FIELD), both - 2 * decay * (A @ A.T), "product rule")
    yield identity(along(D, FIELD), -2 * decay * D, "the loss cancels", label=LABEL)


def rate(instance: Instance, ctx: Arithmetic) -> Any:
    """The rate of D along the hand-written field with weight decay."""
    x = instance.lift(ctx)
    dA, dB = lora_vector_field(loss_from_instance(instance), x.W0, x.A0, x.B0, ctx)
    dA, dB = dA - x.decay * x.A0, dB - x.decay * x.B0
    return dB.mT @ x.B0 + x.B0.mT @ dB - dA @ x.A0.mT - x.A0 @ dA.mT


def imbalance(instance: Instance, ctx: Arithmetic) -> Any:
    """D."""
    x = instance.lift(ctx)
    return x.B0.mT @ x.B0 - x.A0 @ x.A0.mT


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The rate against -2 lambda D."""
    factor = -2 * instance.lift(ctx).decay
    yield equal(LABEL, rate(instance, ctx), factor * imbalance(instance, ctx))


def conserved(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """D claimed constant, as without decay."""
    found = rate(instance, ctx)
    yield equal("D conserved under weight decay", found, ctx.zeros(*found.shape))


def once(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """D claimed to decay at lambda, as the factors do."""
    factor = -instance.lift(ctx).decay
    label = "rate of D claimed -lambda D"
    yield equal(label, rate(instance, ctx), factor * imbalance(instance, ctx))


claim = Claim(
    name="rushka-klabjan/balancedness-under-weight-decay",
    title="Weight decay balances the factors",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Along $\dot A = -B^\top G - \lambda A$, $\dot B = -GA^\top - \lambda B$, for any "
        r"differentiable loss, $D = B^\top B - AA^\top$ satisfies $\dot D = -2\lambda D$."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    conclusion=(Relation(along(D, FIELD), "=", -2 * decay * D, LABEL),),
    derive=derive,
    interpret=lambda x, ctx: {**problem_values(x, ctx), decay: ctx.number(x.decay)},
    controls=(
        Control(None, (UNBALANCED,), "D claimed constant, as without decay", conserved),
        Control(None, (UNBALANCED,), "D claimed to decay at lambda, not at twice that", once),
    ),
    note="So D(t) = e^{-2 lambda t} D(0) while the flow exists, by the linear equation.",
)
