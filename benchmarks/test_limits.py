"""Certified limits of generic starts: how many, and in how many seconds of processor time.

There is no peer that certifies a limit. The seconds are those of this process alone; ``extra_info``
of ``--benchmark-json`` holds the counts, and the median and the largest time of each family.
"""

from __future__ import annotations

import random
from fractions import Fraction
from statistics import median
from time import process_time
from typing import Any

import pytest

from lora_proofs.solving.answer import limit
from lora_proofs.solving.problem import Problem, read_problem

Rows = list[list[Fraction]]


def drawn(source: random.Random, rows: int, columns: int, size: int = 8) -> Rows:
    return [[Fraction(source.randint(-size, size), 4) for _ in range(columns)] for _ in range(rows)]


def product(X: Rows, Y: Rows) -> Rows:
    return [
        [sum(a * b for a, b in zip(r, c, strict=True)) for c in zip(*Y, strict=True)] for r in X
    ]


def reflection(source: random.Random, n: int) -> Rows:
    """A rational orthogonal matrix."""
    v = [Fraction(source.randint(1, 3) * source.choice((-1, 1))) for _ in range(n)]
    square = sum(x * x for x in v)
    return [[int(i == j) - 2 * v[i] * v[j] / square for j in range(n)] for i in range(n)]


def target(kind: str, source: random.Random, n: int, r: int) -> Rows:
    """Y - W0: in general position, with sigma_r = sigma_{r+1}, or of rank r - 1."""
    if kind == "deficient":
        return product(drawn(source, n, max(r - 1, 1)), drawn(source, max(r - 1, 1), n))
    if kind == "generic":
        return drawn(source, n, n)
    sigma = [Fraction(3)] * (r - 1) + [Fraction(2)] * 2 + [Fraction(1, 2)] * (n - r - 1)
    D = [[sigma[i] if i == j else Fraction(0) for j in range(n)] for i in range(n)]
    return product(product(reflection(source, n), D), reflection(source, n))


def instance(kind: str, seed: int, n: int, r: int) -> Problem:
    """B0 = 0 and A0 with entries k/4, |k| <= 4."""
    source = random.Random(f"{kind} {n} {seed}")
    E, A0 = target(kind, source, n, r), drawn(source, r, n, 4)
    text = [[[str(x) for x in row] for row in X] for X in (E, A0)]
    zero = [[0] * n] * n
    return read_problem({"loss": "frobenius", "W0": zero, "Y": text[0], "A0": text[1], "t": "inf"})


@pytest.mark.parametrize(
    "n,r,kind,starts",
    [
        (4, 2, "generic", 50),
        (4, 2, "tie", 25),
        (4, 2, "deficient", 25),
        (8, 3, "generic", 5),
        (8, 3, "tie", 3),
        (8, 3, "deficient", 3),
    ],
)
def test_limits(benchmark: Any, n: int, r: int, kind: str, starts: int) -> None:
    problems = [instance(kind, seed, n, r) for seed in range(starts)]
    seconds: list[float] = []

    def certify_all() -> int:
        certified = 0
        for problem in problems:
            began = process_time()
            certified += limit(problem, 17).rigorous
            seconds.append(process_time() - began)
        return certified

    certified = benchmark.pedantic(certify_all, rounds=1, iterations=1)
    benchmark.extra_info.update(
        starts=starts, certified=certified, median_s=median(seconds), largest_s=max(seconds)
    )
    print(
        f"\n{n} x {n}, r = {r}, {kind}: {certified} of {starts} certified, median "
        f"{median(seconds):.2f} s, largest {max(seconds):.2f} s"
    )
    assert certified == starts
