"""The gradient flow of LoRA.

For a differentiable loss f and g(A, B) = f(W0 + B A) with G the gradient of f at W0 + B A, the
gradients are B'G in A and G A' in B; the gradient flow is A' = -B'G, B' = -G A'.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison, equal
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.evaluate import evaluate
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import loss_from_instance
from lora_proofs.mathematics.notation import A, B, G, W, f, problem_values
from lora_proofs.mathematics.words import Gradient, Relation
from lora_proofs.strategies.any_loss import REGIMES, any_loss_problem
from lora_proofs.symbolic.steps import Step, identity

INSTANCES = Instances(any_loss_problem, REGIMES)
IN_A, IN_B = "gradient in A", "gradient in B"


def derive() -> Iterator[Step]:
    """Chain rule: dg = <G, dB A + B dA>."""
    yield identity(Gradient(f(W), A), B.T @ G, "dg = tr(G' B dA) when only A moves", label=IN_A)
    yield identity(Gradient(f(W), B), G @ A.T, "dg = tr(G' dB A) when only B moves", label=IN_B)


def _sides(instance: Instance, ctx: Arithmetic) -> Any:
    """Both gradients from partial derivatives of the loss, and the pieces of the formulas."""
    values = problem_values(instance, ctx)
    gradients = [evaluate(Gradient(f(W), symbol), values, ctx) for symbol in (A, B)]
    x = instance.lift(ctx)
    return *gradients, x.A0, x.B0, loss_from_instance(instance).gradient(x.W0 + x.B0 @ x.A0, ctx)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Entry by entry derivatives of the loss against the formulas."""
    in_A, in_B, A0, B0, G0 = _sides(instance, ctx)
    yield equal(IN_A, in_A, B0.mT @ G0)
    yield equal(IN_B, in_B, G0 @ A0.mT)


def wrong_sign(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The flow direction taken for the gradient."""
    in_A, _, _, B0, G0 = _sides(instance, ctx)
    yield equal(IN_A, in_A, -(B0.mT @ G0))


def factors_swapped(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A' where B' belongs; shapes agree when n = m."""
    _, in_B, _, B0, G0 = _sides(instance, ctx)
    if G0.shape[0] == G0.shape[1]:
        yield equal(IN_B, in_B, G0 @ B0)


def transpose_lost(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """G' where G belongs; shapes agree when n = m."""
    in_A, _, _, B0, G0 = _sides(instance, ctx)
    if G0.shape[0] == G0.shape[1]:
        yield equal(IN_A, in_A, B0.mT @ G0.mT)


claim = Claim(
    name="rushka-klabjan/lora-flow-equations",
    title="The gradient flow of LoRA",
    source=Source("rushka-klabjan", "", "reconstructed", "summary"),
    statement=(
        r"For a differentiable loss $f$ and $g(A, B) = f(W_0 + BA)$ with $G = \nabla f(W_0 + BA)$: "
        r"$\nabla_A g = B^\top G$ and $\nabla_B g = G A^\top$, so the gradient flow is "
        r"$\dot A = -B^\top G$, $\dot B = -G A^\top$."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    conclusion=(
        Relation(Gradient(f(W), A), "=", B.T @ G, IN_A),
        Relation(Gradient(f(W), B), "=", G @ A.T, IN_B),
    ),
    derive=derive,
    interpret=problem_values,
    controls=(
        Control(None, INSTANCES, "the sign of the gradient is flipped", wrong_sign),
        Control(None, INSTANCES, "A and B are swapped in the gradient", factors_swapped),
        Control(None, INSTANCES, "the gradient of the loss is transposed", transpose_lost),
    ),
)
