"""False reading: an error relative to full fine-tuning need not name its normaliser.

With F = -(w0/n) I and W_FP = W0 + F, ||W0||^2 = ||F||^2 + ||W_FP||^2: three different sizes
in general. For orthonormal rows the error is sqrt(n/r - 1) relative to ||F|| alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_most, equal, squared_norm
from lora_proofs.claims.rushka_klabjan.trace_squared.limit_starts import with_trace
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.trace_squared_error import full_update, update_from_zero_b
from lora_proofs.strategies.draw import Draw, fraction
from lora_proofs.strategies.matrices import matrix, orthonormal_rows

REGIMES = ("generic", "multiple of I", "diagonal", "zero trace", "r = 1", "r = n")


def draw(source: Draw, regime: str) -> Instance:
    """A frozen weight, and A0 with orthonormal rows."""
    n = source.integer(2, 4)
    r = {"r = 1": 1, "r = n": n}.get(regime, source.integer(1, n))
    W0 = matrix(source, n, n)
    if regime == "multiple of I":
        W0 = EXACT.number(fraction(source) or 1) * EXACT.identity(n)
    if regime == "diagonal":
        W0 = W0 * EXACT.identity(n)
    if regime == "zero trace":
        W0 = EXACT.matrix(with_trace(W0, 0))
    return Instance(regimes=(regime,), W0=W0, A0=orthonormal_rows(source, r, n))


INSTANCES = Instances(draw, REGIMES)


def normalisers(instance: Instance, ctx: Arithmetic) -> dict[str, Any]:
    """The squares of ||dW_FP||, ||W0|| and ||W_FP||."""
    W0 = instance.lift(ctx).W0
    full = full_update(W0, ctx)
    sizes = {"||dW_FP||": full, "||W0||": W0, "||W_FP||": W0 + full}
    return {name: squared_norm(X) for name, X in sizes.items()}


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """r ||dW - dW_FP||^2 = (n - r) N^2 for each normaliser N."""
    v, (r, n) = instance.lift(ctx), instance.lift(EXACT).A0.shape
    error = squared_norm(update_from_zero_b(v.W0, v.A0) - full_update(v.W0, ctx))
    for name, square in normalisers(instance, ctx).items():
        yield equal(f"r times the squared error, against (n - r) {name}^2", r * error,
                    (n - r) * square)  # fmt: skip


def smallest_last(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """||W_FP|| claimed to be no larger than ||dW_FP||."""
    squares = normalisers(instance, ctx)
    yield at_most("||W_FP||^2", squares["||W_FP||"], squares["||dW_FP||"])


def a_factor_of_ten(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """||W0|| claimed to be at most 10 ||dW_FP||: the same law but for a constant."""
    squares = normalisers(instance, ctx)
    yield at_most("||W0||^2", squares["||W0||"], 100 * squares["||dW_FP||"])


def sheared(by: int | Fraction) -> tuple[Instance, ...]:
    """n = 2 and r = 1 with one entry off the diagonal."""
    return (Instance(W0=[[1, by], [0, 1]], A0=[[1, 0]]),)


claim = Claim(
    name="rushka-klabjan/naive/normaliser-does-not-matter",
    title="The relative error needs no normaliser (false)",
    source=Source(
        "rushka-klabjan",
        "",
        "our reading",
        "summary",
        corrected_by="rushka-klabjan/trace-squared-normalisers",
    ),
    statement=(
        r"Our reading, not a claim of the authors: the error of the update of $\tfrac12"
        r"(\mathrm{tr} W)^2$ relative to full-parameter training is $\sqrt{n/r - 1}$ for "
        r"orthonormal rows and $B_0 = 0$, whichever of $\|\Delta W_{\mathrm{FP}}\|_F$, $\|W_0\|_F$ "
        r"and $\|W_{\mathrm{FP}}\|_F$ it is relative to. It is false but for the first: for $W_0 = "
        r"\begin{pmatrix}1&2\\0&1\end{pmatrix}$ and $r = 1$ the three are $1$, $1/\sqrt3$ and "
        r"$1/\sqrt2$, and the last does not exist for $W_0 = I$."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    controls=(
        Control(None, sheared(2), "||W_FP|| claimed to be the smaller one", smallest_last),
        Control(None, sheared(100), "the same law but for a factor of 10", a_factor_of_ten),
    ),
)
