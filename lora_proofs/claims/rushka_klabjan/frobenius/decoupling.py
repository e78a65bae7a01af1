"""A singular triple that the factors share runs by itself: the Frobenius flow falls into modes.

Let E = Y - W0. Vectors u, v, q with u'E = s v', E v = s u, B q = b u, u'B = b q', q'A = a v' and
A v = a q are a mode with numbers a and b. Along A' = B'(E - BA), B' = (E - BA)A' each of the four
products with A or B has exactly the rate that the scalar flow a' = b(s - ab), b' = a(s - ab) gives
it, so the field is tangent to the relations. They are linear in A, B, a and b, and the field of all
four is a polynomial: by uniqueness of solutions they stay, and (a, b) runs in the scalar flow. A
singular pair that no factor sees, u'B = 0 and A v = 0, stays unseen in the same way. From
A0 = Q diag(d) V_S', B0 = U_S diag(b) Q' every singular triple of E is one or the other, which is
the decoupling of a spectral start.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, equal
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.flows import lora_vector_field
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.mathematics.notation import A, B
from lora_proofs.mathematics.words import Relation, Scalar, Symbol, Word, Zero, along
from lora_proofs.strategies.draw import Draw, fraction
from lora_proofs.strategies.matrices import matrix, orthogonal_matrix
from lora_proofs.symbolic.steps import Step, assumed, identity

E = Symbol("E", "n", "m")
u, v, q = Symbol("u", "n", 1), Symbol("v", "m", 1), Symbol("q", "r", 1)
y, z = Symbol("y", "n", 1), Symbol("z", "m", 1)
a, b = Scalar("a"), Scalar("b")
sigma, tau = Scalar("sigma", latex=r"\sigma"), Scalar("tau", latex=r"\tau")

FIELD: dict[Any, Word] = {A: B.T @ (E - B @ A), B: (E - B @ A) @ A.T}
ERROR = sigma - a * b

UE, EV = Relation(u.T @ E, "=", sigma * v.T), Relation(E @ v, "=", sigma * u)
BQ, UB = Relation(B @ q, "=", b * u), Relation(u.T @ B, "=", b * q.T)
QA, AV = Relation(q.T @ A, "=", a * v.T), Relation(A @ v, "=", a * q)
YE, EZ = Relation(y.T @ E, "=", tau * z.T), Relation(E @ z, "=", tau * y)
YB, AZ = Relation(y.T @ B, "=", Zero(1, "r")), Relation(A @ z, "=", Zero("r", 1))
MODE, UNSEEN = (UE, EV, BQ, UB, QA, AV), (YE, EZ, YB, AZ)

OF_QA, OF_AV, OF_UB, OF_BQ = "rate of q'A", "rate of A v", "rate of u'B", "rate of B q"
OF_YB, OF_AZ = "rate of y'B", "rate of A z"
CONCLUSION = (
    Relation(along(q.T @ A, FIELD), "=", b * ERROR * v.T, OF_QA),
    Relation(along(A @ v, FIELD), "=", b * ERROR * q, OF_AV),
    Relation(along(u.T @ B, FIELD), "=", a * ERROR * q.T, OF_UB),
    Relation(along(B @ q, FIELD), "=", a * ERROR * u, OF_BQ),
    Relation(along(y.T @ B, FIELD), "=", Zero(1, "r"), OF_YB),
    Relation(along(A @ z, FIELD), "=", Zero("r", 1), OF_AZ),
)
# For each rate its products, what they come to, and the relations that are used, in this order.
PRODUCTS: tuple[tuple[tuple[Word, Any, tuple[Relation, ...]], ...], ...] = (
    (
        (q.T @ B.T @ E, b * sigma * v.T, (BQ, UE)),
        (q.T @ B.T @ B @ A, a * b**2 * v.T, (BQ, UB, QA)),
    ),
    (
        (B.T @ E @ v, b * sigma * q, (EV, UB)),
        (B.T @ B @ A @ v, a * b**2 * q, (AV, BQ, UB)),
    ),
    (
        (u.T @ E @ A.T, a * sigma * q.T, (UE, AV)),
        (u.T @ B @ A @ A.T, a**2 * b * q.T, (UB, QA, AV)),
    ),
    (
        (E @ A.T @ q, a * sigma * u, (QA, EV)),
        (B @ A @ A.T @ q, a**2 * b * u, (QA, AV, BQ)),
    ),
    (
        (y.T @ E @ A.T, Zero(1, "r"), (YE, AZ)),
        (y.T @ B @ A @ A.T, Zero(1, "r"), (YB,)),
    ),
    (
        (B.T @ E @ z, Zero("r", 1), (EZ, YB)),
        (B.T @ B @ A @ z, Zero("r", 1), (AZ,)),
    ),
)


def derive() -> Iterator[Step]:
    """Each product in a rate, then the rate."""
    given = {r: assumed("mode", r, "the triple is a mode") for r in MODE}
    given |= {r: assumed("unseen", r, "the pair is not seen") for r in UNSEEN}
    yield from given.values()
    rates = []
    for relation, products in zip(CONCLUSION, PRODUCTS, strict=True):
        found = [
            identity(left, right, "one relation after the other", given=tuple(given[r] for r in by))
            for left, right, by in products
        ]
        yield from found
        rates.append((relation, tuple(found)))
    steps = [identity(r.left, r.right, "product rule", given=by, label=r.label) for r, by in rates]
    yield from steps


REGIMES = ("generic", "r = 1", "b = 0", "a = 0", "sigma = 0", "n < m", "nothing else", "tie")


def draw(source: Draw, regime: str) -> Instance:
    """Orthonormal bases: the first vectors are the mode, the second ones the unseen pair."""
    n, m = (3, 4) if regime == "n < m" else (source.integer(3, 4), 3)
    r = 1 if regime == "r = 1" else source.integer(2, 3)
    numbers = {name: fraction(source, size=3) or Fraction(1) for name in ("sigma", "tau", "a", "b")}
    if regime in ("a = 0", "b = 0", "sigma = 0"):
        numbers[regime.split()[0]] = Fraction(0)
    if regime == "tie":
        numbers["tau"] = numbers["sigma"]
    problem = around(source, (n, m, r), numbers, alone=regime == "nothing else")
    return problem.replace(regimes=(regime,))


def around(
    source: Draw, shape: tuple[int, int, int], numbers: dict[str, Any], *, alone: bool
) -> Instance:
    """A mode (u, v, q) and an unseen pair (y, z) with these numbers, in an n x m problem of rank r.

    Between all other directions E, A and B have free entries, or none where they are ``alone``.
    """
    U, V, Q = (orthogonal_matrix(source, k) for k in shape)
    s, t, a_, b_ = (EXACT.number(numbers[name]) for name in ("sigma", "tau", "a", "b"))
    u_, v_, q_, y_, z_ = U[:, :1], V[:, :1], Q[:, :1], U[:, 1:2], V[:, 1:2]
    others = U[:, 2:], V[:, 2:], Q[:, 1:]
    rest = [_between(source, others[i], others[j], alone) for i, j in PAIRS]
    sums = {
        "E": s * u_ @ v_.mT + t * y_ @ z_.mT + rest[0],
        "A": a_ * q_ @ v_.mT + rest[1],
        "B": b_ * u_ @ q_.mT + rest[2],
    }
    vectors = {"u": u_, "v": v_, "q": q_, "y": y_, "z": z_}
    return Instance(**vectors, **sums, **numbers)


PAIRS = ((0, 1), (2, 1), (0, 2))


def _between(source: Draw, left: Any, right: Any, alone: bool) -> Any:
    """Free entries between the other directions; none where the mode is all there is."""
    n, m = left.shape[1], right.shape[1]
    if alone or min(n, m) == 0:
        return EXACT.zeros(left.shape[0], right.shape[0])
    return left @ matrix(source, n, m) @ right.mT


INSTANCES = Instances(draw, REGIMES)
SYMBOLS = (E, A, B, u, v, q, y, z, a, b, sigma, tau)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The symbols are fields of the instance."""
    x = instance.lift(ctx)
    return {s: getattr(x, s.name) for s in SYMBOLS}


def is_mode(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The six relations of the mode."""
    x = instance.lift(ctx)
    yield equal("u'E", x.u.mT @ x.E, x.sigma * x.v.mT)
    yield equal("E v", x.E @ x.v, x.sigma * x.u)
    yield equal("B q", x.B @ x.q, x.b * x.u)
    yield equal("u'B", x.u.mT @ x.B, x.b * x.q.mT)
    yield equal("q'A", x.q.mT @ x.A, x.a * x.v.mT)
    yield equal("A v", x.A @ x.v, x.a * x.q)


def is_unseen(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The four relations of the pair that no factor sees."""
    x = instance.lift(ctx)
    yield equal("y'E", x.y.mT @ x.E, x.tau * x.z.mT)
    yield equal("E z", x.E @ x.z, x.tau * x.y)
    yield equal("y'B", x.y.mT @ x.B, 0 * x.q.mT)
    yield equal("A z", x.A @ x.z, 0 * x.q)


is_a_mode = Assumption(
    "mode",
    r"$u^\top E = \sigma v^\top$, $E v = \sigma u$, $B q = b u$, $u^\top B = b q^\top$, "
    r"$q^\top A = a v^\top$, $A v = a q$",
    is_mode,
    relations=MODE,
)
unseen = Assumption(
    "unseen",
    r"$y^\top E = \tau z^\top$, $E z = \tau y$, $y^\top B = 0$, $A z = 0$",
    is_unseen,
    relations=UNSEEN,
)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The rates of the six products along the hand-written field."""
    x = instance.lift(ctx)
    dA, dB = lora_vector_field(frobenius(x.E), 0 * x.E, x.A, x.B, ctx)
    error = x.sigma - x.a * x.b
    yield equal(OF_QA, x.q.mT @ dA, x.b * error * x.v.mT)
    yield equal(OF_AV, dA @ x.v, x.b * error * x.q)
    yield equal(OF_UB, x.u.mT @ dB, x.a * error * x.q.mT)
    yield equal(OF_BQ, dB @ x.q, x.a * error * x.u)
    yield equal(OF_YB, x.y.mT @ dB, 0 * x.q.mT)
    yield equal(OF_AZ, dA @ x.z, 0 * x.q)


def crossed(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """a and b exchanged in their rates."""
    x = instance.lift(ctx)
    dA, _ = lora_vector_field(frobenius(x.E), 0 * x.E, x.A, x.B, ctx)
    rate = x.a * (x.sigma - x.a * x.b)
    yield equal("a' = a (s - ab)", x.q.mT @ dA, rate * x.v.mT)


def other_error(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The singular value of the unseen pair in the mode's rate."""
    x = instance.lift(ctx)
    dA, _ = lora_vector_field(frobenius(x.E), 0 * x.E, x.A, x.B, ctx)
    rate = x.b * (x.tau - x.a * x.b)
    yield equal("a' = b (t - ab)", x.q.mT @ dA, rate * x.v.mT)


NUMBERS: dict[str, Any] = {"sigma": 3, "tau": 2, "a": 1, "b": "1/2"}
EXAMPLE = Instance(
    E=[[3, 0, 0], [0, 2, 0], [0, 0, 1]],
    A=[[1, 0, 0], [0, 0, 1]],
    B=[["1/2", 0], [0, 0], [0, 1]],
    u=[[1], [0], [0]],
    v=[[1], [0], [0]],
    q=[[1], [0]],
    y=[[0], [1], [0]],
    z=[[0], [1], [0]],
    **NUMBERS,
)
TURNED = EXAMPLE.replace(A=[[1, 0, 1], [0, 0, 1]])
SEEN = EXAMPLE.replace(A=[[1, 0, 0], [0, 1, 1]])

claim = Claim(
    name="rushka-klabjan/frobenius-decoupling",
    title="The Frobenius flow falls into modes",
    source=Source("rushka-klabjan", "", "reconstructed", "summary"),
    statement=(
        r"Let $E = Y - W_0$. Where a mode, $u^\top E = \sigma v^\top$, $E v = \sigma u$, $B q = b "
        r"u$, $u^\top B = b q^\top$, $q^\top A = a v^\top$, $A v = a q$, and a singular pair that "
        r"no factor sees, $y^\top E = \tau z^\top$, $E z = \tau y$, $y^\top B = 0$, $A z = 0$, "
        r"hold, the field of the LoRA gradient flow of $\tfrac12\|W - Y\|_F^2$ is tangent to these "
        r"relations: it gives $q^\top A$ and $A v$ the rates $\dot a v^\top$ and $\dot a q$, "
        r"$u^\top B$ and $B q$ the rates $\dot b q^\top$ and $\dot b u$ with $\dot a = b(\sigma - "
        r"ab)$, $\dot b = a(\sigma - ab)$, and $y^\top B$ and $A z$ the rate 0."
    ),
    assumptions=(is_a_mode, unseen),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(is_a_mode, (TURNED,), "a row of A that turns away from v"),
        Control(unseen, (SEEN,), "another row of A that sees the pair"),
        Control(None, (EXAMPLE,), "a and b are exchanged", crossed),
        Control(None, (EXAMPLE,), "the error of another singular value", other_error),
    ),
    note=(
        "That the relations are kept is the uniqueness of solutions, recalled: a subspace to which "
        "a polynomial field is tangent is invariant. "
        "From A0 = Q diag(d) V_S', B0 = U_S diag(b) Q' every singular triple of E is a mode or an "
        "unseen pair."
    ),
)
