"""Check certificates of lora_proofs with nothing but Python's standard library.

    python checker.py FILE...

prints what was verified and, in lines that start with ``trusted:``, what was not. Exit status: 0
if every certificate is valid, 1 if one is not (it is wrong, or leaves open what it asserts), 4 if a
file is no certificate of this version or is beyond the limits below.

A reader has to trust this file, Python's integers, fractions and JSON reader, and whatever the
``trusted:`` lines name. All arithmetic is on exact rationals, without floating point. What the
author of a certificate says of it is printed unread, and marked ``unchecked``. The lines
``checked:`` say in the words of this file what was verified, the lines ``concluded:`` what was
verified on the grounds that they name, the lines ``assumed:`` what everything is subject to.

product
    The factors are multiplied and compared with the product entry by entry, and the ranks are found
    by elimination in integers.
singular-value
    sigma_k(M) is in [lower, upper] if at least k eigenvalues of M'M are at least lower^2 and fewer
    than k are above upper^2. Pivots count them (Sylvester's law of inertia).
relu
    Two ReLU networks agree on a box if their outputs are the same affine forms in the inputs and in
    units that may switch. A unit whose form keeps its sign on the box is linear or zero there, and
    units with proportional forms are one. Different forms show nothing, so they are not accepted.
instance
    A program of arithmetic steps leads from the entries of the given matrices to both sides of
    every comparison. It is run exactly where that is possible, otherwise in intervals that are
    rounded outward. Either all comparisons hold, or it is a counterexample: every assumption holds
    and a comparison fails. What the intervals leave open is not accepted either way.
flow
    Step by step, a polynomial with rational coefficients is shown to be near the gradient flow: how
    far it is from solving the equation is computed exactly, and how fast errors grow is bounded by
    the norm of the gradient, since a gradient flow has a symmetric Jacobian (logarithmic norm).
critical-value-gap
    The same up to a time at which the loss is below every critical value but the least, of which
    the loss then takes the limit. All critical values are told by squared singular values, which
    are counted and enclosed by pivots.
identity
    Both sides of every equation are expanded into polynomials in the entries at a fixed shape.
derivation
    Every line is recomputed in a free algebra, for all shapes, from earlier lines, assumptions and
    the lemmas that the ``trusted:`` lines name.
bundle
    A list of certificates, all of which have to be valid. Pairs of places in them, as `same` lists
    them, hold the same matrix; what no pair ties together is printed as trusted to belong together.

For one kind of certificate it is enough to read the common part (all sections whose headings name
no kind) and the section of that kind:

    common part: 532 lines
    product, singular-value: 27 lines
    relu: 69 lines
    instance: 247 lines
    flow, critical-value-gap: 278 lines
    identity, derivation: 600 lines
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from functools import reduce
from itertools import accumulate, chain, count, product
from math import floor, isqrt, lcm, prod
from operator import add, mul
from pathlib import Path
from typing import Any, NamedTuple, TextIO

FORMAT, VERSION = "lora-proofs certificate", 1
FILE_BYTES = 64 * 2**20  # of a file
DEPTH = 64  # of lists within lists
DIGITS = 20_000  # of a numerator or a denominator that is read
BITS = 200_000  # of a numerator or a denominator that is computed
PRINTED = 512  # bits of a number that is printed digit by digit
EXACT = 2**15  # bits of a number that a program carries on exactly
SIDE = 256  # rows or columns of a matrix
LENGTH = 100_000  # of any other list
TEXT = 10_000  # characters of a name or a sentence
BRACKETS = 2**20  # lists and objects of a file
LETTERS = 10_000  # of a word
EXPONENT = 2**16  # where exp, cosh, sinh and tanh end
WORK = 6_000_000_000  # units of `spend` for one file: some twenty seconds

Matrix = list[list[Fraction]]


class Invalid(Exception):
    """A certificate that was read and checked, and does not show what it asserts."""


class Malformed(Exception):
    """Not a certificate that this checker reads, or one beyond its limits."""


# --- reading (every value passes through one of these) -------------------------------------------


def fields(document: Any, names: str) -> list[Any]:
    """The values of exactly these keys: one missing is refused, and so is one nobody reads."""
    wanted = names.split()
    if not isinstance(document, dict) or set(document) != set(wanted):
        raise Malformed(f"expected an object with the keys {', '.join(sorted(wanted))}")
    return [document[name] for name in wanted]


def data(certificate: dict[str, Any], names: str) -> list[Any]:
    """The fields of a certificate beyond its envelope."""
    return fields({k: v for k, v in certificate.items() if k not in ENVELOPE}, names)


def listed(value: Any, most: int = LENGTH) -> list[Any]:
    """A list of at most so many items."""
    if not isinstance(value, list) or len(value) > most:
        raise Malformed(f"expected a list of at most {most} items")
    return value


def sentence(value: Any) -> str:
    """A text, made safe to print: one line of ASCII."""
    if not isinstance(value, str) or len(value) > TEXT:
        raise Malformed(f"expected a text of at most {TEXT} characters")
    return ascii(value)[1:-1]


def whole(value: Any, low: int, high: int) -> int:
    """An integer from `low` to `high`, both included."""
    if type(value) is not int or not low <= value <= high:
        raise Malformed(f"expected an integer from {low} to {high}")
    return value


def number(value: Any) -> Fraction:
    """An exact number: a JSON integer, or a text "p" or "p/q" of ASCII digits."""
    if type(value) is int:
        return Fraction(value)
    parts = RATIONAL.fullmatch(value) if isinstance(value, str) else None
    if parts is None:
        raise Malformed('expected an integer or a text "p" or "p/q"')
    if max(map(len, parts.groups(""))) > DIGITS:
        raise Malformed(f"a number has more than {DIGITS} digits")
    sign, top, bottom = parts.groups("1")
    if not bottom.strip("0"):
        raise Malformed("a denominator is 0")
    return int(sign + "1") * Fraction(int(Decimal(top)), int(Decimal(bottom)))


def matrix(value: Any, read: Callable[[Any], Fraction] = number) -> Matrix:
    """A matrix of numbers: rows of one length, none empty."""
    rows = [[read(x) for x in listed(row, SIDE)] for row in listed(value, SIDE)]
    if not rows or not rows[0] or any(len(row) != len(rows[0]) for row in rows):
        raise Malformed("expected a matrix: rows of one length, none empty")
    return rows


ENVELOPE = "format version kind claim asserts digest".split()
RATIONAL = re.compile(r"(-?)([0-9]+)(?:/([0-9]+))?")


def briefly(x: Fraction | int) -> str:
    """A number to be printed: what is long by its size alone."""
    if bits_of([x]) <= PRINTED:
        return str(x)
    size = x.numerator.bit_length() - x.denominator.bit_length()
    return f"about {'-' * (x < 0)}2^{size}"


def between(lower: Fraction, upper: Fraction) -> str:
    """Two bounds as short decimals, rounded outward."""
    pairs = ((lower, ROUND_FLOOR), (upper, ROUND_CEILING))
    ends = (Context(10, to).divide(Decimal(x.numerator), x.denominator) for x, to in pairs)
    return "between {} and {}".format(*ends)


# --- limits of what is computed ------------------------------------------------------------------

_left = WORK


def spend(operations: int, bits: int) -> None:
    """Pay for operations on numbers of so many bits; stop what would never end."""
    global _left
    if bits > BITS:
        raise Malformed(f"a number would need more than {BITS} bits")
    words = 1 + bits // 64
    _left -= operations * (100 + words * words)
    if _left < 0:
        raise Malformed("checking this would take too long")


def bits_of(*vectors: Iterable[Fraction | int]) -> int:
    """The bits of the longest numerator or denominator in these vectors (M's rows: bits_of(*M))."""
    both = (max(x.numerator.bit_length(), x.denominator.bit_length()) for v in vectors for x in v)
    return max(both, default=0)


# --- exact linear algebra ------------------------------------------------------------------------


def shape(M: Matrix) -> str:
    """The shape of a matrix in words."""
    return f"{len(M)} x {len(M[0])}"


def transpose(M: Matrix) -> Matrix:
    """M'."""
    return [list(column) for column in zip(*M, strict=True)]


def identity(n: int) -> Matrix:
    """The n x n identity."""
    return [[Fraction(i == j) for j in range(n)] for i in range(n)]


def trace(M: Matrix) -> Fraction:
    """The sum of the diagonal."""
    return total([M[i][i] for i in range(len(M))])


def combine(p: Fraction | int, M: Matrix, q: Fraction | int, N: Matrix) -> Matrix:
    """p M + q N."""
    if shape(M) != shape(N):
        raise Invalid(f"a {shape(M)} matrix is added to a {shape(N)} one")
    spend(3 * len(M) * len(M[0]), bits_of([p, q], *M, *N))
    return [[p * x + q * y for x, y in zip(*rows, strict=True)] for rows in zip(M, N, strict=True)]


def matmul(M: Matrix, N: Matrix) -> Matrix:
    """M N, row by column on common denominators."""
    if len(M[0]) != len(N):
        raise Invalid(f"a {shape(M)} matrix is multiplied by a {shape(N)} one")
    rows, columns = [cleared(row) for row in M], [cleared(column) for column in transpose(N)]
    bits = max(bits_of([d, *v]) for v, d in rows) + max(bits_of([d, *v]) for v, d in columns)
    spend(len(M) * len(N) * len(N[0]), bits)
    return [[Fraction(sum(map(mul, v, w)), d * e) for w, e in columns] for v, d in rows]


def total(vector: Sequence[Fraction]) -> Fraction:
    """The sum, on a common denominator."""
    integers, denominator = cleared(vector)
    return Fraction(sum(integers), denominator)


def square(vector: Sequence[Fraction]) -> Fraction:
    """The squared Euclidean norm, on a common denominator."""
    integers, denominator = cleared(vector)
    spend(len(integers), 2 * bits_of([denominator, *integers]))
    return Fraction(sum(x * x for x in integers), denominator**2)


def cleared(vector: Sequence[Fraction]) -> tuple[list[int], int]:
    """Integers and the common denominator that they stand over."""
    denominator = 1
    for x in vector:
        denominator = lcm(denominator, x.denominator)
        spend(2, denominator.bit_length())
    return [x.numerator * (denominator // x.denominator) for x in vector], denominator


def rank_and_determinant(M: Matrix) -> tuple[int, Fraction]:
    """The rank, and the determinant if M is square, by Bareiss' elimination in integers."""
    integral = [cleared(row) for row in M]
    rows, rank, last, sign = [row for row, _ in integral], 0, 1, 1
    for c in range(len(M[0])):
        i = next((i for i in range(rank, len(rows)) if rows[i][c]), None)
        if i is None:
            continue
        sign = sign if i == rank else -sign
        rows[rank], rows[i] = rows[i], rows[rank]
        top = rows[rank]
        spend(3 * len(rows) * len(top), 2 * bits_of(*rows))
        rows[rank + 1 :] = [reduced(row, c, top, last) for row in rows[rank + 1 :]]
        rank, last = rank + 1, top[c]
    return rank, Fraction(sign * last * (rank == len(M)), prod(d for _, d in integral))


def rank(M: Matrix) -> int:
    """The rank."""
    return rank_and_determinant(M)[0]


def determinant(M: Matrix) -> Fraction:
    """The determinant of a square matrix."""
    if len(M) != len(M[0]):
        raise Invalid(f"a {shape(M)} matrix has no determinant and no inverse")
    return rank_and_determinant(M)[1]


def inverse_entry(M: Matrix, i: int, j: int) -> Fraction:
    """Entry (i, j), counted from 0, of the inverse, by Cramer's rule: e_j in place of column i."""
    if determinant(M) == 0:
        raise Invalid("a singular matrix has no inverse")
    swapped = [[*row[:i], Fraction(n == j), *row[i + 1 :]] for n, row in enumerate(M)]
    return determinant(swapped) / determinant(M)


def reduced(row: list[int], c: int, top: list[int], last: int) -> list[int]:
    """The row with 0 below the pivot top[c]; dividing by the last pivot is exact (Sylvester)."""
    return [(top[c] * x - row[c] * y) // last for x, y in zip(row, top, strict=True)]


def eigenvalues_around(S: Matrix, x: Fraction | int) -> tuple[int, int, int]:
    """How many eigenvalues of a symmetric matrix are above x, equal to x, and below x.

    Congruence keeps the signs of the eigenvalues of S - x I (Sylvester's law of inertia), so the
    pivots of a symmetric elimination have them. Where every diagonal entry is zero, adding one row
    and its column to another makes one that is not.
    """
    if transpose(S) != S:
        raise Invalid("a matrix is not symmetric")
    n, shifted = len(S), combine(1, S, -x, identity(len(S)))
    entries = cleared([y for row in shifted for y in row])[0]
    rest = [entries[i : i + n] for i in range(0, n * n, n)]
    above, below, last = 0, 0, 1
    while any(map(any, rest)):
        k = next((k for k, row in enumerate(rest) if row[k]), None)
        if k is None:
            k, j = next((k, j) for k, row in enumerate(rest) for j, y in enumerate(row) if y)
            rest[k] = list(map(add, rest[k], rest[j]))
            for row in rest:
                row[k] += row[j]
        top = rest[k]
        spend(3 * n * n, 2 * bits_of(*rest))
        rest = [reduced(row, k, top, last) for row in rest]
        above, below = above + (top[k] * last > 0), below + (top[k] * last < 0)
        last = top[k]
    return above, n - above - below, below


def singular_value_within(M: Matrix, k: int, lower: Fraction, upper: Fraction) -> None:
    """Refuse unless lower <= sigma_k(M) <= upper, where sigma_1 is the largest."""
    whole(k, 1, min(len(M), len(M[0])))
    if len(M) < len(M[0]):
        M = transpose(M)
    gram = matmul(transpose(M), M)
    above, at, _ = eigenvalues_around(gram, lower * lower)
    if lower < 0 or above + at < k:
        raise Invalid(f"sigma_{k} is below its lower bound, or the bound is negative")
    if upper < lower or eigenvalues_around(gram, upper * upper)[0] >= k:
        raise Invalid(f"sigma_{k} is above its upper bound")


def sqrt_down(q: Fraction, bits: int) -> Fraction:
    """A rational less than 2^-bits below the root of q >= 0; the root itself if it is rational."""
    root = Fraction(isqrt(q.numerator), isqrt(q.denominator))
    if root * root == q:
        return root
    return Fraction(isqrt((q.numerator << 2 * bits) // q.denominator), 1 << bits)


def sqrt_up(q: Fraction, bits: int) -> Fraction:
    """A rational at most 2^-bits above the root of q >= 0; the root itself if it is rational."""
    down = sqrt_down(q, bits)
    return down if down * down == q else down + Fraction(1, 1 << bits)


# --- products and singular values ("product", "singular-value") ----------------------------------


def check_product(certificate: dict[str, Any]) -> list[str]:
    """The product of the factors is the matrix stated, and all ranks are as stated."""
    told, equals, ranks = data(certificate, "factors equals ranks")
    factors, result = [matrix(M) for M in listed(told, SIDE)], matrix(equals)
    if not factors or reduce(matmul, factors) != result:
        raise Invalid("the product of the factors is another matrix")
    of_factors, of_result = fields(ranks, "factors equals")
    stated = [whole(k, 0, SIDE) for k in [*listed(of_factors, SIDE), of_result]]
    found = [rank(M) for M in [*factors, result]]
    if stated != found:
        raise Invalid(f"the ranks are {found}, not {stated}")
    return [
        f"checked: a product of {len(factors)} factors of ranks {found[:-1]}, its rank {found[-1]}"
    ]


def check_singular_value(certificate: dict[str, Any]) -> list[str]:
    """The k-th singular value of a matrix is between two bounds."""
    told, k, lower, upper = data(certificate, "matrix index lower upper")
    M, low, high = matrix(told), number(lower), number(upper)
    singular_value_within(M, k, low, high)
    return [f"checked: sigma_{k} of a {shape(M)} matrix is {between(low, high)}"]


# --- ReLU networks on a box ("relu") -------------------------------------------------------------

Interval = tuple[Fraction, Fraction]
Form = dict[int, Fraction]  # coefficients without zeros; variable 0 is the constant 1
ZERO, ONE = Fraction(0), [{0: Fraction(1)}]


@dataclass
class Units:
    """The variables of affine forms, each with its bounds: 1, the inputs, units that may switch."""

    bounds: list[Interval]
    known: dict[tuple[tuple[int, Fraction], ...], int] = field(default_factory=dict)

    def relu(self, form: Form) -> Form:
        """max(form, 0): the form or 0 where the bounds decide, else a multiple of a unit."""
        spend(4 * len(form), bits_of(form.values()) + bits_of(*(self.bounds[v] for v in form)))
        ends = [sorted(c * end for end in self.bounds[v]) for v, c in form.items()]
        low, high = total([least for least, _ in ends]), total([most for _, most in ends])
        if low >= 0 or high <= 0:
            return form if low >= 0 else {}
        scale = abs(form[max(form)])  # relu(s x) = s relu(x) for s > 0
        key = tuple(sorted((v, c / scale) for v, c in form.items()))
        if key not in self.known:
            self.known[key] = len(self.bounds)
            self.bounds.append((ZERO, high / scale))
        return {self.known[key]: scale}


def weighted(weights: list[Fraction], forms: list[Form]) -> Form:
    """The sum of the forms with these weights."""
    total: Form = {}
    for w, form in zip(weights, forms, strict=True):
        spend(2 * len(form), bits_of([w], form.values(), total.values()))
        for v, c in form.items():
            total[v] = total.get(v, ZERO) + w * c
    return {v: c for v, c in total.items() if c}


def network(layers: Any, forms: list[Form], units: Units) -> list[Form]:
    """The outputs of W_L relu(... relu(W_1 x + b_1) ...) + b_L as affine forms."""
    for depth, layer in enumerate(listed(layers, SIDE)):
        W, b = fields(layer, "W b")
        rows, offsets = matrix(W), [number(x) for x in listed(b, SIDE)]
        if len(rows) != len(offsets) or len(rows[0]) != len(forms):
            raise Invalid(f"layer {depth + 1} does not fit: W is {shape(rows)}")
        forms = [units.relu(form) for form in forms] if depth else forms
        forms = [weighted([*row, c], forms + ONE) for row, c in zip(rows, offsets, strict=True)]
    return forms


def check_relu(certificate: dict[str, Any]) -> list[str]:
    """Two ReLU networks have the same outputs on a box."""
    first, second, box = data(certificate, "first second box")
    lower, upper = [[number(x) for x in listed(side, SIDE)] for side in fields(box, "lower upper")]
    if len(lower) != len(upper) or any(a > b for a, b in zip(lower, upper, strict=True)):
        raise Invalid("the box is empty or its two corners do not fit")
    units, inputs = Units([(Fraction(1), Fraction(1))]), []
    for low, high in zip(lower, upper, strict=True):
        inputs.append(weighted([low], ONE) if low == high else {len(units.bounds): Fraction(1)})
        units.bounds.append((low, high))
    one, other = network(first, inputs, units), network(second, inputs, units)
    if not first or not second or one != other:
        raise Invalid("not shown: the outputs are different affine forms, or there are none")
    return [
        f"checked: {len(one)} outputs agree on the box, where {len(units.known)} units may switch"
    ]


# --- programs of arithmetic steps ("instance") ---------------------------------------------------


def single(x: Fraction) -> Interval:
    """A number as an interval."""
    return x, x


def rounded(low: Fraction, high: Fraction, bits: int) -> Interval:
    """[low, high] rounded outward to ends of about so many binary digits."""
    spend(20, bits_of([low, high]))
    return down(low, bits), -down(-high, bits)


def down(q: Fraction, bits: int) -> Fraction:
    """q rounded towards minus infinity to about so many binary digits."""
    scale = Fraction(2) ** (bits + q.denominator.bit_length() - q.numerator.bit_length())
    return floor(q * scale) / scale


def times(a: Interval, b: Interval) -> Interval:
    """The products of two intervals."""
    ends = [x * y for x in a for y in b]
    return min(ends), max(ends)


def reciprocal(a: Interval) -> Interval:
    """The reciprocals of an interval without 0."""
    if a[0] <= 0 <= a[1]:
        raise Invalid("a division by what may be 0")
    return 1 / a[1], 1 / a[0]


def absolute(a: Interval) -> Interval:
    """The absolute values in an interval."""
    return max(a[0], -a[1], ZERO), max(-a[0], a[1])


def power(a: Interval, k: int) -> Interval:
    """The k-th powers of an interval."""
    if k < 0:
        return reciprocal(power(a, -k))
    spend(20, bits_of(a) * k)
    low, high = absolute(a) if k % 2 == 0 else a
    return low**k, high**k


def sqrt(a: Interval, bits: int) -> Interval:
    """The roots of an interval; the root of a rational square is exact."""
    if a[0] < 0:
        raise Invalid("the root of what may be negative")
    spend(50, bits_of(a))
    places = bits + max(x.denominator.bit_length() for x in a)
    return sqrt_down(a[0], places), sqrt_up(a[1], places)


def log(a: Interval, bits: int) -> Interval:
    """The logarithms of an interval."""
    if a[0] <= 0:
        raise Invalid("the logarithm of what may not be positive")
    return log_at(a[0], bits + 32)[0], log_at(a[1], bits + 32)[1]


def log_at(x: Fraction, bits: int) -> Interval:
    """log(x) = log(m) + e log(2) for x = m 2^e, 1/2 < m < 2; log(m) = 2 artanh((m - 1)/(m + 1))."""
    e = x.numerator.bit_length() - x.denominator.bit_length()
    m = x / Fraction(2) ** e
    near, two = artanh((m - 1) / (m + 1), bits), artanh(Fraction(1, 3), bits)
    low, high = times(single(Fraction(e)), two)
    return 2 * (near[0] + low), 2 * (near[1] + high)


def artanh(z: Fraction, bits: int) -> Interval:
    """An enclosure of artanh(z) = z (1 + z^2/3 + z^4/5 + ...) for |z| <= 1/3.

    After n terms the remainder is at most |z|^(2n+1) / (1 - z^2) <= 9^-n.
    """
    n, y, total = bits // 3 + 1, rounded(z, z, bits), (ZERO, ZERO)
    for k in range(n - 1, -1, -1):
        low, high = times(power(y, 2), total)
        total = rounded(low + Fraction(1, 2 * k + 1), high + Fraction(1, 2 * k + 1), bits)
    low, high = times(y, total)
    return low - Fraction(z != 0, 9**n), high + Fraction(z != 0, 9**n)


def exp_at(x: Fraction, bits: int) -> Interval:
    """An enclosure of exp(x) = exp(y)^(2^s) with y = x / 2^s and |y| < 2^-8, by Taylor's formula.

    After the term y^n / n!, n >= 1, the remainder is at most 2 |y|^(n+1) / (n+1)! <= 2^(-8n).
    """
    if abs(x) > EXPONENT:
        raise Malformed(f"exp or a relative of it is asked for beyond {EXPONENT}")
    s = 8 + int(abs(x)).bit_length()
    bits += 2 * s + 24
    n, value = bits // 8, (Fraction(1), Fraction(1))
    y, error = rounded(x / 2**s, x / 2**s, bits), Fraction(x != 0, 2 ** (8 * n))
    for k in range(n, 0, -1):
        low, high = times(y, value)
        value = rounded(1 + low / k, 1 + high / k, bits)
    value = value[0] - error, value[1] + error
    for _ in range(s):
        value = rounded(value[0] ** 2, value[1] ** 2, bits)
    return value


def of_exp(g: Callable[[Fraction], Fraction], a: Interval, bits: int) -> Interval:
    """The values g(exp(x)) of an interval, for a growing g."""
    return g(exp_at(a[0], bits)[0]), g(exp_at(a[1], bits)[1])


def cosh_of(e: Fraction) -> Fraction:
    """cosh(x) for e = exp(x) >= 1; rounding may bring e below 1, where e + 1/e would fall."""
    return (e + 1 / e) / 2 if e > 1 else Fraction(1)


ONE_OPERAND: dict[str, Callable[[Interval, int], Interval]] = {
    "neg": lambda a, _: (-a[1], -a[0]),
    "abs": lambda a, _: absolute(a),
    "sqrt": sqrt,
    "log": log,
    "exp": lambda a, bits: of_exp(lambda e: e, a, bits),
    "cosh": lambda a, bits: of_exp(cosh_of, absolute(a), bits),
    "sinh": lambda a, bits: of_exp(lambda e: (e - 1 / e) / 2, a, bits),
    "tanh": lambda a, bits: of_exp(lambda e: 1 - 2 / (e * e + 1), a, bits),
}
TWO_OPERANDS: dict[str, Callable[[Interval, Interval], Interval]] = {
    "sub": lambda a, b: (a[0] - b[1], a[1] - b[0]),
    "div": lambda a, b: times(a, reciprocal(b)),
}
OPERANDS: dict[str, Callable[[Interval, Interval], Interval]] = {  # one or more
    "add": lambda a, b: (a[0] + b[0], a[1] + b[1]),
    "mul": times,
    "min": lambda a, b: (min(a[0], b[0]), min(a[1], b[1])),
    "max": lambda a, b: (max(a[0], b[0]), max(a[1], b[1])),
}


@dataclass
class Program:
    """A straight-line program: inputs, and the values of the nodes so far."""

    inputs: dict[str, Matrix]
    bits: int
    values: list[Interval]

    def at(self, i: Any) -> Interval:
        """The value of an earlier node."""
        return self.values[whole(i, 0, len(self.values) - 1)]

    def exact(self, i: Any) -> Fraction:
        """The value of an earlier node that is a single number."""
        if self.at(i)[0] != self.at(i)[1]:
            raise Invalid("a matrix that has to be exact is known in intervals only")
        return self.at(i)[0]

    def short(self, a: Interval) -> Interval:
        """A single number that is not too long as it is, and any other interval rounded outward."""
        around = rounded(*a, self.bits)
        return a if a[0] == a[1] and bits_of(a) <= EXACT else around

    def fold(self, op: str, terms: Iterable[Interval]) -> Interval:
        """The sum, the product, the least or the greatest."""
        return reduce(lambda a, b: self.short(OPERANDS[op](a, b)), terms)

    def node(self, node: Any) -> Interval:
        """The value of a node."""
        match node:
            case ["input", str(name), i, j] if name in self.inputs:
                M = self.inputs[name]
                return single(M[whole(i, 0, len(M) - 1)][whole(j, 0, len(M[0]) - 1)])
            case ["number", q]:
                return single(number(q))
            case ["given", lower, upper, str()] if number(lower) <= number(upper):
                return number(lower), number(upper)
            case [str(op), a] if op in ONE_OPERAND:
                return ONE_OPERAND[op](self.at(a), self.bits)
            case [str(op), a, b] if op in TWO_OPERANDS:
                return TWO_OPERANDS[op](self.at(a), self.at(b))
            case [str(op), _, *_] if op in OPERANDS:
                return self.fold(op, map(self.at, node[1:]))
            case ["dot", [_, *_] as v, [_, *_] as w] if len(v) == len(w):
                return self.fold("add", map(times, map(self.at, v), map(self.at, w)))
            case ["power", a, k]:
                return power(self.at(a), whole(k, -BITS, BITS))
            case ["rank", M]:
                return single(Fraction(rank(matrix(M, self.exact))))
            case ["det", M]:
                return single(determinant(matrix(M, self.exact)))
            case ["inverse", M, i, j]:
                N = matrix(M, self.exact)
                return single(inverse_entry(N, whole(i, 0, len(N) - 1), whole(j, 0, len(N) - 1)))
            case ["sigma", M, k, lower, upper]:
                singular_value_within(matrix(M, self.exact), k, number(lower), number(upper))
                return number(lower), number(upper)
        raise Malformed(f"node {len(self.values)} is none that this checker knows")

    def comparison(self, told: Any) -> tuple[bool | None, str]:
        """Whether [left, relation, right, label] holds, None if it is undecided; and the label."""
        match told:
            case [i, "<=" | "<" | ">=" | ">" | "=" as relation, j, label]:
                left, right = self.at(i), self.at(j)
            case _:
                raise Malformed("expected a comparison [left, relation, right, label]")
        low, high = right[0] - left[1], right[1] - left[0]  # around right - left
        holds, fails = {
            "<=": (low >= 0, high < 0),
            "<": (low > 0, high <= 0),
            ">=": (high <= 0, low > 0),
            ">": (high < 0, low >= 0),
            "=": (low == high == 0, low > 0 or high < 0),
        }[relation]
        return holds or (False if fails else None), sentence(label)


def check_instance(certificate: dict[str, Any]) -> list[str]:
    """A program from given matrices to comparisons that all hold, or of which one fails."""
    told, nodes, assumptions, comparisons, outcome, bits = data(
        certificate, "inputs nodes assumptions comparisons outcome bits"
    )
    if not isinstance(told, dict) or outcome not in ("holds", "fails"):
        raise Malformed("expected inputs by name, and the outcome holds or fails")
    inputs = {k: matrix(M if isinstance(M, list) else [[M]]) for k, M in told.items()}
    program = Program(inputs, whole(bits, 8, DIGITS), [])
    for node in listed(nodes):
        program.values.append(program.short(program.node(node)))
    assumed = [program.comparison(told) for told in listed(assumptions)]
    compared = [program.comparison(told) for told in listed(comparisons)]
    for holds, label in assumed + (compared if outcome == "holds" else []):
        if not holds:
            raise Invalid(f"'{label}' {'is undecided' if holds is None else 'does not hold'}")
    failing = [k for k, (holds, _) in enumerate(compared, 1) if holds is False]
    if not compared or (outcome == "fails" and not failing):
        raise Invalid("no comparison fails" if compared else "nothing is compared")
    found = f"{len(compared)} comparisons hold"
    if outcome == "fails":
        found = f"the comparison {failing[0]} of {len(compared)} fails"
    intervals = sum(low < high for low, high in program.values)
    trusted = [sentence(node[3]) for node in nodes if node[0] == "given"]
    return [
        f"checked: {len(assumed)} assumptions hold and {found}, by {len(nodes)} steps, {intervals} "
        f"of them in intervals of {bits} binary digits and all others single numbers",
        *(f"says of comparison {k}, unchecked: {compared[k - 1][1]}" for k in failing[:1]),
        "trusted: that this program is the claim, and its inputs what they are called",
        *(f"trusted: {trusted.count(why)} given enclosures: {why}" for why in sorted(set(trusted))),
    ]


# --- flow enclosures ("flow", "critical-value-gap") ----------------------------------------------
#
# y' = F(y), y = (A, B): A' = -B'G, B' = -GA' with G = grad f(W), W = W0 + BA; |.| is Euclidean.
#
# Growth. F is minus a gradient, so its Jacobian J is symmetric; f is convex, so for x = (S, Z)
#     x'Jx = -f''(D, D) - 2 <G, ZS> <= 2 |G|_2 |Z| |S| <= |G|_2 |x|^2,    D = BS + ZA.
# Error. Let p be a polynomial on [0, tau], e = y - p, |p' - F(p)| <= delta there, and |G|_2 <= mu
# within rho of p(t), for every t. While |e| <= rho, |e|' <= mu |e| + delta, hence
# |e| <= (|e(0)| + delta tau) e^(mu tau). Where that is below rho it holds on the whole step: at the
# first time with |e| = rho it would be contradicted. And y exists, as it stays bounded.
# Tube. For |x| <= rho, BA moves by ZA + BS + ZS: in the Frobenius norm, and by Cauchy-Schwarz in
# its trace, at most by rho |p| + rho^2/2. So does G, or tr W (there |G|_2 = |tr W|).
# Limit. At a critical point BA = PE = EQ, where E = Y - W0 and P, Q project on the columns of B and
# the rows of A. So P commutes with EE', and f = tr((I - P) EE')/2 leaves out some sigma_i^2/2.

FLOW = "loss W0 Y A0 B0 t steps A B radius loss_lower loss_upper"
STEP = "tau denominator A B radius_in defect growth tube radius_out"
DEGREE, CHOICES = 256, 4096  # coefficients of a step; critical values that are compared


class Flow(NamedTuple):
    """A loss, C = W0 - Y (trace-squared: C = W0), n x m, and the start A0: r x m, B0: n x r."""

    loss: str
    C: Matrix
    A0: Matrix
    B0: Matrix


class Step(NamedTuple):
    """Polynomials A(s), B(s) in s = t/tau: whole coefficients over one denominator."""

    tau: Fraction
    denominator: int
    A: list[Matrix]
    B: list[Matrix]


def check_flow(certificate: dict[str, Any]) -> list[str]:
    """The flow at time t is within the radius of (A, B), and its loss within the bounds."""
    return flow_at(*data(certificate, FLOW))[2]


def check_gap(certificate: dict[str, Any]) -> list[str]:
    """The loss at time t is below every critical value but the least, so that is its limit."""
    *told, levels, second, low, high = data(
        certificate, f"{FLOW} levels second limit_lower limit_upper"
    )
    flow, loss, lines = flow_at(*told)
    if flow.loss != "frobenius":
        raise Invalid("the critical values are known for the Frobenius loss alone")
    least, others = critical_values(flow, listed(levels, SIDE))
    if not loss < number(second) <= min(others, default=number(second)):
        raise Invalid("the loss is not shown to be below the second smallest critical value")
    if not number(low) <= least[0] <= least[1] <= number(high):
        raise Invalid("the least critical value is not shown to lie within the limit's bounds")
    return [
        *lines,
        f"checked: as t -> infinity the loss tends to its least critical value, in "
        f"[{briefly(number(low))}, {briefly(number(high))}]",
        "trusted: LaSalle's invariance principle",
        "trusted: critical points of the factored Frobenius loss (Baldi and Hornik 1989)",
    ]


def flow_at(
    loss: Any, W0: Any, Y: Any, A0: Any, B0: Any, t: Any, steps: Any, *end: Any
) -> tuple[Flow, Fraction, list[str]]:
    """The flow, an upper bound of its loss at time t, and the lines to print."""
    flow, time, error = read_flow(loss, W0, Y, A0, B0), Fraction(0), Fraction(0)
    y = flat(flow.A0 + flow.B0)
    for told in listed(steps):
        *step, radius_in, defect, growth, tube, radius_out = fields(told, STEP)
        bounds = map(number, (radius_in, defect, growth, tube, radius_out))
        y, error, tau = follow(flow, read_step(flow, *step), y, error, *bounds)
        time += tau
    A, B, (radius, low, high) = matrix(end[0]), matrix(end[1]), map(number, end[2:])
    if time != number(t):
        raise Invalid(f"the steps do not end at t = {briefly(number(t))}")
    if not near(y, flat(like(flow.A0, A) + like(flow.B0, B)), radius - error):
        raise Invalid("the ball around (A, B) does not hold the enclosed flow")
    if not loss_within(flow, A, B, radius, low, high):
        raise Invalid("the loss on the ball around (A, B) leaves its bounds")
    return flow, high, [
        f"checked: {loss} flow of A {shape(A)}, B {shape(B)} in {len(steps)} steps to "
        f"t = {briefly(time)}: within {briefly(radius)} of the stated (A, B), loss in "
        f"[{briefly(low)}, {briefly(high)}]",
        "trusted: growth of errors by the logarithmic norm (Dahlquist 1958)",
    ]  # fmt: skip


def read_flow(loss: Any, W0: Any, Y: Any, A0: Any, B0: Any) -> Flow:
    """The flow that is meant, of matrices that fit."""
    if loss not in ("frobenius", "trace-squared") or (Y is None) != (loss == "trace-squared"):
        raise Malformed("expected the loss frobenius with a target Y, or trace-squared with null")
    C, A, B = matrix(W0), matrix(A0), matrix(B0)
    if (len(B), len(B[0]), len(A[0])) != (len(C), len(A), len(C[0])):
        raise Malformed("A0 and B0 do not fit W0")
    if Y is None and len(C) != len(C[0]):
        raise Malformed("the loss trace-squared takes a square W0")
    return Flow(loss, C if Y is None else combine(1, C, -1, like(C, matrix(Y))), A, B)


def read_step(flow: Flow, tau: Any, denominator: Any, *sides: Any) -> Step:
    """A step with coefficients that fit."""
    A, B = (
        [like(first, matrix(X)) for X in listed(side, DEGREE)]
        for first, side in zip((flow.A0, flow.B0), sides, strict=True)
    )
    numbers = [number(denominator), *(x for X in A + B for x in flat(X))]
    if any(x.denominator > 1 for x in numbers) or numbers[0] <= 0 or number(tau) <= 0:
        raise Malformed("expected positive tau and denominator, and whole coefficients")
    if not 0 < len(A) == len(B):
        raise Malformed("expected as many coefficients of A as of B, and at least one")
    return Step(number(tau), int(numbers[0]), A, B)


def like(M: Matrix, N: Matrix) -> Matrix:
    """N, which must have the shape of M."""
    if shape(M) != shape(N):
        raise Malformed(f"expected a matrix of shape {shape(M)}, got {shape(N)}")
    return N


def follow(
    flow: Flow,
    step: Step,
    y: list[Fraction],
    error: Fraction,
    radius_in: Fraction,
    defect: Fraction,
    growth: Fraction,
    tube: Fraction,
    radius_out: Fraction,
) -> tuple[list[Fraction], Fraction, Fraction]:
    """From a point and its distance to the flow to those at the end of the step, and its length."""
    terms = [flat(Ak + Bk) for Ak, Bk in zip(step.A, step.B, strict=True)]
    ends = terms[0], [sum(column) for column in zip(*terms, strict=True)]
    first, last = ([x / step.denominator for x in end] for end in ends)
    least_defect, G, reach = step_bounds(flow, step)
    if not near(first, y, radius_in - error):
        raise Invalid("a step does not start where the one before it ended")
    if not least_defect <= defect:
        raise Invalid("the defect of a step is larger than stated")
    if not G + tube * reach + tube**2 / 2 <= growth:
        raise Invalid("errors may grow faster on a step than stated")
    if not (radius_in + defect * step.tau) * exp_above(growth * step.tau) <= radius_out < tube:
        raise Invalid("the error of a step may be larger than stated, or leave the tube")
    return last, radius_out, step.tau


def flat(M: Iterable[list[Fraction]]) -> list[Fraction]:
    """The entries, row by row."""
    return [x for row in M for x in row]


def near(x: list[Fraction], y: list[Fraction], radius: Fraction) -> bool:
    """Whether |x - y| <= radius."""
    spend(3 * len(x), bits_of(x) + bits_of(y))
    return radius >= 0 and square([a - b for a, b in zip(x, y, strict=True)]) <= radius**2


def gradient(loss: str, W: Matrix) -> tuple[Matrix, list[Fraction]]:
    """G, and numbers whose squares add up to 2f and bound |G|_2^2; for Frobenius W is less Y."""
    if loss == "frobenius":
        return W, flat(W)
    return combine(trace(W), identity(len(W)), 0, W), [trace(W)]


def step_bounds(flow: Flow, step: Step) -> tuple[Fraction, Fraction, Fraction]:
    """Bounds on the step of |p' - F(p)|, of |G|_2 and of |p|, exactly computed.

    A polynomial with whole coefficients is carried as its value at s = 2^width. From that they can
    be read off, as none that comes up reaches 2^(width - 1).
    """
    (integers, q), (slow, fast) = cleared(flat(flow.C)), step.tau.as_integer_ratio()
    Q, terms = q * step.denominator, len(step.A)
    reach = 1 + q * sum(abs(int(x)) for X in step.A + step.B for x in flat(X))
    largest = reach * reach + Q * step.denominator * sum(map(abs, integers)) + 1
    width = (reach * (fast * Q * Q * terms + slow * largest)).bit_length() // 8 * 8 + 16
    spend(terms * len(flat(step.A[0] + step.B[0])), 8 * isqrt(terms * width))
    a, b, da, db = (packed(X, q, width, k) for k in (0, 1) for X in (step.A, step.B))
    G, roots = gradient(flow.loss, combine(Q * Q, flow.C, 1, matmul(b, a)))
    rest = combine(fast * Q * Q, da, slow, matmul(transpose(b), G))
    rest += combine(fast * Q * Q, db, slow, matmul(G, transpose(a)))
    return (
        size(flat(rest), width, 3 * terms) / (slow * Q**3),
        size(roots, width, 3 * terms) / Q**2,
        size(flat(a + b), width, 3 * terms) / Q,
    )


def packed(X: list[Matrix], q: int, width: int, slope: int) -> Matrix:
    """A matrix of polynomials with the coefficients qX, or of their slopes, at s = 2^width."""
    values = [[0 for _ in row] for row in X[0]]
    for k in range(len(X) - 1, slope - 1, -1):
        factor = q * (k if slope else 1)
        values = [
            [(v << width) + factor * int(x) for v, x in zip(*rows, strict=True)]
            for rows in zip(values, X[k], strict=True)
        ]
    return [[Fraction(v) for v in row] for row in values]


def size(packed: list[Fraction], width: int, terms: int) -> Fraction:
    """A bound on [0, 1] of the Euclidean norm of polynomials: of each, sum_k |c_k|."""
    half, step, squares = 1 << (width - 1), width // 8, 0
    lift = sum(half << k * width for k in range(terms))  # makes every coefficient positive
    for value in packed:
        digits = (int(value) + lift).to_bytes(terms * step, "little")
        coefficients = (digits[k : k + step] for k in range(0, len(digits), step))
        squares += sum(abs(int.from_bytes(c, "little") - half) for c in coefficients) ** 2
    return sqrt_up(Fraction(squares), 0)


def exp_above(x: Fraction) -> Fraction:
    """A number above e^x, 0 <= x <= 100: from x^N/N!, N >= 2x, on the terms at least halve."""
    if not 0 <= x <= 100:
        raise Invalid("errors may grow by more than e^100 on a step: take shorter steps")
    x, head, term = -(-x * 2**64 // 1) / Fraction(2**64), Fraction(0), Fraction(1)
    for k in range(1, 2 * int(x) + 32):
        head, term = head + term, term * x / k
    return head + 2 * term


def loss_within(
    flow: Flow, A: Matrix, B: Matrix, radius: Fraction, low: Fraction, high: Fraction
) -> bool:
    """Whether low <= f <= high on the ball around (A, B), where sqrt(2f) moves as in a tube."""
    roots = gradient(flow.loss, combine(1, flow.C, 1, matmul(B, A)))[1]
    twice, moved = square(roots), sqrt_up(square(flat(A + B)), 64) * radius + radius**2 / 2
    return roots_fit(twice, moved, 2 * high) and (low <= 0 or roots_fit(2 * low, moved, twice))


def roots_fit(a: Fraction, b: Fraction, c: Fraction) -> bool:
    """Whether sqrt(a) + b <= sqrt(c), for a, b >= 0."""
    rest = c - a - b * b
    return rest >= 0 and rest * rest >= 4 * a * b * b


def critical_values(flow: Flow, levels: list[Any]) -> tuple[list[Fraction], list[Fraction]]:
    """Bounds of the least critical value, and a lower bound of every other one.

    The levels are the positive eigenvalues of EE' from the largest on: [lower, upper] holds one of
    them, so many times. Of each a critical point keeps some, of all at most r. To keep the largest
    gives the least value; every other choice gives a larger one, as the levels differ.
    """
    E = flow.C if len(flow.C) <= len(flow.C[0]) else transpose(flow.C)
    S, told, above = matmul(E, transpose(E)), [], 0
    best: tuple[int, ...] = ()
    for level in levels:
        low, high, k = fields(level, "lower upper multiplicity")
        told.append((number(low), number(high), whole(k, 1, SIDE)))
        around = [eigenvalues_around(S, x) for x in told[-1][:2]]
        if not (told[-1][0] > 0 and sum(around[0][:2]) == above + k and around[1][0] == above):
            raise Invalid("a squared singular value has another place or multiplicity")
        above, best = above + k, (*best, min(k, len(flow.A0) - sum(best)))
    power, powers = identity(len(S)), []
    for _ in S:
        powers.append(flat(power))
        power = matmul(power, S)
    if eigenvalues_around(S, 0)[0] != above or rank(powers) != len(told) + (above < len(S)):
        raise Invalid("the squared singular values are not all told, or not all told apart")
    lows, highs, many = zip(*told, strict=True) if told else ((), (), ())
    if prod(k + 1 for k in many) > CHOICES:
        raise Malformed(f"more than {CHOICES} critical values to compare")

    def value(kept: tuple[int, ...], squares: tuple[list[int], int]) -> Fraction:
        spend(3, bits_of(squares[0], squares[1:]))
        left_out = sum((k - x) * y for k, x, y in zip(many, kept, squares[0], strict=True))
        return Fraction(left_out, 2 * squares[1])

    choices = product(*(range(k + 1) for k in many))
    below, beyond = cleared(lows), cleared(highs)
    others = [value(c, below) for c in choices if sum(c) <= len(flow.A0) and c != best]
    return [value(best, below), value(best, beyond)], others


# --- words, identities, derivations ("identity", "derivation") -----------------------------------

# An expression is an integer, a symbol's name, or [operation, operands...]. Its value is a sum of
# coefficients times (monomial of commuting atoms, word). Formal derivatives are coefficients of
# infinitesimals. Equal values are equal for all shapes and all entries.


class Expansion(NamedTuple):
    """A sum of terms of one shape, which is () for a scalar."""

    shape: tuple[str, ...]
    terms: dict[Any, Fraction]


Relation = tuple[Expansion, str, Expansion]


def collect(shape: tuple[str, ...], items: Iterable[tuple[Any, Fraction]]) -> Expansion:
    """The sum of these terms, like ones added up."""
    terms: dict[Any, Fraction] = {}
    for key, coefficient in items:
        terms[key] = terms.get(key, 0) + coefficient
    sizes = sum(50 + len(m) + len(w) for m, w in terms)
    spend(sizes, bits_of([1], terms.values()))
    return Expansion(shape, {key: c for key, c in terms.items() if c})


def plus(a: Expansion, *others: Expansion, sign: int = 1) -> Expansion:
    """a + b + ..., or a - b - ..."""
    if any(b.shape != a.shape for b in others):
        raise Invalid(f"shapes {[x.shape for x in (a, *others[:9])]!a} in one sum or relation")
    more = ((k, sign * c) for b in others for k, c in b.terms.items())
    return collect(a.shape, chain(a.terms.items(), more))


def term(coefficient: Fraction | int, *powers: tuple[Any, int]) -> Expansion:
    """A number times powers of commuting atoms."""
    return collect((), [((powers, ()), Fraction(coefficient))])


def part(a: Expansion, small: Any, power: int) -> Expansion:
    """The coefficient of a power of an infinitesimal."""
    kept = ((m, w, c) for (m, w), c in a.terms.items() if dict(m).get(small, 0) == power)
    return collect(a.shape, (((tuple(x for x in m if x[0] != small), w), c) for m, w, c in kept))


def moving(a: Expansion) -> Any:
    """An infinitesimal that occurs in a form, if there is one."""
    return next((x for m, _ in a.terms for x, _ in m if x[0] == "infinitesimal"), None)


def length(a: Expansion) -> int:
    """The length of the terms, that of all of them together."""
    return sum(len(m) + len(w) for m, w in a.terms)


def frozen(a: Expansion) -> tuple[Any, ...]:
    """The terms in order."""
    spend(10 * length(a), 0)
    return tuple(sorted(a.terms.items()))


def signed(a: Expansion) -> None:
    """Demand a scalar of which every coefficient and every factor to an odd power is at least 0."""
    odd = (x[0] for m, _ in a.terms for x, exponent in m if exponent % 2)
    if a.shape or any(w for _, w in a.terms) or min(a.terms.values(), default=0) < 0:
        raise Invalid("a factor that may be negative")
    if not POSITIVE.issuperset(odd):
        raise Invalid("a factor that may be negative")


POSITIVE = {"norm", "size", "nonnegative"}
TEXTS = {"number": 1, "size": 1, "identity": 1, "zero": 2, "^": 1, "norm": 1, "f": 1, "grad": 1}


def dimension(value: Any) -> str:
    """A number of rows or columns: a name, or the digits of a positive integer."""
    if not isinstance(value, str) or not SIZE.fullmatch(value):
        raise Malformed("expected a dimension: a name, or the digits of a positive integer")
    return value


MARKS = {"", "?", "=", "<="}  # ? stands for what is replaced
SIZE = re.compile(r"[A-Za-z_]\w*|[1-9][0-9]{0,8}", re.ASCII)


class Words:
    """Matrices of all shapes at once: a word is a product of letters (head, transposed)."""

    def __init__(self, symbols: Any, symmetric: Any, nonnegative: Any, losses: Any) -> None:
        self.shapes = {name: tuple(map(dimension, listed(d))) for name, d in symbols.items()}
        self.losses = {name: tuple(map(dimension, listed(d))) for name, d in losses.items()}
        self.symmetric, self.nonnegative = set(listed(symmetric)), set(listed(nonnegative))
        self.fresh = count()
        of_losses, of_symbols = map(len, self.losses.values()), map(len, self.shapes.values())
        if not {2}.issuperset(of_losses) or not {0, 2}.issuperset(of_symbols):
            raise Malformed("expected a loss with two dimensions, a symbol with two or none")
        if any(x in MARKS or "`" in x or RATIONAL.fullmatch(x) for x in chain(symbols, losses)):
            raise Malformed("a symbol has the name of a number, a relation or a mark")
        if not self.shapes.keys().isdisjoint(self.losses):
            raise Malformed("a symbol has the name of a loss")
        if any(len({*self.shapes.get(x, ()), ""}) != 2 for x in self.symmetric):
            raise Malformed("what is said to be symmetric is no square symbol")
        if any(self.shapes.get(x) != () for x in self.nonnegative):
            raise Malformed("what is said to be at least 0 is no scalar symbol")
        self.numbers: dict[Any, int] = {}  # of what an atom holds, so that nested ones stay small
        self.blocks: dict[Any, list[Expansion]] = {}  # of Frobenius norms
        self.formal: dict[str, Callable[..., Expansion]] = {
            "at": self.at,
            "d": self.derivative,
            "gradient": self.gradient,
        }
        self.operations: dict[str, Callable[..., Expansion]] = {
            "number": lambda x: term(number(x)),
            "size": self.size,
            "identity": lambda n: self.identity(dimension(n)),
            "zero": lambda n, m: Expansion((dimension(n), dimension(m)), {}),
            "+": plus,
            "*": lambda *x: reduce(self.times, x),
            "^": self.power,
            "'": self.transpose,
            "tr": self.trace,
            "norm": self.norm,
            "f": lambda name, x: self.loss(name, x, order=0),
            "grad": lambda name, *x: self.loss(name, *x, order=1),
        }

    def atom(self, kind: str, *content: Any) -> tuple[str, int]:
        return kind, self.numbers.setdefault((kind, *content), len(self.numbers))

    def letter(self, head: Any, shape: tuple[str, ...]) -> Expansion:
        return Expansion(shape, {((), ((head, 0),)): Fraction(1)})

    def identity(self, size: str) -> Expansion:
        return Expansion((size, size), {((), ()): Fraction(1)})

    def glue(self, u: Any, v: Any) -> Any:
        if len(u) + len(v) > LETTERS:
            raise Malformed(f"a product of more than {LETTERS} matrices")
        return u + v

    def turn(self, w: Any) -> Any:
        return tuple((head, 0 if head[0] == "symmetric" else 1 - t) for head, t in reversed(w))

    def loop(self, w: Any, size: str) -> Expansion:
        """The trace of a word: it sees neither a rotation nor a transpose."""
        spend(50 * len(w) ** 2, 0)
        ways = [v[i:] + v[:i] for v in (w, self.turn(w)) for i in range(len(w))]
        return term(1, (self.atom("trace", min(ways)), 1)) if w else self.size(size)

    def size(self, name: str) -> Expansion:
        return term(int(name)) if dimension(name).isdigit() else term(1, (("size", name), 1))

    def times(self, a: Expansion, b: Expansion) -> Expansion:
        if a.shape and b.shape and a.shape[1] != b.shape[0]:
            raise Invalid(f"a product of the shapes {(a.shape, b.shape)!a}")
        pairs, items = len(a.terms) * len(b.terms), []
        each = 50 * pairs + 4 * length(a) * len(b.terms) + 4 * length(b) * len(a.terms)
        spend(each, bits_of([1], a.terms.values()) + bits_of([1], b.terms.values()))
        for ((m, u), c), ((k, v), d) in product(a.terms.items(), b.terms.items()):
            w, powers = self.glue(u, v), dict(m)
            for atom, exponent in k:
                powers[atom] = powers.get(atom, 0) + exponent
            if w is not None:
                items.append(((tuple(sorted(x for x in powers.items() if x[1])), w), c * d))
        both = a.shape and b.shape
        return collect((a.shape[0], b.shape[1]) if both else a.shape or b.shape, items)

    def power(self, exponent: int, a: Expansion) -> Expansion:
        if a.shape:
            raise Invalid("a power of a matrix: write the product")
        if whole(exponent, -DEPTH, DEPTH) < 0:
            if len(a.terms) != 1 or any(x[0] != "size" for m, _ in a.terms for x, _ in m):
                raise Invalid("a quotient by something that may be 0")
            [((m, _), c)] = a.terms.items()
            a = term(1 / c, *((x, -e) for x, e in m))
        return reduce(self.times, [a] * abs(exponent), term(1))

    def transpose(self, a: Expansion) -> Expansion:
        if not a.shape:
            raise Invalid("the transpose of a scalar")
        spend(10 * length(a), 0)
        return collect(a.shape[::-1], (((m, self.turn(w)), c) for (m, w), c in a.terms.items()))

    def trace(self, a: Expansion) -> Expansion:
        if not a.shape or a.shape[0] != a.shape[1]:
            raise Invalid(f"the trace of something of shape {a.shape!a}")
        loops = ((term(c, *m), self.loop(w, a.shape[0])) for (m, w), c in a.terms.items())
        return plus(term(0), *(self.times(*pair) for pair in loops))

    def inner(self, a: Expansion, b: Expansion) -> Expansion:
        return self.trace(self.times(self.transpose(a), b))

    def norm(self, kind: str, *blocks: Expansion) -> Expansion:
        """A norm without common factors: it sees neither a sign nor a transpose."""
        if any(map(moving, blocks)) or not (kind == "F" or (kind, len(blocks)) == ("2", 1)):
            raise Invalid("a norm that is not defined, or the derivative of one")
        forms = []
        for b in (b for b in blocks if b.terms):
            ways = ((frozen(a), a) for a in (b, self.transpose(b)))
            forms.append(min(ways, key=lambda way: [(k, c / way[0][0][1]) for k, c in way[0]])[1])
        if not forms:
            return term(0)
        monomials = [dict(m) for b in forms for m, _ in b.terms]
        atoms = sorted({x for m in monomials for x in m if x[0] in POSITIVE})
        spend(len(atoms) * len(monomials), 0)
        m = [(x, least) for x in atoms if (least := min(m.get(x, 0) for m in monomials))]
        lead = frozen(forms[0])[0][1]
        inverse = term(1 / lead, *((x, -e) for x, e in m))
        forms = [self.times(inverse, b) for b in forms]
        atom = self.atom("norm", kind, *((b.shape, frozen(b)) for b in forms))
        if kind == "F":
            self.blocks[atom] = forms
        return self.times(term(abs(lead), *m), term(1, (atom, 1)))

    def squared(self, a: Expansion) -> Expansion:
        """The form with squared Frobenius norms written as traces."""
        forms = []
        for (m, w), c in a.terms.items():
            roots = [x for x in m if x[0] in self.blocks and x[1] > 1]
            form = Expansion(a.shape, {(tuple(x for x in m if x not in roots), w): c})
            for atom, exponent in roots:
                square = plus(*(self.inner(b, b) for b in self.blocks[atom]))
                form = self.times(self.power(exponent // 2, square), form)
                form = self.times(self.power(exponent % 2, term(1, (atom, 1))), form)
            forms.append(form)
        return plus(Expansion(a.shape, {}), *forms)

    def same(self, a: Expansion, b: Expansion) -> bool:
        return a.shape == b.shape and not self.squared(plus(a, b, sign=-1)).terms

    def loss(self, name: str, point: Expansion, *along: Expansion, order: int) -> Expansion:
        """f, or with order 1 its gradient, derived along directions: linear in each."""
        if {x.shape for x in (point, *along)} != {self.losses[name]}:
            raise Invalid(f"the loss {sentence(name)} at a matrix of another shape")
        small = moving(point)
        if small is not None:
            at, step = part(point, small, 0), part(point, small, 1)
            slope = (
                self.loss(name, at, *along, step, order=1)
                if order
                else self.inner(self.loss(name, at, order=1), step)
            )
            still = self.loss(name, at, *along, order=order)
            return plus(still, self.times(term(1, (small, 1)), slope))
        if not order:
            return term(1, (self.atom("loss", name, frozen(point)), 1))
        forms = []
        for terms in product(*(x.terms.items() for x in along)):
            words = sorted(w for (_, w), _ in terms)
            head = self.atom("gradient", name, frozen(point), *words)
            factors = (term(c, *m) for (m, _), c in terms)
            forms.append(reduce(self.times, factors, self.letter(head, point.shape)))
        return plus(Expansion(point.shape, {}), *forms)

    def value(self, tree: Any, env: dict[str, Expansion]) -> Expansion:
        """The value of an expression, where some names stand for values of their own."""
        if isinstance(tree, str):
            return env[tree] if tree in env else self.symbol(tree)
        if type(tree) is int:
            return term(tree)
        operation, *operands = listed(tree)
        if operation in self.formal:
            return self.formal[operation](*operands, env)
        texts = TEXTS.get(operation, 0)
        values = (self.value(x, env) for x in operands[texts:])
        return self.operations[operation](*operands[:texts], *values)

    def at(self, of: Any, pairs: Any, env: dict[str, Expansion]) -> Expansion:
        return self.value(of, env | self.put(pairs, env))

    def derivative(self, of: Any, pairs: Any, env: dict[str, Expansion]) -> Expansion:
        return self.slope(of, self.put(pairs, env), env)

    def gradient(self, of: Any, name: str, x: Any, env: dict[str, Expansion]) -> Expansion:
        """The value x of a gradient: d of = <x, d name> for a step that nothing is known of."""
        found = self.value(x, env)
        rate = self.letter(("fresh", next(self.fresh)), found.shape)
        exact = self.same(self.slope(of, {name: rate}, env), self.inner(found, rate))
        if name in self.symmetric or not exact:
            raise Invalid(f"a wrong gradient in {sentence(name)}")
        return found

    def symbol(self, name: str) -> Expansion:
        if name not in self.shapes:
            raise Malformed(f"an unknown symbol {sentence(name)}")
        if self.shapes[name]:
            kind = "symmetric" if name in self.symmetric else "symbol"
            return self.letter((kind, name), self.shapes[name])
        kind = "nonnegative" if name in self.nonnegative else "scalar"
        return term(1, ((kind, name), 1))

    def put(self, pairs: Any, env: dict[str, Expansion]) -> dict[str, Expansion]:
        """Values for symbols: each has its symbol's shape, and is symmetric where that is."""
        values = {name: self.value(tree, env) for name, tree in map(listed, listed(pairs))}
        if len(values) < len(pairs):
            raise Malformed("two values for one symbol")
        for name, value in values.items():
            plus(self.symbol(name), value)
            if name in self.symmetric and not self.same(value, self.transpose(value)):
                raise Invalid(f"{sentence(name)} is symmetric, what is put for it is not")
        return values

    def slope(self, of: Any, rates: dict[str, Expansion], env: dict[str, Expansion]) -> Expansion:
        """The derivative of an expression where symbols move at these rates."""
        small = ("infinitesimal", next(self.fresh))
        steps = {name: self.times(term(1, (small, 1)), rate) for name, rate in rates.items()}
        moved = {name: plus(self.value(name, env), step) for name, step in steps.items()}
        return part(self.value(of, env | moved), small, 1)

    def declared(self) -> list[str]:
        """What all symbols and losses are, and what is taken for granted of them."""
        what = {x: " x ".join(shape) or "a scalar" for x, shape in self.shapes.items()}
        what |= {x: f"a smooth loss of {' x '.join(shape)}" for x, shape in self.losses.items()}
        told = [f"{quoted(x)}: {what[x]}" for x in sorted(what)]
        return [
            *([f"where: {', '.join(told)}"] if told else []),
            *(
                ["where: a name in ` ` is a symbol by itself"]
                if any("`" in x for x in told)
                else []
            ),
            *(f"assumed: {quoted(x)} >= 0" for x in sorted(self.nonnegative)),
            *(f"assumed: {quoted(x)} is symmetric" for x in sorted(self.symmetric)),
        ]

    def relation(self, says: Any, env: dict[str, Expansion]) -> Relation:
        """A relation, where some names stand for forms."""
        first, kind, second = listed(says)
        left, right = self.value(first, env), self.value(second, env)
        if kind not in ("=", "<=") or (plus(left, right).shape and kind == "<="):
            raise Malformed('expected [left, "=", right], or [left, "<=", right] of scalars')
        return left, kind, right


class Entries(Words):
    """Matrices of fixed shapes by their entries: a word is a place (row, column)."""

    def letter(self, head: Any, shape: tuple[str, ...]) -> Expansion:
        places = product(*(range(whole(int(d), 1, SIDE)) for d in shape))
        atoms = ((ij, tuple(sorted(ij)) if head[0] == "symmetric" else ij) for ij in places)
        return collect(
            shape, [((((("entry", head, at), 1),), ij), Fraction(1)) for ij, at in atoms]
        )

    def identity(self, size: str) -> Expansion:
        places = range(whole(int(size), 1, SIDE))
        return collect((size, size), [(((), (i, i)), Fraction(1)) for i in places])

    def glue(self, u: Any, v: Any) -> Any:
        if not u or not v:
            return u or v
        return (u[0], v[1]) if u[1] == v[0] else None

    def turn(self, w: Any) -> Any:
        return w[::-1]

    def loop(self, w: Any, size: str) -> Expansion:
        return term(int(w[0] == w[1]))


class Derivation(Words):
    """Lines that follow from earlier lines, from assumptions and from lemmas."""

    def __init__(self, assumptions: Any, lemmas: Any, *symbols: Any) -> None:
        super().__init__(*symbols)
        self.assumptions, self.lemmas = dict(assumptions), dict(lemmas)
        self.lines: list[Relation | None] = []
        self.texts: list[str] = []
        self.rests: list[set[str]] = []  # on what lines rest beyond what is recomputed
        self.resting: set[str] = set()
        self.trusted: dict[str, int] = {}

    def earlier(self, k: Any) -> Relation:
        found = self.lines[whole(k, 1, len(self.lines)) - 1]
        if found is None:
            raise Invalid("it uses a line without a relation")
        self.resting |= self.rests[k - 1]
        return found

    def line(self, says: Any, by: str, of: Any) -> None:
        """One more line, if its rule gives what it says."""
        said = self.relation(says, {}) if says is not None or by != "lemma" else None
        self.resting = set()
        if by in INEQUALITIES:
            left, right, *factors = INEQUALITIES[by](*of)
            for factor in factors:
                signed(self.value(factor, {}))
            self.demand(said, self.relation([left, "<=", right], {}))
            self.trusted[f"trusted: inequality: {by}"] = 1
            self.resting.add(f"inequality {by}")
        else:
            rules: dict[str, Callable[..., None]] = {
                "algebra": self.algebra,
                "root": self.root,
                "assumption": self.assumption,
                "lemma": self.lemma,
            }
            rules[by](said, *of)
        self.lines.append(said)
        self.texts.append(show(says) if said else "it states no relation")
        self.rests.append(self.resting)

    def algebra(self, said: Relation, used: Any, squares: Any) -> None:
        """right - left = sum of (right - left of used lines, in context) + sum of factor base^2.

        An equation may stand in any context: what fills the hole is a value, which does not move
        with the symbols in it. An inequality stands beside a factor that is at least 0.
        """
        gap, equations = plus(said[2], said[0], sign=-1), not squares
        for k, context in used:
            left, kind, right = self.earlier(k)
            if kind == "=":
                sides = (self.value(context, {"?": side}) for side in (right, left))
                gap = plus(gap, plus(*sides, sign=-1), sign=-1)
            else:
                equations, factor = False, self.value(context, {})
                signed(factor)
                gap = plus(gap, self.times(factor, plus(right, left, sign=-1)), sign=-1)
        for factor, base in squares:
            signed(self.value(factor, {}))
            gap = plus(gap, self.value(["*", factor, ["^", 2, base]], {}), sign=-1)
        if self.squared(gap).terms or (said[1] == "=" and not equations):
            raise Invalid("it does not follow")

    def root(self, said: Relation, k: Any) -> None:
        """From a^2 <= b^2 and 0 <= b: a <= b."""
        signed(said[2])
        self.demand(said, (said[0], "<=", said[2]))
        self.demand(self.earlier(k), (self.power(2, said[0]), "<=", self.power(2, said[2])))

    def assumption(self, said: Relation, name: str, k: int, pairs: Any) -> None:
        """An instance of an assumption; some symbols of it stand for any value."""
        statement, relations, free = fields(self.assumptions[name], "statement says free")
        if not {symbol for symbol, _ in map(listed, listed(pairs))} <= set(listed(free)):
            raise Invalid("the assumption is not about every value")
        says = relations[whole(k, 1, len(relations)) - 1]
        self.demand(said, self.instance(says, pairs))
        every = f" for every {', '.join(map(quoted, free))}" if free else ""
        told = f"{quoted(name)}: {show(says)}{every}, in its words: {sentence(statement)}"
        self.trusted[f"assumed: {told}"] = 1
        self.resting.add(f"assumption {quoted(name)}")

    def lemma(self, said: Relation | None, name: str, pairs: Any, closed: Any) -> None:
        """An instance of a lemma, with a line or an assumption for each hypothesis."""
        statement, reference, hypotheses, conclusion = fields(
            self.lemmas[name], "statement reference hypotheses conclusion"
        )
        if set(closed) != set(hypotheses) or (said is None) != (conclusion is None):
            raise Invalid("the lemma is not used as it is stated")
        if said:
            self.demand(said, self.instance(conclusion, pairs))
        given = " and ".join(show(h) for h in hypotheses.values() if isinstance(h, list))
        formal = f"{given or 'the hypotheses'} => {'' if said is None else show(conclusion)}"
        self.resting.add(f"lemma {quoted(name)}")
        texts = f"{quoted(name)} ({sentence(reference)}): {sentence(statement)}"
        self.trusted[f"trusted: lemma: {texts} As it is used: {formal}"] = 1
        for key, hypothesis in hypotheses.items():
            by = closed[key]
            if isinstance(hypothesis, list):
                (left, kind, right), wanted = self.earlier(by), self.instance(hypothesis, pairs)
                self.demand((left, wanted[1] if kind == "=" else kind, right), wanted)
            elif by in self.assumptions:
                told = f"{quoted(by)}: {sentence(self.assumptions[by]['statement'])}"
                self.resting.add(f"assumption {quoted(by)}")
                self.trusted[f"trusted: {sentence(hypothesis)} <- assumption {told}"] = 1
            else:
                k = whole(by, 1, len(self.lines))
                told = f"{sentence(hypothesis)} <- line {k}: {self.texts[k - 1]}"
                self.trusted[f"trusted: {told}"] = 1
                self.resting |= self.rests[k - 1]

    def instance(self, says: Any, pairs: Any) -> Relation:
        """A relation with values for its symbols, at least 0 where those are."""
        env = self.put(pairs, {})
        for name in self.nonnegative.intersection(env):
            signed(env[name])
        return self.relation(says, env)

    def demand(self, said: Relation | None, wanted: Relation) -> None:
        if not said or not self.says(said, wanted):
            raise Invalid("it is not what its rule gives")

    def says(self, said: Relation, wanted: Relation) -> bool:
        return said[1] == wanted[1] and all(map(self.same, said[::2], wanted[::2]))


def triangle(kind: str, *terms: Any) -> list[Any]:
    """||c_1 X_1 + c_2 X_2 + ...|| <= c_1 ||X_1|| + c_2 ||X_2|| + ..., block by block."""
    scaled = ([["*", c, x] for x in blocks] for c, *blocks in terms)
    sums = (["+", *column] for column in zip(*scaled, strict=True))
    norms = (["*", c, ["norm", kind, *blocks]] for c, *blocks in terms)
    return [["norm", kind, *sums], ["+", *norms], *(c for c, *_ in terms)]


def submultiplicative(kind: str, first: str, x: Any, second: str, y: Any) -> list[Any]:
    """||X Y|| <= ||X|| ||Y||, where at most one norm is weaker than the one on the left."""
    if kind == "F" and first == second == "2":
        raise Invalid("operator norms alone do not bound a Frobenius norm")
    return [["norm", kind, ["*", x, y]], ["*", ["norm", first, x], ["norm", second, y]]]


def cauchy_schwarz(*pairs: Any) -> list[Any]:
    """<X, Y> <= ||X||_F ||Y||_F, over all blocks."""
    norms = (["norm", "F", *blocks] for blocks in zip(*pairs, strict=True))
    return [["+", *(["tr", ["*", ["'", x], y]] for x, y in pairs)], ["*", *norms]]


INEQUALITIES: dict[str, Callable[..., list[Any]]] = {
    "triangle": triangle,
    "submultiplicative": submultiplicative,
    "operator below Frobenius": lambda x: [["norm", "2", x], ["norm", "F", x]],
    "Cauchy-Schwarz": cauchy_schwarz,
    "squared Cauchy-Schwarz": lambda *pairs: [["^", 2, x] for x in cauchy_schwarz(*pairs)],
}


def quoted(name: str) -> str:
    """A name to be printed, in quotes unless it is a word that means nothing else."""
    text = sentence(name)
    return text if PLAIN.fullmatch(text) and text not in SPOKEN else f"`{text}`"


def show(tree: Any) -> str:
    """An expression or a relation in plain text."""
    match tree:
        case [left, "=" | "<=" as kind, right]:
            return f"{show(left)} {kind} {show(right)}"
        case ["+" | "*" as kind, *x]:
            return f"({(' + ' if kind == '+' else ' ').join(map(show, x))})"
        case ["at" | "d" as kind, of, pairs]:
            put = (f"{quoted(name)}: {show(x)}" for name, x in pairs)
            return f"{kind}({show(of)}, [{', '.join(put)}])"
        case [str(kind), *x]:
            texts = TEXTS.get(kind, 0) * (kind not in ("f", "grad"))
            told = (sentence(str(y)) if k < texts else show(y) for k, y in enumerate(x))
            return f"{sentence(kind)}({', '.join(told)})"
    return quoted(tree) if isinstance(tree, str) else briefly(tree)


PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)
SPOKEN = {"at", "d", "gradient", "number", "size", "identity", "zero", "tr", "norm", "grad"}


def check_identity(certificate: dict[str, Any]) -> list[str]:
    """Equations at fixed shapes, as polynomials in the entries."""
    names = "relations symbols symmetric nonnegative losses"
    return guarded(identities, *data(certificate, names))


def check_derivation(certificate: dict[str, Any]) -> list[str]:
    """A derivation line by line, for all shapes that its dimensions may have."""
    names = "lines conclusion assumptions lemmas symbols symmetric nonnegative losses"
    return guarded(derivation, *data(certificate, names))


def guarded(check: Callable[..., list[str]], *parts: Any) -> list[str]:
    """What a check says; expressions of another make are no certificate."""
    try:
        return check(*parts)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise Malformed(f"expressions that cannot be read: {type(error).__name__}") from None


def identities(relations: Any, *symbols: Any) -> list[str]:
    """One line for each equation."""
    words = Entries(*symbols)
    if not listed(relations):
        raise Invalid("no equation is asserted")
    for says in relations:
        left, kind, right = words.relation(says, {})
        if kind != "=" or not words.same(left, right):
            raise Invalid(f"not an identity: {show(says)}")
    return [*(f"checked: {show(says)}" for says in relations), *words.declared()]


def derivation(lines: Any, conclusion: Any, *context: Any) -> list[str]:
    """What was concluded, how many lines were recomputed, and what they take for granted."""
    told, recomputed, shown = Derivation(*context), 0, []
    for k, (says, by, of) in enumerate((fields(line, "says by of") for line in listed(lines)), 1):
        try:
            told.line(says, by, of)
        except Invalid as problem:
            raise Invalid(f"line {k}: {problem}") from None
        recomputed += by in ("algebra", "root")
    for says in listed(conclusion):
        wanted, known = told.relation(says, {}), zip(told.lines, told.rests, strict=True)
        rests = [rest for line, rest in known if line and told.says(line, wanted)]
        if not rests:
            raise Invalid(f"no line says {show(says)}")
        least = min(rests, key=len)
        on = ", ".join(sorted(least))
        shown.append(f"concluded: {show(says)}, from {on}" if on else f"checked: {show(says)}")
    if not conclusion or not recomputed:
        raise Invalid("nothing is concluded, or no line can be recomputed")
    count_of = f"checked: {recomputed} of {len(lines)} lines are recomputed"
    return [*shown, *told.declared(), count_of, *told.trusted]


# --- the file and its envelope -------------------------------------------------------------------

KINDS: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    # Every check takes the whole certificate, reads its own fields with `data`, and returns lines.
    "product": check_product,
    "singular-value": check_singular_value,
    "relu": check_relu,
    "instance": check_instance,
    "flow": check_flow,
    "critical-value-gap": check_gap,
    "identity": check_identity,
    "derivation": check_derivation,
}


def digest_of(document: dict[str, Any]) -> str:
    """The SHA-256 of everything but the digest, in canonical JSON."""
    rest = {key: value for key, value in document.items() if key != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def check(document: Any) -> list[str]:
    """The lines to print about a valid certificate; Invalid or Malformed for every other."""
    global _left
    _left = WORK
    return verified(document)


def verified(document: Any) -> list[str]:
    """The envelope is complete, of this version and unchanged, and what its kind asks for holds."""
    if not isinstance(document, dict) or not set(ENVELOPE) <= set(document):
        raise Malformed(f"expected an object with the keys {', '.join(ENVELOPE)}")
    if document["format"] != FORMAT or whole(document["version"], 1, 1000) != VERSION:
        raise Malformed(f"expected the format {FORMAT!r}, version {VERSION}")
    kind, asserts = sentence(document["kind"]), sentence(document["asserts"])
    if kind not in KINDS or (document["claim"] is not None and not sentence(document["claim"])):
        raise Malformed(f"expected a kind of {', '.join(KINDS)}; the name of a claim or null")
    try:
        unchanged = document["digest"] == digest_of(document)
    except (TypeError, ValueError, RecursionError):
        raise Malformed("a certificate holds what JSON cannot") from None
    if not unchanged:
        raise Invalid("the digest does not fit: the certificate was changed after it was written")
    return [f"valid: {kind}", f"says of itself, unchecked: {asserts}", *KINDS[kind](document)]


def check_bundle(certificate: dict[str, Any]) -> list[str]:
    """All certificates of a bundle, which holds no further bundle, and what is the same in them."""
    told, same = data({"same": [], **certificate}, "certificates same")
    certificates = listed(told)
    if not certificates:
        raise Invalid("a bundle of no certificates asserts nothing")
    if any(isinstance(inner, dict) and inner.get("kind") == "bundle" for inner in certificates):
        raise Malformed("a bundle within a bundle")
    lines = [line for inner in certificates for line in verified(inner)]
    return [*lines, *tied(certificates, listed(same))]


def tied(certificates: list[Any], same: list[Any]) -> list[str]:
    """Pairs of places with the same matrix, and the groups of certificates that they tie."""
    group, lines = list(range(len(certificates))), []
    for pair in same:
        if len(listed(pair)) != 2:
            raise Malformed("expected pairs of places")
        (one, M), (other, N) = (place(certificates, path) for path in pair)
        if M != N:
            raise Invalid(f"{one} and {other} are not the same")
        spend(len(group), 0)
        joined, into = group[pair[0][0]], group[pair[1][0]]
        group = [into if g == joined else g for g in group]
        lines.append(f"checked: {one} = {other}")
    if same:
        lines.append(f"checked: {len(same)} equalities between places of the bundle")
    if (groups := len(set(group))) > 1:
        members: dict[int, list[str]] = {}
        for k, g in enumerate(group):
            members.setdefault(g, []).append(str(k))
        told = "; ".join(map(" ".join, members.values())) if same else "nothing ties them"
        lines.append(f"trusted: that {groups} groups of certificates belong together: {told}")
    return lines


def place(certificates: list[Any], path: Any) -> tuple[str, Matrix]:
    """The matrix at [number, key or index, ...], all counted from 0, and how its place is written.

    A last part [a, b, c, d] takes of it the rows from a and before b, the columns from c before d.
    """
    value, name, parts = certificates, "certificates", listed(path, DEPTH)
    block = parts[-1] if parts and isinstance(parts[-1], list) else []
    for part in parts[:-1] if block else parts:
        if isinstance(value, dict):
            if not sentence(part).isidentifier() or part not in value:
                raise Malformed(f"there is no place {name}.{sentence(part)}")
            value, name = value[part], f"{name}.{part}"
        else:
            value, name = listed(value)[whole(part, 0, len(value) - 1)], f"{name}[{part}]"
    M = matrix(value)
    spend(8 * len(M) * len(M[0]), bits_of(*M))
    if block:
        a, b, c, d = (whole(k, 0, SIDE) for k in (listed(block, 4) + [None] * 4)[:4])
        if not (a < b <= len(M) and c < d <= len(M[0])):
            raise Malformed(f"{name} is {shape(M)} and has no such block")
        M, name = [row[c:d] for row in M[a:b]], f"{name}[{a}:{b}, {c}:{d}]"
    return name, M


def load(name: str) -> Any:
    """The JSON value in a file, whose size and depth are looked at before it is built."""
    try:
        if not Path(name).is_file():
            raise Malformed("there is no such file")
        if Path(name).stat().st_size > FILE_BYTES:
            raise Malformed(f"the file has more than {FILE_BYTES} bytes")
        text = Path(name).read_bytes().decode("utf-8")
        if sum(map(text.count, STEPS)) > 2 * BRACKETS:
            raise Malformed(f"the file has more than {BRACKETS} lists and objects")
        depths = accumulate(map(STEPS.__getitem__, NO_BRACKET.sub("", text)))
        if max(depths, default=0) > DEPTH:
            raise Malformed(f"lists and objects are nested deeper than {DEPTH}")
        return json.loads(text, object_pairs_hook=once)
    except OSError as error:
        raise Malformed(f"the file cannot be read: {error.strerror}") from None
    except ValueError as error:  # also of bytes that are no text, and of integers that are too long
        raise Malformed(f"the file is not JSON: {error}") from None


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are all different."""
    if len(dict(pairs)) < len(pairs):
        raise Malformed("an object has one key twice")
    return dict(pairs)


STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}
NO_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[^"\[\]{}]++', re.DOTALL)
KINDS["bundle"] = check_bundle


def main(arguments: Sequence[str]) -> int:
    """Check files, print what was verified and what is trusted, and return the exit status."""
    if not arguments:
        print("usage: python checker.py FILE...", file=sys.stderr)
        return 4
    status = 0
    for name in arguments:
        where, problem = ascii(name)[1:-1], None
        try:
            say("\n".join(check(load(name))), sys.stdout)
        except Invalid as error:
            status, problem = max(status, 1), f"invalid: {error}"
        except Malformed as error:
            status, problem = 4, f"not a certificate: {error}"
        except Exception as error:  # such as a lack of memory: nothing was shown, the next one may
            status, problem = 4, f"not checked, for want of what it takes: {type(error).__name__}"
        if problem:
            say(f"{where}: {problem}", sys.stderr)
    return status


def say(text: str, stream: TextIO) -> None:
    """Print; where nobody reads any more, the exit status still tells."""
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
