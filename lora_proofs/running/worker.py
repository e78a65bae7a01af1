"""The main loop of a worker process: one JSON task a line on stdin, JSON messages a line back.

Whatever a claim prints goes to stderr: the channel back is a descriptor that only this loop has.
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
from typing import Any

from lora_proofs.errors import LoraProofsError
from lora_proofs.judging.raising import message

MEBIBYTE = 1024 * 1024


def main(memory: int) -> None:
    """Serve tasks until stdin ends; ``memory`` is the limit on address space in MiB."""
    send = _private_channel()
    limit_memory(memory)
    tasks = _incoming()
    while True:
        task = tasks.get()
        send({"started": True})
        _deliver(answer(task, send), send)


def _deliver(told: dict[str, Any], send: Callable[[Mapping[str, Any]], None]) -> None:
    """Send an answer; one that is not plain data is a failure of its own."""
    try:
        send(told)
    except (TypeError, ValueError, RecursionError) as error:
        send({"failed": failure(error)})


def answer(task: Mapping[str, Any], send: Callable[[Mapping[str, Any]], None]) -> dict[str, Any]:
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


def _private_channel() -> Callable[[Mapping[str, Any]], None]:
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def send(told: Mapping[str, Any]) -> None:
        # What the claim printed goes out first: this process may be ended right after its answer.
        for printed in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                printed.flush()
        channel.write(json.dumps(told) + "\n")
        channel.flush()

    return send


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


def _incoming() -> SimpleQueue[Any]:
    """The tasks on stdin; where it ends, the process ends at once, whatever it is doing."""
    tasks: SimpleQueue[Any] = SimpleQueue()
    source = os.fdopen(os.dup(0), encoding="utf-8")
    # A claim that reads stdin must not eat the tasks.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

    def read() -> None:
        for line in source:
            tasks.put(json.loads(line))
        sys.stderr.flush()
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return tasks
