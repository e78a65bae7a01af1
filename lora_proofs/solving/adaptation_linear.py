"""Linear models: the adapters that are printed, what they reach, and what none can beat.

For every choice of adapters rank(prod What - P_0) <= S, so the error is at least that of the best
rank-S approximation of E = Wbar - P_0, in the spectral and in the Frobenius norm; and the rank of
prod What is at most min_l(rank W_l + R_l), and no layer's width is exceeded. The second bound
counts where a weight is singular or narrow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from math import prod
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic import EXACT, ArrayArithmetic, BallArithmetic, MultiprecisionArithmetic
from lora_proofs.arithmetic.comparison import size
from lora_proofs.arithmetic.context import Arithmetic, Matrix, squared_norm
from lora_proofs.arithmetic.exact import fmpq
from lora_proofs.constructions.adapters import Adapter, Broken, adapted, zero_adapter
from lora_proofs.constructions.linear import LinearAdaptation, linear_adapters
from lora_proofs.errors import BadInput, Unavailable
from lora_proofs.mathematics.literature import ECKART_YOUNG_MIRSKY, lean_on
from lora_proofs.solving.adaptation_numbers import (
    Entries,
    PrintedAdapter,
    lower,
    print_adapter,
    upper,
)
from lora_proofs.solving.adaptation_problem import LinearProblem

Say = Callable[[str], None]
EXPLODED = 10**6
GOAL = 10
MOST_DIGITS = 320
NEARLY = 1 - Fraction(1, 10**GOAL)
NORMS = ("spectral", "frobenius")


@dataclass(frozen=True, eq=False)
class Bounds:
    """What no adapters can beat, as enclosures; ``gap`` is rank E and ``size`` is ||E||_2.

    ``fits`` says that the theorem applies: all frozen weights are square and nonsingular, or there
    is one layer. ``scale`` is how large updates may well be, about.
    """

    least: dict[str, Any]
    gap: int
    size: Any
    fits: bool
    scale: float


@dataclass(frozen=True, eq=False)
class Reached:
    """Adapters as they are printed, and enclosures of what they reach; rationals where exact."""

    adapters: tuple[PrintedAdapter, ...]
    entries: Entries
    product: Matrix
    error: dict[str, Any]
    adapter_norm: Any
    broken: tuple[Broken, ...]
    method: str


def gap_of(problem: LinearProblem) -> Matrix:
    """E = Wbar - W_L ... W_1."""
    return problem.target - product_of(problem.frozen)


def product_of(weights: Sequence[Matrix]) -> Matrix:
    """W_L ... W_1 of exact weights.

    >>> product_of([EXACT.matrix([[1, 2]]), EXACT.matrix([[3], [4]])])
    array([[3, 6],
           [4, 8]], dtype=object)
    """
    whole = [flint.fmpq_mat(W.tolist()) for W in weights]
    return EXACT.matrix(reduce(lambda P, W: W * P, whole).tolist())


def bounds(problem: LinearProblem, ctx: BallArithmetic) -> Bounds:
    """Lower bounds of the error, in both norms, for every choice of adapters.

    Zeros are decided over the rationals, the rest is enclosed.
    """
    lean_on(ECKART_YOUNG_MIRSKY)
    E, total = gap_of(problem), sum(problem.ranks)
    gap = EXACT.rank(E)
    each = zip(problem.frozen, problem.ranks, strict=True)
    through = min(min(EXACT.rank(W) + r, *W.shape) for W, r in each)
    with ctx.working():
        values = ctx.singular_values(ctx.matrix(E))
        least = tail_norms(values, total, gap, ctx)
        rest = EXACT.rank(problem.target)
        if through < rest:
            other = ctx.singular_values(ctx.matrix(problem.target))
            least = _larger(least, tail_norms(other, through, rest, ctx))
    size = values[0] if gap else flint.fmpq(0)
    return Bounds(least, gap, size, fits(problem), natural_size(problem, E))


def fits(problem: LinearProblem) -> bool:
    """Whether all frozen weights are square and nonsingular, or there is one layer."""
    weights = problem.frozen
    return len(weights) == 1 or all(W.shape == (EXACT.rank(W),) * 2 for W in weights)


def threshold(problem: LinearProblem, least: Bounds) -> int | None:
    """The least uniform rank that is exact, ceil(rank E / L), where it is one; else ``None``.

    No smaller rank is exact, whatever the weights are. With ``fits`` this one is; elsewhere it is
    tried over the rationals.
    """
    rank = -(-least.gap // len(problem.frozen))
    if least.fits or rank == 0:
        return rank
    ranks = tuple(min(rank, *W.shape) for W in problem.frozen)
    tried = exactly(replace(problem, ranks=ranks), BallArithmetic(20))
    return rank if isinstance(tried, Reached) and tried.error["spectral"] == 0 else None


def natural_size(problem: LinearProblem, E: Matrix) -> float:
    """The size of the weights, or of P_l^-1 E (W_{l-1} ... W_1)^-1 where that is larger; in floats.

    An update of this size may be needed: it has to reach the output through the other layers.
    """
    sizes = [float(np.linalg.norm(floats(X), 2)) for X in (*problem.frozen, problem.target)]
    if not fits(problem):
        return max(sizes)
    gap, deep = float(np.linalg.norm(floats(E), 2)), len(problem.frozen)
    for layer in range(deep):
        parts = [problem.frozen[:layer], problem.frozen[layer + 1 :]]
        sizes.append(gap / prod(_smallest(product_of(part)) for part in parts if part))
    return max(sizes)


def _smallest(X: Matrix) -> float:
    """The smallest singular value that floats can tell from 0."""
    values = np.linalg.svd(floats(X), compute_uv=False)
    return float(max(values[-1], values[0] * 1e-16)) or 1.0


def floats(X: Matrix) -> Any:
    """A matrix in float64."""
    return np.array([[size(fmpq(x)) for x in row] for row in X])


def tail_norms(values: Sequence[Any], kept: int, rank: int, ctx: BallArithmetic) -> dict[str, Any]:
    """The norms of what a truncation to rank ``kept`` leaves of singular values, so many not 0."""
    rest = values[kept:rank]
    if not rest:
        return dict.fromkeys(NORMS, flint.fmpq(0))
    total = sum((x * x for x in rest), flint.arb(0))
    return {"spectral": rest[0], "frobenius": ctx.sqrt(total)}


def _larger(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """In each norm the bound whose lower end is larger."""
    return {k: max(one[k], other[k], key=lower) for k in NORMS}


def reached(
    problem: LinearProblem, built: LinearAdaptation, entries: Entries, balls: BallArithmetic
) -> Reached:
    """What was built, as it is printed, and what the printed adapters reach."""
    pairs = zip(built.adapters, problem.ranks, strict=True)
    told = tuple(print_adapter(adapter, r, entries) for adapter, r in pairs)
    both = zip(problem.frozen, told, strict=True)
    product = product_of([adapted(W, one.exact, EXACT) for W, one in both])
    return Reached(
        adapters=told,
        entries=entries,
        product=product,
        error=norms(product - problem.target, balls),
        adapter_norm=largest_norm([one.exact for one in told], balls),
        broken=built.broken,
        method=built.method,
    )


def largest_norm(adapters: Sequence[Adapter], ctx: BallArithmetic) -> Any:
    """An enclosure of the largest spectral norm of an exact update; 0 where all are 0.

    Frobenius norms, which are larger and cheap, tell which updates need not be looked at.
    """
    updates = [one.update_in(EXACT) for one in adapters if one.rank]
    largest: Any = flint.fmpq(0)
    with ctx.working():
        bounds = [upper(ctx.sqrt(ctx.number(squared_norm(X)))) for X in updates]
    order = sorted(range(len(updates)), key=bounds.__getitem__, reverse=True)
    for k in order:
        if bounds[k] > lower(largest):
            largest = max(largest, norms(updates[k], ctx)["spectral"], key=upper)
    return largest


def norms(X: Matrix, ctx: BallArithmetic) -> dict[str, Any]:
    """The spectral and the Frobenius norm of an exact matrix, exactly 0 of zero.

    >>> norms(EXACT.matrix([[0]]), BallArithmetic(20))
    {'spectral': 0, 'frobenius': 0}
    """
    square = squared_norm(X)
    if square == 0:
        return dict.fromkeys(NORMS, flint.fmpq(0))
    with ctx.working():
        found = ctx.matrix(X)
        return {
            "spectral": ctx.singular_values(found)[0],
            "frobenius": ctx.sqrt(ctx.number(square)),
        }


def excess(found: Reached, least: Bounds) -> Fraction:
    """By how much the printed adapters miss the lower bound, over the bound or else over ||E||.

    The larger one of both norms; 0 exactly where the bound is met in rational numbers.
    """
    if least.gap == 0:
        return max(upper(x) for x in found.error.values())
    missed = {k: upper(found.error[k]) - lower(least.least[k]) for k in NORMS}
    return max(missed[k] / (lower(least.least[k]) or lower(least.size)) for k in NORMS)


def exploded(norm: Any, scale: float) -> bool:
    """Whether an adapter is more than ``EXPLODED`` times as large as the problem.

    >>> exploded(flint.fmpq(10**7), 1.0), exploded(flint.fmpq(3), 1.0)
    (True, False)
    """
    return upper(norm) > EXPLODED * Fraction(scale)


def search(
    problem: LinearProblem, least: Bounds, digits: int | None, balls: BallArithmetic, say: Say
) -> Reached:
    """Adapters that reach the bound to the digits that are asked for, or the best that were found.

    Floats are tried first where no digits are asked for; then the precision is raised. Where an
    assumption is broken the bound may be out of reach, and more digits are tried only once.
    """
    goal, found = digits or GOAL, list[Reached]()
    for ctx, kinds in attempts(digits, goal):
        built = _built(problem, ctx)
        for entries in kinds if built is not None else ():
            one = _printed(problem, built, entries, balls)
            if one is None:
                continue
            found.append(one)
            missed, large = excess(one, least), exploded(one.adapter_norm, least.scale)
            if missed * 10**goal <= 1 and (not large or ctx.name != "array"):
                return one if not large else reduce(_better, found)
            say(f"{ctx.name}, {entries.told()}: {float(missed):.1e} above the lower bound")
        if ctx.name != "array" and not least.fits:
            break
    return reduce(_better, found) if found else nothing(problem, balls)


def nothing(problem: LinearProblem, balls: BallArithmetic) -> Reached:
    """No update: what is left where no construction is known."""
    adapters = tuple(zero_adapter(len(W), W.shape[1], EXACT) for W in problem.frozen)
    product = product_of(problem.frozen)
    built = LinearAdaptation(adapters, problem.frozen, product, "none is known: no update")
    return reached(problem, built, Entries(None), balls)


def _built(problem: LinearProblem, ctx: Arithmetic) -> LinearAdaptation | None:
    """The construction; ``None`` where the arithmetic takes a weight for singular."""
    try:
        return linear_adapters(problem.frozen, problem.target, problem.ranks, ctx)
    except (BadInput, OverflowError):
        return None


def _printed(
    problem: LinearProblem, built: Any, entries: Entries, balls: BallArithmetic
) -> Reached | None:
    """What was built, printed; ``None`` where entries are not finite or beyond floats."""
    try:
        return reached(problem, built, entries, balls)
    except (BadInput, OverflowError):
        return None


def _better(one: Reached, other: Reached) -> Reached:
    """The smaller error; of nearly equal ones the first, which is of the simpler numbers."""
    sizes = [upper(x.error["spectral"]) for x in (one, other)]
    return other if sizes[1] < sizes[0] * NEARLY else one


def attempts(digits: int | None, goal: int) -> Iterator[tuple[Arithmetic, tuple[Entries, ...]]]:
    """Arithmetics and entries to try, cheapest first; floats where no digits are asked for."""
    plain = (Entries(0),) if digits is None else ()
    if digits is None:
        yield ArrayArithmetic(), plain
    working = goal + 20
    while working <= max(MOST_DIGITS, 2 * goal):
        yield MultiprecisionArithmetic(2 * working), (*plain, Entries(working))
        plain, working = (), 2 * working


def exactly(problem: LinearProblem, balls: BallArithmetic) -> Reached | str:
    """The construction over the rationals, or why it is not rational."""
    try:
        built = linear_adapters(problem.frozen, problem.target, problem.ranks, EXACT)
    except (Unavailable, BadInput) as why:
        return str(why)
    return reached(problem, built, Entries(None), balls)


def condition(X: Matrix) -> float | None:
    """The condition number of an exact matrix, about; ``None`` where it is singular or unknown.

    >>> condition(EXACT.matrix([[2, 0], [0, 1]])), condition(EXACT.matrix([[1, 1], [1, 1]]))
    (2.0, None)
    """
    if EXACT.rank(X) < min(X.shape):
        return None
    values = np.linalg.svd(floats(X), compute_uv=False)
    return float(values[0] / values[-1]) if values[-1] > 0 else None
