"""A process that has loaded the library and no claim, and does each task in a fork of itself.

So every task begins in the same state, whatever others have done, without the second that a fresh
process takes to load the library. What a task says is passed on, marked as said by the task.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import time
from contextlib import suppress
from importlib import import_module
from typing import BinaryIO, NoReturn

from lora_proofs.running.channel import LONGEST_LINE, SERVER, TASK, line
from lora_proofs.running.isolation import seed_generators
from lora_proofs.running.worker import answer, deliver, sender

LISTING = ("lora_proofs.running.catalogue", "lora_proofs.running.tasks")
JUDGING = ("lora_proofs.running.runner", "hypothesis")
"""What takes long to load; a fork that lists claims does not need the second part."""
CHUNK = 1024 * 1024


class Server:
    """Does tasks one after the other; where the channel that tasks come through ends, it ends."""

    def __init__(self, tasks: BinaryIO, channel: BinaryIO, grace: float) -> None:
        self.tasks, self.channel, self.grace = tasks, channel, grace
        self.woken, self.wakes = os.pipe()
        os.set_blocking(self.woken, False)
        os.set_blocking(self.wakes, False)

    def serve(self) -> NoReturn:
        """Load what every task needs and do tasks until there are no more."""
        _load(LISTING)
        # A child that ends wakes the loop, even where a process of its own keeps its pipe open.
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self.wakes, warn_on_full_buffer=False)
        with suppress(BrokenPipeError):
            while task := self.tasks.readline():
                self._do(task)
        os._exit(0)

    def _do(self, task: bytes) -> None:
        if json.loads(task)["do"] != "list":
            _load(JUDGING)
        ours, theirs = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(ours)
            self._become_the_task(task, theirs)
        os.close(theirs)
        child = _Child(pid, ours)
        try:
            self._say(line(SERVER, {"started": pid}))
            self._attend(child)
        finally:
            status = child.end()
        for said in child.lines(last=True):
            self._say(said)
        self._say(line(SERVER, {"ended": status}))

    def _attend(self, child: _Child) -> None:
        """Pass on what the child says until it ends; a silent one is given some time for that."""
        silent = None
        while not child.ended():
            left = None if silent is None else silent + self.grace - time.monotonic()
            if left is not None and left <= 0:
                return
            heard = [] if child.closed else [child.pipe]
            ready, _, _ = select.select([self.tasks.fileno(), self.woken, *heard], [], [], left)
            if self.tasks.fileno() in ready:
                # Nobody sends a task during one: the other side is gone.
                raise BrokenPipeError
            self._calm()
            child.read()
            for said in child.lines():
                self._say(said)
            silent = time.monotonic() if child.closed and silent is None else silent

    def _calm(self) -> None:
        with suppress(BlockingIOError):
            while os.read(self.woken, CHUNK):
                pass

    def _say(self, told: bytes) -> None:
        self.channel.write(told)
        self.channel.flush()

    def _become_the_task(self, task: bytes, pipe: int) -> NoReturn:
        """In the child: keep nothing of the server but the way back, do the task, and end."""
        status = 1
        try:
            os.setpgid(0, 0)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for kept in (self.tasks.fileno(), self.channel.fileno(), self.woken, self.wakes):
                os.close(kept)
            seed_generators("load")
            send = sender(os.fdopen(pipe, "wb"), b"")
            deliver(answer(json.loads(task), send), send)
            status = 0
        finally:
            os._exit(status)


def _load(names: tuple[str, ...]) -> None:
    for name in names:
        import_module(name)
    gc.freeze()


class _Child:
    """A process that does a task, its process group, and the pipe that it speaks through."""

    def __init__(self, pid: int, pipe: int) -> None:
        self.pid, self.pipe, self.closed, self.rest = pid, pipe, False, bytearray()
        os.set_blocking(pipe, False)
        # Both sides do it: whichever comes first, the group is there when it is needed.
        with suppress(OSError):
            os.setpgid(pid, pid)

    def ended(self) -> bool:
        """Whether the process is over; its number is not free yet."""
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.pid, flags) is not None

    def end(self) -> int | None:
        """End the process and what it has started; its status, or ``None`` if it went on."""
        over = self.ended()
        with suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)
        with suppress(OSError):
            os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        self.read()
        os.close(self.pipe)
        return os.waitstatus_to_exitcode(status) if over else None

    def read(self) -> None:
        """Take in what is there to be read, up to a line that is longer than any message."""
        with suppress(BlockingIOError):
            while not self.closed and len(self.rest) <= LONGEST_LINE:
                chunk = os.read(self.pipe, CHUNK)
                self.rest += chunk
                self.closed = not chunk
                if b"\n" in chunk:
                    return

    def lines(self, last: bool = False) -> list[bytes]:
        """The lines so far; at last, also one without an end."""
        if not (last or b"\n" in self.rest[-CHUNK:] or len(self.rest) > LONGEST_LINE):
            return []
        *whole, rest = bytes(self.rest).split(b"\n")
        if rest and (last or len(rest) > LONGEST_LINE):
            whole, rest = [*whole, rest], b""
        self.rest = bytearray(rest)
        return [TASK + said + b"\n" for said in whole]
