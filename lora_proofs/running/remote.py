"""What a worker of a cluster does with a task: the same as this machine would, in a child process.

A task and its answer travel as text, so nothing of ours is unpickled anywhere. A file of claims
comes with the modules beside it that it imports; certificates go back as text.
"""

from __future__ import annotations

import ast
import base64
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lora_proofs.running.provenance import about, versions_of
from lora_proofs.running.scale import Outcome, Pool, Task

WAKE = 1.0
"""Seconds between two looks whether a task is still wanted."""
IDLE = 60.0
"""Seconds that a child process is kept for the next task."""


# What travels: a task and what its claim is made of, and an outcome.


def packed(task: Task, index: int, run: Mapping[str, Any]) -> str:
    """A task as the text that ``unit`` takes, with the files that it needs.

    ``run`` has the topic of its news, the MiB that a process may use, and what is expected of the
    worker, as by ``about``.
    """
    path = Path(task.payload["locator"]["path"])
    found = companions(path) if path.name else {}
    files = {name: base64.b64encode(text).decode("ascii") for name, text in found.items()}
    told = {**asdict(task), **run, "index": index, "folder": str(path.parent), "files": files}
    return json.dumps(told)


def companions(path: Path) -> dict[str, bytes]:
    """A file of claims and the Python beside it that it imports, by their place in its folder.

    Only what an ``import`` statement names is found. A file that is gone is left out.
    """
    folder, found, waiting = path.parent, dict[str, bytes](), [path]
    while waiting:
        file = waiting.pop()
        name = file.relative_to(folder).as_posix()
        if name in found:
            continue
        with suppress(OSError):
            found[name] = file.read_bytes()
            waiting += [near for top in _imports(found[name]) for near in _near(folder, top)]
    return found


def _imports(text: bytes) -> set[str]:
    """The top-level names that a text imports; none where it is no Python."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    names = [a.name for node in nodes if isinstance(node, ast.Import) for a in node.names]
    names += [n.module or "" for n in nodes if isinstance(n, ast.ImportFrom) and not n.level]
    return {name.partition(".")[0] for name in names} - {""}


def _near(folder: Path, top: str) -> list[Path]:
    if (folder / top / "__init__.py").is_file():
        return sorted((folder / top).rglob("*.py"))
    return [file] if (file := folder / f"{top}.py").is_file() else []


def unpacked(told: Mapping[str, Any]) -> tuple[Outcome, str]:
    """An outcome, and its file of certificates or nothing."""
    return Outcome(**told["outcome"]), told["bundle"]


# On the worker


def unit(text: str) -> str:
    """Do a task that was ``packed``; the answer as text.

    Where this worker has other versions than the sender, nothing is done and it says which.
    """
    told = json.loads(text)
    expected, ours = told["about"], about()
    mine = {**ours, **versions_of(name for name in expected if name not in ours)}
    if mine != expected:
        return json.dumps({"differs": mine, "place": _place()})
    with _laid_out(told) as (payload, places):
        task = Task(payload, told["seconds"], told["home"], told["extra"])
        outcome = _done(task, told["memory"], _News(told["topic"], told["index"]))
        answer = {"outcome": asdict(outcome), "bundle": _bundle(outcome)}
    answered = json.dumps(answer)
    for here, there in places.items():
        answered = answered.replace(json.dumps(here)[1:-1], json.dumps(there)[1:-1])
    return answered


def _done(task: Task, memory: int, news: _News) -> Outcome:
    wanted = _wanted()
    pool = _BENCH.take(memory)
    pool.keep = news.keep
    try:
        for found in pool.through([task], news.heard, WAKE):
            if found:
                _BENCH.put(pool)
                return found[1]
            if not wanted():
                raise RuntimeError("the task was cancelled")
    except BaseException:
        pool.close()
        raise
    raise AssertionError("a task without an outcome")


@contextmanager
def _laid_out(told: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """The payload with places of this machine, and whose places they stand for."""
    payload: dict[str, Any] = told["payload"]
    places: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="lora-proofs-", ignore_cleanup_errors=True) as made:
        home = Path(made).resolve()
        texts = {name: base64.b64decode(text) for name, text in told["files"].items()}
        if texts and not _has(Path(told["folder"]), texts):
            places[str(home / "claims")] = told["folder"]
            _write(home / "claims", texts)
            path = str(home / "claims" / Path(payload["locator"]["path"]).name)
            payload = {**payload, "locator": {**payload["locator"], "path": path}}
        if "certificates" in payload:
            places[str(home / "certificates")] = payload["certificates"]
            (home / "certificates").mkdir()
            payload = {**payload, "certificates": str(home / "certificates")}
        yield payload, places


def _has(folder: Path, texts: Mapping[str, bytes]) -> bool:
    """Whether the files are here, at their own places: then all that lies beside them is, too."""
    try:
        return all((folder / name).read_bytes() == text for name, text in texts.items())
    except OSError:
        return False


def _write(folder: Path, texts: Mapping[str, bytes]) -> None:
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text)


def _bundle(outcome: Outcome) -> str:
    """The file of certificates that a verification has written, as text."""
    found = outcome.value if outcome.kind == "done" else None
    told = found.get("certificates") if isinstance(found, dict) else None
    file = told.get("written", {}).get("file") if isinstance(told, dict) else None
    return Path(file).read_text(encoding="ascii") if file else ""


def _place() -> str:
    from distributed import get_worker

    return str(get_worker().address)


class _News:
    """How the sender hears of a task while it is done; what is lost of that does no harm."""

    def __init__(self, topic: str, index: int) -> None:
        from distributed import get_worker

        self.worker, self.topic, self.index = get_worker(), topic, index

    def heard(self, _: int, stage: str) -> None:
        """Tell of a stage, and where it runs."""
        told = {"index": self.index, "stage": stage, "place": self.worker.address}
        self.worker.log_event(self.topic, told)

    def keep(self, _: int, units: Mapping[str, Any]) -> None:
        """Send the results of units that are finished."""
        told = {"index": self.index, "units": json.dumps(units)}
        self.worker.log_event(self.topic, told)


def _wanted() -> Callable[[], bool]:
    """Whether anybody still waits for the task of this thread."""
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()

    def wanted() -> bool:
        state = worker.state.tasks.get(key)
        return state is not None and state.state == "executing"

    return wanted


class _Bench:
    """Pools of one process that wait for their next task, each for a while."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting: list[tuple[float, Pool]] = []

    def take(self, memory: int) -> Pool:
        """One whose process may use so many MiB."""
        with self.lock:
            for k, (_, pool) in enumerate(self.waiting):
                if pool.memory == memory:
                    return self.waiting.pop(k)[1]
        return Pool(1, memory)

    def put(self, pool: Pool) -> None:
        """Hand one back; if nobody takes it, its process ends after a while."""
        with self.lock:
            self.waiting.append((time.monotonic(), pool))
        timer = threading.Timer(IDLE, self.clear)
        timer.daemon = True
        timer.start()

    def clear(self) -> None:
        """End the processes that have waited long enough."""
        before = time.monotonic() - 0.9 * IDLE
        with self.lock:
            over = [pool for since, pool in self.waiting if since <= before]
            self.waiting = [(since, pool) for since, pool in self.waiting if since > before]
        for pool in over:
            pool.close()


_BENCH = _Bench()
