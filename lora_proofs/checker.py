"""Check certificates of lora_proofs with nothing but Python's standard library.

    python checker.py FILE...

Exit status: 0 every certificate is valid, 1 one is not, 4 a file is no certificate at all.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from math import isqrt, lcm, prod
from pathlib import Path
from typing import Any

FORMAT, VERSION = "lora-proofs certificate", 1
FILE_BYTES = 64 * 2**20  # of a file
DEPTH = 64  # of lists within lists
DIGITS = 20_000  # of a numerator or a denominator that is read
BITS = 200_000  # of a numerator or a denominator that is computed
SIDE = 256  # rows or columns of a matrix
LENGTH = 100_000  # of any other list
TEXT = 10_000  # characters of a name or a sentence
WORK = 20_000_000_000  # units of `spend` for one file: minutes, not hours

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
    top, bottom = integer(parts[1]), integer(parts[2] or "1")
    if bottom == 0:
        raise Malformed("a denominator is 0")
    return Fraction(top, bottom)


def integer(digits: str) -> int:
    """The integer with these digits, taken in pieces below every limit that Python may have."""
    if len(digits) > DIGITS + 1:
        raise Malformed(f"a number has more than {DIGITS} digits")
    if digits.startswith("-"):
        return -integer(digits[1:])
    value = 0
    for start in range(0, len(digits), PIECE):
        piece = digits[start : start + PIECE]
        value = value * 10 ** len(piece) + int(piece)
    return value


def matrix(value: Any) -> Matrix:
    """A matrix of numbers: rows of one length, none empty."""
    rows = [[number(x) for x in listed(row, SIDE)] for row in listed(value, SIDE)]
    if not rows or not rows[0] or any(len(row) != len(rows[0]) for row in rows):
        raise Malformed("expected a matrix: rows of one length, none empty")
    return rows


ENVELOPE = "format version kind claim asserts digest".split()
RATIONAL = re.compile(r"(-?[0-9]+)(?:/([0-9]+))?")
PIECE = 500


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
    return max(
        max(x.numerator.bit_length(), x.denominator.bit_length()) for v in vectors for x in v
    )


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
    return sum((M[i][i] for i in range(len(M))), Fraction(0))


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
    return [
        [Fraction(sum(x * y for x, y in zip(v, w, strict=True)), d * e) for w, e in columns]
        for v, d in rows
    ]


def cleared(vector: Sequence[Fraction]) -> tuple[list[int], int]:
    """Integers and the common denominator that they stand over."""
    denominator = 1
    for x in vector:
        denominator = lcm(denominator, x.denominator)
        spend(2, denominator.bit_length())
    return [x.numerator * (denominator // x.denominator) for x in vector], denominator


def eliminate(M: Matrix, columns: int) -> tuple[list[list[int]], int, int]:
    """Bareiss' elimination without fractions on the first columns: rows, rank, signed last pivot.

    The rows are first cleared of denominators. Every division is exact (Sylvester's identity), and
    in the end each pivot equals the last one, which is up to sign the minor of the pivots.
    """
    rows, rank, last, sign = [cleared(row)[0] for row in M], 0, 1, 1
    for c in range(columns):
        i = next((i for i in range(rank, len(rows)) if rows[i][c]), None)
        if i is None:
            continue
        sign = sign if i == rank else -sign
        rows[rank], rows[i] = rows[i], rows[rank]
        top, pivot = rows[rank], rows[rank][c]
        spend(3 * len(rows) * len(top), 2 * bits_of(*rows))
        rows = [
            row
            if row is top
            else [(pivot * x - row[c] * y) // last for x, y in zip(row, top, strict=True)]
            for row in rows
        ]
        rank, last = rank + 1, pivot
    return rows, rank, sign * last


def rank(M: Matrix) -> int:
    """The rank."""
    return eliminate(M, len(M[0]))[1]


def determinant(M: Matrix) -> Fraction:
    """The determinant of a square matrix."""
    if len(M) != len(M[0]):
        raise Invalid(f"a determinant of a {shape(M)} matrix")
    _, full, last = eliminate(M, len(M))
    return Fraction(last * (full == len(M)), prod(cleared(row)[1] for row in M))


def inverse(M: Matrix) -> Matrix:
    """The inverse of a square matrix that has one."""
    if len(M) != len(M[0]) or rank(M) < len(M):
        raise Invalid(f"a {shape(M)} matrix has no inverse")
    beside = [row + unit for row, unit in zip(M, identity(len(M)), strict=True)]
    rows, n, _ = eliminate(beside, len(M))
    return [[Fraction(x, row[i]) for x in row[n:]] for i, row in enumerate(rows)]


def eigenvalues_around(S: Matrix, x: Fraction | int) -> tuple[int, int, int]:
    """How many eigenvalues of a symmetric matrix are above x, equal to x, and below x.

    Congruence keeps the signs of the eigenvalues of S - x I (Sylvester's law of inertia), so the
    pivots of a symmetric elimination have them. Where every diagonal entry is zero, adding one row
    and its column to another makes one that is not.
    """
    if transpose(S) != S:
        raise Invalid("a matrix is not symmetric")
    shifted = combine(1, S, -x, identity(len(S)))
    scales = [cleared(row)[1] for row in shifted]
    rest = [
        [int(y * d * e) for y, e in zip(row, scales, strict=True)]
        for row, d in zip(shifted, scales, strict=True)
    ]
    above, below, last = 0, 0, 1
    while any(map(any, rest)):
        k = next((k for k, row in enumerate(rest) if row[k]), None)
        if k is None:
            k, j = next((k, j) for k, row in enumerate(rest) for j, y in enumerate(row) if y)
            rest[k] = [a + b for a, b in zip(rest[k], rest[j], strict=True)]
            for row in rest:
                row[k] += row[j]
        top = rest.pop(k)
        pivot = top.pop(k)
        spend(3 * len(top) ** 2, 2 * bits_of([pivot, *top], *rest))
        rest = [
            [
                (pivot * y - row[k] * z) // last
                for y, z in zip(row[:k] + row[k + 1 :], top, strict=True)
            ]
            for row in rest
        ]
        above, below = above + (pivot * last > 0), below + (pivot * last < 0)
        last = pivot
    return above, len(S) - above - below, below


def sqrt_down(q: Fraction, bits: int) -> Fraction:
    """A multiple of 2^-bits, at most the root of q >= 0 and by less than 2^-bits."""
    return Fraction(isqrt((q.numerator << 2 * bits) // q.denominator), 1 << bits)


def sqrt_up(q: Fraction, bits: int) -> Fraction:
    """A multiple of 2^-bits, at least the root of q >= 0 and by less than 2^-bits."""
    down = sqrt_down(q, bits)
    return down if down * down == q else down + Fraction(1, 1 << bits)


# --- flow enclosures ("flow", "critical-value-gap") ----------------------------------------------


# --- words, identities, derivations ("identity", "derivation") -----------------------------------


# --- the file and its envelope -------------------------------------------------------------------


def digest_of(document: dict[str, Any]) -> str:
    """The SHA-256 of everything but the digest, in canonical JSON."""
    rest = {key: value for key, value in document.items() if key != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def check(document: Any) -> list[str]:
    """The lines to print about a valid certificate; Invalid or Malformed for every other."""
    global _left
    _left = WORK
    if isinstance(document, dict) and document.get("kind") == "bundle":
        return check_bundle(document)
    return check_one(document)


def check_one(document: Any) -> list[str]:
    """The envelope, then what the kind of the certificate asks for."""
    kind = check_envelope(document)
    if kind not in KINDS:
        raise Malformed(f"unknown kind {kind}; this checker knows {', '.join(KINDS)} and bundle")
    lines = KINDS[kind](document)
    return [f"valid: {kind}: {sentence(document['asserts'])}", *lines]


def check_bundle(document: dict[str, Any]) -> list[str]:
    """All certificates of a bundle, which holds no further bundle."""
    check_envelope(document)
    (certificates,) = data(document, "certificates")
    if not listed(certificates):
        raise Invalid("an empty bundle asserts nothing")
    return [line for certificate in certificates for line in check_one(certificate)]


def check_envelope(document: Any) -> str:
    """The kind of a certificate whose envelope is complete, of this version, and unchanged."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise Malformed(f"expected an object with format {FORMAT!r}")
    if type(document.get("version")) is not int or document["version"] != VERSION:
        raise Malformed(f"this checker reads version {VERSION} only")
    _, _, kind, claim, asserts, digest = fields(
        {k: v for k, v in document.items() if k in ENVELOPE}, " ".join(ENVELOPE)
    )
    sentence(asserts)
    if claim is not None:
        sentence(claim)
    if digest != digest_of(document):
        raise Invalid("the digest does not fit: the certificate was changed after it was written")
    return sentence(kind)


def parse(raw: bytes) -> Any:
    """The JSON value of a file, with its depth and its numbers looked at before it is built."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("the file is not text in UTF-8") from None
    depth = 0
    for token in TOKEN.finditer(text):
        if token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
        elif token[0][0] != '"' and len(token[0]) > PIECE:
            raise Malformed(f"a JSON integer has more than {PIECE} digits; write it as a text")
        if depth > DEPTH:
            raise Malformed(f"lists and objects are nested deeper than {DEPTH}")
    try:
        return json.loads(
            text, object_pairs_hook=_once, parse_float=_refuse, parse_constant=_refuse
        )
    except ValueError as error:
        raise Malformed(f"the file is not JSON: {error}") from None


TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[0-9]+|[\[\]{}]', re.DOTALL)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are all different."""
    if len(dict(pairs)) < len(pairs):
        raise Malformed("an object has one key twice")
    return dict(pairs)


def _refuse(text: str) -> None:
    """Refuse what is not an exact number."""
    raise Malformed(f"{text[:40]} is not an exact number: write a fraction")


def read(name: str) -> Any:
    """The JSON value in a file."""
    path = Path(name)
    try:
        if not path.is_file():
            raise Malformed("no such file")
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES + 1)
    except OSError as error:
        raise Malformed(f"the file cannot be read: {error.strerror}") from None
    if len(raw) > FILE_BYTES:
        raise Malformed(f"the file has more than {FILE_BYTES} bytes")
    return parse(raw)


KINDS: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    # "flow": check_flow, and so on: every check takes the whole certificate, reads its own fields
    # with `data`, and returns lines "checked: ..." and "trusted: ..."
}


def main(arguments: Sequence[str]) -> int:
    """Check files, print what was verified and what is trusted, and return the exit status."""
    if not arguments:
        print("usage: python checker.py FILE...", file=sys.stderr)
        return 4
    status = 0
    for name in arguments:
        try:
            lines = check(read(name))
        except Invalid as error:
            print(f"{ascii(name)[1:-1]}: invalid: {error}", file=sys.stderr)
            status = max(status, 1)
        except Malformed as error:
            print(f"{ascii(name)[1:-1]}: not a certificate: {error}", file=sys.stderr)
            status = max(status, 4)
        else:
            print("\n".join(lines))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
