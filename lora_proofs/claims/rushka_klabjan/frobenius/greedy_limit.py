"""From B0 = 0 with orthogonal rows of A0 the flow keeps the greedy set of singular directions.

The index i is in the greedy set S if v_i adds to the rank of A0 (v_1, ..., v_i). Each other row of
(A0 V)' is a combination of the rows of S before it, so it decays against each of them, and the
bound of riccati_bound holds with this S: BA tends to sum_{i in S} sigma_i u_i v_i'. Where
det(A0 V_r) != 0, S is {1, ..., r}.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, at_most, below, equal
from lora_proofs.claims.rushka_klabjan.frobenius import riccati_bound as toward
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.solving.flow_field import lora_field
from lora_proofs.strategies.draw import Draw, permutation, ratio
from lora_proofs.strategies.matrices import orthogonal_matrix, orthonormal_rows
from lora_proofs.strategies.spectra import spectrum

GENERIC, ALIGNED, ONE_BLOCKED = "generic", "aligned with any r directions", "one blocked"
LAST, DEFICIENT = "last directions", "E of rank m - 1"
REGIMES = (GENERIC, ALIGNED, ONE_BLOCKED, "r = 1", LAST, "m = n + 1", DEFICIENT)


def draw(source: Draw, regime: str) -> Instance:
    """Distinct singular values; rows of A0 that miss some singular directions."""
    n, m, r = _shape(source, regime)
    U, V = orthogonal_matrix(source, n), orthogonal_matrix(source, m)
    values = list(spectrum(source, min(n, m)))
    if regime == DEFICIENT and n >= m:
        values[-1] = Fraction(0)
    S = EXACT.zeros(n, m)
    for i, value in enumerate(values):
        S[i, i] = EXACT.number(value)
    length = EXACT.number(ratio(source, 1, 4, 2))
    A0 = length * (orthogonal_matrix(source, r) @ _rows(source, regime, V, r))
    fields = {"W0": EXACT.zeros(n, m), "Y": U @ S @ V.mT, "A0": A0, "B0": EXACT.zeros(n, r)}
    return Instance(regimes=(regime,), **fields)


def _shape(source: Draw, regime: str) -> tuple[int, int, int]:
    m = source.integer(2, 4)
    n = m - 1 if regime == "m = n + 1" else source.integer(max(m - 1, 1), 4)
    if regime == ONE_BLOCKED:
        return n, m, source.integer(1, m - 1)
    return n, m, 1 if regime == "r = 1" else source.integer(1, m)


def _rows(source: Draw, regime: str, V: Any, r: int) -> Any:
    """r orthonormal rows in the span of some columns of V."""
    m = len(V)
    if regime == GENERIC:
        return orthonormal_rows(source, r, m)
    if regime == LAST:
        return V.mT[m - r :]
    if regime == ONE_BLOCKED:
        missed = source.integer(0, m - 1)
        kept = [i for i in range(m) if i != missed]
        return orthonormal_rows(source, r, m - 1) @ V.mT[kept]
    order = permutation(source, m)
    if regime == "r = 1" and m > 2:
        return orthonormal_rows(source, 1, 2) @ V.mT[order[:2]]
    return V.mT[order[:r]]


INSTANCES = Instances(draw, REGIMES)


def greedy(instance: Instance) -> list[int]:
    """The greedy set, from 0, by exact ranks."""
    m = len(instance.A0[0])
    ranks = [EXACT.rank(toward.gram(instance, toward.projector(instance, i))) for i in range(m + 1)]
    return [i for i, (before, after) in enumerate(pairwise(ranks)) if after > before]


def kept_projector(instance: Instance, S: list[int]) -> Any:
    """V_S V_S', from differences of the leading projectors."""
    pieces = [toward.projector(instance, i + 1) - toward.projector(instance, i) for i in S]
    return sum(pieces[1:], pieces[0])


def different(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """sigma_1 > ... > sigma_m."""
    values = toward.squares(instance)
    yield at_most("m at most n + 1", len(values), len(instance.W0) + 1)
    for larger, smaller in pairwise(values):
        yield below("sigma_{i+1}^2 < sigma_i^2", smaller, larger)


distinct = Assumption(
    "distinct",
    r"$\sigma_1 > \dots > \sigma_m$ ($\sigma_i = 0$ for $i > n$)",
    different,
    technical="it says which directions are meant; in a tie they are not unique",
)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The approach to the greedy limit."""
    S = greedy(instance)
    yield equal("size of the greedy set against r", len(S), len(instance.A0))
    yield from toward.approaches(instance, S, kept_projector(instance, S), ctx)


def a_little_faster(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """6/5 of the rate, at the times of the check."""
    S = greedy(instance)
    P = kept_projector(instance, S)
    yield from toward.approaches(instance, S, P, ctx, faster=Fraction(6, 5))


def leading(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The r leading directions in place of the greedy set, at a distance that would be passed."""
    P = toward.projector(instance, len(instance.A0))
    for t, distance in toward.distances(instance, P, ctx):
        yield at_most(f"squared distance to E_r at t = {t}", distance, ctx.number(Fraction(1, 2)))


def trailing(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The greedy choice begun from the smallest singular value."""
    A0 = EXACT.matrix(instance.A0)
    m = A0.shape[1]
    first = EXACT.identity(m) - toward.projector(instance, m - len(A0))
    *_, (t, distance) = toward.distances(instance, first, ctx)
    yield at_most(f"squared distance at t = {t}", distance, ctx.number(Fraction(1, 2)))


def rows_do_not_matter(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The loss of the greedy limit as a floor, for rows that are not orthogonal."""
    x, S = instance, greedy(instance)
    left = [v for i, v in enumerate(toward.squares(instance)) if i not in S]
    flow = lora_field(frobenius(x.Y), x.W0, x.A0, x.B0).enclosure(3, digits=8)
    yield at_least("loss at t = 3 against the loss of the greedy limit", flow.loss, sum(left) / 2)


DIAGONAL: dict[str, Any] = {"W0": [[0, 0], [0, 0]], "Y": [[2, 0], [0, 1]], "B0": [[0], [0]]}
SKEWED = Instance(
    W0=[[0, 0, 0], [0, 0, 0]],
    Y=[[2, 0, 0], [0, 1, 0]],
    A0=[[1, 2, 0], [1, 2, 1]],
    B0=[[0, 0], [0, 0]],
)
MISSED_FIRST = Instance(
    W0=[[0, 0, 0]] * 3,
    Y=[[3, 0, 0], [0, 2, 0], [0, 0, 1]],
    A0=[[0, "3/5", "4/5"]],
    B0=[[0]] * 3,
)
LARGE = Instance(**{**DIAGONAL, "Y": [[120, 0], [0, "479/4"]]}, A0=[["52/5", "39/5"]])
FAST = Instance(**{**DIAGONAL, "Y": [[120, 0], [0, 0]]}, A0=[["48/5", "64/5"]])
"""At t = 32 the distance is below 10^-600: half a per cent in the rate counts for e^5."""
SADDLE = Instance(**{**DIAGONAL, "B0": [[-1], [0]]}, A0=[[1, 0]])

claim = Claim(
    name="rushka-klabjan/frobenius-greedy-limit",
    title="From B0 = 0 with orthogonal rows: the greedy set of directions is kept",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Let $f = \tfrac12\|W - Y\|_F^2$, $E = Y - W_0$ with $\sigma_1 > \dots > \sigma_m$ "
        r"($\sigma_i = 0$ for $i > n$), $B_0 = 0$ and $A_0 A_0^\top = \kappa^2 I_r$. Let $S$ be "
        r"the greedy set of the indices $i$ with $\mathrm{rank}\, A_0 V_{1:i} > \mathrm{rank}\, "
        r"A_0 V_{1:i-1}$. Then $|S| = r$ and the LoRA gradient flow has $\|BA - \sum_{i \in S} "
        r"\sigma_i u_i v_i^\top\|_F \le 2\mu_1 (5\kappa^2 + 8\mu_1)\,\|(A_0 V_S)^{-1}\|_F^2\, "
        r"e^{-gt}$ with $\mu_i = \sqrt{\sigma_i^2 + \kappa^4/4}$ and $g$ the least of $\mu_s$ and "
        r"of $\mu_s - \mu_i$ over $s \in S$, $i \notin S$, $i > s$."
    ),
    assumptions=(toward.orthogonal_rows, toward.zero_b, distinct),
    instances=INSTANCES,
    check=check,
    controls=(
        Control(
            toward.orthogonal_rows,
            (SKEWED,),
            "rows that are not orthogonal: the loss falls below that of the greedy limit",
            rows_do_not_matter,
        ),
        Control(toward.zero_b, (SADDLE,), "B0 = -A0' on one mode: nothing is kept of it"),
        Control(
            None,
            (Instance(**DIAGONAL, A0=[[0, 1]]),),
            "the r leading directions in place of the greedy set",
            leading,
        ),
        Control(
            None,
            (Instance(**DIAGONAL, A0=[["3/5", "4/5"]]), LARGE),
            "the choice begun from the smallest singular value",
            trailing,
        ),
        Control(
            None,
            (Instance(**DIAGONAL, A0=[["3/5", "4/5"]]), MISSED_FIRST, FAST),
            "6/5 of the rate",
            a_little_faster,
        ),
    ),
    arithmetics=("ball", "multiprecision"),
    note=(
        "The set is decided exactly, by ranks; the instances have rational singular values in "
        "rotated bases. A flow near such a limit is unstable, so no floating-point run shows it."
    ),
)
