"""From the top r singular directions of Y - W0 the Frobenius flow ends in the truncated SVD.

E = Y - W0 = U Sigma V', A0 = Q diag(d) V_r', B0 = U_r diag(b) Q' falls into modes
(frobenius-decoupling); mode i ends in sigma_i unless sigma_i > 0 and d_i + b_i = 0
(frobenius-scalar-limits). So BA ends in E_r, the best approximation of rank r
(classical/eckart-young-mirsky). Each mode has a bound that falls to its limit, so their sum bounds
the loss for all times.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
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
    TIMES,
    Frame,
    example,
    nears_its_limit,
    nonzeros,
    spectral_start,
    stays_diagonal,
    tail,
    truncated,
)
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.spectra import spectrum

REGIMES = (
    "zero B0",
    "zero A0",
    "both factors",
    "r = 1",
    "r = min(n, m)",
    "tie at r",
    "tie inside",
    "zero singular values",
    "zero residual",
    "wide",
    "tall",
)
KINDS = {"zero singular values": "with zeros", "zero residual": "zero"}


def draw(source: Draw, regime: str) -> Instance:
    """A spectral start along the first r directions, off the stable set of every mode."""
    n, m = source.integer(2, 4), source.integer(2, 4)
    if regime in ("wide", "tall"):
        n, m = (2, 4) if regime == "wide" else (4, 2)
    k = min(n, m)
    r = source.integer(1, k)
    if regime in ("r = 1", "r = min(n, m)"):
        r = 1 if regime == "r = 1" else k
    if regime == "tie at r":
        r = source.integer(1, k - 1)
    values = list(spectrum(source, k, KINDS.get(regime, "distinct")))
    if regime == "tie at r":
        values[r] = values[r - 1]
    if regime == "tie inside":
        values[1] = values[0]
    values.sort(reverse=True)
    d, b = factors(source, regime, r)
    return spectral_start(source, (n, m), values, range(r), d, b).replace(regimes=(regime,))


def factors(source: Draw, regime: str, r: int) -> tuple[list[Fraction], list[Fraction]]:
    """d and b with d_i + b_i different from 0; one of them 0 unless the regime has both."""
    d, b = nonzeros(source, r), [Fraction(0)] * r
    if regime == "zero A0":
        d, b = b, d
    if regime in ("both factors", "zero singular values"):
        b = [x if x + y else 2 * x for x, y in zip(nonzeros(source, r), d, strict=True)]
    return d, b


INSTANCES = Instances(draw, REGIMES)


def rank(instance: Instance) -> int:
    """r."""
    return len(instance.A0)


def is_spectral(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """U, V, Q are orthogonal and turn E and the factors into diagonal matrices."""
    z, frame = instance.lift(EXACT), Frame.of(instance)
    for name in ("U", "V", "Q"):
        X = getattr(z, name)
        yield equal(f"{name}'{name}", X.mT @ X, EXACT.identity(X.shape[0]))
    for name, X in (("U'EV", frame.E), ("Q'AV", frame.A), ("U'BQ", frame.B)):
        yield equal(f"{name} off its diagonal", off_diagonal(X), 0 * X)
    values = [frame.E[i, i] for i in range(min(frame.E.shape))]
    for x, y in zip(values, [*values[1:], EXACT.number(0)], strict=True):
        yield at_most("the singular values decrease to 0 or more", y, x)


def off_diagonal(X: Any) -> Any:
    """The matrix with its diagonal set to 0."""
    Y = X.copy()
    for i in range(min(X.shape)):
        Y[i, i] = EXACT.number(0)
    return Y


def is_awake(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """(d_i + b_i)^2 > 0 for every i up to r with sigma_i > 0."""
    frame = Frame.of(instance)
    yield at_most("r against min(n, m)", rank(instance), min(frame.E.shape))
    for i in range(min(rank(instance), min(frame.E.shape))):
        if frame.E[i, i] > 0:
            yield below("0 < (d_i + b_i)^2", 0, (frame.A[i, i] + frame.B[i, i]) ** 2)


spectral = Assumption(
    "spectral",
    r"$E = Y - W_0 = U\Sigma V^\top$ is a singular value decomposition with decreasing singular "
    r"values, and $A_0 = Q\,\mathrm{diag}(d) V_r^\top$, $B_0 = U_r\,\mathrm{diag}(b) Q^\top$ with "
    r"$Q$ orthogonal",
    is_spectral,
)
awake = Assumption(
    "awake",
    r"$r \le \min(n, m)$ and $d_i + b_i \ne 0$ for every $i \le r$ with $\sigma_i > 0$",
    is_awake,
)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The exact limit against the truncated decomposition; the flow against its bound."""
    r, frame = rank(instance), Frame.of(instance)
    yield from stays_diagonal(instance)
    limit = frame.limit
    BA = frame.U @ limit.BA @ frame.V.mT
    yield equal("limit of BA", BA, truncated(instance, r))
    yield equal("limit of the loss", limit.loss, tail(instance, r))
    z = instance.lift(EXACT)
    error, full = squared_norm(z.W0 + BA - z.Y), squared_norm(z.Y - z.W0)
    values = [x * x for x in instance.sigma[0]]
    rest, whole = (EXACT.number(sum(x, Fraction(0))) for x in (values[r:], values))
    yield equal("square of the relative error", error * whole, rest * full)
    if r == min(z.W0.shape):
        yield equal("W for r = min(n, m)", z.W0 + BA, z.Y)
    yield from nears_its_limit(instance, ctx)


def one_less(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The loss of rank r + 1 claimed of rank r."""
    limit = Frame.of(instance).limit
    yield at_most("limit of the loss for r + 1", limit.loss, tail(instance, rank(instance) + 1))


def best_of_start(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The limit claimed to be the best approximation of Y in place of E = Y - W0."""
    frame, z = Frame.of(instance), instance.lift(EXACT)
    BA = frame.U @ frame.limit.BA @ frame.V.mT
    yield equal("limit of BA against Y", BA, z.Y)


def reached(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The loss claimed to be at its limit already at the last time."""
    frame = Frame.of(instance)
    at = frame.loss_at(TIMES[0], ctx)
    yield at_most("loss at t = 1/2 against its limit", at, ctx.number(frame.limit.loss))


def only(*regimes: str) -> Instances:
    """Draws of some regimes."""
    return Instances(draw, regimes)


SPECTRUM = (3, 2, 1, Fraction(1, 2))
NO_B = [[0, 0] for _ in range(5)]
FIRST_TWO = [[1, 0, 0, 0], [0, 1, 0, 0]]
LOWER = example((2, Fraction(1, 2), 3, 1), FIRST_TWO, NO_B)
ASLEEP = example(SPECTRUM, [[1, 0, 0, 0], [0, 0, 0, 0]], NO_B)
SMALL = example((Fraction(1, 100), 0, 0), [[1, 0, 0]], [[0] for _ in range(4)])
"""The mode keeps the rate of its start."""

claim = Claim(
    name="rushka-klabjan/frobenius-spectral-start",
    title="A spectral start ends in the truncated SVD",
    source=Source("rushka-klabjan", "", "reconstructed", "summary"),
    statement=(
        r"Let $E = Y - W_0 = U\Sigma V^\top$ with $\sigma_1 \ge \sigma_2 \ge \dots \ge 0$, $A_0 = "
        r"Q\,\mathrm{diag}(d) V_r^\top$ and $B_0 = U_r\,\mathrm{diag}(b) Q^\top$ along its first "
        r"$r \le \min(n, m)$ singular directions, $Q$ orthogonal, $d_i + b_i \ne 0$ where "
        r"$\sigma_i > 0$ (for $B_0 = 0$: $d_i \ne 0$ where $\sigma_i > 0$). Then the LoRA gradient "
        r"flow of $\tfrac12\|W - Y\|_F^2$ has $BA \to E_r = \sum_{i \le r}\sigma_i u_i v_i^\top$ "
        r"as $t \to \infty$, its loss tends to $\tfrac12\sum_{i > r}\sigma_i^2$, which is the "
        r"least loss of any update of rank $r$, and for $E \ne 0$ $\|W_\infty - Y\|_F^2 / "
        r"\|E\|_F^2 = \sum_{i > r}\sigma_i^2 / \sum_i\sigma_i^2$. For $r = \min(n, m)$, $W_\infty "
        r"= Y$, as in full-parameter training."
    ),
    assumptions=(spectral, awake),
    instances=INSTANCES,
    check=check,
    limit="every mode has an explicit bound for all times that falls to its limit",
    controls=(
        Control(spectral, (LOWER,), "the directions of sigma_2 and sigma_4"),
        Control(awake, (ASLEEP,), "a direction whose entry of A0 is 0"),
        Control(None, only("r = 1"), "the loss of rank r + 1", one_less),
        Control(None, only("zero B0"), "the limit approximates Y and not Y - W0", best_of_start),
        Control(None, only("zero B0"), "the limit claimed to be reached", reached),
        Control(None, (SMALL,), "a small limit claimed to be reached", reached),
    ),
    arithmetics=("ball", "multiprecision"),
    note=(
        "The modes are those of frobenius-decoupling; that no update of rank r has a smaller loss "
        "is classical/eckart-young-mirsky."
    ),
)
