"""How near the sampled instances of a claim come to its bounds, with the smallest case."""

from __future__ import annotations

from math import isfinite, log10
from typing import Any

from lora_proofs.report.axes import number, power
from lora_proofs.report.figure import Axis, Figure, Plot, Series
from lora_proofs.report.records import Record, listed, name_of, part

LONGEST = 40  # characters of a regime's name
MOST = 400  # bars, and decades: what no run records is not drawn


def slack_distribution(record: Record) -> tuple[Figure, ...]:
    """The histogram of recorded slacks; nothing where fewer than two were recorded.

    >>> slack_distribution({"samples": {"slacks": {}}})
    ()
    """
    samples = part(record, "samples")
    found = part(samples, "slacks")
    counts = [_count(c) for c in listed(found, "counts")]
    sides = {key: _count(found.get(key)) for key in ("zero", "below", "above")}
    low, high = (_finite(found.get(key)) for key in ("low", "high"))
    total = sum(counts) + sum(sides.values())
    if total < 2 or not 0 < len(counts) <= MOST or low is None or high is None:
        return ()
    if not -MOST <= low < high <= MOST:
        return ()
    step = (high - low) / len(counts)
    first = next((k for k, c in enumerate(counts) if c), len(counts) - 1)
    start = min(low + first * step, high - 2)
    bars = [(low + k * step, low + (k + 1) * step, c) for k, c in enumerate(counts) if c]
    edge = start - 0.75
    plot = Plot(
        _axis(edge, high, sides),
        Axis("instances", low=0.0, whole=True),
        (
            *_bars("instances", bars, 1),
            *_outside(edge, high, sides),
            *_smallest(samples, start, total),
        ),
    )
    told = _told(record, total, sides)
    return (Figure("How much room the instances leave", _CAPTION, told, (plot,)),)


_CAPTION = (
    "Instances by the least room that their inequalities leave: slack over the larger side. It "
    "shows how near they come to the bound, and decides nothing."
)


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _finite(value: Any) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if isfinite(found) else None


def _axis(edge: float, high: float, sides: dict[str, int]) -> Axis:
    """Powers of ten by their exponents; equal sides stand apart at the left."""
    exponents = range(-(-int(edge * 4) // 4), int(high) + 1)
    every = max(1, len(exponents) // 6)
    named = [(float(p), power(p)) for p in exponents if p % every == 0 and p > edge + 0.4]
    left = [(edge - 0.5, "0")] if sides["zero"] else []
    return Axis(
        "room: slack / larger side",
        low=edge - 1.0 if sides["zero"] else edge,
        high=high + (0.75 if sides["above"] else 0.1),
        named=(*left, *named),
        powers=True,
    )


def _bars(
    label: str, bars: list[tuple[float, float, int]], hue: int, *, beside: bool = False
) -> list[Series]:
    points = tuple((left, float(count)) for left, _, count in bars)
    upper = tuple((right, float(count)) for _, right, count in bars)
    return [Series(label, points, "bars", hue, upper, beside=beside)] if bars else []


def _outside(edge: float, high: float, sides: dict[str, int]) -> list[Series]:
    """The bars of equal sides, of rooms too small for the histogram, and of those above 1."""
    zero, below, above = (sides[key] for key in ("zero", "below", "above"))
    return [
        *_bars("equal sides", [(edge - 0.75, edge - 0.25, zero)] if zero else [], 2, beside=True),
        *_bars("less", [(edge + 0.25, edge + 0.75, below)] if below else [], 2, beside=True),
        *_bars("more than 1", [(high + 0.1, high + 0.6, above)] if above else [], 2, beside=True),
    ]


def _smallest(samples: Record, start: float, total: int) -> list[Series]:
    """A mark at the smallest room, where it is more than 0."""
    room = _finite(samples.get("smallest_relative_slack"))
    if room is None or room <= 0:
        return []
    at = max(log10(room), start - 0.5)
    return [Series(f"smallest: {number(room, 3)}", ((at, 0.0),), "marks", 2)]


def _told(record: Record, total: int, sides: dict[str, int]) -> str:
    samples = part(record, "samples")
    place = part(samples, "smallest_at")
    regime = str(place.get("regime") or "")
    where = f", in the regime {regime[:LONGEST]}" if regime else ""
    label = str(part(place, "comparison").get("label") or "")
    room = _finite(samples.get("smallest_relative_slack"))
    smallest = "" if room is None else f" The smallest is {number(room, 3)}{where}"
    smallest += f" ({label})." if smallest and label else "." if smallest else ""
    equal = sides["zero"]
    sharp = f" In {equal} of them two sides are equal: the bound is attained." if equal else ""
    return f"{name_of(record)}: {total} instances are counted.{sharp}{smallest}"
