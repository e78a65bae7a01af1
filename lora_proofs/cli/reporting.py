"""``report``: one file on recorded claims. Nothing is run; the ledger is read."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from lora_proofs.cli.options import DEFAULT_LEDGER, LedgerPath, Targets, note
from lora_proofs.errors import BadInput


def write_report(
    targets: Targets = None,
    form: Annotated[
        str, typer.Option("--format", metavar="html|markdown", help="The face of the report.")
    ] = "html",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="PATH", help="The file to write.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    ledger: LedgerPath = DEFAULT_LEDGER,
) -> int:
    """Write a report from the ledger: the last record of each claim, in one file.

    \b
    Examples:
      lora-proofs verify && lora-proofs report --format html -o report.html
      lora-proofs report 'rushka-klabjan/*' --format markdown -o flow.md --force
    """
    path = _target(output, force)
    records = _records(targets or [], ledger)
    from lora_proofs.report import render

    _write(path, render(records, form))
    note(f"wrote {path}: {len(records)} claim(s)")
    return 0


def _target(output: Path | None, force: bool) -> Path:
    if output is None:
        raise BadInput("report: expected -o PATH, the file to write")
    if output.is_dir():
        raise BadInput(f"{output}: expected a file to write, it is a directory")
    if output.exists() and not force:
        raise BadInput(f"{output}: it exists; name another file, or say --force to overwrite it")
    if not output.parent.is_dir():
        raise BadInput(f"{output}: cannot be written, there is no directory {output.parent}")
    return output


def _records(targets: Sequence[str], path: Path) -> list[Mapping[str, Any]]:
    from lora_proofs.running.ledger import Ledger
    from lora_proofs.running.verifying import select

    entries = select(targets)
    with Ledger(path, create=False) as ledger:
        found = [(e.name, ledger.latest(e.name, str(e.locator))) for e in entries]
    missing = [name for name, record in found if record is None]
    if len(missing) == len(found):
        raise BadInput(
            f"{path}: expected records of the selected claims, it has none of them. Run "
            "`lora-proofs verify` on them first"
        )
    if missing:
        named = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        note(
            f"lora-proofs: {len(missing)} of {len(found)} claims are not in the ledger, so not in "
            f"the report: {named}"
        )
    return [record for _, record in found if record is not None]


def _write(path: Path, text: str) -> None:
    """Write all of it or nothing: a full disk leaves no half report."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
