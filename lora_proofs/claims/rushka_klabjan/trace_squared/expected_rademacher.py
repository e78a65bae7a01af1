"""The expected squared relative error from B0 = 0 and entries +-s of A0: exactly (n - 1)/r.

tr M = ||A0||^2 = rn s^2 is constant, so E R^2 = n E tr(M^2)/(rn s^2)^2 - 1, a sum of
fourth moments.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from lora_proofs.arithmetic import Arithmetic, Comparison, equal
from lora_proofs.claims.rushka_klabjan.trace_squared import expectations as e
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.language.lemmas import probability as lemma
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.words import Relation
from lora_proofs.strategies.draw import Draw
from lora_proofs.symbolic.steps import Step, cited

LABEL = "r E R^2"
MEAN = Relation(e.r * e.E_R2, "=", e.n - 1, LABEL)


def derive() -> Iterator[Step]:
    """Moments; the denominator is constant."""
    common = e.v**2 * (e.r * e.n**2)
    *first, norm, collected = e.numerator(common, e.n - 1, "signs", 1)
    yield from (*first, norm, collected, e.start_step())
    yield cited(
        lemma.CONSTANT_QUOTIENT,
        "R^2 = (n tr(M^2) - S^2)/S^2 with S = rn s^2; v^2 r n^2 is common to both",
        substitution={
            lemma.DENOMINATOR_MEAN: e.NORM,
            lemma.NUMERATOR_MEAN: e.GAP,
            lemma.RATIO_MEAN: e.E_R2,
            lemma.COMMON: common,
            lemma.BELOW: e.r,
            lemma.ABOVE: e.n - 1,
        },
        discharged_by={"denominator": norm, "numerator": collected, "constant": "signs"},
        label=LABEL,
    )


def draw(source: Draw, regime: str) -> Instance:
    """A shape, a variance and one start."""
    return e.draw_start(source, regime, "rademacher")


INSTANCES = Instances(draw, e.REGIMES)


def like_signs(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The first four moments of an entry; only +-s has the fourth moment v^2."""
    yield from e.entries_like(instance, Fraction(1))


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The mean by explicit entries against the formula; where cheap, over all sign matrices."""
    n, r = e.shape_of(instance)
    found = e.mean_squared_error(instance)
    yield e.one_start(instance, ctx)
    yield equal(LABEL, r * found, Fraction(n - 1))
    if (again := e.by_running_through(instance)) is not None and instance.law == "rademacher":
        yield equal("measured: E R^2 as a mean over all sign matrices", found, again)


def like_gaussian(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The formula for Gaussian entries, (n - 1)(n + 2)/(rn + 2)."""
    n, r = e.shape_of(instance)
    found = (r * n + 2) * e.mean_squared_error(instance)
    yield equal("(rn + 2) E R^2 as for Gaussian entries", found, Fraction((n - 1) * (n + 2)))


def like_orthonormal_rows(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The rows taken for orthogonal: n/r - 1."""
    n, r = e.shape_of(instance)
    found = r * e.mean_squared_error(instance)
    yield equal("r E R^2 as for orthonormal rows", found, Fraction(n - r))


signs = Assumption(
    "signs",
    r"the entries of $A_0$ are independent and $\pm\sqrt v$ with probability $\tfrac12$ each, "
    r"$v > 0$; the means are those of this law",
    like_signs,
)

TWO_SIZES = Instance(
    n=2, r=2, law="finite", v="5/2", A0=[[1, 2], [-2, 1]], w0=1,
    points=[[1, -1, 2, -2]], probabilities=[["1/4", "1/4", "1/4", "1/4"]],
)  # fmt: skip

claim = Claim(
    name="rushka-klabjan/trace-squared-expected-error-rademacher",
    title="Expected squared error from random signs",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Let $f = \tfrac12(\mathrm{tr} W)^2$, $w_0 = \mathrm{tr} W_0 \ne 0$, $B_0 = 0$ and $A_0$ "
        r"of shape $r \times n$ with independent entries that are $\pm\sqrt v$ with probability "
        r"$\tfrac12$ each, $v > 0$, for any $r, n \ge 1$. The update "
        r"$-\frac{w_0}{\|A_0\|_F^2} A_0^\top A_0$, in which the LoRA flow ends, has the squared "
        r"distance $R^2 = n\,\mathrm{tr}(M^2)/(\mathrm{tr} M)^2 - 1$, $M = A_0^\top A_0$, from the "
        r"full-parameter update $-\frac{w_0}{n} I$, relative to the latter, and "
        r"$\mathbb{E} R^2 = \frac{n-1}{r}$."
    ),
    assumptions=(signs, e.nonzero_trace),
    instances=INSTANCES,
    check=check,
    conclusion=(e.START, MEAN),
    derive=derive,
    interpret=e.interpret,
    controls=(
        Control(signs, (TWO_SIZES,), "entries +-1 and +-2: the trace of M is not constant"),
        Control(None, INSTANCES, "the formula for Gaussian entries is used", like_gaussian),
        Control(None, INSTANCES, "the rows are taken for orthogonal", like_orthonormal_rows),
    ),
    note=(
        "Also for r > n. At r = n the mean is 1 - 1/n, not 0. Up to 9 entries the check runs "
        "through all sign matrices; beyond that it is the quotient of the means by explicit "
        "entries, with the constant length of the derivation."
    ),
)
