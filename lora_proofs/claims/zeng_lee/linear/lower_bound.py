"""No adapters of ranks R_1, ..., R_L beat the best approximation of the gap of rank S = sum R_l.

With one layer more the product moves by What P_hat - W P = DW P_hat + W (P_hat - P), where P_hat
and P are the adapted and the frozen product of the layers before: its rank grows by rank DW at
most, so after L layers it is S at most. With E = target - prod W and X = target - prod What this
says rank(E - X) <= S, and Weyl's inequality gives sigma_(S+i)(E) <= sigma_i(X) for every i. Nothing
is asked of the weights, the target or the shapes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_most, squared_norm
from lora_proofs.claims.zeng_lee.linear.lower_bound_proof import (
    CONCLUSION,
    DW,
    ERROR_VALUE,
    FROBENIUS,
    GAP_TAIL,
    GAP_VALUE,
    INDUCTIVE,
    NUMBERS,
    OF_ADAPTER,
    P_HAT,
    RANK,
    RANKS,
    TARGET,
    VALUE,
    P,
    R,
    W,
    derive,
)
from lora_proofs.claims.zeng_lee.linear.lower_bound_proof import S as TOTAL
from lora_proofs.claims.zeng_lee.linear.problem import gap, nth, ranks, root, squares, tail
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.words import Relation, word
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.matrices import rank_matrix
from lora_proofs.strategies.networks import (
    frozen_weights,
    layers,
    problem,
    singular_frame,
    small,
    truncated,
    whole_product,
)
from lora_proofs.strategies.spectra import spectrum

REGIMES = (
    "generic", "singular weights", "rectangular", "zero ranks", "S = 0", "one layer",
    "best adapters", "S beyond the gap",
)  # fmt: skip


def draw(source: Draw, regime: str) -> Instance:
    """Any layers, a target with a chosen gap, and updates DW_l of rank at most R_l."""
    L = 1 if regime == "one layer" else source.integer(2, 3)
    n = source.integer(2, 3)
    widths = [source.integer(1, 4) if regime == "rectangular" else n for _ in range(L + 1)]
    k = min(widths[0], widths[-1])
    values = spectrum(source, k, "tied" if regime == "best adapters" else "distinct")
    frame = singular_frame(source, widths[-1], widths[0], values)
    allowed = [source.integer(0 if regime == "zero ranks" else 1, 1) for _ in range(L)]
    if regime == "zero ranks":
        allowed[source.integer(0, L - 1)] = 0
    if regime == "S = 0":
        allowed = [0] * L
    if regime == "S beyond the gap":
        allowed[0] = n
    weights = frozen_weights(source, widths, full_rank=regime != "singular weights")
    if regime == "best adapters":
        weights = tuple(EXACT.identity(n) for _ in range(L))
    updates = adapters(source, weights, allowed)
    if regime == "best adapters":
        updates = [truncated(frame["U"], values, frame["V"], allowed[0]), *(0 * X for X in weights)]
    named = {f"DW{i}": X for i, X in enumerate(updates, start=1)}
    found = problem(weights, allowed, frame, i=source.integer(1, k), **named)
    return found.replace(regimes=(regime,))


def adapters(source: Draw, weights: Any, allowed: Any) -> list[Any]:
    """An update of rank at most R_l for every layer."""
    found = []
    for X, most in zip(weights, allowed, strict=True):
        n, m = X.shape
        rank = source.integer(0, min(most, n, m))
        found.append(rank_matrix(source, n, m, rank, entry=small))
    return found


INSTANCES = Instances(draw, REGIMES)


def updates(instance: Instance) -> list[Any]:
    """DW_1, ..., DW_L, exact."""
    return [EXACT.matrix(getattr(instance, f"DW{k}")) for k in range(1, len(layers(instance)) + 1)]


def adapted(instance: Instance) -> list[Any]:
    """What_1, ..., What_L."""
    return [X + D for X, D in zip(layers(instance), updates(instance), strict=True)]


def small_adapters(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """rank DW_l <= R_l for every layer."""
    for X, most in zip(updates(instance), ranks(instance), strict=True):
        yield at_most("rank of DW_l", EXACT.rank(X), most)


def before_last(instance: Instance) -> tuple[Any, Any]:
    """The frozen and the adapted product of the layers before the last, I where there are none."""
    one = EXACT.identity(len(instance.target[0]))
    frozen, moved = layers(instance)[:-1], adapted(instance)[:-1]
    return (whole_product(frozen), whole_product(moved)) if frozen else (one, one)


def earlier_ranks(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The products of the layers before the last differ by rank S - R_L at most."""
    frozen, moved = before_last(instance)
    yield at_most("rank of P_hat - P", EXACT.rank(moved - frozen), sum(ranks(instance)[:-1]))


def named_values(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The numbers are what they are called: nothing to be seen but their signs and the index."""
    yield at_most("1 against i", 1, int(instance.i))
    for value in interpret(instance, ctx).values():
        if not hasattr(value, "shape"):
            yield at_most("0 against a rank or a singular value", 0, value)


adapter_ranks = Assumption(
    "adapters",
    r"$\mathrm{rank}\,\Delta W_l \le R_l$ for every layer",
    small_adapters,
    relations=(OF_ADAPTER,),
)
earlier = Assumption(
    "earlier",
    r"the hypothesis of the induction over layers: $\mathrm{rank}(\hat P - P) \le S - R_L$ for the "
    r"products $\hat P$, $P$ of the adapted and of the frozen layers before the last",
    earlier_ranks,
    technical="the induction proves it: no hypothesis of the theorem, no instance breaks it alone",
    relations=(INDUCTIVE,),
)
values = Assumption(
    "values",
    r"$\mathrm{rank}\,\cdot$ are ranks, $\sigma_j$ the $j$-th largest singular values, 0 beyond "
    r"the last, $i \ge 1$, and $t_S(E) = \sum_{j > S} \sigma_j(E)^2$",
    named_values,
    technical="it only names numbers, which are computed from the instance",
    relations=tuple(Relation(word(0), "<=", x) for x in NUMBERS),
)


def errors(instance: Instance) -> tuple[Any, Any]:
    """E and target - prod What."""
    return gap(instance), EXACT.matrix(instance.target) - whole_product(adapted(instance))


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The last layer, the products before it, and every rank and singular value."""
    (frozen, moved), (E, X) = before_last(instance), errors(instance)
    last, update, S = layers(instance)[-1], updates(instance)[-1], sum(ranks(instance))
    whole = last @ moved + update @ moved - last @ frozen
    measured = (moved - frozen, last @ moved - last @ frozen, update, update @ moved, whole)
    numbers = [ctx.number(EXACT.rank(Y)) for Y in measured]
    i, R_last = int(instance.i), ranks(instance)[-1]
    in_E, in_X = squares(E, ctx), squares(X, ctx)
    return {
        W: ctx.matrix(last), DW: ctx.matrix(update), P: ctx.matrix(frozen),
        P_HAT: ctx.matrix(moved), TARGET: ctx.matrix(instance.target),
        **dict(zip(RANKS, numbers, strict=True)),
        TOTAL: ctx.number(S), R: ctx.number(R_last),
        GAP_VALUE: root(nth(in_E, S + i)), ERROR_VALUE: root(nth(in_X, i)),
        GAP_TAIL: ctx.number(tail(in_E, S)),
    }  # fmt: skip


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The rank of the change, every singular value, and the Frobenius norm."""
    E, X = errors(instance)
    S, in_E, in_X = sum(ranks(instance)), squares(E, ctx), squares(X, ctx)
    yield at_most(RANK, EXACT.rank(E - X), S)
    for i in range(1, len(in_X) + 1):
        label = VALUE if i == instance.i else f"measured: sigma_(S+{i})(E) against sigma_{i}(X)"
        yield at_most(label, root(nth(in_E, S + i)), root(nth(in_X, i)))
    yield at_most(FROBENIUS, tail(in_E, S), squared_norm(X))


def one_rank_less(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The bound of S - 1 claimed for S."""
    E, X = errors(instance)
    S = sum(ranks(instance)) - 1
    yield at_most("sigma_S(E)", root(nth(squares(E, ctx), S + 1)), root(squares(X, ctx)[0]))


def largest_rank(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The largest R_l in place of the sum, as if the layers shared one adapter."""
    E, X = errors(instance)
    yield at_most("rank of prod What - prod W", EXACT.rank(E - X), max(ranks(instance)))


def next_value(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """sigma_(S+i)(E) <= sigma_(i+1)(X): one index less in S."""
    E, X = errors(instance)
    S, in_X = sum(ranks(instance)), squares(X, ctx)
    yield at_most("sigma_(S+1)(E)", root(nth(squares(E, ctx), S + 1)), root(nth(in_X, 2)))


ONE = [[1, 0], [0, 1]]
BOTH = Instance(
    W1=ONE, W2=ONE, DW1=[[3, 0], [0, 0]], DW2=[[0, 0], [0, 3]],
    target=[[4, 0], [0, 4]], ranks=[[1, 1]], i=1, U=ONE, V=ONE, sigma=[[3, 3]],
)  # fmt: skip
SINGLE = Instance(
    W1=ONE, DW1=[[3, 0], [0, 0]], target=[[4, 0], [0, 2]], ranks=[[1]], i=1,
    U=ONE, V=ONE, sigma=[[3, 1]],
)  # fmt: skip
FULL = SINGLE.replace(DW1=[[3, 0], [0, 1]])

claim = Claim(
    name="zeng-lee/linear-lower-bound",
    title="No adapters beat the best approximation of the gap of rank R_1 + ... + R_L",
    source=Source("zeng-lee", "lower half of Lemma 1", "extension", "summary"),
    statement=(
        r"Let $\hat W_l = W_l + \Delta W_l$ with $\mathrm{rank}\,\Delta W_l \le R_l$ for layers of "
        r"any shapes, $S = R_1 + \dots + R_L$ and $E = \bar W - W_L \cdots W_1$. Then "
        r"$\mathrm{rank}(\hat W_L \cdots \hat W_1 - W_L \cdots W_1) \le S$, and $X = \bar W - "
        r"\hat W_L \cdots \hat W_1$ has $\sigma_i(X) \ge \sigma_{S+i}(E)$ for every $i \ge 1$ and "
        r"$\|X\|_F^2 \ge \sum_{j > S} \sigma_j(E)^2$: no adapters beat the best approximation of "
        r"$E$ of rank $S$, in any singular value of the error, so neither in the spectral nor in "
        r"the Frobenius norm."
    ),
    assumptions=(adapter_ranks, earlier, values),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(adapter_ranks, (FULL,), "an adapter of rank 2 where 1 is allowed is exact"),
        Control(None, (SINGLE,), "sigma_S in place of sigma_(S+1)", one_rank_less),
        Control(None, (BOTH,), "the largest rank in place of the sum", largest_rank),
        Control(None, (SINGLE,), "each value against the next smaller one", next_value),
    ),
    note=(
        "Label and wording of the paper's lemma are as commonly quoted; this half needs none of "
        "its assumptions. The derivation is the step of an induction over layers. That larger "
        "singular values make every unitarily invariant norm larger is Fan's dominance theorem "
        "(Horn and Johnson, Topics in Matrix Analysis, section 3.5); it is not concluded here."
    ),
)
