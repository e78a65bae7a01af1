"""A worker process: JSON tasks on stdin, one a line, and messages back.

Whatever a claim prints goes to stderr: the channel back is a descriptor that only the loop has.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from typing import Any, BinaryIO

from lora_proofs.errors import LoraProofsError
from lora_proofs.judging.raising import message
from lora_proofs.running.channel import SERVER, TASK, line

MEBIBYTE = 1024 * 1024
Send = Callable[[Mapping[str, Any]], None]


def main(memory: int, forks: bool, grace: float) -> None:
    """Serve tasks until stdin ends: each in a fork of this process, or all of them in it.

    ``memory`` is the limit on address space in MiB, ``grace`` how many seconds a fork may take to
    end after it has closed its channel.
    """
    tasks, channel = _private_channels()
    limit_memory(memory)
    if forks:
        from lora_proofs.running.forking import Server

        Server(tasks, channel, grace).serve()
    _serve_here(_incoming(tasks), channel)


def _private_channels() -> tuple[BinaryIO, BinaryIO]:
    """Where tasks come from and where messages go; what else reads gets nothing, or prints."""
    tasks, channel = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    return tasks, channel


def _serve_here(tasks: SimpleQueue[Any], channel: BinaryIO) -> None:
    send, say = sender(channel, TASK), sender(channel, SERVER)
    while True:
        task = tasks.get()
        say({"started": os.getpid()})
        deliver(answer(task, send), send)
        say({"ended": 0})


def sender(channel: BinaryIO, mark: bytes) -> Send:
    """How messages are sent through a channel."""

    def send(told: Mapping[str, Any]) -> None:
        # What the claim printed goes out first: this process may be ended right after its answer.
        for printed in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                printed.flush()
        channel.write(line(mark, told))
        channel.flush()

    return send


def deliver(told: dict[str, Any], send: Send) -> None:
    """Send an answer; one that is not plain data is a failure of its own."""
    try:
        send(told)
    except (TypeError, ValueError, RecursionError) as error:
        send({"failed": failure(error)})


def answer(task: Mapping[str, Any], send: Send) -> dict[str, Any]:
    """The outcome of a task: ``done``, or ``failed`` with what was raised."""
    from lora_proofs.running.tasks import perform

    try:
        return {"done": perform(task, send)}
    except BaseException as error:
        return {"failed": failure(error)}


def failure(error: BaseException) -> dict[str, Any]:
    """An exception as plain data; an ``expected`` one is raised again on the other side."""
    return {
        "type": type(error).__name__,
        "message": message(error) or type(error).__name__,
        "expected": isinstance(error, LoraProofsError),
        "traceback": traceback.format_exc(),
    }


def limit_memory(mebibytes: int) -> None:
    """Limit the address space of this process, where the system knows how."""
    try:
        import resource
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = mebibytes * MEBIBYTE
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, wanted))


def _incoming(source: BinaryIO) -> SimpleQueue[Any]:
    """The tasks; where they end, the process ends at once, whatever it is doing."""
    tasks: SimpleQueue[Any] = SimpleQueue()

    def read() -> None:
        for task in source:
            tasks.put(json.loads(task))
        sys.stderr.flush()
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return tasks
