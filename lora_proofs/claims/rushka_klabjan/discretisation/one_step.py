"""Problems that statements about one step are judged on: any loss, any start, a rational step."""

from __future__ import annotations

from typing import Any

from lora_proofs.arithmetic import Arithmetic
from lora_proofs.language.claim import Instances
from lora_proofs.mathematics.flows import METHODS
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import loss_from_instance
from lora_proofs.strategies.any_loss import any_loss_problem
from lora_proofs.strategies.draw import Draw

STEP_SIZES = ("1/10", "1/2", "1", "3/7")
REGIMES = (
    "generic",
    "zero B0",
    "zero A0",
    "zero W0",
    "rank deficient",
    "r = 1",
    "r = min(n, m)",
    "r > min(n, m)",
    "tiny scale",
    "huge scale",
)


def draw(source: Draw, regime: str) -> Instance:
    """A problem of any loss with a rational step size."""
    step = source.choice(STEP_SIZES)
    return any_loss_problem(source, regime, h=step)


INSTANCES = Instances(draw, REGIMES)
SCALAR = Instance(loss="frobenius", W0=[[0]], Y=[[2]], A0=[[1]], B0=[["1/4"]], h="1/10")
"""The smallest problem in which nothing is 0: f = 1/2 (ab - 2)^2."""


def stepped(instance: Instance, ctx: Arithmetic, mode: str, *, h: Any = None) -> tuple[Any, Any]:
    """(A+, B+) after one step of a mode, of size ``h`` or of the instance's own."""
    x, loss = instance.lift(ctx), loss_from_instance(instance)
    size = x.h if h is None else h
    return METHODS[mode](loss, x.W0, x.A0, x.B0, size, ctx)


def gradient(instance: Instance, ctx: Arithmetic) -> Any:
    """G at W0 + B0 A0."""
    x = instance.lift(ctx)
    return loss_from_instance(instance).gradient(x.W0 + x.B0 @ x.A0, ctx)
