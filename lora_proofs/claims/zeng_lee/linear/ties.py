"""Tied singular values: the truncation is not unique, and what is left of the error is.

Every truncation E K leaves the singular values sigma_(S+1), sigma_(S+2), ..., so every unitarily
invariant norm of the error is the same. Any other loss, such as the mean over inputs that are not
round, depends on which of the tied vectors are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, below, equal, squared_norm
from lora_proofs.claims.zeng_lee.linear.problem import (
    gap,
    has_frame,
    is_frame,
    leading_part,
    nth,
    ranks,
    squares,
)
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw, ratio
from lora_proofs.strategies.matrices import full_rank_matrix, orthogonal_matrix
from lora_proofs.strategies.networks import frozen_weights, problem, singular_frame, small

REGIMES = ("flat", "tied at S", "gap at S")


def draw(source: Draw, regime: str) -> Instance:
    """A gap of width 3 with a tie, two frames of singular vectors for it, and a weight C."""
    level, S = ratio(source, 1, 8, 4), source.integer(1, 2)
    values = {
        "flat": [level] * 3,
        "tied at S": [level + 1, level, level] if S == 2 else [level, level, level / 2],
        "gap at S": [level + 1, level, level] if S == 1 else [level, level, level / 2],
    }[regime]
    frame = singular_frame(source, 3, 3, values)
    turn, tied = EXACT.identity(3), [i for i, x in enumerate(values) if x == level]
    first, last = tied[0], tied[-1] + 1
    turn[first:last, first:last] = orthogonal_matrix(source, last - first)
    other = EXACT.matrix(frame["V"]) @ turn
    C = full_rank_matrix(source, 3, 3, entry=small)
    weights = frozen_weights(source, [3, 3])
    return problem(weights, (S,), frame, other=other, C=C, regimes=(regime,))


INSTANCES = Instances(draw, REGIMES)


def has_other(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Both V and the other frame are right singular vectors of E, largest first."""
    yield from has_frame(instance, ctx)
    yield from is_frame(gap(instance), EXACT.matrix(instance.other))


frames = Assumption(
    "frames",
    r"$V$ and $V'$ are two systems of right singular vectors of $E$, largest first",
    has_other,
)


def errors(instance: Instance) -> tuple[Any, Any]:
    """E - E K for both frames."""
    E, S = gap(instance), sum(ranks(instance))
    turned = instance.replace(V=instance.other)
    return E - leading_part(instance, E, S), E - leading_part(turned, E, S)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The singular values of both errors; both errors themselves where there is a gap."""
    E, S = squares(gap(instance), ctx), sum(ranks(instance))
    one, other = errors(instance)
    for i, (x, y) in enumerate(zip(squares(one, ctx), squares(other, ctx), strict=True), start=1):
        yield equal(f"squared sigma_{i} of the error", x, nth(E, S + i))
        yield equal(f"squared sigma_{i} of the other error", y, nth(E, S + i))
    if nth(E, S) > nth(E, S + 1):
        yield equal("both errors", one, other)


def same_matrix(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """One truncation claimed, tie or not."""
    yield equal("both errors", *errors(instance))


def one_less(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """sigma_(S+2) claimed for the first of the error."""
    E, S = squares(gap(instance), ctx), sum(ranks(instance))
    largest = squares(errors(instance)[0], ctx)[0]
    yield equal("largest of the error", largest, nth(E, S + 2))


def loss(X: Any, C: Any) -> Any:
    """||X C||_F^2: the mean of |X x|^2 for inputs of second moment C C'."""
    return squared_norm(X @ C)


def one_loss(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The weighted loss of both truncations."""
    C = EXACT.matrix(instance.C)
    one, other = errors(instance)
    yield equal("loss of both truncations", loss(one, C), loss(other, C))


def norms_differ(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The Frobenius norm claimed to depend on the truncation, too."""
    one, other = errors(instance)
    yield below("squared Frobenius norms of the errors", squared_norm(one), squared_norm(other))


ONE, SWAP = [[1, 0], [0, 1]], [[0, 1], [1, 0]]
TIE = Instance(
    W1=ONE, target=[[2, 0], [0, 2]], ranks=[[1]], V=ONE, other=SWAP, C=[[1, 0], [0, 2]]
)  # fmt: skip
UNTIED = TIE.replace(target=[[4, 0], [0, 2]])

claim = Claim(
    name="zeng-lee/linear-truncation-ties",
    title="Every truncation leaves the same singular values",
    source=Source("zeng-lee", "", "extension", "summary"),
    statement=(
        r"Whatever right singular vectors of $E$ are kept, the error $E - E K_S$ has the singular "
        r"values $\sigma_{S+1}(E), \sigma_{S+2}(E), \dots$, hence the same size in every unitarily "
        r"invariant norm. Where $\sigma_S(E) > \sigma_{S+1}(E)$ it is one matrix."
    ),
    assumptions=(frames,),
    instances=INSTANCES,
    check=check,
    controls=(
        Control(frames, (UNTIED,), "a second frame whose first vector is that of sigma_2"),
        Control(None, (TIE,), "one truncation at a tie", same_matrix),
        Control(None, (UNTIED.replace(other=ONE),), "sigma_(S+2) for sigma_(S+1)", one_less),
    ),
    arithmetics=("exact", "ball"),
)


def draw_plain(source: Draw, regime: str) -> Instance:
    """One layer I of width 2 and one rank; at a tie the second frame keeps the other vector."""
    level, c = ratio(source, 1, 8, 4), source.integer(1, 8)
    gap_at_S = ratio(source, 1, 8, 4) if regime == "gap at S" else 0
    return Instance(
        regimes=(regime,), W1=ONE, target=[[1 + level + gap_at_S, 0], [0, 1 + level]],
        ranks=[[1]], V=ONE, other=SWAP if regime == "flat" else ONE, C=[[1, 0], [0, c]],
    )  # fmt: skip


EYE = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
THREE = tuple(
    Instance(
        W1=EYE, target=[[2, 0, 0], [0, 2, 0], [0, 0, 2]], ranks=[[S]], V=EYE,
        other=[[0, 0, 1], [1, 0, 0], [0, 1, 0]], C=[[1, 0, 0], [0, 2, 0], [0, 0, 3]],
    )
    for S in (1, 2)
)  # fmt: skip
"""Width 3, where one rank more or less is neither nothing nor everything."""

naive = Claim(
    name="zeng-lee/naive/truncation-loss-is-unique",
    title="The loss of the truncation is well defined at a tie (false)",
    source=Source(
        "zeng-lee", "", "our reading", "summary", corrected_by="zeng-lee/linear-truncation-ties"
    ),
    statement=(
        r"Our reading, not a claim of the authors: the loss $\mathbb E |(E - \mathrm{LR}_S(E)) "
        r"x|^2$ of the truncated singular value decomposition is a number that $E$, $S$ and the "
        r"distribution of $x$ determine. It is false at a tie: for $E = I$, $S = 1$ and "
        r"$\mathbb E x x^\top = \mathrm{diag}(1, 4)$ it is 4 or 1 or anything between."
    ),
    assumptions=(frames,),
    instances=Instances(draw_plain, ("flat", "gap at S")),
    check=one_loss,
    controls=(
        Control(frames, (UNTIED,), "a second frame whose first vector is that of sigma_2"),
        Control(None, (TIE, *THREE), "the Frobenius norm claimed to differ, too", norms_differ),
    ),
    arithmetics=("exact",),
)
