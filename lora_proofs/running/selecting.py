"""The claims that targets name: names, patterns, files. None of what verifies them is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lora_proofs.errors import BadInput
from lora_proofs.running import catalogue
from lora_proofs.running.catalogue import Entry


def select(targets: Sequence[str]) -> tuple[Entry, ...]:
    """The claims that targets name, each once, by name; no target means every shipped claim.

    Raises ``BadInput`` for a target that names nothing, ``NothingSelected`` where no pattern fits,
    ``ClaimRefused`` for a file that cannot be used and for two claims of one name.
    """
    if not targets:
        found = list(catalogue.shipped_claims())
    else:
        found = [entry for target in targets for entry in _target(target)]
    if not found:
        raise catalogue.nothing(targets)
    distinct = tuple(dict.fromkeys(found))
    catalogue.refuse_duplicates(distinct)
    return tuple(sorted(distinct, key=lambda entry: entry.name))


def _target(target: str) -> Sequence[Entry]:
    if catalogue.is_path(target):
        return _file(target)
    # A claim of ours is found without other packages: one that is broken is not in its way.
    near = catalogue.shipped_near(target)
    ours = [entry for entry in near if entry.name == target]
    if ours:
        return ours
    known = near if catalogue.is_pattern(target) else catalogue.shipped_claims()
    return catalogue.named(target, (*known, *_installed()))


def _installed() -> Sequence[Entry]:
    if not catalogue.installed_modules():
        return ()
    from lora_proofs.running.verifying import installed

    return installed()


def _listed(path: Path) -> Sequence[Entry]:
    from lora_proofs.running.verifying import listed

    return listed(path)


def _file(target: str) -> Sequence[Entry]:
    """The claims of a file, or, after ``::``, the one of a name or an attribute."""
    text, _, wanted = target.partition("::")
    path = Path(text)
    catalogue.read_file(path)
    module = catalogue.module_of(path)
    shipped = (
        [e for e in catalogue.shipped_claims() if e.locator.module == module] if module else []
    )
    entries = shipped or _listed(path)
    if not wanted:
        return entries
    found = [e for e in entries if wanted in (e.name, str(e.locator).rpartition(":")[2])]
    if not found:
        names = ", ".join(entry.name for entry in entries)
        raise BadInput(
            f"{path}: expected one of its claims after '::', got {wanted!r}; it has {names}"
        )
    return found
