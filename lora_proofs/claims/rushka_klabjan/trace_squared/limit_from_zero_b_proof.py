"""The trace-squared flow from B0 = 0 in words, and from A0 = 0, its mirror image.

The two starts have nothing to do with each other: each has its own trace w0 and its own tau*.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lora_proofs.language.lemmas.calculus import UNIQUENESS
from lora_proofs.mathematics.words import (
    Identity,
    Norm,
    Relation,
    Scalar,
    Symbol,
    Trace,
    Word,
    Zero,
    along,
    squared_norm,
    substitute,
    word,
)
from lora_proofs.symbolic.steps import Step, assumed, cited, identity, inequality

A0, B0 = Symbol("A0", "r", "n", latex="A_0"), Symbol("B0", "n", "r", latex="B_0")
c, s = Scalar("cosh(tau)", latex=r"\cosh\tau"), Scalar("sinh(tau)", latex=r"\sinh\tau")

HYPERBOLA = Relation(c**2, "=", 1 + s**2)


@dataclass(frozen=True)
class Side:
    """One of the two starts: its orbit, its Gram matrix, its trace and cosh and sinh of tau*."""

    name: str
    A: Word
    B: Word
    gram: Word
    size: Word
    w0: Scalar
    c_last: Scalar
    s_last: Scalar

    @property
    def flow_A(self) -> str:
        """Label of the equation for A."""
        return f"{self.name}: A' = -B'G"

    @property
    def flow_B(self) -> str:
        """Label of the equation for B."""
        return f"{self.name}: B' = -G A'"

    @property
    def update(self) -> str:
        """Label of the update at every time."""
        return f"{self.name}: S dW against tr W"

    @property
    def trace_rate(self) -> str:
        """Label of the rate of the trace."""
        return f"{self.name}: rate of tr W"

    @property
    def least_rate(self) -> str:
        """Label of the bound of the rate."""
        return f"{self.name}: S against ||A||^2 + ||B||^2"

    @property
    def end_trace(self) -> str:
        """Label of the trace at the limit."""
        return f"{self.name}: tr W at tau*"

    @property
    def end_update(self) -> str:
        """Label of the update at the limit."""
        return f"{self.name}: S dW at tau*"

    @property
    def end_rate(self) -> str:
        """Label of the rate at the limit."""
        return f"{self.name}: square of ||A||^2 + ||B||^2 at tau*"

    @property
    def limit(self) -> Relation:
        """Where the trace vanishes: w0 = S sinh(tau*) cosh(tau*)."""
        return Relation(self.w0, "=", self.c_last * self.s_last * self.size)

    @property
    def hyperbola(self) -> Relation:
        """cosh^2 - sinh^2 = 1 at tau*."""
        return Relation(self.c_last**2, "=", 1 + self.s_last**2)

    @property
    def last(self) -> dict[Word, Word]:
        """What takes the orbit to tau*."""
        return {c: self.c_last, s: self.s_last}

    @property
    def trace(self) -> Word:
        """T = tr W on the orbit."""
        return self.w0 + Trace(self.B @ self.A)

    @property
    def both(self) -> Word:
        """||A||^2 + ||B||^2 on the orbit."""
        return squared_norm(self.A) + squared_norm(self.B)

    def relations(self) -> tuple[Relation, ...]:
        """What is derived, in the order of the labels."""
        A, B, T, S, w0 = self.A, self.B, self.trace, self.size, self.w0
        tau = {c: s * T, s: c * T}
        update, both = substitute(B @ A, self.last), substitute(self.both, self.last)
        return (
            Relation(along(A, tau), "=", -(B.T @ (T * Identity("n"))), self.flow_A),
            Relation(along(B, tau), "=", -((T * Identity("n")) @ A.T), self.flow_B),
            Relation(S * (B @ A), "=", -((w0 - T) * self.gram), self.update),
            Relation(along(T, tau), "=", -(self.both * T), self.trace_rate),
            Relation(S, "<=", self.both, self.least_rate),
            Relation(substitute(T, self.last), "=", word(0), self.end_trace),
            Relation(S * update, "=", -(w0 * self.gram), self.end_update),
            Relation(both**2, "=", S**2 + 4 * w0**2, self.end_rate),
        )


def numbers(of: str, latex: str) -> tuple[Scalar, Scalar, Scalar]:
    """w0, cosh tau* and sinh tau* of a side."""
    return (
        Scalar(f"w0{of}", latex=f"w_0{latex}"),
        Scalar(f"cosh(tau*{of})", latex=rf"\cosh\tau_*{latex}"),
        Scalar(f"sinh(tau*{of})", latex=rf"\sinh\tau_*{latex}"),
    )


SIDES = (
    Side("B0 = 0", c * A0, -(s * A0.T), A0.T @ A0, squared_norm(A0), *numbers("", "")),
    Side("A0 = 0", -(s * B0.T), c * B0, B0 @ B0.T, squared_norm(B0), *numbers("~", "'")),
)
GRANTED = (HYPERBOLA, *(x for side in SIDES for x in (side.hyperbola, side.limit)))
CONCLUSION = tuple(r for side in SIDES for r in side.relations())


def derive() -> Iterator[Step]:
    """The orbit solves the flow; its trace and its update move together."""
    ends: list[Step] = []
    now = assumed("limit", HYPERBOLA, "cosh^2 - sinh^2 = 1")
    yield now
    starts: list[Step] = []
    for side in SIDES:
        starts += begins(side)
        last = assumed("limit", side.hyperbola, "cosh^2 - sinh^2 = 1 at tau*")
        stops = assumed("limit", side.limit, "sinh 2 tau* = 2 w0/S")
        norm = side.A if side.name == "B0 = 0" else side.B
        start = A0 if side.name == "B0 = 0" else B0
        yield from (last, stops)
        yield (
            grows := inequality(
                word(0),
                2 * squared_norm(s * start),
                "a sum of squares",
                rule="sum of squares",
                squares=((2, Norm("F", (s * start,))),),
            )
        )
        yield (
            cosh := identity(
                squared_norm(norm),
                side.size + squared_norm(s * start),
                "cosh^2 = 1 + sinh^2",
                given=(now,),
            )
        )
        ends += list(relations_of(side, (last, stops), cosh, grows))
    yield from starts
    yield from ends
    solved = (ends[0], ends[1], ends[8], ends[9])
    for begun, solves in zip(starts, solved, strict=True):
        why = "the field is a polynomial, hence locally Lipschitz"
        yield cited(
            UNIQUENESS, why, discharged_by={"solves": solves, "field": solves, "starts": begun}
        )


def begins(side: Side) -> tuple[Step, Step]:
    """Where the orbit starts: tau = 0."""
    zero_b = side is SIDES[0]
    A, B = (substitute(X, {c: 1, s: 0}) for X in (side.A, side.B))
    return (
        identity(A, A0 if zero_b else Zero("r", "n"), f"{side.name}: A at tau = 0"),
        identity(B, Zero("n", "r") if zero_b else B0, f"{side.name}: B at tau = 0"),
    )


def relations_of(side: Side, given: tuple[Step, ...], cosh: Step, grows: Step) -> Iterator[Step]:
    """One step for each relation of a side."""
    for r in side.relations():
        if r.relation == "<=":
            yield inequality(
                r.left,
                r.right,
                "cosh 2 tau >= 1",
                rule="combine",
                uses=(grows, cosh),
                label=r.label,
            )
        else:
            used = given if r.label.endswith("tau*") else ()
            yield identity(r.left, r.right, WHY[r.label.split(": ")[1]], given=used, label=r.label)


WHY = {
    "A' = -B'G": "cosh' = sinh tau', sinh' = cosh tau', tau' = T; the gradient is T I",
    "B' = -G A'": "the same, transposed",
    "S dW against tr W": "both sides are -S sinh cosh times the Gram matrix",
    "rate of tr W": "product rule",
    "tr W at tau*": "tr W = w0 - S sinh cosh",
    "S dW at tau*": "S sinh cosh = w0",
    "square of ||A||^2 + ||B||^2 at tau*": "cosh^2 2 tau = 1 + sinh^2 2 tau",
}
