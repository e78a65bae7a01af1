"""From B0 = 0 no singular value of A ever falls below its value at the start.

AA' and B'B have one rate, so AA' = A0A0' + B'B - B0'B0, and with B0 = 0 the Gram matrix of A is
that of A0 plus a positive semidefinite one. Weyl's monotonicity gives the singular values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, at_most, below, equal
from lora_proofs.claims.rushka_klabjan.preliminaries import solutions
from lora_proofs.claims.rushka_klabjan.rank import orbits
from lora_proofs.claims.rushka_klabjan.rank.kernel_growth import A_START, B_START, FIELD
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.language.lemmas import flows as lemmas
from lora_proofs.language.lemmas.flows import SINGULAR_LATER, SINGULAR_START
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import loss_from_instance
from lora_proofs.mathematics.matrices import squared_singular_values
from lora_proofs.mathematics.notation import W0, A, B, f
from lora_proofs.mathematics.words import Relation, Zero, along
from lora_proofs.strategies.draw import Draw, Rejected
from lora_proofs.strategies.problems import lora_problem
from lora_proofs.symbolic.steps import Step, assumed, cited, identity

EXACT_REGIMES = (
    "generic", "rank deficient", "r = 1", "r = min(n, m)", "r > min(n, m)", "orthonormal rows",
    "tiny scale", "huge scale",
)  # fmt: skip
REGIMES = (*EXACT_REGIMES, solutions.FROBENIUS, solutions.LOG_COSH)
GRAM, SINGULAR = "AA' against A0A0' + B'B", "k-th singular value of A at the start and at time t"
ZERO_START = Relation(B_START, "=", Zero("n", "r"))
CONCLUSION = (
    Relation(A @ A.T, "=", A_START @ A_START.T + B.T @ B, GRAM),
    Relation(SINGULAR_START, "<=", SINGULAR_LATER, SINGULAR),
)


def gram_steps(label: str = "") -> Iterator[Step]:
    """Equal rates, and the start: AA' = A0A0' + B'B."""
    rates = along(A @ A.T, FIELD), along(B.T @ B, FIELD)
    yield (same := identity(*rates, "both products have one rate"))
    substitution = {
        lemmas.FIRST_RATE: rates[0],
        lemmas.SECOND_RATE: rates[1],
        lemmas.FIRST_LATER: A @ A.T,
        lemmas.FIRST_START: A_START @ A_START.T,
        lemmas.SECOND_LATER: B.T @ B,
        lemmas.SECOND_START: B_START.T @ B_START,
    }
    closed = {"rates": same, "solution": "flow"}
    yield (
        kept := cited(
            lemmas.EQUAL_RATES,
            "what starts together moves together",
            substitution=substitution,
            discharged_by=closed,
        )
    )
    yield (zero := assumed("zero_B0", ZERO_START, "B starts at 0"))
    left, right = CONCLUSION[0].left, CONCLUSION[0].right
    none = identity(B_START.T @ B_START, Zero("r", "r"), "B0 = 0", given=(zero,))
    yield none
    yield identity(left, right, "put it in", given=(kept, none), label=label)


def derive() -> Iterator[Step]:
    """The Gram matrix, and Weyl."""
    steps = list(gram_steps(GRAM))
    yield from steps
    yield cited(
        lemmas.SINGULAR_MONOTONE,
        "the Gram matrix grows by a positive semidefinite one",
        substitution={lemmas.GRAM_LATER: A, lemmas.GRAM_START: A_START, lemmas.GRAM_ADDED: B},
        discharged_by={"gram": steps[-1], "values": "values"},
        label=SINGULAR,
    )


def is_exact(instance: Instance) -> bool:
    """Whether the flow is looked at on a rational point of an orbit."""
    return "y" in instance


def factors(instance: Instance, ctx: Arithmetic) -> orbits.Factors:
    """The factors at time t, in the arithmetic."""
    if is_exact(instance):
        A_now, B_now = (ctx.matrix(X.tolist()) for X in orbits.factors(instance))
        return A_now, B_now
    (last,) = solutions.factors_at(instance, (instance.t,), ctx)
    return last


def singular_values(instance: Instance, ctx: Arithmetic) -> tuple[list[Any], list[Any]]:
    """The singular values of A0 and of A(t), largest first; zeros and ties are exact."""
    start = listed(instance.A0, ctx)
    if is_exact(instance):
        return start, listed(orbits.factors(instance)[0], ctx)
    return start, ctx.singular_values(factors(instance, ctx)[0])


def listed(rows: Any, ctx: Arithmetic) -> list[Any]:
    """The singular values of an exact matrix, each as often as it occurs."""
    levels = squared_singular_values(rows, ctx)
    return [ctx.sqrt(value) for value, times in levels for _ in range(times)]


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The Gram matrices where they are exact, and all singular values."""
    if is_exact(instance):
        x, (A_now, B_now) = instance.lift(EXACT), orbits.factors(instance)
        yield equal(GRAM, A_now @ A_now.mT, x.A0 @ x.A0.mT + B_now.mT @ B_now)
    start, later = singular_values(instance, ctx)
    for k, (first, last) in enumerate(zip(start, later, strict=True), start=1):
        label = SINGULAR if k == instance.k else f"measured: singular value {k} of A"
        yield at_most(label, first, last)


def flow_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The flow passes the point, or t > 0."""
    if is_exact(instance):
        yield from orbits.passes(instance)
    else:
        yield below("0 against t", 0, EXACT.number(instance.t))


def zero_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """B0 = 0, exactly."""
    B0 = instance.lift(EXACT).B0
    yield equal("B0", B0, EXACT.zeros(*B0.shape))


def values_hold(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """1 <= k <= min(r, m)."""
    yield at_least("k", EXACT.number(instance.k), 1)
    yield at_most("k", EXACT.number(instance.k), min(len(instance.A0), len(instance.A0[0])))


flow = Assumption(
    "flow",
    r"$A, B$ solve the LoRA gradient flow of a differentiable loss from $A_0, B_0$",
    flow_holds,
    technical="without the equation there is nothing to say",
)
zero_B0 = Assumption("zero_B0", r"$B_0 = 0$", zero_holds, relations=(ZERO_START,))
values = Assumption(
    "values",
    r"$\sigma_k$ is the $k$-th largest singular value, $1 \le k \le \min(r, m)$",
    values_hold,
    technical="it names the singular values",
)


def of_sum(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The singular values of B on top, without squares."""
    _, B_now = factors(instance, ctx)
    start, later = singular_values(instance, ctx)
    yield at_most("sigma_1(A0) + sigma_1(B)", start[0] + ctx.operator_norm(B_now), later[0])


def of_weight(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The singular values of the weight claimed not to fall."""
    x, (A_now, B_now) = instance.lift(ctx), factors(instance, ctx)
    before, after = x.W0 + x.B0 @ x.A0, x.W0 + B_now @ A_now
    yield at_most("sigma_1(W)", ctx.operator_norm(before), ctx.operator_norm(after))


def draw(source: Draw, regime: str) -> Instance:
    """A start with B0 = 0: a rational point of an orbit, or a time of an enclosed flow."""
    if regime in EXACT_REGIMES:
        problem = lora_problem(source, regime, loss="trace-squared")
        problem = problem.replace(B0=0 * problem.lift(EXACT).B0)
        problem = orbits.on_the_way(source, problem)
    else:
        problem = solutions.draw(source, regime)
        problem = problem.replace(B0=0 * problem.lift(EXACT).B0, t=problem.t - problem.s)
        if solutions.stationary(problem):
            raise Rejected("the start is stationary")
    if not any(x for row in problem.A0 for x in row):
        raise Rejected("A0 = 0: nothing moves")
    k = source.integer(1, min(len(problem.A0), len(problem.A0[0])))
    return problem.replace(k=k, regimes=(regime,))


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The start, time t, and the k-th singular values."""
    x, (A_now, B_now) = instance.lift(ctx), factors(instance, ctx)
    found: dict[Any, Any] = {A_START: x.A0, B_START: x.B0, W0: x.W0, A: A_now, B: B_now}
    start, later = (s[int(instance.k) - 1] for s in singular_values(instance, ctx))
    return {**found, f: loss_from_instance(instance), SINGULAR_START: start, SINGULAR_LATER: later}


CONE = Instance(loss="trace-squared", W0=[[1]], A0=[[1]], B0=[[1]], y=2, k=1)
ZERO_B = Instance(loss="trace-squared", W0=[[4]], A0=[[1]], B0=[[0]], y=2, k=1)

claim = Claim(
    name="rushka-klabjan/singular-values-grow",
    title="From B0 = 0 the singular values of A do not fall below their start",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Along the LoRA gradient flow of any differentiable loss from $B_0 = 0$, "
        r"$AA^\top = A_0 A_0^\top + B^\top B$, hence "
        r"$\sigma_k(A(t)) \ge \sigma_k(A_0)$ for every $k$ and all $t \ge 0$."
    ),
    assumptions=(flow, zero_B0, values),
    instances=Instances(draw, REGIMES),
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(zero_B0, (CONE,), "from B0 = A0' both factors shrink"),
        Control(None, (ZERO_B,), "sigma(B) is added without squares", of_sum),
        Control(None, (ZERO_B,), "the weight in place of A", of_weight),
    ),
    arithmetics=("ball", "multiprecision"),
    note="At the start, not from one time to a later one: B'B itself need not grow.",
)
