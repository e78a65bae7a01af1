"""Singular frozen weights: no adapted product has a larger rank than rank W_l + R_l.

The product passes through layer l, so its rank is at most that of What_l = W_l + DW_l; the target
is then as far away as its singular values beyond that rank say. With W_1 = 0, R = 1 and the
identity as target this is 1, where the formula of nonsingular weights says 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, at_most, squared_norm
from lora_proofs.claims.zeng_lee.linear import lower_bound
from lora_proofs.claims.zeng_lee.linear.lower_bound import adapted, small_adapters, updates
from lora_proofs.claims.zeng_lee.linear.problem import (
    bottleneck,
    gap,
    nth,
    ranks,
    root,
    squares,
    tail,
)
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.language.lemmas import ranks as lemmas
from lora_proofs.mathematics import words
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.words import Named, Relation, Scalar, Symbol, Word, word
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.networks import (
    frozen_weights,
    layers,
    problem,
    singular_frame,
    weights_of_rank,
    whole_product,
)
from lora_proofs.strategies.spectra import spectrum
from lora_proofs.symbolic.steps import Step, assumed, cited, identity, inequality

TARGET = Symbol("Wbar", "n", "m", latex=r"\bar W")
W, DW = Symbol("W_l", "p", "k"), Symbol("DW_l", "p", "k", latex=r"\Delta W_l")
LATER, EARLIER = Symbol("L", "n", "p", latex=r"\hat L"), Symbol("Q", "k", "m", latex=r"\hat Q")


def rank_of(name: str, latex: str) -> Scalar:
    """A rank, which is never negative."""
    return Scalar(f"rank {name}", nonnegative=True, latex=rf"\mathrm{{rank}}({latex})")


OF_PRODUCT = rank_of("(L What_l Q)", r"\hat L \hat W_l \hat Q")
OF_LATER = rank_of("M_l", "M_l")
OF_WHAT, OF_W = rank_of("What_l", r"\hat W_l"), rank_of("W_l", "W_l")
OF_DW, R = rank_of("DW_l", r"\Delta W_l"), Scalar("R_l", nonnegative=True)
TARGET_VALUE = Scalar("s_{r+i}(Wbar)", nonnegative=True, latex=r"\sigma_{r_l+R_l+i}(\bar W)")
ERROR_VALUE = Scalar("s_i(X)", nonnegative=True, latex=r"\sigma_i(X)")
TARGET_TAIL = Scalar(
    "t_r(Wbar)", nonnegative=True, latex=r"\textstyle\sum_{j>r_l+R_l}\sigma_j(\bar W)^2"
)
RANKS = (OF_PRODUCT, OF_LATER, OF_WHAT, OF_W, OF_DW)
NUMBERS = (*RANKS, R, TARGET_VALUE, ERROR_VALUE, TARGET_TAIL)

WHOLE = LATER @ (W + DW) @ EARLIER
OF_ADAPTER = Relation(OF_DW, "<=", R)
RANK, VALUE, FROBENIUS = (
    "rank of prod What against rank W_l + R_l",
    "sigma_(r+i)(target) against sigma_i(target - prod What)",
    "the squared tail of the target against ||target - prod What||_F^2",
)
CONCLUSION = (
    Relation(OF_PRODUCT, "<=", OF_W + R, RANK),
    Relation(TARGET_VALUE, "<=", ERROR_VALUE, VALUE),
    Relation(TARGET_TAIL, "<=", words.squared_norm(TARGET - WHOLE), FROBENIUS),
)


def derive() -> Iterator[Step]:
    """The rank of the product is at most that of layer l; then Weyl and Eckart-Young."""
    chain = list(rank_of_layer())
    yield from chain
    yield (sum_ := identity(TARGET, TARGET - WHOLE + WHOLE, "the target and the product"))
    rank = CONCLUSION[0]
    whole = inequality(rank.left, rank.right, "chain", rule="combine", uses=tuple(chain[3:]))
    yield whole
    yield inequality(rank.left, rank.right, "as above", rule="combine", uses=(whole,), label=RANK)
    low_rank = {
        lemmas.GAP: TARGET, lemmas.ERROR: TARGET - WHOLE, lemmas.CHANGE: WHOLE,
        lemmas.CHANGE_RANK: OF_PRODUCT, lemmas.TOTAL_OF_RANKS: OF_W + R,
    }  # fmt: skip
    closed = {"change": sum_, "rank": whole, "values": "values"}
    value = {lemmas.GAP_VALUE: TARGET_VALUE, lemmas.ERROR_VALUE: ERROR_VALUE}
    for lemma, new, label in (
        (lemmas.WEYL_LOW_RANK, value, VALUE),
        (lemmas.ECKART_YOUNG, {lemmas.GAP_TAIL: TARGET_TAIL}, FROBENIUS),
    ):
        yield cited(lemma, label, substitution={**low_rank, **new}, discharged_by=closed,
                    label=label)  # fmt: skip


def rank_of_layer() -> Iterator[Step]:
    """rank (L What_l Q) <= rank M_l <= rank What_l <= rank W_l + rank DW_l."""
    what = Named("What_l", W + DW, latex=r"\hat W_l")
    front = Named("M_l", LATER @ what)
    yield (last := identity(WHOLE, front @ EARLIER, "with the left factor M_l"))
    yield (first := identity(front, LATER @ what, "with the right factor What_l"))
    yield (both := identity(what, W + DW, "a frozen weight and its update"))
    whole, later, total = lemmas.RANKS_OF_PRODUCT, lemmas.RANKS_OF_LATER, lemmas.RANKS_OF_WEIGHT
    for lemma, by, hypothesis, substitution in (
        (whole.by_left, last, "product", {
            whole.total: WHOLE, whole.left: front, whole.right: EARLIER,
            lemmas.TOTAL_RANK: OF_PRODUCT, lemmas.FIRST_RANK: OF_LATER}),
        (later.by_right, first, "product", {
            later.total: front, later.left: LATER, later.right: what,
            lemmas.TOTAL_RANK: OF_LATER, lemmas.SECOND_RANK: OF_WHAT}),
        (total.lemma, both, "sum", {
            total.total: what, total.first: W, total.second: DW,
            lemmas.TOTAL_RANK: OF_WHAT, lemmas.FIRST_RANK: OF_W, lemmas.SECOND_RANK: OF_DW}),
    ):  # fmt: skip
        yield cited(lemma, "ranks", substitution=substitution,
                    discharged_by={hypothesis: by, "ranks": "values"})  # fmt: skip
    yield assumed("adapters", OF_ADAPTER, "the adapter has rank R_l at most")


REGIMES = ("generic", "a zero weight", "one layer", "rectangular", "met")


def draw(source: Draw, regime: str) -> Instance:
    """Singular layers, updates, a target with a chosen gap, a layer and an index."""
    L = 1 if regime == "one layer" else source.integer(2, 3)
    n = source.integer(2, 3)
    widths = [source.integer(1, 3) if regime == "rectangular" else n for _ in range(L + 1)]
    if regime == "rectangular":
        weights = frozen_weights(source, widths)
    else:
        known = [source.integer(0, n - 1) for _ in range(L)]
        if regime in ("a zero weight", "met"):
            known = [0] * L
        weights = weights_of_rank(source, n, known)
    allowed = [1] * L if regime == "met" else [source.integer(0, 1) for _ in range(L)]
    k = min(widths[0], widths[-1])
    frame = singular_frame(source, widths[-1], widths[0], spectrum(source, k))
    moves = lower_bound.adapters(source, weights, allowed)
    if regime == "met":
        moves = unit_chain(weights, frame)
    named = {f"DW{j}": X for j, X in enumerate(moves, start=1)}
    found = problem(
        weights, allowed, frame, l=source.integer(1, L), i=source.integer(1, k), **named
    )
    return found.replace(regimes=(regime,))


def unit_chain(weights: Any, frame: dict[str, Any]) -> list[Any]:
    """Updates of rank 1 with the product sigma_1 u_1 v_1', for weights that are all 0."""
    U, V = EXACT.matrix(frame["U"])[:, :1], EXACT.matrix(frame["V"])[:, :1]
    first, *others = weights
    start = EXACT.number(frame["sigma"][0][0]) * U @ V.mT
    return [start + first, *(U @ U.mT + X for X in others)]


INSTANCES = Instances(draw, REGIMES)


def indices(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """1 <= l <= L and i >= 1: what else is named is computed from the instance."""
    yield at_least("l", int(instance.l), 1)
    yield at_most("l", int(instance.l), len(layers(instance)))
    yield at_least("i", int(instance.i), 1)


adapter_ranks = Assumption(
    "adapters",
    r"$\mathrm{rank}\,\Delta W_l \le R_l$ for every layer",
    small_adapters,
    relations=(OF_ADAPTER,),
)
values = Assumption(
    "values",
    r"$\mathrm{rank}\,\cdot$ are ranks, $\sigma_j$ the $j$-th largest singular values, 0 beyond "
    r"the last; $\hat L = \hat W_L \cdots \hat W_{l+1}$, $\hat Q = \hat W_{l-1} \cdots \hat W_1$",
    indices,
    technical="it only names numbers, which are computed from the instance",
    relations=tuple(Relation(word(0), "<=", x) for x in NUMBERS),
)


def at_layer(instance: Instance) -> tuple[Any, ...]:
    """L, W_l, DW_l, Q."""
    moved, count = adapted(instance), int(instance.l)
    first, last = (EXACT.identity(k) for k in (moved[0].shape[1], len(moved[-1])))
    later = whole_product([*moved[count:], last]) if count < len(moved) else last
    earlier = whole_product([first, *moved[: count - 1]])
    return later, layers(instance)[count - 1], updates(instance)[count - 1], earlier


def limit(instance: Instance) -> int:
    """rank W_l + R_l."""
    count = int(instance.l)
    return int(EXACT.rank(layers(instance)[count - 1])) + ranks(instance)[count - 1]


def error(instance: Instance) -> Any:
    """target - prod What."""
    return EXACT.matrix(instance.target) - whole_product(adapted(instance))


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The factors of the product, every rank and singular value."""
    later, frozen, update, earlier = at_layer(instance)
    what, i = frozen + update, int(instance.i)
    measured = (later @ what @ earlier, later @ what, what, frozen, update)
    of_target = squares(EXACT.matrix(instance.target), ctx)
    matrices: dict[Word, Any] = {
        TARGET: instance.target, W: frozen, DW: update, LATER: later, EARLIER: earlier,
    }  # fmt: skip
    return {
        **{symbol: ctx.matrix(X) for symbol, X in matrices.items()},
        **{x: ctx.number(EXACT.rank(X)) for x, X in zip(RANKS, measured, strict=True)},
        R: ctx.number(ranks(instance)[int(instance.l) - 1]),
        TARGET_VALUE: root(nth(of_target, limit(instance) + i)),
        ERROR_VALUE: root(nth(squares(error(instance), ctx), i)),
        TARGET_TAIL: ctx.number(tail(of_target, limit(instance))),
    }


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The rank at layer l, and how near the target can be; beside it the least of all layers."""
    i, r, X = int(instance.i), limit(instance), error(instance)
    of_target = squares(EXACT.matrix(instance.target), ctx)
    product = whole_product(adapted(instance))
    yield at_most(RANK, EXACT.rank(product), r)
    yield at_most(VALUE, root(nth(of_target, r + i)), root(nth(squares(X, ctx), i)))
    yield at_most(FROBENIUS, tail(of_target, r), squared_norm(X))
    yield at_most("measured: rank of prod What", EXACT.rank(product), bottleneck(instance))


def without_adapter(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """rank W_l alone, as if the adapter could not add to it."""
    less = limit(instance) - ranks(instance)[int(instance.l) - 1]
    yield at_most("rank of prod What", EXACT.rank(whole_product(adapted(instance))), less)


def only_the_gap(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The formula of nonsingular weights, sigma_(S+1)(E), claimed to be reached."""
    reached = squares(error(instance), ctx)[0]
    formula = nth(squares(gap(instance), ctx), sum(ranks(instance)) + 1)
    yield at_most("squared spectral error", reached, formula)


ONE, NONE, FIRST = [[1, 0], [0, 1]], [[0, 0], [0, 0]], [[1, 0], [0, 0]]
DEAD = Instance(
    W1=NONE, W2=ONE, DW1=FIRST, DW2=NONE, target=ONE, ranks=[[1, 1]], l=1, i=1
)  # fmt: skip

OVERSHOT = DEAD.replace(DW1=[[9, 0], [0, 0]])

claim = Claim(
    name="zeng-lee/linear-singular-weights",
    title="A singular weight limits the rank of every adapted product",
    source=Source("zeng-lee", "", "extension", "summary"),
    statement=(
        r"For layers of any shapes, $\hat W_l = W_l + \Delta W_l$ with $\mathrm{rank}\,\Delta W_l "
        r"\le R_l$, every layer has $\mathrm{rank}(\hat W_L \cdots \hat W_1) \le \mathrm{rank}\,"
        r"W_l + R_l =: r$. So $X = \bar W - \hat W_L \cdots \hat W_1$ has $\sigma_i(X) \ge "
        r"\sigma_{r+i}(\bar W)$ for every $i \ge 1$ and $\|X\|_F^2 \ge \sum_{j > r} "
        r"\sigma_j(\bar W)^2$: an exact fit needs $\mathrm{rank}\,\bar W \le \min_l "
        r"(\mathrm{rank}\,W_l + R_l)$."
    ),
    assumptions=(adapter_ranks, values),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(adapter_ranks, (DEAD.replace(DW1=ONE),), "an adapter of rank 2 where 1 is allowed"),
        Control(None, (DEAD, OVERSHOT), "the rank of W_l alone", without_adapter),
        Control(None, (DEAD,), "the formula of nonsingular weights: 0 where 1 is left",
                only_the_gap),
    ),
)  # fmt: skip
