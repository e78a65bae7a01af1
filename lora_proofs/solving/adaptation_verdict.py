"""The words of an adaptation's verdict and of its reasons, shared by all kinds of models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import inf
from typing import Any

from lora_proofs.arithmetic.context import Matrix
from lora_proofs.arithmetic.exact import EXACT as RATIONAL
from lora_proofs.constructions.adapters import Broken
from lora_proofs.solving.adaptation_numbers import (
    SINGULAR,
    Entries,
    float_above,
    float_condition,
    upper,
)
from lora_proofs.solving.decimals import upper_string

EXACT = "exact"
ROUNDED = "exact up to rounding"
OPTIMAL = "optimal"
UPPER_BOUND = "upper bound"
UNKNOWN = "not known"
UNRELIABLE = "unreliable"
VERDICTS = {
    EXACT: "the adapted model is the target, shown in rational numbers",
    ROUNDED: "adapters of these ranks are exact, and the printed ones miss the target by rounding",
    OPTIMAL: "no adapters of these ranks have a smaller error, up to the excess that is given",
    UPPER_BOUND: "the error is certified; whether other adapters do better is not known",
    UNKNOWN: "no bound of the error is known where it was asked for",
    UNRELIABLE: "the error is small only because an adapter is huge: this is no success",
}


def of_broken(broken: Sequence[Broken]) -> Iterator[str]:
    """A reason for each assumption that the instance breaks.

    >>> list(of_broken([Broken("W_1 is nonsingular", "the minimum is not known")]))
    ['broken assumption: W_1 is nonsingular; the minimum is not known']
    """
    for one in dict.fromkeys(broken):
        yield f"broken assumption: {one.assumption}; {one.consequence}"


def told_broken(broken: Sequence[Broken]) -> list[dict[str, str]]:
    """Broken assumptions as data."""
    return [
        {"assumption": one.assumption, "consequence": one.consequence}
        for one in dict.fromkeys(broken)
    ]


def of_entries(entries: Entries, digits: int | None) -> Iterator[str]:
    """Why entries are not floats, though no digits were asked for."""
    if digits is None and entries.digits:
        yield (
            "float64 entries do not reproduce the error, so entries are decimal strings of "
            f"{entries.digits} digits"
        )


def of_size(norm: Any, scale: float) -> str:
    """That an adapter is huge, in numbers; in decimals where it is beyond floats."""
    large = float_above(upper(norm))
    told = f"{large:.2g}" if large < inf else upper_string(upper(norm))
    return (
        f"an adapter has norm {told}, while updates of about {scale:.2g} "
        "would be of this problem's size: the error is small only as long as nothing is rounded"
    )


def of_condition(weights: Iterable[tuple[str, Matrix]]) -> Iterator[str]:
    """A reason for each weight, with its name, that only its rounding keeps from being singular.

    >>> list(of_condition([("W_1", RATIONAL.identity(2)), ("W_2", RATIONAL.zeros(2, 2))]))
    []
    """
    for name, W in weights:
        large = float_condition(W)
        if large > SINGULAR and RATIONAL.rank(W) == min(W.shape):
            told = f"{large:.3g}" if large < inf else "beyond floats"
            yield (
                f"{name} is singular up to rounding, its condition number is {told}: an update "
                "that undoes it is counted as huge, as for a singular weight"
            )


def not_rational(why: str) -> str:
    """Why ``--exact`` did not give exact numbers."""
    return f"not exact: {why}; the answer is in decimals, measured in balls"
