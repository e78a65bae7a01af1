"""The stacked factor Z = [B; A'] keeps its kernel and its rank along the flow.

For every V, with Lambda = int_0^t ||G||_2: e^{-2 Lambda} ||Z0 V||^2 <= ||Z(t) V||^2 <=
e^{2 Lambda} ||Z0 V||^2. So Z(t) V = 0 exactly where Z0 V = 0: the kernel is one, hence the rank.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    Comparison,
    at_least,
    at_most,
    equal,
    squared_norm,
)
from lora_proofs.claims.rushka_klabjan.rank import orbits
from lora_proofs.claims.rushka_klabjan.rank.kernel_growth import (
    A_START,
    B_START,
    BACKWARD,
    FORWARD,
    GROWTH,
    SIGN,
    at_start,
    growth_steps,
    now,
)
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import trace_squared
from lora_proofs.mathematics.notation import W0, A, B, f
from lora_proofs.mathematics.words import Relation, Symbol
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.matrices import matrix
from lora_proofs.symbolic.steps import Step

V = Symbol("V", "r", "k")
CONCLUSION = (
    Relation(now(V), "<=", GROWTH * at_start(V), FORWARD),
    Relation(at_start(V), "<=", GROWTH * now(V), BACKWARD),
)


def derive() -> Iterator[Step]:
    """Gronwall's inequality for ||ZV||^2, both ways."""
    yield from growth_steps(V, "flow")


def flow_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The flow passes the point, and E is that of the time taken."""
    yield from orbits.passes(instance)
    yield at_least("E", EXACT.number(instance.E), orbits.growth(instance))


flow = Assumption(
    "flow",
    r"$A, B$ solve the LoRA gradient flow of a continuously differentiable loss on $[0, t]$ from "
    r"$A_0, B_0$, and $E = e^{2\Lambda}$",
    flow_holds,
    relations=(SIGN,),
)


def sizes(instance: Instance) -> tuple[Any, Any]:
    """||Z0 V||^2 and ||Z(t) V||^2."""
    x, (A_now, B_now) = instance.lift(EXACT), orbits.factors(instance)
    start = squared_norm(x.B0 @ x.V) + squared_norm(x.A0.mT @ x.V)
    return start, squared_norm(B_now @ x.V) + squared_norm(A_now.mT @ x.V)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Both bounds; the ranks beside them."""
    start, later = sizes(instance)
    E = EXACT.number(instance.E)
    yield at_most(FORWARD, later, E * start)
    yield at_most(BACKWARD, start, E * later)
    yield equal("measured: rank of Z at time t and at time 0", *map(EXACT.number, ranks(instance)))


def ranks(instance: Instance) -> tuple[int, int]:
    """The exact ranks of Z at time t and at time 0."""
    x = instance.lift(EXACT)
    later = EXACT.rank(orbits.stack(*orbits.factors(instance)))
    return later, EXACT.rank(orbits.stack(x.A0, x.B0))


def root_of_growth(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """e^Lambda in place of e^(2 Lambda), for the squared norm."""
    start, later = sizes(instance)
    y = EXACT.number(instance.y)
    yield at_most(BACKWARD, start, max(y, 1 / y) * later)


def update_rank(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The rank of BA claimed to be kept."""
    x, (A_now, B_now) = instance.lift(EXACT), orbits.factors(instance)
    later, start = EXACT.rank(B_now @ A_now), EXACT.rank(x.B0 @ x.A0)
    yield equal("rank of BA", EXACT.number(later), EXACT.number(start))


def each_kernel(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The kernel of B alone claimed to be kept."""
    x, (_, B_now) = instance.lift(EXACT), orbits.factors(instance)
    y = EXACT.number(instance.y)
    bound = max(y**2, 1 / y**2) * squared_norm(x.B0 @ x.V)
    yield at_most("||BV||^2 against that at time 0", squared_norm(B_now @ x.V), bound)


def draw(source: Draw, regime: str) -> Instance:
    """A point of an orbit, and V: any matrix, or the kernel of Z0 where it has one."""
    problem = orbits.draw(source, regime)
    x = problem.lift(EXACT)
    null = orbits.kernel(orbits.stack(x.A0, x.B0))
    V_value = matrix(source, len(problem.A0), source.integer(1, 2))
    if null is not None and source.choice((True, False)):
        V_value = null
    return problem.replace(V=V_value, E=orbits.growth(problem))


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The start, the point, V and E."""
    x = instance.lift(ctx)
    A_now, B_now = (ctx.matrix(X.tolist()) for X in orbits.factors(instance))
    values: dict[Any, Any] = {A_START: x.A0, B_START: x.B0, W0: x.W0, V: x.V, GROWTH: x.E}
    return {**values, A: A_now, B: B_now, f: trace_squared()}


INSTANCES = Instances(draw, orbits.REGIMES)
CONE = Instance(W0=[[1]], A0=[[1]], B0=[[1]], V=[[1]], y=2, E=4)
ZERO_B = Instance(W0=[[4]], A0=[[1]], B0=[[0]], V=[[1]], y=2, E=4)

claim = Claim(
    name="rushka-klabjan/rank-conserved",
    title="The stacked factor keeps its kernel and its rank",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"With $Z = (B; A^\top)$ and $\Lambda = \int_0^t \|G\|_2$, along the LoRA gradient flow "
        r"of a continuously differentiable loss $e^{-2\Lambda} \|Z_0 V\|_F^2 \le "
        r"\|Z(t) V\|_F^2 \le e^{2\Lambda} \|Z_0 V\|_F^2$ for every $V$; hence $Z(t)$ and $Z_0$ "
        r"have the same kernel and the same rank."
    ),
    assumptions=(flow,),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(flow, (CONE.replace(E=1),), "E is 1, as if nothing could move"),
        Control(None, (CONE,), "half of the exponent", root_of_growth),
        Control(None, (ZERO_B,), "the rank of BA in place of that of Z", update_rank),
        Control(None, (ZERO_B,), "the kernel of B in place of that of Z", each_kernel),
    ),
    note=(
        "Judged at rational points of trace-squared orbits, where kernels and ranks are exact. "
        "A differentiable loss whose gradient is not continuous is not meant: G need not be "
        "integrable along the flow then."
    ),
)
