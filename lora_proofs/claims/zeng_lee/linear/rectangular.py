"""Layers of different widths: one-sided inverses take the place of inverses.

P_l = W_L ... W_{l+1} has to be onto, which makes n_l >= n_L, and what was reached before layer l
one-to-one, which makes n_{l-1} >= n_0. A layer between that is narrower than both ends cannot pass
the target on.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least
from lora_proofs.claims.zeng_lee.linear import blocks, minimum
from lora_proofs.claims.zeng_lee.linear.blocks_proof import P_INVERTED, Q_INVERTED
from lora_proofs.claims.zeng_lee.linear.problem import gap
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw, Rejected
from lora_proofs.strategies.networks import frozen_weights, layers, problem, singular_frame
from lora_proofs.strategies.spectra import spectrum

REGIMES = ("generic", "wide inside", "more outputs", "more inputs", "zero ranks", "tied")


def draw(source: Draw, regime: str) -> Instance:
    """Hidden widths of max(n_0, n_L) or more, everything that is inverted of full rank."""
    L = source.integer(2, 3)
    first, last = source.integer(1, 3), source.integer(1, 3)
    if regime in ("more outputs", "more inputs"):
        first, last = (1, 3) if regime == "more outputs" else (3, 1)
    wide, extra = max(first, last), 1 if regime == "wide inside" else 0
    hidden = [wide + source.integer(extra, extra + 1) for _ in range(L - 1)]
    k = min(first, last)
    values = spectrum(source, k, "tied" if regime == "tied" else "distinct")
    allowed = [source.integer(1, k) for _ in range(L)]
    if regime == "zero ranks":
        allowed[source.integer(0, L - 1)] = 0
    weights = frozen_weights(source, [first, *hidden, last])
    frame = singular_frame(source, last, first, values)
    found = problem(weights, allowed, frame, l=source.integer(1, L), i=source.integer(1, k))
    if any(c.outcome != "holds" for c in one_sided(found, EXACT)):
        raise Rejected("a product without full rank on the way")
    return minimum.with_others(source, found.replace(regimes=(regime,)))


INSTANCES = Instances(draw, REGIMES)


def one_sided(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """P_l has full row rank, and What_l ... What_1 full column rank, for l < L."""
    weights = layers(instance)
    prefix = EXACT.identity(weights[0].shape[1])
    yield at_least("number of layers", len(weights), 1)
    for count, W in enumerate(weights[:-1], start=1):
        later = blocks.after_layer(weights, count)
        yield (onto := at_least("rank of P_l", EXACT.rank(later), later.shape[0]))
        if onto.outcome != "holds":
            return
        K = blocks.block(instance, *blocks.ends(instance)[count - 1 : count + 1])
        new = blocks.right_inverse(later) @ gap(instance) @ K @ blocks.left_inverse(prefix)
        prefix = (W + new) @ prefix
        rank = EXACT.rank(prefix)
        yield (injective := at_least("rank of What_l ... What_1", rank, prefix.shape[1]))
        if injective.outcome != "holds":
            return


full_rank = Assumption(
    "nonsingular",
    r"for every $l < L$, $P_l = W_L \cdots W_{l+1}$ has full row rank and $\hat W_l \cdots \hat "
    r"W_1$ full column rank; so every hidden width is at least $\max(n_0, n_L)$",
    one_sided,
    relations=(P_INVERTED, Q_INVERTED),
)
ONE = [[1, 0], [0, 1]]
NARROW = Instance(
    W1=[[1, 0]], W2=[[0], [1]], DW1=[[0, 0]], DW2=[[0], [0]], target=[[2, 0], [1, 2]],
    ranks=[[1, 1]], U=ONE, V=ONE, sigma=[[2, 2]], l=1, i=1,
)  # fmt: skip
WIDE = Instance(
    W1=[[1], [0]], W2=[[0, 1]], DW1=[[0], [0]], DW2=[[0, 0]], target=[[3]], ranks=[[0, 0]],
    U=[[1]], V=[[1]], sigma=[[3]], l=1, i=1,
)  # fmt: skip

claim = Claim(
    name="zeng-lee/linear-rectangular",
    title="The optimal error of a linear net with layers of different widths",
    source=Source("zeng-lee", "Lemma 1, different widths", "extension", "summary"),
    statement=(
        r"Let $W_l$ be $n_l \times n_{l-1}$, every $P_l = W_L \cdots W_{l+1}$ of full row rank and "
        r"every $\hat W_l \cdots \hat W_1$, $l < L$, of full column rank. Then $\Delta W_l = P_l^+ "
        r"E K_l (\hat W_{l-1} \cdots \hat W_1)^+$ of rank at most $R_l$ gives $P_l \hat W_l \cdots "
        r"\hat W_1 = P_0 + \mathrm{LR}_{R_1 + \dots + R_l}(E)$ after every layer, and so the "
        r"spectral error $\sigma_{S+1}(E)$, which no updates of these ranks beat."
    ),
    assumptions=(full_rank, *minimum.ASSUMPTIONS[1:]),
    instances=INSTANCES,
    check=minimum.check,
    conclusion=minimum.CONCLUSION,
    derive=minimum.derive,
    interpret=minimum.interpret,
    kind="lower-bound",
    lower_bound=blocks.least_error,
    controls=(
        Control(full_rank, (NARROW,), "a hidden layer of width 1 between ends of width 2"),
        *minimum.controls(WIDE, "S"),
    ),
    note=(
        "The derivations are those of zeng-lee/linear-per-layer-ranks, with one-sided inverses; "
        "that no updates do better is that of zeng-lee/linear-lower-bound."
    ),
)  # fmt: skip
