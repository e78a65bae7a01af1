"""From B0 = 0 the rank of the update is at most the rank of A0, for all time.

Let LR, with L of shape (r, k) and R of shape (k, r), be the projector on the column space of A0, so
k = rank A0, and V = I - LR. Then A0'V = 0 and B0 V = 0, and the flow keeps both (rank-conserved):
B(t) V = 0, B(t) = B(t) LR, and BA = (BL)(RA) is a product through k dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_most, equal, trace
from lora_proofs.claims.rushka_klabjan.rank import orbits
from lora_proofs.claims.rushka_klabjan.rank.kernel_growth import (
    A_START,
    B_START,
    GROWTH,
    SIGN,
    growth_steps,
)
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.language.lemmas.flows import DEFINITE, VANISHING
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.limit_constants import frobenius
from lora_proofs.mathematics.losses import trace_squared
from lora_proofs.mathematics.notation import W0, A, B, f
from lora_proofs.mathematics.words import Identity, Relation, Symbol, Zero, squared_norm
from lora_proofs.strategies.draw import Draw, Rejected
from lora_proofs.strategies.problems import lora_problem
from lora_proofs.symbolic.steps import Step, assumed, cited, identity, inequality

REGIMES = (
    "generic", "rank deficient", "r = 1", "r = min(n, m)", "r > min(n, m)",
    "orthonormal rows", "tiny scale", "huge scale",
)  # fmt: skip
LABEL = "BA against (BL)(RA)"
V = Symbol("V", "r", "r")
L, R = Symbol("L", "r", "k"), Symbol("R", "k", "r")
ZERO_START = Relation(B_START, "=", Zero("n", "r"))
KILLED = Relation(A_START.T @ V, "=", Zero("m", "r"))
SPLIT = Relation(L @ R, "=", Identity("r") - V)
CONCLUSION = Relation(B @ A, "=", (B @ L) @ (R @ A), LABEL)


def derive() -> Iterator[Step]:
    """The kernel of Z0 is kept; it is the complement of the column space of A0."""
    steps = list(growth_steps(V, "flow"))
    yield from steps[:-1]
    forward = steps[-2]
    yield (no_B := assumed("zero_B0", ZERO_START, "B starts at 0"))
    yield (no_A := assumed("projection", KILLED, "V is orthogonal to the columns of A0"))
    in_B, in_A = squared_norm(B_START @ V), squared_norm(A_START.T @ V)
    yield (one := identity(in_B, 0, "B0 = 0", given=(no_B,)))
    yield (two := identity(in_A, 0, "A0'V = 0", given=(no_A,)))
    small, uses = frobenius(B @ V) ** 2, (forward, one, two)
    yield (bound := inequality(small, 0, "nothing grows out of nothing", rule="combine", uses=uses))
    yield (
        gone := cited(
            DEFINITE,
            "BV = 0 at time t",
            substitution={VANISHING: B @ V},
            discharged_by={"norm": bound},
        )
    )
    yield (split := assumed("projection", SPLIT, "LR = I - V"))
    left, right = CONCLUSION.left, CONCLUSION.right
    yield identity(left, right, "B LR A = BA - BVA", given=(split, gone), label=LABEL)


def flow_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The flow passes the point."""
    yield from orbits.passes(instance)


def zero_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """B0 = 0, exactly."""
    B0 = instance.lift(EXACT).B0
    yield equal("B0", B0, EXACT.zeros(*B0.shape))


def projection_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A0'(I - LR) = 0, and LR has the rank of A0."""
    x = instance.lift(EXACT)
    V_value = EXACT.identity(len(x.A0)) - x.L @ x.R
    gap = x.A0.mT @ V_value
    yield equal("A0'V", gap, EXACT.zeros(*gap.shape))
    yield equal("k", EXACT.number(len(x.R)), EXACT.number(EXACT.rank(x.A0)))


flow = Assumption(
    "flow",
    r"$A, B$ solve the LoRA gradient flow of a continuously differentiable loss from $A_0, B_0$, "
    r"with $E = e^{2 \int \|G\|_2} \ge 0$",
    flow_holds,
    technical="without the equation there is nothing to say; rank-conserved has the control",
    relations=(SIGN,),
)
zero_B0 = Assumption("zero_B0", r"$B_0 = 0$", zero_holds, relations=(ZERO_START,))
projection = Assumption(
    "projection",
    r"$LR = I - V$ with $A_0^\top V = 0$, where $L$ has $k = \mathrm{rank} A_0$ columns: the "
    r"projector on the column space of $A_0$",
    projection_holds,
    relations=(KILLED, SPLIT),
)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """BA = (BL)(RA) at the point, and the exact ranks."""
    x, (A_now, B_now) = instance.lift(EXACT), orbits.factors(instance)
    yield equal(LABEL, B_now @ A_now, (B_now @ x.L) @ (x.R @ A_now))
    label = "measured: rank of BA against the rank of A0"
    yield at_most(label, EXACT.rank(B_now @ A_now), EXACT.rank(x.A0))


def one_less(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """One dimension less."""
    x, (A_now, B_now) = instance.lift(EXACT), orbits.factors(instance)
    yield at_most("rank of BA", EXACT.rank(B_now @ A_now), EXACT.rank(x.A0) - 1)


def full_update(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The update of full fine-tuning, -(w0/n)(1 - e^{-nt}) I, at e^{-nt} = 1/2."""
    x = instance.lift(EXACT)
    n = len(x.W0)
    update = -(trace(x.W0) / (2 * n)) * EXACT.identity(n)
    yield at_most("rank of the full update", EXACT.rank(update), EXACT.rank(x.A0))


def with_projector(problem: Instance) -> Instance:
    """The problem with L, R of the orthogonal projector on the column space of A0."""
    C = orbits.column_basis(problem.lift(EXACT).A0)
    return problem.replace(L=C @ EXACT.inverse(C.mT @ C), R=C.mT)


def draw(source: Draw, regime: str) -> Instance:
    """A point of an orbit from B0 = 0."""
    problem = lora_problem(source, regime, loss="trace-squared", largest=4)
    if not any(x for row in problem.A0 for x in row):
        raise Rejected("A0 = 0: nothing moves")
    problem = problem.replace(B0=0 * problem.lift(EXACT).B0)
    return with_projector(orbits.on_the_way(source, problem))


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The start, the point, the projector and E."""
    x = instance.lift(ctx)
    A_now, B_now = (ctx.matrix(X.tolist()) for X in orbits.factors(instance))
    complement = ctx.identity(len(x.A0)) - x.L @ x.R
    values: dict[Any, Any] = {A_START: x.A0, B_START: x.B0, W0: x.W0, V: complement}
    values |= {L: x.L, R: x.R, GROWTH: ctx.number(orbits.growth(instance))}
    return {**values, A: A_now, B: B_now, f: trace_squared()}


ONE_ROW = with_projector(
    Instance(W0=[[4, 0], [0, 4]], A0=[[1, 0], [0, 0]], B0=[[0, 0], [0, 0]], y=2)
)
SECOND_COLUMN = ONE_ROW.replace(B0=[[0, 0], [0, 1]])
HALF = ONE_ROW.replace(A0=[[1, 0], [0, 1]])

claim = Claim(
    name="rushka-klabjan/rank-from-zero",
    title="From B0 = 0 the update has at most the rank of A0",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Along the LoRA gradient flow of a continuously differentiable loss from $B_0 = 0$, "
        r"$BA = (BL)(RA)$ with $LR$ the projector on the column space of $A_0$, through "
        r"$k = \mathrm{rank} A_0$ dimensions; so "
        r"$\mathrm{rank}(B(t) A(t)) \le \mathrm{rank} A_0 \le r$ for all $t \ge 0$."
    ),
    assumptions=(flow, zero_B0, projection),
    instances=Instances(draw, REGIMES),
    check=check,
    conclusion=(CONCLUSION,),
    derive=derive,
    interpret=interpret,
    controls=(
        Control(zero_B0, (SECOND_COLUMN,), "B starts outside the column space of A0"),
        Control(projection, (HALF,), "the projector misses a column of A0"),
        Control(None, (ONE_ROW,), "the rank of A0 less one", one_less),
        Control(None, (ONE_ROW,), "full fine-tuning: its update has full rank", full_update),
    ),
    note="Judged at rational points of trace-squared orbits, where ranks are exact.",
)
