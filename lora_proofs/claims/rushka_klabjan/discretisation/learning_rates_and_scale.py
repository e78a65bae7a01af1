"""Learning rates and the factor s of W0 + s B A only rescale the factors and the step.

Write eta_A = p^4, eta_B = q^4 and s = (v p q)^2, which loses nothing for positive rates and scale.
Then A~ = v q^2 A and B~ = v p^2 B have B~ A~ = s B A, and they make the plain step of size
h s p^2 q^2 = h s sqrt(eta_A eta_B), in all three modes; the flow is the plain one in the time
s sqrt(eta_A eta_B) t, and what it conserves is eta_A B'B - eta_B AA'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, below, equal
from lora_proofs.claims.rushka_klabjan.discretisation.one_step import REGIMES
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.flows import METHODS, lora_vector_field
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import loss_from_instance
from lora_proofs.mathematics.notation import W0, A, B, f, h, problem_values
from lora_proofs.mathematics.words import Named, Relation, Scalar, Word, Zero, along
from lora_proofs.strategies.any_loss import any_loss_problem
from lora_proofs.strategies.draw import Draw
from lora_proofs.symbolic.steps import Step, identity

p, q, v = Scalar("p"), Scalar("q"), Scalar("v")
SCALE = Named("s", (v * p * q) ** 2)
CLOCK = Named("s sqrt(eta_A eta_B)", SCALE * p**2 * q**2, r"s\sqrt{\eta_A\eta_B}")
TO_A, TO_B = v * q**2, v * p**2
Factors = tuple[Any, Any]
BALANCE = "rate of eta_A B'B - eta_B AA'"


def rated_A(A: Word, B: Word) -> Word:
    """A' = -eta_A s B'G at W0 + s B A."""
    return -(p**4 * SCALE * (B.T @ f.gradient(W0 + SCALE * (B @ A))))


def rated_B(A: Word, B: Word) -> Word:
    """B' = -eta_B s G A' at W0 + s B A."""
    return -(q**4 * SCALE * (f.gradient(W0 + SCALE * (B @ A)) @ A.T))


def plain_A(A: Word, B: Word) -> Word:
    """A' = -B'G at W0 + B A."""
    return -(B.T @ f.gradient(W0 + B @ A))


def plain_B(A: Word, B: Word) -> Word:
    """B' = -G A' at W0 + B A."""
    return -(f.gradient(W0 + B @ A) @ A.T)


def modes(
    A: Word, B: Word, size: Word, in_A: Callable[..., Word], in_B: Callable[..., Word]
) -> dict[str, tuple[Word, Word]]:
    """One step of a size along two partial fields, in the three modes."""
    A1, B1 = A + size * in_A(A, B), B + size * in_B(A, B)
    return {
        "simultaneous": (A1, B1),
        "A-first": (A1, B + size * in_B(A1, B)),
        "B-first": (A + size * in_A(A, B1), B1),
    }


def relations() -> Iterator[Relation]:
    """Steps, flow and invariant."""
    new_A, new_B = TO_A * A, TO_B * B
    rated, plain = (
        modes(A, B, h, rated_A, rated_B),
        modes(new_A, new_B, CLOCK * h, plain_A, plain_B),
    )
    for mode in METHODS:
        (A1, B1), (A2, B2) = rated[mode], plain[mode]
        yield Relation(TO_A * A1, "=", A2, f"{mode}: A")
        yield Relation(TO_B * B1, "=", B2, f"{mode}: B")
    yield Relation(TO_A * rated_A(A, B), "=", CLOCK * plain_A(new_A, new_B), "flow: A")
    yield Relation(TO_B * rated_B(A, B), "=", CLOCK * plain_B(new_A, new_B), "flow: B")
    weighted = p**4 * (B.T @ B) - q**4 * (A @ A.T)
    field = {A: rated_A(A, B), B: rated_B(A, B)}
    yield Relation(along(weighted, field), "=", Zero("r", "r"), BALANCE)


CONCLUSION = tuple(relations())


def derive() -> Iterator[Step]:
    """Both sides take the gradient at the same W; the scalars in front agree."""
    for relation in CONCLUSION:
        why = "the gradients are taken at the same point; compare the scalars in front"
        yield identity(relation.left, relation.right, why, label=relation.label)


def draw(source: Draw, regime: str) -> Instance:
    """A problem of any loss with p, q, v and a step size."""
    numbers = {name: source.choice(("1/2", "1", "2", "3/2", "2/3")) for name in "pqv"}
    return any_loss_problem(source, regime, h=source.choice(("1/10", "1/2", "3/7")), **numbers)


INSTANCES = Instances(draw, REGIMES)
UNEQUAL = Instance(
    loss="frobenius", W0=[[1]], Y=[[2]], A0=[[1]], B0=[["1/4"]], h="1/10", p=1, q=2, v="1/2"
)  # fmt: skip


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The problem, p, q and v."""
    x = instance.lift(ctx)
    return {**problem_values(instance, ctx), p: x.p, q: x.q, v: x.v}


def rates(instance: Instance) -> dict[str, Any]:
    """Scale and learning rates as the algorithm takes them."""
    p, q, v = instance.p, instance.q, instance.v
    return {"scale": (v * p * q) ** 2, "eta_A": p**4, "eta_B": q**4}


def renamed(instance: Instance, ctx: Arithmetic) -> tuple[Any, Any, Any]:
    """A~, B~ and what multiplies the time."""
    x = instance.lift(ctx)
    clock = (x.v * x.p**2 * x.q**2) ** 2
    return x.v * x.q**2 * x.A0, x.v * x.p**2 * x.B0, clock


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Steps and field with rates and scale, against the plain ones from A~ and B~."""
    x, loss = instance.lift(ctx), loss_from_instance(instance)
    new_A, new_B, clock = renamed(instance, ctx)
    to_A, to_B = x.v * x.q**2, x.v * x.p**2
    for mode, step in METHODS.items():
        A1, B1 = step(loss, x.W0, x.A0, x.B0, x.h, ctx, **rates(instance))
        A2, B2 = step(loss, x.W0, new_A, new_B, clock * x.h, ctx)
        yield equal(f"{mode}: A", to_A * A1, A2)
        yield equal(f"{mode}: B", to_B * B1, B2)
    dA, dB = lora_vector_field(loss, x.W0, x.A0, x.B0, ctx, **rates(instance))
    plain = lora_vector_field(loss, x.W0, new_A, new_B, ctx)
    yield equal("flow: A", to_A * dA, clock * plain[0])
    yield equal("flow: B", to_B * dB, clock * plain[1])
    in_B, in_A = dB.mT @ x.B0, dA @ x.A0.mT
    change = x.p**4 * (in_B + in_B.mT) - x.q**4 * (in_A + in_A.mT)
    yield equal(BALANCE, change, ctx.zeros(*change.shape))


def unchanged(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The plain step from A and B themselves: the rates forgotten, their mean kept."""
    x, loss = instance.lift(ctx), loss_from_instance(instance)
    *_, clock = renamed(instance, ctx)
    A1, B1 = METHODS["simultaneous"](loss, x.W0, x.A0, x.B0, x.h, ctx, **rates(instance))
    A2, B2 = METHODS["simultaneous"](loss, x.W0, x.A0, x.B0, clock * x.h, ctx)
    s = ctx.number(rates(instance)["scale"])
    yield equal("W after a step without the change of factors", s * (B1 @ A1), B2 @ A2)


def roots_swapped(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The fourth roots of the rates exchanged."""
    x, loss = instance.lift(ctx), loss_from_instance(instance)
    *_, clock = renamed(instance, ctx)
    dA, _ = lora_vector_field(loss, x.W0, x.A0, x.B0, ctx, **rates(instance))
    to_A, to_B = x.v * x.p**2, x.v * x.q**2
    plain, _ = lora_vector_field(loss, x.W0, to_A * x.A0, to_B * x.B0, ctx)
    yield equal("flow: A with the roots exchanged", to_A * dA, clock * plain)


def mean_rate(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The arithmetic mean of the rates in place of the geometric one."""
    x, loss = instance.lift(ctx), loss_from_instance(instance)
    new_A, new_B, _ = renamed(instance, ctx)
    given = rates(instance)
    clock = ctx.number(given["scale"] * (given["eta_A"] + given["eta_B"]) / 2)
    dA, _ = lora_vector_field(loss, x.W0, x.A0, x.B0, ctx, **given)
    plain, _ = lora_vector_field(loss, x.W0, new_A, new_B, ctx)
    yield equal("flow: A at the mean of the rates", x.v * x.q**2 * dA, clock * plain)


def unweighted(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """B'B - AA' claimed conserved at unequal rates."""
    x, loss = instance.lift(ctx), loss_from_instance(instance)
    dA, dB = lora_vector_field(loss, x.W0, x.A0, x.B0, ctx, **rates(instance))
    in_B, in_A = dB.mT @ x.B0, dA @ x.A0.mT
    change = in_B + in_B.mT - in_A - in_A.mT
    yield equal("rate of B'B - AA' at unequal rates", change, ctx.zeros(*change.shape))


def are_positive(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """0 < p, q, v."""
    for name in "pqv":
        yield below(f"0 < {name}", 0, EXACT.number(getattr(instance, name)))


positive = Assumption(
    "positive",
    r"$p, q, v > 0$",
    are_positive,
    technical="the identities hold for all real p, q, v; the roots are named for positive ones",
)

claim = Claim(
    name="rushka-klabjan/learning-rates-and-scale",
    title="Learning rates and scale are a change of factors and of time",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Let $p, q, v > 0$. Take $W = W_0 + sBA$, $\dot A = -\eta_A s B^\top G$, "
        r"$\dot B = -\eta_B s G A^\top$, with $\eta_A = p^4$, $\eta_B = q^4$, $s = (vpq)^2$. Then "
        r"$\tilde A = vq^2A = \sqrt s\,(\eta_B/\eta_A)^{1/4}A$ and $\tilde B = vp^2B = "
        r"\sqrt s\,(\eta_A/\eta_B)^{1/4}B$ make the plain flow, in the time $s\sqrt{\eta_A\eta_B}\,"
        r"t$; one step of size $h$ is the plain step of size $h s\sqrt{\eta_A\eta_B}$, exactly and "
        r"in all three modes. The flow conserves $\eta_A B^\top B - \eta_B AA^\top$."
    ),
    assumptions=(positive,),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(None, (UNEQUAL,), "the plain step without the change of factors", unchanged),
        Control(None, (UNEQUAL,), "the fourth roots of the rates are exchanged", roots_swapped),
        Control(None, (UNEQUAL,), "the arithmetic mean of the rates", mean_rate),
        Control(None, (UNEQUAL,), "the unweighted difference claimed conserved", unweighted),
    ),
    note=(
        "Every step being the plain one, so are all iterates. With s = alpha / r the clock depends "
        "on the rank: runs of different rank are not comparable at equal times without this."
    ),
)
