"""What a report costs: seconds of processor to render it and for the whole command, and its size.

    python benchmarks/report_costs.py LEDGER [--claims 40] [--format html] [--runs 5]

The claims are taken evenly from those of the ledger, by name. To render is from recorded claims to
the text of the file, pictures included, in a process that has imported the claims. The whole
command also starts Python, imports the claims, and reads the ledger; what a process takes that
imports third-party packages alone stands beside it. Every run is a process of its own, as a user
starts it, with bytecode and one BLAS thread. The least time of the runs counts, since other work on
the machine only adds to it. `docs/reports.md` is written from what this prints.
"""

from __future__ import annotations

import argparse
import compileall
import os
import platform
import resource
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import lora_proofs

IMPORTS = "import typer, numpy, flint, mpmath, jinja2"
RENDER = """
import sys, time
from pathlib import Path
from lora_proofs.report import render
from lora_proofs.running.ledger import Ledger
from lora_proofs.running.selecting import select

with Ledger(Path(sys.argv[1]), create=False) as ledger:
    records = [ledger.latest(one.name, str(one.locator)) for one in select(sys.argv[3:])]
start = time.process_time()
render(records, sys.argv[2])
print(time.process_time() - start)
"""
LIMIT_SECONDS, LIMIT_BYTES = 2.0, 2_000_000


def claims_of(ledger: Path, count: int) -> list[str]:
    """Names of shipped claims that a ledger holds, evenly spread."""
    with sqlite3.connect(f"file:{ledger}?mode=ro", uri=True) as opened:
        rows = opened.execute(
            "SELECT DISTINCT name FROM records WHERE place LIKE 'lora_proofs.%' ORDER BY name"
        ).fetchall()
    opened.close()
    if len(rows) < count:
        raise SystemExit(f"{ledger}: expected {count} claims, it has {len(rows)}; verify more")
    return [rows[k * len(rows) // count][0] for k in range(count)]


def processor(command: Sequence[str]) -> float:
    """Seconds of processor of a command, its children included."""
    # Where Python may not write bytecode, it was compiled before; it is read in any case.
    given = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=given, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def rendering(ledger: Path, format: str, names: Sequence[str]) -> float:
    """Seconds of processor from recorded claims to the text of a report."""
    command = [sys.executable, "-c", RENDER, str(ledger.resolve()), format, *names]
    given = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, env=given, check=True, capture_output=True, text=True)
    return float(done.stdout)


def main() -> None:
    """Measure and print; exits 1 beyond a limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ledger", type=Path)
    parser.add_argument("--claims", type=int, default=40)
    parser.add_argument("--format", default="html")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    names = claims_of(given.ledger, given.claims)
    compileall.compile_dir(Path(lora_proofs.__file__).parent, quiet=2)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "report"
        report = [sys.executable, "-m", "lora_proofs", "report", *names, "--format", given.format]
        report += ["--ledger", str(given.ledger.resolve()), "--force", "-o", str(made)]
        whole = min(processor(report) for _ in range(given.runs))
        size = made.stat().st_size
    seconds = min(rendering(given.ledger, given.format, names) for _ in range(given.runs))
    alone = min(processor([sys.executable, "-c", IMPORTS]) for _ in range(given.runs))
    print(f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    print(f"{given.claims} claims as {given.format}: {seconds:.2f} s to render, {size:,} bytes")
    print(f"the whole command: {whole:.2f} s of processor")
    print(f"of that, {alone:.2f} s start Python and import typer, numpy, flint, mpmath and jinja2")
    if given.format == "html" and (seconds > LIMIT_SECONDS or size > LIMIT_BYTES):
        raise SystemExit(f"expected at most {LIMIT_SECONDS:g} s and {LIMIT_BYTES:,} bytes")


if __name__ == "__main__":
    main()
