"""Linear models: the adapters that are printed, what they reach, and what none can beat.

For every choice of adapters rank(prod What - P_0) <= S, so the error is at least that of the best
rank-S approximation of E = Wbar - P_0, in the spectral and in the Frobenius norm; and the rank of
prod What is at most min_l(rank W_l + R_l), and no layer's width is exceeded. The second bound
counts where a weight is singular or narrow. Both hold for the weighted error too.

A target on fewer coordinates is compared with that part of the product, which is the product of
the part of the weights that ``LinearProblem.frozen`` holds; the rest of the product is free.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import flint

from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.arithmetic.context import Arithmetic, Matrix
from lora_proofs.constructions.adapters import Adapter, Broken, adapted, zero_adapter
from lora_proofs.constructions.linear import (
    LinearAdaptation,
    linear_adapters,
    update_adapters,
)
from lora_proofs.constructions.narrow import narrow_target_factors
from lora_proofs.constructions.nonsingular import EXACTLY_IN_ORDER, IN_ORDER
from lora_proofs.constructions.rounding import exact_values
from lora_proofs.constructions.singular_weights import product_rank
from lora_proofs.constructions.weighted import weighted_factors
from lora_proofs.mathematics.literature import ECKART_YOUNG_MIRSKY, lean_on
from lora_proofs.solving.adaptation_errors import (
    NORMS,
    WEIGHTED,
    errors,
    judged_by,
    known_well,
    larger,
    mean_square,
    norms,
    tails,
)
from lora_proofs.solving.adaptation_numbers import (
    Entries,
    PrintedAdapter,
    lower,
    print_adapter,
    upper,
)
from lora_proofs.solving.adaptation_problem import LinearProblem
from lora_proofs.solving.adaptation_search import Kind
from lora_proofs.solving.adaptation_sizes import (
    all_nonsingular,
    exploded,
    fits,
    largest_norm,
    natural_size,
    product_of,
)
from lora_proofs.solving.decimals import upper_string

Say = Callable[[str], None]
GOAL = 10
NEARLY = 1 - Fraction(1, 10**GOAL)
ELIMINATED = "elimination past a singular intermediate"


@dataclass(frozen=True, eq=False)
class Bounds:
    """What no adapters can beat, as enclosures; ``gap`` is rank E and ``size`` is ||E||_2
    or, where that is smaller and not 0, ||Wbar||_2: an error is large or small beside it.

    ``fits`` says that the theorem applies: all frozen weights are square and nonsingular, or there
    is one layer. ``scale`` is how large updates may well be, about. No product has more than rank
    ``through``; ``by_gap`` and ``by_rank`` say which argument is the stronger one in some norm,
    that from S or that from ``through``. With a second moment only what inputs see of E and of
    the target counts: ``gap`` is rank E Sigma, ``seen`` rank Wbar Sigma, ``size`` tr(E Sigma E')
    or that of Wbar.
    """

    least: dict[str, Any]
    gap: int
    size: Any
    fits: bool
    scale: float
    through: int
    seen: int
    by_gap: bool
    by_rank: bool

    @property
    def sharp(self) -> bool:
        """Whether every bound that is not exactly 0 is known to be above 0."""
        return all(known_well(x, 0) for x in self.least.values())

    @property
    def none(self) -> bool:
        """Whether nothing bounds the error from below: the ranks are enough, by exact ranks."""
        return not any(isinstance(x, flint.arb) for x in self.least.values())


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

    @property
    def judged(self) -> Any:
        """The error that adapters are chosen by: the weighted one where there is one."""
        return self.error.get(WEIGHTED, self.error["spectral"])


def gap_of(problem: LinearProblem) -> Matrix:
    """E = Wbar - W_L ... W_1."""
    return problem.target - product_of(problem.frozen)


def bounds(problem: LinearProblem, ctx: BallArithmetic) -> Bounds:
    """Lower bounds of the error, in both norms, for every choice of adapters.

    Zeros are decided over the rationals, the rest is enclosed.
    """
    lean_on(ECKART_YOUNG_MIRSKY)
    E, T, moment = gap_of(problem), problem.target, problem.second_moment
    through = product_rank(problem.frozen, problem.ranks)
    one, other = (
        tails(X, kept, moment, ctx) for X, kept in ((E, sum(problem.ranks)), (T, through))
    )
    wins = [lower(other[k]) > lower(one[k]) for k in judged_by(moment)]
    sizes = [
        norms(X, ctx)["spectral"] if moment is None else mean_square(X, moment) for X in (E, T)
    ]
    size = min((x for x in sizes if x != 0), key=upper, default=sizes[0])
    return Bounds(
        least=larger(one, other),
        gap=_seen_rank(E, moment),
        size=size,
        fits=fits(problem),
        scale=natural_size(problem, E),
        through=through,
        seen=_seen_rank(T, moment),
        by_gap=not all(wins),
        by_rank=any(wins),
    )


def _seen_rank(X: Matrix, moment: Matrix | None) -> int:
    """The rank of X, or of X Sigma: that of X on the span of the inputs."""
    return int(EXACT.rank(X if moment is None else product_of([moment, X])))


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
    return rank if isinstance(tried, Reached) and tried.judged == 0 else None


def reached(
    problem: LinearProblem, built: LinearAdaptation, entries: Entries, balls: BallArithmetic
) -> Reached:
    """What was built, as it is printed, and what the printed adapters reach."""
    told = tuple(_as_printed(problem, built, entries))
    both = zip(problem.frozen, told, strict=True)
    product = product_of([adapted(W, one.exact, EXACT) for W, one in both])
    past = built.broken and built.method in (IN_ORDER, EXACTLY_IN_ORDER)
    return Reached(
        adapters=told,
        entries=entries,
        product=product,
        error=errors(product - problem.target, problem.second_moment, balls),
        adapter_norm=largest_norm([one.exact for one in told], balls),
        broken=built.broken,
        method=ELIMINATED if past else built.method,
    )


def _as_printed(
    problem: LinearProblem, built: LinearAdaptation, entries: Entries
) -> Iterator[PrintedAdapter]:
    """Adapters of the part that is compared; printed with zeros for the free rows and columns."""
    whole = problem.whole or problem.frozen
    for adapter, r, W in zip(built.adapters, problem.ranks, whole, strict=True):
        told = print_adapter(adapter, r, entries)
        if adapter.shape != W.shape:
            rows = print_adapter(_widened(told.exact, W.shape), r, entries).rows
            told = PrintedAdapter(rows, told.exact)
        yield told


def _widened(adapter: Adapter, shape: tuple[int, ...]) -> Adapter:
    """The adapter with zeros below B and beside A."""
    B, A = EXACT.zeros(shape[0], adapter.rank), EXACT.zeros(adapter.rank, shape[1])
    B[: len(adapter.B)], A[:, : adapter.A.shape[1]] = adapter.B, adapter.A
    return Adapter(B, A)


def excess(found: Reached, least: Bounds) -> Fraction:
    """By how much the printed adapters miss the lower bound, over the bound or else over ||E||.

    The larger one of both norms, or of the weighted error alone; 0 exactly where the bound is met
    in rational numbers.
    """
    kinds = [k for k in found.error if k not in NORMS] or NORMS
    if least.gap == 0:
        return max(upper(found.error[k]) for k in kinds)
    return max(_missed(found.error[k], least.least[k], least.size) for k in kinds)


def _missed(error: Any, bound: Any, size: Any) -> Fraction:
    low = max(lower(bound), Fraction(0))
    return (upper(error) - low) / (low or lower(size))


def search(
    problem: LinearProblem, least: Bounds, digits: int | None, balls: BallArithmetic, say: Say
) -> Reached:
    """Adapters that reach the bound to the digits that are asked for, or the best that were found.

    Floats are tried first where no digits are asked for; then the precision is raised. Where an
    assumption is broken the bound may be out of reach, and more digits are tried only once.
    """
    goal, found = digits or GOAL, list[Reached]()
    for ctx, entries, one in kind(problem, balls).tried(digits, goal, lambda: not least.fits):
        found.append(one)
        missed, large = excess(one, least), exploded(one.adapter_norm, least.scale)
        if least.sharp and missed * 10**goal <= 1 and (not large or ctx.name != "array"):
            return one if not large else _settled(problem, found, least, balls)
        say(f"{ctx.name}, {entries.told()}: {upper_string(missed)} above the lower bound")
    return _settled(problem, found or [nothing(problem, balls)], least, balls)


def kind(problem: LinearProblem, balls: BallArithmetic) -> Kind[LinearAdaptation, Reached]:
    """How adapters of a linear model are built and measured."""
    return Kind(
        construct=lambda ctx: constructed(problem, ctx),
        reach=lambda built, entries: reached(problem, built, entries, balls),
        missed=lambda one: upper(one.judged),
        nearly=NEARLY,
    )


def _settled(
    problem: LinearProblem, found: Sequence[Reached], least: Bounds, balls: BallArithmetic
) -> Reached:
    """The best that was found, or exact adapters where it is huge or misses a bound of 0."""
    best = kind(problem, balls).best(found)
    large = exploded(best.adapter_norm, least.scale)
    met = least.sharp and excess(best, least) * 10**GOAL <= 1
    if (met and (least.fits or not large)) or not (least.none or least.fits):
        return best
    last = exactly(problem, balls)
    if isinstance(last, str) or upper(last.judged) > upper(best.judged):
        return best
    return last


def nothing(problem: LinearProblem, balls: BallArithmetic) -> Reached:
    """No update: what is left where no construction is known."""
    adapters = tuple(zero_adapter(len(W), W.shape[1], EXACT) for W in problem.frozen)
    product = product_of(problem.frozen)
    built = LinearAdaptation(adapters, problem.frozen, product, "none is known: no update")
    return reached(problem, built, Entries(None), balls)


def constructed(problem: LinearProblem, ctx: Arithmetic) -> LinearAdaptation:
    """Adapters for the part that is compared: the best in both norms, or in the weighted one."""
    frozen, target, ranks = problem.frozen, problem.target, problem.ranks
    whole = problem.whole if problem.whole and all_nonsingular(problem.whole) else None
    if problem.second_moment is not None:
        G, H = weighted_factors(gap_of(problem), problem.second_moment, sum(ranks), ctx)
        return update_adapters(frozen, exact_values(G), exact_values(H), ranks, ctx)
    if whole is None:
        return linear_adapters(frozen, target, ranks, ctx)
    G, H = narrow_target_factors(whole, target, sum(ranks), ctx)
    built = update_adapters(whole, exact_values(G), exact_values(H), ranks, ctx)
    pairs = zip(built.adapters, frozen, strict=True)
    cut = tuple(Adapter(x.B[: len(W)], x.A[:, : W.shape[1]]) for x, W in pairs)
    return replace(built, adapters=cut)


def exactly(problem: LinearProblem, balls: BallArithmetic) -> Reached | str:
    """The construction over the rationals, or why it is not rational."""
    return kind(problem, balls).rational()
