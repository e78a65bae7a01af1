"""The LoRA flow of 1/2 <C, W>^2 from B0 = 0 in words, without a decomposition of C.

With P = C'C let K = cosh(tau sqrt P) and H = sinh(tau sqrt P)/sqrt P: K' = H'P and H' = K (a prime
on the left is the derivative in tau, on the right a transpose; both are symmetric and functions
of P). Then A = A0 K and B = -C H A0' solve A' = -B'C, B' = -C A' in tau, where tau' = <C, W>.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_proofs.language.lemmas.calculus import UNIQUENESS
from lora_proofs.mathematics.words import (
    Identity,
    Named,
    Norm,
    Relation,
    Scalar,
    Symbol,
    Trace,
    Word,
    Zero,
    along,
    inner,
    squared_norm,
    substitute,
    word,
)
from lora_proofs.symbolic.steps import Step, assumed, cited, identity, inequality

A0, C = Symbol("A0", "r", "m", latex="A_0"), Symbol("C", "n", "m")
K, H = Symbol("K", "m", "m"), Symbol("H", "m", "m")
w = Scalar("<C, W0>", latex=r"\langle C, W_0\rangle")
P = Named("P", C.T @ C)
A, B = A0 @ K, -(C @ H @ A0.T)
T = Named("T", w + inner(C, B @ A))
# tau' = T, and the derivatives in tau of the two functions of P.
FIELD = {K: T * (H.T @ P), H: T * K.T}
AT_START = {K: Identity("m"), H: Zero("m", "m")}

SQUARES = Relation(K @ C.T @ C @ K.T, "=", P + P @ H @ H.T @ P)
GRADIENT = T * C
RATE = squared_norm(B.T @ C) + squared_norm(C @ A.T)
FIRST = squared_norm(C @ A0.T)

FLOW_A, FLOW_B = "A' = -B'G", "B' = -G A'"
VALUE, SLOPE = "<C, W> on the orbit", "rate of <C, W>"
GROWS, LEAST = "||C A'||^2", "||C A0'||^2 against the rate"
START_A, START_B = "A' at the start", "B' at the start"
CONCLUSION = (
    Relation(along(A, FIELD), "=", -(B.T @ GRADIENT), FLOW_A),
    Relation(along(B, FIELD), "=", -(GRADIENT @ A.T), FLOW_B),
    Relation(T, "=", w - Trace(P @ H @ A0.T @ A0 @ K), VALUE),
    Relation(along(T, FIELD), "=", -(RATE * T), SLOPE),
    Relation(squared_norm(C @ A.T), "=", FIRST + squared_norm(H.T @ P @ A0.T), GROWS),
    Relation(FIRST, "<=", RATE, LEAST),
    Relation(substitute(along(A, FIELD), AT_START), "=", Zero("r", "m"), START_A),
    Relation(substitute(along(B, FIELD), AT_START), "=", -(w * (C @ A0.T)), START_B),
)
WHY = {
    FLOW_A: "K' = T H'P, and the gradient is T C",
    FLOW_B: "H' = T K, and the gradient is T C",
    VALUE: "B A = -C H A0'A0 K",
    SLOPE: "product rule",
    GROWS: "cosh^2 = 1 + sinh^2",
    START_A: "B = 0 at the start",
    START_B: "A = A0 at the start",
}


def derive() -> Iterator[Step]:
    """The candidate solves the flow, and its value falls at a certain rate."""
    starts = (
        identity(substitute(A, AT_START), A0, "A starts at A0"),
        identity(substitute(B, AT_START), Zero("n", "r"), "B starts at 0"),
    )
    yield from starts
    yield (squares := assumed("functions", SQUARES, "cosh^2 - sinh^2 = 1, times P"))
    yield (other := positive(H.T @ P @ A0.T))
    yield (own := positive(B.T @ C))
    steps: list[Step] = []
    for r in CONCLUSION:
        given = (squares,) if r.label == GROWS else ()
        if r.label == LEAST:
            uses = (other, own, squares_in_trace(squares))
            yield uses[-1]
            steps.append(
                inequality(r.left, r.right, "two squares", rule="combine", uses=uses, label=r.label)
            )
        else:
            steps.append(identity(r.left, r.right, WHY[r.label], given=given, label=r.label))
    yield from steps
    for step, start in zip(steps[:2], starts, strict=True):
        why = "the field is a polynomial, hence locally Lipschitz"
        yield cited(UNIQUENESS, why, discharged_by={"solves": step, "field": step, "starts": start})


def squares_in_trace(squares: Step) -> Step:
    """The size of C A' by the one at the start and a square."""
    right = FIRST + squared_norm(H.T @ P @ A0.T)
    return identity(squared_norm(C @ A.T), right, "between A0 and its transpose", given=(squares,))


def positive(X: Word) -> Step:
    """0 <= ||X||^2."""
    square = ((1, Norm("F", (X,))),)
    value = squared_norm(X)
    return inequality(word(0), value, "a square", rule="sum of squares", squares=square)
