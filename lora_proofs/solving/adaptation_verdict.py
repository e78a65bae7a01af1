"""The words of an adaptation's verdict and of its reasons, shared by all kinds of models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lora_proofs.constructions.adapters import Broken
from lora_proofs.solving.adaptation_numbers import Entries, float_above, upper

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
    """That an adapter is huge, in numbers."""
    return (
        f"an adapter has norm {float_above(upper(norm)):.2g}, while updates of about {scale:.2g} "
        "would be of this problem's size: the error is small only as long as nothing is rounded"
    )


def not_rational(why: str) -> str:
    """Why ``--exact`` did not give exact numbers."""
    return f"not exact: {why}; the answer is in decimals, measured in balls"
