"""A file that a command writes: checked before the work, written whole or not at all."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from lora_proofs.errors import BadInput

STANDARD = "-"
"""The name of standard output."""


class Output:
    """Where a document goes: a new file, one to overwrite, or standard output (no ``path``).

    Raises ``BadInput`` for a place that cannot be written or must not be.
    """

    def __init__(self, name: str | None, force: bool, ledger: Path) -> None:
        if not name:
            raise BadInput("report: expected -o PATH, the file to write, or -o - to print it")
        # A link stays one: what it leads to is written.
        self.path = None if name == STANDARD else Path(name)
        self.force, self.ledger = force, ledger

    def check(self, *, binary: bool) -> None:
        """Raise now what would be raised after the work."""
        if self.path is None:
            if binary and sys.stdout.isatty():
                raise BadInput("report: a terminal shows no PDF; name a file with -o PATH")
            return
        self._refuse(self.path)
        try:
            os.unlink(self._beside())
        except OSError as error:
            raise self._unwritable(error) from None

    def _refuse(self, path: Path) -> None:
        if path.is_dir():
            raise BadInput(f"{path}: expected a file to write, it is a directory")
        if path.exists() and not path.is_file():
            raise BadInput(f"{path}: expected a file to write; say -o - for standard output")
        if path.exists() and self.ledger.exists() and path.samefile(self.ledger):
            raise BadInput(f"{path}: it is the ledger; name another file")
        if path.exists() and not self.force:
            raise BadInput(f"{path}: it exists; name another file, or say --force to overwrite it")
        if not self._home().is_dir():
            raise BadInput(f"{path}: cannot be written, there is no directory {path.parent}")

    def _home(self) -> Path:
        assert self.path is not None
        return Path(os.path.realpath(self.path)).parent

    def _beside(self) -> str:
        """A new file next to the one to write, which takes its place when it is whole."""
        handle, name = tempfile.mkstemp(dir=self._home(), prefix=".report.")
        os.close(handle)
        return name

    def _unwritable(self, error: OSError) -> BadInput:
        return BadInput(
            f"{self.path}: cannot be written: {error.strerror or error}; name another file"
        )

    def write(self, made: str | bytes) -> None:
        """Write all of it or nothing: a full disk leaves no half report."""
        data = made.encode("utf-8") if isinstance(made, str) else made
        if self.path is None:
            sys.stdout.flush()
            sys.stdout.buffer.write(data)
            return
        try:
            self._replace(data)
        except OSError as error:
            raise self._unwritable(error) from None

    def _replace(self, data: bytes) -> None:
        name = self._beside()
        try:
            Path(name).write_bytes(data)
            os.chmod(name, 0o666 & ~_umask())
            os.replace(name, os.path.realpath(str(self.path)))
        except BaseException:
            os.unlink(name)
            raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
