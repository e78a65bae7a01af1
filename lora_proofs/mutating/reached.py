"""Which lines of which functions a check runs, found by watching it on a few instances."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any


@dataclass
class Reached:
    """The functions of some files that were run, with the lines, and how many calls it took."""

    files: frozenset[str]
    lines: dict[CodeType, set[int]] = field(default_factory=dict)
    calls: int = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch what is run inside; whoever watched before goes on afterwards."""
        before = sys.gettrace()
        sys.settrace(self._call)
        try:
            yield
        finally:
            sys.settrace(before)

    def _call(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        self.calls += 1
        if frame.f_code.co_filename not in self.files:
            return None
        seen = self.lines.setdefault(frame.f_code, set())

        def line(frame: FrameType, event: str, argument: Any) -> Any:
            seen.add(frame.f_lineno)
            return line

        return line

    def functions(self) -> dict[str, set[tuple[str, int]]]:
        """By file: the qualified names and first lines of what was run."""
        out: dict[str, set[tuple[str, int]]] = {}
        for code in self.lines:
            out.setdefault(code.co_filename, set()).add((code.co_qualname, code.co_firstlineno))
        return out

    def lines_of(self, file: str) -> set[int]:
        """The lines of a file that were run."""
        return {n for code, lines in self.lines.items() if code.co_filename == file for n in lines}


def watch(files: Iterable[str], bodies: Iterable[Callable[[], Any]]) -> Reached:
    """Run some bodies and say what of the files they ran; what they raise counts for nothing."""
    found = Reached(frozenset(files))
    for body in bodies:
        with found.watching():
            try:
                body()
            except Exception:
                continue
    return found
