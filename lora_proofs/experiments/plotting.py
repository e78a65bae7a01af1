"""The plot of a result: SVG, the same bytes for the same result, readable in grey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

from lora_proofs.errors import BadInput
from lora_proofs.experiments.study import (
    CONSTRUCTION,
    GRADIENT_DESCENT,
    LOWER_BOUND,
    UPPER_BOUND,
)

FLOOR = 1e-12  # errors below it are rounding: they are drawn on the floor
# Okabe & Ito's colours; marker and line differ too, so that grey print and any eye can tell.
# Markers are hollow and of different sizes: curves that coincide are seen through each other.
KNOWN: Mapping[str, Mapping[str, Any]] = {
    LOWER_BOUND: {"color": "#BBBBBB", "marker": "", "linestyle": "-", "linewidth": 5},
    UPPER_BOUND: {"color": "#000000", "marker": "", "linestyle": (0, (4, 2))},
    CONSTRUCTION: {"color": "#0072B2", "marker": "o", "linestyle": "-", "markersize": 7},
    GRADIENT_DESCENT: {"color": "#D55E00", "marker": "x", "linestyle": "--", "markersize": 5},
}
OTHERS: Sequence[Mapping[str, Any]] = (
    {"color": "#009E73", "marker": "^", "linestyle": "-.", "markersize": 6},
    {"color": "#CC79A7", "marker": "D", "linestyle": (0, (3, 1, 1, 1, 1, 1)), "markersize": 4},
    {"color": "#56B4E9", "marker": "v", "linestyle": (0, (5, 1)), "markersize": 5},
    {"color": "#E69F00", "marker": "s", "linestyle": (0, (1, 1)), "markersize": 5},
)
ACROSS = 3  # so many panels stand in a row
LOOK: Any = {
    "svg.hashsalt": "lora_proofs",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
}
INSTALL = "pip install 'lora_proofs[plots]'"


def draw(result: Mapping[str, Any], path: Path, *, across: str, scale: str) -> None:
    """Draw medians with quartile bands, a panel a condition; ``BadInput`` without matplotlib."""
    try:
        import matplotlib
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except Exception as error:
        raise BadInput(f"{path}: {_missing(error)}") from None

    with matplotlib.rc_context(LOOK):
        conditions = list(dict.fromkeys(row["condition"] for row in result["summary"]))
        rows, columns = -(-len(conditions) // ACROSS), min(len(conditions), ACROSS)
        size = (max(5.5, 1.0 + 3.6 * columns), 1.4 + 3.2 * rows)
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        _fill(figure, result, conditions, across, scale)
        figure.savefig(path, format="svg", metadata={"Date": None, "Title": result["title"]})


def _missing(error: Exception) -> str:
    """What is wrong with matplotlib: not there, or there and broken, which can raise anything."""
    if isinstance(error, ModuleNotFoundError) and error.name == "matplotlib":
        return f"a plot needs matplotlib: {INSTALL}"
    told = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return f"matplotlib is there but cannot be imported ({told}); reinstall it"


def _fill(
    figure: Any, result: Mapping[str, Any], conditions: Sequence[str], across: str, scale: str
) -> None:
    columns = min(len(conditions), ACROSS)
    grid = figure.subplots(-(-len(conditions) // columns), columns, sharey=True, squeeze=False)
    panels, styles = list(grid.flat), styled(result)
    for panel in panels[len(conditions) :]:
        panel.set_axis_off()
    panels = panels[: len(conditions)]
    for panel, condition in zip(panels, conditions, strict=True):
        for method, style in styles.items():
            rows = [
                row
                for row in result["summary"]
                if (row["condition"], row["method"]) == (condition, method)
                and row["median"] is not None
            ]
            if rows:
                _curve(panel, rows, method, style, across, scale)
        _label(panel, result, condition, across, scale)
    for panel in grid[:, 0]:
        panel.set_ylabel(result["measure"].split(":")[0])
    handles = {h.get_label(): h for panel in panels for h in panel.get_legend_handles_labels()[0]}
    figure.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=max(2, columns)
    )
    figure.suptitle(_title(result, columns), fontsize=11)


def _curve(
    panel: Any,
    rows: Sequence[Mapping[str, Any]],
    method: str,
    style: Mapping[str, Any],
    across: str,
    scale: str,
) -> None:
    floor = FLOOR if scale == "log" else float("-inf")
    rows = sorted(rows, key=lambda row: row[across])
    at = [row[across] for row in rows]
    low, middle, high = (
        [max(floor, _or(row[name], row["median"])) for row in rows]
        for name in ("lower_quartile", "median", "upper_quartile")
    )
    panel.plot(at, middle, label=method, **{"linewidth": 1.5, "markerfacecolor": "none", **style})
    panel.fill_between(at, low, high, color=style["color"], alpha=0.15, linewidth=0)


def _title(result: Mapping[str, Any], columns: int) -> str:
    count = result["seeds"]
    seeds = f"{count} seed{'s' if count > 1 else ''}"
    finished = "" if result["complete"] else ", not all finished"
    lines = wrap(result["title"], 50 * columns)
    return "\n".join([*lines, f"median and quartiles over {seeds}{finished}"])


def styled(result: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The style of each method that the result has.

    >>> styled({"summary": [{"method": "gradient descent"}]})["gradient descent"]["marker"]
    'x'
    """
    methods = dict.fromkeys(row["method"] for row in result["summary"])
    unknown = [method for method in methods if method not in KNOWN]
    others = {method: OTHERS[k % len(OTHERS)] for k, method in enumerate(unknown)}
    return {method: ({**KNOWN, **others})[method] for method in methods}


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _label(panel: Any, result: Mapping[str, Any], condition: str, across: str, scale: str) -> None:
    panel.set_title(condition, fontsize=10)
    panel.set_xlabel("trained parameters" if across == "parameters" else result["size"])
    panel.set_yscale(scale)
    if across == "size":
        from matplotlib.ticker import MaxNLocator

        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    drawn = [row["median"] for row in result["summary"] if row["median"] is not None]
    if scale == "log" and drawn and min(drawn) <= FLOOR:
        panel.set_ylim(bottom=FLOOR / 50)
        panel.axhline(FLOOR, color="#777777", linewidth=0.8)
        panel.annotate(
            f"at most {FLOOR:g}: rounding",
            (0.02, FLOOR),
            xycoords=("axes fraction", "data"),
            xytext=(0, -4),
            textcoords="offset points",
            verticalalignment="top",
            fontsize=8,
            color="#555555",
        )
