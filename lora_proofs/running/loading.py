"""A claim by its name or its file, for Python: notebooks and scripts."""

from __future__ import annotations

import textwrap
from pathlib import Path
from types import ModuleType

from lora_proofs.errors import BadInput
from lora_proofs.language.claim import Claim
from lora_proofs.running.catalogue import (
    Entry,
    file_claims,
    installed_claims,
    is_path,
    load,
    named,
    read_file,
    shipped_claims,
)

LONGEST = 60
"""Characters of what came that a message shows."""


def load_claim(target: str, sha256: str = "") -> Claim:
    """The claim of a name, shipped or of an installed package, or the one of a ``.py`` file.

    ``file.py::NAME`` names one of several. A file is executed in this process, which the command
    line never does. With ``sha256`` its text has to be the one of that fingerprint.

    Raises ``BadInput`` where there is no such claim, no such file, or another text, and
    ``ClaimRefused`` for a file that raises or defines no claim.

    >>> load_claim("classical/balancedness").name
    'classical/balancedness'
    """
    if not isinstance(target, str):
        raise BadInput(f"expected the name of a claim, got {type(target).__name__}={target!r}")
    entries = _of_file(target, sha256) if is_path(target) else _named(target)
    if len(entries) > 1:
        names = ", ".join(entry.name for entry in entries)
        raise BadInput(
            f"expected one claim, got {target!r}, which selects {len(entries)}: {names}. Name one "
            "of them (file.py::NAME for a claim of a file)"
        )
    if not entries:
        raise BadInput(f"expected the name of a claim, got the pattern {target!r}: none matches")
    return load(entries[0].locator)


def the_claim(given: Claim | str) -> Claim:
    """The claim that is given, or the one that a text names, as ``load_claim`` reads it.

    Raises ``BadInput`` for anything else, and what ``load_claim`` raises.

    >>> the_claim([])
    Traceback (most recent call last):
    lora_proofs.errors.BadInput: expected a Claim, or the name of one, got list=[]
    """
    if isinstance(given, str):
        return load_claim(given)
    if not isinstance(given, Claim):
        text = textwrap.shorten(repr(given), LONGEST, placeholder=" ...")
        raise BadInput(
            f"expected a Claim, or the name of one, got {type(given).__name__}={text}{_one(given)}"
        )
    return given


def _one(given: object) -> str:
    """What to give in place of something that holds claims."""
    if isinstance(given, list | tuple) and given:
        return ": give them one by one"
    return ": give one of its claims, such as module.claim" if isinstance(given, ModuleType) else ""


def _named(target: str) -> list[Entry]:
    # A claim of ours is found without other packages: one that is broken is not in its way.
    ours = [entry for entry in shipped_claims() if entry.name == target]
    return ours or named(target, (*shipped_claims(), *installed_claims()))


def _of_file(target: str, sha256: str) -> list[Entry]:
    text, _, wanted = target.partition("::")
    path = Path(text)
    _, digest = read_file(path)
    if sha256 and digest != sha256:
        raise BadInput(
            f"{path}: expected the file with SHA-256 {sha256[:12]}..., it is now {digest[:12]}...: "
            "it changed. Leave sha256 out to take the claim as it is now"
        )
    entries = file_claims(path)
    found = [e for e in entries if wanted in ("", e.name, str(e.locator).rpartition(":")[2])]
    if not found:
        names = ", ".join(entry.name for entry in entries)
        raise BadInput(
            f"{path}: expected one of its claims after '::', got {wanted!r}; it has {names}"
        )
    return found
