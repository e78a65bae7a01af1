"""``report``: one file on recorded claims, from the ledger or from a run that fills it first."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lora_proofs.cli.guard import EXIT_INTERRUPTED
from lora_proofs.cli.options import DEFAULT_LEDGER, LedgerPath, Targets, note, whole
from lora_proofs.cli.output import Output
from lora_proofs.errors import BadInput, LoraProofsError

if TYPE_CHECKING:
    from lora_proofs.running.catalogue import Entry
    from lora_proofs.running.ledger import Ledger

NAMES = "html|pdf|latex|markdown|notebook"


def write_report(
    targets: Targets = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar=NAMES,
            help="The face of the report. Without it, what the ending of PATH says, or html.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH",
            help="The file to write, in a folder that exists; - is standard output.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Verify the claims first; their records are kept.")
    ] = False,
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="quick|standard|deep",
            help="With --fresh: how much evidence to gather; standard without it.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="INTEGER",
            parser=whole("--seed"),
            help="With --fresh: the seed; 0 without it.",
            show_default=False,
        ),
    ] = None,
    jobs: Annotated[
        str | None,
        typer.Option(metavar="N|auto", help="With --fresh: worker processes.", show_default=False),
    ] = None,
    ledger: LedgerPath = DEFAULT_LEDGER,
) -> int:
    """Write a report: the last record of each claim in the ledger, in one file.

    With --fresh the claims are verified first, and the ledger keeps that. A run that is interrupted
    is reported as far as it came, says so, and exits 2.

    \b
    Examples:
      lora-proofs verify && lora-proofs report -o report.html
      lora-proofs report 'rushka-klabjan/*' --format markdown -o flow.md --force
      lora-proofs report my_claim.py --fresh --budget quick -o report.pdf
      lora-proofs report --format latex -o - > report.tex
    """
    from lora_proofs.report.faces import face
    from lora_proofs.running.selecting import select

    file = Output(output, force, ledger)
    kind = form or _by_ending(file)
    made = face(kind)
    file.check(binary=made.binary)
    made.load()
    options = {"--budget": budget, "--seed": seed, "--jobs": jobs}
    if not fresh and (given := [name for name, value in options.items() if value is not None]):
        raise BadInput(
            f"report: {', '.join(given)} says how a run verifies; add --fresh to verify first"
        )
    with _uncollected():
        entries = select(targets or [])
        _refuse_names_of_ours(entries)
    interrupted = fresh and _verified(entries, ledger, budget, seed, jobs)
    with _uncollected():
        records, history = _recorded(entries, ledger, interrupted)

        from lora_proofs.report import document

        told = made(document(records, history))
    file.write(told)
    if file.path:
        named = _endings().get(file.path.suffix.lower(), kind)
        other = "" if named == kind else f"; it holds {kind}, although its name says {named}"
        note(f"wrote {file.path}: {len(records)} claim(s){other}")
    return EXIT_INTERRUPTED if interrupted else 0


def _refuse_names_of_ours(entries: Sequence[Entry]) -> None:
    """A claim of a file that is named as a shipped one would stand in the report in its place."""
    from lora_proofs.running.catalogue import shipped_near

    for entry in entries:
        if not entry.shipped and any(e.name == entry.name for e in shipped_near(entry.name)):
            raise BadInput(
                f"{entry.home}: its claim is named {entry.name!r}, as a shipped claim is; rename "
                "it, so that no reader takes one for the other"
            )


@contextmanager
def _uncollected() -> Iterator[None]:
    """No search for cycles meanwhile: a report makes a million values and next to no cycles."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def _endings() -> dict[str, str]:
    """The format that the ending of a name says."""
    from lora_proofs.report.faces import FORMATS

    return {one.ending: name for name, one in FORMATS.items()}


def _by_ending(file: Output) -> str:
    ending = file.path.suffix.lower() if file.path else ""
    by_ending = _endings()
    if ending and ending not in by_ending:
        raise BadInput(
            f"{file.path}: expected a name that ends in one of {', '.join(by_ending)}, got "
            f"{ending}; end it so, or say --format {NAMES}"
        )
    return by_ending.get(ending, "html")


_AGAIN = (
    "`lora-proofs verify --resume` with the same targets, budget and ledger goes on from there, "
    "and this command without --fresh reports it"
)


def _verified(
    entries: Sequence[Entry],
    ledger: Path,
    budget: str | None,
    seed: int | None,
    jobs: str | None,
) -> bool:
    """Verify the claims into the ledger; whether that was interrupted."""
    from lora_proofs.cli.verifying import Run, checked_seed, processes
    from lora_proofs.language.budget import budget as budget_named

    how = budget_named(budget or "standard")
    run = Run(
        entries, how, checked_seed(seed or 0), processes(jobs or "auto"), ledger, again=_AGAIN
    )
    run.interruptible()
    return run.interrupted


def _recorded(
    entries: Sequence[Entry], path: Path, interrupted: bool
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The last record of each claim, and what the ledger knows of the runs behind them."""
    from lora_proofs.running.history import history
    from lora_proofs.running.ledger import Ledger

    with Ledger(path, create=False) as ledger:
        found = [ledger.latest(entry.name, str(entry.locator)) for entry in entries]
        told = history(ledger, entries, found)
        records = [record for record in found if record is not None]
        told["changed"] = _changed(entries, found)
        told["beside"] = {name: one for name, one in _corrections(records, ledger)}
        told["earlier"] = _earlier(entries, found, ledger)
    if not records and not interrupted:
        raise BadInput(
            f"{path}: expected records of the selected claims, it has none of them. Run "
            "`lora-proofs verify` on them first, or add --fresh"
        )
    _warn(told["changed"])
    left = len(entries) - len(records)
    if left:
        note(f"lora-proofs: {left} of {len(entries)} claims are not in the ledger; it says which")
    return records, told


def _changed(
    entries: Sequence[Entry], records: Sequence[dict[str, Any] | None]
) -> dict[str, dict[str, str]]:
    """What changed since the records were made, by the claim's name."""
    from lora_proofs.running.staleness import changed, package_here

    here = package_here()
    pairs = ((e.name, changed(e, r, here)) for e, r in zip(entries, records, strict=True) if r)
    return {name: found for name, found in pairs if found}


def _warn(changed: Mapping[str, dict[str, str]]) -> None:
    """Say on stderr which records are of another claim than stands there now, or package."""
    from lora_proofs.running.staleness import OTHER, in_words

    others = {name: found for name, found in changed.items() if found["what"] in OTHER}
    for name, found in others.items():
        note(
            f"lora-proofs: {name}: {in_words(found)}; the report is of the record. Verify it again"
        )
    if len(changed) > len(others):
        told = next(in_words(found) for found in changed.values() if found["what"] not in OTHER)
        many = len(changed) - len(others)
        note(f"lora-proofs: {told}; {many} claim(s) were recorded before. Verify again to be sure")


def _earlier(
    entries: Sequence[Entry], records: Sequence[dict[str, Any] | None], ledger: Ledger
) -> dict[str, list[dict[str, Any]]]:
    """Earlier records that differ from the last one, which a report shows, by the claim's name."""
    from lora_proofs.running.history import differing

    pairs = zip(entries, records, strict=True)
    found = ((e.name, differing(ledger, r, str(e.locator))) for e, r in pairs if r)
    return {name: others for name, others in found if others}


def _corrections(
    records: Sequence[dict[str, Any]], ledger: Ledger
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What corrects a false claim, where that was not asked for: its record, or what it states."""
    from lora_proofs.running.catalogue import is_path
    from lora_proofs.running.selecting import select
    from lora_proofs.running.staleness import OTHER, changed, in_words

    known = {record["name"] for record in records}
    named = dict.fromkeys(record.get("source", {}).get("corrected_by") for record in records)
    for name in named:
        if not name or name in known or is_path(name):
            continue
        try:
            (entry,) = select([name])
        except (LoraProofsError, ValueError):
            continue  # a claim may name what is not there
        record = ledger.latest(name, str(entry.locator))
        found = changed(entry, record) if record else {}
        if found.get("what") in OTHER:  # a verdict on other words than stand there now
            yield name, {**entry.told, "stale": in_words(found)}
        else:
            yield name, record or entry.told
