"""How far ||BV||^2 + ||A'V||^2 can move along the flow, for any fixed matrix V of r rows.

Z = [B; A'] has the rate -[[0, G], [G', 0]] Z, so (BV)' = -G (A'V) and (A'V)' = -G' (BV). The rate
of u = ||BV||^2 + ||A'V||^2 is -4 <BV, G A'V>, of size at most 4 ||BV|| ||G||_2 ||A'V|| <=
2 ||G||_2 u; Gronwall's inequality bounds u(t)/u(0) from both sides.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.language.lemmas import flows as lemmas
from lora_proofs.mathematics.limit_constants import frobenius, operator
from lora_proofs.mathematics.notation import A, B, G
from lora_proofs.mathematics.words import Relation, Scalar, Symbol, Word, along, squared_norm, word
from lora_proofs.symbolic.steps import Step, cited, identity, inequality

A_START, B_START = Symbol("A0", "r", "m", latex="A_0"), Symbol("B0", "n", "r", latex="B_0")
GROWTH = Scalar("E", nonnegative=True, latex=r"e^{2\Lambda}")
SIGN = Relation(word(0), "<=", GROWTH)
FIELD: dict[Any, Word] = {A: -(B.T @ G), B: -(G @ A.T)}
FORWARD, BACKWARD = "||ZV||^2 at time t", "||ZV||^2 at time 0"


def at_start(V: Symbol) -> Word:
    """||B0 V||^2 + ||A0'V||^2."""
    return squared_norm(B_START @ V) + squared_norm(A_START.T @ V)


def now(V: Symbol) -> Word:
    """||BV||^2 + ||A'V||^2."""
    return frobenius(B @ V) ** 2 + frobenius(A.T @ V) ** 2


def growth_steps(V: Symbol, by: str) -> Iterator[Step]:
    """The rate of u, its bound, and Gronwall's inequality forward and backward."""
    x, y = B @ V, A.T @ V
    rate = along(squared_norm(x) + squared_norm(y), FIELD)
    yield identity(along(x, FIELD), -(G @ y), "rate of BV")
    yield identity(along(y, FIELD), -(G.T @ x), "rate of A'V")
    product = frobenius(4 * x) * frobenius(G @ y)
    mirrored = frobenius(-4 * x) * frobenius(G @ y)
    slow = inequality(rate, mirrored, "the rate is -4 <BV, GA'V>", rule="Cauchy-Schwarz")
    fast = inequality(-rate, product, "and so is its negative", rule="Cauchy-Schwarz")
    yield from (slow, fast)
    yield (one := inequality(frobenius(G @ y), operator(G) * frobenius(y),
                             "a product is bounded by its factors",
                             rule="submultiplicative"))  # fmt: skip
    a, b = frobenius(x), frobenius(y)
    yield (two := inequality(2 * (a * b), a**2 + b**2, "the difference is a square",
                             rule="sum of squares", squares=((1, a - b),)))  # fmt: skip
    whole = 2 * operator(G) * now(V)
    yield (grows := inequality(product, whole, "chain", rule="combine", uses=(one, two)))
    substitution = {
        lemmas.QUANTITY_RATE: rate,
        lemmas.QUANTITY_BOUND: product,
        lemmas.EXPONENT_RATE: 2 * operator(G),
        lemmas.QUANTITY_START: at_start(V),
        lemmas.QUANTITY_LATER: now(V),
        lemmas.EXPONENTIAL: GROWTH,
    }
    for lemma, step, label in (
        (lemmas.GRONWALL_FORWARD, slow, FORWARD),
        (lemmas.GRONWALL_BACKWARD, fast, BACKWARD),
    ):
        closed = {"rate": step, "growth": grows, "solution": by}
        yield cited(lemma, label, substitution=substitution, discharged_by=closed, label=label)
