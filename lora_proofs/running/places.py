"""Where a run keeps its files: in the folder of its own, which is made, or in one that is there."""

from __future__ import annotations

from pathlib import Path

from lora_proofs.errors import LedgerError

OWN = ".lora-proofs"
"""The folder that a run makes for itself in the working directory."""


def make_home(path: Path, option: str) -> None:
    """Make the folder of a file to keep, if it is our own; another one has to be there.

    Raises ``LedgerError`` where it is not: a slip in the path would start an empty file elsewhere.

    >>> make_home(Path("/lrea/ledger.sqlite"), "--ledger")
    Traceback (most recent call last):
    lora_proofs.errors.LedgerError: /lrea/ledger.sqlite: cannot be made, there is no folder /lrea...
    """
    home = Path(path).parent
    if home.name == OWN:
        home.mkdir(exist_ok=True)
    elif not home.exists():
        raise LedgerError(
            f"{path}: cannot be made, there is no folder {home}. Make it first, or name a file in "
            f"another folder with {option} PATH"
        )
