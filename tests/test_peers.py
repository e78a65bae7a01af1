"""The comparison with peers runs from end to end, for the peer that the tests have."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PEERS = Path(__file__).parent.parent / "benchmarks" / "peers.py"


@pytest.mark.nightly
@pytest.mark.skipif(not PEERS.exists(), reason="installed without the benchmarks")
def test_one_command_compares_us_with_scipy_at_one_error(tmp_path: Path) -> None:
    out = tmp_path / "peers.json"
    command = [sys.executable, str(PEERS), "--quick", "--only", "scipy", "--json", str(out)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    told = json.loads(out.read_text())
    rows = {row["ours"]: row for row in told["rows"]}
    row = rows["batched NumPy"]
    assert row["peer"].startswith("scipy DOP853")
    assert row["ratio"] == pytest.approx(row["peer_us"] / row["ours_us"])
    assert row["ratio"] > 1
    assert all(float(error) <= 1e-11 for error in row["errors"].split(", "))
    assert "dgemm" in done.stdout
