"""Floor 8: the command line. Every command ends in one exit code and never in a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from lora_proofs.cli.guard import EXIT_BAD_INPUT, EXIT_INTERRUPTED, Finished

USAGE_ERROR, INTERRUPTED_BY_SHELL = 2, 130


def main() -> None:
    """Run ``lora-proofs`` with the arguments of this process, and exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run ``lora-proofs`` with arguments and return its exit code."""
    # Matrices are small here: threads of a linear-algebra library only wait for one another.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    try:
        from lora_proofs.cli.app import app
        from lora_proofs.cli.guard import ARGUMENTS, complain
        from lora_proofs.errors import LoraProofsError
    except KeyboardInterrupt:  # while the commands are being imported
        return EXIT_INTERRUPTED
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    ARGUMENTS.set(tuple(arguments))
    try:
        app(list(arguments), prog_name="lora-proofs")
    except Finished as finished:
        return finished.code
    except LoraProofsError as error:  # while an option is being read
        return complain(str(error), error.exit_code)
    except SystemExit as left:
        return _translated(left.code)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return 0


def _translated(code: str | int | None) -> int:
    """Argument parsers answer 2 to bad usage, which here means interrupted."""
    if code == USAGE_ERROR:
        return EXIT_BAD_INPUT
    if code == INTERRUPTED_BY_SHELL:
        return EXIT_INTERRUPTED
    return code if isinstance(code, int) else 0 if code is None else 3
