"""Files of certificates: one bundle a claim, written whole or not at all, and only over our own."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lora_proofs import checker
from lora_proofs.certificates.envelope import FORMAT, certificate
from lora_proofs.errors import BadInput
from lora_proofs.language.budget import Budget
from lora_proofs.language.claim import Claim
from lora_proofs.running.certifying import Written, certificates_of, is_limit, summary
from lora_proofs.running.raising import shown

SECONDS = 120.0
"""What a claim may spend on its certificates, on top of the limit of its budget."""
STAGE = "certificates"
MOST_BYTES = 64 * 2**20


def file_of(folder: Path, name: str) -> Path:
    """Where the certificates of a claim stand.

    >>> str(file_of(Path("out"), "classical/balancedness"))
    'out/classical__balancedness.json'
    """
    return folder / f"{name.replace('/', '__')}.json"


def prepare(folder: Path, names: list[str]) -> None:
    """Make the folder; ``BadInput`` where a file stands in the way that is not ours."""
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"--certificates: expected a folder, got the file {folder}")
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        path = file_of(folder, name)
        if path.exists() and not _is_ours(path):
            raise BadInput(
                f"--certificates: {path} exists and is no certificate of lora-proofs; move it, or "
                "name another folder"
            )
    if not os.access(folder, os.W_OK):
        raise BadInput(f"--certificates: cannot write into {folder}")


def _is_ours(path: Path) -> bool:
    try:
        told = json.loads(path.read_bytes()) if path.stat().st_size <= MOST_BYTES else None
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(told, dict) and told.get("format") == FORMAT


def with_certificates(
    claim: Claim, record: dict[str, Any], budget: Budget, seed: int, folder: Path
) -> dict[str, Any]:
    """The record of a verification with its certificates written, and what it trusts besides."""
    try:
        found = certificates_of(claim, record, budget, seed)
        path = write(folder, claim.name, found)
    except OSError as error:
        found, path = Written(), None
        found.trust(f"no certificates were written: {error.strerror or error}")
    except (checker.Invalid, checker.Malformed) as error:
        found, path = Written(rejected=[f"the file as a whole: {error}"]), None
    except Exception as error:
        # The verdict stands whatever happens here; the run says aloud that something did.
        found, path = Written(rejected=[shown(error)]), None
    return told(record, found, path)


def _fitting(name: str, found: Written) -> dict[str, Any]:
    """The bundle without its longest certificates where it is too much for one file."""
    while True:
        made = bundle(name, found)
        try:
            checker.check(made)
        except checker.Malformed as error:
            if len(found.certificates) < 2 or not is_limit(error):
                raise
            found.drop(max(found.certificates, key=lambda one: len(json.dumps(one))), str(error))
        else:
            return made


def write(folder: Path, name: str, found: Written) -> Path | None:
    """Write the bundle, re-read and re-check it, and put it in place; none where it is empty."""
    path = file_of(folder, name)
    if not found.certificates:
        # What stood there is of another run: it must not be taken for a file of this one.
        path.unlink(missing_ok=True)
        return None
    passing = folder / f".{path.name}.{os.getpid()}.part"
    try:
        made = json.dumps(_fitting(name, found), separators=(",", ":"))
        passing.write_text(made + "\n", encoding="ascii")
        checker.check(json.loads(passing.read_bytes()))
        os.replace(passing, path)
    finally:
        with contextlib.suppress(OSError):
            passing.unlink(missing_ok=True)
    return path


def bundle(name: str, found: Written) -> dict[str, Any]:
    """The certificates of a claim as one."""
    asserts = f"{name}: what its verification rests on, in {len(found.certificates)} certificates"
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


def cut_off(record: dict[str, Any], why: str) -> dict[str, Any]:
    """The record of a verification whose certificates were not finished."""
    sentence = f"no certificates were written: they were stopped after {why}"
    return told(record, Written(trusted={sentence: None}), None)


def sweep_up(folder: Path) -> None:
    """Remove what a killed process left half-written."""
    for left in folder.glob(".*.json.*.part"):
        with contextlib.suppress(OSError):
            left.unlink()
