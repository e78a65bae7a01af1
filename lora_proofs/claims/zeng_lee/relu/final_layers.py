"""Tuning only the last L - 1 layers: when it can reach a one-layer target on all of R^D.

With u = W_1 x + b_1, which is any vector as W_1 is invertible, output i of the target is ReLU(c.u +
d), c = Wbar_i W_1^{-1}, d = bbar_i - c.b_1, and the tuned layers see ReLU(u) alone. So the output
must not change with u_j on u_j < 0. If some c_j < 0, u_j = -t and -2t for a large t tell; if two
entries are positive, the other one makes the argument positive while the first changes; if c has
one positive entry c_j and d > 0, u_j = -d/(2 c_j) and -d/(4 c_j) tell. What is left are c = 0, and
one positive entry with d <= 0, where ReLU(c_j u_j + d) = ReLU(c_j ReLU(u_j) + d): row i of Wbar is
a positive multiple c_j of row j of W_1, and bbar_i <= c_j (b_1)_j.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    Comparison,
    at_least,
    below,
    equal,
    squared_norm,
)
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.relu_network import relu_network
from lora_proofs.strategies.draw import Draw, quarter, ratio
from lora_proofs.strategies.matrices import full_rank_matrix, matrix
from lora_proofs.strategies.networks import small
from lora_proofs.strategies.relu_networks import target

REGIMES = (
    "generic", "multiples of rows", "offsets too large", "a negative multiple", "two rows added",
    "zero rows", "one input",
)  # fmt: skip


def draw(source: Draw, regime: str) -> Instance:
    """A frozen first layer, and a target whose rows are combinations c of its rows."""
    D = 1 if regime == "one input" else source.integer(2, 3)
    W1 = full_rank_matrix(source, D, D, entry=small)
    b1 = EXACT.matrix([[quarter(source) for _ in range(D)]])[0]
    C, d = EXACT.zeros(D, D), EXACT.zeros(1, D)[0]
    for i in range(D):
        C[i, source.integer(0, D - 1)] = EXACT.number(ratio(source, 1, 6, 2))
        d[i] = -EXACT.number(ratio(source, 0, 6, 2))
    if regime == "generic":
        C = matrix(source, D, D, entry=small)
    if regime == "offsets too large":
        d[0] = EXACT.number(ratio(source, 1, 6, 2))
    if regime == "a negative multiple":
        C[0] = -C[0]
    if regime == "two rows added":
        C[0] = abs(C[0]) + 1
    if regime == "zero rows":
        C = 0 * C
    bbar = d + C @ b1
    return Instance(W1=W1, b1=[list(b1)], Wbar1=C @ W1, bbar1=[list(bbar)], regimes=(regime,))


INSTANCES = Instances(draw, REGIMES)


def in_units(instance: Instance) -> tuple[Any, Any]:
    """C and d: the target is ReLU(C u + d) of the preactivations u of the first layer."""
    ((W, b),) = target(instance)
    C = W @ EXACT.inverse(EXACT.matrix(instance.W1))
    return C, b - C @ EXACT.matrix(instance.b1)[0]


def reachable(c: Any, d: Any) -> bool:
    """Whether c = 0, or c has one entry that is not 0, it is positive, and d <= 0."""
    entries = [x for x in c if x != 0]
    return not entries or (len(entries) == 1 and entries[0] > 0 and d <= 0)


def pair(c: Any, d: Any) -> tuple[Any, Any]:
    """Two vectors u with one ReLU(u) and different ReLU(c.u + d), where it is not reachable."""
    u, v = EXACT.zeros(1, len(c))[0], EXACT.zeros(1, len(c))[0]
    j = next((j for j, x in enumerate(c) if x < 0), None)
    if j is not None:
        u[j], v[j] = (s * (abs(d) + 1) / -c[j] * -1 for s in (1, 2))
        return u, v
    j, *others = (k for k, x in enumerate(c) if x > 0)
    if others:
        u[j], v[j] = EXACT.number(-1), EXACT.number(-2)
        u[others[0]] = v[others[0]] = (abs(d) + 2 * c[j] + 1) / c[others[0]]
        return u, v
    u[j], v[j] = -d / (2 * c[j]), -d / (4 * c[j])
    return u, v


def first_layer(instance: Instance, U: Any) -> tuple[Any, Any]:
    """The inputs X with W_1 X + b_1 = U, by columns, and ReLU(U) as the network computes it."""
    W1, b1 = EXACT.matrix(instance.W1), EXACT.matrix(instance.b1).mT
    X = EXACT.inverse(W1) @ (U - b1)
    return X, relu_network([(W1, b1[:, 0])], X, EXACT)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Two inputs that the tuned layers cannot tell apart, or layers that reach the target."""
    C, d = in_units(instance)
    missed = [i for i in range(len(C)) if not reachable(C[i], d[i])]
    for i in missed:
        (x, seen), (y, seen_too) = (first_layer(instance, u[:, None]) for u in pair(C[i], d[i]))
        yield equal("what the tuned layers see of two inputs", seen, seen_too)
        apart = squared_norm(of_target(instance, x) - of_target(instance, y))
        yield below("0 against the distance of the target's outputs", 0, apart)
    if not missed:
        yield from tuned_is_target(instance, C, d)


def of_target(instance: Instance, x: Any) -> Any:
    """fbar(x)."""
    return relu_network(target(instance), x, EXACT)


def tuned_is_target(instance: Instance, C: Any, d: Any) -> Iterator[Comparison]:
    """f with W_2 = C, b_2 = d and later layers the identity, on every side of each kink."""
    ends = [EXACT.number(x) for x in (-5, -1, 0, Fraction(1, 3), 2, 9)]
    columns = [(j, end) for j in range(len(C)) for end in ends]
    U = EXACT.matrix([[end if k == j else k for j, end in columns] for k in range(len(C))])
    X, seen = first_layer(instance, U)
    yield equal("f against fbar", relu_network([(C, d)], seen, EXACT), of_target(instance, X))


def offset_ignored(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Positive multiples of rows claimed to suffice, whatever the offsets."""
    yield from tuned_is_target(instance, *in_units(instance))


def never(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The layers that the instance names claimed to miss the target at some input between."""
    X = EXACT.matrix([[-7, -5, 0, 3], [0, 1, 2, 3]])
    net = [(EXACT.matrix(instance.W1), instance.b1[0]), (instance.W2, instance.b2[0])]
    apart = squared_norm(relu_network(net, X, EXACT) - of_target(instance, X))
    yield below("0 against the distance of f and fbar", 0, apart)


def invertible_first(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """rank W_1 = D."""
    W1 = EXACT.matrix(instance.W1)
    yield at_least("rank of W_1 against D", EXACT.rank(W1), len(W1))


invertible = Assumption("invertible", r"the frozen $W_1$ is invertible", invertible_first)
LARGE = Instance(W1=[[1, 0], [0, 1]], b1=[[0, 0]], Wbar1=[[1, 0], [0, 1]], bbar1=[[5, 0]])
BOTH_SIDES = LARGE.replace(
    W1=[[1, 0], [-1, 0]], Wbar1=[[1, 0], [0, 0]], W2=[[1, -1], [0, 0]], b2=[[5, 0]]
)

claim = Claim(
    name="zeng-lee/final-layer-tuning",
    title="What tuning the last layers reaches on all of R^D",
    source=Source("zeng-lee", "", "corrected", "recalled"),
    statement=(
        r"Let $W_1$, $b_1$ be frozen, $W_1$ invertible, and tune all other layers freely. They "
        r"can reach $\bar f(x) = \mathrm{ReLU}(\bar W x + \bar b)$ on all of $\mathbb R^D$ if and "
        r"only if every nonzero row $i$ of $\bar W$ is a multiple $c > 0$ of a row $j$ of $W_1$, "
        r"with $\bar b_i \le c\,(b_1)_j$. For random frozen weights with a density and $\bar W \ne "
        r"0$, $D \ge 2$, this has probability 0."
    ),
    assumptions=(invertible,),
    instances=INSTANCES,
    check=check,
    controls=(
        Control(
            invertible, (BOTH_SIDES,), "rows w and -w: ReLU(u) - ReLU(-u) = u is seen whole", never
        ),
        Control(None, (LARGE,), "the offset ignored: ReLU(u + 5) for u < 0", offset_ignored),
    ),
    arithmetics=("exact",),
    note=(
        "That a density gives probability 0 is by hand: a row of Wbar W_1^{-1} with one nonzero "
        "entry is a null set of W_1. On a bounded set it is false: see the naive reading."
    ),
)
