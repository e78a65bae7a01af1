"""How a command ends: one exit code, and one message where something is wrong."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

from lora_proofs.errors import Contradiction, LoraProofsError

EXIT_INTERRUPTED, EXIT_INTERNAL, EXIT_BAD_INPUT = 2, 3, 4


ARGUMENTS: ContextVar[tuple[str, ...]] = ContextVar("ARGUMENTS", default=())
"""The arguments that the program was called with, as a run tells the ledger."""


def command_line() -> str:
    """The command that is being run, as a shell takes it.

    >>> command_line()
    'lora-proofs'
    """
    return shlex.join(["lora-proofs", *ARGUMENTS.get()])


class Finished(BaseException):
    """A command's exit code on its way to ``main``, past every handler of the argument parser."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(code)


def guarded(command: Callable[..., int]) -> Callable[..., None]:
    """A command that returns its exit code, with every exception turned into one message."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        raise Finished(attempt(lambda: command(*arguments, **options)))

    return run


def attempt(body: Callable[[], int]) -> int:
    """Run a command's body and flush what it printed; the exit code, whatever is raised."""
    try:
        code = body()
        sys.stdout.flush()
    except KeyboardInterrupt:
        return complain("interrupted", EXIT_INTERRUPTED)
    except LoraProofsError as error:
        kind = "contradiction: " if isinstance(error, Contradiction) else ""
        return complain(f"{kind}{error}", error.exit_code)
    except OSError as error:
        return _unwritable(error)
    except Exception as error:
        return complain(_internal(error), EXIT_INTERNAL)
    return code


def _unwritable(error: OSError) -> int:
    """Output that cannot be written; a reader that went away (a pipe into head) is no message."""
    try:  # it may be another file: then standard output stays what it is
        sys.stdout.flush()
    except (OSError, ValueError):
        silence(sys.stdout)
    if isinstance(error, BrokenPipeError):
        silence(sys.stdout)
        return EXIT_BAD_INPUT
    where = f"{error.filename}: " if error.filename else ""
    return complain(f"{where}cannot read or write: {error.strerror or error}", EXIT_BAD_INPUT)


def _internal(error: Exception) -> str:
    frame = (traceback.extract_tb(error.__traceback__) or [None])[-1]
    where = f" at {os.path.basename(frame.filename)}:{frame.lineno}" if frame else ""
    hint = "" if _debugging() else " (LORA_PROOFS_DEBUG=1 shows the traceback)"
    return f"internal error: {type(error).__name__}: {error}{where}{hint}"


def _debugging() -> bool:
    return os.environ.get("LORA_PROOFS_DEBUG", "") not in ("", "0")


def complain(message: str, code: int) -> int:
    """One message on stderr, with the traceback where debugging asks for it."""
    if _debugging():
        traceback.print_exc()
    try:
        print(f"lora-proofs: {printable(message)}", file=sys.stderr, flush=True)
    except OSError:
        silence(sys.stderr)
    return code


def silence(stream: Any) -> None:
    """Point a broken stream at nothing, so that closing it raises no second error."""
    try:
        with open(os.devnull, "w") as nothing:
            os.dup2(nothing.fileno(), stream.fileno())
    except (OSError, ValueError, AttributeError):
        return


def printable(text: str) -> str:
    """Text without control characters: what a claim says cannot steer a terminal."""
    return "".join(
        c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text
    )


@contextmanager
def stoppable() -> Iterator[None]:
    """Treat a request to terminate like Ctrl-C."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    # Only the main thread may set handlers; elsewhere (a notebook, a server) they stay.
    here = threading.current_thread() is threading.main_thread()
    names = [name for name in ("SIGTERM", "SIGHUP") if here and hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), stop) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
