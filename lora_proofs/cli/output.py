"""A file that a command writes: checked before the work, written whole or not at all."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lora_proofs.cli.guard import stoppable
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
        self.names_folder = os.path.basename(name) in ("", ".", "..")
        self.force, self.ledger = force, ledger

    def check(self, *, binary: bool) -> None:
        """Raise now what would be raised after the work."""
        if self.path is None:
            if binary and sys.stdout.isatty():
                raise BadInput("report: a terminal shows no PDF; name a file with -o PATH")
            return
        self._refuse(self.path)
        try:
            with self._beside():
                pass
        except OSError as error:
            raise self._unwritable(error) from None

    def _refuse(self, path: Path) -> None:
        if path.is_dir() or self.names_folder:
            raise BadInput(f"{path}: expected a file to write, it is a directory")
        if self._target().is_symlink():
            raise BadInput(f"{path}: expected a file to write, it is a link that leads to itself")
        if path.exists() and not path.is_file():
            raise BadInput(f"{path}: expected a file to write; say -o - for standard output")
        self._refuse_ledger(path)
        if path.exists() and not self.force:
            raise self._exists()
        if not self._target().parent.is_dir():
            raise BadInput(
                f"{path}: cannot be written, there is no directory {self._target().parent}"
            )

    def _refuse_ledger(self, path: Path) -> None:
        """The ledger, and the files that SQLite keeps beside it, there or not."""
        ledger = os.path.realpath(self.ledger)
        same = path.exists() and self.ledger.exists() and path.samefile(self.ledger)
        if same or str(self._target()) == ledger:
            raise BadInput(f"{path}: it is the ledger; name another file")
        if str(self._target()) in (ledger + kept for kept in ("-wal", "-shm", "-journal")):
            raise BadInput(f"{path}: the ledger keeps its records there; name another file")

    def _exists(self) -> BadInput:
        return BadInput(
            f"{self.path}: it exists; name another file, or say --force to overwrite it"
        )

    def _target(self) -> Path:
        """The file itself, where a link leads to it."""
        assert self.path is not None
        return Path(os.path.realpath(self.path))

    @contextmanager
    def _beside(self) -> Iterator[str]:
        """A new file next to the one to write, to take its place; it is gone in the end."""
        with stoppable():
            handle, name = tempfile.mkstemp(dir=self._target().parent, prefix=".report.")
            try:
                os.close(handle)
                yield name
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(name)

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
        with self._beside() as name:
            Path(name).write_bytes(data)
            os.chmod(name, self._mode())
            if self.force:
                os.replace(name, self._target())
            else:
                self._put(name)

    def _mode(self) -> int:
        """The permissions of the file that is replaced; of a new one what is usual."""
        try:
            return self._target().stat().st_mode & 0o777
        except OSError:
            return 0o666 & ~_umask()

    def _put(self, name: str) -> None:
        """Give a whole file its name, unless another took it while the report was being made."""
        try:
            os.link(name, self._target())
        except FileExistsError:
            raise self._exists() from None
        except OSError:  # a file system without links
            self._reserve()
            os.replace(name, self._target())

    def _reserve(self) -> None:
        try:
            os.close(os.open(self._target(), os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            raise self._exists() from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
