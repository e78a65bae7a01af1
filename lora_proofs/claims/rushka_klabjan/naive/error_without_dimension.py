"""False reading: the relative error of the trace-squared update is at most r^{-1/2}.

For orthonormal rows R^2 = n/r - 1, so r R^2 = n - r: with n = 16 and r = 1 it is 15.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison, at_most
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.trace_squared_error import relative_error_squared, update_from_zero_b
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.matrices import orthonormal_rows

REGIMES = ("generic", "r = 1", "r = n", "wide")


def draw(source: Draw, regime: str) -> Instance:
    """A0 with orthonormal rows, and W0 with trace 1 on its diagonal."""
    n = source.integer(8, 16) if regime == "wide" else source.integer(1, 4)
    r = {"r = 1": 1, "r = n": n}.get(regime, source.integer(1, n))
    A0 = orthonormal_rows(source, r, n, dyadic=regime == "wide")
    return Instance(regimes=(regime,), W0=weight(n), A0=A0)


def weight(n: int) -> list[list[Fraction]]:
    """The identity over n, whose trace is 1."""
    one, zero = Fraction(1, n), Fraction(0)
    return [[one if i == j else zero for j in range(n)] for i in range(n)]


INSTANCES = Instances(draw, REGIMES)


def squared_error(instance: Instance, ctx: Arithmetic) -> Any:
    """R^2 of the update from B0 = 0."""
    v = instance.lift(ctx)
    return relative_error_squared(v.W0, update_from_zero_b(v.W0, v.A0), ctx)


def bounded_by(constant: int, instance: Instance, ctx: Arithmetic) -> Comparison:
    """R <= c r^{-1/2}, squared."""
    label = f"r R^2 against {constant}"
    return at_most(label, len(instance.A0) * squared_error(instance, ctx), ctx.number(constant))


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """R <= r^{-1/2}."""
    yield bounded_by(1, instance, ctx)


def constant_three(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """R <= 3 r^{-1/2}."""
    yield bounded_by(9, instance, ctx)


def constant_ten(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """R <= 10 r^{-1/2}."""
    yield bounded_by(100, instance, ctx)


def one_row(n: int) -> tuple[Instance, ...]:
    """r = 1 in the dimension n."""
    return (Instance(W0=weight(n), A0=[[int(j == 0) for j in range(n)]]),)


claim = Claim(
    name="rushka-klabjan/naive/error-without-dimension",
    title="The relative error is at most r^(-1/2) (false)",
    source=Source(
        "rushka-klabjan",
        "",
        "our reading",
        "summary",
        corrected_by="rushka-klabjan/trace-squared-error-orthogonal-rows",
    ),
    statement=(
        r"Our reading, not a claim of the authors: the error $O(r^{-1/2})$ of the update of "
        r"$\tfrac12(\mathrm{tr} W)^2$ relative to full fine-tuning has a constant without the "
        r"dimension, here $R \le r^{-1/2}$ for orthonormal rows. It is false: $R = \sqrt{n/r - "
        r"1}$, so $r R^2 = n - r$, and no constant serves all $n$."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    controls=(
        Control(None, one_row(16), "the constant 3: n = 16, r = 1 has r R^2 = 15", constant_three),
        Control(None, one_row(102), "the constant 10: n = 102, r = 1 has 101", constant_ten),
    ),
)
