"""``check``: certificates, re-verified by the independent checker."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Annotated, Any

import typer

from lora_proofs.cli.options import AsJson, emit
from lora_proofs.errors import BadInput


def check_certificates(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="Certificates; of a folder, every .json file in it."
        ),
    ],
    as_json: AsJson = False,
) -> int:
    """Re-verify certificates with the checker alone; exits 0 if all are valid, 1 if one is not,
    4 if a file is no certificate.

    What the checker cannot re-check is printed as trusted. The same file runs without this
    package: python checker.py FILE...

    \b
    Examples:
      lora-proofs check out/classical__balancedness.json
      lora-proofs check out                        every certificate in a folder
      lora-proofs check out --json
    """
    from lora_proofs import checker

    names = [str(path) for given in files for path in _files(given)]
    if not as_json:
        return int(checker.main(names))
    told = [_checked(name) for name in names]
    code = max(int(file["exit_code"]) for file in told)
    emit({"schema_version": 1, "command": "check", "files": told, "exit_code": code})
    return code


def _files(given: Path) -> list[Path]:
    """A file, or the certificates in a folder, by name."""
    if not given.is_dir():
        return [given]
    found = sorted(path for path in given.glob("*.json") if not path.name.startswith("."))
    if not found:
        raise BadInput(f"{given}: expected a folder with certificates, it holds no .json file")
    return found


def _checked(name: str) -> dict[str, Any]:
    """What the checker says of one file."""
    from lora_proofs import checker

    said, problem = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(problem):
        code = checker.main([name])
    lines, error = said.getvalue().splitlines(), problem.getvalue().strip()
    return {"file": name, "exit_code": code, "lines": lines, "error": error or None}
