"""Every kernel against many digits or exact numbers: ``python benchmarks/agreement.py``.

Instances of every regime go through each kernel, and what it returns is held against a reference:
it is within the error that the kernel gives itself, or the kernel says that it failed. ``--count``
instances of each kernel; Ctrl-C ends with the table so far. Exit status 1 where a number is wrong
and nothing says so.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from references.flows import balanced_flows, full_flows, general_flows, trace_flows
from references.met import Met, Table
from references.products import descents, networks, spectra

FAMILIES: dict[str, Callable[[int], Iterator[Met]]] = {
    "general": general_flows,
    "balanced": balanced_flows,
    "trace-squared": trace_flows,
    "full": full_flows,
    "descent": descents,
    "spectra": spectra,
    "networks": networks,
}


def gather(family: Callable[[int], Iterator[Met]], least: int, first: int, table: Table) -> None:
    """Seeds one after another until every kernel was asked for ``least`` instances."""
    met: dict[str, int] = {}
    for seed in count(first):
        for one in family(seed):
            table.add(one)
            met[one.kernel] = met.get(one.kernel, 0) + 1
        done = min(met.values())
        print(f"\r{family.__name__}: seed {seed}, {done} of {least}", end="", file=sys.stderr)
        if done >= least:
            break
    print(file=sys.stderr)


def told(table: Table) -> str:
    """The table in Markdown: the factors say by how much a kernel's error was too large."""
    head = "instances", "failed, and said so", "silently wrong", "error said / true: least, median"
    lines = ["| " + " | ".join(("kernel", "regime", *head)) + " |", "|---|---|---|---|---|---|"]
    for (kernel, regime), row in table.items():
        found = row.to_dict()
        factors = (
            "exact" if found["least"] is None else f"{found['least']:.2g}, {found['median']:.2g}"
        )
        cells = (kernel, regime, row.count, row.failed, len(row.silent), factors)
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--count", type=int, default=10_000, help="instances of each kernel (10000)"
    )
    parser.add_argument("--seed", type=int, default=0, help="the first seed (0)")
    parser.add_argument(
        "--only", nargs="+", choices=FAMILIES, default=list(FAMILIES), metavar="FAMILY"
    )
    parser.add_argument("--json", type=Path, help="the table as JSON")
    given, table = parser.parse_args(), Table()
    try:
        for name in given.only:
            gather(FAMILIES[name], given.count, given.seed, table)
    except KeyboardInterrupt:
        print("\ninterrupted: this is the table so far", file=sys.stderr)
    print(told(table))
    print(f"\nInstances: {table.counts()}")
    silent = [(*key, one) for key, row in table.items() for one in row.silent]
    for kernel, regime, one in silent[:20]:
        print(f"SILENTLY WRONG: {kernel}, {regime}, {one}")
    if given.json:
        rows = [{"kernel": k, "regime": g, **row.to_dict()} for (k, g), row in table.items()]
        given.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 1 if silent else 0


if __name__ == "__main__":
    raise SystemExit(main())
