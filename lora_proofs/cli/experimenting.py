"""``experiment``: a paper's experiment rerun, with its table, its checks and its files."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lora_proofs.cli.options import AsJson, emit, note, say, whole
from lora_proofs.errors import BadInput

if TYPE_CHECKING:
    from lora_proofs.experiments.checkpoint import Cell, Checkpoint
    from lora_proofs.experiments.runner import Run
    from lora_proofs.experiments.study import Experiment
    from lora_proofs.experiments.training import Heard

DEFAULT_DIRECTORY = Path(".lora-proofs/experiments")
MOST_SEEDS = 1_000
SECONDS_BETWEEN = 10.0


def run_experiment(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="An experiment; --list shows them.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the experiments.")] = False,
    seeds: Annotated[
        int | None,
        typer.Option(
            metavar="N", parser=whole("--seeds"), help="How many seeds; without it, the default."
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="S", parser=whole("--seed"), help="The first seed.")
    ] = 0,
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes: seconds.")] = False,
    directory: Annotated[
        Path | None,
        typer.Option(
            "-o",
            metavar="DIR",
            help=f"Where the files go, a folder that is made where there is none; by default "
            f"{DEFAULT_DIRECTORY}.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Rerun a paper's experiment: error against rank, construction beside gradient descent.

    \b
    DIR gets the result as JSON, every point as CSV, a plot as SVG (with matplotlib), and the
    finished cells. An interrupted run is taken up again by the same command.
    What comes out is measured, not proved: it carries no verdict.

    \b
    Examples:
      lora-proofs experiment --list
      lora-proofs experiment zeng-lee/linear-rank --quick
      lora-proofs experiment zeng-lee/relu-rank --seeds 10 -o results
    """
    from lora_proofs.experiments.catalogue import EXPERIMENTS
    from lora_proofs.experiments.runner import Run

    if listed:
        return _list(as_json)
    if name not in EXPERIMENTS:
        raise BadInput(
            f"expected the name of an experiment, got {name or 'none'}; "
            f"there are: {', '.join(EXPERIMENTS)}"
        )
    experiment = EXPERIMENTS[name]
    settings = experiment.settings["quick" if quick else "default"]
    count = settings.seeds if seeds is None else seeds
    _within("--seeds", count, 1, MOST_SEEDS)
    _within("--seed", seed, 0, 2**31)
    run = Run(experiment, quick, seed, count, directory or DEFAULT_DIRECTORY)
    result = _measured(run)
    if as_json:
        emit(result)
    else:
        _show(result)
    return 0


def _within(option: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise BadInput(f"{option}: expected a number from {least} to {most}, got {value}")


def _list(as_json: bool) -> int:
    from lora_proofs.experiments.catalogue import EXPERIMENTS

    if as_json:
        emit([_entry(experiment) for experiment in EXPERIMENTS.values()])
        return 0
    width = max(len(name) for name in EXPERIMENTS)
    for name, experiment in EXPERIMENTS.items():
        say(f"{name:<{width}}  {experiment.question}")
    return 0


def _entry(experiment: Experiment) -> dict[str, Any]:
    return {
        "name": experiment.name,
        "title": experiment.title,
        "question": experiment.question,
        "conditions": list(experiment.conditions),
        "origin": experiment.origin,
        "needs": experiment.needs or None,
    }


def _measured(run: Run) -> dict[str, Any]:
    """Run what is missing, and write the files whether it comes to the end or not."""
    kept = run.checkpoint()
    try:
        run.measure(kept, Progress(), time.monotonic)
    except KeyboardInterrupt:
        done = sum(cell in kept.cells for cell in run.cells)
        note(f"{done} of {len(run.cells)} cells are finished; the same command goes on from there")
        if done:
            _write(run, kept)
        raise
    return _write(run, kept)


def _write(run: Run, kept: Checkpoint) -> dict[str, Any]:
    result = run.result(kept)
    base = run.directory / run.stem
    written = [base.with_suffix(".json"), base.with_suffix(".csv")]
    written[0].write_text(json.dumps(result, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    written[1].write_text(run.table(kept), encoding="utf-8")
    written += _plot(run, result, base.with_suffix(".svg"))
    note(f"wrote {', '.join(str(path) for path in written)}")
    return result


def _plot(run: Run, result: dict[str, Any], path: Path) -> list[Path]:
    from lora_proofs.experiments.plotting import draw

    try:
        draw(result, path, across=run.experiment.across, scale=run.experiment.scale)
    except BadInput as missing:
        note(f"no plot: {missing}")
        return []
    return [path]


def _show(result: dict[str, Any]) -> None:
    from lora_proofs.experiments.result import shown

    for line in shown(result):
        say(line)


class Progress:
    """A line on stderr for each finished cell, and one now and then within a long one."""

    def begun(self, cell: Cell, number: int, total: int) -> Heard:
        """A cell begins."""
        last = time.monotonic()

        def heard(part: float) -> None:
            nonlocal last
            if time.monotonic() - last > SECONDS_BETWEEN:
                last = time.monotonic()
                note(f"[{number}/{total}] {cell[0]}, seed {cell[1]}: {part:.0%}")

        return heard

    def finished(self, cell: Cell, number: int, total: int, seconds: float | None) -> None:
        """A cell is finished."""
        how = "already on disk" if seconds is None else f"{seconds:.1f} s"
        note(f"[{number}/{total}] {cell[0]}, seed {cell[1]}: {how}")
