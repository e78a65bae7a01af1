"""The LoRA start B0 = 0 with orthogonal rows of A0: BA tends to E_r exactly if det(A0 V_r) != 0.

E = Y - W0 with sigma_r > sigma_{r+1} and r < m (sigma_i = 0 for i > min(n, m)), A0 A0' = k^2 I.
Where A0 V_r is nonsingular, BA(t) - E_r falls below an explicit multiple of
e^{-(mu_r - mu_{r+1})t}; where it is singular, BA(t) stays at least sigma_r away from E_r for ever.
The proof is in riccati_bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, at_most, below
from lora_proofs.claims.rushka_klabjan.frobenius import riccati_bound as toward
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.solving.flow_field import lora_field
from lora_proofs.strategies.draw import Draw, ratio
from lora_proofs.strategies.matrices import orthogonal_matrix, orthonormal_rows
from lora_proofs.strategies.spectra import spectrum

BLOCKED, ALIGNED, EXACT_RANK, TIED = "blocked", "aligned", "rank of E is r", "tie elsewhere"
LENGTHS = {"short rows": Fraction(1, 8), "long rows": Fraction(4)}
REGIMES = ("generic", BLOCKED, ALIGNED, EXACT_RANK, TIED, "r = 1", "m > n", *LENGTHS)


def draw(source: Draw, regime: str) -> Instance:
    """Singular values with a gap at r, singular vectors, and the rows of A0 among them or not."""
    n, m, r = _shape(source, regime)
    U, V = orthogonal_matrix(source, n), orthogonal_matrix(source, m)
    S = EXACT.zeros(n, m)
    for i, value in enumerate(_values(source, regime, min(n, m), r)):
        S[i, i] = EXACT.number(value)
    length = LENGTHS.get(regime, ratio(source, 1, 4, 2))
    rows = _rows(source, regime, V, r)
    A0 = EXACT.number(length) * (orthogonal_matrix(source, r) @ rows)
    fields = {"W0": EXACT.zeros(n, m), "Y": U @ S @ V.mT, "A0": A0, "B0": EXACT.zeros(n, r)}
    return Instance(regimes=(regime,), r=r, **fields)


def _shape(source: Draw, regime: str) -> tuple[int, int, int]:
    n, m = source.integer(1, 3), source.integer(2, 4)
    if regime == "m > n":
        n = source.integer(1, m - 1)
    if regime == TIED:
        n, m = 3, 3 if source.integer(0, 1) else 4
    if regime == "r = 1":
        return n, m, 1
    return n, m, source.integer(1, min(n, m - 1))


def _values(source: Draw, regime: str, size: int, r: int) -> list[Fraction]:
    values = list(spectrum(source, size))
    if regime == EXACT_RANK:
        values[r:] = [Fraction(0)] * (size - r)
    if regime == TIED:
        i = 0 if r == 2 else 1
        values[i] = values[i + 1]
    return values


def _rows(source: Draw, regime: str, V: Any, r: int) -> Any:
    """r orthonormal rows; blocked ones have one beyond the r leading vectors of V."""
    m = len(V)
    if regime == ALIGNED:
        return V.mT[:r]
    if regime != BLOCKED:
        return orthonormal_rows(source, r, m)
    j = source.integer(r, m - 1)
    rest = [i for i in range(m) if i != j]
    rows = V.mT[[j]]
    if r == 1:
        return rows
    return EXACT.matrix([*rows, *(orthonormal_rows(source, r - 1, m - 1) @ V.mT[rest])])


INSTANCES = Instances(draw, REGIMES)


def gap_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """sigma_{r+1}^2 < sigma_r^2 and r < m."""
    values, r = toward.squares(instance), len(instance.A0)
    yield below("r < m", r, len(values))
    if r < len(values):
        yield below("sigma_{r+1}^2 < sigma_r^2", values[r], values[r - 1])


gap = Assumption(
    "gap",
    r"$r < m$ and $\sigma_r > \sigma_{r+1}$",
    gap_holds,
    technical="it says which matrix and which rate are meant; with a tie E_r is not unique",
)


def blocked(instance: Instance) -> bool:
    """Whether A0 V_r is singular, exactly."""
    r = len(instance.A0)
    return bool(EXACT.rank(toward.gram(instance, toward.projector(instance, r))) < r)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The approach where A0 V_r is nonsingular, the distance for ever where it is not."""
    r = len(instance.A0)
    P = toward.projector(instance, r)
    if not blocked(instance):
        yield from toward.approaches(instance, range(r), P, ctx)
        return
    # BA = 0 for ever meets the bound; balls can tell it from a bound that is a trifle lower.
    least = ctx.number(toward.squares(instance)[r - 1] * EXACT.number(1 - Fraction(1, 10**30)))
    for t, distance in toward.distances(instance, P, ctx):
        yield at_least(f"squared distance to E_r at t = {t} against sigma_r^2", distance, least)


def always(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """BA tends to E_r from every such start: from a blocked one it never comes nearer."""
    r = len(instance.A0)
    P, least = toward.projector(instance, r), toward.squares(instance)[r - 1]
    for t, distance in toward.distances(instance, P, ctx):
        yield at_most(f"squared distance to E_r at t = {t}", distance, ctx.number(least / 2))


def twice_the_rate(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The rate of the excess loss claimed of the matrix."""
    r = len(instance.A0)
    yield from toward.approaches(instance, range(r), toward.projector(instance, r), ctx, faster=2)


def a_little_faster(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """6/5 of the rate, at the times of the check."""
    P, S = toward.projector(instance, len(instance.A0)), range(len(instance.A0))
    yield from toward.approaches(instance, S, P, ctx, faster=Fraction(6, 5))


def rows_do_not_matter(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The distance for ever, claimed of rows that are not orthogonal; E has rank r."""
    x = instance
    flow = lora_field(frobenius(x.Y), x.W0, x.A0, x.B0).enclosure(3, digits=8)
    least = toward.squares(instance)[len(x.A0) - 1]
    yield at_least("squared distance to E_r at t = 3", 2 * flow.loss, EXACT.number(least))


ZERO: dict[str, Any] = {"W0": [[0, 0], [0, 0]], "B0": [[0], [0]]}
SKEWED = Instance(
    W0=[[0, 0, 0], [0, 0, 0]],
    Y=[[2, 0, 0], [0, 1, 0]],
    A0=[[1, 2, 0], [1, 2, 1]],
    B0=[[0, 0], [0, 0]],
)
SADDLE = Instance(W0=[[0, 0]], Y=[[2, 0]], A0=[[1, 0]], B0=[[-1]])
TURNED = Instance(**ZERO, Y=[[2, 0], [0, 1]], A0=[["3/5", "4/5"]])
LARGE = Instance(**ZERO, Y=[[120, 0], [0, "479/4"]], A0=[["52/5", "39/5"]])
MISSED = Instance(**ZERO, Y=[[2, 0], [0, 1]], A0=[[0, 1]])

claim = Claim(
    name="rushka-klabjan/frobenius-riccati-limit",
    title="From B0 = 0 with orthogonal rows: when BA tends to the best approximation",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Let $f = \tfrac12\|W - Y\|_F^2$, $E = Y - W_0$, $B_0 = 0$, $A_0 A_0^\top = \kappa^2 "
        r"I_r$, $r < m$ and $\sigma_r > \sigma_{r+1}$ ($\sigma_i = 0$ for $i > \min(n, m)$), and "
        r"$\mu_i = \sqrt{\sigma_i^2 + \kappa^4/4}$. The LoRA gradient flow has $BA \to E_r$ as $t "
        r"\to \infty$ if and only if $\det(A_0 V_r) \ne 0$: then $\|BA - E_r\|_F \le 2\mu_1 "
        r"(5\kappa^2 + 8\mu_1)\,\|(A_0 V_r)^{-1}\|_F^2\, e^{-(\mu_r - \mu_{r+1})t}$, and otherwise "
        r"$\|BA - E_r\|_F \ge \sigma_r$ at all times."
    ),
    assumptions=(toward.orthogonal_rows, toward.zero_b, gap),
    instances=INSTANCES,
    check=check,
    limit=(
        "an explicit bound that decays at an explicit rate, and an exact condition under which a "
        "distance is kept for ever"
    ),
    controls=(
        Control(
            toward.orthogonal_rows,
            (SKEWED,),
            "rows that are not orthogonal: det(A0 V_r) = 0 and the flow comes nearer all the same",
            rows_do_not_matter,
        ),
        Control(
            toward.zero_b,
            (SADDLE,),
            "B0 = -A0' on one mode: det is not 0, yet BA stays away from E",
        ),
        Control(None, (MISSED,), "BA tends to E_r from every start with B0 = 0", always),
        Control(None, (TURNED,), "6/5 of the rate", a_little_faster),
        Control(None, (TURNED, LARGE), "twice the rate, that of the excess loss", twice_the_rate),
    ),
    arithmetics=("ball", "multiprecision"),
    note=(
        "The explicit constant is ours. det(A0 V_r) is decided exactly, through A0 V_r V_r'A0'; "
        "its instances have rational singular values in rotated bases."
    ),
)
