"""LoRA problems for statements about every loss: three losses, one without any symmetry."""

from __future__ import annotations

from typing import Any

from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.matrices import matrix
from lora_proofs.strategies.problems import lora_problem

REGIMES = ("generic", "zero B0", "rank deficient", "r = 1", "r > min(n, m)", "zero W0")


def any_loss_problem(draw: Draw, regime: str, **extra: Any) -> Instance:
    """A LoRA problem of a regime whose loss is cubic, Frobenius or trace-squared.

    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> problem = any_loss_problem(SeededDraw.keyed(3), "generic")
    >>> problem.loss in ("cubic", "frobenius", "trace-squared")
    True
    """
    loss = draw.choice(("frobenius", "cubic", "trace-squared"))
    if loss != "cubic":
        return lora_problem(draw, regime, loss=loss, **extra)
    problem = lora_problem(draw, regime, loss="frobenius", **extra)
    n, m = len(problem.W0), len(problem.W0[0])
    shapes = {"C": (n, m), "P": (n, n), "Q": (m, m), "R": (n, m)}
    drawn = {name: matrix(draw, *shape) for name, shape in shapes.items()}
    return problem.replace(loss="cubic", **drawn)
