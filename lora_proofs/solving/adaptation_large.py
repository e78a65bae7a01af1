"""Large linear models in float64: adapters, what they reach, and what none can beat, with rounding.

Rationals of thousands of entries a row are out of reach, so numbers are float64 and every bound has
the rounding of its own computation added: products by the a priori bound of sums of k terms,
|fl(x'y) - x'y| <= k u |x|'|y| (1 + u)^k; singular values by what an SVD leaves, ||X - U S V'|| and
||U'U - I||, measured in the same way (Weyl's inequality). It is shown for BLAS that adds up
products, in any order; a library that multiplies by Strassen's rule is not covered.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import numpy as np

from lora_proofs.errors import BadInput
from lora_proofs.mathematics.literature import ECKART_YOUNG_MIRSKY, lean_on
from lora_proofs.solving import adaptation_verdict as words
from lora_proofs.solving.adaptation_fields import given, known, listing, matrix, ranks
from lora_proofs.solving.adaptation_numbers import SINGULAR

LARGE = 256
"""Square weights of more rows than this are taken in float64."""
UNIT = 2.0**-53
ABOVE = 1 + 1e-9
"""Of bounds of rounding, for the rounding of their own few operations."""
GOAL = 1e-8
"""The tolerance: adapters meet a bound that they miss by at most this, relatively."""
EXPLODED = 1e6
Array = np.ndarray


@dataclass(frozen=True, eq=False)
class LargeLinearProblem:
    """W_l and the target, D x D in float64; ``rounded`` says that an entry was no float."""

    frozen: tuple[Array, ...]
    target: Array
    ranks: tuple[int, ...]
    rank: int | None
    rounded: bool


def is_large(data: Any) -> bool:
    """Whether an instance is a linear model of square weights beyond ``LARGE``.

    >>> is_large({"kind": "linear", "frozen": [[[1]]]})
    False
    """
    if not isinstance(data, Mapping) or data.get("kind") != "linear" or "second_moment" in data:
        return False
    frozen, target = data.get("frozen"), data.get("target")
    told = [*frozen, target] if isinstance(frozen, list) else []
    sizes = {(len(X), len(X[0])) for X in told if isinstance(X, list) and X and _rows(X)}
    return len(sizes) == 1 and len(told) > 1 and all(n == m > LARGE for n, m in sizes)


def _rows(X: Any) -> bool:
    return isinstance(X[0], list)


def read_large(data: Mapping[str, Any]) -> LargeLinearProblem:
    """The instance that a JSON object states; ``BadInput`` names the entry.

    >>> told = {"kind": "linear", "frozen": [[[2, 0], [0, 1]]], "target": [["1/2", 0], [0, 1]]}
    >>> read_large({**told, "rank": 1}).target.tolist()
    [[0.5, 0.0], [0.0, 1.0]]
    """
    known(data, ("kind", "frozen", "target", "rank"))
    told = listing(given(data, "frozen", "the frozen weights"), "frozen", "a list of matrices")
    named = [(W, f"frozen[{k}]") for k, W in enumerate(told, 1)]
    found = [_floats(X, name) for X, name in (*named, (data["target"], "target"))]
    *frozen, target = [X for X, _ in found]
    kept = ranks(given(data, "rank", "a rank"), [len(W) for W in frozen])
    single = None if isinstance(data["rank"], list) else kept[0]
    return LargeLinearProblem(tuple(frozen), target, kept, single, any(x for _, x in found))


def _floats(rows: Any, name: str) -> tuple[Array, bool]:
    """A matrix in float64, and whether that rounds it; the exact reader names what is wrong."""
    try:
        X = np.array(rows)
        plain = X.dtype == np.float64 or (
            X.dtype == np.int64 and (np.abs(X) <= 2**53).all() and not _has_truth(rows)
        )
        if plain and X.ndim == 2 and np.isfinite(X).all():
            return X.astype(np.float64), False
    except ValueError:
        pass
    exact = matrix(rows, name)
    X = np.array([[int(x.p) / int(x.q) for x in row] for row in exact.tolist()])
    if not np.isfinite(X).all():
        raise BadInput(f"{name}: expected numbers in the range of float64 for a large model")
    return X, True


def _has_truth(rows: Any) -> bool:
    return any(isinstance(x, bool) for row in rows for x in row)


@dataclass(frozen=True, eq=False)
class Measured:
    """A float64 matrix that is within ``off``, in the Frobenius norm, of the one that is meant."""

    X: Array
    off: float

    @cached_property
    def norm(self) -> float:
        """At least the Frobenius norm of the one that is meant."""
        return _frobenius(self.X) + self.off

    def __matmul__(self, other: Measured) -> Measured:
        k = self.X.shape[1]
        rounding = (k + 1) * UNIT * float(np.linalg.norm(self.X) * np.linalg.norm(other.X))
        passed = self.off * other.norm + self.norm * other.off
        return Measured(self.X @ other.X, (rounding + passed) * ABOVE)

    def __add__(self, other: Measured) -> Measured:
        Y = self.X + other.X
        return Measured(Y, (self.off + other.off + UNIT * float(np.linalg.norm(Y))) * ABOVE)

    def __sub__(self, other: Measured) -> Measured:
        return self + Measured(-other.X, other.off)


def _frobenius(X: Array) -> float:
    """At least the Frobenius norm: rows round by as many u as they have terms, sums of rows not."""
    total: float = math.fsum(np.einsum("ij,ij->i", X, X).tolist())
    found: float = math.sqrt(total) * (1 + (X.shape[1] + 9) * UNIT)
    return found


@dataclass(frozen=True, eq=False)
class Decomposed:
    """X = U diag(values) V' up to ``off``, which bounds how far any singular value is away too.

    With F = U'U - I and G = V'V - I it is |X - U S V'| + 2 s_1 (|F| + |G|), all measured.
    """

    U: Array
    values: Array
    Vt: Array
    off: float

    def part(self, first: int, last: int | None = None) -> Array:
        """The part of these singular values."""
        found: Array = (self.U[:, first:last] * self.values[first:last]) @ self.Vt[first:last]
        return found


def decomposed(E: Measured) -> Decomposed:
    """The singular value decomposition of a square matrix, with what it leaves.

    >>> decomposed(Measured(np.diag([2.0, 3.0]), 0.0)).values.tolist()
    [3.0, 2.0]
    """
    try:
        U, s, Vt = np.linalg.svd(E.X)
    except np.linalg.LinAlgError:  # that of the transpose takes another way
        V, s, Ut = np.linalg.svd(np.ascontiguousarray(E.X.T))
        U, Vt = Ut.T, V.T
    eye = Measured(np.eye(len(s)), 0.0)
    far = sum((Measured(X.T, 0.0) @ Measured(X, 0.0) - eye).norm for X in (U, Vt.T))
    scaled = Measured(U * s, UNIT * float(np.linalg.norm(s)) * 2)
    left = (E - scaled @ Measured(Vt, 0.0)).norm
    return Decomposed(U, s, Vt, (left + 2 * float(s[0]) * far) * ABOVE)


@dataclass(frozen=True, eq=False)
class LargeReached:
    """Adapters, the spectrum of E, bounds of the errors, norms of B A, and condition numbers."""

    B: tuple[Array, ...]
    A: tuple[Array, ...]
    gap: Decomposed
    error: dict[str, float]
    norms: tuple[float, ...]
    conditions: tuple[float, ...]


def answer_large(problem: LargeLinearProblem) -> tuple[LargeReached, dict[str, Any]]:
    """The adapters of a large linear instance and what is said of them.

    Raises ``BadInput`` where floats take a frozen weight for singular.
    """
    lean_on(ECKART_YOUNG_MIRSKY)
    found = reached(problem)
    return found, _document(problem, found)


def reached(problem: LargeLinearProblem) -> LargeReached:
    """The construction in float64, and its product with all rounding that it may have."""
    frozen = [Measured(W, 0.0) for W in problem.frozen]
    target = Measured(problem.target, 0.0)
    gap = decomposed(target - _chain(frozen))
    try:
        both = _constructed(problem, gap)
        conditions = tuple(float(np.linalg.cond(W, 1)) for W in problem.frozen)
    except np.linalg.LinAlgError:
        raise BadInput(
            "frozen: expected weights that float64 can invert at this size; one is singular"
        ) from None
    updates = [Measured(b, 0.0) @ Measured(a, 0.0) for b, a in both]
    off = _chain([W + D for W, D in zip(frozen, updates, strict=True)]) - target
    if not np.isfinite(off.norm):
        raise BadInput("frozen: expected a model on which float64 does not overflow")
    B, A = zip(*both, strict=True)
    norms = tuple(_norm_of_product(b, a) for b, a in both)
    return LargeReached(B, A, gap, _errors(off, gap, sum(problem.ranks)), norms, conditions)


def _constructed(problem: LargeLinearProblem, gap: Decomposed) -> list[tuple[Array, Array]]:
    """B_l = (W_L ... W_{l+1})^{-1} G_l, A_l = H_l (What_{l-1} ... What_1)^{-1}, layer 1 first."""
    root, at, D = np.sqrt(gap.values), 0, len(problem.target)
    both: list[tuple[Array, Array]] = []
    adapted: list[Array] = []
    for layer, (W, r) in enumerate(zip(problem.frozen, problem.ranks, strict=True)):
        kept = slice(min(at, D), min(at + r, D))
        at += r
        B, A = np.zeros((D, r)), np.zeros((r, D))
        if used := kept.stop - kept.start:
            right = (root[kept, None] * gap.Vt[kept]).T
            for What in adapted:
                right = np.linalg.solve(What.T, right)
            left = gap.U[:, kept] * root[kept]
            for later in problem.frozen[:layer:-1]:
                left = np.linalg.solve(later, left)
            B[:, :used], A[:used] = left, right.T
        both.append((B, A))
        adapted.append(W + B @ A)
    return both


def _norm_of_product(B: Array, A: Array) -> float:
    """||B A||_2, about."""
    if not B.size:
        return 0.0
    return float(np.linalg.norm(np.linalg.qr(B)[1] @ np.linalg.qr(A.T)[1].T, 2))


def _errors(off: Measured, gap: Decomposed, S: int) -> dict[str, float]:
    """Upper bounds: the product misses the target by the tail of E, and by what is left of that."""
    tail = gap.part(S)
    rest = off + Measured(tail, (len(tail) + 2) * UNIT * float(np.linalg.norm(tail)) * 2)
    top = max([*map(float, gap.values[S : S + 1]), 0.0])
    spectral = (top + 2 * gap.off * ABOVE + rest.norm) * (1 + 4 * UNIT)
    return {"spectral": min(spectral, off.norm), "frobenius": off.norm}


def _chain(weights: Sequence[Measured]) -> Measured:
    return reduce(lambda P, W: W @ P, weights)


def _document(problem: LargeLinearProblem, found: LargeReached) -> dict[str, Any]:
    S, D = sum(problem.ranks), len(problem.target)
    values, far, error = found.gap.values, found.gap.off, found.error
    least, below = _tails(values, far, S)
    low, high = int((values > far).sum()), D
    enough = -(-D // len(problem.frozen)) if low == high else None
    missed = max((error[k] - below[k]) / (below[k] or values[0] or 1.0) for k in error)
    judged = _judged(problem, found, missed, below)
    return {
        "adapters": [
            {"layer": k, "B": b.tolist() if b.size else [], "A": a.tolist()}
            for k, (b, a) in enumerate(zip(found.B, found.A, strict=True), 1)
        ],
        "biases": [],
        "ranks": list(problem.ranks),
        "total_rank": S,
        "sufficient_rank": enough,
        "sufficient_total_rank": None if enough is None else low,
        "minimal_exact_rank": enough,
        "optimal_error": least if max(found.conditions) < SINGULAR else dict.fromkeys(least),
        "lower_bound": below,
        "achieved_error": error,
        "excess": f"{max(missed, 0.0):.2g}",
        "gaps": [low if low == high else None],
        "largest_adapter_norm": max(found.norms) * ABOVE,
        "conditioning": max(found.conditions),
        "verdict": judged,
        "reasons": list(_reasons(problem, found, judged, missed, (low, high), far)),
        "broken_assumptions": [],
        "entries": "entries in float64",
        "method": "singular vectors in order, float64",
        "rigorous": False,
    }


def _tails(values: Array, far: float, S: int) -> tuple[dict[str, float], dict[str, float]]:
    """The least errors, about, and bounds that surely lie below them."""
    rest = values[S:]
    least = {
        "spectral": float(rest[0]) if len(rest) else 0.0,
        "frobenius": float(np.linalg.norm(rest)),
    }
    slack = {"spectral": far, "frobenius": far * len(rest) ** 0.5}
    exact = 1 - (len(rest) + 4) * UNIT
    return least, {k: max(x * exact - slack[k] * ABOVE, 0.0) for k, x in least.items()}


def _judged(
    problem: LargeLinearProblem,
    found: LargeReached,
    missed: float,
    below: dict[str, float],
) -> str:
    sizes = [float(np.linalg.norm(X)) for X in (*problem.frozen, problem.target)]
    if max(found.norms) > EXPLODED * max(sizes):
        return words.UNRELIABLE
    if missed > GOAL:
        return words.UPPER_BOUND
    return words.ROUNDED if not any(below.values()) else words.OPTIMAL


def _reasons(
    problem: LargeLinearProblem,
    found: LargeReached,
    verdict: str,
    missed: float,
    ranks: tuple[int, int],
    far: float,
) -> Any:
    yield (
        f"more than {LARGE} rows: float64 in place of rationals. Errors and lower bounds have the "
        f"rounding of their computation added, singular values of E that of {far:.1e}; this rests "
        "on IEEE arithmetic and on a BLAS that adds up products; the tolerance is "
        f"{GOAL:.0e}, relatively"
    )
    yield "the condition of the frozen weights is in the 1-norm, of each by itself"
    if problem.rounded:
        yield "entries that are no floats were rounded to float64: the answer is for those"
    if verdict == words.OPTIMAL:
        yield (
            f"for all adapters rank(prod What - P_0) <= S = {sum(problem.ranks)}: the error is "
            "never below the tail of the singular values of E (Eckart, Young, Mirsky); the printed "
            f"adapters exceed that by at most {max(missed, 0.0):.2g}, relatively"
        )
    elif verdict == words.ROUNDED:
        yield "the ranks leave no error that float64 can tell from 0; the rest is rounding"
    elif verdict == words.UPPER_BOUND:
        yield f"the printed adapters exceed the lower bound by up to {missed:.2g}, relatively"
    if ranks[0] < ranks[1]:
        yield f"rank E is at least {ranks[0]}; whether it is more, float64 cannot tell"
    if max(found.conditions) >= SINGULAR:
        yield "a frozen weight is singular as far as float64 can tell: the least error is not known"
