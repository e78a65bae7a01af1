"""Files of certificates: one bundle a claim, written whole or not at all, and only over our own."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lora_proofs import checker
from lora_proofs.certificates.envelope import FORMAT, certificate
from lora_proofs.errors import BadInput
from lora_proofs.judging.raising import shown
from lora_proofs.language.budget import Budget
from lora_proofs.language.claim import Claim
from lora_proofs.running.catalogue import Entry, Locator
from lora_proofs.running.certifying import Written, certificates_of, is_limit, summary

SECONDS = 120.0
"""What a claim may spend on its certificates, on top of the limit of its budget."""
STAGE = "certificates"
MOST_BYTES = 64 * 2**20
FROM = "; the claim is at "


def file_of(folder: Path, name: str) -> Path:
    """Where the certificates of a claim stand.

    >>> str(file_of(Path("out"), "classical/balancedness"))
    'out/classical__balancedness.json'
    """
    return folder / f"{name.replace('/', '__')}.json"


def source_of(locator: Locator) -> str:
    """What a bundle says of where its claim stands.

    >>> source_of(Locator(path="/home/me/claims.py", sha256="5e", attribute="mine"))
    'claims.py:mine, sha256:5e'
    """
    if not locator.path:
        return str(locator)
    place = str(locator).rpartition(":")[2]
    return f"{Path(locator.path).name}:{place}, sha256:{locator.sha256}"


def prepare(folder: Path, entries: Sequence[Entry]) -> None:
    """Make the folder; ``BadInput`` where a file stands in the way that is not ours.

    One of a claim of the same name that stands elsewhere is in the way, too.
    """
    if (folder.exists() or folder.is_symlink()) and not folder.is_dir():
        what = "file" if folder.exists() else "link to nothing"
        raise BadInput(f"--certificates: expected a folder, got the {what} {folder}")
    folder.mkdir(parents=True, exist_ok=True)
    for entry in entries:
        path = file_of(folder, entry.name)
        if path.exists() or path.is_symlink():
            _refuse_to_replace(path, source_of(entry.locator))
    if not os.access(folder, os.W_OK):
        raise BadInput(f"--certificates: cannot write into {folder}")


def _refuse_to_replace(path: Path, source: str) -> None:
    told = _ours(path)
    if told is None:
        raise BadInput(
            f"--certificates: {path} exists and is no certificate of lora-proofs; move it, or "
            "name another folder"
        )
    _, mark, other = str(told.get("asserts")).partition(FROM)
    # A file may have changed since; another file, or the package, is another source.
    if mark and _place(other) != _place(source):
        raise BadInput(
            f"--certificates: {path} holds certificates of the claim at {_place(other)}, expected "
            f"those of {_place(source)}; name another folder, or rename the claim"
        )


def _place(source: str) -> str:
    return source.partition(", sha256:")[0]


def _ours(path: Path) -> dict[str, Any] | None:
    try:
        told = json.loads(path.read_bytes()) if path.stat().st_size <= MOST_BYTES else None
    except (OSError, ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) and told.get("format") == FORMAT else None


def clear_stale(folder: Path, record: Mapping[str, Any]) -> None:
    """Remove the file of an earlier run where this one wrote none: it is not of this verdict."""
    path = file_of(folder, record["name"])
    if not record["certificates"].get("written", {}).get("file") and _ours(path) is not None:
        with contextlib.suppress(OSError):
            path.unlink()


def with_certificates(
    claim: Claim,
    record: dict[str, Any],
    budget: Budget,
    seed: int,
    folder: Path,
    source: str = "",
) -> dict[str, Any]:
    """The record of a verification with its certificates written, and what it trusts besides."""
    try:
        found = certificates_of(claim, record, budget, seed)
        path = write(folder, claim.name, found, source)
    except OSError as error:
        return unwritten(record, f"{file_of(folder, claim.name)}: {error.strerror or error}")
    except (checker.Invalid, checker.Malformed) as error:
        found, path = Written(rejected=[f"the file as a whole: {error}"]), None
    except Exception as error:
        # The verdict stands whatever happens here; the run says aloud that something did.
        found, path = Written(rejected=[shown(error)]), None
    return told(record, found, path)


def _fitting(name: str, found: Written, source: str = "") -> dict[str, Any]:
    """The bundle without its longest certificates where it is too much for one file."""
    while True:
        made = bundle(name, found, source)
        try:
            checker.check(made)
        except checker.Malformed as error:
            if len(found.certificates) < 2 or not is_limit(error):
                raise
            found.drop(max(found.certificates, key=lambda one: len(json.dumps(one))), str(error))
        else:
            return made


def write(folder: Path, name: str, found: Written, source: str = "") -> Path | None:
    """Write the bundle, re-read and re-check it, and put it in place; none where it is empty."""
    path = file_of(folder, name)
    if not found.certificates:
        # What stood there is of another run: it must not be taken for a file of this one.
        path.unlink(missing_ok=True)
        return None
    made = json.dumps(_fitting(name, found, source), separators=(",", ":"))
    _put(path, made + "\n")
    return path


def _put(path: Path, text: str) -> None:
    """Write a bundle beside its place, re-read and re-check it, and put it there."""
    passing = path.parent / f".{path.name}.{os.getpid()}.part"
    try:
        passing.write_text(text, encoding="ascii")
        checker.check(json.loads(passing.read_bytes()))
        os.replace(passing, path)
    finally:
        with contextlib.suppress(OSError):
            passing.unlink(missing_ok=True)


def received(record: dict[str, Any], text: str) -> dict[str, Any]:
    """The record of a verification done elsewhere, with its bundle, checked here, in its place."""
    written = record["certificates"]["written"]
    try:
        _put(Path(written["file"]), text)
    except (OSError, ValueError, checker.Invalid, checker.Malformed) as error:
        why = f"{written['file']}: {getattr(error, 'strerror', None) or error}"
        without = {**written, "file": None, "problem": why}
        reasons = [*record["reasons"], f"no certificates were written: {why}"]
        return {
            **record,
            "certificates": {**record["certificates"], "written": without},
            "reasons": reasons,
        }
    return record


def bundle(name: str, found: Written, source: str = "") -> dict[str, Any]:
    """The certificates of a claim as one, which says where the claim stands."""
    asserts = f"{name}: what its verification rests on, in {len(found.certificates)} certificates"
    asserts += f"{FROM}{source}" if source else ""
    return certificate("bundle", name, asserts, certificates=found.certificates)


def told(record: Mapping[str, Any], found: Written, path: Path | None) -> dict[str, Any]:
    """The record with what was written, what is trusted, and what the checker rejected."""
    written = {"file": str(path) if path else None, **summary(found)}
    more = {"written": written, "trusted": list(found.trusted), "rejected": found.rejected}
    reasons = [*record["reasons"], *reasons_of(found)]
    return {
        **record,
        "certificates": {**record["certificates"], **more},
        "reasons": reasons,
    }


def reasons_of(found: Written) -> list[str]:
    """What the verdict's reasons say of its certificates."""
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(found.counts.items()))
    reasons = [f"re-checked by the independent checker: {counts or 'nothing'}"]
    if found.trusted:
        reasons.append(f"trusted, not re-checked: {'; '.join(found.trusted)}")
    return reasons


def unwritten(record: dict[str, Any], why: str) -> dict[str, Any]:
    """The record of a verification whose certificates could not be written to a file."""
    sentence = f"no certificates were written: {why}"
    without = told(record, Written(trusted={sentence: None}), None)
    without["certificates"]["written"]["problem"] = why
    return without


def problems(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Why certificates could not be written, for each claim where that is so.

    >>> problems([{"certificates": {"written": {"file": None, "problem": "No space left"}}}])
    ['No space left']
    """
    written = [record["certificates"].get("written", {}) for record in records]
    return [one["problem"] for one in written if one.get("problem")]


def cut_off(record: dict[str, Any], why: str) -> dict[str, Any]:
    """The record of a verification whose certificates were not finished."""
    sentence = f"no certificates were written: they were stopped after {why}"
    return told(record, Written(trusted={sentence: None}), None)


def sweep_up(folder: Path) -> None:
    """Remove what a killed process left half-written; what another one is writing stays."""
    for left in folder.glob(".*.json.*.part"):
        if not _alive(left.name.split(".")[-2]):
            with contextlib.suppress(OSError):
                left.unlink()


def _alive(pid: str) -> bool:
    """Whether another process of this number runs."""
    if not pid.isdecimal() or int(pid) == os.getpid():
        return False
    if os.name != "posix":  # there, signal 0 is one that is sent
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass
    return True
