"""Exact deep linear networks: frozen weights, targets whose gap has a chosen rational spectrum.

A problem is an instance with the fields ``W1``, ..., ``WL`` (layer 1 acts first, W_l is D_l x
D_(l-1)), ``target``, ``ranks`` (one row, a rank for each layer), and ``U``, ``V``, ``sigma`` with
target - W_L ... W_1 = U diag(sigma) V'. U and V are rational and orthogonal, so every truncation
of the gap is rational too.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic.context import Matrix
from lora_proofs.arithmetic.exact import EXACT
from lora_proofs.errors import BadInput
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw, number_among
from lora_proofs.strategies.matrices import full_rank_matrix, matrix, orthogonal_matrix, rank_matrix
from lora_proofs.strategies.spectra import SPECTRA, spectrum

Weights = tuple[Matrix, ...]


def small(draw: Draw) -> Fraction:
    """An entry among 0, +-1/2, +-1, +-2, shrinking to 0: products of layers stay short.

    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> abs(small(SeededDraw.keyed(0))) <= 2
    True
    """
    return Fraction(1, 2) * number_among(draw, (0, 2, -2, 1, -1, 4, -4))


def layers(instance: Any) -> Weights:
    """W_1, ..., W_L of a problem, exact; ``BadInput`` where it has none.

    >>> [W.shape for W in layers(Instance(W1=[[1, 2]], W2=[[3], [4]]))]
    [(1, 2), (2, 1)]
    """
    found: list[Matrix] = []
    while f"W{len(found) + 1}" in instance:
        found.append(EXACT.matrix(getattr(instance, f"W{len(found) + 1}")))
    if not found:
        raise BadInput("expected a problem with the fields W1, W2, ...; it has no W1")
    return tuple(found)


def whole_product(weights: Sequence[Matrix]) -> Matrix:
    """W_L ... W_1: layer 1 acts first. Weights of any one arithmetic.

    >>> whole_product([EXACT.matrix([[1], [2]]), EXACT.matrix([[3, 4]])])
    array([[11]], dtype=object)
    """
    product = weights[0]
    for W in weights[1:]:
        product = W @ product
    return product


def frozen_weights(draw: Draw, widths: Sequence[int], *, full_rank: bool = True) -> Weights:
    """W_l of shape (widths[l], widths[l-1]), of full rank or free; shrinking to identities.

    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> [EXACT.rank(W) for W in frozen_weights(SeededDraw.keyed(0), (2, 3, 3))]
    [2, 3]
    """
    make = full_rank_matrix if full_rank else matrix
    shapes = zip(widths[1:], widths, strict=False)
    return tuple(make(draw, n, m, entry=small) for n, m in shapes)


def weights_with_product(draw: Draw, product: Matrix, depth: int) -> Weights:
    """``depth`` square weights with W_L ... W_1 = ``product``, all but the last nonsingular.

    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> P = EXACT.matrix([[2, 0], [1, 1]])
    >>> bool((whole_product(weights_with_product(SeededDraw.keyed(0), P, 3)) == P).all())
    True
    """
    free = frozen_weights(draw, [len(product)] * depth)
    if not free:
        return (product,)
    return (*free, product @ EXACT.inverse(whole_product(free)))


def weights_of_rank(draw: Draw, width: int, ranks: Sequence[int]) -> Weights:
    """Square weights of one width and of chosen exact ranks.

    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> [EXACT.rank(W) for W in weights_of_rank(SeededDraw.keyed(0), 3, (1, 3))]
    [1, 3]
    """
    return tuple(rank_matrix(draw, width, width, rank, entry=small) for rank in ranks)


def layer_ranks(draw: Draw, depth: int, most: int) -> tuple[int, ...]:
    """A rank between 0 and ``most`` for each layer.

    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> all(0 <= R <= 2 for R in layer_ranks(SeededDraw.keyed(0), 4, 2))
    True
    """
    return tuple(draw.integer(0, most) for _ in range(depth))


def singular_frame(
    draw: Draw, n: int, m: int, values: Sequence[Fraction], *, dyadic: bool = False
) -> dict[str, Any]:
    """Rational orthogonal U (n x n) and V (m x m), and ``sigma`` as one row of ``values``.

    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> sorted(singular_frame(SeededDraw.keyed(0), 2, 3, (2, 1)))
    ['U', 'V', 'sigma']
    """
    if len(values) != min(n, m):
        raise BadInput(f"expected {min(n, m)} singular values for {(n, m)}, got {len(values)}")
    U, V = orthogonal_matrix(draw, n, dyadic=dyadic), orthogonal_matrix(draw, m, dyadic=dyadic)
    return {"U": U, "V": V, "sigma": [list(values)]}


def truncated(U: Any, sigma: Sequence[Any], V: Any, r: int) -> Matrix:
    """The truncation sum_{i <= r} sigma_i u_i v_i', exact; r above the number of values is all.

    >>> truncated([[1, 0], [0, 1]], (3, 2), [[1, 0], [0, 1]], 1)
    array([[3, 0],
           [0, 0]], dtype=object)
    """
    U, V = EXACT.matrix(U), EXACT.matrix(V)
    kept = EXACT.zeros(len(U), len(V))
    for i, value in enumerate(sigma[:r]):
        kept[i, i] = EXACT.number(value)
    return U @ kept @ V.mT


def problem(
    weights: Sequence[Matrix], ranks: Sequence[int], frame: dict[str, Any], **more: Any
) -> Instance:
    """The instance with target = W_L ... W_1 + U diag(sigma) V'.

    >>> frame = {"U": [[1]], "V": [[1]], "sigma": [[3]]}
    >>> problem([EXACT.matrix([[2]])], (1,), frame).target
    ((Fraction(5, 1),),)
    """
    sigma = frame["sigma"][0]
    E = truncated(frame["U"], sigma, frame["V"], len(sigma))
    named = {f"W{k}": W for k, W in enumerate(weights, start=1)}
    fields = {**named, "target": whole_product(weights) + E, "ranks": [list(ranks)]}
    return Instance(**fields, **frame, **more)


REGIMES = (
    "generic", "zero ranks", "S = 0", "S >= D", "one layer", "width 1", "exact on the way",
    *(f"{kind} spectrum" for kind in SPECTRA if kind != "distinct"),
)  # fmt: skip
"""Regimes of ``linear_problem``; each of them can behave differently."""


def linear_problem(
    draw: Draw, regime: str, *, most_width: int = 4, most_depth: int = 4, nonsingular: bool = True
) -> Instance:
    """Square layers of one width, a rank for each, and a gap with a spectrum that fits the regime.

    ``exact on the way``: the ranks of the first layers alone reach the rank of the gap.

    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> len(layers(linear_problem(SeededDraw.keyed(0), "one layer")))
    1
    """
    D = 1 if regime == "width 1" else draw.integer(2, most_width)
    L = 1 if regime == "one layer" else draw.integer(2, most_depth)
    kind = regime.removesuffix(" spectrum")
    values = spectrum(draw, D, kind if kind in SPECTRA else "distinct")
    if regime == "exact on the way":
        values = (values[0], *(Fraction(0) for _ in values[1:]))
    weights = frozen_weights(draw, [D] * (L + 1), full_rank=nonsingular)
    ranks = _ranks(draw, regime, D, L)
    return problem(weights, ranks, singular_frame(draw, D, D, values), regimes=(regime,))


def _ranks(draw: Draw, regime: str, D: int, L: int) -> tuple[int, ...]:
    if regime == "S = 0":
        return (0,) * L
    ranks = [draw.integer(1, max(1, D // 2)) for _ in range(L)]
    if regime == "zero ranks":
        ranks[draw.integer(0, L - 1)] = 0
    if regime == "S >= D":
        ranks[draw.integer(0, L - 1)] = D
    return tuple(ranks)
