"""What a claim may change of the process that it runs in, and how it is put back.

A claim is Python, and Python code can change what everything else in its process goes by: the
precision of mpmath, what NumPy does about a division by zero, a seed, the working directory.
``preserved`` puts it back, so that the next claim finds what this one has found. What it cannot
do, a process of its own does: end a claim, or undo what was changed in the middle of a value.
"""

from __future__ import annotations

import builtins
import decimal
import faulthandler
import fractions
import functools
import gc
import hashlib
import itertools
import json
import locale
import logging
import math
import operator
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from types import ModuleType
from typing import Any

import flint
import mpmath
import numpy as np

Piece = tuple[Callable[[], Any], Callable[[Any], object]]
"""How a piece of state is read, and how it is put back."""

_LIBRARIES: tuple[ModuleType, ...] = (
    *(builtins, decimal, fractions, functools, itertools, json, math, operator, random),
    *(np, np.linalg, np.random, flint, mpmath),
)
"""Whose names are put back, beside those of this package."""


@contextmanager
def preserved(*key: object) -> Iterator[None]:
    """Run what a claim brings along; afterwards the process is as it was before.

    Within, the global random generators are seeded with the key (a seed and a claim's name), so
    that a claim that draws from them comes back the same whatever ran before it. Threads and
    processes that it leaves behind stay, as does what it changed inside of an object.

    >>> before = np.geterr()["divide"]
    >>> with preserved(0, "a claim"):
    ...     ignored = np.seterr(divide="raise" if before != "raise" else "warn")
    >>> np.geterr()["divide"] == before
    True
    """
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        for read, write in _PIECES:
            stack.callback(_put_back, read, write, read())
        # Put back first: the functions that put back the rest are among these names.
        stack.callback(_rename, _names(), dict(_ours()))
        seed_generators(*key)
        yield


def seed_generators(*key: object) -> None:
    """Seed the global generators of ``random`` and NumPy with a key."""
    digest = hashlib.sha256(repr(key).encode()).digest()
    random.seed(digest)
    np.random.seed(np.frombuffer(digest, dtype=np.uint32))


def _put_back(read: Callable[[], Any], write: Callable[[Any], object], before: Any) -> None:
    # Where one piece cannot be put back (the folder is gone), the others still are.
    with suppress(Exception):
        if read() != before:
            write(before)


# The pieces


def _attributes(owner: Any, *names: str) -> list[Piece]:
    """Attributes of an object that live as long as it does."""
    return [_attribute(owner, name) for name in names]


def _attribute(owner: Any, name: str) -> Piece:
    return (lambda: getattr(owner, name)), (lambda value: setattr(owner, name, value))


def _listed(owner: Any, name: str) -> Piece:
    """A list: the object and what is in it."""

    def write(before: tuple[list[Any], list[Any]]) -> None:
        before[0][:] = before[1]
        setattr(owner, name, before[0])

    return (lambda: (getattr(owner, name), list(getattr(owner, name)))), write


def _folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:
        return None


def _change_folder(before: str | None) -> None:
    if before is not None:
        os.chdir(before)


def _environment(before: dict[str, str]) -> None:
    for name in set(os.environ) - set(before):
        del os.environ[name]
    os.environ.update(before)


def _numpy_generator() -> tuple[Any, ...]:
    name, key, *rest = np.random.get_state()
    return name, tuple(np.asarray(key).tolist()), *rest


def _handlers() -> dict[int, Any]:
    return {number: signal.getsignal(number) for number in signal.valid_signals()}


def _handle(before: dict[int, Any]) -> None:
    # Only the main thread may set handlers, and one that C code has set cannot be put back.
    if threading.current_thread() is threading.main_thread():
        for number, handler in before.items():
            if handler is not None and signal.getsignal(number) != handler:
                signal.signal(number, handler)


def _timer() -> float:
    return signal.getitimer(signal.ITIMER_REAL)[0] and 1.0 if hasattr(signal, "getitimer") else 0.0


def _stop_timer(before: float) -> None:
    if not before:
        signal.setitimer(signal.ITIMER_REAL, 0.0)


def _dump_faults(before: bool) -> None:
    faulthandler.enable() if before else faulthandler.disable()


def _collect_garbage(before: bool) -> None:
    gc.enable() if before else gc.disable()


def _symbolic_switches() -> tuple[bool, bool, bool] | None:
    parameters = sys.modules.get("sympy.core.parameters")
    if parameters is None:
        return True, True, False
    found = parameters.global_parameters
    return found.evaluate, found.distribute, found.exp_is_pow


def _switch_symbolic(before: tuple[bool, bool, bool]) -> None:
    found = sys.modules["sympy.core.parameters"].global_parameters
    found.evaluate, found.distribute, found.exp_is_pow = before


_PIECES: tuple[Piece, ...] = (
    *_attributes(mpmath.mp, "prec", "pretty", "trap_complex"),
    *_attributes(mpmath.iv, "prec"),
    *_attributes(flint.ctx, "prec", "cap", "pretty", "unicode", "threads"),
    (_symbolic_switches, _switch_symbolic),
    (np.geterr, lambda before: np.seterr(**before)),
    (np.geterrcall, np.seterrcall),
    (np.getbufsize, np.setbufsize),
    (np.get_printoptions, lambda before: np.set_printoptions(**before)),
    (_numpy_generator, np.random.set_state),
    (random.getstate, random.setstate),
    (lambda: decimal.getcontext().copy(), decimal.setcontext),
    (lambda: locale.setlocale(locale.LC_ALL), lambda name: locale.setlocale(locale.LC_ALL, name)),
    (_folder, _change_folder),
    (lambda: dict(os.environ), _environment),
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (sys.get_int_max_str_digits, sys.set_int_max_str_digits),
    (sys.getswitchinterval, sys.setswitchinterval),
    (sys.gettrace, sys.settrace),
    (sys.getprofile, sys.setprofile),
    *_attributes(sys, "stdin", "stdout", "stderr", "displayhook", "excepthook", "unraisablehook"),
    *(_listed(sys, name) for name in ("path", "argv", "meta_path", "path_hooks")),
    (_handlers, _handle),
    (_timer, _stop_timer),
    (gc.isenabled, _collect_garbage),
    (gc.get_threshold, lambda before: gc.set_threshold(*before)),
    (faulthandler.is_enabled, _dump_faults),
    _listed(logging.root, "handlers"),
    (lambda: logging.root.level, logging.root.setLevel),
    (lambda: logging.root.manager.disable, logging.disable),
    *_attributes(threading, "excepthook"),
)


# Names


def _ours() -> list[tuple[str, ModuleType]]:
    """The modules of this package that judge; the claims themselves are not among them."""
    return [
        (name, module)
        for name, module in list(sys.modules.items())
        if name.startswith("lora_proofs") and not name.startswith("lora_proofs.claims.")
    ]


def _names() -> list[tuple[Any, dict[str, Any]]]:
    """The names of modules and of this package's classes, and what they stand for."""
    ours = [module for _, module in _ours()]
    classes = itertools.chain.from_iterable(map(_classes, (fractions, *ours)))
    return [(owner, dict(vars(owner))) for owner in (*_LIBRARIES, *ours, *classes)]


@functools.cache
def _classes(module: ModuleType) -> tuple[type, ...]:
    """The classes that a module defines."""
    found = [value for value in vars(module).values() if isinstance(value, type)]
    return tuple(value for value in found if value.__module__ == module.__name__)


def _rename(before: list[tuple[Any, dict[str, Any]]], modules: dict[str, ModuleType]) -> None:
    """Put names back that stand for something else now; a module may have got new ones.

    A name that a module got is left, because importing a submodule adds one. One that a class got
    can shadow what it inherits, and goes.
    """
    sys.modules.update(modules)
    for owner, names in before:
        now = vars(owner)
        if _same(now, names):
            continue
        added = [name for name in now if name not in names] if isinstance(owner, type) else []
        for name in added:
            with suppress(AttributeError, TypeError):
                delattr(owner, name)
        for name in [name for name, value in names.items() if now.get(name, names) is not value]:
            with suppress(AttributeError, TypeError):
                setattr(owner, name, names[name])


def _same(now: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Quickly, whether nothing was renamed; a value that cannot be compared was."""
    try:
        return bool(now == before)
    except Exception:
        return False
