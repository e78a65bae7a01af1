"""Finished cells on disk, one JSON line each: an interrupted run is taken up from them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lora_proofs.errors import BadInput
from lora_proofs.experiments.study import Point, point

Cell = tuple[str, int]  # condition, seed


class Checkpoint:
    """The cells of one experiment with given settings, kept in a file; the first line says which.

    The number of seeds is no part of the first line: a longer run takes up a shorter one.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        self.path, self.identity = path, json.loads(json.dumps(identity))
        self.cells: dict[Cell, list[Point]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size:
            self._read()
        else:
            self._write(self.identity)

    def add(self, cell: Cell, points: Sequence[Point]) -> None:
        """Keep a finished cell."""
        self.cells[cell] = list(points)
        rows = [p.document() for p in points]
        self._write({"condition": cell[0], "seed": cell[1], "points": rows})

    def _write(self, line: Mapping[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, allow_nan=False) + "\n")

    def _read(self) -> None:
        text = self.path.read_text(encoding="utf-8")
        whole, _, torn = text.rpartition("\n")
        try:
            head, *lines = [json.loads(line) for line in whole.splitlines()]
            found = {(x["condition"], x["seed"]): [point(p) for p in x["points"]] for x in lines}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadInput(
                f"{self.path}: expected finished cells of an experiment, one JSON object a line: "
                f"{error}. Remove the file, or choose another directory with -o."
            ) from None
        self._refuse_another(head)
        self.cells = found
        if torn:  # the line that was being written when the run was killed
            self.path.write_text(whole + "\n", encoding="utf-8")

    def _refuse_another(self, head: Any) -> None:
        if head == self.identity:
            return
        known = head if isinstance(head, dict) else {}
        names = sorted(
            name for name in {*known, *self.identity} if known.get(name) != self.identity.get(name)
        )
        raise BadInput(
            f"{self.path}: expected cells of {self.identity['experiment']} with these settings, "
            f"got other {', '.join(names)}. Choose another directory with -o, or remove the file."
        )
