"""A Frobenius loss below its second smallest critical value has only the smallest one to go to.

The loss never grows and the factors stay bounded (B'B - AA' is conserved, and the loss bounds BA),
so the flow comes near critical points, and their values are 1/2 sum_{i not in S} sigma_i^2 with
|S| <= r. Below the second smallest of these only the smallest is left, 1/2 sum_{i>r} sigma_i^2,
which the loss is never below (Eckart and Young). It makes a statement about t -> infinity one about
a finite T; that the flow comes near critical points is recalled, and not checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    ArrayArithmetic,
    BallArithmetic,
    Comparison,
    at_least,
    at_most,
    below,
    equal,
    squared_norm,
)
from lora_proofs.arithmetic.leaning import remembered
from lora_proofs.claims.rushka_klabjan.frobenius import riccati_bound
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.critical_values import frobenius_critical_values
from lora_proofs.mathematics.frobenius_riccati import frobenius_riccati_closed_form
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.literature import CRITICAL_POINTS, LASALLE, lean_on
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.mathematics.matrices import squared_singular_values
from lora_proofs.solving.flow_field import lora_field
from lora_proofs.strategies.draw import Draw, Rejected
from lora_proofs.strategies.matrices import dyadic_matrix, orthogonal_matrix, orthonormal_rows
from lora_proofs.strategies.spectra import spectrum, with_singular_values

NEAR, TIED = "any start near the minimum", "tie across r"
REGIMES = ("irrational singular values", TIED, "zero singular values", "r = 1", NEAR, "r = m")
NEARLY_ZERO = Fraction(1, 10**60)
CANDIDATES = (1, 2, 4, 8, 16)
FLOAT, BALL = ArrayArithmetic(), BallArithmetic(50)


def draw(source: Draw, regime: str) -> Instance:
    """A problem, and a time at which the loss is below the second smallest critical value."""
    if regime == NEAR:
        return near(source)
    n, m = source.integer(2, 3), source.integer(2, 3)
    r = {"r = 1": 1, "r = m": m}.get(regime) or source.integer(1, min(n, m))
    E = _residual(source, regime, n, m)
    A0 = orthonormal_rows(source, r, m)
    zero = {"W0": EXACT.zeros(n, m), "B0": EXACT.zeros(n, r)}
    problem = Instance(regimes=(regime,), **zero, Y=E, A0=A0)
    second: Any = frobenius_critical_values(E, r, FLOAT).second
    for T in CANDIDATES:
        end = frobenius_riccati_closed_form(problem.W0, E, A0, problem.B0, T, FLOAT)
        if squared_norm(E.astype(float) - end.BA) / 2 < 0.99 * second:
            return problem.replace(T=T)
    raise Rejected("the loss is not below the second smallest critical value in time")


def _residual(source: Draw, regime: str, n: int, m: int) -> Any:
    if regime == TIED:
        values = list(spectrum(source, min(n, m)))
        values[-1] = values[-2]
        return with_singular_values(source, n, m, values)
    if regime == "zero singular values":
        zeros = spectrum(source, min(n, m), "with zeros")
        E = with_singular_values(source, n, m, zeros)
    else:
        E = dyadic_matrix(source, n, m)
    if squared_norm(E) == 0:  # there would be one critical value
        E[0, 0] = EXACT.number(1)
    return E


def near(source: Draw) -> Instance:
    """Factors that are off a global minimum by an eighth, and differ in balance by mode."""
    r, size = source.integer(1, 2), 2
    values = spectrum(source, size)
    U, V = orthogonal_matrix(source, size), orthogonal_matrix(source, size)
    off = [EXACT.number(1 + Fraction(source.choice((1, -1)), 8)) for _ in range(r)]
    A0 = np.array([V[:, k] * off[k] * (k + 1) for k in range(r)], dtype=object)
    B0 = np.array([U[:, k] * EXACT.number(values[k]) / (k + 1) for k in range(r)], dtype=object).T
    S = EXACT.matrix([[values[0], 0], [0, values[1]]])
    zero = EXACT.zeros(size, size)
    return Instance(regimes=(NEAR,), W0=zero, Y=U @ S @ V.mT, A0=A0, B0=B0, T=Fraction(1, 16))


INSTANCES = Instances(draw, REGIMES)


@remembered(64)
def loss_at(instance: Instance, t: Fraction, digits: int = 20) -> Any:
    """An enclosure of the loss at time t: exact where the start is stationary."""
    x, start = instance, instance.lift(EXACT)
    G = start.Y - start.W0 - start.B0 @ start.A0
    if squared_norm(start.B0.mT @ G) == squared_norm(G @ start.A0.mT) == 0:
        return squared_norm(G) / 2
    if NEAR in instance.regimes:
        return lora_field(frobenius(x.Y), x.W0, x.A0, x.B0).enclosure(t, digits=digits).loss
    with BALL.working():
        W = frobenius_riccati_closed_form(x.W0, x.Y, x.A0, x.B0, t, BALL).W
        return squared_norm(BALL.matrix(x.Y) - W) / 2


def is_below(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """f(T) is below the second smallest critical value."""
    second = values(instance, ctx).second
    yield below("loss at T against the second value", loss_at(instance, instance.T), second)


def values(instance: Instance, ctx: Arithmetic) -> Any:
    """The two smallest critical values."""
    return frobenius_critical_values(riccati_bound.residual(instance), len(instance.A0), ctx)


below_second = Assumption(
    "below_second", r"$f(W(T))$ is below the second smallest distinct critical value", is_below
)


def every_value(instance: Instance, ctx: Arithmetic) -> Iterator[tuple[bool, Any]]:
    """(whether it is the least, value) for every choice of how many of each level are kept."""
    r, left = len(instance.A0), len(instance.A0)
    levels = squared_singular_values(riccati_bound.residual(instance), ctx)
    levels = [(value, k) for value, k in levels if not value == 0]
    best = []
    for _, k in levels:
        best.append(min(k, left))
        left -= best[-1]
    for kept in product(*(range(k + 1) for _, k in levels)):
        if sum(kept) <= r:
            out = sum(
                ((k - c) * value for (value, k), c in zip(levels, kept, strict=True)),
                ctx.number(0),
            )
            yield list(kept) == best, out / 2


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Every critical value but the least is above f(T); the least one is not above any loss."""
    now, least = loss_at(instance, instance.T), values(instance, ctx).least
    yield from only_one_left(instance, ctx, least)
    later = loss_at(instance, 2 * instance.T)
    yield at_most("loss at 2T against the loss at T", later, now)
    yield at_least("loss at 2T against the least critical value", later, least)


def only_one_left(instance: Instance, ctx: Arithmetic, limit: Any) -> Iterator[Comparison]:
    """A claimed limit is the least critical value, and no other one is at most f(T)."""
    lean_on(LASALLE, CRITICAL_POINTS)
    now, found = loss_at(instance, instance.T), list(every_value(instance, ctx))
    for is_least, value in found:
        if not is_least:
            yield below("loss at T against another critical value", now, value)
    (least,) = (value for is_least, value in found if is_least)
    apart = ctx.number(limit) - least
    yield at_most("squared distance of the limit to the one left", apart * apart, NEARLY_ZERO)


def reaches_least(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The least value in the limit, of a start that is stationary."""
    x = instance.lift(EXACT)
    G = x.Y - x.W0 - x.B0 @ x.A0
    yield equal("B0'G", x.B0.mT @ G, 0 * x.A0)
    yield equal("G A0'", G @ x.A0.mT, 0 * x.B0)
    least = values(instance, EXACT).least
    yield at_most("loss that is kept for ever", squared_norm(G) / 2, least)


def half_of_least(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Half of the least critical value in the limit, which no loss can reach."""
    yield from only_one_left(instance, ctx, values(instance, ctx).least / 2)


def third(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The third smallest value in the place of the second, for a stationary start below it."""
    found = sorted({value for _, value in every_value(instance, EXACT)}, key=fraction)
    x = instance.lift(EXACT)
    loss = squared_norm(x.Y - x.W0 - x.B0 @ x.A0) / 2
    yield below("loss against the third value", loss, found[2])
    yield from reaches_least(instance, ctx)


def fraction(value: flint.fmpq) -> Fraction:
    """The same number, with an order that Python sorts by."""
    return Fraction(int(value.p), int(value.q))


def next_index(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The second value as the one with r + 1 in the place of r, as if nothing were tied."""
    squares, r = riccati_bound.squares(instance), len(instance.A0)
    found = values(instance, EXACT)
    swapped = found.least + (squares[r - 1] - squares[r]) / 2
    yield equal("second smallest value", found.second, swapped)


ZERO: dict[str, Any] = {"W0": [[0, 0], [0, 0]], "T": 1}
SADDLE = Instance(**ZERO, Y=[[2, 0], [0, 1]], A0=[[0, 1]], B0=[[0], [1]])
ABOVE_HALF = Instance(**ZERO, Y=[[2, 0], [0, 1]], A0=[[1, 0]], B0=[[2], [0]])
JUST_BELOW = Instance(
    **{**ZERO, "T": "9/32"}, Y=[[2, 0], [0, 1]], A0=[["3/5", "4/5"]], B0=[[0], [0]]
)
TIE = Instance(
    W0=[[0] * 3] * 3,
    Y=[[2, 0, 0], [0, 1, 0], [0, 0, 1]],
    A0=[[1, 0, 0], [0, 1, 0]],
    B0=[[0, 0]] * 3,
    T=1,
)

claim = Claim(
    name="rushka-klabjan/frobenius-critical-value-gap",
    title="Below the second smallest critical value only the smallest is left",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Let $f = \tfrac12\|W - Y\|_F^2$, $E = Y - W_0$. If along a LoRA gradient flow $f(W(T))$ "
        r"is below the second smallest distinct one of the numbers $\tfrac12\sum_{i \notin S}"
        r"\sigma_i^2$, $|S| \le r$, then no critical value but the smallest, $\tfrac12\sum_{i > r}"
        r"\sigma_i^2$, is at most $f(W(T))$; by LaSalle's principle, recalled and not checked, the "
        r"loss tends to it as $t \to \infty$."
    ),
    assumptions=(below_second,),
    instances=INSTANCES,
    check=check,
    kind="trap",
    limit=(
        "a trap: the loss never grows, a bounded gradient flow comes near critical points, and of "
        "their values only the smallest is at most f(W(T))"
    ),
    controls=(
        Control(below_second, (SADDLE,), "a stationary start at the second value", reaches_least),
        Control(below_second, (SADDLE,), "the third value in the place of the second", third),
        Control(None, (ABOVE_HALF, JUST_BELOW), "half of the smallest in the limit", half_of_least),
        Control(None, (TIE,), "the second value computed as if nothing were tied", next_index),
    ),
    arithmetics=("ball", "multiprecision"),
    note=(
        "The losses are enclosed, the critical values have exact multiplicities. That bounded "
        "gradient flows come near critical points is LaSalle's principle, recalled."
    ),
)
