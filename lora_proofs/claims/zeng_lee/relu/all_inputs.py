"""False reading: the network that is exact on bounded sets can be exact on all of R^D.

Let D = L = 2, R = 1, Wbar = I, bbar = 0 and frozen weights W_l = diag(p_l, q_l) with negative
entries. If f = ReLU(What_2 ReLU(What_1 x + b_1) + b_2) is ReLU(x) on R^2, then for large x in the
open quadrant x > 0 the Jacobian is I: both hidden units are on there, the rows a_1, a_2 of What_1
are >= 0 and What_2 What_1 = I. For x = (s, -t) the first output has the gradient e_1; some a_i has
a positive second entry, as What_1 is nonsingular, and that unit is off where t/s is large, so the
other one is a positive multiple of e_1. The same with the axes exchanged: What_1 has one positive
entry in each row and column, What_2 is its inverse.
- What_1 = diag(c_1, c_2): What_1 - W_1 = diag(c_1 - p_1, c_2 - q_1) has rank 2: c > 0 > p_1, q_1.
- What_1 with c_1, c_2 off the diagonal: rank(What_1 - W_1) <= 1 says c_1 c_2 = p_1 q_1, and
  rank(What_1^{-1} - W_2) <= 1 says 1/(c_1 c_2) = p_2 q_2.
So adapters of rank 1 exist only if p_1 q_1 p_2 q_2 = 1, and then they do.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_most, below, equal
from lora_proofs.claims.zeng_lee.relu.problem import adapted_to, jacobian
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.literature import DIAGONAL_CRITERION, lean_on
from lora_proofs.mathematics.relu_network import relu_network
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.relu_networks import target

EYE = [[1, 0], [0, 1]]
REGIMES = ("generic", "a product of 1")


def problem(first: tuple[Any, Any], second: tuple[Any, Any], **more: Any) -> Instance:
    """W_1 and W_2 by their diagonals, the target ReLU(x), one adapter of rank 1 for each."""
    (p1, q1), (p2, q2) = first, second
    return Instance(
        W1=[[p1, 0], [0, q1]], W2=[[p2, 0], [0, q2]], Wbar1=EYE, bbar1=[[0, 0]],
        partition=[[2]], ranks=[[1, 1]], lower=[[-1, -1]], upper=[[1, 1]], **more,
    )  # fmt: skip


def draw(source: Draw, regime: str) -> Instance:
    """Negative diagonals."""
    p1, q1, p2, q2 = (-Fraction(source.integer(1, 6), source.integer(1, 3)) for _ in range(4))
    if regime == "a product of 1":
        q2 = 1 / (p1 * q1 * p2)
    return problem((p1, q1), (p2, q2), regimes=(regime,))


INSTANCES = Instances(draw, REGIMES)


def diagonals(instance: Instance) -> tuple[Any, Any, Any, Any]:
    """p_1, q_1, p_2, q_2."""
    first, second = instance.W1, instance.W2
    return first[0][0], first[1][1], second[0][0], second[1][1]


def is_of_this_form(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """W_1 and W_2 are diagonal with negative entries, and the target is ReLU(x)."""
    for W in (instance.W1, instance.W2):
        yield equal(
            "entries off the diagonal", EXACT.matrix([[W[0][1], W[1][0]]]), EXACT.zeros(1, 2)
        )
    for entry in diagonals(instance):
        yield below("an entry of the diagonal against 0", entry, 0)
    yield equal("Wbar", EXACT.matrix(instance.Wbar1), EXACT.identity(2))


form = Assumption(
    "form", r"$D = L = 2$, $R = 1$, $\bar W = I$, $W_1$ and $W_2$ negative and diagonal",
    is_of_this_form, technical="it says which networks the claim is about",
)  # fmt: skip


def best(instance: Instance) -> list[tuple[Any, Any]]:
    """The network that is exact everywhere where there is one, else the one for the box."""
    p1, q1, p2, q2 = diagonals(instance)
    if p1 * q1 * p2 * q2 != 1:
        return adapted_to(instance, target(instance)).layers
    c = EXACT.matrix([[0, -p1], [-q1, 0]])
    return [(c, [0, 0]), (EXACT.inverse(c), [0, 0])]


def points(instance: Instance, size: int) -> Any:
    """The corners and midpoints of a square."""
    return EXACT.matrix([
        [size * i for i in (-1, 0, 1) for _ in range(3)],
        [size * j for _ in range(3) for j in (-1, 0, 1)],
    ])  # fmt: skip


def differences(instance: Instance, size: int) -> Any:
    """f - fbar at the points of a square of that size."""
    X = points(instance, size)
    return relu_network(best(instance), X, EXACT) - relu_network(target(instance), X, EXACT)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """On the box, and 20 times as far; adapters of rank 1."""
    for (What, _), W in zip(best(instance), (instance.W1, instance.W2), strict=True):
        yield at_most("rank of an adapter", EXACT.rank(What - EXACT.matrix(W)), 1)
    for size in (1, 20):
        D = differences(instance, size)
        yield equal(f"f against fbar, {size} times the box", D, 0 * D)


def lower_bound(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """What rank 1 of each adapter asks of c_1 c_2."""
    lean_on(DIAGONAL_CRITERION)
    p1, q1, p2, q2 = diagonals(instance)
    label = "c_1 c_2 as an adapter of rank 1 of W_1 asks, and as one of W_2 asks"
    yield equal(label, EXACT.number(p1 * q1), EXACT.number(1 / (p2 * q2)))


def forgets_signs(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """c_1 = p_1, c_2 = q_1 allowed, which would make the units decrease: f = 0 for large x > 0."""
    p1, q1, _, _ = diagonals(instance)
    C = EXACT.matrix([[p1, 0], [0, q1]])
    J, _ = jacobian([(C, [0, 0]), (EXACT.inverse(C), [0, 0])], EXACT.matrix([[1, 1]])[0])
    yield equal("Jacobian of f for x > 0", J, EXACT.identity(2))


def without_the_box(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The network for the box claimed to be exact 20 times as far."""
    D = differences(instance, 20)
    yield equal("f against fbar", D, 0 * D)


CASE = problem((-1, -2), (-1, -1))

claim = Claim(
    name="zeng-lee/naive/exact-on-all-inputs",
    title="Exact on all of R^D (false)",
    source=Source(
        "zeng-lee", "", "our reading", "summary", corrected_by="zeng-lee/multi-layer-exact"
    ),
    statement=(
        r"Our reading, not a claim of the authors: at the threshold there are adapters and biases "
        r"with $f = \bar f$ on all of $\mathbb R^D$. It is false for $D = L = 2$, $\bar f(x) = "
        r"\mathrm{ReLU}(x)$, $W_1 = \mathrm{diag}(-1, -2)$, $W_2 = -I$, where $R = 1$ suffices on "
        r"every bounded set: with negative diagonal $W_1$, $W_2$ adapters of rank 1 exist on "
        r"$\mathbb R^2$ if and only if $\det W_1 \det W_2 = 1$."
    ),
    assumptions=(form,),
    instances=INSTANCES,
    check=check,
    kind="lower-bound",
    lower_bound=lower_bound,
    controls=(
        Control(None, (CASE,), "the network for the box used 20 times as far", without_the_box),
        Control(None, (CASE,), "What_1 = W_1 taken for a way out", forgets_signs),
    ),
    arithmetics=("exact",),
)
