"""Tasks over worker processes that can be killed; answers do not depend on how many there are."""

from __future__ import annotations

import json
import math
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
from typing import Any, Protocol

from lora_proofs.running.channel import LONGEST_LINE, understood

STARTUP = 120.0
"""Seconds that a worker process may take to start."""
GRACE = 5.0
"""Seconds that a process may take to end after it has closed its channel."""
MEMORY = 4096
"""MiB of address space of a worker; the variable LORA_PROOFS_MEMORY_MB overrides it."""
FORKS = sys.platform == "linux"
"""Whether a process that has loaded NumPy may be forked; elsewhere each task has a fresh one."""
_MEMORY_SIGNALS = (9, 6)  # SIGKILL is the system's, SIGABRT that of FLINT and GMP

_PROGRAM = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from lora_proofs.running.worker import main
main(int(sys.argv[2]), sys.argv[3] == "fork", float(sys.argv[4]))
"""


@dataclass(frozen=True)
class Task:
    """What to do, within how many seconds; ``home`` says whose code it runs, if not only ours.

    A task with a home is done in a process of its own, which ends with it: what the code changes
    there, no other task finds.
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


Heard = Callable[[int, str], None]
"""Told the index of a task and the stage that it reaches, with where it runs if not here."""
Keep = Callable[[int, Mapping[str, Any]], None]
"""Given the index of a task and the results of units of it that are finished, by their names."""
ON = " on "
"""What stands between a stage and the place where it runs."""
NOBODY: Heard = lambda index, stage: None  # noqa: E731


class Crew(Protocol):
    """Whoever does tasks: processes of this machine, or a cluster of others."""

    keep: Keep

    def scatter(self, tasks: Sequence[Task], heard: Heard = ...) -> Iterator[tuple[int, Outcome]]:
        """Do every task and yield outcomes as they come, each with its task's index."""
        ...


def memory_limit() -> int:
    """MiB of address space that a worker process may take here."""
    told = os.environ.get("LORA_PROOFS_MEMORY_MB", "")
    return int(told) if told.isdecimal() else MEMORY


class Worker:
    """A worker process and the task that it is at.

    One that ``forks`` does each task in a process of its own. Where processes cannot be forked
    safely, it is good for one task.
    """

    def __init__(self, inbox: SimpleQueue[tuple[Worker, Any]], apart: bool, memory: int) -> None:
        self.apart = apart
        self.forks = apart and FORKS
        self.index: int | None = None
        self.pid: int | None = None
        self.deadline = 0.0
        self.seconds = 0.0
        self.stage = "load"
        self.standing: Any = None
        self.answer: Outcome | None = None
        self.extra: Mapping[str, float] = {}
        path = json.dumps([entry or os.getcwd() for entry in sys.path])
        how = "fork" if self.forks else "here"
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, path, str(memory), how, str(GRACE)],
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
        self.index, self.stage, self.standing, self.answer = index, "load", None, None
        self.extra = task.extra
        self.seconds, self.deadline = task.seconds, time.monotonic() + STARTUP
        with suppress(OSError):
            self.process.stdin.write(json.dumps(dict(task.payload)).encode() + b"\n")
            self.process.stdin.flush()

    def note(self, message: Mapping[str, Any]) -> None:
        """Take in that the task has started, has reached a stage, or has its answer."""
        if "started" in message:
            self.pid = message["started"]
            self.deadline = time.monotonic() + self.seconds
        elif "done" in message:
            self.answer = self.answer or Outcome("done", message["done"])
        elif "failed" in message:
            self.answer = self.answer or Outcome("failed", message["failed"], self.stage)
        elif "stage" in message:
            self.stage = message["stage"]
            self.standing = message["standing"] or self.standing
            if self.stage in self.extra and message["standing"]:
                self.seconds = self.extra[self.stage]
                self.deadline = time.monotonic() + self.seconds

    def outcome(self, kind: str, why: str) -> Outcome:
        """How the task ended: by its answer, or, where it gave none, for a reason."""
        return self.answer or Outcome(kind, why, self.stage, self.standing)

    def stop(self, why: str) -> bool:
        """Stop the task alone, where it has a process of its own; the worker then says so."""
        if not self.forks or self.pid is None or self.answer:
            return False
        self.answer = self.outcome("stopped", why)
        self.deadline = time.monotonic() + GRACE
        _kill_group(self.pid)
        return True

    def kill(self) -> None:
        """End the process and whatever it started, at once."""
        with suppress(OSError):
            if self.process.stdin is not None:
                self.process.stdin.close()
        if not (self.forks and self._ends()):
            for pid in {self.process.pid, self.pid or self.process.pid}:
                _kill_group(pid)
            self.process.kill()
        self.process.wait()
        with suppress(OSError):
            if self.process.stdout is not None:
                self.process.stdout.close()

    def _ends(self) -> bool:
        """Whether the process ends in order when its channel closes: then it has ended its fork."""
        try:
            return self.process.wait(GRACE) == 0
        except subprocess.TimeoutExpired:
            return False

    def death(self) -> str:
        """Why the process ended by itself, in words."""
        try:
            return _death(self.process.wait(GRACE))
        except subprocess.TimeoutExpired:
            return _death(None)


def _kill_group(pid: int) -> None:
    if hasattr(os, "killpg"):
        with suppress(OSError):
            os.killpg(pid, signal.SIGKILL)


def _death(code: int | None) -> str:
    """Why a process ended with a code, or was ended because it went on without a channel."""
    if code is None:
        return "the claim's process closed the channel that its answer comes through"
    if code >= 0:
        return f"the claim's process ended by itself with status {code}"
    memory = ", perhaps for memory" if -code in _MEMORY_SIGNALS else ""
    return f"the claim's process was killed by signal {-code}{memory}"


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

    def __init__(
        self, jobs: int, memory: int | None = None, keep: Keep = lambda index, units: None
    ) -> None:
        self.jobs = jobs
        self.keep: Keep = keep
        self.memory = memory_limit() if memory is None else memory
        self.inbox: SimpleQueue[tuple[Worker, Any]] = SimpleQueue()
        self.idle: list[Worker] = []
        self.busy: list[Worker] = []

    def scatter(
        self, tasks: Sequence[Task], heard: Heard = NOBODY
    ) -> Iterator[tuple[int, Outcome]]:
        """Run every task; ``heard`` is told the stages that tasks reach."""
        try:
            yield from filter(None, self.through(tasks, heard))
        finally:
            self.close()

    def through(
        self, tasks: Sequence[Task], heard: Heard = NOBODY, wake: float = math.inf
    ) -> Iterator[tuple[int, Outcome] | None]:
        """Run every task and keep the processes; ``None`` after ``wake`` seconds without news."""
        waiting = deque(enumerate(tasks))
        while waiting or self.busy:
            while waiting and len(self.busy) < self.jobs:
                self._assign(*waiting.popleft())
            yield from self._wait(heard, wake)

    def close(self) -> None:
        """Kill every process."""
        for worker in (*self.busy, *self.idle):
            worker.kill()
        self.busy, self.idle = [], []

    def _assign(self, index: int, task: Task) -> None:
        apart = bool(task.home)
        worker = next((w for w in self.idle if w.apart == apart), None)
        if worker is None:
            worker = Worker(self.inbox, apart, self.memory)
        else:
            self.idle.remove(worker)
        worker.take(index, task)
        self.busy.append(worker)

    def _wait(self, heard: Heard, wake: float) -> Iterator[tuple[int, Outcome] | None]:
        left = min(worker.deadline for worker in self.busy) - time.monotonic()
        try:
            worker, message = self.inbox.get(timeout=max(0.0, min(left, wake)))
        except Empty:
            yield None
            yield from self._overdue()
            return
        if worker not in self.busy or worker.index is None:
            return
        if message is None:
            yield self._end(worker, worker.outcome("ended", worker.death()), False)
        elif "spoiled" in message:
            spoiled = Outcome("spoiled", message["spoiled"], worker.stage)
            yield self._end(worker, worker.answer or spoiled, False)
        elif "ended" in message:
            ended = worker.outcome("ended", _death(message["ended"]))
            yield self._end(worker, ended, not worker.apart or worker.forks)
        else:
            worker.note(message)
            if "units" in message:
                self.keep(worker.index, message["units"])
                heard(worker.index, f"{worker.stage} {message['share']:.0%}")
            elif "stage" in message or "started" in message:
                heard(worker.index, worker.stage)

    def _overdue(self) -> Iterator[tuple[int, Outcome]]:
        now = time.monotonic()
        for worker in [worker for worker in self.busy if worker.deadline <= now]:
            why = f"{worker.seconds:g} s"
            if not worker.stop(why):
                yield self._end(worker, worker.outcome("stopped", why), False)

    def _end(self, worker: Worker, outcome: Outcome, usable: bool) -> tuple[int, Outcome]:
        index = worker.index
        assert index is not None
        self.busy.remove(worker)
        worker.index = None
        if usable:
            worker.pid = None
            self.idle.append(worker)
        else:
            worker.kill()
        return index, outcome
