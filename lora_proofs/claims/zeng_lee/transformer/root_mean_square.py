"""With a normalisation before attention the theorem holds where the first blocks are similar.

Let n(z) = z / |z| scale every column before attention: H = sum_h O V n(Z) S((K n(Z))'Q n(Z)). In
the first block nothing changes, as both models see n(X). Later, b2 = W2 Wbar2^-1 bbar2 makes the
target's Zbar equal to B Z with B = Wbar2 W2^-1. If B = cT with c > 0 and T orthogonal, then n(BZ) =
T n(Z), and the adapters of the theorem for T'Kbar'Qbar T and Wbar1 Obar Vbar T are exact.
Otherwise n(BZ) is no linear map of n(Z), the scores would have to undo it, and these adapters are
not exact; whether others are is open. So is layer normalisation, which also subtracts the mean,
unless T keeps the vector of ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from lora_proofs.arithmetic import EXACT, Arithmetic, ArrayArithmetic, Comparison, at_most, equal
from lora_proofs.claims.zeng_lee.transformer import problem, threshold
from lora_proofs.claims.zeng_lee.transformer.problem import changed, models, pair
from lora_proofs.constructions.transformer import transformer_adapters
from lora_proofs.constructions.transformer_gaps import exact_product, gap_ranks
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.transformer import (
    TransformerModel,
    column_softmax,
    identity_model,
    relu,
)
from lora_proofs.strategies.draw import Draw, Rejected, ratio
from lora_proofs.strategies.matrices import matrix, orthogonal_matrix
from lora_proofs.strategies.transformers import small, transformer_model

REGIMES = ("signed permutation", "rotation", "scaled")
TRIFLE = Fraction(1, 10**20)
"""Equal numbers are told apart from others by balls down to this."""


def network(model: TransformerModel, X: Any, ctx: Arithmetic) -> tuple[Any, float]:
    """The output with every column scaled to length 1 before attention; the smallest length."""
    Z, lengths = ctx.matrix(X), []
    for block in model.lift(ctx).blocks:
        norms = [ctx.frobenius_norm(Z[:, j : j + 1]) for j in range(Z.shape[1])]
        lengths += norms
        Y = Z / np.array([norms], dtype=Z.dtype)
        H = sum(
            h.O @ (h.V @ Y) @ column_softmax((h.K @ Y).mT @ (h.Q @ Y), ctx) for h in block.heads
        )
        Z = block.W2 @ relu(block.W1 @ H + block.b1) + block.b2
    return ctx.matrix(model.Wo) @ Z, min(float(x) for x in lengths)


def draw(source: Draw, regime: str) -> Instance:
    """Two blocks; the first W2 of the target is cT times the frozen one."""
    frozen, target = transformer_model(source, 2, 2, 1), transformer_model(source, 2, 2, 1)
    T = orthogonal_matrix(source, 2, dyadic=regime != "rotation")
    c = ratio(source, 1, 4, 2) if regime == "scaled" else Fraction(1)
    W2 = T @ frozen.blocks[0].W2 * EXACT.number(c)
    target = changed(target, (1, None, "W2"), W2)
    X = matrix(source, 2, 2, entry=small)
    made = instance(frozen, target, X, c, regimes=(regime,))
    with np.errstate(all="ignore"):
        _, shortest = network(target, X, ArrayArithmetic())
    if not shortest > 1e-3:
        raise Rejected("a column that is 0 has no direction")
    return made


def instance(
    frozen: TransformerModel, target: TransformerModel, X: Any, c: Any, **fields: Any
) -> Instance:
    """Both models, an input, the factor c, and the rank that the gaps ask for."""
    gaps = gap_ranks(frozen, unscaled(target, EXACT.number(c)))
    return pair(frozen, target, max(-(-G // 2) for G in gaps), X=X, c=c, **fields)


def unscaled(target: TransformerModel, c: Any) -> TransformerModel:
    """The target with W2 and b2 of the first block divided by c: the normalisation undoes it."""
    first = target.blocks[0]
    first = replace(first, W2=first.W2 / c, b2=first.b2 / c)
    return replace(target, blocks=(first, *target.blocks[1:]))


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The adapters for the target without c give the target, with the normalisation."""
    frozen, target = models(instance)
    wanted = unscaled(target, EXACT.number(instance.c))
    model = transformer_adapters(frozen, wanted, int(instance.rank), EXACT).model
    yield from problem.adapters_of_rank(frozen, model, instance.rank)
    off = network(model, instance.X, ctx)[0] - network(target, instance.X, ctx)[0]
    for j in range(off.shape[1]):
        error = ctx.frobenius_norm(off[:, j : j + 1])
        yield at_most(f"error of column {j + 1}", error, ctx.number(TRIFLE))


def similar_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """B'B = c^2 I."""
    frozen, target = models(instance)
    B = exact_product(target.blocks[0].W2, EXACT.inverse(frozen.blocks[0].W2))
    c = EXACT.number(instance.c)
    yield equal("B'B", B.mT @ B, c * c * EXACT.identity(2))


def regular_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """All frozen weights and the target's W2 and Wo are nonsingular."""
    names = ("Q", "K", "V", "O", "W1", "W2", "Wo")
    yield from problem.regular(models(instance)[0], names, ctx)
    yield from problem.target_holds(instance, ctx)


similar = Assumption(
    "similar",
    r"$\bar W_2 W_2^{-1} = cT$ with $c > 0$ and $T$ orthogonal, for every block but the last",
    similar_holds,
)
regular = Assumption(
    "regular",
    r"the frozen weights and the target's $\bar W_2$, $\bar W_o$ are nonsingular",
    regular_holds,
    technical=f"as in {threshold.claim.name}, whose controls break it",
)


def scaled_scores(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The adapters of the theorem without normalisation, which count c."""
    frozen, target = models(instance)
    model = transformer_adapters(frozen, target, int(instance.rank), EXACT).model
    off = network(model, instance.X, ctx)[0] - network(target, instance.X, ctx)[0]
    error = ctx.frobenius_norm(off[:, :1])
    yield at_most("error of column 1", error, ctx.number(TRIFLE))


TWO = identity_model(2, blocks=2)
STRETCHED = changed(TWO, (1, None, "W2"), [[2, 0], [0, 1]])
DOUBLED = changed(TWO, (1, None, "W2"), [[2, 0], [0, 2]])
INPUT = [[1, 0], [0, 1]]

claim = Claim(
    name="zeng-lee/transformer-normalised",
    title="Normalised inputs of attention, with similar first layers",
    source=Source("zeng-lee", "", "extension", "recalled"),
    statement=(
        r"Let every column be scaled to length 1 before attention. If $\bar W_{2l} W_{2l}^{-1}$ is "
        r"$c_l T_l$ with $c_l > 0$ and $T_l$ orthogonal for $l < L$, the threshold of the "
        r"transformer theorem, with $\bar W_{2l}/c_l$ for $\bar W_{2l}$, is sufficient as without "
        r"normalisation. For other targets, and with the mean subtracted, it is open."
    ),
    assumptions=(similar, regular),
    instances=Instances(draw, REGIMES),
    check=check,
    controls=(
        Control(similar, (instance(TWO, STRETCHED, INPUT, 1),), "a stretch turns directions"),
        Control(None, (pair(TWO, DOUBLED, 1, X=INPUT, c=2),), "scores that count c", scaled_scores),
    ),
    arithmetics=("ball", "multiprecision"),
)
