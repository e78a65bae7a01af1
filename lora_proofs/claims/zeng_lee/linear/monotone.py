"""More rank never hurts, and a deeper frozen net never needs more of it: the least error
sigma_(S+1)(E) falls in every R_l, the exact threshold ceil(rank E / L) falls in L.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, at_most, below, equal
from lora_proofs.claims.zeng_lee.linear.problem import (
    FRAME,
    WEIGHTS,
    adapters_towards,
    best_adapters,
    gap,
    least_squared_error,
    named_squared_value,
    nth,
    ranks,
    squares,
    within_ranks,
)
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.networks import layers, linear_problem

REGIMES = ("generic", "zero ranks", "flat spectrum", "with zeros spectrum", "one layer")


def draw(source: Draw, regime: str) -> Instance:
    """A problem with a second list of ranks, none of them smaller."""
    found = linear_problem(source, regime, most_width=3, most_depth=3)
    D = len(found.target)
    more = [min(D, R + source.integer(0, 1)) for R in ranks(found)]
    return found.replace(more=[more])


INSTANCES = Instances(draw, REGIMES)


def has_more(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """R_l <= R'_l for every layer."""
    yield equal("number of ranks", len(instance.more[0]), len(instance.ranks[0]))
    for first, second in zip(instance.ranks[0], instance.more[0], strict=False):
        yield at_least("R'_l against R_l", second, first)


larger = Assumption("larger", r"$R_l \le R'_l$ for every layer", has_more)


def with_more(instance: Instance) -> Instance:
    """The problem with the second list of ranks."""
    return instance.replace(ranks=instance.more)


def threshold(instance: Instance) -> int:
    """ceil(rank E / L)."""
    return -(-int(EXACT.rank(gap(instance))) // len(layers(instance)))


def deeper(instance: Instance, R: int) -> Instance:
    """One frozen layer more, I, for the same gap; the rank R for every layer."""
    L, last = len(layers(instance)), EXACT.identity(len(instance.target))
    return instance.replace(**{f"W{L + 1}": last}, ranks=[[R] * (L + 1)])


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Both least errors, by adapters that attain them; one layer more, by exact ones."""
    errors, target = [], EXACT.matrix(instance.target)
    for x in (instance, with_more(instance)):
        found = best_adapters(x)
        yield from within_ranks(found, ranks(x))
        X = EXACT.matrix(x.target) - found.product
        errors.append(squares(X, ctx)[0])
        wanted = nth(squares(gap(x), ctx), sum(ranks(x)) + 1)
        yield equal("squared spectral error against sigma_(S+1)(E)^2", errors[-1], wanted)
    yield at_most("with more rank", errors[1], errors[0])
    more = deeper(instance, threshold(instance))
    found = adapters_towards(more, target, ranks(more))
    yield from within_ranks(found, ranks(more))
    yield equal("one layer more, with the rank of the threshold", found.product, target)


def least_falls(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """What no adapters of the larger ranks beat, against what the smaller ones reach."""
    reached = named_squared_value(instance, sum(ranks(instance)))
    least = least_squared_error(with_more(instance), ctx)
    yield at_most("what no adapters of larger ranks beat", least, reached)


def strictly(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A strictly smaller error claimed for more rank."""
    reached = named_squared_value(instance, sum(ranks(instance)))
    yield below("with more rank", least_squared_error(with_more(instance), ctx), reached)


def deeper_needs_less(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """One layer more claimed to be exact with one rank less."""
    least = least_squared_error(deeper(instance, threshold(instance) - 1), ctx)
    yield at_most("what no adapters of one rank less beat", least, EXACT.number(0))


ONE = [[1, 0], [0, 1]]
TIED = Instance(W1=ONE, target=[[4, 0], [0, 4]], ranks=[[0]], more=[[1]], V=ONE)
FEWER = Instance(W1=ONE, target=[[4, 0], [0, 3]], ranks=[[1]], more=[[0]], V=ONE)
DEAD = Instance(
    W1=[[0, 0], [0, 0]], W2=ONE, target=ONE, ranks=[[1, 1]], more=[[1, 1]], V=ONE
)  # fmt: skip
TWO = Instance(W1=ONE, W2=ONE, target=[[2, 0], [0, 1]], ranks=[[1, 1]], more=[[1, 1]], V=ONE)

claim = Claim(
    name="zeng-lee/monotone-in-rank",
    title="More rank and more layers never hurt",
    source=Source("zeng-lee", "", "extension", "summary"),
    statement=(
        r"If every $W_l$ is nonsingular and $R_l \le R'_l$ for every layer, then the least "
        r"spectral errors fall, $\sigma_{S'+1}(E) \le \sigma_{S+1}(E)$, and adapters attain both. "
        r"The exact threshold $\lceil \mathrm{rank}\,E / L \rceil$ does not grow with $L$."
    ),
    assumptions=(WEIGHTS, larger, FRAME),
    instances=INSTANCES,
    check=check,
    kind="lower-bound",
    lower_bound=least_falls,
    controls=(
        Control(WEIGHTS, (DEAD,), "W_1 = 0: no adapters reach sigma_(S+1)"),
        Control(larger, (FEWER,), "one rank less in place of more"),
        Control(None, (TIED,), "a strictly smaller error, at a tie", strictly),
        Control(None, (TWO,),
                "a strictly smaller threshold for a gap of rank 1", deeper_needs_less),
    ),
    arithmetics=("exact", "ball"),
    note=(
        "The least error falls for singular weights, too: larger ranks allow more adapters. That "
        "both errors are the least ones is zeng-lee/linear-lower-bound."
    ),
)  # fmt: skip
