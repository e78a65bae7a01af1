"""Cost and memory against the size of the batch: run as a process of its own, prints JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import process_time

from contest.problem import T, draw
from lora_proofs.kernels import lora_flow


def peak() -> float:
    """MiB of memory that this process has held at most, NaN where the system does not say.

    Not by ``getrusage``: that counts what the process held that started this one.
    """
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(x.split()[1]) / 1024 for x in lines if x.startswith("VmHWM")), float("nan"))


def main(sizes: list[int]) -> None:
    rows = []
    for N in sizes:
        batch = draw(8, 8, 2, N)
        began = process_time()
        end = lora_flow(0 * batch.E, batch.E, batch.A0, batch.B0, T, method="general")
        seconds = process_time() - began
        rows.append(
            {"N": N, "us": seconds / N * 1e6, "MiB": peak(), "failed": int(end.failed.sum())}
        )
    print(json.dumps(rows))


if __name__ == "__main__":
    main([int(N) for N in sys.argv[1:]])
