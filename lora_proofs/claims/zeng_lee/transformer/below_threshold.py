"""Below the threshold there are adapters with an error bounded by the singular values left over.

Each gap E (of scores, values or the output, in the coordinates of the units) is replaced by its
best approximation of rank 2R, which leaves sigma_{2R+1}(E), and the biases are those that make all
constants agree; b2 = C y with Cbar y = bbar2 turns a difference D of scores into [D, D y]. Then
the bound of zeng-lee/transformer-perturbation holds with these numbers: it tells the error from the
target, the gaps and R alone, before any adapter is built.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, squared_norm
from lora_proofs.arithmetic.dense import inverse
from lora_proofs.claims.zeng_lee.transformer import perturbation, problem, threshold, two_blocks
from lora_proofs.claims.zeng_lee.transformer.problem import HERE, changed, models, pair
from lora_proofs.constructions.transformer import transformer_adapters
from lora_proofs.constructions.transformer_error import (
    BlockSizes,
    HeadSizes,
    OutputSizes,
    column_error_bound,
    sizes,
)
from lora_proofs.constructions.transformer_gaps import (
    BlockGaps,
    block_gaps,
    exact_product,
    gap_ranks,
    output_gap,
    unit_offset,
)
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.transformer import TransformerModel, identity_model
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.matrices import matrix
from lora_proofs.strategies.spectra import spectrum, with_singular_values
from lora_proofs.strategies.transformers import small, transformer_model

REGIMES = ("rank 1 of 3", "rank 0", "two blocks", "two heads", "one column", *two_blocks.REGIMES)


def draw(source: Draw, regime: str) -> Instance:
    """A frozen model and a target with gaps of rational singular values; one rank too few."""
    if regime in two_blocks.REGIMES:
        return of_two_blocks(*two_blocks.draw(source, regime), regimes=(regime,))
    D, R = (3, 1) if regime == "rank 1 of 3" else (2, 0)
    shape = D, 2 if regime == "two blocks" else 1, 2 if regime == "two heads" else 1
    frozen, target = transformer_model(source, *shape), transformer_model(source, *shape)
    target = with_gaps(source, frozen, target)
    X = matrix(source, D, 1 if regime == "one column" else 2, entry=small) / 4
    rho = perturbation.bound_of(X)
    return pair(frozen, target, R, X=X, rho=rho, regimes=(regime,))


def of_two_blocks(
    frozen: TransformerModel, target: TransformerModel, X: Any, rho: Any, **fields: Any
) -> Instance:
    """Two models and an input at rank 0, where the frozen model stays as it is."""
    return pair(frozen, target, 0, X=X, rho=rho, **fields)


def with_gaps(source: Draw, frozen: TransformerModel, target: TransformerModel) -> TransformerModel:
    """The target with Q, V and Wo such that every gap is U diag(s) V', signed permutations U, V."""
    D, I = frozen.width, EXACT.identity(frozen.width)

    def gap() -> Any:
        return with_singular_values(source, D, D, spectrum(source, D), dyadic=True)

    C, Cbar, blocks = I, I, []
    for ours, theirs in zip(frozen.blocks, target.blocks, strict=True):
        back, heads = inverse(Cbar, EXACT), []
        for a, b in zip(ours.heads, theirs.heads, strict=True):
            scores = exact_product(C.mT, a.K.mT, a.Q, C) + gap()
            values = exact_product(ours.W1, a.O, a.V, C) + gap()
            heads.append(replace(b, K=I, Q=exact_product(back.mT, scores, back),
                                 O=I, V=exact_product(values, back)))  # fmt: skip
        blocks.append(replace(theirs, heads=tuple(heads), W1=I))
        C, Cbar = ours.W2, theirs.W2
    Wo = exact_product(exact_product(frozen.Wo, C) + gap(), inverse(Cbar, EXACT))
    return TransformerModel(tuple(blocks), Wo)


def left_over(instance: Instance, ctx: Arithmetic) -> tuple[Any, OutputSizes]:
    """The sizes of the target, with sigma_{2R+1} of every gap as differences."""
    frozen, target = models(instance)
    k, (blocks, output) = 2 * int(instance.rank), sizes(target, target, ctx)
    found = []
    for i, (block, gaps) in enumerate(zip(blocks, block_gaps(frozen, target), strict=True)):
        stretch = ctx.number(1)
        if i:
            y = ctx.matrix(unit_offset(target, i)[0])
            stretch = ctx.sqrt(1 + squared_norm(y))
        found.append(_with_errors(block, gaps, k, stretch, ctx))
    last = nth(output_gap(frozen, target), k, ctx)
    return found, replace(output, weight_error=last)


def _with_errors(
    block: BlockSizes, gaps: BlockGaps, k: int, stretch: Any, ctx: Arithmetic
) -> BlockSizes:
    heads = zip(block.heads, gaps.scores, gaps.values, strict=True)
    return replace(
        block,
        heads=tuple(
            HeadSizes(h.scores, h.values, stretch * nth(S, k, ctx), nth(U, k, ctx))
            for h, S, U in heads
        ),
    )


def nth(E: Any, k: int, ctx: Arithmetic) -> Any:
    """sigma_{k+1}(E), exactly 0 within the rank."""
    if EXACT.rank(E) <= k:
        return ctx.number(0)
    return ctx.singular_values(ctx.matrix(E))[k]


def compared(instance: Instance, ctx: Arithmetic, part: Any) -> Iterator[Comparison]:
    """Every column of the error of the adapters against a part of the bound."""
    bound = part * column_error_bound(*left_over(instance, ctx), instance.rho, ctx)
    yield from compared_to(instance, ctx, bound)


def compared_to(instance: Instance, ctx: Arithmetic, bound: Any) -> Iterator[Comparison]:
    """Every column of the error of the adapters, of rank R, against a bound."""
    frozen, target = models(instance)
    model = transformer_adapters(frozen, target, int(instance.rank), EXACT).model
    yield from problem.adapters_of_rank(frozen, model, instance.rank)
    found = perturbation.both(model, target, instance.X, instance.rho)
    yield from perturbation.against(found, ctx, bound)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The adapters of the construction are within the bound."""
    yield from compared(instance, ctx, ctx.number(1))


def no_adapters(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Where the rank suffices the bound is 0: what that needs of any adapters."""
    if max(gap_ranks(*models(instance))) <= 2 * instance.rank:
        yield from problem.jacobian_bounds(instance, ctx)


def slightly_less(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """99/100 of the bound."""
    yield from compared(instance, ctx, ctx.number(99) / 100)


def last_alone(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The last block alone, as if it saw X in both models."""
    blocks, output = left_over(instance, ctx)
    bound = column_error_bound(blocks[-1:], output, instance.rho, ctx)
    yield from compared_to(instance, ctx, bound)


def without_turning(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Differences of the units that do not move the scores of the next block."""
    blocks, output = left_over(instance, ctx)
    still = [
        replace(b, heads=tuple(replace(h, scores=ctx.number(0)) for h in b.heads)) for b in blocks
    ]
    bound = column_error_bound(still, output, instance.rho, ctx)
    yield from compared_to(instance, ctx, bound)


def without_scores(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Nothing left over of the scores."""
    blocks, output = left_over(instance, ctx)
    exact = [
        replace(b, heads=tuple(replace(h, score_error=ctx.number(0)) for h in b.heads))
        for b in blocks
    ]
    yield from compared_to(instance, ctx, column_error_bound(exact, output, instance.rho, ctx))


regular = Assumption(
    "frozen",
    r"all frozen weights are nonsingular",
    lambda instance, ctx: problem.regular(
        models(instance)[0], ("Q", "K", "V", "O", "W1", "W2", "Wo"), ctx
    ),
)

TRIPLE = identity_model(2, blocks=1)
MOVED = changed(TRIPLE, (1, 1, "V"), [[2, 0], [0, 2]])
FAR = pair(TRIPLE, MOVED, 0, X=[[1], [0]], rho=1)
CARRIED = of_two_blocks(*two_blocks.first_only(10))
LARGE = of_two_blocks(*two_blocks.large_first(4, 1))
SCORED = of_two_blocks(*two_blocks.other_scores(2))
TURNING = of_two_blocks(*two_blocks.turning(100, Fraction(1, 8)))

claim = Claim(
    name="zeng-lee/transformer-below-threshold",
    title="The error of transformer adapters below the threshold",
    source=Source("zeng-lee", "", "extension", "recalled"),
    statement=(
        r"With nonsingular frozen weights and $\bar W_{2l}, \bar W_o$ there are adapters of rank "
        r"$R$ and biases such that every column of $f(X) - \bar f(X)$ is within the bound of "
        r"transformer-perturbation with $\|\Delta U\| = \sigma_{2R+1}(\bar W_1 \bar O \bar V "
        r"\bar C - W_1 O V C)$, $\|\Delta S\| = \sigma_{2R+1}(\bar C^\top \bar K^\top \bar Q "
        r"\bar C - C^\top K^\top Q C)\sqrt{1 + |\bar C^{-1} \bar b|^2}$ (no root in the "
        r"first block), $\Delta\beta = 0$, $\|\Delta C\| = \sigma_{2R+1}(\bar W_o \bar "
        r"W_{2L} - W_o W_{2L})$, $\Delta d = 0$, if no column of $X$ is longer than "
        r"$\rho$. For one block and one head before the output: $\rho\,"
        r"\sigma_{2R+1} + \rho^3 \|\bar W_1 \bar O \bar V\|\, \sigma_{2R+1}$ at most."
    ),
    assumptions=(regular, threshold.target_regular, perturbation.columns),
    instances=Instances(draw, REGIMES),
    check=check,
    kind="lower-bound",
    lower_bound=no_adapters,
    controls=(
        Control(
            regular,
            (
                pair(
                    changed(TRIPLE, (1, None, "W1"), [[0, 0], [0, 0]]),
                    TRIPLE,
                    1,
                    x=HERE,
                    X=HERE,
                    rho=2,
                ),
            ),
            "W1 = 0: the output is constant, and the bound is 0",
        ),
        Control(
            perturbation.columns,
            (pair(TRIPLE, MOVED, 0, X=[[3], [0]], rho=1),),
            "a column longer than rho",
            check,
        ),
        Control(None, (FAR,), "99/100 of the bound: values I and 2I", slightly_less),
        Control(None, (LARGE,), "99/100 of the bound: the second block differs", slightly_less),
        Control(None, (CARRIED,), "the first block differs: nothing carried on", last_alone),
        Control(None, (LARGE,), "the second differs: columns as long as those of X", last_alone),
        Control(None, (TURNING,), "the scores of the second block stay", without_turning),
        Control(None, (SCORED,), "what is left over of the scores forgotten", without_scores),
    ),
    arithmetics=("ball",),
    note=(
        "Attained at rank 0 where only values are left over, in one block or in the second of two; "
        "elsewhere it is loose as zeng-lee/transformer-perturbation is. No adapters are shown to "
        "be nearer, and none that come nearer are excluded."
    ),
)
