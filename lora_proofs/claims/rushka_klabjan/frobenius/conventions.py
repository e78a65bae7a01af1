"""What other conventions of the Frobenius loss change: the clock, or the sign of the residual.

||W - Y||_F^2 without 1/2 has twice the gradient: the same curves, run at double speed.
1/2 ||W0 - BA||_F^2 has the residual E = W0, and 1/2 ||W0 + BA||_F^2 has E = -W0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison, equal
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.flows import lora_vector_field
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.mathematics.notation import HALF, W0, A, B, Y
from lora_proofs.mathematics.words import Gradient, Relation, squared_norm
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.problems import lora_problem
from lora_proofs.symbolic.steps import Step, identity

PLAIN = HALF * squared_norm(W0 + B @ A - Y)
DOUBLE = squared_norm(W0 + B @ A - Y)
MINUS = HALF * squared_norm(W0 - B @ A)
PLUS = HALF * squared_norm(W0 + B @ A)

TWICE_A, TWICE_B = "A' without 1/2", "B' without 1/2"
MINUS_A, MINUS_B = "A' for W0 - BA", "B' for W0 - BA"
PLUS_A, PLUS_B = "A' for W0 + BA and Y = 0", "B' for W0 + BA and Y = 0"
E_PLUS = -W0
CONCLUSION = (
    Relation(-Gradient(DOUBLE, A), "=", -(2 * Gradient(PLAIN, A)), TWICE_A),
    Relation(-Gradient(DOUBLE, B), "=", -(2 * Gradient(PLAIN, B)), TWICE_B),
    Relation(-Gradient(MINUS, A), "=", B.T @ (W0 - B @ A), MINUS_A),
    Relation(-Gradient(MINUS, B), "=", (W0 - B @ A) @ A.T, MINUS_B),
    Relation(-Gradient(PLUS, A), "=", B.T @ (E_PLUS - B @ A), PLUS_A),
    Relation(-Gradient(PLUS, B), "=", (E_PLUS - B @ A) @ A.T, PLUS_B),
)


def derive() -> Iterator[Step]:
    """The gradients in both factors."""
    why = ("twice the gradient",) * 2 + ("the residual is W0",) * 2 + ("the residual is -W0",) * 2
    for r, reason in zip(CONCLUSION, why, strict=True):
        yield identity(r.left, r.right, reason, label=r.label)


REGIMES = ("generic", "zero B0", "zero A0", "zero W0", "rank deficient", "r > min(n, m)")


def draw(source: Draw, regime: str) -> Instance:
    """A start of the factors, W0 and a target."""
    return lora_problem(source, regime, loss="frobenius")


INSTANCES = Instances(draw, REGIMES)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The symbols are fields of the instance."""
    z = instance.lift(ctx)
    return {W0: z.W0, Y: z.Y, A: z.A0, B: z.B0}


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The fields by hand, against the field of the loss with 1/2."""
    z = instance.lift(ctx)
    zero, (n, m) = ctx.zeros(*z.W0.shape), z.W0.shape
    R = z.W0 + z.B0 @ z.A0 - z.Y
    dA, dB = lora_vector_field(frobenius(z.Y), z.W0, z.A0, z.B0, ctx)
    yield equal(TWICE_A, -2 * (z.B0.mT @ R), 2 * dA)
    yield equal(TWICE_B, -2 * (R @ z.A0.mT), 2 * dB)
    dA, dB = lora_vector_field(frobenius(z.W0), zero, z.A0, z.B0, ctx)
    yield equal(MINUS_A, z.B0.mT @ (z.W0 - z.B0 @ z.A0), dA)
    yield equal(MINUS_B, (z.W0 - z.B0 @ z.A0) @ z.A0.mT, dB)
    dA, dB = lora_vector_field(frobenius(ctx.zeros(n, m)), z.W0, z.A0, z.B0, ctx)
    yield equal(PLUS_A, z.B0.mT @ (-z.W0 - z.B0 @ z.A0), dA)
    yield equal(PLUS_B, (-z.W0 - z.B0 @ z.A0) @ z.A0.mT, dB)


def same_clock(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The loss without 1/2 claimed to run at the same speed."""
    z = instance.lift(ctx)
    dA, _ = lora_vector_field(frobenius(z.Y), z.W0, z.A0, z.B0, ctx)
    yield equal(TWICE_A, -2 * (z.B0.mT @ (z.W0 + z.B0 @ z.A0 - z.Y)), dA)


def same_sign(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Both signs of BA claimed to have one flow."""
    z = instance.lift(ctx)
    zero = ctx.zeros(*z.W0.shape)
    plus, _ = lora_vector_field(frobenius(zero), z.W0, z.A0, z.B0, ctx)
    minus, _ = lora_vector_field(frobenius(z.W0), zero, z.A0, z.B0, ctx)
    yield equal("A' of W0 + BA and of W0 - BA", plus, minus)


claim = Claim(
    name="rushka-klabjan/frobenius-conventions",
    title="Other conventions of the Frobenius loss",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"The LoRA gradient flow of $\|W_0 + BA - Y\|_F^2$ is that of $\tfrac12\|W_0 + BA - "
        r"Y\|_F^2$ at double speed. The one of $\tfrac12\|W_0 - BA\|_F^2$ is $\dot A = B^\top(E - "
        r"BA)$, $\dot B = (E - BA)A^\top$ with $E = W_0$, and the one of $\tfrac12\|W_0 + "
        r"BA\|_F^2$ is the same with $E = -W_0$."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(None, INSTANCES, "the same speed without 1/2", same_clock),
        Control(None, INSTANCES, "one flow for both signs of BA", same_sign),
    ),
)
