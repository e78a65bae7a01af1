"""The leading error of gradient descent against its flow: theta_k = theta(kh) + h e(kh) + O(h^2).

With theta = (A, B) and theta' = F(theta): e' = F'(theta) e - 1/2 F'(theta) F(theta) + s, e(0) = 0,
where s is 0 for simultaneous steps, (0, G G'B + H[B B'G] A') for A-first and (A G'G + B'H[G A'A],
0) for B-first. Backward error analysis, Hairer, Lubich and Wanner, chapter IX.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from lora_proofs.errors import BadInput
from lora_proofs.mathematics.words import Symbol, Word, Zero, along

MODES = ("simultaneous", "A-first", "B-first")
Pair = tuple[Word, Word]


@dataclass(frozen=True)
class LeadingError:
    """The words of the leading error at (A, B), for a loss with a given gradient map.

    A: (r, m), B: (n, r), W0: (n, m); ``gradient`` maps a word W to the gradient G at W.
    """

    A: Symbol
    B: Symbol
    W0: Symbol
    gradient: Callable[[Word], Word]

    @property
    def errors(self) -> tuple[Symbol, Symbol]:
        """The symbols e_A (r, m) and e_B (n, r)."""
        A, B = self.A, self.B
        return Symbol("e_A", A.rows, A.columns), Symbol("e_B", B.rows, B.columns)

    @property
    def G(self) -> Word:
        """The gradient at W0 + B A."""
        return self.gradient(self.W0 + self.B @ self.A)

    def hessian(self, X: Word) -> Word:
        """H[X] at W0 + B A: what the gradient moves by where W0 moves by X."""
        return along(self.G, {self.W0: X})

    @property
    def field(self) -> Pair:
        """F = (-B'G, -G A')."""
        return -(self.B.T @ self.G), -(self.G @ self.A.T)

    def derivative(self, X: Word, Y: Word) -> Pair:
        """F'(theta) applied to (X, Y)."""
        in_A, in_B = self.field
        return along(in_A, {self.A: X, self.B: Y}), along(in_B, {self.A: X, self.B: Y})

    def sources(self, mode: str) -> Pair:
        """s of a mode: the h^2 coefficient of its step minus the simultaneous one.

        Raises ``BadInput`` for another mode.
        """
        A, B, G = self.A, self.B, self.G
        none = Zero(A.rows, A.columns), Zero(B.rows, B.columns)
        if mode == "A-first":
            return none[0], G @ G.T @ B + self.hessian(B @ B.T @ G) @ A.T
        if mode == "B-first":
            return A @ G.T @ G + B.T @ self.hessian(G @ A.T @ A), none[1]
        if mode == "simultaneous":
            return none
        raise BadInput(f"mode: expected one of {', '.join(MODES)}, got {mode!r}")

    def rates(self, mode: str) -> dict[Symbol, Word]:
        """A', B', e_A' and e_B', whose solution is the flow and its leading error.

        >>> from lora_proofs.mathematics.notation import A, B, W0, f
        >>> sorted(s.name for s in LeadingError(A, B, W0, f.gradient).rates("A-first"))
        ['A', 'B', 'e_A', 'e_B']
        """
        found, bent = self.gap_rates(mode), self.derivative(*self.field)
        half = Fraction(1, 2)
        return found | {e: found[e] - half * b for e, b in zip(self.errors, bent, strict=True)}

    def gap_rates(self, mode: str) -> dict[Symbol, Word]:
        """The same without F'F/2: e is then the leading error of a mode minus simultaneous.

        >>> from lora_proofs.mathematics.notation import A, B, W0, f
        >>> sorted(s.name for s in LeadingError(A, B, W0, f.gradient).gap_rates("A-first"))
        ['A', 'B', 'e_A', 'e_B']
        """
        e, F, s = self.errors, self.field, self.sources(mode)
        parts = zip(e, self.derivative(*e), s, strict=True)
        return {self.A: F[0], self.B: F[1]} | {x: moved + source for x, moved, source in parts}
