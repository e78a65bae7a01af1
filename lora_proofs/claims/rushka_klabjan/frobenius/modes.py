"""Scalar modes of the Frobenius flow: how they are drawn, and how fast each nears its limit.

A mode has an error sigma and factors a (r x 1), b (1 x r) with w = ba. With alpha = |a + b'|^2/2
and beta = |a - b'|^2/2 at the start, w' = (sigma - w) sqrt(4 alpha beta + 4 w^2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw, fraction

Numbers = Sequence[Any]


def nonzero(source: Draw, *, size: int = 3) -> Fraction:
    """A fraction that is not 0."""
    return fraction(source, size=size, denominator=3) or Fraction(1)


def _some(source: Draw, r: int) -> list[Fraction]:
    """``r`` fractions, the first of them not 0."""
    return [nonzero(source), *(fraction(source, size=2) for _ in range(r - 1))]


def mode_start(source: Draw, regime: str) -> Instance:
    """W0, Y (1 x 1), A0 (r x 1), B0 (1 x r): one mode of a regime."""
    r = (
        1
        if regime == "r = 1"
        else source.integer(2, 3)
        if regime == "r > 1"
        else source.integer(1, 3)
    )
    start, error = fraction(source, size=2), nonzero(source)
    a, b = _some(source, r), _some(source, r)
    if regime in ("zero error", "zero error, zero b0", "zero error, cone"):
        error = Fraction(0)
    if regime == "tiny scale":
        a, b = ([x / 2**20 for x in v] for v in (a, b))
    if regime in ("zero b0", "origin", "zero error, zero b0"):
        b = [Fraction(0)] * r
    if regime in ("zero a0", "origin"):
        a = [Fraction(0)] * r
    if regime in ("stable set", "unstable set", "zero error, cone"):
        sign = source.choice((1, -1)) if error == 0 else (1 if error > 0 else -1)
        b = [(-sign if regime == "stable set" else sign) * x for x in a]
    factors = {"A0": [[x] for x in a], "B0": [b]}
    return Instance(regimes=(regime,), W0=[[start]], Y=[[start + error]], **factors)


@dataclass(frozen=True)
class Mode:
    """The exact data of a mode: its error, alpha, beta and p = w at the start."""

    sigma: Any
    alpha: Any
    beta: Any

    @classmethod
    def of(cls, sigma: Any, a: Numbers, b: Numbers) -> Mode:
        """The mode of an error and of the entries of both factors."""
        pairs = [(EXACT.number(x), EXACT.number(y)) for x, y in zip(a, b, strict=True)]
        zero = EXACT.number(0)
        alpha = sum(((x + y) ** 2 for x, y in pairs), zero) / 2
        beta = sum(((x - y) ** 2 for x, y in pairs), zero) / 2
        return cls(EXACT.number(sigma), alpha, beta)

    @property
    def start(self) -> Any:
        """w at the start: b0 a0."""
        return (self.alpha - self.beta) / 2

    @property
    def kept(self) -> bool:
        """Whether it starts on the stable set of the saddle, where w goes to 0 and not to sigma."""
        return bool(self.sigma != 0 and (self.alpha if self.sigma > 0 else self.beta) == 0)

    @property
    def slow(self) -> bool:
        """Whether it decays algebraically: no error and a start on a cone."""
        return bool(self.sigma == 0 and self.alpha * self.beta == 0)

    @property
    def limit(self) -> Any:
        """The limit of w."""
        return EXACT.number(0) if self.kept else self.sigma

    @property
    def rate_squared(self) -> Any:
        """A lower bound of (|a|^2 + |b|^2)^2 for all times: w moves from its start to sigma."""
        p, sigma = self.start, self.sigma
        between = EXACT.number(0) if p * sigma <= 0 else min(p * p, sigma * sigma)
        return 4 * self.alpha * self.beta + 4 * between

    def distance_bound(self, t: Any, ctx: Arithmetic) -> Any:
        """An upper bound of the distance of w(t) from its limit.

        On the stable set w keeps the sign opposite to sigma, and |w|' = -2 |w| (|sigma| + |w|);
        where the mode is slow, |w|' = -2 w^2; elsewhere |sigma - w| falls at least at the square
        root of ``rate_squared``.
        """
        p, time = ctx.number(abs(self.start)), ctx.number(t)
        if self.kept:
            return p * ctx.exp(-2 * ctx.number(abs(self.sigma)) * time)
        if self.slow:
            return p / (1 + 2 * p * time)
        rate = ctx.sqrt(ctx.number(self.rate_squared))
        return ctx.number(abs(self.sigma - self.start)) * ctx.exp(-rate * time)


def a_little_more(bound: Any, ctx: Arithmetic) -> Any:
    """A bound with a billionth more, and 10^-20, so that balls can tell it from a value at it."""
    return bound * ctx.number(1 + Fraction(1, 10**9)) + ctx.number(Fraction(1, 10**20))
