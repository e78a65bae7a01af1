"""The error of the trace-squared update relative to ||W0||, and why ||W_FP|| will not do.

With phi = w0/n, F = -phi I and W_FP = W0 + F: ||W0||^2 = ||F||^2 + ||W_FP||^2. So an error
relative to ||W0|| is never larger than one relative to ||F||, and equal to it exactly where
W_FP = 0, which is where W0 = phi I: there an error relative to ||W_FP|| is undefined.
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
    below,
    equal,
    squared_norm,
    trace,
)
from lora_proofs.claims.rushka_klabjan.trace_squared.limit_starts import with_trace
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics import words
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.trace_squared_error import full_update, update_from_zero_b
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
from lora_proofs.strategies.draw import Draw, fraction
from lora_proofs.strategies.matrices import matrix, orthonormal_rows
from lora_proofs.symbolic.steps import Step, assumed, identity, inequality

W0, X = Symbol("W0", "n", "n", latex="W_0"), Symbol("dW", "n", "n", latex=r"\Delta W")
phi, d = Scalar("phi", latex=r"\varphi"), Scalar("d", nonnegative=True)
n, r = Size("n"), Size("r")
A0 = Symbol("A0", "r", "n", latex="A_0")
FULL = Named("F", -(phi * Identity("n")))
TUNED = Named("W_FP", W0 + FULL, latex=r"W_{\mathrm{FP}}")
ERROR = words.squared_norm(X - FULL)

TRACE = Relation(Trace(W0), "=", n * phi)
GRANTED = (Relation(r * ERROR, "<=", d * words.squared_norm(FULL)), Relation(word(0), "<=", d))
PYTHAGORAS, SMALLER = "||W0||^2", "||F||^2 against ||W0||^2"
RELATIVE = "r ||dW - F||^2 against (n - r) ||W0||^2"
CONCLUSION = (
    Relation(
        words.squared_norm(W0),
        "=",
        words.squared_norm(FULL) + words.squared_norm(TUNED),
        PYTHAGORAS,
    ),
    Relation(words.squared_norm(FULL), "<=", words.squared_norm(W0), SMALLER),
    Relation(r * ERROR, "<=", d * words.squared_norm(W0), RELATIVE),
)


def derive() -> Iterator[Step]:
    """I is orthogonal to what has no trace."""
    traced = assumed("mean_trace", TRACE, "phi is the mean of the diagonal")
    near = assumed("orthogonal_rows", GRANTED[0], "equal, for orthogonal rows")
    rest = inequality(
        word(0),
        words.squared_norm(TUNED),
        "a square",
        rule="sum of squares",
        squares=((1, Norm("F", (TUNED,))),),
    )
    yield from (traced, near, rest)
    split, _, _ = CONCLUSION
    why = "tr W_FP = 0, so W_FP is orthogonal to I"
    yield identity(split.left, split.right, why, given=(traced,), label=PYTHAGORAS)
    yield (shorter := combined(CONCLUSION[1], "W_FP has a length", rest, traced))
    yield combined(CONCLUSION[2], "the two before", near, shorter)


def combined(wanted: Relation, why: str, *uses: Step) -> Step:
    """A line of the conclusion by steps before it."""
    return inequality(wanted.left, wanted.right, why, rule="combine", uses=uses, label=wanted.label)


REGIMES = (
    "generic",
    "multiple of I",
    "near a multiple of I",
    "diagonal",
    "zero trace",
    "r = 1",
    "r = n",
    "tiny",
    "huge",
)


def draw(source: Draw, regime: str) -> Instance:
    """A frozen weight, and the update for a start with orthonormal rows."""
    order = source.integer(1, 4)
    rank = {"r = 1": 1, "r = n": order}.get(regime, source.integer(1, order))
    A0 = orthonormal_rows(source, rank, order)
    scale = {"tiny": Fraction(1, 2**40), "huge": Fraction(2**40)}.get(regime, Fraction(1))
    W0 = EXACT.number(scale) * weight(source, regime, order)
    return start(W0, A0).replace(regimes=(regime,))


def weight(source: Draw, regime: str, order: int) -> Any:
    """W0 of a regime."""
    W0 = matrix(source, order, order)
    eye = EXACT.number(fraction(source) or 1) * EXACT.identity(order)
    if regime == "multiple of I":
        return eye
    if regime == "near a multiple of I":
        return eye + EXACT.number(Fraction(1, 10**12)) * W0
    if regime == "diagonal":
        return W0 * EXACT.identity(order)
    return EXACT.matrix(with_trace(W0, 0)) if regime == "zero trace" else W0


def start(W0: Any, A0: Any, **changed: Any) -> Instance:
    """The instance with its update and d = n - r."""
    W0, A0 = EXACT.matrix(W0), EXACT.matrix(A0)
    rank, order = A0.shape
    fields = {"W0": W0, "A0": A0, "dW": update_from_zero_b(W0, A0), "d": order - rank}
    return Instance(**{**fields, "phi": trace(W0) / order, **changed})


INSTANCES = Instances(draw, REGIMES)


def is_mean(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """n phi = tr W0."""
    v = instance.lift(ctx)
    yield equal("n phi against tr W0", len(v.W0) * v.phi, trace(v.W0))


def error_of_rows(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """r ||dW - F||^2 <= (n - r) ||F||^2."""
    v, order = instance.lift(ctx), len(instance.W0)
    full = full_update(v.W0, ctx)
    left, right = len(v.A0) * squared_norm(v.dW - full), v.d * squared_norm(full)
    yield at_most("r ||dW - F||^2 against d ||F||^2", left, right)
    yield equal("d against n - r", v.d, ctx.number(order - len(v.A0)))
    yield at_most("0 <= d", 0, v.d)


mean_trace = Assumption(
    "mean_trace",
    r"$n\varphi = w_0 = \mathrm{tr} W_0$ and $F = -\varphi I$ is the full-parameter update",
    is_mean,
    relations=(TRACE,),
)
orthogonal_rows = Assumption(
    "orthogonal_rows",
    r"$r \|\Delta W - F\|_F^2 \le d \|F\|_F^2$ with $d = n - r \ge 0$, as for orthogonal rows "
    r"of one length and $B_0 = 0$, where both sides are equal",
    error_of_rows,
    relations=GRANTED,
)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The symbols, with the shape of A0."""
    v = instance.lift(ctx)
    return {W0: v.W0, X: v.dW, phi: v.phi, d: v.d, A0: v.A0}


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The squares of the four sizes."""
    v = instance.lift(ctx)
    full = -v.phi * ctx.identity(len(v.W0))
    whole, part = squared_norm(v.W0), squared_norm(full)
    yield equal(PYTHAGORAS, whole, part + squared_norm(v.W0 + full))
    yield at_most(SMALLER, part, whole)
    yield at_most(RELATIVE, len(v.A0) * squared_norm(v.dW - full), v.d * whole)


def same_ratio(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """sqrt(n/r - 1) claimed of the error relative to ||W0||."""
    v = instance.lift(ctx)
    error = squared_norm(v.dW - full_update(v.W0, ctx))
    yield equal("r ||dW - F||^2", len(v.A0) * error, v.d * squared_norm(v.W0))


def smaller_still(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Strictly smaller for every W0."""
    v = instance.lift(ctx)
    yield below(
        "||F||^2 against ||W0||^2", squared_norm(full_update(v.W0, ctx)), squared_norm(v.W0)
    )


def tuned(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """||W_FP|| claimed to be a normaliser for every W0."""
    v = instance.lift(ctx)
    yield below("0 < ||W_FP||^2", 0, squared_norm(v.W0 + full_update(v.W0, ctx)))


ROW = [[1, 0]]
SHEAR = (start([[1, 2], [0, 1]], ROW),)
EYE = (start([[3, 0], [0, 3]], ROW),)

claim = Claim(
    name="rushka-klabjan/trace-squared-normalisers",
    title="The normaliser of the relative error",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Let $F = -\frac{w_0}{n} I$ and $W_{\mathrm{FP}} = W_0 + F$. Then $\|W_0\|_F^2 = "
        r"\|F\|_F^2 + \|W_{\mathrm{FP}}\|_F^2$, so $\|F\|_F \le \|W_0\|_F$ with equality only "
        r"for $W_{\mathrm{FP}} = 0$, which is $W_0 = \frac{w_0}{n} I$: there no error relative to "
        r"$\|W_{\mathrm{FP}}\|_F$ exists. For $r \le n$ an error with $r\|\Delta W - F\|_F^2 \le "
        r"(n - r) \|F\|_F^2$ satisfies $\|\Delta W - F\|_F \le \sqrt{n/r - 1}\,\|W_0\|_F$ too."
    ),
    assumptions=(mean_trace, orthogonal_rows),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(mean_trace, (start([[3, 0], [0, 3]], ROW, phi=4),), "a shift that is not w0/n"),
        Control(
            orthogonal_rows,
            (start([[3, 0], [0, 3]], [[2, 0], [0, 1]]),),
            "rows of two lengths: the error is larger",
        ),
        Control(None, SHEAR, "sqrt(n/r - 1) is not attained relative to ||W0||", same_ratio),
        Control(None, EYE, "strictly smaller for every W0", smaller_still),
        Control(None, EYE, "||W_FP|| claimed to be positive", tuned),
    ),
    note="A bound O(r^{-1/2}) has to name its normaliser: here ||F||, ||W0|| or ||W_FP||.",
)
