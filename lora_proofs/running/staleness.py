"""Whether a record is of the claim as it is now: of its file, its words, and the package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lora_proofs.running.provenance import about

if TYPE_CHECKING:
    from lora_proofs.running.catalogue import Entry

FILE, CLAIM, PACKAGE = "file", "claim", "package"
OTHER = (FILE, CLAIM)
"""What makes a record one of another claim than the one that stands there now."""


def changed(entry: Entry, record: Mapping[str, Any], here: str = "") -> dict[str, str]:
    """What changed since a claim was recorded: ``what``, and what it ``was`` and is ``now``.

    A file by its SHA-256; for other claims the words of the claim, and the text of the package.
    Empty where nothing did, and where the record does not say. ``here`` is what ``package_here``
    says: who asks about many records asks for it once, since it looks at every file of ours.
    """
    was = (record.get("locator") or {}).get("sha256") or ""
    now = entry.locator.sha256
    if was and now:
        return {"what": FILE, "was": was, "now": now} if was != now else {}
    before, here = _package(record.get("run") or {}), here or package_here()
    if any(
        key in record and record[key] != entry.told[key] for key in ("statement", "assumptions")
    ):
        return {"what": CLAIM, "was": before or "not recorded", "now": here}
    if entry.shipped and before and before not in (here, here.partition(", ")[0]):
        return {"what": PACKAGE, "was": before, "now": here}
    return {}


def in_words(found: Mapping[str, str]) -> str:
    """What changed, in a line.

    >>> in_words({"what": "file", "was": "ab", "now": "cd"})
    'the file has changed since: its SHA-256 was ab, and is cd now'
    """
    was, now = found["was"], found["now"]
    return {
        FILE: f"the file has changed since: its SHA-256 was {was}, and is {now} now",
        CLAIM: f"the claim has changed since: the package was {was}, and is {now} now",
        PACKAGE: f"the package has changed since: it was {was}, and is {now} now",
    }[found["what"]]


def package_here() -> str:
    """The version of the package that runs, and the fingerprint of its text.

    >>> ", fingerprint " in package_here()
    True
    """
    told = about()
    return _package({"versions": told, "source_fingerprint": told["source"]})


def _package(run: Mapping[str, Any]) -> str:
    """The version of the package, and the fingerprint of its text, as far as a run says so."""
    version = (run.get("versions") or {}).get("lora_proofs")
    text = run.get("source_fingerprint")
    return ", ".join(filter(None, (version, text and f"fingerprint {text}")))
