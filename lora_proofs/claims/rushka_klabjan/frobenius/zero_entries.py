"""A direction that starts at 0, or on its stable set, is never learned.

From A0 = Q diag(d) V_r', B0 = U_r diag(b) Q' along the first r directions, a rank index with
d_i = b_i = 0 has a zero row in Q'A and a zero column in BQ: both rates are 0, so it stays asleep,
and the rank is at most r less the number of these. With d_i = -b_i it stays on that line. Either
way the mode keeps its error, and the loss is at least what these directions and those beyond r
add.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_most, equal
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
from lora_proofs.claims.rushka_klabjan.frobenius.spectral_start import spectral
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.flows import lora_vector_field
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.strategies.draw import Draw, permutation, ratio
from lora_proofs.strategies.spectra import spectrum

REGIMES = (
    "one zero entry",
    "all entries zero",
    "zero A0 and one zero entry",
    "on the stable set",
    "asleep and on the stable set",
    "r = 1",
    "r = min(n, m)",
    "tied spectrum",
)


def draw(source: Draw, regime: str) -> Instance:
    """A spectral start of which some directions are lost."""
    n, m = source.integer(3, 4), source.integer(3, 4)
    k = min(n, m)
    r = {"r = 1": 1, "r = min(n, m)": k}.get(regime) or source.integer(2, k)
    values = spectrum(source, k, "tied" if regime == "tied spectrum" else "distinct")
    d, b = nonzeros(source, r), [Fraction(0)] * r
    lost = permutation(source, r)[: r if regime == "all entries zero" else 1]
    for i in lost:
        d[i] = Fraction(0)
    if regime == "zero A0 and one zero entry":
        d, b = b, d
    if regime == "on the stable set":
        d[lost[0]] = ratio(source, 1, 8, 4)
        b[lost[0]] = -d[lost[0]]
    if regime == "asleep and on the stable set":
        other = 1 - lost[0] if lost[0] < 2 else 0
        d[other] = ratio(source, 1, 3, 8)
        b[other] = -d[other]
    return spectral_start(source, (n, m), values, range(r), d, b).replace(regimes=(regime,))


INSTANCES = Instances(draw, REGIMES)


def lost(instance: Instance) -> list[int]:
    """The first r places with d_i + b_i = 0 and sigma_i > 0."""
    frame, r = Frame.of(instance), len(instance.A0)
    return [i for i in range(r) if frame.E[i, i] > 0 and frame.A[i, i] + frame.B[i, i] == 0]


def not_reached(instance: Instance) -> list[int]:
    """The places that keep their error."""
    return lost(instance) + list(range(len(instance.A0), len(instance.sigma[0])))


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The exact limit; what is asleep, or on the line, stays; the flow beside it."""
    frame = Frame.of(instance)
    yield from stays_diagonal(instance)
    yield from stays_lost(instance)
    kept = [0 if i in not_reached(instance) else x for i, x in enumerate(instance.sigma[0])]
    yield equal("limit of BA in the frame", frame.limit.BA, diagonal(frame.E.shape, kept))
    yield equal("limit of the loss", frame.limit.loss, share(instance, not_reached(instance)))
    excess = frame.limit.loss - tail(instance, len(instance.A0))
    yield equal("loss above the least one", excess, share(instance, lost(instance)))
    yield from nears_its_limit(instance, ctx)


def stays_lost(instance: Instance) -> Iterator[Comparison]:
    """d_i + b_i = 0 has rate 0, and so has a pair of zeros; w_i is at most 0."""
    z, frame = instance.lift(EXACT), Frame.of(instance)
    dA, dB = lora_vector_field(frobenius(instance.Y), z.W0, z.A0, z.B0, EXACT)
    dA, dB = z.Q.mT @ dA @ z.V, z.U.mT @ dB @ z.Q
    for i in lost(instance):
        yield equal("rate of d_i + b_i", dA[i, i] + dB[i, i], EXACT.number(0))
        yield at_most("w_i against 0", frame.A[i, i] * frame.B[i, i], 0)
        if frame.A[i, i] == 0:
            yield equal("rate of a zero row of Q'A", dA[[i]], 0 * dA[[i]])
            yield equal("rate of a zero column of BQ", dB[:, [i]], 0 * dB[:, [i]])


def optimal(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The level kept for all time claimed to be the least loss of rank r."""
    yield at_most(
        "the level that is kept",
        share(instance, not_reached(instance)),
        tail(instance, len(instance.A0)),
    )


def of_lower_rank(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The least loss of the rank that is left: the lost direction need not be the last."""
    rank = len(instance.A0) - len(lost(instance))
    yield equal("limit of the loss", Frame.of(instance).limit.loss, tail(instance, rank))


NO_B = [[0, 0] for _ in range(5)]
SECOND = example((3, 2, 1, Fraction(1, 2)), [[1, 0, 0, 0], [0, 0, 0, 0]], NO_B)
FIRST = example((3, 2, 1, Fraction(1, 2)), [[0, 0, 0, 0], [0, 1, 0, 0]], NO_B)
UNSORTED = example((2, 3, 1, Fraction(1, 2)), [[1, 0, 0, 0]], [[0] for _ in range(5)])

claim = Claim(
    name="rushka-klabjan/frobenius-zero-entries",
    title="A direction that starts at zero is never learned",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Let $E = Y - W_0 = U\Sigma V^\top$ with decreasing singular values, "
        r"$A_0 = Q\,\mathrm{diag}(d) V_r^\top$ and $B_0 = U_r\,\mathrm{diag}(b) Q^\top$, and let "
        r"$Z$ be the $i \le r$ with $d_i + b_i = 0$ and $\sigma_i > 0$. The LoRA gradient flow of "
        r"$\tfrac12\|W - Y\|_F^2$ keeps them so, and its loss falls to "
        r"$\tfrac12\sum_{i > r}\sigma_i^2 + \tfrac12\sum_{i \in Z}\sigma_i^2$ and stays at least "
        r"that. For $E = \mathrm{diag}(3, 2, 1, \tfrac12)$, $r = 2$, $B_0 = 0$ and $d_2 = 0$ that "
        r"is $\tfrac{21}{8}$, where the least loss is $\tfrac58$."
    ),
    assumptions=(spectral,),
    instances=INSTANCES,
    check=check,
    kind="invariance",
    controls=(
        Control(spectral, (UNSORTED,), "a direction that is not the first", check),
        Control(None, (SECOND,), "the least loss of rank r claimed for d_2 = 0", optimal),
        Control(None, (FIRST,), "the least loss of the rank that is left", of_lower_rank),
    ),
    arithmetics=("ball", "multiprecision"),
)
