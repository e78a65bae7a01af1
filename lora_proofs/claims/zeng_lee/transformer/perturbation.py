"""Two transformers with near scores, values and outputs are near on bounded columns.

The proof is in ``constructions.transformer_error``: block by block the difference e of the units is
carried on by the values, and joined by what the values and the softmax of the scores differ by. The
softmax of scores that differ by t at most differs by 2 tanh(t/2) in the l1 norm, which is attained:
D = 1, X = (rho, -rho), scores +m and -m, all units positive.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, at_most
from lora_proofs.claims.zeng_lee.transformer import two_blocks
from lora_proofs.claims.zeng_lee.transformer.problem import ONE, changed, models
from lora_proofs.constructions.transformer_error import (
    column_error_bound,
    sizes,
)
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.transformer import TransformerModel, identity_model
from lora_proofs.mathematics.transformer import transformer_network as network
from lora_proofs.mathematics.transformer_instances import instance_of
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.matrices import matrix
from lora_proofs.strategies.transformers import nearby_model, small, transformer_model

REGIMES = ("one block", "two blocks", "two heads", "near", "one column", *two_blocks.REGIMES)


def draw(source: Draw, regime: str) -> Instance:
    """Two models of width 2 and an input; pairs that show what two blocks do to each other."""
    if regime in two_blocks.REGIMES:
        return both(*two_blocks.draw(source, regime), regimes=(regime,))
    blocks, heads = 2 if regime == "two blocks" else 1, 2 if regime == "two heads" else 1
    target = transformer_model(source, 2, blocks, heads)
    near = regime == "near"
    other = nearby_model(source, target, 1) if near else transformer_model(source, 2, blocks, heads)
    X = matrix(source, 2, 1 if regime == "one column" else 2, entry=small) / 2
    return both(other, target, X, bound_of(X), regimes=(regime,))


def bound_of(X: Any) -> Fraction:
    """A whole number that no column of X exceeds."""
    return Fraction(1 + max(int(sum(abs(x) for x in column).ceil()) for column in X.T))


def both(model: Any, target: Any, X: Any, rho: Any, **fields: Any) -> Instance:
    """Two models, an input and the bound on its columns."""
    return Instance(frozen=instance_of(model), target=instance_of(target), X=X, rho=rho, **fields)


def errors(
    model: TransformerModel, target: TransformerModel, X: Any, ctx: Arithmetic
) -> Iterator[Any]:
    """The norm of every column of f(X) - fbar(X)."""
    off = network(model, X, ctx) - network(target, X, ctx)
    for j in range(off.shape[1]):
        yield ctx.frobenius_norm(off[:, j : j + 1])


def against(instance: Instance, ctx: Arithmetic, bound: Any) -> Iterator[Comparison]:
    """Every column of the error against a bound."""
    for j, error in enumerate(errors(*models(instance), instance.X, ctx), start=1):
        yield at_most(f"error of column {j}", error, bound)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Every column of the error is within the bound."""
    bound = column_error_bound(*sizes(*models(instance), ctx), instance.rho, ctx)
    yield from against(instance, ctx, bound)


def columns_hold(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """No column of X is longer than rho."""
    x = instance.lift(EXACT)
    for j in range(x.X.shape[1]):
        square = sum(entry * entry for entry in x.X[:, j])
        yield at_least(f"rho^2 against column {j + 1}", x.rho * x.rho, square)
    yield at_least("rho", x.rho, 0)


columns = Assumption("columns", r"no column of $X$ is longer than $\rho$", columns_hold)


def altered(instance: Instance, ctx: Arithmetic, **zero: Any) -> Iterator[Comparison]:
    """The bound with some of the sizes of heads left out."""
    blocks, output = sizes(*models(instance), ctx)
    without = [replace(b, heads=tuple(replace(h, **zero) for h in b.heads)) for b in blocks]
    yield from against(instance, ctx, column_error_bound(without, output, instance.rho, ctx))


def without_scores(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The differences of the scores left out."""
    yield from altered(instance, ctx, score_error=ctx.number(0))


def without_values(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The differences of the values left out."""
    yield from altered(instance, ctx, value_error=ctx.number(0))


def without_turning(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Differences of the units that do not move the scores of the next block."""
    yield from altered(instance, ctx, scores=ctx.number(0))


def last_alone(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The last block alone, as if it saw X in both models."""
    blocks, output = sizes(*models(instance), ctx)
    yield from against(instance, ctx, column_error_bound(blocks[-1:], output, instance.rho, ctx))


def slightly_less(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """99/100 of the bound."""
    bound = column_error_bound(*sizes(*models(instance), ctx), instance.rho, ctx)
    yield from against(instance, ctx, bound * 99 / 100)


def lifted(model: TransformerModel) -> TransformerModel:
    """The model of one block with b1 = 10: its units are positive on the inputs below."""
    block = replace(model.blocks[0], b1=EXACT.matrix([[10]] * model.width))
    return replace(model, blocks=(block,))


SINGLE = lifted(identity_model(1, blocks=1))
TURNED = changed(SINGLE, (1, 1, "Q"), [[-1]])
SHARP = both(SINGLE, TURNED, [[1, -1]], 1)
VALUES = both(changed(ONE, (1, 1, "V"), [[2, 0], [0, 2]]), ONE, [[1], [0]], 1)
CARRIED, LARGE = both(*two_blocks.first_only(10)), both(*two_blocks.large_first(4, 1))
TURNING = both(*two_blocks.turning(100, Fraction(1, 8)))


def without_second_scores(instance: Instance) -> Instance:
    """Both models with Q = 0 in the second block: what is carried is all that is off."""
    model, target = (changed(m, (2, 1, "Q"), 0 * m.Wo) for m in models(instance))
    return both(model, target, instance.X, instance.rho)


claim = Claim(
    name="zeng-lee/transformer-perturbation",
    title="Near scores, values and outputs make near transformers",
    source=Source("zeng-lee", "", "extension", "recalled"),
    statement=(
        r"Let $f, \bar f$ have the same blocks and heads, and let no column of $X$ be longer than "
        r"$\rho$. With $\rho_0 = \rho$, $e_0 = 0$, $\rho_l = \sum_h \|\bar U_l^h\| \rho_{l-1} + "
        r"|\bar\beta_l|$ and $e_l = \sum_h [\|\bar U\| e + \|\Delta U\|(\rho + e) + 2\rho \|\bar "
        r"U\| \tanh(t/2)] + |\Delta\beta|$, $t = \rho \sqrt{\rho^2 + 1}\, \|\Delta S\| + e (\|\bar "
        r"S\| + \|\Delta S\|)(\rho + \sqrt{(\rho + e)^2 + 1})$ (in the first block without $+1$; "
        r"$\rho, e$ those of block $l - 1$), every column of $f(X) - \bar f(X)$ is at most "
        r"$(\|\bar C\| + \|\Delta C\|) e_L + \|\Delta C\| \rho_L + |\Delta d|$. Here $S = C^\top "
        r"K^\top Q [C, b]$, $U = W_1 O V C$, $\beta = b_1 + \sum_h W_1 O V b$ with $C, b = "
        r"W_2, b_2$ of the block before, and the output is $W_o W_{2L}$, $W_o b_{2L}$."
    ),
    assumptions=(columns,),
    instances=Instances(draw, REGIMES),
    check=check,
    controls=(
        Control(columns, (both(*models(VALUES), [[3], [0]], 1),), "a column longer than rho"),
        Control(None, (SHARP,), "without the scores' difference", without_scores),
        Control(None, (VALUES,), "without the values' difference", without_values),
        Control(None, (SHARP,), "99/100 of the bound: scores 1 and -1", slightly_less),
        Control(None, (VALUES,), "99/100 of the bound: values I and 2I", slightly_less),
        Control(None, (CARRIED,), "the first block differs: nothing carried on", last_alone),
        Control(None, (LARGE,), "the second differs: columns as long as those of X", last_alone),
        Control(None, (TURNING,), "the scores of the second block stay", without_turning),
        Control(None, (LARGE,), "99/100 of the bound: the second block differs", slightly_less),
        Control(
            None,
            (without_second_scores(CARRIED),),
            "99/100 of the bound: the first block differs, no scores in the second",
            slightly_less,
        ),
    ),
    arithmetics=("ball", "multiprecision"),
    note=(
        "Attained for one block, and over two where only the values of one differ and the scores "
        "of the second are 0 or not moved; elsewhere the recursion is loose."
    ),
)
