"""The expected squared relative error from B0 = 0 and Gaussian A0: (n - 1)(n + 2)/(rn + 2).

R^2 = n tr(M^2)/(tr M)^2 - 1 with M = A0'A0 depends on the direction of A0 alone, which for Gaussian
entries is independent of the length, so E R^2 = E (n tr(M^2) - (tr M)^2)/E (tr M)^2. Both means are
sums of fourth moments.
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

LABEL = "(rn + 2) E R^2"
BELOW, ABOVE = e.r * e.n + 2, (e.n - 1) * (e.n + 2)
MEAN = Relation(BELOW * e.E_R2, "=", ABOVE, LABEL)


def derive() -> Iterator[Step]:
    """Moments, then independence of length and direction."""
    common = e.v**2 * (e.r * e.n)
    *first, norm, collected = e.numerator(common, ABOVE, "gaussian", 3)
    yield from (*first, norm, collected, e.start_step())
    yield cited(
        lemma.GAUSSIAN_QUOTIENT,
        "R^2 = (n tr(M^2) - S^2)/S^2, and v^2 r n is common to both means",
        substitution={
            lemma.DENOMINATOR_MEAN: e.NORM,
            lemma.NUMERATOR_MEAN: e.GAP,
            lemma.RATIO_MEAN: e.E_R2,
            lemma.COMMON: common,
            lemma.BELOW: BELOW,
            lemma.ABOVE: ABOVE,
        },
        discharged_by={"denominator": norm, "numerator": collected, "law": "gaussian"},
        label=LABEL,
    )


def draw(source: Draw, regime: str) -> Instance:
    """A shape, a variance and one start."""
    return e.draw_start(source, regime, "gaussian")


INSTANCES = Instances(draw, e.REGIMES)


def like_gaussian(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The first four moments of an entry."""
    yield from e.entries_like(instance, Fraction(3))


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The mean by explicit entries against the formula, and by a cubature as well."""
    n, r = e.shape_of(instance)
    found = e.mean_squared_error(instance)
    yield e.one_start(instance, ctx)
    yield equal(LABEL, (r * n + 2) * found, Fraction((n - 1) * (n + 2)))
    if instance.law == "gaussian":
        again = e.by_design(instance)
        yield equal("measured: E R^2 as a mean over finitely many matrices", found, again)


def like_signs(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The formula for Rademacher entries, (n - 1)/r."""
    n, r = e.shape_of(instance)
    yield equal("r E R^2 as for signs", r * e.mean_squared_error(instance), Fraction(n - 1))


def constant_trace(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """tr M replaced by its mean: E tr(M^2) over (E tr M)^2 gives (n + 1)/r."""
    n, r = e.shape_of(instance)
    yield equal("r E R^2 with E tr M for tr M", r * e.mean_squared_error(instance), Fraction(n + 1))


def only(*regimes: str) -> Instances:
    """Draws of some regimes."""
    return Instances(draw, regimes)


gaussian = Assumption(
    "gaussian",
    r"the entries of $A_0$ are independent $N(0, v)$ with $v > 0$; the means are those of this law",
    like_gaussian,
)

SIGNS = Instance(n=3, r=2, law="rademacher", v=1, A0=[[1, 1, -1], [1, -1, 1]], w0=1)

claim = Claim(
    name="rushka-klabjan/trace-squared-expected-error-gaussian",
    title="Expected squared error from a Gaussian start",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Let $f = \tfrac12(\mathrm{tr} W)^2$, $w_0 = \mathrm{tr} W_0 \ne 0$, $B_0 = 0$ and $A_0$ "
        r"of shape $r \times n$ with independent $N(0, v)$ entries, for any $r, n \ge 1$. The "
        r"update $-\frac{w_0}{\|A_0\|_F^2} A_0^\top A_0$, in which the LoRA flow ends, has the "
        r"squared distance $R^2 = n\,\mathrm{tr}(M^2)/(\mathrm{tr} M)^2 - 1$, $M = A_0^\top A_0$, "
        r"from the full-parameter update $-\frac{w_0}{n} I$, relative to the latter, and "
        r"$\mathbb{E} R^2 = \frac{(n-1)(n+2)}{rn+2}$."
    ),
    assumptions=(gaussian, e.nonzero_trace),
    instances=INSTANCES,
    check=check,
    conclusion=(e.START, MEAN),
    derive=derive,
    interpret=e.interpret,
    controls=(
        Control(gaussian, (SIGNS,), "Rademacher entries: E R^2 is 1, not 10/8"),
        Control(None, only("r = n"), "the formula for Rademacher entries is used", like_signs),
        Control(None, only("generic"), "tr M is replaced by its mean", constant_trace),
    ),
    note=(
        "Whatever the scale of A0. At r = n the mean is (n - 1)(n + 2)/(n^2 + 2), not 0 (see "
        "naive/gaussian-error-vanishes-at-full-rank). E R is at most the root of E R^2. The check "
        "has two sides: the quotient of the means, which shares the independence of length and "
        "direction with the derivation, and a cubature of the sphere, which does not need it."
    ),
)
