"""From other singular directions than the first r the Frobenius flow ends above the optimum.

Along u_i, v_i with i in S the flow falls into modes; the pairs with i outside S are seen by no
factor and stay unseen (frobenius-decoupling). So BA ends in the sum over S, and the loss is at
least what lies outside S, for all time. Such an end is a saddle: see frobenius-escape-rates.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_most, below, equal
from lora_proofs.claims.rushka_klabjan.frobenius.spectral import (
    Frame,
    diagonal,
    example,
    nears_its_limit,
    nonzeros,
    share,
    spectral_start,
    stays_diagonal,
    tail,
)
from lora_proofs.claims.rushka_klabjan.frobenius.spectral_start import off_diagonal
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.flows import lora_vector_field
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.strategies.draw import Draw, permutation
from lora_proofs.strategies.spectra import spectrum

REGIMES = (
    "any directions",
    "zero A0",
    "both factors",
    "r = 1",
    "the last directions",
    "one direction skipped",
    "a tie across S",
    "wide",
)


def draw(source: Draw, regime: str) -> Instance:
    """A spectral start along directions S, which are stored as numbers from 1."""
    n, m = (3, 4) if regime == "wide" else (source.integer(3, 4), source.integer(3, 4))
    k = min(n, m)
    r = 1 if regime == "r = 1" else source.integer(1, k - 1)
    chosen = sorted(permutation(source, k)[:r])
    if regime == "the last directions":
        chosen = list(range(k - r, k))
    if regime == "one direction skipped":
        chosen = [*range(r - 1), r]
    values = list(spectrum(source, k))
    if regime == "a tie across S":
        chosen = [*range(r - 1), r]
        values[r] = values[r - 1]
        values[r + 1 :] = [min(x, values[r]) for x in values[r + 1 :]]
    d, b = nonzeros(source, r), [Fraction(0)] * r
    if regime == "zero A0":
        d, b = b, d
    if regime == "both factors":
        b = [x if x + y else 2 * x for x, y in zip(nonzeros(source, r), d, strict=True)]
    problem = spectral_start(source, (n, m), values, chosen, d, b)
    return problem.replace(regimes=(regime,), S=[[i + 1 for i in chosen]])


INSTANCES = Instances(draw, REGIMES)


def chosen(instance: Instance) -> list[int]:
    """S, counted from 0."""
    return [int(i) - 1 for i in instance.S[0]]


def outside(instance: Instance) -> list[int]:
    """The places of the diagonal outside S."""
    return [i for i in range(len(instance.sigma[0])) if i not in chosen(instance)]


def is_along_S(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """In the frame the factors meet S alone, one rank index for each direction."""
    z, frame, S = instance.lift(EXACT), Frame.of(instance), chosen(instance)
    for name in ("U", "V", "Q"):
        X = getattr(z, name)
        yield equal(f"{name}'{name}", X.mT @ X, EXACT.identity(X.shape[0]))
    yield equal("U'EV off its diagonal", off_diagonal(frame.E), 0 * frame.E)
    A, B = 0 * frame.A, 0 * frame.B
    for k, i in enumerate(S):
        A[k, i], B[i, k] = frame.A[k, i], frame.B[i, k]
    yield equal("Q'A0V along S", frame.A, A)
    yield equal("U'B0Q along S", frame.B, B)


def is_awake(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """(d_i + b_i)^2 > 0 for every direction of S with sigma_i > 0."""
    frame = Frame.of(instance)
    yield at_most("r against min(n, m)", len(chosen(instance)), min(frame.E.shape))
    for k, i in enumerate(chosen(instance)):
        if frame.E[i, i] != 0:
            yield below("0 < (d_i + b_i)^2", 0, (frame.A[k, i] + frame.B[i, k]) ** 2)


along_S = Assumption(
    "along_S",
    r"$E = U\Sigma V^\top$ is a singular value decomposition, $A_0 = Q\,\mathrm{diag}(d) V_S^\top$ "
    r"and $B_0 = U_S\,\mathrm{diag}(b) Q^\top$ with $Q$ orthogonal and $|S| = r$",
    is_along_S,
)
awake = Assumption("awake", r"$d_i + b_i \ne 0$ for every $i$ in $S$ with $\sigma_i > 0$", is_awake)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The exact limit; the unseen pairs and the level that they keep; the flow beside it."""
    frame = Frame.of(instance)
    yield from stays_diagonal(instance)
    yield from stays_unseen(instance)
    kept = [x if i in chosen(instance) else 0 for i, x in enumerate(instance.sigma[0])]
    yield equal("limit of BA in the frame", frame.limit.BA, diagonal(frame.E.shape, kept))
    yield equal("limit of the loss", frame.limit.loss, share(instance, outside(instance)))
    yield at_most("the least loss of rank r", tail(instance, len(instance.A0)), frame.limit.loss)
    yield from nears_its_limit(instance, ctx)


def stays_unseen(instance: Instance) -> Iterator[Comparison]:
    """u_i'B and A v_i are 0, and so are their rates, for every i outside S."""
    z, frame = instance.lift(EXACT), Frame.of(instance)
    dA, dB = lora_vector_field(frobenius(instance.Y), z.W0, z.A0, z.B0, EXACT)
    dA, dB = dA @ z.V, z.U.mT @ dB
    for i in outside(instance):
        yield equal("A v_i", frame.A[:, [i]], 0 * frame.A[:, [i]])
        yield equal("rate of A v_i", dA[:, [i]], 0 * frame.A[:, [i]])
        yield equal("u_i'B", frame.B[[i]], 0 * frame.B[[i]])
        yield equal("rate of u_i'B", dB[[i]], 0 * frame.B[[i]])


def optimal(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The level kept for all time claimed to be the least loss of rank r."""
    level = share(instance, outside(instance))
    yield at_most("the level that is kept", level, tail(instance, len(instance.A0)))


def from_the_top(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The sum over i > r in place of i outside S."""
    wrong = share(instance, range(len(instance.A0), len(instance.sigma[0])))
    yield equal("limit of the loss", Frame.of(instance).limit.loss, wrong)


NO_B = [[0, 0] for _ in range(5)]
TWO_AND_FOUR = example((3, 2, 1, Fraction(1, 2)), [[0, 1, 0, 0], [0, 0, 0, 1]], NO_B, S=[[2, 4]])
MORE = example(
    (3, 2, 1, Fraction(1, 2)),
    [[0, 1, 0, 0], [0, 0, 0, 1], [1, 0, 0, 0]],
    [[0, 0, 0] for _ in range(5)],
    S=[[2, 4]],
)
BOTH = example((3, 2, 1, Fraction(1, 100)), [[0, 0, 0, 1]], [[0], [0], [0], [1], [0]], S=[[4]])
ASLEEP = TWO_AND_FOUR.replace(A0=[[0, 1, 0, 0], [0, 0, 0, 0]])

claim = Claim(
    name="rushka-klabjan/frobenius-wrong-directions",
    title="Other singular directions keep a higher loss",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Let $E = Y - W_0 = U\Sigma V^\top$, $A_0 = Q\,\mathrm{diag}(d) V_S^\top$ and "
        r"$B_0 = U_S\,\mathrm{diag}(b) Q^\top$ along any $r$ singular directions $S$, with $Q$ "
        r"orthogonal and $d_i + b_i \ne 0$ where $\sigma_i > 0$. The LoRA gradient flow of "
        r"$\tfrac12\|W - Y\|_F^2$ keeps $u_i^\top B = 0$ and $A v_i = 0$ for $i$ outside $S$, its "
        r"loss stays at least $\tfrac12\sum_{i \notin S}\sigma_i^2$ and falls to it, and $BA$ "
        r"tends to $\sum_{i \in S}\sigma_i u_i v_i^\top$. For $E = \mathrm{diag}(3, 2, 1, "
        r"\tfrac12)$, $r = 2$ and $S = \{2, 4\}$ that is 5, where the least loss is "
        r"$\tfrac58$."
    ),
    assumptions=(along_S, awake),
    instances=INSTANCES,
    check=check,
    kind="invariance",
    controls=(
        Control(along_S, (MORE,), "a row of A0 along a direction outside S"),
        Control(awake, (ASLEEP,), "a direction of S with d_i = b_i = 0"),
        Control(None, (TWO_AND_FOUR,), "the least loss claimed for S = {2, 4}", optimal),
        Control(None, (TWO_AND_FOUR, BOTH), "the sum over i > r", from_the_top),
    ),
    arithmetics=("ball", "multiprecision"),
)
