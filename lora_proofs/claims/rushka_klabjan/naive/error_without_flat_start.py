"""False reading: with the constant sqrt(n) the relative error falls like r^{-1/2} for every A0.

For orthogonal rows of the lengths 2^{-k} the effective rank stays below 5/3, whatever r is: with
n = r = 16 it is R^2 = n/r_eff - 1 > 8, where n/r = 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, at_most
from lora_proofs.claims.rushka_klabjan.naive.error_without_dimension import squared_error, weight
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.trace_squared_error import effective_rank
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.matrices import full_rank_matrix, orthonormal_rows

REGIMES = ("flat rows", "steep rows", "generic", "r = 1")


def draw(source: Draw, regime: str) -> Instance:
    """A0 with rows of one length, of the lengths 2^{-k}, or any."""
    n = source.integer(1, 4)
    r = 1 if regime == "r = 1" else n
    if regime == "steep rows":
        n = source.integer(6, 16)
        return steep(n, source.integer(n - 2, n)).replace(regimes=(regime,))
    rows = orthonormal_rows if regime == "flat rows" else full_rank_matrix
    return Instance(regimes=(regime,), W0=weight(n), A0=rows(source, r, n))


def steep(n: int, r: int) -> Instance:
    """Coordinate rows of the lengths 1, 1/2, 1/4, ..."""
    A0 = [[Fraction(int(i == j), 2**i) for j in range(n)] for i in range(r)]
    return Instance(W0=weight(n), A0=A0)


INSTANCES = Instances(draw, REGIMES)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """R <= sqrt(n) r^{-1/2}, squared."""
    left = len(instance.A0) * squared_error(instance, ctx)
    yield at_most("r R^2 against n", left, ctx.number(len(instance.W0)))


def twice(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The constant 2 sqrt(n)."""
    left = len(instance.A0) * squared_error(instance, ctx)
    yield at_most("r R^2 against 4 n", left, ctx.number(4 * len(instance.W0)))


def falls(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A tenth less of R^2 for twice the rank."""
    half = instance.replace(A0=instance.A0[: len(instance.A0) // 2])
    bound = ctx.number("9/10") * squared_error(half, ctx)
    yield at_most("R^2 against 9/10 of R^2 at half the rank", squared_error(instance, ctx), bound)


def full_rank(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """An effective rank of at least half the rank."""
    least = ctx.number(Fraction(len(instance.A0), 2))
    yield at_least("r_eff against r/2", effective_rank(EXACT.matrix(instance.A0)), least)


claim = Claim(
    name="rushka-klabjan/naive/error-without-flat-start",
    title="The relative error falls like r^(-1/2) for every A0 (false)",
    source=Source(
        "rushka-klabjan",
        "",
        "our reading",
        "summary",
        corrected_by="rushka-klabjan/trace-squared-relative-error",
    ),
    statement=(
        r"Our reading, not a claim of the authors: from $B_0 = 0$ the error of the update of "
        r"$\tfrac12(\mathrm{tr} W)^2$ relative to full fine-tuning is $R \le \sqrt n\,r^{-1/2}$ "
        r"for every $A_0$ of rank $r$. It is false: $R^2 = n/r_{\mathrm{eff}} - 1$, and for rows "
        r"of the lengths $2^{-k}$ the effective rank stays below $5/3$, so $R^2 > 3n/5 - 1$ for "
        r"every $r$: it does not fall like $r^{-1/2}$."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    controls=(
        Control(None, (steep(16, 16),), "twice the constant", twice),
        Control(None, (steep(16, 16),), "an error that falls by a tenth from r = 8 to 16", falls),
        Control(None, (steep(16, 16),), "an effective rank of at least r/2", full_rank),
    ),
)
