"""Small claims with plain random draws: false ones that random draws miss, and true ones beside.

A false one is wrong by a relative 1e-3 in a tight bound, or fails only on a set of measure zero.
No shape of one row or column is drawn.
"""

from dataclasses import replace
from fractions import Fraction

from lora_proofs import (
    Assumption,
    Claim,
    Control,
    Instance,
    Instances,
    Source,
    at_least,
    at_most,
    below,
    equal,
)
from lora_proofs.arithmetic import inner, squared_norm, trace
from lora_proofs.strategies import fraction, matrix

NEARLY = "999/1000"


def sizes(source, *names, square=False):
    n = source.integer(2, 4)
    m = n if square else source.integer(2, 4)
    return {"n": n, "m": m, "r": source.integer(1, min(n, m))}


def draws(shapes, square=False, **numbers):
    """Independent matrices of the shapes, and numbers among the given ones."""

    def draw(source, regime):
        size = sizes(source, square=square)
        found = {name: matrix(source, size[a], size[b]) for name, (a, b) in shapes.items()}
        return Instance(
            regimes=(regime,), **found, **{k: source.choice(v) for k, v in numbers.items()}
        )

    return Instances(draw)


LORA = {"B": "nr", "A": "rm"}
SAME = {"X": "nm", "Y": "nm"}
SQUARE = {"X": "nn", "Y": "nn"}
START = {"W0": "nn", "A0": "rn", "B0": "nr"}


def claim(name, instances, check, assumptions=()):
    def impossible(instance, ctx):
        yield at_least("none", ctx.number(0), ctx.number(1))

    return Claim(
        name=f"breakable/{name}",
        source=Source("tests"),
        statement="-",
        assumptions=tuple(assumptions),
        instances=instances,
        check=check,
        controls=(Control(None, instances, why="0 is not 1", check=impossible),),
    )


def checks(label, relation, sides):
    """The check that compares ``sides(x, ctx, c)``, where c lifts a number."""

    def check(instance, ctx):
        left, right = sides(instance.lift(ctx), ctx, ctx.number)
        yield relation(label, left, right)

    return check


def nuclear(X, ctx):
    return sum(ctx.singular_values(X), ctx.number(0))


def pair(name, instances, relation, sides, off=NEARLY, assumptions=()):
    """The false claim, with its right side off by a factor, and the true one."""

    def with_factor(factor):
        def shaved(x, ctx, c):
            left, right = sides(x, ctx, c)
            return left, c(factor) * right

        return checks(name, relation, shaved)

    return (
        claim(name, instances, with_factor(off), assumptions),
        claim(f"{name}-true", instances, with_factor(1), assumptions),
    )


TIGHT = (
    pair("submultiplicative", draws(LORA), at_most,
         lambda x, ctx, c: (squared_norm(x.B @ x.A), squared_norm(x.B) * squared_norm(x.A))),
    pair("cauchy-schwarz", draws(SAME), at_most,
         lambda x, ctx, c: (inner(x.X, x.Y) * inner(x.X, x.Y),
                            squared_norm(x.X) * squared_norm(x.Y))),
    pair("parallelogram", draws(SAME), at_most,
         lambda x, ctx, c: (squared_norm(x.X + x.Y),
                            2 * squared_norm(x.X) + 2 * squared_norm(x.Y))),
    pair("nuclear-norm-of-a-product", draws(LORA), at_most,
         lambda x, ctx, c: (2 * nuclear(x.B @ x.A, ctx), squared_norm(x.B) + squared_norm(x.A))),
    pair("trace-and-norm", draws({"X": "nn"}, square=True), at_most,
         lambda x, ctx, c: (trace(x.X) * trace(x.X), c(len(x.X)) * squared_norm(x.X))),
    pair("operator-norm-of-a-product", draws(LORA), at_most,
         lambda x, ctx, c: (ctx.operator_norm(x.B @ x.A),
                            ctx.operator_norm(x.B) * ctx.operator_norm(x.A))),
    pair("operator-and-frobenius", draws({"X": "nm"}), at_most,
         lambda x, ctx, c: (ctx.operator_norm(x.X), ctx.frobenius_norm(x.X))),
    pair("triangle", draws(SAME), at_most,
         lambda x, ctx, c: (ctx.frobenius_norm(x.X + x.Y),
                            ctx.frobenius_norm(x.X) + ctx.frobenius_norm(x.Y))),
    pair("trace-of-a-product", draws(LORA | {"C": "mn"}), at_most,
         lambda x, ctx, c: (trace(x.B @ x.A @ x.C) * trace(x.B @ x.A @ x.C),
                            squared_norm(x.B @ x.A) * squared_norm(x.C))),
    pair("nuclear-against-frobenius", draws({"X": "nm"}), at_most,
         lambda x, ctx, c: (nuclear(x.X, ctx) * nuclear(x.X, ctx),
                            c(min(x.X.shape)) * squared_norm(x.X))),
    pair("sum-of-three", draws({"X": "nm", "Y": "nm", "Z": "nm"}), at_most,
         lambda x, ctx, c: (squared_norm(x.X + x.Y + x.Z),
                            3 * (squared_norm(x.X) + squared_norm(x.Y) + squared_norm(x.Z)))),
    pair("young", draws(SAME, t=("1/2", "1/3", "3/4")), at_most,
         lambda x, ctx, c: (2 * inner(x.X, x.Y),
                            x.t * squared_norm(x.X) + squared_norm(x.Y) / x.t)),
    pair("hadamard-determinant", draws({"X": "nn"}, square=True), at_most,
         lambda x, ctx, c: (squared_norm(x.X @ x.X), squared_norm(x.X) * squared_norm(x.X))),
)  # fmt: skip


def rank(X, ctx):
    return ctx.number(ctx.rank(X))


def steps(x, ctx, c, h):
    """The loss 1/2 |W0 + B A|^2 before and after a step with both factors."""
    W = x.W0 + x.B0 @ x.A0
    A, B = x.A0 - h * x.B0.mT @ W, x.B0 - h * W @ x.A0.mT
    return squared_norm(W), squared_norm(x.W0 + B @ A)


NULL = (
    claim("rank-is-full", draws({"X": "nm"}),
          checks("rank", equal, lambda x, ctx, c: (rank(x.X, ctx), c(min(x.X.shape))))),
    claim("product-has-rank-r", draws(LORA),
          checks("rank", at_least, lambda x, ctx, c: (rank(x.B @ x.A, ctx), rank(x.B, ctx)))),
    claim("never-both-parts-of-a-start", draws(START, square=True),
          checks("A0 + B0'", below, lambda x, ctx, c: (c(0), squared_norm(x.A0 + x.B0.mT)))),
    claim("never-aligned", draws(START, square=True),
          checks("A0 - B0'", below, lambda x, ctx, c: (c(0), squared_norm(x.A0 - x.B0.mT)))),
    claim("gradient-of-b-is-not-zero", draws(START, square=True),
          checks("W0 A0'", below, lambda x, ctx, c: (c(0), squared_norm(x.W0 @ x.A0.mT)))),
    claim("gradient-of-a-is-not-zero", draws(START, square=True),
          checks("B0' W0", below, lambda x, ctx, c: (c(0), squared_norm(x.B0.mT @ x.W0)))),
    claim("singular-values-differ", draws({"X": "nn"}, square=True),
          checks("X'X is no multiple of 1", below,
                 lambda x, ctx, c: (trace(x.X.mT @ x.X) * trace(x.X.mT @ x.X),
                                    c(len(x.X)) * squared_norm(x.X.mT @ x.X)))),
    claim("both-parts-have-a-norm", draws({"W0": "nn", "A0": "rn"}, square=True),
          checks("W0 + A0'A0", below,
                 lambda x, ctx, c: (c(0), squared_norm(x.W0) + squared_norm(x.A0.mT @ x.A0)))),
    claim("never-symmetric", draws({"X": "nn"}, square=True),
          checks("X - X'", below, lambda x, ctx, c: (c(0), squared_norm(x.X - x.X.mT)))),
    claim("always-invertible", draws({"X": "nn"}, square=True),
          checks("rank", at_least, lambda x, ctx, c: (rank(x.X, ctx), c(len(x.X))))),
    claim("commutes-never", draws(SQUARE, square=True),
          checks("X Y - Y X", below,
                 lambda x, ctx, c: (c(0), squared_norm(x.X @ x.Y - x.Y @ x.X)))),
    claim("sums-have-larger-rank", draws(SAME),
          checks("rank", at_least, lambda x, ctx, c: (2 * rank(x.X + x.Y, ctx), rank(x.X, ctx)))),
    claim("huge", draws({"X": "nm"}),
          checks("norm", at_most, lambda x, ctx, c: (squared_norm(x.X), c(10**6)))),
    claim("tiny", draws({"X": "nm"}),
          checks("norm", at_least,
                 lambda x, ctx, c: (c(10**8) * squared_norm(x.X), squared_norm(x.X @ x.X.mT)))),
    claim("descends", draws(START, square=True, h=("1/1000", "1/2000")),
          checks("loss", lambda label, a, b: at_least(label, a, b),
                 lambda x, ctx, c: steps(x, ctx, c, x.h))),
)  # fmt: skip


def has_full_rank(instance, ctx):
    X = instance.lift(ctx).X
    yield equal("rank", ctx.number(ctx.rank(X)), ctx.number(min(X.shape)))


def is_symmetric(source, regime):
    n = source.integer(2, 3)
    X = [[fraction(source) for _ in range(n)] for _ in range(n)]
    return Instance(S=[[X[i][j] + X[j][i] for j in range(n)] for i in range(n)])


def projector(source, regime):
    """A unit vector, and the projector that belongs to it."""
    a, b = fraction(source) or Fraction(1), fraction(source)
    norm = a * a + b * b
    return Instance(v=[[a], [b]], P=[[a * a / norm, a * b / norm], [a * b / norm, b * b / norm]])


def spectrum(source, regime):
    """diag(s) with descending entries, and a rank below its size."""
    n = source.integer(2, 4)
    values = sorted((source.integer(1, 9) for _ in range(n)), reverse=True)
    E = [[values[i] if i == j else 0 for j in range(n)] for i in range(n)]
    return Instance(E=E, k=source.integer(1, n - 1))


def small_numbers(source, regime):
    return Instance(h=source.choice(("1/2", "1/3")), k=source.integer(1, 3), X=matrix(source, 2, 2))


def at_least_two(instance, ctx):
    """Every matrix has two rows and two columns: the way out by one entry is closed."""
    for value in vars(instance.lift(ctx)).values():
        for size in getattr(value, "shape", ()):
            yield at_least("size", ctx.number(size), ctx.number(2))


def not_zero(instance, ctx):
    """No matrix is 0: the way out by zeros is closed."""
    for value in vars(instance.lift(ctx)).values():
        if hasattr(value, "shape"):
            yield below("norm", ctx.number(0), squared_norm(value))


WIDE = Assumption("two_by_two", "n, m, r >= 2", at_least_two, technical="tested elsewhere")
NOT_ZERO = Assumption("not_zero", "no matrix is 0", not_zero, technical="tested elsewhere")


def harder(false):
    """The same false claim where neither single entries nor zeros refute it."""
    wide = {"X": 1, "Y": 1}.keys() & set(false.instances.draw(_First(), "generic"))
    return replace(
        false,
        name=f"{false.name}-wide",
        assumptions=(*false.assumptions, NOT_ZERO, *((WIDE,) if wide else ())),
    )


class _First:
    """A source that gives the smallest answer."""

    def integer(self, low, high):
        return min(max(low, 0), high)

    def choice(self, options):
        return options[0]


FULL = Assumption("full_rank", "rank X = min(n, m)", has_full_rank, technical="tested elsewhere")
GONE = ("breakable/both-parts-have-a-norm",)
"""What only zeros refute."""
TRUE = (
    *(true for _, true in TIGHT),
    claim("with-full-rank", draws({"X": "nm"}),
          checks("norm", below, lambda x, ctx, c: (c(0), squared_norm(x.X))), (FULL,)),
    claim("drawn-symmetric", Instances(is_symmetric),
          checks("S - S'", equal, lambda x, ctx, c: (squared_norm(x.S - x.S.mT), c(0)))),
    claim("drawn-together", Instances(projector),
          checks("P v - v", equal, lambda x, ctx, c: (squared_norm(x.P @ x.v - x.v), c(0)))),
    claim("drawn-descending", Instances(spectrum),
          checks("entry k", at_most, lambda x, ctx, c: (c(0), x.E[int(x.k), int(x.k)]))),
    claim("drawn-positive", Instances(small_numbers),
          checks("h k", below, lambda x, ctx, c: (c(0), x.h * x.k))),
)  # fmt: skip
EASY = (*(false for false, _ in TIGHT), *NULL)
HARD = tuple(harder(false) for false in EASY if false.name not in GONE)
FALSE = (*EASY, *HARD)
