"""A singular triple that the factors share splits off: the Frobenius flow decouples into modes.

Let E = Y - W0 = s u v' + E1, A = a q v' + A1 and B = b u q' + B1 with unit vectors u, v, q, where
E1 does not see u and v, A1 not q and v, and B1 not u and q. In
A' = B'(E - BA), B' = (E - BA)A' every product of the pair with the rest is 0, so the rate of A is
(s - ab) b q v' plus the rate of A1 along its own flow, and in the same way for B: (a, b) runs in
the scalar flow with error s, and the rest in the flow with residual E1. The rest's rate does not
see u, v and q either, so nothing couples later; solutions are unique. Splitting off one triple
after the other decouples A0 = Q diag(d) V_S', B0 = U_S diag(b) Q'.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, equal
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.language.lemmas.calculus import UNIQUENESS
from lora_proofs.mathematics.flows import lora_vector_field
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.mathematics.words import (
    Identity,
    Named,
    Relation,
    Scalar,
    Symbol,
    Word,
    Zero,
    along,
)
from lora_proofs.strategies.draw import Draw, fraction
from lora_proofs.strategies.matrices import matrix, orthogonal_matrix
from lora_proofs.symbolic.steps import Step, assumed, cited, identity

u, v, q = Symbol("u", "n", 1), Symbol("v", "m", 1), Symbol("q", "r", 1)
E1 = Symbol("E1", "n", "m", latex="E_1")
A1, B1 = Symbol("A1", "r", "m", latex="A_1"), Symbol("B1", "n", "r", latex="B_1")
a, b = Scalar("a"), Scalar("b")
sigma = Scalar("sigma", latex=r"\sigma")

E = Named("E", sigma * (u @ v.T) + E1)
A = Named("A", a * (q @ v.T) + A1)
B = Named("B", b * (u @ q.T) + B1)
REST = Named("R1", E1 - B1 @ A1, latex="R_1")
MODE: dict[Any, Word] = {a: b * (sigma - a * b), b: a * (sigma - a * b)}
APART: dict[Any, Word] = {A1: B1.T @ REST, B1: REST @ A1.T}
TOGETHER = {**MODE, **APART}

UNIT = tuple(Relation(x.T @ x, "=", Identity(1)) for x in (u, v, q))
BLIND = (
    Relation(u.T @ E1, "=", Zero(1, "m")),
    Relation(E1 @ v, "=", Zero("n", 1)),
    Relation(q.T @ A1, "=", Zero(1, "m")),
    Relation(A1 @ v, "=", Zero("r", 1)),
    Relation(u.T @ B1, "=", Zero(1, "r")),
    Relation(B1 @ q, "=", Zero("n", 1)),
)
OF_A, OF_B = "A' of the whole flow", "B' of the whole flow"
KEPT = tuple(f"{x} stays 0" for x in ("q' A1", "A1 v", "u' B1", "B1 q"))
CONCLUSION = (
    Relation(along(A, TOGETHER), "=", B.T @ (E - B @ A), OF_A),
    Relation(along(B, TOGETHER), "=", (E - B @ A) @ A.T, OF_B),
    Relation(along(q.T @ A1, APART), "=", Zero(1, "m"), KEPT[0]),
    Relation(along(A1 @ v, APART), "=", Zero("r", 1), KEPT[1]),
    Relation(along(u.T @ B1, APART), "=", Zero(1, "r"), KEPT[2]),
    Relation(along(B1 @ q, APART), "=", Zero("n", 1), KEPT[3]),
)


def derive() -> Iterator[Step]:
    """Products of the pair with the rest vanish, in the field and in the rates of the rest."""
    given = [assumed("unit_vectors", r, "unit vectors") for r in UNIT]
    given += [assumed("apart", r, "the rest does not see the triple") for r in BLIND]
    yield from given
    yield (start := identity(A, a * (q @ v.T) + A1, "the form of the start"))
    why = "expand; every product of the pair with the rest is 0"
    steps = [identity(r.left, r.right, why, given=tuple(given), label=r.label) for r in CONCLUSION]
    yield from steps
    yield cited(
        UNIQUENESS,
        "the field is a polynomial, so the pieces that were put together are the flow",
        discharged_by={"solves": steps[0], "starts": start},
    )


REGIMES = ("generic", "r = 1", "zero b", "zero a", "sigma = 0", "wide", "rest is zero")


def draw(source: Draw, regime: str) -> Instance:
    """Orthonormal bases whose first vectors are the triple; the rest lies in the others."""
    n, m = source.integer(2, 3), 4 if regime == "wide" else source.integer(2, 3)
    r = 1 if regime == "r = 1" else source.integer(2, 3)
    U, V, Q = (orthogonal_matrix(source, k) for k in (n, m, r))
    numbers = {name: fraction(source, size=3) for name in ("sigma", "a", "b")}
    for name in ("a", "b"):
        numbers[name] = numbers[name] or 1
    if regime in ("zero a", "zero b", "sigma = 0"):
        numbers[{"zero a": "a", "zero b": "b", "sigma = 0": "sigma"}[regime]] = 0
    scale = 0 if regime == "rest is zero" else 1
    rest = {
        "E1": scale * _inside(source, U, V),
        "A1": scale * _inside(source, Q, V),
        "B1": scale * _inside(source, U, Q),
    }
    columns = {"u": U[:, :1], "v": V[:, :1], "q": Q[:, :1]}
    return Instance(regimes=(regime,), **columns, **rest, **numbers)


def _inside(source: Draw, left: Any, right: Any) -> Any:
    """A matrix that maps between all columns but the first of two orthogonal matrices."""
    n, m = left.shape[0], right.shape[0]
    if min(n, m) == 1:
        return EXACT.zeros(n, m)
    return left[:, 1:] @ matrix(source, n - 1, m - 1) @ right[:, 1:].mT


INSTANCES = Instances(draw, REGIMES)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The symbols are fields of the instance."""
    z = instance.lift(ctx)
    return {s: getattr(z, s.name) for s in (u, v, q, E1, A1, B1, a, b, sigma)}


def are_unit(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Each has length 1."""
    z = instance.lift(ctx)
    for name in ("u", "v", "q"):
        x = getattr(z, name)
        yield equal(f"|{name}|^2", (x.mT @ x)[0, 0], ctx.number(1))


def sees_nothing(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The six products of the triple with the rest."""
    z = instance.lift(ctx)
    products = {
        "u' E1": z.u.mT @ z.E1,
        "E1 v": z.E1 @ z.v,
        "q' A1": z.q.mT @ z.A1,
        "A1 v": z.A1 @ z.v,
        "u' B1": z.u.mT @ z.B1,
        "B1 q": z.B1 @ z.q,
    }
    for name, product in products.items():
        yield equal(name, product, ctx.zeros(*product.shape))


unit_vectors = Assumption(
    "unit_vectors", r"$u$, $v$ and $q$ are unit vectors", are_unit, relations=UNIT
)
apart = Assumption(
    "apart",
    r"$u^\top E_1$, $E_1 v$, $q^\top A_1$, $A_1 v$, $u^\top B_1$ and $B_1 q$ are 0",
    sees_nothing,
    relations=BLIND,
)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The field of the whole against the pieces; the rates of the rest across the triple."""
    z = instance.lift(ctx)
    zero = ctx.zeros(*z.E1.shape)
    whole = frobenius(z.sigma * (z.u @ z.v.mT) + z.E1)
    A_, B_ = z.a * (z.q @ z.v.mT) + z.A1, z.b * (z.u @ z.q.mT) + z.B1
    dA, dB = lora_vector_field(whole, zero, A_, B_, ctx)
    dA1, dB1 = lora_vector_field(frobenius(z.E1), zero, z.A1, z.B1, ctx)
    error = z.sigma - z.a * z.b
    yield equal(OF_A, error * z.b * (z.q @ z.v.mT) + dA1, dA)
    yield equal(OF_B, error * z.a * (z.u @ z.q.mT) + dB1, dB)
    moved = (z.q.mT @ dA1, dA1 @ z.v, z.u.mT @ dB1, dB1 @ z.q)
    for label, rate in zip(KEPT, moved, strict=True):
        yield equal(label, rate, ctx.zeros(*rate.shape))


def crossed(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """a and b exchanged in their rates."""
    z = instance.lift(ctx)
    pair = frobenius(z.sigma * (z.u @ z.v.mT))
    A_, B_ = z.a * (z.q @ z.v.mT), z.b * (z.u @ z.q.mT)
    dA, _ = lora_vector_field(pair, ctx.zeros(*z.E1.shape), A_, B_, ctx)
    rate = z.a * (z.sigma - z.a * z.b)
    yield equal("a' = a (sigma - ab)", rate * (z.q @ z.v.mT), dA)


ONE = {"u": [[1], [0]], "v": [[1], [0]], "q": [[1], [0]], "a": 1, "b": "1/2", "sigma": 3}
DIAGONAL = {"E1": [[0, 0], [0, 2]], "A1": [[0, 0], [0, 1]], "B1": [[0, 0], [0, 1]]}
LONG = Instance(**{**ONE, "u": [[2], [0]]}, **DIAGONAL)
COUPLED = Instance(**ONE, **{**DIAGONAL, "A1": [[0, 1], [0, 1]]})

claim = Claim(
    name="rushka-klabjan/frobenius-decoupling",
    title="The Frobenius flow decouples into modes",
    source=Source("rushka-klabjan", "", "reconstructed", "summary"),
    statement=(
        r"Let $E = Y - W_0 = \sigma u v^\top + E_1$ and let the factors of the LoRA gradient flow "
        r"of $\tfrac12\|W - Y\|_F^2$ be $A = a\, q v^\top + A_1$, $B = b\, u q^\top + B_1$ with "
        r"unit vectors $u$, $v$, $q$ such that $u^\top E_1$, $E_1 v$, $q^\top A_1$, $A_1 v$, "
        r"$u^\top B_1$, $B_1 q$ are 0. Then the flow keeps this form: "
        r"$\dot a = b(\sigma - ab)$, $\dot b = a(\sigma - ab)$, and $(A_1, B_1)$ runs in the flow "
        r"with $E_1$ in place of $E$ and keeps the four products with $u$, $v$, $q$ at 0."
    ),
    assumptions=(unit_vectors, apart),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(unit_vectors, (LONG,), "a vector of length 2"),
        Control(apart, (COUPLED,), "the rest of A shares the direction q"),
        Control(None, (Instance(**ONE, **DIAGONAL),), "a and b are exchanged", crossed),
    ),
    note=(
        "Applied to one singular triple after the other it decouples A0 = Q diag(d) V_S', "
        "B0 = U_S diag(b) Q'."
    ),
)
