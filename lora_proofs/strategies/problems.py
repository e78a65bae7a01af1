"""LoRA problems by regime: a loss, the frozen weight, the target and the start of the factors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic.context import Matrix
from lora_proofs.arithmetic.exact import EXACT
from lora_proofs.errors import BadInput
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw, number_among, quarter
from lora_proofs.strategies.matrices import (
    dyadic_matrix,
    full_rank_matrix,
    matrix,
    orthonormal_rows,
    rank_matrix,
)
from lora_proofs.strategies.spectra import spectrum, with_singular_values

LOSSES_WITH_TARGET = ("frobenius", "log-cosh")
LOSSES = (*LOSSES_WITH_TARGET, "trace-squared")


@dataclass(frozen=True)
class _Shape:
    """What a problem is drawn for: W0 is n x m, B0 n x r, A0 r x m."""

    n: int
    m: int
    r: int


Fields = dict[str, Matrix]
Regime = Callable[[Draw, _Shape], Fields]


def _rational(draw: Draw, s: _Shape) -> Fields:
    """Entries with denominators up to 4, thirds included; factors of full rank."""
    return {
        "W0": matrix(draw, s.n, s.m),
        "Y": matrix(draw, s.n, s.m),
        "A0": full_rank_matrix(draw, s.r, s.m),
        "B0": full_rank_matrix(draw, s.n, s.r),
    }


def _dyadic(draw: Draw, s: _Shape) -> Fields:
    """Entries that float64 holds exactly; factors of full rank."""
    return {
        "W0": dyadic_matrix(draw, s.n, s.m),
        "Y": dyadic_matrix(draw, s.n, s.m),
        "A0": full_rank_matrix(draw, s.r, s.m, entry=quarter),
        "B0": full_rank_matrix(draw, s.n, s.r, entry=quarter),
    }


def _free(draw: Draw, s: _Shape) -> Fields:
    """Dyadic entries without any condition: zeros, ties and saddles can come."""
    shapes = {"W0": (s.n, s.m), "Y": (s.n, s.m), "A0": (s.r, s.m), "B0": (s.n, s.r)}
    return {name: dyadic_matrix(draw, *shape) for name, shape in shapes.items()}


def _zero_b(draw: Draw, s: _Shape) -> Fields:
    """The usual start of LoRA: B0 = 0, A0 of full rank."""
    return {**_rational(draw, s), "B0": EXACT.zeros(s.n, s.r)}


def _zero_a(draw: Draw, s: _Shape) -> Fields:
    return {**_rational(draw, s), "A0": EXACT.zeros(s.r, s.m)}


def _zero_w(draw: Draw, s: _Shape) -> Fields:
    return {**_rational(draw, s), "W0": EXACT.zeros(s.n, s.m)}


def _deficient(draw: Draw, s: _Shape) -> Fields:
    """W0, A0 and B0 each below full rank, but not 0; dyadic."""

    def below_full(n: int, m: int) -> Matrix:
        return rank_matrix(draw, n, m, draw.integer(1, min(n, m) - 1), entry=quarter)

    return {
        "W0": below_full(s.n, s.m),
        "Y": dyadic_matrix(draw, s.n, s.m),
        "A0": below_full(s.r, s.m),
        "B0": below_full(s.n, s.r),
    }


def _scaled(exponents: tuple[int, ...]) -> Regime:
    """The factors times a power of 2."""

    def regime(draw: Draw, s: _Shape) -> Fields:
        fields, factor = _dyadic(draw, s), EXACT.number(Fraction(2) ** draw.choice(exponents))
        return {**fields, "A0": factor * fields["A0"], "B0": factor * fields["B0"]}

    return regime


def _cone(draw: Draw, s: _Shape) -> Fields:
    """B0 = A0' or B0 = -A0', in a square problem, with A0 of full rank."""
    fields = _dyadic(draw, s)
    return {**fields, "B0": number_among(draw, (1, -1)) * fields["A0"].mT}


def _tied(draw: Draw, s: _Shape) -> Fields:
    """The residual Y - W0 has a repeated singular value; all of it is dyadic."""
    fields = _dyadic(draw, s)
    values = spectrum(draw, min(s.n, s.m), "tied")
    return {**fields, "Y": fields["W0"] + with_singular_values(draw, s.n, s.m, values, dyadic=True)}


def _orthonormal(draw: Draw, s: _Shape) -> Fields:
    """The spectral start: A0 with orthonormal rows, B0 = 0."""
    fields = {**_rational(draw, s), "A0": orthonormal_rows(draw, s.r, s.m)}
    return {**fields, "B0": EXACT.zeros(s.n, s.r)}


@dataclass(frozen=True)
class _Recipe:
    """How a regime chooses its shape, and what it then draws."""

    fields: Regime
    rank: Callable[[Draw, int, int], int]
    smallest: int = 1
    square: bool = False


def _any_rank(draw: Draw, n: int, m: int) -> int:
    return draw.integer(1, min(n, m))


def _deficient_rank(draw: Draw, n: int, m: int) -> int:
    return draw.integer(2, min(n, m))


def _above(draw: Draw, n: int, m: int) -> int:
    return min(n, m) + draw.integer(1, 2)


_RECIPES = {
    "generic": _Recipe(_rational, _any_rank),
    "zero B0": _Recipe(_zero_b, _any_rank),
    "zero A0": _Recipe(_zero_a, _any_rank),
    "zero W0": _Recipe(_zero_w, _any_rank),
    "rank deficient": _Recipe(_deficient, _deficient_rank, smallest=2),
    "r = 1": _Recipe(_free, lambda draw, n, m: 1),
    "r = min(n, m)": _Recipe(_rational, lambda draw, n, m: min(n, m)),
    "r > min(n, m)": _Recipe(_rational, _above),
    "tiny scale": _Recipe(_scaled((-10, -20, -30)), _any_rank),
    "huge scale": _Recipe(_scaled((4, 8, 12)), _any_rank),
    "cone": _Recipe(_cone, _any_rank, square=True),
    "tied spectrum": _Recipe(_tied, _any_rank, smallest=2),
    "orthonormal rows": _Recipe(_orthonormal, _any_rank),
}
REGIMES = tuple(_RECIPES)


def lora_problem(draw: Draw, regime: str, *, loss: str, largest: int = 3, **extra: Any) -> Instance:
    """A LoRA problem of a regime among ``REGIMES``: loss, W0 (n x m), Y (n x m), A0, B0.

    A0 is r x m and B0 n x r; n and m are at most ``largest``, and equal for ``trace-squared``
    (which has no Y) and for ``cone``. ``extra`` fields are added as they are. The instance is
    tagged with its regime. Raises ``BadInput`` for an unknown regime or loss.

    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> x = lora_problem(SeededDraw.keyed(0), "zero B0", loss="frobenius", t="1/2")
    >>> list(x), x.regimes, {entry for row in x.B0 for entry in row}
    (['loss', 'W0', 'Y', 'A0', 'B0', 't'], ('zero B0',), {Fraction(0, 1)})
    """
    if regime not in _RECIPES:
        raise BadInput(f"expected a regime among {', '.join(REGIMES)}; got {regime!r}")
    if loss not in LOSSES:
        raise BadInput(f"expected a loss among {', '.join(LOSSES)}; got {loss!r}")
    recipe = _RECIPES[regime]
    size = _shape(draw, recipe, square=recipe.square or loss == "trace-squared", largest=largest)
    fields = recipe.fields(draw, size)
    if loss not in LOSSES_WITH_TARGET:
        del fields["Y"]
    return Instance(regimes=(regime,), loss=loss, **fields, **extra)


def _shape(draw: Draw, recipe: _Recipe, *, square: bool, largest: int) -> _Shape:
    largest = max(largest, recipe.smallest)
    n = draw.integer(recipe.smallest, largest)
    m = n if square else draw.integer(recipe.smallest, largest)
    return _Shape(n, m, recipe.rank(draw, n, m))
