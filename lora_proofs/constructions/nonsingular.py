"""Adapters for an update of the product of square, nonsingular frozen weights.

Zeng and Lee, Lemma 1, as commonly quoted, asks besides that the intermediates P_0 + LR_r(E) that
are used are nonsingular. That is what the order of the singular vectors needs; another basis of
the same update does without.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np

from lora_proofs.arithmetic.context import Arithmetic, Matrix
from lora_proofs.arithmetic.dense import (
    finite,
    inverse,
    product,
    singular_value_decomposition,
    to_floats,
)
from lora_proofs.arithmetic.exact import EXACT, ExactArithmetic
from lora_proofs.arithmetic.midpoint import MidpointArithmetic
from lora_proofs.constructions.adapters import Adapter, Broken, largest_norm
from lora_proofs.constructions.leading import leading_factors
from lora_proofs.constructions.rank_one import eliminated, good_basis
from lora_proofs.errors import BadInput

IN_ORDER = "singular vectors in order"
EXACTLY_IN_ORDER = "rank factorisation in order"
RANK_ONE = "factors I + (rank one)"
MOST_POWER = 300
"""Powers of 10 are floats up to here."""
IDENTITY = 1e-12
"""Beside the identity in I + H P_0^{-1} G a smaller singular value may be rounding."""
SURE = {6: (240, 960), 16: (120,)}
"""Digits in which such a one is looked at again, by the width up to which that is cheap."""
LARGE = 100.0
"""Adapters this many times larger than the weights are compared with those of another basis."""


@dataclass(frozen=True)
class Pieces:
    """An update G H of the product of nonsingular W: (D, D), and the ranks that it may take."""

    frozen: Sequence[Matrix]
    G: Matrix
    H: Matrix
    ranks: Sequence[int]
    ctx: Arithmetic

    @cached_property
    def ends(self) -> list[int]:
        """The columns of G that are used up after each layer."""
        return [min(end, self.G.shape[1]) for end in accumulate(self.ranks)]

    @cached_property
    def inverses(self) -> list[Matrix]:
        """W_l^{-1}."""
        return [inverse(W, self.ctx) for W in self.frozen]

    @cached_property
    def C(self) -> Matrix:
        """I + H P_0^{-1} G, with P_0 = W_L ... W_1."""
        k = self.G.shape[1]
        return self.ctx.identity(k) + product(self.H, *self.inverses, self.G, ctx=self.ctx)

    def adapters(self, basis: tuple[Matrix, int] | None = None) -> tuple[Adapter, ...]:
        """B_l = W_{l+1}^{-1} ... W_L^{-1} G_l, A_l = H_l W_1^{-1} ... W_{l-1}^{-1}, H eliminated.

        With a basis T, for the same update as G T, T^{-1} H. Raises ``BadInput`` where an
        intermediate that is used is singular, or singular to half of the digits.
        """
        G, H, C = self.G, self.H, self.C
        apart, largest = 0, 10.0 ** min(getattr(self.ctx, "digits", 14) // 2, MOST_POWER)
        if basis is not None:
            (T, apart), largest = basis, np.inf
            back = inverse(T, self.ctx)
            G, H = product(G, T, ctx=self.ctx), product(back, H, ctx=self.ctx)
            C = product(back, C, T, ctx=self.ctx)
        H = eliminated(C, H, self.ends, self.ctx, apart=apart, largest=largest)
        found = []
        for layer, (first, last) in enumerate(pairwise([0, *self.ends])):
            B = product(*self.inverses[layer + 1 :], G[:, first:last], ctx=self.ctx)
            A = product(H[first:last], *self.inverses[:layer], ctx=self.ctx)
            found.append(Adapter(B, A))
        return tuple(found)


Chosen = tuple[tuple[Adapter, ...], str, tuple[Broken, ...]]


def nonsingular_adapters(
    frozen: Sequence[Matrix],
    G: Matrix,
    H: Matrix,
    ranks: Sequence[int],
    ctx: Arithmetic,
    exact: tuple[Sequence[Matrix], Matrix] | None = None,
) -> Chosen:
    """Adapters with product P_0 + G H, by which order, and assumptions that are broken.

    W_l: (D, D) nonsingular, G: (D, k) and H: (k, D) with k at most the sum of the ranks, all in
    ``ctx``. Other than Lemma 1 it asks nothing of the intermediates. With ``exact``, the weights
    and E, those that floats take for singular are looked at again in more digits.

    >>> I, G, H = EXACT.identity(2), EXACT.matrix([[1], [0]]), EXACT.matrix([[0, 5]])
    >>> nonsingular_adapters([I], G, H, [1], EXACT)[1]
    'rank factorisation in order'
    """
    pieces = Pieces(frozen, G, H, ranks, ctx)
    broken = _singular_intermediates(pieces, exact)
    in_order = EXACTLY_IN_ORDER if isinstance(ctx, ExactArithmetic) else IN_ORDER
    first: tuple[Adapter, ...] | None = None
    try:
        first = pieces.adapters()
        if not _too_large(first, pieces):
            return first, in_order, broken
    except BadInput:
        pass
    second = pieces.adapters(good_basis(pieces.C, pieces.ends, ctx))
    if first is not None and not _norm(second, ctx) < _norm(first, ctx):
        return first, in_order, broken
    return second, RANK_ONE, broken


def _norm(adapters: tuple[Adapter, ...], ctx: Arithmetic) -> float:
    return float(largest_norm(adapters, ctx))


def _too_large(adapters: tuple[Adapter, ...], pieces: Pieces) -> bool:
    if isinstance(pieces.ctx, ExactArithmetic):
        return False
    size = max(float(abs(W).max()) for W in pieces.frozen)
    return not _norm(adapters, pieces.ctx) < LARGE * max(size, 1.0)


def _singular_intermediates(
    pieces: Pieces, exact: tuple[Sequence[Matrix], Matrix] | None
) -> tuple[Broken, ...]:
    """The second assumption of Lemma 1, at the r that are used, to the digits that are looked at.

    As det(P_0 + LR_r(E)) = det(P_0) det(C_r) with C_r = I + H_r P_0^{-1} G_r, C_r tells.
    """
    used = sorted({end for end in pieces.ends if 0 < end < pieces.G.shape[1]})
    if not used:
        return ()
    C = _by_singular_vectors(pieces).C
    return tuple(
        Broken(
            f"P_0 + LR_{r}(E) is nonsingular",
            "the formula of Lemma 1 in the order of the singular vectors does not apply; the "
            "minimum is attained all the same",
        )
        for r in used
        if _singular(C[:r, :r]) and not (exact is not None and _surely_not(*exact, r))
    )


def _by_singular_vectors(pieces: Pieces) -> Pieces:
    """Exact factors are no singular vectors: those come in many digits."""
    if not isinstance(pieces.ctx, ExactArithmetic):
        return pieces
    many = MidpointArithmetic(30)
    with many.working():
        G, H = leading_factors(product(pieces.G, pieces.H, ctx=EXACT), pieces.G.shape[1], many)
        return Pieces([many.matrix(W) for W in pieces.frozen], G, H, pieces.ranks, many)


def _singular(C: Matrix) -> bool:
    sizes = np.linalg.svd(finite(to_floats(C)), compute_uv=False)
    return bool(sizes[-1] <= IDENTITY)


def _surely_not(frozen: Sequence[Matrix], E: Matrix, r: int) -> bool:
    """Whether C_r is above rounding in many digits, of exact weights and E."""
    ladder = next((digits for width, digits in SURE.items() if len(E) <= width), ())
    for digits in ladder:
        many = MidpointArithmetic(digits)
        with many.working():
            G, H = leading_factors(E, r, many)
            C = Pieces([many.matrix(W) for W in frozen], G, H, [r], many).C
            _, values, _ = singular_value_decomposition(C, many)
            if values[-1] > many.number(10) ** (-(3 * digits) // 4) * max(values[0], 1):
                return True
    return False
