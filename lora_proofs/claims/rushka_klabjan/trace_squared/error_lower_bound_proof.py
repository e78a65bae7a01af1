"""The lower bound of the relative error in words: X = QC with Q'Q = I_r, F = -phi I."""

from __future__ import annotations

from collections.abc import Iterator

from lora_proofs.mathematics import words
from lora_proofs.mathematics.words import (
    Identity,
    Named,
    Norm,
    Relation,
    Scalar,
    Size,
    Symbol,
    Trace,
    word,
)
from lora_proofs.symbolic.steps import Step, assumed, identity, inequality

Q, C = Symbol("Q", "n", "r"), Symbol("C", "r", "n")
phi = Scalar("phi", latex=r"\varphi")
n, r = Size("n"), Size("r")
X = Named("X", Q @ C)
FULL = Named("F", -(phi * Identity("n")))
P = Symbol("P", "n", "n")
BEST = Named("X_best", -(phi * P), latex=r"X_{\mathrm{best}}")
FULL_SIZE = words.squared_norm(FULL)

PROJECTION = (Relation(P.T @ P, "=", P), Relation(Trace(P), "=", r))
GRAM = Relation(Q.T @ Q, "=", Identity("r"))
NO_TRACE = Relation(Trace(Q @ C), "=", -(n * phi))
LOSS_FREE, ANY_LOSS = "(n - r) ||F||^2 against r ||X - F||^2", "(n - r) phi^2 against ||X - F||^2"
BEST_ERROR, BEST_TRACE = "||X_best - F||^2", "tr(W0 + X_best)"
CONCLUSION = (Relation((n - r) * FULL_SIZE, "<=", r * words.squared_norm(X - FULL), LOSS_FREE),)
WITHOUT_TRACE = (
    Relation((n - r) * phi**2, "<=", words.squared_norm(X - FULL), ANY_LOSS),
    Relation(words.squared_norm(BEST - FULL), "=", (n - r) * phi**2, BEST_ERROR),
    Relation(n * phi + Trace(BEST), "=", (n - r) * phi, BEST_TRACE),
)


def of_rank(why: str) -> tuple[Step, Step, Step]:
    """Q'Q = I, and what follows for ||Q||^2 and ||QC||^2."""
    gram = assumed("rank", GRAM, why)
    size = identity(words.squared_norm(Q), r, "tr I_r = r", given=(gram,))
    kept = identity(words.squared_norm(X), words.squared_norm(C), "Q'Q = I", given=(gram,))
    return gram, size, kept


def derive() -> Iterator[Step]:
    """Cauchy-Schwarz for <Q', C>."""
    gram, size, kept = of_rank("X has rank at most r")
    traced = assumed("zero_loss", NO_TRACE, "the update brings the trace to 0")
    yield from (gram, size, kept, traced)
    yield (
        bound := inequality(
            Trace(Q @ C) ** 2,
            words.squared_norm(Q) * words.squared_norm(C),
            "tr X = <Q', C>",
            rule="squared Cauchy-Schwarz",
            squares=((Q.T, C),),
        )
    )
    yield (square := identity(n**2 * phi**2, Trace(Q @ C) ** 2, "square it", given=(traced,)))
    (wanted,) = CONCLUSION
    yield inequality(
        wanted.left,
        wanted.right,
        "||X - F||^2 = ||X||^2 - n phi^2",
        rule="combine",
        uses=(square, bound, size, kept, traced),
        label=LOSS_FREE,
    )


def derive_without_trace() -> Iterator[Step]:
    """||X - F||^2 = ||C + phi Q'||^2 + (n - r) phi^2."""
    gram, size, kept = of_rank("X has rank at most r")
    yield from (gram, size, kept)
    own, dimension = (assumed("projection", x, "P = QQ'") for x in PROJECTION)
    yield from (own, dimension)
    given = (own, dimension)
    off = C + phi * Q.T
    yield (
        square := inequality(
            word(0),
            words.squared_norm(off),
            "a sum of squares",
            rule="sum of squares",
            squares=((1, Norm("F", (off,))),),
        )
    )
    bound, error, left = WITHOUT_TRACE
    yield inequality(
        bound.left,
        bound.right,
        "what X misses of F off the range of Q",
        rule="combine",
        uses=(square, size, kept),
        label=ANY_LOSS,
    )
    yield identity(error.left, error.right, "P'P = P", given=given, label=BEST_ERROR)
    yield identity(left.left, left.right, "tr P = r", given=(dimension,), label=BEST_TRACE)
