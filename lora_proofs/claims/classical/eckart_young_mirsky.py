"""Eckart-Young-Mirsky: no matrix of rank r is nearer to E than its truncated decomposition.

Let P be the orthogonal projector onto the columns of X, so PX = X and its rank is at most r. Then
||E - X||^2 = ||E||^2 - tr(P E E') + ||PE - X||^2, and tr(P E E') is at most the sum S_r of the r
largest squared singular values (Ky Fan). With the projector R onto the first r left singular
vectors, tr(R E E') = S_r, so X = RE attains the bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    Comparison,
    at_most,
    equal,
    squared_norm,
    trace,
)
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.language.lemmas.matrices import KY_FAN, PROJECTED, PROJECTOR, TOP_SQUARES
from lora_proofs.mathematics import words
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.words import Norm, Relation, Scalar, Symbol, Trace, word
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.matrices import full_rank_matrix, matrix, orthogonal_matrix
from lora_proofs.strategies.spectra import spectrum
from lora_proofs.symbolic.steps import Step, assumed, cited, identity, inequality

E, X = Symbol("E", "n", "m"), Symbol("X", "n", "m")
P = Symbol("P", "n", "n", symmetric=True)
R = Symbol("R", "n", "n", symmetric=True)
S = Scalar("S_r", nonnegative=True)

SYMMETRIC, IDEMPOTENT = Relation(P.T, "=", P), Relation(P @ P, "=", P)
COLUMNS = Relation(P @ X, "=", X)
R_SYMMETRIC, R_IDEMPOTENT = Relation(R.T, "=", R), Relation(R @ R, "=", R)
TOP = Relation(Trace(R @ E @ E.T), "=", S)
GAP = P @ E - X

BOUND, ATTAINED = "||E||^2 against ||E - X||^2 + S_r", "||E||^2 for X = RE"
CONCLUSION = (
    Relation(words.squared_norm(E), "<=", words.squared_norm(E - X) + S, BOUND),
    Relation(words.squared_norm(E), "=", words.squared_norm(E - R @ E) + S, ATTAINED),
)


def derive() -> Iterator[Step]:
    """Pythagoras along the projector, Ky Fan for what it keeps; the truncation beside it."""
    yield (square := assumed("projector", IDEMPOTENT, "a projector"))
    yield (keeps := assumed("projector", COLUMNS, "onto the columns of X"))
    yield (top_square := assumed("truncation", R_IDEMPOTENT, "a projector"))
    yield (top := assumed("truncation", TOP, "onto the first r left singular vectors"))
    kept = Trace(P @ E @ E.T)
    split = words.squared_norm(E) - words.squared_norm(E - X) + words.squared_norm(GAP)
    yield (pythagoras := identity(kept, split, "expand, with PX = X", given=(square, keeps)))
    yield (
        most := cited(
            KY_FAN,
            "P has the rank of X",
            substitution={PROJECTED: E, PROJECTOR: P, TOP_SQUARES: S},
            discharged_by={"projector": square, "rank": "projector"},
        )
    )
    yield (
        gap := inequality(
            -words.squared_norm(GAP),
            0,
            "a square",
            rule="sum of squares",
            squares=((1, Norm("F", (GAP,))),),
        )
    )
    bound, attained = CONCLUSION
    yield inequality(
        bound.left,
        bound.right,
        "put together",
        rule="combine",
        uses=(most, pythagoras, gap),
        label=BOUND,
    )
    why = "expand, with RR = R"
    yield identity(attained.left, attained.right, why, given=(top_square, top), label=ATTAINED)


REGIMES = ("free X", "X near E", "X = E_r", "X = 0", "tied spectrum", "rank deficient E", "flat")


def draw(source: Draw, regime: str) -> Instance:
    """E with a known spectrum, an X of rank at most r, and both projectors."""
    n, m = source.integer(2, 4), source.integer(2, 4)
    k = min(n, m)
    r = source.integer(1, k)
    kinds = {"tied spectrum": "tied", "rank deficient E": "with zeros", "flat": "flat"}
    values = spectrum(source, k, kinds.get(regime, "distinct"))
    U, V = orthogonal_matrix(source, n), orthogonal_matrix(source, m)
    D = EXACT.zeros(n, m)
    for i, value in enumerate(values):
        D[i, i] = EXACT.number(value)
    E_, first = U @ D @ V.mT, U[:, :r]
    factor = first if regime == "X = E_r" else full_rank_matrix(source, n, source.integer(1, r))
    if regime == "X near E":
        factor = first + EXACT.number(Fraction(1, 1000)) * matrix(source, n, r)
    P_ = projector(factor)
    other = P_ @ E_ if regime in ("X = E_r", "X near E") else P_ @ matrix(source, n, m)
    squares = sum((x * x for x in values[:r]), Fraction(0))
    fields = {"E": E_, "X": 0 * other if regime == "X = 0" else other, "P": P_, "S_r": squares}
    return Instance(regimes=(regime,), **fields, R=first @ first.mT, r=r, values=[values])


def projector(factor: Any) -> Any:
    """The orthogonal projector onto the columns of a factor of full column rank."""
    return factor @ EXACT.inverse(factor.mT @ factor) @ factor.mT


INSTANCES = Instances(draw, REGIMES)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The symbols are fields of the instance."""
    z = instance.lift(ctx)
    return {E: z.E, X: z.X, P: z.P, R: z.R, S: z.S_r}


def projects(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """P = P' = PP, PX = X, and the rank of P, which is its trace, is at most r."""
    z = instance.lift(ctx)
    yield equal("P'", z.P.mT, z.P)
    yield equal("PP", z.P @ z.P, z.P)
    yield equal("PX", z.P @ z.X, z.X)
    yield at_most("rank of P", trace(z.P), z.r)
    values = [x * x for x in instance.values[0]][: int(instance.r)]
    yield equal("S_r", z.S_r, ctx.number(sum(values, Fraction(0))))


def truncates(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """R = R' = RR and tr(R E E') = S_r."""
    z = instance.lift(ctx)
    yield equal("R'", z.R.mT, z.R)
    yield equal("RR", z.R @ z.R, z.R)
    yield equal("tr(R E E')", trace(z.R @ z.E @ z.E.mT), z.S_r)
    yield at_most("0 against S_r", 0, z.S_r)


on_columns = Assumption(
    "projector",
    r"$\mathrm{rank}\,X \le r$; $P$ is the orthogonal projector onto the columns of $X$, and $S_r$ "
    r"is the sum of the $r$ largest squared singular values of $E$",
    projects,
    relations=(SYMMETRIC, IDEMPOTENT, COLUMNS),
)
truncation = Assumption(
    "truncation",
    r"$R$ is the orthogonal projector onto the first $r$ left singular vectors of $E$",
    truncates,
    relations=(R_SYMMETRIC, R_IDEMPOTENT, TOP, Relation(word(0), "<=", S)),
)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The bound for X, and the truncation that attains it."""
    z = instance.lift(ctx)
    whole = squared_norm(z.E)
    yield at_most(BOUND, whole, squared_norm(z.E - z.X) + z.S_r)
    yield equal(ATTAINED, whole, squared_norm(z.E - z.R @ z.E) + z.S_r)


def one_less(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The bound of rank r - 1 claimed for rank r."""
    z = instance.lift(ctx)
    fewer = sum((x * x for x in instance.values[0][: int(instance.r) - 1]), Fraction(0))
    yield at_most("||E||^2", squared_norm(z.E), squared_norm(z.E - z.R @ z.E) + ctx.number(fewer))


def first_powers(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Singular values in place of their squares."""
    z = instance.lift(ctx)
    first = sum(instance.values[0][: int(instance.r)], Fraction(0))
    yield at_most("||E||^2", squared_norm(z.E), squared_norm(z.E - z.X) + ctx.number(first))


TWO = Instance(
    E=[[3, 0], [0, 2]],
    X=[[3, 0], [0, 0]],
    P=[[1, 0], [0, 0]],
    R=[[1, 0], [0, 0]],
    S_r=9,
    r=1,
    values=[[3, 2]],
)
PAST = TWO.replace(X=[["603/200", 0], [0, 0]])
"""A little beyond the truncation."""
WHOLE = TWO.replace(X=[[3, 0], [0, 2]], P=[[1, 0], [0, 1]])
LAST = TWO.replace(R=[[0, 0], [0, 1]])

claim = Claim(
    name="classical/eckart-young-mirsky",
    title="The best approximation of rank r",
    source=Source("classical", "", "stated", "recalled"),
    statement=(
        r"Let $S_r$ be the sum of the $r$ largest squared singular values of $E$. Every $X$ of "
        r"rank at most $r$ has $\|E - X\|_F^2 \ge \|E\|_F^2 - S_r$, and $X = RE$, with the "
        r"projector $R$ onto the first $r$ left singular vectors, attains it."
    ),
    assumptions=(on_columns, truncation),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(on_columns, (WHOLE,), "an X of rank 2 for r = 1"),
        Control(truncation, (LAST,), "the last singular vector in place of the first"),
        Control(None, (TWO,), "the bound of rank r - 1", one_less),
        Control(None, (TWO, PAST), "singular values in place of their squares", first_powers),
    ),
)
