"""Speed as ratios: a peer and we take turns in one run, and the medians are compared.

A second on a shared machine says little; who is faster, and how much, says more. ``versus`` times
the peer before each of our rounds, so that both meet the same noise. The table at the end and the
``extra_info`` of ``--benchmark-json PATH`` hold the ratios.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import pytest

Work = Callable[[], Any]
ROWS = pytest.StashKey[list[dict[str, Any]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ROWS] = []
    config.option.benchmark_quiet = True  # our table stands for the one of pytest-benchmark


@pytest.fixture
def versus(benchmark: Any, request: pytest.FixtureRequest) -> Callable[..., None]:
    """``versus(what, ours, peer_name, peer)``: time both in turns and note the ratio.

    A name that is a function is asked after the runs, for what only they tell.
    """

    def compare(
        what: str, ours: Work, peer_name: str | Callable[[], str], peer: Work, *, rounds: int = 7
    ) -> None:
        times: list[float] = []

        def peer_first() -> None:
            started = perf_counter()
            peer()
            times.append(perf_counter() - started)

        if rounds > 1:  # one round is a cold start, or takes long
            ours()
            peer()
        benchmark.pedantic(ours, setup=peer_first, rounds=rounds, iterations=1)
        mine, theirs = benchmark.stats.stats.median, median(times)
        name = peer_name if isinstance(peer_name, str) else peer_name()
        row = {"what": what, "ours_s": mine, "peer": name, "peer_s": theirs}
        benchmark.extra_info.update(row, ratio=theirs / mine, rounds=rounds)
        request.config.stash[ROWS].append({**row, "ratio": theirs / mine})

    return compare


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    rows = config.stash[ROWS]
    if not rows:
        return
    terminalreporter.section("ratios: peer / ours, above 1 we are faster")
    table = [("what", "ours", "peer", "takes", "ratio")]
    table += [
        (r["what"], _time(r["ours_s"]), r["peer"], _time(r["peer_s"]), f"{r['ratio']:.3g}")
        for r in rows
    ]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        terminalreporter.write_line("  ".join(cells).rstrip())


def _time(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 1 else f"{1e3 * seconds:.3g} ms"
