"""With random weights adapters of rank ceil(D / 2) are exact, with probability one.

Every gap is a D x D matrix whose entries are polynomials in the entries of both models, and so is
its determinant. None of these determinants is the zero polynomial: with all frozen weights I and
all target weights 2I each gap is a positive multiple of I. So on the line W + tI, Wbar + 2tI
through any two models the determinants are polynomials in t whose leading coefficients are those
at I and 2I: all gaps are nonsingular but for finitely many t, and the check takes a small one, so
that it looks at models beside the instance. A polynomial that is not zero is not zero almost
everywhere, so weights with a density have G_i = D for all i, almost surely, and the threshold
max_i ceil(G_i / 2) is ceil(D / 2). It is enough for any models: no gap exceeds D.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, equal
from lora_proofs.claims.zeng_lee.transformer import problem, threshold
from lora_proofs.claims.zeng_lee.transformer.problem import HERE, ONE, models, pair
from lora_proofs.constructions.transformer_gaps import block_gaps, gap_ranks, output_gap
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.transformer import TransformerModel
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.transformers import transformer_model

REGIMES = ("D = 2", "D = 3", "two blocks", "two heads")
STEP = Fraction(1, 1009)
"""For whole weights no root: 1009 divides no leading coefficient, (2^k - 1)^D with k <= 4."""


def draw(source: Draw, regime: str) -> Instance:
    """Two models with independent weights, and the rank ceil(D / 2)."""
    D = 3 if regime == "D = 3" else 2
    shape = D, 2 if regime == "two blocks" else 1, 2 if regime == "two heads" else 1
    frozen, target = transformer_model(source, *shape), transformer_model(source, *shape)
    return pair(frozen, target, -(-D // 2), regimes=(regime,))


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Beside the instance every gap is nonsingular; on it rank ceil(D / 2) is exact."""
    frozen, target = models(instance)
    one, two = beside(frozen, STEP), beside(target, 2 * STEP)
    for i, gaps in enumerate(block_gaps(one, two), start=1):
        for kind, found in (("scores", gaps.scores), ("values", gaps.values)):
            for E in found:
                yield equal(f"rank of the gap of the {kind}, block {i}", EXACT.rank(E), len(E))
    yield equal("rank of the gap of the output", EXACT.rank(output_gap(one, two)), len(one.Wo))
    yield from threshold.check(instance, ctx)


def beside(model: TransformerModel, t: Fraction) -> TransformerModel:
    """The model with W + tI for every weight W; the biases do not enter the gaps."""
    I = EXACT.identity(model.width) * EXACT.number(t)
    return model.map(lambda X: X + I if X.shape == I.shape else X)


def half_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """R = ceil(D / 2)."""
    D = models(instance)[0].width
    yield equal("R", EXACT.number(instance.rank), -(-D // 2))


half = Assumption("half", r"$R = \lceil D/2 \rceil$", half_holds)


def generic_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """All weights of both models are nonsingular."""
    for model in models(instance):
        yield from problem.regular(model, ("Q", "K", "V", "O", "W1", "W2", "Wo"), ctx)


generic = Assumption(
    "generic",
    r"all weights of both models are nonsingular, which random ones are almost surely",
    generic_holds,
)


def one_less_everywhere(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The gaps claimed to be D - 1 at most."""
    frozen, target = models(instance)
    yield equal("largest gap", max(gap_ranks(frozen, target)), frozen.width - 1)


def at_the_instance(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Every gap nonsingular where the models stand, without the step along the line."""
    frozen, target = models(instance)
    yield equal("smallest gap", min(gap_ranks(frozen, target)), frozen.width)


TWICE = ONE.map(lambda X: 2 * X)

claim = Claim(
    name="zeng-lee/transformer-random-weights",
    title="Random transformers need adapters of half the width",
    source=Source("zeng-lee", "Corollary 8", "as commonly quoted", "recalled"),
    statement=(
        r"The determinants of all gaps are polynomials in the weights that are not zero, so for "
        r"random weights with a density $G_i = D$ for all $i$ almost surely, and adapters of rank "
        r"$R = \lceil D/2 \rceil$ make the frozen transformer equal to the target for every $X$."
    ),
    assumptions=(half, generic),
    instances=Instances(draw, REGIMES),
    check=check,
    kind="lower-bound",
    lower_bound=problem.necessary,
    controls=(
        Control(half, (pair(ONE, TWICE, 0, x=HERE),), "rank 0 for D = 2"),
        Control(generic, (threshold.without(1, None, "W1"),), "W1 = 0: the output is constant"),
        Control(None, (pair(ONE, TWICE, 1),), "gaps of rank D - 1", one_less_everywhere),
        Control(None, (pair(ONE, ONE, 1),), "full gaps of all models", at_the_instance),
    ),
    arithmetics=("exact",),
    note=(
        "That a polynomial other than 0 vanishes only on a null set is cited, and so is what "
        "almost surely means; checked are, on a line through every instance, models with full gaps "
        "beside it, and exactness on the instance itself."
    ),
)
