"""``replay``: judge a recorded counterexample again, from its exact numbers."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lora_proofs.cli.documents import finite, read_json
from lora_proofs.cli.inspecting import the_one
from lora_proofs.cli.options import DEFAULT_LEDGER, AsJson, LedgerPath, emit, note, say, whole
from lora_proofs.errors import BadInput

if TYPE_CHECKING:
    from lora_proofs.running.catalogue import Entry

SECONDS = 300.0
DIGITS = 50


def replay_record(
    record: Annotated[
        str,
        typer.Argument(
            metavar="RECORD", help="A ledger id, or a JSON file that holds a counterexample."
        ),
    ],
    claim: Annotated[
        str | None,
        typer.Option(metavar="CLAIM", help="The claim to replay against, if the file has none."),
    ] = None,
    control: Annotated[
        int | None,
        typer.Option(
            metavar="K", parser=whole("--control"), help="The counterexample of control K instead."
        ),
    ] = None,
    as_json: AsJson = False,
    ledger: LedgerPath = DEFAULT_LEDGER,
) -> int:
    """Replay a counterexample; exits 0 if it refutes again, 1 if it does not.

    \b
    Examples:
      lora-proofs replay 12
      lora-proofs replay 12 --control 1
      lora-proofs replay counterexample.json
      lora-proofs replay counterexample.json --claim my_claim.py
    """
    told = _recorded(record, ledger)
    found = _counterexample(told, control, record)
    entry = the_one(_named(claim, found)) if claim else _recorded_one(_place(told, found, record))
    _say_if_changed(found, entry.locator.sha256)
    from lora_proofs.running.verifying import perform_on

    payload = {"do": "replay", "counterexample": found, "digits": DIGITS}
    result: dict[str, Any] = perform_on(entry, payload, SECONDS)
    result["locator"] = entry.locator.to_dict()
    if as_json:
        emit(result)
    else:
        _print(result)
    return 0 if result["confirmed"] else 1


def _recorded(record: str, path: Path) -> Mapping[str, Any]:
    from lora_proofs.running.catalogue import is_path

    if record.isdecimal():
        from lora_proofs.running.ledger import Ledger

        with Ledger(path, create=False) as ledger:
            return ledger.get(int(record))
    if is_path(record):
        raise BadInput(
            f"{record}: expected a ledger id, or a JSON file that holds a counterexample; got a "
            f"Python file. `lora-proofs verify {shlex.quote(record)}` looks for a counterexample, "
            "and prints the line that replays it; `lora-proofs replay counterexample.json --claim "
            f"{shlex.quote(record)}` replays one that you have"
        )
    told = read_json(record, "a counterexample", constant=finite)
    return _single(told, record)


def _single(told: Any, where: str) -> Mapping[str, Any]:
    """The record in a document of ``verify --json``, if it has one counterexample."""
    if isinstance(told, Mapping) and isinstance(told.get("claims"), list):
        claims = [c for c in told["claims"] if isinstance(c, Mapping) and c.get("counterexample")]
        if len(claims) != 1:
            raise BadInput(
                f"{where}: expected one claim with a counterexample, found {len(claims)}; keep one "
                "of them in the file, or replay by ledger id"
            )
        told = claims[0]
    if not isinstance(told, Mapping):
        raise BadInput(f"{where}: expected a JSON object, got {type(told).__name__}")
    return told


def _counterexample(told: Mapping[str, Any], control: int | None, where: str) -> Mapping[str, Any]:
    if control is not None:
        found = _of_control(told, control, where)
    else:
        found = told if "instance" in told else told.get("counterexample")
    if not isinstance(found, Mapping) or not isinstance(found.get("instance"), Mapping):
        verdict = f"; its verdict is {told['verdict']}" if "verdict" in told else ""
        raise BadInput(
            f'{where}: expected a counterexample, an object with an "instance"; found none{verdict}'
        )
    return found


def _of_control(told: Mapping[str, Any], control: int, where: str) -> Any:
    controls = told.get("controls")
    if not isinstance(controls, list) or not 1 <= control <= len(controls):
        count = len(controls) if isinstance(controls, list) else 0
        raise BadInput(f"{where}: expected --control from 1 to {count}, got {control}")
    return controls[control - 1].get("counterexample")


def _named(target: str, found: Mapping[str, Any]) -> str:
    """The target of ``--claim``; of a file, the claim that the counterexample names."""
    whole_file = target.endswith(".py") and isinstance(found.get("claim"), str)
    return f"{target}::{found['claim']}" if whole_file else target


def _place(told: Mapping[str, Any], found: Mapping[str, Any], where: str) -> str:
    """The target that the record or the counterexample names."""
    name = found.get("claim") or told.get("name")
    locator = found.get("locator") or told.get("locator") or {}
    if not isinstance(name, str) or not isinstance(locator, Mapping):
        raise BadInput(
            f'{where}: expected the name of the claim under "claim"; name it with --claim CLAIM'
        )
    path = locator.get("path")
    return f"{path}::{name}" if path else name


def _recorded_one(target: str) -> Entry:
    """The claim that a record names, whose file may be unknown or gone."""
    try:
        return the_one(target)
    except BadInput as error:
        if type(error) is not BadInput:
            raise
        raise BadInput(f"{error}. For a claim of a file, say which: --claim FILE.py") from None


def _say_if_changed(found: Mapping[str, Any], sha256: str) -> None:
    recorded = (found.get("locator") or {}).get("sha256")
    if recorded and sha256 and recorded != sha256:
        note("lora-proofs: the file has changed since; this replays against its present text")


def _print(result: Mapping[str, Any]) -> None:
    from lora_proofs.cli.outcome import indented, instance, sides
    from lora_proofs.running.telling import compared, margin, short

    control = f", control {result['control']}" if result["control"] else ""
    say(f"{result['claim']}{control}")
    for line in instance(result["instance"]):
        say(line)
    for name, outcome in result["assumptions"].items():
        say(f"  assumption {name}: {outcome}")
        for c in result["checks"].get(name, ()):
            say(f"    {compared(c)}, slack {short(str(c['slack']))}")
    if result["confirmed"]:
        say(f"  {sides(result['comparison'])}, in {result['confirmed_by']} arithmetic")
        for line in filter(None, [indented(margin(result["comparison"]))]):
            say(line)
        modulo = f", modulo {'; '.join(result['cites'])}" if result["cites"] else ""
        say(f"confirmed: the counterexample refutes again{modulo}")
    else:
        say(f"not confirmed: {result['reason']}")
