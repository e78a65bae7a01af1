"""Energy identity: along the LoRA flow the loss falls at the squared norm of its gradient."""

from __future__ import annotations

from collections.abc import Iterator

from lora_proofs.arithmetic import Arithmetic, Comparison, equal, inner, squared_norm
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics import words
from lora_proofs.mathematics.flows import lora_vector_field
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import loss_from_instance
from lora_proofs.mathematics.notation import A, B, G, W, f, problem_values
from lora_proofs.mathematics.words import Relation, along
from lora_proofs.strategies.any_loss import REGIMES, any_loss_problem
from lora_proofs.symbolic.steps import Step, identity

INSTANCES = Instances(any_loss_problem, REGIMES)
LABEL = "rate of the loss"
FIELD = {A: -(B.T @ G), B: -(G @ A.T)}
FALL = -words.squared_norm(B.T @ G) - words.squared_norm(G @ A.T)


def derive() -> Iterator[Step]:
    """Chain rule along the flow."""
    moved = -(G @ A.T @ A) - B @ B.T @ G
    yield identity(along(W, FIELD), moved, "product rule for W0 + BA")
    yield identity(along(f(W), FIELD), words.inner(G, moved), "chain rule: the rate is <G, W'>")
    yield identity(along(f(W), FIELD), FALL, "cyclic trace", label=LABEL)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """<G, W'> along the hand-written field against the sum of squares."""
    x, loss = instance.lift(ctx), loss_from_instance(instance)
    dA, dB = lora_vector_field(loss, x.W0, x.A0, x.B0, ctx)
    G0 = loss.gradient(x.W0 + x.B0 @ x.A0, ctx)
    rate = inner(G0, dB @ x.A0 + x.B0 @ dA)
    yield equal(LABEL, rate, -squared_norm(x.B0.mT @ G0) - squared_norm(G0 @ x.A0.mT))


def one_square_lost(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Only the A part of the gradient."""
    x, loss = instance.lift(ctx), loss_from_instance(instance)
    dA, dB = lora_vector_field(loss, x.W0, x.A0, x.B0, ctx)
    G0 = loss.gradient(x.W0 + x.B0 @ x.A0, ctx)
    rate = inner(G0, dB @ x.A0 + x.B0 @ dA)
    yield equal("rate without the B part", rate, -squared_norm(x.B0.mT @ G0))


def full_parameter_rate(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The rate of full fine-tuning in place of LoRA's."""
    x, loss = instance.lift(ctx), loss_from_instance(instance)
    dA, dB = lora_vector_field(loss, x.W0, x.A0, x.B0, ctx)
    G0 = loss.gradient(x.W0 + x.B0 @ x.A0, ctx)
    yield equal("rate of full fine-tuning", inner(G0, dB @ x.A0 + x.B0 @ dA), -squared_norm(G0))


claim = Claim(
    name="classical/energy-identity",
    title="The loss falls at the squared gradient norm",
    source=Source("classical", "", "stated", "recalled"),
    statement=(
        r"Along the LoRA gradient flow of any differentiable loss, "
        r"$\frac{d}{dt} f(W_0 + BA) = -\|B^\top G\|_F^2 - \|G A^\top\|_F^2$."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    conclusion=(Relation(along(f(W), FIELD), "=", FALL, LABEL),),
    derive=derive,
    interpret=problem_values,
    controls=(
        Control(None, INSTANCES, "the B part of the gradient is left out", one_square_lost),
        Control(None, INSTANCES, "the rate of full fine-tuning", full_parameter_rate),
    ),
)
