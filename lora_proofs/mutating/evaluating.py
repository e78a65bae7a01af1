"""A mutant's check on one instance: whatever it raises, it only says nothing of that instance."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lora_proofs.arithmetic import Arithmetic
from lora_proofs.judging.evaluation import Judged, evaluate
from lora_proofs.judging.raising import shown
from lora_proofs.language.claim import Check
from lora_proofs.mathematics.instance import Instance

PATIENCE = 30.0
"""Seconds of computing after which an evaluation is taken for one that does not end.

They are the process's own, so that a machine that is busy with something else changes nothing.
"""


class DoesNotEnd(BaseException):
    """A slip made a loop endless, or a number enormous; no text that is judged can catch it."""


def attempt(check: Check, instance: Instance, rungs: Sequence[Arithmetic]) -> Judged:
    """What a mutant's check says in rigorous arithmetic, the first rung that decides.

    Without a decision it is the last rung that could compare anything; ``unavailable`` where none
    could: what a slip makes a check raise refutes nothing. Raises ``DoesNotEnd`` in time.
    """
    last = Judged("unavailable", why="no rigorous arithmetic was tried")
    for ctx in rungs:
        try:
            with patience():
                found = evaluate(check, instance, ctx)
        except Exception as error:
            found = Judged("unavailable", arithmetic=ctx.name, why=shown(error))
        if found.refutes or found.certifies:
            return found
        if found.comparisons or not last.comparisons:
            last = found
    return last


@contextmanager
def patience() -> Iterator[None]:
    """Raise ``DoesNotEnd`` in time, where this is the thread that hears of it."""
    main = threading.current_thread() is threading.main_thread()
    if not (main and hasattr(signal, "setitimer")) or signal.getitimer(signal.ITIMER_PROF)[0]:
        yield
        return

    def stop(number: int, frame: Any) -> None:
        raise DoesNotEnd(f"not finished within {PATIENCE:g} s of computing")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
