"""Starts A0 = D V' with orthonormal columns of V: what R^2 is, for all shapes.

With K = A0 A0' = D D' the traces of M = A0'A0 and of its square are those of K.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison, equal, squared_norm, trace
from lora_proofs.claims.rushka_klabjan.trace_squared import expectations as e
from lora_proofs.language.claim import Assumption
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.words import Identity, Relation, Symbol, Trace
from lora_proofs.symbolic.steps import Step, assumed, identity

V, D, K = Symbol("V", "n", "r"), Symbol("D", "r", "r"), Symbol("K", "r", "r")
ROWS = "Gram matrix of the rows of A0"
ORTHONORMAL = Relation(V.T @ V, "=", Identity("r"))
FACTORED = Relation(e.A0, "=", D @ V.T)
GRAM = Relation(K, "=", e.A0 @ e.A0.T)
IN_K = Relation(
    e.START.left,
    "=",
    (e.n * Trace(K @ K) - Trace(K) ** 2) * (e.n * e.w0**2),
    e.ONE_START,
)
IN_D = Relation(K, "=", D @ D.T, ROWS)
CONCLUSION = (IN_D, IN_K)


def steps() -> Iterator[Step]:
    """K = D D', and the distance of the updates in K: the last two steps."""
    gram = assumed("aligned", GRAM, "K names the Gram matrix of the rows")
    factored = assumed("aligned", FACTORED, "the start")
    columns = assumed("aligned", ORTHONORMAL, "the columns of V")
    yield from (gram, factored, columns)
    yield identity(K, IN_D.right, "V'V = I", given=(gram, factored, columns), label=ROWS)
    why = "expand, cyclic trace; R^2 S^2 n w0^2 is on the right"
    yield identity(IN_K.left, IN_K.right, why, given=(gram,), label=e.ONE_START)


def holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """V'V = I."""
    x = instance.lift(ctx)
    yield equal("V'V", x.V.mT @ x.V, ctx.identity(x.V.shape[1]))


def values(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The symbols of the steps on an instance with V, D and w0."""
    x = instance.lift(ctx)
    A0 = x.D @ x.V.mT
    return {V: x.V, D: x.D, K: A0 @ A0.mT, e.A0: A0, e.w0: x.w0}


def comparisons(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The rows of A0, and the distance of its update from the full-parameter update."""
    x = instance.lift(ctx)
    A0, n = x.D @ x.V.mT, ctx.number(len(x.V))
    rows, gram = A0 @ A0.mT, A0.mT @ A0
    yield equal(ROWS, rows, x.D @ x.D.mT)
    gap = x.w0 * (trace(gram) * ctx.identity(len(gram)) - n * gram)
    R2_S2 = n * squared_norm(rows) - trace(rows) ** 2
    yield equal(e.ONE_START, squared_norm(gap), R2_S2 * (n * x.w0**2))


aligned = Assumption(
    "aligned",
    r"$A_0 = D V^\top$ with $V^\top V = I_r$, so $r \le n$; $K = A_0 A_0^\top$",
    holds,
    relations=(GRAM, FACTORED, ORTHONORMAL),
)
