"""At a critical point of the Frobenius LoRA loss BA keeps some singular triples of E = Y - W0.

The gradients vanish: B'(E - BA) = 0 and (E - BA)A' = 0. Hence E(BA)' = BA(BA)', E'BA = (BA)'BA, and
a triple BAv = su, (BA)'u = sv with s > 0 has Ev = su, E'u = sv. The loss is (||E||^2 - ||BA||^2)/2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, equal, squared_norm
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics import words
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.notation import HALF, A, B
from lora_proofs.mathematics.words import Relation, Scalar, Symbol
from lora_proofs.strategies.draw import Draw, permutation
from lora_proofs.strategies.matrices import full_rank_matrix, orthogonal_matrix
from lora_proofs.strategies.spectra import spectrum
from lora_proofs.symbolic.steps import Step, assumed, identity

E = Symbol("E", "n", "m")
u, v = Symbol("u", "n", "k"), Symbol("v", "m", "k")
s = Scalar("s")

SPECTRA = {"repeated singular values": "tied", "zero singular values": "with zeros"}
REGIMES = ("generic", "nothing kept", "r = 1", "spare columns", "kernel rows", *SPECTRA)


def draw(source: Draw, regime: str) -> Instance:
    """A critical point A = T [V_S'; K], B = [U_S Sigma_S, 0] T^{-1}; the kernel of E has rows K."""
    n, m = source.integer(2, 3), source.integer(2, 3)
    size = min(n, m)
    r = 1 if regime == "r = 1" else source.integer(2 if regime == "spare columns" else 1, size)
    kept = permutation(source, size)[: _how_many(source, regime, r)]
    U, V = orthogonal_matrix(source, n), orthogonal_matrix(source, m)
    kind = "with zeros" if regime == "kernel rows" else SPECTRA.get(regime, "distinct")
    values = list(spectrum(source, size, kind))
    S, left, right = EXACT.zeros(n, m), EXACT.zeros(n, r), EXACT.zeros(r, m)
    for i, value in enumerate(values):
        S[i, i] = EXACT.number(value)
    for k, i in enumerate(kept):
        left[:, k], right[k] = U[:, i] * S[i, i], V[:, i]
    if regime == "kernel rows" and len(kept) < r:
        right[len(kept)] = V[:, size - 1]
    T = full_rank_matrix(source, r, r)
    triple = kept[0] if kept else 0
    return Instance(
        regimes=(regime,),
        Y=U @ S @ V.mT,
        A=T @ right,
        B=left @ EXACT.inverse(T),
        U=U,
        V=V,
        kept=[kept or [-1]],
        u=U[:, [triple]],
        v=V[:, [triple]],
        s=values[triple] if kept else 0,
    )


def _how_many(source: Draw, regime: str, r: int) -> int:
    if regime == "nothing kept":
        return 0
    if regime in ("spare columns", "kernel rows"):
        return source.integer(0, r - 1)
    return source.integer(1, r)


INSTANCES = Instances(draw, REGIMES)
CRITICAL, TRIPLE = "critical", "triple"
OF_B = Relation(E @ A.T, "=", B @ A @ A.T)
OF_A = Relation(E.T @ B, "=", A.T @ B.T @ B)
RIGHT = Relation(B @ A @ v, "=", s * u)
LEFT = Relation(A.T @ B.T @ u, "=", s * v)


def gradients_vanish(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Both gradients are 0."""
    x = instance.lift(ctx)
    G = x.Y - x.B @ x.A
    yield equal("B'(E - BA)", x.B.mT @ G, ctx.zeros(*x.A.shape))
    yield equal("(E - BA)A'", G @ x.A.mT, ctx.zeros(*x.B.shape))


def is_triple(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """BAv = su and (BA)'u = sv."""
    x = instance.lift(ctx)
    yield equal("BAv against su", x.B @ x.A @ x.v, x.s * x.u)
    yield equal("(BA)'u against sv", x.A.mT @ x.B.mT @ x.u, x.s * x.v)


critical = Assumption(
    CRITICAL,
    r"$(A, B)$ is a critical point: $B^\top(E - BA) = 0$ and $(E - BA)A^\top = 0$",
    gradients_vanish,
    relations=(OF_A, OF_B),
)
triple = Assumption(
    TRIPLE,
    r"$BA\,v = s\,u$ and $(BA)^\top u = s\,v$",
    is_triple,
    relations=(RIGHT, LEFT),
)

ROWS, COLUMNS, LOSS = "E(BA)'", "E'BA", "loss at the critical point"
FORWARD, BACKWARD = ("E(BA)'u, s E v", "E(BA)'u, s^2 u"), ("E'BAv, s E'u", "E'BAv, s^2 v")
VALUE = HALF * words.squared_norm(E - B @ A)
CONCLUSION = (
    Relation(E @ A.T @ B.T, "=", B @ A @ A.T @ B.T, ROWS),
    Relation(E.T @ B @ A, "=", A.T @ B.T @ B @ A, COLUMNS),
    Relation(VALUE, "=", HALF * words.squared_norm(E) - HALF * words.squared_norm(B @ A), LOSS),
    Relation(E @ A.T @ B.T @ u, "=", s * E @ v, FORWARD[0]),
    Relation(E @ A.T @ B.T @ u, "=", s**2 * u, FORWARD[1]),
    Relation(E.T @ B @ A @ v, "=", s * E.T @ u, BACKWARD[0]),
    Relation(E.T @ B @ A @ v, "=", s**2 * v, BACKWARD[1]),
)


def turned(grad: Step, one: Step, other: Step, forward: bool) -> tuple[list[Step], list[Step]]:
    """s E v = E (BA)'u = BA (BA)'u = s BA v = s^2 u, or the same from the other side."""
    M, Mt, a, b = (B @ A, A.T @ B.T, u, v) if forward else (A.T @ B.T, B @ A, v, u)
    X = E if forward else E.T
    q = identity(X @ Mt @ a, M @ Mt @ a, "the gradient vanishes", given=(grad,))
    k = identity(M @ Mt @ a, s * M @ b, "one side of the triple", given=(one,))
    first, second = CONCLUSION[3:5] if forward else CONCLUSION[5:7]
    side = identity(
        first.left, first.right, "one side of the triple", given=(one,), label=first.label
    )
    whole = identity(second.left, second.right, "together", given=(q, k, other), label=second.label)
    return [q, k], [side, whole]


def derive() -> Iterator[Step]:
    """Multiply the vanishing gradients by the factors, then follow a triple."""
    yield (of_B := assumed(CRITICAL, OF_B, "the gradient in B vanishes"))
    yield (of_A := assumed(CRITICAL, OF_A, "the gradient in A vanishes"))
    yield (forth := assumed(TRIPLE, RIGHT, "a singular triple of BA"))
    yield (back := assumed(TRIPLE, LEFT, "a singular triple of BA"))
    before, forward = turned(of_B, back, forth, forward=True)
    more, backward = turned(of_A, forth, back, forward=False)
    yield from (*before, *more)
    for relation, given in zip(CONCLUSION[:3], (of_B, of_A, of_A), strict=True):
        yield identity(
            relation.left, relation.right, "by the gradient", given=(given,), label=relation.label
        )
    yield from (*forward, *backward)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The critical point and its triple."""
    x = instance.lift(ctx)
    return {A: x.A, B: x.B, E: x.Y, u: x.u, v: x.v, s: x.s}


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The same at the instance's point."""
    x = instance.lift(ctx)
    M = x.B @ x.A
    yield equal(ROWS, x.Y @ M.mT, M @ M.mT)
    yield equal(COLUMNS, x.Y.mT @ M, M.mT @ M)
    yield equal(LOSS, squared_norm(x.Y - M) / 2, squared_norm(x.Y) / 2 - squared_norm(M) / 2)
    forth, back = x.Y @ M.mT @ x.u, x.Y.mT @ M @ x.v
    yield equal(FORWARD[0], forth, x.s * (x.Y @ x.v))
    yield equal(FORWARD[1], forth, x.s**2 * x.u)
    yield equal(BACKWARD[0], back, x.s * (x.Y.mT @ x.u))
    yield equal(BACKWARD[1], back, x.s**2 * x.v)


def shrunk(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """BA = 0 at every critical point, as at the start B0 = 0."""
    x = instance.lift(ctx)
    yield equal("BA", x.B @ x.A, ctx.zeros(*x.Y.shape))


HALF_WAY = Instance(Y=[[2, 0], [0, 1]], A=[[1, 0]], B=[[1], [0]], u=[[1], [0]], v=[[1], [0]], s=1)
NO_TRIPLE = Instance(Y=[[2, 0], [0, 1]], A=[[1, 0]], B=[[2], [0]], u=[[1], [0]], v=[[1], [0]], s=1)

claim = Claim(
    name="rushka-klabjan/frobenius-critical-points",
    title="Critical points of the Frobenius loss keep singular triples of the residual",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"At every critical point of $(A, B) \mapsto \tfrac12\|E - BA\|_F^2$, $E = Y - W_0$: "
        r"$E(BA)^\top = BA(BA)^\top$, $E^\top BA = (BA)^\top BA$, the loss is $\tfrac12\|E\|_F^2 - "
        r"\tfrac12\|BA\|_F^2$, and a triple with $BA\,v = s u$, $(BA)^\top u = s v$ has $s\,Ev = "
        r"E(BA)^\top u = s^2 u$, $s\,E^\top u = E^\top BA\,v = s^2 v$: every singular "
        r"triple of $BA$ with $s > 0$ is one of $E$."
    ),
    assumptions=(critical, triple),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(critical, (HALF_WAY,), "a point on the way to the minimum"),
        Control(triple, (NO_TRIPLE,), "1 is no singular value of BA"),
        Control(None, Instances(draw, ("generic",)), "BA = 0 at every critical point", shrunk),
    ),
    note=(
        "Known (Baldi and Hornik 1989; Kawaguchi 2016), recalled. So BA = sum over a set S of at "
        "most r triples, and the loss is half the sum of the squares left out. Convergence to a "
        "global minimum is another statement: frobenius-general-start judges it on single starts; "
        "from almost every start says nothing about B0 = 0, a null set."
    ),
)
