"""Where the leading error of gradient descent comes from: one step, expanded about theta + h e.

A step from theta + h e is theta + h e + h Psi(h). Its value Psi(0) is the field F, and its slope
Psi'(0) is F'(theta) e + s with a source s of its own for each mode. The flow moves theta by
h F + h^2/2 F'F and e by h e', so that the two agree up to terms in h^3 exactly if
e' = F'(theta) e - 1/2 F'(theta) F(theta) + s.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, equal
from lora_proofs.claims.rushka_klabjan.discretisation.one_step import REGIMES, SCALAR
from lora_proofs.claims.rushka_klabjan.discretisation.one_step_difference_general import slope
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.evaluate import evaluate
from lora_proofs.mathematics.flows import METHODS
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.leading_error import LeadingError
from lora_proofs.mathematics.losses import loss_from_instance
from lora_proofs.mathematics.notation import W0, A, B, G, W, f, h, problem_values
from lora_proofs.mathematics.words import Relation, Word, along, substitute
from lora_proofs.strategies.any_loss import any_loss_problem
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.matrices import matrix
from lora_proofs.symbolic.steps import Step, identity

LEADING = LeadingError(A, B, W0, f.gradient)
E_A, E_B = LEADING.errors
A_HERE, B_HERE = A + h * E_A, B + h * E_B
FACTORS = ("A", "B")


def hessian(X: Word) -> Word:
    """H[X] at W."""
    return f.gradient(W, X)


TURNED = hessian(B @ E_A + E_B @ A)
LINEAR = (-(E_B.T @ G) - B.T @ TURNED, -(G @ E_A.T) - TURNED @ A.T)
SOURCE_A = A @ G.T @ G + B.T @ hessian(G @ A.T @ A)
SOURCE_B = G @ G.T @ B + hessian(B @ B.T @ G) @ A.T
BENT = (SOURCE_A + B.T @ hessian(B @ B.T @ G), SOURCE_B + hessian(G @ A.T @ A) @ A.T)
FIELD = (-(B.T @ G), -(G @ A.T))


def velocity_A(A: Word, B: Word) -> Word:
    """-B'G at a point."""
    return -(B.T @ f.gradient(W0 + B @ A))


def velocity_B(A: Word, B: Word) -> Word:
    """-G A' at a point."""
    return -(f.gradient(W0 + B @ A) @ A.T)


def psi(mode: str) -> tuple[Word, Word]:
    """What a step from theta + h e adds, divided by h."""
    early = velocity_A(A_HERE, B_HERE), velocity_B(A_HERE, B_HERE)
    if mode == "A-first":
        return early[0], velocity_B(A_HERE + h * early[0], B_HERE)
    if mode == "B-first":
        return velocity_A(A_HERE, B_HERE + h * early[1]), early[1]
    return early


def relations() -> Iterator[Relation]:
    """The flow's second derivative; value and slope of Psi in each mode."""
    moving = dict(zip((A, B), FIELD, strict=True))
    for name, of, right in zip(FACTORS, FIELD, BENT, strict=True):
        yield Relation(along(of, moving), "=", right, f"second derivative of {name} along the flow")
    for mode in METHODS:
        extra = {"A": SOURCE_A if mode == "B-first" else None}
        extra["B"] = SOURCE_B if mode == "A-first" else None
        for k, name in enumerate(FACTORS):
            source = extra[name]
            right = LINEAR[k] if source is None else LINEAR[k] + source
            word = psi(mode)[k]
            start = substitute(word, {h: 0})
            yield Relation(start, "=", FIELD[k], f"{mode}: Psi(0), {name}")
            yield Relation(slope(word), "=", right, f"{mode}: Psi'(0), {name}")


CONCLUSION = tuple(relations())


def derive() -> Iterator[Step]:
    """Chain rule through the gradient, once."""
    for relation in CONCLUSION:
        why = "differentiate the step once; the factor that moved first adds the source"
        yield identity(relation.left, relation.right, why, label=relation.label)


def draw(source: Draw, regime: str) -> Instance:
    """A problem of any loss with an error e of the size of the factors."""
    problem = any_loss_problem(source, regime, h=source.choice(("1/10", "1/2", "3/7")))
    r, m, n = len(problem.A0), len(problem.A0[0]), len(problem.B0)
    return problem.replace(eA=matrix(source, r, m), eB=matrix(source, n, r))


INSTANCES = Instances(draw, tuple(name for name in REGIMES if "scale" not in name))
DEGREES = {"cubic": 21, "frobenius": 10, "trace-squared": 10}
"""A step from theta + h e is a polynomial in h of at most this degree."""


@lru_cache(maxsize=4)
def weights(degree: int) -> tuple[list[Any], list[Any]]:
    """What gives the coefficients of h and h^2 of a polynomial from its values at whole numbers."""
    powers = EXACT.matrix([[k**j for j in range(degree + 1)] for k in nodes(degree)])
    inverse = EXACT.inverse(powers)
    return list(inverse[1]), list(inverse[2])


def nodes(degree: int) -> range:
    """The step sizes that a step is sampled at."""
    return range(-(degree // 2), degree - degree // 2 + 1)


def expanded(instance: Instance, ctx: Arithmetic, mode: str) -> list[tuple[Any, Any]]:
    """Psi(0) and Psi'(0) for A, then for B, by interpolation of the algorithm's own step."""
    x, loss, degree = instance.lift(ctx), loss_from_instance(instance), DEGREES[instance.loss]
    totals = [[0 * X, 0 * X] for X in (x.A0, x.B0)]
    for k, first, second in zip(nodes(degree), *weights(degree), strict=True):
        size = ctx.number(k)
        at = x.A0 + size * x.eA, x.B0 + size * x.eB
        after = METHODS[mode](loss, x.W0, *at, size, ctx)
        for total, start, end in zip(totals, at, after, strict=True):
            total[0] = total[0] + ctx.number(first) * (end - start)
            total[1] = total[1] + ctx.number(second) * (end - start)
    return [(value, rate) for value, rate in totals]


@dataclass(frozen=True)
class Pieces:
    """F, F'e, F'F and the two sources on an instance."""

    field: tuple[Any, Any]
    linear: tuple[Any, Any]
    bent: tuple[Any, Any]
    source_A: Any
    source_B: Any


def pieces(instance: Instance, ctx: Arithmetic) -> Pieces:
    """The formulas of the statement in numbers."""
    x, loss = instance.lift(ctx), loss_from_instance(instance)
    at = x.W0 + x.B0 @ x.A0
    G = loss.gradient(at, ctx)
    early, late = (loss.hessian(at, X, ctx) for X in (x.B0 @ x.B0.mT @ G, G @ x.A0.mT @ x.A0))
    turned = loss.hessian(at, x.B0 @ x.eA + x.eB @ x.A0, ctx)
    source_A = x.A0 @ G.mT @ G + x.B0.mT @ late
    source_B = G @ G.mT @ x.B0 + early @ x.A0.mT
    return Pieces(
        (-(x.B0.mT @ G), -(G @ x.A0.mT)),
        (-(x.eB.mT @ G) - x.B0.mT @ turned, -(G @ x.eA.mT) - turned @ x.A0.mT),
        (source_A + x.B0.mT @ early, source_B + late @ x.A0.mT),
        source_A,
        source_B,
    )


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The field differentiated along itself, and the steps interpolated, against the formulas."""
    found = pieces(instance, ctx)
    values = problem_values(instance, ctx)
    moving = dict(zip((A, B), FIELD, strict=True))
    for k, name in enumerate(FACTORS):
        bent = evaluate(along(FIELD[k], moving), values, ctx)
        yield equal(f"second derivative of {name} along the flow", bent, found.bent[k])
    sources = {"A-first": (0, found.source_B), "B-first": (found.source_A, 0)}
    for mode in METHODS:
        yield from compared(instance, ctx, mode, sources.get(mode, (0, 0)))


def compared(
    instance: Instance, ctx: Arithmetic, mode: str, source: tuple[Any, Any]
) -> Iterator[Comparison]:
    """Psi(0) against F and Psi'(0) against F'e + s for a stated s."""
    found = pieces(instance, ctx)
    for k, (value, rate) in enumerate(expanded(instance, ctx, mode)):
        yield equal(f"{mode}: Psi(0), {FACTORS[k]}", value, found.field[k])
        yield equal(f"{mode}: Psi'(0), {FACTORS[k]}", rate, found.linear[k] + source[k])


def no_source(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The A-first step claimed to have the leading error of the simultaneous one."""
    yield from compared(instance, ctx, "A-first", (0, 0))


def sources_swapped(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The source of B-first claimed of A-first."""
    yield from compared(instance, ctx, "A-first", (pieces(instance, ctx).source_A, 0))


def halved(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Half the source, as if it shared the factor of the flow's second derivative."""
    half = ctx.number("1/2") * pieces(instance, ctx).source_B
    yield from compared(instance, ctx, "A-first", (0, half))


SMALL = SCALAR.replace(eA=[["1/3"]], eB=[["-2"]])

claim = Claim(
    name="rushka-klabjan/leading-error-equation",
    title="The equation of the leading error",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Let $\theta = (A, B)$, $F = (-B^\top G, -GA^\top)$ and $f$ be twice continuously "
        r"differentiable. One step of size $h$ from $\theta + he$ is $\theta + he + h\Psi(h)$ with "
        r"$\Psi(0) = F(\theta)$ and $\Psi'(0) = F'(\theta)e + s$, where $s = 0$ for simultaneous "
        r"steps, $s = (0, GG^\top B + H[BB^\top G]A^\top)$ for $A$-first and $s = (AG^\top G + "
        r"B^\top H[GA^\top A], 0)$ for $B$-first. Along the flow, $\ddot\theta = F'(\theta)"
        r"F(\theta) = (AG^\top G + B^\top H[X], GG^\top B + H[X]A^\top)$ with $X = BB^\top G + "
        r"GA^\top A$."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=lambda x, ctx: {
        **problem_values(x, ctx),
        E_A: ctx.matrix(x.eA),
        E_B: ctx.matrix(x.eB),
    },
    controls=(
        Control(None, (SMALL,), "the A-first step without its source", no_source),
        Control(None, (SMALL,), "the source of B-first in place of A-first's", sources_swapped),
        Control(None, (SMALL,), "half the source", halved),
    ),
    arithmetics=("exact",),
    note=(
        "A step from theta(kh) + h e(kh) lands on theta + h e at (k+1)h up to O(h^3) exactly if "
        "e' = F'(theta) e - F'(theta) F(theta) / 2 + s: the equation of the leading error. The "
        "global expansion is leading-error."
    ),
)
