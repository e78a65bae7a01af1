"""A whole quick verification from a cold start, in units of starting Python with SymPy."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path


def test_verify_quick(versus: Callable[..., None], tmp_path: Path) -> None:
    ledger = str(tmp_path / "ledger.sqlite")
    command = ["-m", "lora_proofs", "verify", "--budget", "quick", "--ledger", ledger]
    versus(
        "lora-proofs verify --budget quick, cold",
        lambda: _python(*command),
        "python -c 'import sympy', cold",
        lambda: _python("-c", "import sympy"),
        rounds=1,
    )


def _python(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
