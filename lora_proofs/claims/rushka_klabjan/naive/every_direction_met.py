"""False reading: from B0 = 0 it is enough that A0 meets every singular direction of Y - W0.

Let E = Y - W0 = U Sigma V', and let the rows of Q'A0 fall into groups, r_k rows in the span V_k of
right singular vectors that no other group meets; let U_k be the span of the left ones. Factors
whose parts lie so, B_k on U_k and A_k on V_k, have BA = sum_k B_k A_k, and B'(E - BA), (E - BA)A'
lie so again. So each V_k is approximated by a B_k A_k of rank r_k for all time, and the loss is at
least what is left of each V_k beyond its r_k largest singular values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    Comparison,
    at_most,
    below,
    equal,
    squared_norm,
)
from lora_proofs.claims.rushka_klabjan.frobenius.spectral import (
    Frame,
    diagonal,
    example,
    nonzeros,
    share,
    spectral_start,
    tail,
)
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.spectra import spectrum

REGIMES = {
    "the two largest meet one row": ((0, 1), (2,)),
    "the largest and the least meet one row": ((0, 2), (1,)),
    "the two least meet one row": ((1, 2), (0,)),
    "rows that meet": ((0, 1), (1, 2)),
    "one row": ((0, 1, 2),),
}


def draw(source: Draw, regime: str) -> Instance:
    """B0 = 0 and rows over three singular directions, each of which is met by a row."""
    shape = source.integer(3, 4), source.integer(3, 4)
    supports = REGIMES[regime]
    zeros = [0] * len(supports)
    start = spectral_start(source, shape, spectrum(source, 3), range(len(supports)), zeros, zeros)
    A = EXACT.zeros(len(supports), shape[1])
    for k, places in enumerate(supports):
        for i, entry in zip(places, nonzeros(source, len(places)), strict=True):
            A[k, i] = EXACT.number(entry)
    z = start.lift(EXACT)
    return start.replace(regimes=(regime,), A0=z.Q @ A @ z.V.mT)


INSTANCES = Instances(draw, tuple(REGIMES))


def framed(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """U, V and Q are orthogonal, E = U Sigma V', B0 = 0."""
    z = instance.lift(EXACT)
    for name in ("U", "V", "Q"):
        X = getattr(z, name)
        yield equal(f"{name}'{name} against I", X.mT @ X, EXACT.identity(len(X)))
    E = z.Y - z.W0
    yield equal("U'EV against Sigma", z.U.mT @ E @ z.V, diagonal(E.shape, instance.sigma[0]))
    yield equal("B0", z.B0, 0 * z.B0)


def every_direction(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A0 has rank r, and A0 v_i is not 0 for any i."""
    z = instance.lift(EXACT)
    yield equal("rank of A0 against r", EXACT.number(EXACT.rank(z.A0)), EXACT.number(len(z.A0)))
    for i in range(len(instance.sigma[0])):
        yield below(f"0 < ||A0 v_{i + 1}||^2", 0, squared_norm(z.A0 @ z.V[:, [i]]))


in_frame = Assumption(
    "in_frame",
    r"$U$, $V$, $Q$ are orthogonal, $Y - W_0 = U \Sigma V^\top$, and $B_0 = 0$",
    framed,
    technical="says what the fields are: without a frame no group of rows can be read off",
)
met = Assumption(
    "met",
    r"$A_0$ has rank $r$, and $A_0 v_i \ne 0$ for every singular direction $v_i$",
    every_direction,
)


def groups(instance: Instance) -> list[tuple[int, list[int]]]:
    """How many rows each group has, and its directions, from 0; one that no row meets is alone."""
    A = Frame.of(instance).A
    count = len(instance.sigma[0])
    parts = [(0, {i}) for i in range(count)]
    for row in A:
        seen = {i for i in range(count) if row[i] != 0}
        joined = [part for part in parts if part[1] & seen]
        rows, places = 1 + sum(k for k, _ in joined), seen.union(*(s for _, s in joined))
        parts = [part for part in parts if not part[1] & seen] + [(rows, places)]
    return [(rows, sorted(places)) for rows, places in parts]


def left(instance: Instance, more: int = 0) -> Any:
    """1/2 of the squared singular values of each group beyond as many as it has rows."""
    values = instance.sigma[0]
    beyond = [
        i
        for rows, places in groups(instance)
        for i in sorted(places, key=lambda i: -abs(values[i]))[rows + more :]
    ]
    return share(instance, beyond)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """What is left of every group for all time is at most the least loss of rank r."""
    least = tail(instance, len(instance.A0))
    yield at_most("the loss kept for all time against the least loss", left(instance), least)


def one_row_more(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A row more claimed for each group, as if a second one of its directions were learned."""
    yield equal("what is left of each group", left(instance), left(instance, more=1))


def nothing(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Rows that never meet claimed to do no harm to each other's directions: nothing is left."""
    yield at_most("the loss kept for all time", left(instance), 0)


NO_B = [[0, 0] for _ in range(4)]
APART = example((3, 2, 1), [[1, 1, 0], [0, 0, 1]], NO_B)
UNMET = example((3, 2, 1), [[0, 1, 0], [0, 0, 1]], NO_B)

claim = Claim(
    name="rushka-klabjan/naive/every-direction-met",
    title="A start that meets every singular direction reaches the least loss (false)",
    source=Source(
        "rushka-klabjan",
        "",
        "our reading",
        "summary",
        corrected_by="rushka-klabjan/frobenius-general-zero-b",
    ),
    statement=(
        r"Our reading, not a claim of the authors: from $B_0 = 0$ and an $A_0$ of rank $r$ with "
        r"$A_0 v_i \ne 0$ for every right singular vector $v_i$ of $Y - W_0$ the LoRA gradient "
        r"flow of $\tfrac12\|W - Y\|_F^2$ reaches the least loss of rank $r$. It is false: where "
        r"the rows of $Q^\top A_0$, $Q$ orthogonal, fall into groups that meet no direction in "
        r"common, each group learns its own directions alone, and two large singular values may "
        r"share one row."
    ),
    assumptions=(in_frame, met),
    instances=INSTANCES,
    check=check,
    kind="invariance",
    controls=(
        Control(met, (UNMET,), "a start that does not meet the first direction", check),
        Control(None, (APART,), "a row more claimed for each group", one_row_more),
        Control(None, (APART,), "nothing claimed to be left", nothing),
    ),
    note=(
        "For E = diag(3, 2, 1), with one row along v_1 + v_2 and one along v_3, the flow learns 3 "
        "and 1: the loss stays at least 2, where the least loss of rank 2 is 1/2."
    ),
)
