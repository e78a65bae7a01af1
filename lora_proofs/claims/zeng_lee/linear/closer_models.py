"""False reading: a target nearer to the frozen model needs a smaller rank for an exact fit.

The threshold ceil(rank E / L) does not see the size of E: E = 10^-3 I needs ceil(D / L), and
E = 10^3 e_1 e_1' needs 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, at_most, squared_norm
from lora_proofs.claims.zeng_lee.linear.problem import WEIGHTS
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.matrices import rank_matrix
from lora_proofs.strategies.networks import layers, small, whole_product


def draw(source: Draw, regime: str) -> Instance:
    """One or two layers I of width 2, a target nearby and one farther away."""
    least, most = {"near and full": (2, 1), "any two": (1, 2)}[regime]
    near = rank_matrix(source, 2, 2, source.integer(least, 2), entry=small)
    far = rank_matrix(source, 2, 2, source.integer(1, most), entry=small)
    one = EXACT.identity(2)
    named = {f"W{k}": one for k in range(1, source.integer(1, 2) + 1)}
    scale = EXACT.number(squared_norm(near) + 1)
    targets = {"target": one + near, "farther": one + scale * far}
    return Instance(regimes=(regime,), **named, **targets)


INSTANCES = Instances(draw, ("near and full", "any two"))


def gaps(instance: Instance) -> tuple[Any, Any]:
    """The gaps of the nearer and of the farther target."""
    P_0 = whole_product(layers(instance))
    return EXACT.matrix(instance.target) - P_0, EXACT.matrix(instance.farther) - P_0


def is_closer(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """||E|| <= ||E'|| in the Frobenius norm."""
    near, far = gaps(instance)
    yield at_least("||E'||^2 against ||E||^2", squared_norm(far), squared_norm(near))


closer = Assumption(
    "closer", r"$\|\bar W - P_0\|_F \le \|\bar W' - P_0\|_F$", is_closer,
    technical="without it the reading is about models that are not closer, false all the more",
)  # fmt: skip


weights = replace(
    WEIGHTS,
    technical="with singular weights the rank for an exact fit is another one, or there is none",
)


def exact_ranks(instance: Instance) -> list[int]:
    """ceil(rank E / L) of both targets: what an exact fit needs, and what is enough."""
    L = len(layers(instance))
    return [-(-EXACT.rank(E) // L) for E in gaps(instance)]


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The exact rank of the nearer target against that of the farther one."""
    near, far = exact_ranks(instance)
    yield at_most("exact rank of the nearer target", near, far)


def farther_needs_less(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The other way round: the farther one claimed to need no more."""
    near, far = exact_ranks(instance)
    yield at_most("exact rank of the farther target", far, near)


ONE = [[1, 0], [0, 1]]
OTHER = Instance(W1=ONE, target=[["1001/1000", 0], [0, 1]], farther=[[1001, 0], [0, 1001]])

claim = Claim(
    name="zeng-lee/naive/closer-models-need-a-smaller-rank",
    title="Closer models need a smaller exact rank (false)",
    source=Source(
        "zeng-lee", "", "our reading", "summary", corrected_by="zeng-lee/model-proximity"
    ),
    statement=(
        r"Our reading, not a claim of the authors: of two targets of one nonsingular frozen net "
        r"the nearer one needs no larger rank for an exact fit. It is false: the rank is $\lceil "
        r"\mathrm{rank}(\bar W - P_0) / L \rceil$, and $P_0 + 10^{-3} I$ needs $\lceil D / L "
        r"\rceil$, $P_0 + 10^3 e_1 e_1^\top$ only 1."
    ),
    assumptions=(weights, closer),
    instances=INSTANCES,
    check=check,
    controls=(
        Control(None, (OTHER,), "the farther target claimed to need no more", farther_needs_less),
    ),
    arithmetics=("exact",),
    note="That the rank is needed: zeng-lee/linear-lower-bound; that it is enough: "
    "zeng-lee/linear-exact-threshold.",
)
