"""``verify``: run claims, record each as it is finished, and say what came out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lora_proofs.cli.guard import EXIT_BAD_INPUT, EXIT_INTERRUPTED, command_line, stoppable
from lora_proofs.cli.options import (
    DEFAULT_LEDGER,
    AsJson,
    Jobs,
    LedgerPath,
    Scheduler,
    Targets,
    crew_of,
    emit,
    note,
    say,
    seconds,
    whole,
)
from lora_proofs.errors import BadInput

if TYPE_CHECKING:
    from lora_proofs.cli.progress import Shown
    from lora_proofs.language.budget import Budget
    from lora_proofs.running.catalogue import Entry
    from lora_proofs.running.ledger import Ledger
    from lora_proofs.running.resuming import Book
    from lora_proofs.running.scale import Crew

LARGEST_SEED = 2**63 - 1
LONGEST = 1_000_000.0
"""Seconds that a claim may be given, about twelve days: a longer wait is more than a lock takes."""


def verify_claims(
    targets: Targets = None,
    budget: Annotated[
        str, typer.Option(metavar="quick|standard|deep", help="How much evidence to gather.")
    ] = "standard",
    seed: Annotated[
        int,
        typer.Option(
            metavar="INTEGER",
            parser=whole("--seed"),
            help="What every verdict and counterexample is determined by.",
        ),
    ] = 0,
    jobs: Jobs = "auto",
    time_limit: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            parser=seconds("--time-limit"),
            help="How long a claim may take before it is stopped and INCONCLUSIVE. Without it: "
            "20, 120 or 1800 s, by the budget. Loading its file is part of it. Before that, "
            "a file is loaded once to list its claims, within 20 s; the variable "
            "LORA_PROOFS_LOAD_SECONDS sets another limit for that.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    junit_xml: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Also write a JUnit XML file, in a folder that exists."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 6 if anything is INCONCLUSIVE.")
    ] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with a run of the same claims, budget, seed and code that was ended: what "
            "it had finished is taken from the ledger.",
        ),
    ] = False,
    ledger: LedgerPath = DEFAULT_LEDGER,
    certificates: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write certificates there; `check` re-verifies them. The folder is made where "
            "there is none, with those above it.",
        ),
    ] = None,
    scheduler: Scheduler = None,
) -> int:
    """Verify claims: derive, sample, certify, attack, judge; record each as it is finished.

    The sha256 at the end is the digest of names, verdicts, scopes, regimes and exact
    counterexamples. Two runs with equal digests found the same; it depends neither on the machine
    nor on --jobs nor on time, and holds no floats.

    \b
    Examples:
      lora-proofs verify                           every shipped claim
      lora-proofs verify 'classical/*' --budget quick
      lora-proofs verify my_claim.py               a file of your own; exits 1 if it is refuted
      lora-proofs verify --json > verdicts.json
      lora-proofs verify --budget deep --resume    goes on where a run was ended
      lora-proofs verify classical/balancedness --certificates out
      lora-proofs verify --scheduler tcp://cluster:8786
    """
    from lora_proofs.language.budget import budget as budget_named
    from lora_proofs.running.selecting import select

    checked_seed(seed)
    found, workers = _limited(budget_named(budget), time_limit), processes(jobs)
    crew = crew_of(scheduler, jobs)
    if junit_xml:
        _writable(junit_xml)
    entries = select(targets or [])
    if certificates:
        from lora_proofs.running.certificate_files import prepare

        prepare(certificates, entries)
    run = Run(entries, found, seed, workers, ledger, certificates, crew, resume)
    finished = run.interruptible()
    code = EXIT_INTERRUPTED if run.interrupted else _code(finished, strict)
    _print(run, finished, code, as_json)
    if junit_xml:
        from lora_proofs.cli.junit import junit

        junit_xml.write_text(junit(finished), encoding="utf-8")
    return code


def checked_seed(seed: int) -> int:
    """The seed, where the ledger takes it."""
    if abs(seed) > LARGEST_SEED:
        raise BadInput(f"--seed: expected an integer of at most 64 bits, got {seed}")
    return seed


def processes(text: str) -> int:
    """How many processes ``--jobs`` asks for."""
    from lora_proofs.running.scale import processors

    if text == "auto":
        return processors()
    if not text.isdecimal() or int(text) < 1:
        raise BadInput(f"--jobs: expected a number of processes from 1 up, or auto; got {text!r}")
    return int(text)


def _limited(budget: Budget, seconds: float | None) -> Budget:
    """The budget with another limit on the time of a claim, if one is given."""
    from dataclasses import replace

    if seconds is None:
        return budget
    if not 0 < seconds <= LONGEST:
        raise BadInput(
            f"--time-limit: expected a number of seconds above 0 and up to {LONGEST:g}, got "
            f"{seconds:g}"
        )
    return replace(budget, wall=seconds)


def _writable(path: Path) -> None:
    """Raise ``OSError`` now rather than after the run."""
    existed = path.exists()
    path.open("a", encoding="utf-8").close()
    if not existed:
        path.unlink()


def _code(records: Sequence[dict[str, Any]], strict: bool) -> int:
    from lora_proofs.running.certificate_files import problems
    from lora_proofs.running.records import exit_code

    code = exit_code(records, strict=strict)
    return EXIT_BAD_INPUT if problems(records) and code in (0, 1, 6) else code


class Run:
    """One call of ``verify``, or of what verifies first: its claims, and what is finished."""

    def __init__(
        self,
        entries: Sequence[Entry],
        budget: Budget,
        seed: int,
        jobs: int,
        ledger: Path,
        certificates: Path | None = None,
        crew: Crew | None = None,
        resume: bool = False,
        again: str = "the same command with --resume goes on from there",
    ) -> None:
        self.entries, self.budget, self.seed = entries, budget, seed
        self.jobs, self.ledger, self.certificates, self.crew = jobs, ledger, certificates, crew
        self.resume, self.again = resume, again
        self.interrupted = False
        self.finished: dict[str, dict[str, Any]] = {}

    def interruptible(self) -> list[dict[str, Any]]:
        """Verify everything; an interrupt ends it, and what is finished stays."""
        try:
            with stoppable():
                self._verify()
        except KeyboardInterrupt:
            self.interrupted = True
            note(
                f"lora-proofs: interrupted; {len(self.finished)} of {len(self.entries)} claims are "
                f"finished and in {self.ledger}; {self.again}"
            )
        if self.certificates:
            from lora_proofs.running.certificate_files import sweep_up

            sweep_up(self.certificates)
        return [self.finished[e.name] for e in self.entries if e.name in self.finished]

    def _verify(self) -> None:
        from lora_proofs.cli.progress import progress
        from lora_proofs.running.ledger import Ledger
        from lora_proofs.running.resuming import Book
        from lora_proofs.running.verifying import verified

        with (
            Ledger(self.ledger) as ledger,
            self._told(ledger),
            progress(len(self.entries)) as shown,
        ):
            book = Book(ledger, self.budget, self.seed, self.resume)
            waiting = [entry for entry in self.entries if not self._taken_over(entry, book, shown)]
            # The longest first: then no long one runs alone at the end.
            longest = sorted(
                waiting, key=lambda e: ledger.seconds(e.name, str(e.locator)), reverse=True
            )
            how = (self.jobs, shown.reached, self.certificates, self.crew, book)
            for entry, record in verified(longest, self.budget, self.seed, *how):
                self._keep(ledger, entry, record, shown)

    def _keep(self, ledger: Ledger, entry: Entry, record: dict[str, Any], shown: Shown) -> None:
        place, budget = str(entry.locator), self.budget.name
        kept = ledger.append(record, place=place, budget=budget, seed=self.seed)
        self.finished[entry.name] = kept
        _say_if_rejected(kept)
        if self.certificates:
            from lora_proofs.running.certificate_files import clear_stale

            clear_stale(self.certificates, kept)
        shown.finished(kept)

    def _told(self, ledger: Ledger) -> AbstractContextManager[None]:
        """The run as the ledger knows it, so that a report can say what it left open."""
        from lora_proofs.running.history import kept_run

        resumed = self.resume and not self.certificates
        how = (self.entries, self.budget, self.seed)
        return kept_run(ledger, *how, command=command_line(), resumed=resumed)

    def _taken_over(self, entry: Entry, book: Book, shown: Shown) -> bool:
        """Whether the run that goes on had finished a claim; certificates are made again."""
        found = None if self.certificates else book.finished(entry)
        if found:
            self.finished[entry.name] = found
            shown.finished(found, taken_over=True)
        return found is not None


def _say_if_rejected(record: dict[str, Any]) -> None:
    """A certificate of ours that the checker rejects is an internal error, and is said aloud."""
    for problem in record["certificates"].get("rejected", ()):
        note(f"lora-proofs: internal error: {record['name']}: a certificate is rejected: {problem}")


def _print(run: Run, records: Sequence[dict[str, Any]], code: int, as_json: bool) -> None:
    from lora_proofs.running.records import document

    told = document(records, seed=run.seed, budget=run.budget.name, code=code)
    if as_json:
        emit(told)
        return
    from lora_proofs.cli.outcome import outcome

    for line in outcome(told, run.ledger):
        say(line)
