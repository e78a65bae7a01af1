"""How far two transformers can be apart on inputs with bounded columns, block by block.

Own derivation (an extension: the paper has no bound below the threshold). Let the columns of what a
block of the target sees have norm at most rho, and those of the other model be within e of them.
Write s, u for the norms of a head's scores and values in the target (as read by ``readings`` with
the softmax of columns), ds, du for the norms of the differences, and q = sqrt(rho^2 + 1) (rho in
the first block). Then

* the scores of a query differ by at most t = rho q ds + e (s + ds) (rho + sqrt((rho + e)^2 + 1));
* their softmax by at most 2 tanh(t/2) in the l1 norm: for two distributions p, p' whose scores
  differ by at most t, the log-odds of any set differ by at most 2t, so the largest difference of
  its probability is that of x - t and x + t, at most tanh(t/2);
* what enters the ReLU by at most e' = sum_h [(u + du) e + rho du + 2 rho u tanh(t/2)] + db, as
  (U + dU)(y + dy) p - U y p' = (U + dU) dy p + dU y p + U y (p - p') and p sums to 1.

ReLU does not expand, so e' and rho' = sum_h u rho + ||b|| are the e and rho of the next block, and
the output differs by at most (c + dc) e + dc rho + dd. All norms are Euclidean or spectral.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lora_proofs.arithmetic.context import Arithmetic, Matrix, Scalar
from lora_proofs.mathematics.transformer import TransformerModel
from lora_proofs.mathematics.transformer_readings import BlockReading, padded, readings


@dataclass(frozen=True)
class HeadSizes:
    """Norms of the scores and values of a head of the target, and of the differences."""

    scores: Scalar
    values: Scalar
    score_error: Scalar
    value_error: Scalar


@dataclass(frozen=True)
class BlockSizes:
    """The heads of a block; the norms of its bias in the target and of the difference."""

    heads: tuple[HeadSizes, ...]
    bias: Scalar
    bias_error: Scalar


@dataclass(frozen=True)
class OutputSizes:
    """The norm of Wo W2 in the target, of the difference, and of the difference of Wo b2."""

    weight: Scalar
    weight_error: Scalar
    bias_error: Scalar


def column_error_bound(
    blocks: Sequence[BlockSizes], output: OutputSizes, rho: Any, ctx: Arithmetic
) -> Scalar:
    """A bound on the norm of every column of f(X) - fbar(X), for columns of X of norm at most rho.

    Extension; the proof is the docstring of the module.

    >>> from lora_proofs.arithmetic import ArrayArithmetic
    >>> head = HeadSizes(scores=1.0, values=1.0, score_error=0.0, value_error=0.5)
    >>> one = BlockSizes((head,), bias=0.0, bias_error=0.0)
    >>> float(column_error_bound([one], OutputSizes(2.0, 0.0, 0.0), 3, ArrayArithmetic()))
    3.0
    """
    with ctx.working():
        rho, e, one = ctx.number(rho), ctx.number(0), ctx.number(0)
        for block in blocks:
            rho, e = _block_bounds(block, rho, e, one, ctx)
            one = ctx.number(1)
        return (
            (output.weight + output.weight_error) * e
            + output.weight_error * rho
            + (output.bias_error)
        )


def _block_bounds(
    block: BlockSizes, rho: Scalar, e: Scalar, one: Scalar, ctx: Arithmetic
) -> tuple[Scalar, Scalar]:
    """The rho and e of the next block; ``one`` is 1 where queries carry a bias, else 0."""
    size, error = block.bias, block.bias_error
    query, moved = ctx.sqrt(rho * rho + one), ctx.sqrt((rho + e) * (rho + e) + one)
    for h in block.heads:
        t = rho * query * h.score_error + e * (h.scores + h.score_error) * (rho + moved)
        attention = 2 * rho * h.values * ctx.tanh(t / 2)
        error = error + (h.values + h.value_error) * e + rho * h.value_error + attention
        size = size + h.values * rho
    return size, error


def sizes(
    model: TransformerModel, target: TransformerModel, ctx: Arithmetic
) -> tuple[tuple[BlockSizes, ...], OutputSizes]:
    """The norms that ``column_error_bound`` takes, from both models: in balls enclosed.

    A narrower target is embedded by rows of zeros.
    """
    ours = readings(model, ctx, softmax="columns", width=target.width)
    theirs = readings(target, ctx, softmax="columns")
    with ctx.working():
        blocks = tuple(_block_sizes(a, b, ctx) for a, b in zip(ours[:-1], theirs[:-1], strict=True))
        C, D = ours[-1].output[: target.width], theirs[-1].output
        gap = C - D
        return blocks, OutputSizes(
            spectral_norm(D[:, :-1], ctx),
            spectral_norm(gap[:, :-1], ctx),
            ctx.frobenius_norm(gap[:, -1:]),
        )


def _block_sizes(ours: BlockReading, theirs: BlockReading, ctx: Arithmetic) -> BlockSizes:
    rows = len(ours.bias)
    heads = zip(ours.scores, theirs.scores, ours.values, theirs.values, strict=True)
    return BlockSizes(
        tuple(
            HeadSizes(
                spectral_norm(N, ctx),
                spectral_norm(V, ctx),
                spectral_norm(M - N, ctx),
                spectral_norm(U - padded(V, rows, ctx), ctx),
            )
            for M, N, U, V in heads
        ),
        ctx.frobenius_norm(theirs.bias),
        ctx.frobenius_norm(ours.bias - padded(theirs.bias, rows, ctx)),
    )


def spectral_norm(X: Matrix, ctx: Arithmetic) -> Scalar:
    """The largest singular value, exactly 0 of a matrix of zeros.

    >>> from lora_proofs.arithmetic import EXACT
    >>> spectral_norm(EXACT.zeros(2, 2), EXACT)
    0
    """
    if X.dtype == object and all(x == 0 for x in X.flat):
        return ctx.number(0)
    return ctx.operator_norm(X)


def error_bound(
    model: TransformerModel, target: TransformerModel, rho: Any, ctx: Arithmetic
) -> Scalar:
    """``column_error_bound`` of two given models: every column of f(X) - fbar(X).

    >>> from lora_proofs.arithmetic import ArrayArithmetic
    >>> from lora_proofs.mathematics.transformer import identity_model
    >>> one = identity_model(2, blocks=1)
    >>> float(error_bound(one, one, 5, ArrayArithmetic()))
    0.0
    """
    return column_error_bound(*sizes(model, target, ctx), rho, ctx)
