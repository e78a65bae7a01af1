"""Tasks over worker processes that can be killed; answers do not depend on how many there are."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

STARTUP = 120.0
"""Seconds that a worker process may take to start."""
GRACE = 5.0
"""Seconds that a process may take to end after it has closed its channel."""
LONGEST_LINE = 256 * 1024 * 1024
"""Bytes of one message; a longer one is none."""
RECORD = frozenset(
    ("name", "verdict", "scope", "error", "samples", "controls", "counterexample", "notes")
)
MEMORY = 4096
"""MiB of address space of a worker; the variable LORA_PROOFS_MEMORY_MB overrides it."""

_PROGRAM = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from lora_proofs.running.worker import main
main(int(sys.argv[2]))
"""


@dataclass(frozen=True)
class Task:
    """What to do, within how many seconds; ``home`` is the file whose code it runs, if any.

    A worker that has run a file's code runs nothing else: a file cannot change what other claims
    come back with.
    """

    payload: Mapping[str, Any]
    seconds: float
    home: str = ""
    extra: Mapping[str, float] = field(default_factory=dict)
    """Stages that begin a time of their own, once what came before is safe, and its length."""


@dataclass(frozen=True)
class Outcome:
    """How a task ended.

    ``done`` has a value and ``failed`` an error; why is said of ``stopped`` (at its limit),
    ``ended`` (its process did, by itself) and ``spoiled`` (its channel carried something else).
    """

    kind: str
    value: Any = None
    stage: str = ""
    standing: Any = None


class Worker:
    """A worker process and the task that it is at."""

    def __init__(self, inbox: SimpleQueue[tuple[Worker, Any]], home: str) -> None:
        self.home = home
        self.index: int | None = None
        self.deadline = 0.0
        self.seconds = 0.0
        self.stage = "load"
        self.standing: Any = None
        self.extra: Mapping[str, float] = {}
        memory = os.environ.get("LORA_PROOFS_MEMORY_MB", "")
        limit = memory if memory.isdigit() else str(MEMORY)
        path = [entry or os.getcwd() for entry in sys.path]
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, json.dumps(path), limit],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(),
            start_new_session=True,
        )
        threading.Thread(target=self._read, args=(inbox,), daemon=True).start()

    def _read(self, inbox: SimpleQueue[tuple[Worker, Any]]) -> None:
        assert self.process.stdout is not None
        with suppress(ValueError, OSError):
            while line := self.process.stdout.readline(LONGEST_LINE):
                told = understood(line)
                inbox.put((self, told))
                if "spoiled" in told:
                    return
        inbox.put((self, None))

    def take(self, index: int, task: Task) -> None:
        """Begin a task; its time starts when the process says that it has."""
        assert self.process.stdin is not None
        self.index, self.stage, self.standing = index, "load", None
        self.extra = task.extra
        self.seconds, self.deadline = task.seconds, time.monotonic() + STARTUP
        with suppress(OSError):
            self.process.stdin.write(json.dumps(dict(task.payload)).encode() + b"\n")
            self.process.stdin.flush()

    def note(self, message: Mapping[str, Any]) -> None:
        """Take in that the task has started, or has reached a stage."""
        if "started" in message:
            self.deadline = time.monotonic() + self.seconds
        else:
            self.stage = message["stage"]
            self.standing = message["standing"] or self.standing
            if self.stage in self.extra and message["standing"]:
                self.seconds = self.extra[self.stage]
                self.deadline = time.monotonic() + self.seconds

    def kill(self) -> None:
        """End the process and whatever it started, at once."""
        with suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()

    def death(self) -> str:
        """Why the process ended by itself, in words."""
        try:
            code = self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.kill()
            return "the claim's process closed the channel that its answer comes through"
        if code >= 0:
            return f"the claim's process ended by itself with status {code}"
        memory = ", perhaps for memory" if -code == signal.SIGKILL else ""
        return f"the claim's process was killed by signal {-code}{memory}"


def understood(line: bytes) -> dict[str, Any]:
    """The message of a line; ``{"spoiled": why}`` for one that no worker sends.

    >>> understood(b'{"started": true}'), list(understood(b"5"))
    ({'started': True}, ['spoiled'])
    """
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        told = None
    if isinstance(told, dict) and any(fits(told) for fits in _MESSAGES):
        return told
    return {"spoiled": f"got {line[:40]!r}{'...' if len(line) > 40 else ''}"}


def _is_stage(told: dict[str, Any]) -> bool:
    known = told.keys() == {"stage", "standing"} and isinstance(told["stage"], str)
    return known and (told["standing"] is None or is_record(told["standing"]))


def _is_failure(told: dict[str, Any]) -> bool:
    failed = told["failed"] if told.keys() == {"failed"} else None
    texts = ("type", "message", "traceback")
    return (
        isinstance(failed, dict)
        and failed.keys() == {*texts, "expected"}
        and all(isinstance(failed[key], str) for key in texts)
    )


_MESSAGES: tuple[Callable[[dict[str, Any]], bool], ...] = (
    lambda told: told == {"started": True},
    lambda told: told.keys() == {"done"},
    _is_stage,
    _is_failure,
)


def is_record(value: Any) -> bool:
    """Whether a value has what every record of a verification has."""
    return isinstance(value, dict) and value.keys() >= RECORD


def _environment() -> dict[str, str]:
    single = ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR")
    threads = {f"{library}_NUM_THREADS": "1" for library in single}
    return {**os.environ, **threads, "VECLIB_MAXIMUM_THREADS": "1", "PYTHONHASHSEED": "0"}


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Pool:
    """A few worker processes; ``scatter`` yields outcomes as they come, with the task's index.

    However it is left, no process stays behind.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self.inbox: SimpleQueue[tuple[Worker, Any]] = SimpleQueue()
        self.idle: list[Worker] = []
        self.busy: list[Worker] = []

    def scatter(
        self, tasks: Sequence[Task], heard: Callable[[int, str], None] = lambda index, stage: None
    ) -> Iterator[tuple[int, Outcome]]:
        """Run every task; ``heard`` is told the stages that tasks reach."""
        waiting = deque(enumerate(tasks))
        try:
            while waiting or self.busy:
                while waiting and len(self.busy) < self.jobs:
                    self._assign(*waiting.popleft())
                yield from self._wait(heard)
        finally:
            self.close()

    def close(self) -> None:
        """Kill every process."""
        for worker in (*self.busy, *self.idle):
            worker.kill()
        self.busy, self.idle = [], []

    def _assign(self, index: int, task: Task) -> None:
        worker = next((w for w in self.idle if w.home == task.home), None)
        if worker is None:
            for other in self.idle[: max(0, len(self.idle) + len(self.busy) + 1 - self.jobs)]:
                self.idle.remove(other)
                other.kill()
            worker = Worker(self.inbox, task.home)
        else:
            self.idle.remove(worker)
        worker.take(index, task)
        self.busy.append(worker)

    def _wait(self, heard: Callable[[int, str], None]) -> Iterator[tuple[int, Outcome]]:
        soonest = min(worker.deadline for worker in self.busy)
        try:
            worker, message = self.inbox.get(timeout=max(0.0, soonest - time.monotonic()))
        except Empty:
            yield from self._overdue()
            return
        if worker not in self.busy or worker.index is None:
            return
        if message is None:
            ended = Outcome("ended", worker.death(), worker.stage, worker.standing)
            yield self._end(worker, ended, False)
        elif "spoiled" in message:
            yield self._end(worker, Outcome("spoiled", message["spoiled"], worker.stage), False)
        elif "done" in message:
            yield self._end(worker, Outcome("done", message["done"]), True)
        elif "failed" in message:
            yield self._end(worker, Outcome("failed", message["failed"], worker.stage), True)
        else:
            worker.note(message)
            heard(worker.index, worker.stage)

    def _overdue(self) -> Iterator[tuple[int, Outcome]]:
        now = time.monotonic()
        for worker in [worker for worker in self.busy if worker.deadline <= now]:
            why = f"{worker.seconds:g} s"
            yield self._end(worker, Outcome("stopped", why, worker.stage, worker.standing), False)

    def _end(self, worker: Worker, outcome: Outcome, usable: bool) -> tuple[int, Outcome]:
        index = worker.index
        assert index is not None
        self.busy.remove(worker)
        worker.index = None
        if usable:
            self.idle.append(worker)
        else:
            worker.kill()
        return index, outcome
