"""The result document of an experiment: points, medians with quartiles, checks, and a CSV table."""

from __future__ import annotations

import csv
import io
import platform
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from lora_proofs.experiments.settings import Settings
from lora_proofs.experiments.study import Experiment, Point

STANDING = (
    "measured in floating point on {points}: it nominates, decides nothing and carries no "
    "verdict; the claims zeng-lee/* are what is proved"
)
SIZES = {  # what the table says of the settings; a size that is 0 plays no part
    "width": "width {}",
    "frozen_depth": "frozen depth {}",
    "target_depth": "target depth {}",
    "heads": "{} heads",
    "length": "sequences of {} tokens",
    "steps": "{} steps",
    "batch": "batches of {}",
    "rates": "learning rates {}",
    "tests": "{} test points",
}
COLUMNS = ("condition", "method", "seed", "size", "parameters", "error")


def summary(points: Sequence[Point]) -> list[dict[str, Any]]:
    """Median and quartiles over the seeds, for each condition, method and size.

    A model that diverged has an infinite error: it counts, and a quartile may be null.

    >>> found = summary([Point("c", "m", seed, 1, 10, float(seed)) for seed in range(5)])
    >>> [(x["median"], x["lower_quartile"], x["upper_quartile"], x["seeds"]) for x in found]
    [(2.0, 1.0, 3.0, 5)]
    """
    groups: dict[tuple[str, str, int, int], list[float]] = {}
    for p in points:
        groups.setdefault((p.condition, p.method, p.size, p.parameters), []).append(p.error)
    return [_summarised(*key, errors) for key, errors in groups.items()]


def _summarised(
    condition: str, method: str, size: int, parameters: int, errors: Sequence[float]
) -> dict[str, Any]:
    low, middle, high = (_quantile(errors, q) for q in (0.25, 0.5, 0.75))
    return {
        "condition": condition,
        "method": method,
        "size": size,
        "parameters": parameters,
        "seeds": len(errors),
        "median": middle,
        "lower_quartile": low,
        "upper_quartile": high,
    }


def _quantile(errors: Sequence[float], q: float) -> float | None:
    """The quantile, interpolated; null where an infinite error takes part."""
    ordered = sorted(errors)
    at = q * (len(ordered) - 1)
    low, high = ordered[int(np.floor(at))], ordered[int(np.ceil(at))]
    if not np.isfinite(high):
        return None
    return float(low + (high - low) * (at - np.floor(at)))


def document(
    experiment: Experiment,
    settings: Settings,
    points: Sequence[Point],
    *,
    seed: int,
    seeds: int,
    quick: bool,
) -> dict[str, Any]:
    """The whole result; ``complete`` is false where cells are missing."""
    cells = {(p.condition, p.seed) for p in points}
    return {
        "schema_version": 1,
        "command": "experiment",
        "experiment": experiment.name,
        "title": experiment.title,
        "question": experiment.question,
        "standing": STANDING.format(points=experiment.points),
        "quick": quick,
        "seed": seed,
        "seeds": seeds,
        "complete": len(cells) == seeds * len(experiment.conditions),
        "measure": experiment.measure,
        "size": experiment.size,
        "settings": {"origin": experiment.origin, **settings.document()},
        "departures": list(settings.departures),
        "notes": list(experiment.notes),
        "checks": [vars(check) for check in experiment.checks(settings, points)],
        "summary": summary(points),
        "points": [p.document() for p in points],
        "versions": versions(),
    }


def versions() -> Mapping[str, str]:
    """What the numbers depend on besides the seed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        own = version("lora_proofs")
    except PackageNotFoundError:
        own = "unknown"
    return {"lora_proofs": own, "numpy": np.__version__, "python": platform.python_version()}


def table(points: Sequence[Point]) -> str:
    """All points as CSV: the common columns, then every detail that some point has."""
    details = sorted({name for p in points for name in p.details})
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*COLUMNS, *details])
    for p in points:
        found = [getattr(p, name) for name in COLUMNS]
        writer.writerow([*found, *(p.details.get(name, "") for name in details)])
    return out.getvalue()


def shown(result: Mapping[str, Any]) -> Iterator[str]:
    """The result for people: a table of medians for each condition, then the checks."""
    yield f"{result['experiment']}: {result['title']}"
    yield sizes(result)
    yield f"{result['measure']}; median [quartiles] over the seeds"
    for condition in dict.fromkeys(row["condition"] for row in result["summary"]):
        rows = [row for row in result["summary"] if row["condition"] == condition]
        yield ""
        yield f"{condition}"
        yield from _table(rows, result["size"])
    yield ""
    for check in result["checks"]:
        said = {True: "holds", False: "FAILS", None: "not tested"}[check["holds"]]
        worst = "" if check["worst"] is None else f" (worst {check['worst']:.3g})"
        yield f"check: {check['name']}: {said}{worst}"
        yield f"  {check['why']}"
    for note in result["notes"]:
        yield f"note: {note}"
    yield f"standing: {result['standing']}"


def sizes(result: Mapping[str, Any]) -> str:
    """The sizes that the numbers depend on, in a line.

    >>> sizes({"settings": {"width": 8, "heads": 0, "rates": [0.01, 0.001]}, "seeds": 1})
    'width 8, learning rates 0.01 and 0.001; 1 seed'
    """
    found = result["settings"]
    said = [words.format(_said(found[name])) for name, words in SIZES.items() if found.get(name)]
    seeds = result["seeds"]
    return f"{', '.join(said)}; {seeds} seed{'s' if seeds > 1 else ''}"


def _said(value: Any) -> str:
    many = isinstance(value, Sequence)
    return " and ".join(f"{x:g}" for x in value) if many else str(value)


def _table(rows: Sequence[Mapping[str, Any]], size: str) -> Iterator[str]:
    methods = list(dict.fromkeys(row["method"] for row in rows))
    body = [[size, *methods]]
    for at in sorted({row["size"] for row in rows}):
        found = {row["method"]: row for row in rows if row["size"] == at}
        body.append([str(at), *(_cell(found.get(method)) for method in methods)])
    widths = [max(len(line[k]) for line in body) for k in range(len(methods) + 1)]
    for line in body:
        cells = (f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _cell(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "-"
    low, middle, high = (row[name] for name in ("lower_quartile", "median", "upper_quartile"))
    said = ["diverged" if x is None else f"{x:.3g}" for x in (middle, low, high)]
    return f"{said[0]} [{said[1]}, {said[2]}]"
