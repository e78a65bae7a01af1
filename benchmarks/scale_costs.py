"""What a large run costs: an instance, a unit of work, a record; and what a second process gives.

    python benchmarks/scale_costs.py [--budget quick] [--units 200] [TARGET ...]

Times are seconds of processor, with one BLAS thread, so that other work on the machine counts
little; wall times stand beside them. With the extra `cluster`, units are also counted on a Dask
cluster of this machine. `docs/scale.md` is written from what this prints.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib import util
from pathlib import Path
from typing import Any

from lora_proofs.errors import LoraProofsError
from lora_proofs.language.budget import budget as budget_named
from lora_proofs.running.catalogue import Entry
from lora_proofs.running.ledger import Ledger
from lora_proofs.running.scale import Crew, Pool, Task
from lora_proofs.running.verifying import select, verified

SMALL = "classical/balancedness"
PATIENCE = 3600.0
"""Seconds that a claim may take: on a busy machine, none is to be stopped."""


class Watched(Pool):
    """A pool that says, when it closes, how many seconds of processor each process has taken."""

    def __init__(self, jobs: int) -> None:
        super().__init__(jobs)
        self.seconds: list[float] = []

    def close(self) -> None:
        """Read the times of the processes, then end them."""
        self.seconds += [_processor(w.process.pid) for w in (*self.busy, *self.idle)]
        super().close()


def _processor(pid: int) -> float:
    """Seconds of processor of a process and the children that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def timed(told: dict[str, float], name: str) -> Iterator[None]:
    """Wall and processor time of this process, under a name."""
    wall, processor = time.perf_counter(), time.process_time()
    yield
    told[f"{name}: wall"] = time.perf_counter() - wall
    told[f"{name}: parent"] = time.process_time() - processor


def spread(entries: Sequence[Entry], budget: str, jobs: int) -> tuple[dict[str, Any], list[Any]]:
    """A run over some processes: its times, and its records."""
    told: dict[str, Any] = {}
    pool = Watched(jobs)
    with timed(told, "run"):
        given = replace(budget_named(budget), wall=PATIENCE)
        runs = verified(entries, given, 0, jobs, lambda *_: None, None, pool)
        records = [record for _, record in runs]
    return {**told, "processes": pool.seconds}, records


def instances(record: dict[str, Any]) -> int:
    """How many instances a record rests on: samples, and those of the sweep."""
    regimes = record["samples"]["regimes"]
    return int(sum(regimes.values())) + int((record["sweep"] or {"instances": 0})["instances"])


def units(crew: Crew, count: int, entry: Entry) -> dict[str, float]:
    """The time of many units that nobody knows how to do: what remains is what a unit costs."""
    payload = {"do": "nothing", "locator": entry.locator.to_dict()}
    tasks = [Task(payload, 60.0, entry.home) for _ in range(count)]
    told: dict[str, float] = {}
    with timed(told, "all"):
        for _, outcome in crew.scatter(tasks[:8]):
            assert outcome.kind == "failed", outcome
    before = told
    with timed(told := {}, "all"):
        for _, outcome in crew.scatter(tasks):
            assert outcome.kind == "failed", outcome
    return {k: (told[k] - before[k]) / (count - 8) for k in told}


def ledger(records: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Bytes and seconds of a record in the ledger."""
    with tempfile.TemporaryDirectory() as folder:
        path, told = Path(folder) / "ledger.sqlite", dict[str, float]()
        with timed(told, "append"), Ledger(path) as kept:
            for _ in range(max(1, 500 // len(records))):
                for record in records:
                    kept.append(record, place="benchmark", budget="quick", seed=0)
        count = max(1, 500 // len(records)) * len(records)
        size = path.stat().st_size
    return {"bytes": size / count, "wall": told["append: wall"] / count}


def say(name: str, value: object) -> None:
    """One line."""
    print(f"{name:66} {value:.4g}" if isinstance(value, float) else f"{name:66} {value}")


def about_instances(records: Sequence[dict[str, Any]], processor: float) -> None:
    """What an instance costs, over claims: tenths, the median, and the mean of all.

    Records have wall times: they are scaled to the seconds of processor that all of them took.
    """
    scale = 1000 * processor / sum(record["seconds"] for record in records)
    found = [(r["seconds"] / instances(r), r["name"]) for r in records if instances(r)]
    each, total = sorted(found), sum(map(instances, records))
    say("instances", total)
    say("claims", len(each))
    for part in (0.1, 0.5, 0.9):
        cost = scale * each[int(part * len(each))][0]
        say(f"ms an instance, {part:.0%} of the claims below", cost)
    say("ms an instance, all together", 1000 * processor / total)
    say("the dearest claim, ms an instance", f"{each[-1][1]} {scale * each[-1][0]:.3g}")


def about_processes(entries: Sequence[Entry], budget: str) -> tuple[list[Any], float]:
    """One process and two; the records of one, and its seconds of processor."""
    (one, records), (two, others) = (spread(entries, budget, jobs) for jobs in (1, 2))
    from lora_proofs.running.records import digest

    assert digest(records) == digest(others)
    for name, told in (("one process", one), ("two processes", two)):
        say(f"{name}: wall s", told["run: wall"])
        say(f"{name}: processor s of each", " ".join(f"{s:.1f}" for s in told["processes"]))
        say(f"{name}: processor s of the parent", told["run: parent"])
    say("one / two, wall", one["run: wall"] / two["run: wall"])
    say("one / the longer of two, processor", sum(one["processes"]) / max(two["processes"]))
    return records, sum(one["processes"])


def about_units(count: int) -> None:
    """What a unit costs on processes, in a fork, and on a cluster."""
    (small,) = select([SMALL])
    crews: dict[str, tuple[Crew, Entry]] = {
        "processes": (Pool(2), small),
        "forks": (Pool(2), Entry(small.name, small.locator, False, small.told)),
    }
    for name, (crew, entry) in crews.items():
        _unit(name, units(crew, count, entry))
    if util.find_spec("distributed"):
        from distributed import LocalCluster

        from lora_proofs.running.cluster import Cluster

        with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as found:
            _unit("Dask", units(Cluster(found.scheduler_address), count, small))


def _unit(name: str, told: dict[str, float]) -> None:
    say(f"ms a unit, {name}, two workers: wall", 1000 * told["all: wall"])
    say(f"ms a unit, {name}: processor of the parent", 1000 * told["all: parent"])


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--budget", default="quick")
    parser.add_argument("--units", type=int, default=200)
    given = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    records, processor = about_processes(select(given.targets), given.budget)
    about_instances(records, processor)
    kept = ledger(records)
    say("bytes of a record in the ledger", kept["bytes"])
    say("bytes of a record as JSON", len(json.dumps(records)) / len(records))
    say("ms to append a record, wall", 1000 * kept["wall"])
    about_units(given.units)
    say("MiB of a worker process, at most", _largest())


def _largest() -> float:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


if __name__ == "__main__":
    try:
        main()
    except LoraProofsError as error:
        raise SystemExit(f"scale_costs: {error}") from None
