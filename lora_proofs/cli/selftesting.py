"""``selftest``: plant false claims and mutated theorems, and say which went unnoticed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lora_proofs.cli.guard import stoppable
from lora_proofs.cli.options import (
    AsJson,
    Jobs,
    Scheduler,
    Targets,
    crew_of,
    emit,
    note,
    say,
    whole,
)
from lora_proofs.cli.verifying import LARGEST_SEED, processes
from lora_proofs.errors import BadInput

if TYPE_CHECKING:
    from lora_proofs.language.budget import Budget
    from lora_proofs.mutating.reasons import Rows
    from lora_proofs.running.catalogue import Entry
    from lora_proofs.running.scale import Crew

DEFAULT_STATE = Path(".lora-proofs") / "selftest.sqlite"
WIDE = 60
"""Characters of a claim's name in the table."""


def selftest(
    targets: Targets = None,
    budget: Annotated[
        str, typer.Option(metavar="quick|standard|deep", help="How hard to look.")
    ] = "standard",
    seed: Annotated[
        int,
        typer.Option(
            metavar="INTEGER", parser=whole("--seed"), help="What every result is determined by."
        ),
    ] = 0,
    jobs: Jobs = "auto",
    as_json: AsJson = False,
    state: Annotated[
        Path,
        typer.Option(
            metavar="PATH",
            help="The file that lets the next run go on. Its folder has to exist; .lora-proofs is "
            "made.",
        ),
    ] = DEFAULT_STATE,
    reasons: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="TOML: why mutants of your claims are not false."),
    ] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="Print every mutant and what became of it.")
    ] = False,
    scheduler: Scheduler = None,
) -> int:
    """Mutate claims by slips of the pen and see that each false one is refuted.

    The score is the part of the mutants that were refuted, equivalent ones left out; reasons for
    a file's own are read from equivalent_mutants.toml beside it, or from --reasons. An interrupted
    run goes on where it stopped; exit 1 means a score below 95 %, a control that survived, or a
    claim of yours that is false itself or compares nothing but an expression with itself.

    \b
    Examples:
      lora-proofs selftest                         every shipped claim
      lora-proofs selftest my_claim.py --list      a file of your own, mutant by mutant
      lora-proofs selftest 'classical/*' --budget quick --json
      lora-proofs selftest my_claim.py --reasons why.toml
    """
    from lora_proofs.language.budget import budget as budget_named
    from lora_proofs.mutating.reasons import given_reasons
    from lora_proofs.running.selecting import select

    if abs(seed) > LARGEST_SEED:
        raise BadInput(f"--seed: expected an integer of at most 64 bits, got {seed}")
    found, workers = budget_named(budget), processes(jobs)
    own, chosen = given_reasons(reasons), select(targets or [])
    crew = crew_of(scheduler, jobs)
    told = _run(chosen, found, seed, workers, state, crew, own=own, whole=not targets)
    if as_json:
        emit(told)
    else:
        for line in outcome(told, listed):
            say(line)
    return int(told["exit_code"])


def _run(
    entries: Sequence[Entry],
    budget: Budget,
    seed: int,
    jobs: int,
    path: Path,
    crew: Crew | None,
    *,
    own: Rows | None,
    whole: bool,
) -> dict[str, Any]:
    """Self-test everything; an interrupt ends it, and what is finished stays."""
    from lora_proofs.mutating.reasons import written_reasons
    from lora_proofs.running.selftesting import State, document, selftested, stale_reasons

    rows = written_reasons()
    finished: list[tuple[Entry, dict[str, Any]]] = []
    progress, interrupted = _Progress(len(entries)), False
    with State(path) as state:
        try:
            with stoppable():
                runs = selftested(entries, budget, seed, jobs, state, crew=crew)
                for entry, record, known in runs:
                    finished.append((entry, record))
                    progress.finished(record, known)
        except KeyboardInterrupt:
            interrupted = True
            note(
                f"lora-proofs: interrupted; {len(finished)} of {len(entries)} claims are finished "
                f"and in {path}; run it again to go on"
            )
    names = [e.name for e in entries] if whole else list(rows)
    old = stale_reasons(finished, rows, names, own)
    return document(
        finished, rows, own=own, budget=budget.name, seed=seed, stale=old, interrupted=interrupted
    )


class _Progress:
    """A line on stderr for each finished claim, with an estimate of the time that is left."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.known = total, 0, 0
        self.started = time.monotonic()

    def finished(self, record: Mapping[str, Any], known: bool) -> None:
        """Say what became of a claim's mutants."""
        self.done += 1
        self.known += known
        if known:
            return
        refuted = sum(m["outcome"] == "refuted" for m in record["mutants"])
        what = f"{refuted} of {len(record['mutants'])} mutants refuted ({record['seconds']:.1f} s)"
        note(
            f"[{self.done}/{self.total}] {record['name']}: {record['error'] or what}{self._left()}"
        )

    def _left(self) -> str:
        here = self.done - self.known
        each = (time.monotonic() - self.started) / here
        left = each * (self.total - self.done)
        if not left:
            return ""
        return f", about {left / 60:.0f} min left" if left >= 90 else f", about {left:.0f} s left"


def outcome(told: Mapping[str, Any], listed: bool) -> Iterator[str]:
    """The result for people: a table, the survivors, what needs attention, the score."""
    yield f"{'claim':{WIDE}} mutants refuted equivalent survived  sensitivity"
    for row in told["claims"]:
        yield _row(row)
        if listed:
            yield from (_mutant(m) for m in row["tried"])
            yield from _figures(row["sensitivity"])
    yield from _survivors(told)
    yield from _attention(told)
    yield ""
    yield from _by_verdict(told)
    yield _score(told)


def _row(row: Mapping[str, Any]) -> str:
    numbers = (row["mutants"], row["refuted"], row["equivalent"], row["survived"])
    says = row["sensitivity"]["says"] if row["sensitivity"] else ""
    counts = "{:7} {:7} {:10} {:8}".format(*numbers)
    return f"{row['name']:{WIDE}} {counts}  {says}"


def _figures(sensitivity: Mapping[str, Any] | None) -> Iterator[str]:
    """The sensitivity of each comparison."""
    for label, says in (sensitivity or {}).get("comparisons", {}).items():
        yield f"    sensitivity {says}: {label}"


def _mutant(m: Mapping[str, Any]) -> str:
    why = f" ({m['equivalent']})" if m["outcome"] == "equivalent" else ""
    return f"    {m['outcome']:10} {m['id']}: {m['description']}{why}"


def _survivors(told: Mapping[str, Any]) -> Iterator[str]:
    if told["survivors"]:
        yield ""
        yield f"survived, without a written reason ({len(told['survivors'])}):"
    for s in told["survivors"]:
        near = "" if s["slack"] is None else f", smallest relative slack {s['slack']:.2g}"
        yield f"  {s['claim']}: {s['description']}"
        yield f"      {s['id']}; held on {s['instances']} instances{near}"


def _attention(told: Mapping[str, Any]) -> Iterator[str]:
    from lora_proofs.mutating.evaluating import PATIENCE

    for c in told["planted"]["survivors"]:
        yield f"  a planted control survived: {c['claim']}: {c['why']} ({c['problem']})"
    given_up = {"endless": "slips", "evaluations given up": "evaluations of mutants"}
    for why, what in given_up.items():
        if n := told["passed_over"].get(why):
            yield f"  passed over: {n} {what} that did not end within {PATIENCE:g} s of computing"
    for name in told["false_claims"]:
        yield f"  {name}: the claim itself is refuted (see verify); its mutants do not count"
    for c in told["compared_with_itself"]:
        yield _with_itself(c)
    for c in told["unfinished"]:
        yield f"  not finished: {c['claim']}: {c['why']}"
    for row in told["stale_reasons"]:
        yield f"  a written reason that says nothing: {row}"


def _with_itself(c: Mapping[str, Any]) -> str:
    labels = ", ".join(map(repr, c["labels"]))
    rest = "its mutants do not count" if c["alone"] else "slips in it are refuted for nothing"
    return f"  {c['claim']}: {labels} compares an expression with itself; {rest}"


def _by_verdict(told: Mapping[str, Any]) -> Iterator[str]:
    for name, row in told["verdicts"].items():
        false = row["mutants"] - row["equivalent"]
        yield f"of claims that are {name}: {row['refuted']} of {false} mutants refuted"


def _score(told: Mapping[str, Any]) -> str:
    false, planted = told["mutants"] - told["equivalent"], told["planted"]
    score = "none" if told["score"] is None else f"{100 * told['score']:.1f} %"
    return (
        f"score {score}: {told['refuted']} of {false} mutants refuted, {told['equivalent']} "
        f"equivalent; {planted['refuted']} of {planted['controls']} planted controls refuted"
    )
