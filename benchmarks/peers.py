"""The fast path against its peers, in one run: ``python benchmarks/peers.py``.

One thread; processor time; medians of rounds in which all contestants take turns; for each the
loosest tolerance with which its median error, against a multiprecision reference, meets the target.
A peer that is not installed is left out, and the run says so (``pip install --group bench``).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

from contest import digits as many
from contest import floats
from contest.measure import Contestant, dgemm_peak, match, race, timed
from contest.problem import Batch, T, draw, reference

from lora_proofs.kernels import lora_flow

SIZES = {(8, 8, 2): (1000, 12), (16, 16, 4): (100, 6), (32, 32, 8): (32, 6), (64, 64, 8): (32, 4)}
"""Shape: instances in the batch, and how many of them have a reference."""
SCIPY = {(8, 8, 2): (38, 60), (16, 16, 4): (11, 20), (32, 32, 8): (4.5, 8), (64, 64, 8): (3.4, 6)}
HEYOKA = {(8, 8, 2): (1.2, 2), (16, 16, 4): (2.5, 4)}
COMPILED = {(8, 8, 2): (10, 15), (16, 16, 4): (25, 30)}
DIFFRAX = {(8, 8, 2): (4, 8), (16, 16, 4): (3.5, 6)}
CLOSED = (10, 20)
DIGITS = {50: (2, 5), 100: (4, 10)}
ODEFUN = (200, 500)
PARTS = ("scipy", "diffrax", "torchdiffeq", "heyoka", "closed", "digits", "odefun", "batch")
NONE = (None, None)


@dataclass
class Row:
    """How many times faster ``ours`` is than ``peer``; ``floor`` and ``goal`` where one is set."""

    ours: str
    peer: str
    shape: str
    ours_us: float
    peer_us: float
    errors: str
    floor: float | None = None
    goal: float | None = None
    ratio: float = float("nan")

    def __post_init__(self) -> None:
        self.ratio = self.peer_us / self.ours_us

    @property
    def met(self) -> str:
        if self.floor is None or self.goal is None:
            return ""
        if self.ratio >= self.goal:
            return "goal"
        return "floor" if self.ratio >= self.floor else "MISSED"


class Run:
    """What a run has found so far, and what it says on the way."""

    def __init__(self, only: tuple[str, ...], quick: bool) -> None:
        self.only, self.quick, self.rounds = only, quick, 1 if quick else 9
        self.rows: list[Row] = []
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)
        print(f"note: {text}", file=sys.stderr, flush=True)

    def add(self, row: Row) -> None:
        if self.quick:  # the bars are for other sizes
            row.floor = row.goal = None
        self.rows.append(row)
        print(f"{row.shape} {row.ours} / {row.peer}: {row.ratio:.3g}", file=sys.stderr, flush=True)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """A peer that is not installed ends its part, not the run."""
        try:
            yield
        except ModuleNotFoundError as error:
            self.note(f"{name} skipped: {error.name} is not installed (pip install --group bench)")


def flows(run: Run) -> None:
    """Every peer in float64 that was asked for, on one batch per shape."""
    peak = dgemm_peak()
    run.note(f"dgemm peak, one thread: {peak / 1e9:.1f} GF/s")
    sizes = {(8, 8, 2): (24, 2)} if run.quick else SIZES
    for shape, (N, known) in sizes.items():
        batch = draw(*shape, N)
        truth = reference(batch.head(known))
        versus(run, batch, truth, 1e-11, peak, _peers(run, shape), f"{shape} x {N}")
        if "heyoka" in run.only and shape in HEYOKA:
            with run.part("heyoka"):
                peers = [(floats.heyoka_batch(), HEYOKA[shape])]
                if shape == (8, 8, 2) and not run.quick:  # 20 s to compile; the next, over 400 s
                    peers.append((floats.heyoka_batch(like=peers[0][0]), NONE))
                versus(run, batch, truth, 1e-10, peak, peers, f"{shape} x {N}, 1e-10")


def _peers(run: Run, shape: tuple[int, int, int]) -> list[tuple[Contestant, Any]]:
    wanted: list[tuple[str, Callable[[], Contestant], Any]] = [
        ("scipy", floats.scipy_loop, SCIPY[shape]),
        ("diffrax", floats.diffrax_vmap, DIFFRAX.get(shape, NONE)),
        ("torchdiffeq", floats.torchdiffeq_batch, NONE),
    ]
    peers = []
    for name, make, bars in wanted:
        small = shape in DIFFRAX or name == "scipy"  # the others at two sizes
        if name in run.only and small:
            with run.part(name):
                peers.append((make(), bars))
    return peers


def versus(
    run: Run, batch: Batch, truth: Any, target: float, peak: float, peers: Any, where: str
) -> None:
    """Our kernels against these peers, all at one median error."""
    if not peers:
        return
    mine = floats.kernels(run.note)
    for contestant in (*mine, *(peer for peer, _ in peers)):
        match(contestant, batch, truth, target)
    race([*mine, *(peer for peer, _ in peers)], batch, run.rounds)
    for peer, bars in peers:
        for own in mine:
            shape, is_heyoka = batch.shape, bars is not NONE and "heyoka" in peer.name
            own_bars = bars
            if own.backend == "compiled":
                own_bars = COMPILED.get(shape, NONE) if is_heyoka else NONE
            errors = f"{own.error:.1e}, {peer.error:.1e}"
            run.add(Row(own.name, peer.name, where, own.seconds * 1e6, peer.seconds * 1e6, errors,
                        *own_bars))  # fmt: skip
    for own in mine:
        rate = floats.flops(batch, own.tolerance, own.like is None) / own.seconds
        part = 100 * rate / peak
        run.note(f"{own.name}, {where}: {rate / 1e9:.2f} GF/s, {part:.1f} % of the dgemm peak")


def closed(run: Run) -> None:
    """Closed forms against the general kernel: its tolerance gives 1e-11, theirs are sharper."""
    sizes = [(8, 8, 2, 100)] if run.quick else [(8, 8, 2, 1000), (16, 16, 4, 200), (32, 32, 8, 64)]
    for n, m, r, N in sizes:
        for kind, rank, balanced in (
            ("trace-squared", r, False),
            ("r = 1", 1, False),
            ("lambda-balanced", r, True),
        ):
            batch = draw(n, m, rank, N, balanced=balanced)
            data = (0 * batch.E, batch.E, batch.A0, batch.B0, T)
            form = (batch.E, None, *data[2:]) if kind == "trace-squared" else data
            taken: dict[str, list[float]] = {"auto": [], "general": []}
            for _ in range(run.rounds + 1):
                taken["auto"].append(timed(lambda form=form: lora_flow(*form)))
                taken["general"].append(
                    timed(lambda data=data: lora_flow(*data, method="general", tolerance=1e-9))
                )
            own, peer = (median(x[1:]) / N * 1e6 for x in (taken["auto"], taken["general"]))
            both = [lora_flow(*form), lora_flow(*data, method="general", tolerance=1e-9)]
            errors = (
                ", ".join(f"{median(map(float, end.error)):.0e}" for end in both) + " (estimates)"
            )
            label = f"({n}, {m}, {rank}) x {N}"
            run.add(
                Row(f"{kind}, closed", "general NumPy kernel", label, own, peer, errors, *CLOSED)
            )


def many_digits(run: Run) -> None:
    shape = (2, 2, 1) if run.quick else (8, 8, 2)
    batch = draw(*shape, 1)
    for places, bars in ({50: DIGITS[50]} if run.quick else DIGITS).items():
        with run.part("heyoka"):
            theirs, mine = many.heyoka(batch, places), many.ours(batch, places)
            theirs_taken, mine_taken = [], []
            for _ in range(1 if run.quick or places == 100 else 3):
                theirs_taken.append(timed(theirs))
                mine_taken.append(timed(mine))
            apart = f"apart {many.gap(mine(), theirs()):.0e}" if places == 50 else "one round"
            run.add(Row(f"{places} digits", "heyoka, real", str(shape), 1e6 * median(mine_taken),
                        1e6 * median(theirs_taken), apart, *bars))  # fmt: skip


def by_odefun(run: Run) -> None:
    shape, until = ((2, 2, 1), Fraction(1, 16)) if run.quick else ((8, 8, 2), Fraction(1, 2))
    batch = draw(*shape, 1)
    solve = many.ours(batch, 50)
    seconds, apart = many.odefun(batch, 50, until)
    scaled = seconds * T / float(until)
    run.note(f"mpmath.odefun took {seconds:.3g} s to t = {until}: scaled to t = 20")
    mine = median(timed(solve) for _ in range(run.rounds if run.quick else 3))
    run.add(Row("50 digits", "mpmath.odefun, scaled", str(shape), mine * 1e6, scaled * 1e6,
                f"apart {apart:.0e}", *ODEFUN))  # fmt: skip


def batch_sizes(run: Run) -> None:
    """Cost per instance and peak memory up to 10^5 instances, in a process of their own."""
    sizes = ["10", "100"] if run.quick else ["1000", "10000", "100000"]
    here = Path(__file__).parent
    path = os.pathsep.join(filter(None, [str(here), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "contest.scaling", *sizes]
    done = subprocess.run(
        command, cwd=here, check=True, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    for row in json.loads(done.stdout):
        run.note(
            f"(8, 8, 2) x {row['N']}: {row['us']:.0f} us per instance, peak {row['MiB']:.0f} MiB "
            f"of the process with its data, {row['failed']} failed"
        )


def table(run: Run) -> str:
    lines = [
        "| ours | peer | where | ours, us | peer, us | ratio | floor, goal | met | median errors |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in run.rows:
        bars = "" if row.floor is None else f"{row.floor:g}, {row.goal:g}"
        lines.append(
            f"| {row.ours} | {row.peer} | {row.shape} | {row.ours_us:.4g} | {row.peer_us:.4g} | "
            f"{row.ratio:.3g} | {bars} | {row.met} | {row.errors} |"
        )
    return "\n".join(lines)


def machine() -> dict[str, str]:
    model = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [x for x in info.read_text().splitlines() if x.startswith("model name")]
        model = names[0].split(":")[1].strip() if names else model
    found = {"processor": model, "cores": str(os.cpu_count()), "load": f"{os.getloadavg()[0]:.1f}"}
    found["python"] = platform.python_version()
    for name in ("numpy", "scipy", "diffrax", "jax", "torchdiffeq", "torch", "heyoka", "mpmath"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def processor_time() -> float:
    """Seconds of this process and of those that it has waited for."""
    return sum(os.times()[:4])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--quick", action="store_true", help="small sizes, one round: a smoke test"
    )
    options.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="some parts alone")
    options.add_argument("--json", type=Path, help="write the rows and notes there as well")
    given = options.parse_args()
    began, run = processor_time(), Run(tuple(given.only), given.quick)
    if set(run.only) & {"scipy", "diffrax", "torchdiffeq", "heyoka"}:
        flows(run)
    parts = {"closed": closed, "digits": many_digits, "odefun": by_odefun, "batch": batch_sizes}
    for name, part in parts.items():
        if name in run.only:
            part(run)
    run.note(f"the whole run: {processor_time() - began:.0f} s of processor time")
    told = {"date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), **machine()}
    print(", ".join(f"{key} {value}" for key, value in told.items()), "\n", sep="")
    print(table(run), "", *(f"- {note}" for note in run.notes), sep="\n")
    if given.json:
        rows = [{**asdict(row), "met": row.met} for row in run.rows]
        whole = {"machine": told, "rows": rows, "notes": run.notes}
        given.json.write_text(json.dumps(whole, indent=1) + "\n")


if __name__ == "__main__":
    main()
