"""The limit of the trace-squared flow in words, in the coordinates U = A0 + B0', V = A0 - B0'.

y = sqrt(x*) and mu are named by w0 = (x* (q - p) - (q + p)/x*)/2 and
mu = (x* (q - p) + (q + p)/x*)/2, where q + p = ||U||^2/2 and q - p = ||V||^2/2.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from lora_proofs.mathematics.words import (
    Named,
    Relation,
    Scalar,
    Symbol,
    Trace,
    squared_norm,
    word,
)
from lora_proofs.symbolic.steps import Step, assumed, identity

HALF = Fraction(1, 2)
U, V = Symbol("U", "r", "n"), Symbol("V", "r", "n")
y, z = Scalar("y"), Scalar("1/y", latex="y^{-1}")
w0, mu = Scalar("w0", latex="w_0"), Scalar("mu", latex=r"\mu")
grown, shrunk = Scalar("e^(mu t)", latex=r"e^{\mu t}"), Scalar("e^(-mu t)", latex=r"e^{-\mu t}")

A0 = Named("A0", HALF * (U + V), latex="A_0")
B0 = Named("B0", HALF * (U - V).T, latex="B_0")
p = Named("p", Trace(B0 @ A0))
q = Named("q", HALF * (squared_norm(A0) + squared_norm(B0)))
x = Named("x*", y**2, latex="x_*")
A = Named("A*", HALF * (z * U + y * V), latex="A_*")
B = Named("B*", HALF * (z * U - y * V).T, latex="B_*")
SIZE = squared_norm(A) + squared_norm(B)
C = Named("cosh(mu t)", HALF * (grown + shrunk), latex=r"\cosh\mu t")
MU_S = Named("sinh(mu t)", HALF * (grown - shrunk), latex=r"\sinh\mu t")
c, d = Named("c", w0 + p + q), Named("d", q - p - w0)
MU_N, MU_D = Named("mu N", mu * C + c * MU_S), Named("mu D", mu * C + d * MU_S)

now, then = Scalar("e^tau", latex=r"e^{\tau}"), Scalar("e^(-tau)", latex=r"e^{-\tau}")
A_NOW = Named("A", HALF * (then * U + now * V))
B_NOW = Named("B", HALF * (then * U - now * V).T)

OF_W = Relation(w0, "=", HALF * (y**2 * (q - p) - z**2 * (q + p)))
OF_MU = Relation(mu, "=", HALF * (y**2 * (q - p) + z**2 * (q + p)))
INVERSE = Relation(y * z, "=", word(1))
BOTH_SIGNS = Relation(grown * shrunk, "=", word(1))
BOTH_WAYS = Relation(now * then, "=", word(1))
GRANTED = (OF_W, OF_MU, INVERSE, BOTH_SIGNS, BOTH_WAYS)

FIRST, SECOND, SQUARE = "x* (q - p)", "x* (mu - w0)", "mu^2"
LOSS, RATE = "tr W at the limit", "||A*||^2 + ||B*||^2"
ON_CURVE = "2 x tr W on the curve"
GAP, PRODUCT = "N - x* D", "2 N D tr W(t) as a Riccati polynomial"
ABOVE, BELOW = "2 mu N", "2 mu D"
CONCLUSION = (
    Relation(x * (q - p), "=", w0 + mu, FIRST),
    Relation(x * (mu - w0), "=", q + p, SECOND),
    Relation(mu**2, "=", w0**2 + q**2 - p**2, SQUARE),
    Relation(w0 + Trace(B @ A), "=", word(0), LOSS),
    Relation(SIZE, "=", 2 * mu, RATE),
    Relation(
        2 * now**2 * (w0 + Trace(B_NOW @ A_NOW)),
        "=",
        (p - q) * now**4 + 2 * w0 * now**2 + (p + q),
        ON_CURVE,
    ),
    Relation(MU_N - x * MU_D, "=", mu * (1 - x) * shrunk, GAP),
    Relation(
        (p - q) * MU_N**2 + 2 * w0 * MU_N * MU_D + (p + q) * MU_D**2,
        "=",
        2 * (w0 + p) * mu**2,
        PRODUCT,
    ),
    Relation(2 * MU_N, "=", (mu + c) * grown + (mu - c) * shrunk, ABOVE),
    Relation(2 * MU_D, "=", (mu + d) * grown + (mu - d) * shrunk, BELOW),
)
WHY = {
    FIRST: "the sum of the two definitions",
    SECOND: "the difference of the two definitions, times x*",
    SQUARE: "mu^2 - w0^2 is the product of the two terms",
    LOSS: "tr(B*A*) is a quarter of ||U||^2/x* - x* ||V||^2",
    RATE: "it is half of ||U||^2/x* + x* ||V||^2",
    ON_CURVE: "tr(BA) is a quarter of ||U||^2/x - x ||V||^2",
    GAP: "x* makes the coefficients of e^(mu t) cancel",
    PRODUCT: "cosh^2 - sinh^2 = 1",
    ABOVE: "cosh and sinh by their definitions",
    BELOW: "cosh and sinh by their definitions",
}


def derive() -> Iterator[Step]:
    """Put the definitions in; what they name is a point of the curve."""
    steps = [assumed("limit_point", relation, "by definition") for relation in GRANTED]
    yield from steps
    for r in CONCLUSION:
        yield identity(r.left, r.right, WHY[r.label], given=tuple(steps), label=r.label)
