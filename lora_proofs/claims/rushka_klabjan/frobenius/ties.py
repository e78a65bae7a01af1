"""A tie at r: the least loss is reached, but which minimiser is reached depends on A0.

With sigma_r = sigma_{r+1} any rotation of u_r, u_{r+1} together with v_r, v_{r+1} gives another
singular value decomposition of the same E, so A0 may start along any direction of the tie. Each of
them ends in the truncation of its own decomposition (frobenius-spectral-start): the same loss,
another BA. For E = diag(3, 1, 1), r = 2 and the direction (cos, sin) the entry (BA)_22 tends to
cos^2.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    Comparison,
    at_least,
    at_most,
    below,
    equal,
    squared_norm,
)
from lora_proofs.claims.rushka_klabjan.frobenius.spectral import (
    TIMES,
    Frame,
    diagonal,
    example,
    nears_its_limit,
    nonzeros,
    spectral_start,
    stays_diagonal,
    tail,
    truncated,
)
from lora_proofs.claims.rushka_klabjan.frobenius.spectral_start import off_diagonal
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw, ratio
from lora_proofs.strategies.spectra import spectrum

REGIMES = ("3 x 3", "wide", "tall", "r = 1", "tie of three", "flat spectrum", "right angle")


def draw(source: Draw, regime: str) -> Instance:
    """A spectral start with a tie at r, and a rational rotation inside the tie."""
    n, m = {"wide": (3, 4), "tall": (4, 3)}.get(regime, (3, 3))
    r = 1 if regime == "r = 1" else 2 if regime != "flat spectrum" else source.integer(1, 2)
    values = list(spectrum(source, 3, "flat" if regime == "flat spectrum" else "distinct"))
    values[r] = values[r - 1]
    if regime == "tie of three":
        r, values = 1, [values[0]] * 3
    values[r + 1 :] = [min(x, values[r]) for x in values[r + 1 :]]
    problem = spectral_start(source, (n, m), values, range(r), nonzeros(source, r), [0] * r)
    # (1 - s^2, 2 s)/(1 + s^2) is a rational point of the circle.
    s = Fraction(1) if regime == "right angle" else ratio(source, 1, 6, 7)
    circle = [(1 - s**2) / (1 + s**2), 2 * s / (1 + s**2)]
    return problem.replace(regimes=(regime,), direction=[circle])


INSTANCES = Instances(draw, REGIMES)


def rank(instance: Instance) -> int:
    """r."""
    return len(instance.A0)


def turned(instance: Instance) -> Instance:
    """The same W0, Y and d with both bases rotated inside the tie."""
    z, r = instance.lift(EXACT), rank(instance)
    c, s = z.direction[0]
    bases = {}
    for name in ("U", "V"):
        X = getattr(z, name)
        R = EXACT.identity(X.shape[0])
        R[r - 1, r - 1], R[r, r - 1], R[r - 1, r], R[r, r] = c, s, -s, c
        bases[name] = X @ R
    A0 = z.Q @ (z.Q.mT @ z.A0 @ z.V) @ bases["V"].mT
    return instance.replace(**bases, A0=A0)


def is_tied(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """sigma decreases, sigma_r = sigma_{r+1}, r < min(n, m), and both bases diagonalise E."""
    r, values = rank(instance), instance.sigma[0]
    yield below("r against min(n, m)", r, len(values))
    for larger, smaller in pairwise((*values, Fraction(0))):
        yield at_most("the singular values decrease to 0 or more", smaller, larger)
    yield equal("sigma_r", EXACT.number(values[r - 1]), EXACT.number(values[r]))
    frame = Frame.of(instance)
    yield equal("U'EV", frame.E, diagonal(frame.E.shape, values))


def is_rotation(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """cos^2 + sin^2 = 1."""
    c, s = instance.direction[0]
    yield equal("cos^2 + sin^2", EXACT.number(c * c + s * s), EXACT.number(1))


def is_awake(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """B0 = 0 and d_i^2 > 0."""
    frame = Frame.of(instance)
    yield equal("||B0||^2", squared_norm(EXACT.matrix(instance.B0)), EXACT.number(0))
    for i in range(rank(instance)):
        yield below("0 < d_i^2", 0, frame.A[i, i] ** 2)


tied = Assumption(
    "tied",
    r"$r < \min(n, m)$, $\sigma_1 \ge \sigma_2 \ge \dots \ge 0$ and $\sigma_r = \sigma_{r+1}$",
    is_tied,
)
awake = Assumption("awake", r"$B_0 = 0$ and all $d_i \ne 0$", is_awake)
rotation = Assumption(
    "rotation", r"the direction $(c, s)$ has length 1", is_rotation, technical="it names an angle"
)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Both starts: the same residual and loss; the limits as stated, and how far they are apart."""
    other, z = turned(instance), instance.lift(EXACT)
    r, turned_frame = rank(instance), Frame.of(other)
    value = EXACT.number(instance.sigma[0][r - 1])
    E = diagonal(z.W0.shape, instance.sigma[0])
    yield equal("E in the turned bases", turned_frame.E, E)
    if (turned_frame.E != E).any():
        return  # without a tie the turned start couples the two directions
    off = off_diagonal(turned_frame.A)
    yield equal("Q'AV of the turned start off its diagonal", off, 0 * off)
    if (off != 0).any():
        return
    limits = []
    for start in (instance, other):
        frame = Frame.of(start)
        yield from stays_diagonal(start)
        BA = frame.U @ frame.limit.BA @ frame.V.mT
        limits.append(BA)
        yield equal("limit of BA", BA, truncated(start, r))
        yield equal("limit of the loss", frame.limit.loss, tail(start, r))
        yield from nears_its_limit(start, ctx)
    c, s = z.direction[0]
    seen = z.U.mT @ limits[1] @ z.V
    yield equal("entry (r, r) of the turned limit", seen[r - 1, r - 1], value * c * c)
    yield equal("entry (r, r+1) of the turned limit", seen[r - 1, r], value * c * s)
    apart = squared_norm(limits[1] - limits[0])
    yield equal("squared distance of the limits", apart, 2 * value**2 * s**2)


def one_limit(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Both starts claimed to have one limit."""
    limits = []
    for start in (instance, turned(instance)):
        frame = Frame.of(start)
        limits.append(frame.U @ frame.limit.BA @ frame.V.mT)
    yield equal("the two limits", *limits)


def half_each(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The tie claimed to be shared evenly, with the loss of the average."""
    r, value = rank(instance), EXACT.number(instance.sigma[0][rank(instance) - 1])
    frame = Frame.of(turned(instance))
    BA = instance.lift(EXACT).U.mT @ frame.U @ frame.limit.BA @ frame.V.mT
    BA = BA @ instance.lift(EXACT).V
    yield equal("entry (r, r)", BA[r - 1, r - 1], value / 2)


def cosine(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """cos in place of cos^2."""
    frame, z = Frame.of(turned(instance)), instance.lift(EXACT)
    seen = z.U.mT @ frame.U @ frame.limit.BA @ frame.V.mT @ z.V
    r = rank(instance)
    wanted = EXACT.number(instance.sigma[0][r - 1]) * z.direction[0][0]
    yield equal("entry (r, r)", seen[r - 1, r - 1], wanted)


def at_every_time(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Larger losses claimed for the turned start at a finite time."""
    losses: list[Any] = [Frame.of(x).loss_at(TIMES[0], ctx) for x in (instance, turned(instance))]
    yield at_least("turned against straight", losses[1] - losses[0], Fraction(1, 10))
    yield at_most("straight against turned", losses[0], losses[1])


EXAMPLE = example(
    (3, 1, 1), [[1, 0, 0], [0, 1, 0]], [[0, 0] for _ in range(4)], direction=[["3/5", "4/5"]]
)
ASLEEP = EXAMPLE.replace(A0=[[1, 0, 0], [0, 0, 0]])
OPPOSED = EXAMPLE.replace(B0=[[-1, 0], [0, 0], [0, 0], [0, 0]])
GAP = EXAMPLE.replace(Y=[[3, 0, 0], [0, 2, 0], [0, 0, 1], [0, 0, 0]], sigma=[[3, 2, 1]])

claim = Claim(
    name="rushka-klabjan/frobenius-ties",
    title="With a tie at r the limit depends on A0, the loss does not",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Let $E = Y - W_0 = U\Sigma V^\top$ with $\sigma_1 \ge \sigma_2 \ge \dots \ge 0$, "
        r"$r < \min(n, m)$, $\sigma_r = \sigma_{r+1}$, $B_0 = 0$, "
        r"$A_0 = Q\,\mathrm{diag}(d)[v_1, \dots, v_{r-1}, \tilde v]^\top$ with all $d_i \ne 0$, "
        r"$\tilde v = c\,v_r + s\,v_{r+1}$, $\tilde u = c\,u_r + s\,u_{r+1}$, $c^2 + s^2 = 1$. The "
        r"LoRA gradient flow of $\tfrac12\|W - Y\|_F^2$ has the limit $BA \to \sum_{i < r}\sigma_i "
        r"u_i v_i^\top + \sigma_r \tilde u\tilde v^\top$ as $t \to \infty$, at a squared distance "
        r"$2\sigma_r^2 s^2$ from the one for $s = 0$, and the loss tends to the least loss "
        r"$\tfrac12\sum_{i > r}\sigma_i^2$ for every $(c, s)$. For $E = \mathrm{diag}(3, 1, 1)$ "
        r"and $r = 2$ the entry $(BA)_{22}$ tends to $c^2$."
    ),
    assumptions=(tied, awake, rotation),
    instances=INSTANCES,
    check=check,
    limit="every mode has an explicit bound for all times that falls to its limit",
    controls=(
        Control(None, (EXAMPLE,), "one limit for both starts", one_limit),
        Control(None, (EXAMPLE,), "the tie is shared evenly", half_each),
        Control(None, (EXAMPLE,), "cos in place of cos^2", cosine),
        Control(None, (EXAMPLE,), "the turned start is slower", at_every_time),
        Control(awake, (ASLEEP, OPPOSED), "a direction with d_i = 0, or with B0 = -A0'"),
        Control(tied, (GAP,), "no tie: the turned start is not along singular directions"),
    ),
    arithmetics=("ball", "multiprecision"),
)
