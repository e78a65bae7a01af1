"""Linear nets whose frozen weights are singular or rectangular: the best that is known.

Several constructions are tried and the one with the least spectral error is kept. Where it meets
the lower bound it is optimal; elsewhere that is not known, and ``broken`` says so. One that meets
it with a huge adapter is kept only where no other does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from lora_proofs.arithmetic.array import ArrayArithmetic
from lora_proofs.arithmetic.comparison import size
from lora_proofs.arithmetic.context import Arithmetic, Matrix, squared_norm
from lora_proofs.arithmetic.dense import fast_arithmetic, finite, product, to_floats
from lora_proofs.arithmetic.exact import EXACT, ExactArithmetic
from lora_proofs.constructions.adapters import Adapter, Broken, adapted, largest_norm, zero_adapter
from lora_proofs.constructions.alternating import alternating_least_squares
from lora_proofs.constructions.leading import leading_factors, rank_factors
from lora_proofs.constructions.linear_adaptation import LinearAdaptation, assembled
from lora_proofs.constructions.nonsingular import nonsingular_adapters
from lora_proofs.constructions.rectangular import broken_widths, in_sequence
from lora_proofs.constructions.repairing import repaired
from lora_proofs.constructions.rounding import exact_values
from lora_proofs.constructions.transformer_gaps import pseudo_inverse
from lora_proofs.errors import BadInput, Unavailable

SWEEPS = 60
REFINING = 6
SIMPLE = 64
"""The largest denominator of entries that are fixed while another layer is solved for."""
HUGE = 10.0**6
"""Adapters so many times larger than the weights and the target are no good answer."""
MET = "its lower bound, sigma_{S+1}(E) or what the rank of the product leaves, is met all the same"
Adapters = tuple[Adapter, ...]


def best_known(
    frozen: Sequence[Matrix], target: Matrix, ranks: tuple[int, ...], ctx: Arithmetic
) -> LinearAdaptation:
    """The best adapters that are known where a frozen weight is singular or not square.

    W_l: (n_l, n_{l-1}), exact. ``broken`` names what was assumed, and says whether the error meets
    the lower bound all the same.

    >>> W = [EXACT.zeros(2, 2), EXACT.identity(2)]
    >>> found = best_known(W, EXACT.identity(2), (2, 0), EXACT)
    >>> found.product.tolist(), found.broken[0].assumption
    ([[1, 0], [0, 1]], 'the frozen weight W_1 is nonsingular')
    """
    fast = fast_arithmetic(ctx)
    task = _Task(tuple(frozen), target, ranks, fast)
    best, method, worth = None, "", (True, np.inf)
    with fast.working():
        for name, attempt in _ATTEMPTS.items():
            try:
                found = attempt(task, best)
            except (BadInput, Unavailable):
                continue
            if (reached := task.worth(found)) < worth:
                best, method, worth = found, name, reached
            if task.is_done(worth):
                break
        if best is None:
            raise BadInput("expected numbers that no construction overflows on; use more digits")
        broken = _broken(task, is_least=task.is_least(worth[1]))
        return assembled(task.lifted, best, method, broken, fast).in_arithmetic(ctx)


@dataclass(frozen=True)
class _Task:
    """Exact weights and target, ranks, and the arithmetic of the adapters."""

    frozen: tuple[Matrix, ...]
    target: Matrix
    ranks: tuple[int, ...]
    ctx: Arithmetic

    @cached_property
    def E(self) -> Matrix:
        """target - W_L ... W_1."""
        return self.target - product(*reversed(self.frozen), ctx=EXACT)

    @cached_property
    def lifted(self) -> list[Matrix]:
        """The weights in the arithmetic of the adapters."""
        return [self.ctx.matrix(W) for W in self.frozen]

    def turned(self) -> _Task:
        """The same net read from its output to its input."""
        frozen = tuple(W.T for W in reversed(self.frozen))
        return _Task(frozen, self.target.T, self.ranks[::-1], self.ctx)

    def error(self, adapters: Adapters) -> float:
        """The spectral error in floats, of a product in the arithmetic."""
        weights = [adapted(W, x, self.ctx) for W, x in zip(self.lifted, adapters, strict=True)]
        off = product(*reversed(weights), ctx=self.ctx) - self.ctx.matrix(self.target)
        return float(np.linalg.norm(finite(to_floats(off)), 2))

    def worth(self, adapters: Adapters) -> tuple[bool, float]:
        """Whether the bound is missed or an adapter is huge, and the error: less is better."""
        error, norm = self.error(adapters), largest_norm(adapters, self.ctx)
        return not (self.is_least(error) and norm <= HUGE * self.scale), error

    def is_done(self, worth: tuple[bool, float]) -> bool:
        """Whether no other attempt is needed; over the rationals an error of 0 is."""
        exact = isinstance(self.ctx, ExactArithmetic) and self.least == 0
        return not worth[0] and (worth[1] == 0 or not exact)

    @cached_property
    def scale(self) -> float:
        """The largest Frobenius norm of a frozen weight or of the target, in floats."""
        squares = [float(size(squared_norm(X))) for X in (*self.frozen, self.target)]
        return float(max(squares) ** 0.5)

    @cached_property
    def least(self) -> float:
        """The greater lower bound: sigma_{S+1}(E), or sigma_{k+1}(target), k the product's rank."""
        most = product_rank(self.frozen, self.ranks)
        return max(_sigma(self.E, sum(self.ranks)), _sigma(self.target, most))

    def is_least(self, error: float) -> bool:
        """Whether an error meets the lower bound, as far as floats tell."""
        size = float(np.linalg.norm(to_floats(self.ctx.matrix(self.E)), 2))
        return error <= self.least * (1 + 1e-9) + 1e-9 * size


def product_rank(frozen: Sequence[Matrix], ranks: Sequence[int]) -> int:
    """The rank that no product of adapted weights exceeds: min_l of rank W_l + R_l, and widths.

    >>> product_rank([EXACT.zeros(2, 2), EXACT.identity(2)], [1, 1])
    1
    """
    return min(int(min(*W.shape, EXACT.rank(W) + r)) for W, r in zip(frozen, ranks, strict=True))


def _sigma(X: Matrix, k: int) -> float:
    if k >= min(X.shape) or k >= EXACT.rank(X):
        return 0.0
    return float(np.linalg.svd(ArrayArithmetic().matrix(X), compute_uv=False)[k])


def _forward(task: _Task, best: Adapters | None) -> Adapters:
    G, H = leading_factors(task.E, sum(task.ranks), task.ctx)
    return in_sequence(task.lifted, G, H, task.ranks, task.ctx)


def _backward(task: _Task, best: Adapters | None) -> Adapters:
    found = _forward(task.turned(), best)
    return tuple(Adapter(x.A.T, x.B.T) for x in reversed(found))


def _by_repair(task: _Task, best: Adapters | None) -> Adapters:
    """Spend rank on making the weights nonsingular, with pieces of the update where that goes."""
    if any(W.shape != task.target.shape for W in task.frozen):
        raise BadInput("expected square weights to repair")
    found: list[Adapters] = []
    for plain in range(1 + sum(EXACT.rank(W) < len(W) for W in task.frozen)):
        try:
            found.append(_repaired(task, plain))
        except BadInput:
            continue
        if task.is_done(task.worth(found[-1])):
            return found[-1]
    if not found:
        raise BadInput("expected ranks that are enough to repair the singular weights")
    return min(found, key=task.worth)


def _repaired(task: _Task, plain: int) -> Adapters:
    patches, weights, left = repaired(task.frozen, task.target, task.ranks, task.ctx, plain=plain)
    E = task.target - product(*reversed(weights), ctx=EXACT)
    G, H = leading_factors(E, sum(left), task.ctx)
    lifted = [task.ctx.matrix(W) for W in weights]
    found, _, _ = nonsingular_adapters(lifted, G, H, left, task.ctx)
    return tuple(_together(x, y) for x, y in zip(patches, found, strict=True))


def _together(x: Adapter, y: Adapter) -> Adapter:
    return Adapter(np.concatenate([x.B, y.B], axis=1), np.concatenate([x.A, y.A]))


def _by_least_squares(task: _Task, best: Adapters | None) -> Adapters:
    """Alternating least squares in float64, from the best so far and from no adapters.

    Then in the digits of the arithmetic, or with one layer solved for over the rationals.
    """
    array = ArrayArithmetic()
    zero = tuple(zero_adapter(W.shape[0], W.shape[1], array) for W in task.frozen)
    starts = [zero] if best is None else [tuple(map(_in_floats, best)), zero]
    found = [
        alternating_least_squares(
            task.frozen, task.target, start, array, sweeps=SWEEPS, ranks=task.ranks
        ).adapters
        for start in starts
    ]
    lifted = [tuple(_lifted(x, task.ctx) for x in adapters) for adapters in found]
    if isinstance(task.ctx, ExactArithmetic):
        lifted += [solved for adapters in found for solved in _solved(task, adapters)]
    elif not isinstance(task.ctx, ArrayArithmetic):
        lifted += [_refined(task, adapters) for adapters in lifted]
    return min(lifted, key=task.worth)


def _refined(task: _Task, adapters: Adapters) -> Adapters:
    return alternating_least_squares(
        task.frozen, task.target, adapters, task.ctx, sweeps=REFINING, ranks=task.ranks
    ).adapters


def _solved(task: _Task, adapters: Adapters) -> Iterator[Adapters]:
    """One layer after another solved for, the others rounded to small fractions: P X Q = rest."""
    rounded = [_simple(x) for x in adapters]
    weights = [adapted(W, x, EXACT) for W, x in zip(task.frozen, rounded, strict=True)]
    for layer, (W, r) in enumerate(zip(task.frozen, task.ranks, strict=True)):
        P = product(*reversed(weights[layer + 1 :]), EXACT.identity(len(W)), ctx=EXACT)
        Q = product(EXACT.identity(W.shape[1]), *reversed(weights[:layer]), ctx=EXACT)
        rest = task.target - product(P, W, Q, ctx=EXACT)
        X = product(pseudo_inverse(P), rest, pseudo_inverse(Q), ctx=EXACT)
        if EXACT.rank(X) <= r:
            yield (*rounded[:layer], Adapter(*rank_factors(X)), *rounded[layer + 1 :])


def _simple(x: Adapter) -> Adapter:
    def simple(X: Matrix) -> Matrix:
        rows = [[Fraction(float(v)).limit_denominator(SIMPLE) for v in row] for row in X]
        return EXACT.matrix(rows) if X.size else EXACT.zeros(*X.shape)

    return Adapter(simple(x.B), simple(x.A))


def _in_floats(x: Adapter) -> Adapter:
    return Adapter(x.B.astype(float), x.A.astype(float))


def _lifted(x: Adapter, ctx: Arithmetic) -> Adapter:
    def lift(X: Matrix) -> Matrix:
        return ctx.matrix(exact_values(X)) if X.size else ctx.zeros(*X.shape)

    return Adapter(lift(x.B), lift(x.A))


_ATTEMPTS: dict[str, Callable[[_Task, Adapters | None], Adapters]] = {
    "layer by layer": _forward,
    "layer by layer, from the output": _backward,
    "singular weights repaired first": _by_repair,
    "alternating least squares": _by_least_squares,
}


def _broken(task: _Task, *, is_least: bool) -> tuple[Broken, ...]:
    """The weights that are singular, or the widths, and what that does to the formula."""
    if len(task.frozen) == 1:
        return ()  # every update can be had in one layer, whatever its weight is
    told = (
        MET
        if is_least
        else "sigma_{S+1}(E) is a lower bound of the error that is not known to be attained; the "
        f"product has rank at most {product_rank(task.frozen, task.ranks)}, and the answer is the "
        "best that was found"
    )
    if len({n for W in task.frozen for n in W.shape}) > 1:
        return tuple(Broken(x.assumption, told) for x in broken_widths(task.frozen))
    return tuple(
        Broken(f"the frozen weight W_{layer} is nonsingular", told)
        for layer, W in enumerate(task.frozen, 1)
        if EXACT.rank(W) < len(W)
    )
