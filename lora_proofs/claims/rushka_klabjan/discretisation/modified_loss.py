"""Which losses gradient descent follows to second order, for 1/2 ||W - Y||^2 and 1/2 (tr W)^2.

What e' has beside F'e is -F'F/2 + s. With P = 1/2 ||B'G||^2 and Q = 1/2 ||G A'||^2 it is minus the
gradient of (P + Q)/2 = 1/4 ||grad g||^2 for simultaneous steps: they follow the loss
g + h/4 ||grad g||^2. The source of A-first is the B-part of the gradient of P alone, that of
B-first the A-part of the gradient of Q alone. So A-first adds (-P_A - Q_A, P_B - Q_B)/2, which is
no gradient: its two cross derivatives differ by that of P.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison, equal
from lora_proofs.claims.rushka_klabjan.discretisation import leading_error_equation as leading
from lora_proofs.claims.rushka_klabjan.discretisation.one_step import SCALAR
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics import words
from lora_proofs.mathematics.evaluate import evaluate
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.leading_error import LeadingError
from lora_proofs.mathematics.notation import (
    A_SQUARE,
    HALF,
    W0,
    W0_SQUARE,
    A,
    B,
    Y,
    problem_values,
)
from lora_proofs.mathematics.words import Gradient, Relation, Symbol, Trace, Word, squared_norm
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.problems import lora_problem
from lora_proofs.symbolic.differential import expand
from lora_proofs.symbolic.steps import Step, identity

WORDS = {
    "frobenius": LeadingError(A, B, W0, lambda X: X - Y),
    "trace-squared": LeadingError(A_SQUARE, B, W0_SQUARE, lambda X: Trace(X) * words.Identity("n")),
}
KINDS = ("generic", "zero B0", "zero A0", "rank deficient", "r > min(n, m)")
REGIMES = tuple(f"{loss}, {kind}" for loss in WORDS for kind in KINDS)


def halves(e: LeadingError) -> tuple[Word, Word]:
    """P = 1/2 ||B'G||^2 and Q = 1/2 ||G A'||^2."""
    return HALF * squared_norm(e.B.T @ e.G), HALF * squared_norm(e.G @ e.A.T)


def relations() -> Iterator[Relation]:
    """F'F and the sources as gradients of P and Q, for each loss."""
    for loss, e in WORDS.items():
        P, Q = halves(e)
        bent = e.derivative(*e.field)
        for name, symbol, part in zip("AB", (e.A, e.B), bent, strict=True):
            label = f"{loss}: F'F/2, {name}"
            yield Relation(HALF * part, "=", Gradient(HALF * (P + Q), symbol), label)
        source_A, source_B = e.sources("B-first")[0], e.sources("A-first")[1]
        yield Relation(source_B, "=", Gradient(P, e.B), f"{loss}: source of A-first")
        yield Relation(source_A, "=", Gradient(Q, e.A), f"{loss}: source of B-first")


CONCLUSION = tuple(relations())


def derive() -> Iterator[Step]:
    """Both sides are polynomials in A, B, W0 and Y."""
    for relation in CONCLUSION:
        why = "differentiate the field along itself, and the squared norms, and compare"
        yield identity(relation.left, relation.right, why, label=relation.label)


def draw(source: Draw, regime: str) -> Instance:
    """A problem of one of the two losses."""
    loss, kind = regime.split(", ", 1)
    return lora_problem(source, kind, loss=loss).replace(regimes=(regime,))


INSTANCES = Instances(draw, REGIMES)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """Symbols of the loss that the instance is about; the other loss's lines stay open."""
    values = problem_values(instance, ctx)
    if instance.loss == "trace-squared":
        return {A_SQUARE: values[A], B: values[B], W0_SQUARE: values[W0]}
    return values


def gradients(instance: Instance, ctx: Arithmetic) -> dict[str, Any]:
    """The gradients of P and Q in A and B, entry by entry."""
    e, values = WORDS[instance.loss], interpret(instance, ctx)
    P, Q = halves(e)
    both = {"P_A": (P, e.A), "P_B": (P, e.B), "Q_A": (Q, e.A), "Q_B": (Q, e.B)}
    return {name: evaluate(Gradient(*of), values, ctx) for name, of in both.items()}


def formulas(instance: Instance, ctx: Arithmetic) -> tuple[tuple[Any, Any], Any, Any]:
    """F'F and both sources, from the gradient and Hessian of the loss as written by hand."""
    zeros = {"eA": [[0] * len(row) for row in instance.A0]}
    zeros["eB"] = [[0] * len(row) for row in instance.B0]
    found = leading.pieces(instance.replace(**zeros), ctx)
    return found.bent, found.source_A, found.source_B


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """F'F and the sources against the gradients of P and Q."""
    d, loss, half = gradients(instance, ctx), instance.loss, ctx.number("1/2")
    bent, source_A, source_B = formulas(instance, ctx)
    yield equal(f"{loss}: F'F/2, A", half * bent[0], half * (d["P_A"] + d["Q_A"]))
    yield equal(f"{loss}: F'F/2, B", half * bent[1], half * (d["P_B"] + d["Q_B"]))
    yield equal(f"{loss}: source of A-first", source_B, d["P_B"])
    yield equal(f"{loss}: source of B-first", source_A, d["Q_A"])


def twice(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """h/2 ||grad g||^2 in place of h/4."""
    d, (bent, *_) = gradients(instance, ctx), formulas(instance, ctx)
    yield equal("F'F/2 against the gradient of P + Q", ctx.number("1/2") * bent[0],
                d["P_A"] + d["Q_A"])  # fmt: skip


def other_half(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The source of A-first taken from Q."""
    d, (*_, source_B) = gradients(instance, ctx), formulas(instance, ctx)
    yield equal("source of A-first against Q_B", source_B, d["Q_B"])


def also_a_gradient(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """At n = m = r = 1: the cross derivatives of what A-first adds claimed equal."""
    e, values = WORDS[instance.loss], interpret(instance, ctx)
    P, Q = halves(e)
    # A gradient (u, v) of functions of two numbers a, b has u_b = v_a; here u = -(P + Q)_a / 2
    # and v = (P - Q)_b / 2, so that v_a - u_b is the mixed derivative of P.
    u, v = -HALF * Gradient(P + Q, e.A), HALF * Gradient(P - Q, e.B)
    one_A, one_B = Symbol("X", e.A.rows, e.A.columns), Symbol("Z", e.B.rows, e.B.columns)
    cross = words.along(expand(u), {e.B: one_B}), words.along(expand(v), {e.A: one_A})
    values |= {one_A: ctx.identity(1), one_B: ctx.identity(1)}
    u_b, v_a = (evaluate(word, values, ctx) for word in cross)
    yield equal("cross derivatives of what A-first adds", u_b, v_a.mT)


claim = Claim(
    name="rushka-klabjan/modified-loss",
    title="The modified loss of simultaneous steps",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"For $f = \tfrac12\|W - Y\|_F^2$ and $f = \tfrac12(\mathrm{tr} W)^2$ put $P = \tfrac12"
        r"\|B^\top G\|_F^2$ and $Q = \tfrac12\|GA^\top\|_F^2$, so that $P + Q = \tfrac12\|\nabla g"
        r"\|^2$. Then $\tfrac12F'(\theta)F(\theta) = \tfrac14\nabla\|\nabla g\|^2$, the "
        r"source of $A$-first is $(0, \nabla_BP)$ and that of $B$-first is $(\nabla_AQ, 0)$."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(None, (SCALAR,), "h/2 in place of h/4 before the squared norm", twice),
        Control(None, (SCALAR,), "the source of A-first taken from Q", other_half),
        Control(None, (SCALAR,), "what A-first adds claimed to be a gradient", also_a_gradient),
    ),
    note=(
        "So simultaneous descent follows the gradient flow of g + h/4 ||grad g||^2 to second "
        "order, and what a sequential step adds has a part (-P_A, P_B)/2 or (Q_A, -Q_B)/2 that is "
        "no gradient: a control shows it where A and B are numbers."
    ),
)
