"""A residual of smaller rank than the adapters: zero loss, and what is left over does not move.

With rank E = rho < r and B0 = 0 along the first r singular directions, the modes beyond rho have no
error. With b = 0 both of their rates are 0: the column of BQ stays 0 and the row of Q'A stays what
it was, however large it is. The first rho modes reach their singular values, so the loss tends
to 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

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
)
from lora_proofs.claims.rushka_klabjan.frobenius.spectral_start import awake, spectral
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.decoupling import frobenius_decoupled_closed_form
from lora_proofs.mathematics.flows import lora_vector_field
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.spectra import spectrum

REGIMES = (
    "one surplus mode",
    "several surplus modes",
    "r = min(n, m)",
    "zero residual",
    "tied spectrum",
    "large surplus rows",
)


def draw(source: Draw, regime: str) -> Instance:
    """B0 = 0, a start along the first r directions, and a residual of smaller rank."""
    n, m = source.integer(3, 4), source.integer(3, 4)
    k = min(n, m)
    surplus = source.integer(2, k - 1) if regime == "several surplus modes" else 1
    rho = source.integer(1, k - surplus)
    if regime == "r = min(n, m)":
        rho = k - surplus
    if regime == "tied spectrum":
        rho = max(rho, 2)
    if regime == "zero residual":
        rho, surplus = 0, source.integer(1, k)
    r = rho + surplus
    kind = "tied" if regime == "tied spectrum" else "distinct"
    values = [*(spectrum(source, rho, kind) if rho else ()), *[Fraction(0)] * (k - rho)]
    d = nonzeros(source, r)
    if regime == "large surplus rows":
        d[rho:] = [1000 * x for x in d[rho:]]
    problem = spectral_start(source, (n, m), values, range(r), d, [Fraction(0)] * r)
    return problem.replace(regimes=(regime,))


INSTANCES = Instances(draw, REGIMES)


def surplus_modes(instance: Instance) -> list[int]:
    """The first r places whose singular value is 0."""
    return [i for i in range(len(instance.A0)) if instance.sigma[0][i] == 0]


def is_deficient(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """sigma_r = 0: the residual has a smaller rank than r."""
    frame, r = Frame.of(instance), len(instance.A0)
    yield equal("sigma_r", frame.E[r - 1, r - 1], EXACT.number(0))


def starts_at_zero(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """B0 = 0."""
    B0 = instance.lift(EXACT).B0
    yield equal("B0", B0, 0 * B0)


deficient = Assumption("deficient", r"$\mathrm{rank}\,E < r$", is_deficient)
zero_B0 = Assumption("zero_B0", r"$B_0 = 0$", starts_at_zero)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Zero loss exactly in the limit; the surplus modes at rest; the flow beside it."""
    frame = Frame.of(instance)
    yield from stays_diagonal(instance)
    yield equal("limit of the loss", frame.limit.loss, EXACT.number(0))
    yield equal("limit of BA in the frame", frame.limit.BA, frame.E)
    yield from at_rest(instance)
    for t in TIMES[:1]:
        end = frobenius_decoupled_closed_form(0 * frame.E, frame.E, frame.A, frame.B, t, ctx)
        for k in surplus_modes(instance):
            gap = squared_norm(end.A[[k]] - ctx.matrix(frame.A[[k]])) + squared_norm(end.B[:, [k]])
            little = ctx.number(Fraction(1, 10**20))
            yield at_most("row of Q'A and column of BQ of a surplus mode, moved", gap, little)
    yield from nears_its_limit(instance, ctx)


def at_rest(instance: Instance) -> Iterator[Comparison]:
    """A surplus mode has rate 0 in both factors."""
    z = instance.lift(EXACT)
    dA, dB = lora_vector_field(frobenius(instance.Y), z.W0, z.A0, z.B0, EXACT)
    dA, dB = z.Q.mT @ dA @ z.V, z.U.mT @ dB @ z.Q
    for k in surplus_modes(instance):
        yield equal("rate of the row of Q'A", dA[[k]], 0 * dA[[k]])
        yield equal("rate of the column of BQ", dB[:, [k]], 0 * dB[:, [k]])


def shrinks(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The surplus rows of Q'A claimed to be unlearned, as weight decay would do."""
    frame = Frame.of(instance)
    fields = (0 * frame.E, frame.E, frame.A, frame.B)
    end = frobenius_decoupled_closed_form(*fields, TIMES[0], ctx)
    for k in surplus_modes(instance):
        size = squared_norm(end.A[[k]])
        yield below("|row of Q'A|^2", size, squared_norm(frame.A[[k]]) / 2)


THREE = [[1, 0, 0], [0, 2, 0], [0, 0, 1]]
NONE = [[0] * 3 for _ in range(4)]
FULL = example((3, 2, 1), [[1, 0, 0], [0, 2, 0]], [[0, 0] for _ in range(4)])
MOVING = example((3, 2, 0), THREE, [[0, 0, 0], [0, 0, 0], [0, 0, 1], [0, 0, 0]])
ASLEEP = example((3, 2, 0), [[1, 0, 0], [0, 0, 0], [0, 0, 1]], NONE)
SMALL = example(("1/100", 0, 0), [[1, 0, 0], [0, 1, 0]], [[0, 0] for _ in range(4)])
LARGE = example((4, 0, 0), [["1/10", 0, 0], [0, 1, 0]], [[0, 0] for _ in range(4)])
"""The first mode keeps the rate of its start, or a loss above 1 for a while."""
UNSORTED = example((3, 0, 2), [[1, 0, 0], [0, 1, 0]], [[0, 0] for _ in range(4)])

claim = Claim(
    name="rushka-klabjan/frobenius-rank-deficient-target",
    title="A residual of smaller rank than the adapters",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Let $E = Y - W_0 = U\Sigma V^\top$ have rank below $r \le \min(n, m)$, $B_0 = 0$ and "
        r"$A_0 = Q\,\mathrm{diag}(d) V_r^\top$ with $d_i \ne 0$ where $\sigma_i > 0$. The LoRA "
        r"gradient flow of $\tfrac12\|W - Y\|_F^2$ has $BA \to E$ and loss tending to 0 as "
        r"$t \to \infty$; for $i \le r$ with $\sigma_i = 0$ the $i$-th column of $BQ$ stays 0 and "
        r"the $i$-th row of $Q^\top A$ stays $d_i v_i^\top$."
    ),
    assumptions=(spectral, awake, deficient, zero_B0),
    instances=INSTANCES,
    check=check,
    limit="every mode has an explicit bound for all times that falls to its limit",
    controls=(
        Control(spectral, (UNSORTED,), "a surplus direction among the first r"),
        Control(awake, (ASLEEP,), "a direction of the residual whose entry of A0 is 0"),
        Control(deficient, (FULL,), "a residual of rank 3 for r = 2"),
        Control(zero_B0, (MOVING,), "a surplus mode with b != 0 moves"),
        Control(None, Instances(draw, ("one surplus mode",)), "the surplus shrinks", shrinks),
        Control(None, (SMALL, LARGE), "the surplus shrinks beside other modes", shrinks),
    ),
    arithmetics=("ball", "multiprecision"),
)
