"""The compiled kernel: its C source is compiled on first use, by the compiler that is there.

The library is kept in the user's cache, under a name that says what it was made from (the source,
the compiler and what that compiler knows of the processor) and what it holds: one that was changed
or cut short is made again. Nothing is downloaded.
"""

from __future__ import annotations

import atexit
import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from lora_proofs.errors import Unavailable
from lora_proofs.kernels.stepping import ACCEPTED, LEAST_TRAIL, SAFETY, STABLE
from lora_proofs.mathematics.dormand_prince import ERROR_3, ERROR_5, STAGES, WEIGHTS

COMPILERS = ("cc", "gcc", "clang")
SOURCES = ("flow.c", "stepping.c")
# Nothing of -ffast-math: an error estimate must see what is not finite.
FLAGS = ("-O3", "-std=gnu11", "-fPIC", "-shared", "-fno-math-errno", "-fno-trapping-math",
         "-fno-strict-aliasing")  # fmt: skip
NATIVE = ("-march=native", "-mcpu=native", "-O3")  # the first that the compiler takes
CONTROL = {
    "STABLE": STABLE, "ACCEPTED": ACCEPTED, "SAFETY": SAFETY, "LEAST_TRAIL": LEAST_TRAIL,
}  # fmt: skip


def stages_source() -> str:
    """The control of the steps and the sums of Dormand-Prince as C, from what the other paths read.

    >>> stages_source().splitlines()[0]
    '#define STABLE 6.0'
    """
    head = "static void combine_{}(long s, const V *y, V h, V *const *k, V *restrict z"
    lines = [f"#define {name} {value!r}" for name, value in CONTROL.items()]
    for stage, weights in enumerate(STAGES, start=2):
        lines.append(head.format(stage) + f") {{ {_rows(weights)}for (long x = 0; x < s; x++)")
        lines.append(f"    z[x] = y[x] + h * ({_sum(weights)}); }}")
    lines.append(head.format("last") + ",\n    V *fifth, V *third, V *square) {")
    lines.append(f"V five = {{}}, three = {{}}, all_of_it = {{}}; {_rows(WEIGHTS)}")
    lines.append("for (long x = 0; x < s; x++) {")
    for name, weights in (("u", WEIGHTS), ("v", ERROR_5), ("w", ERROR_3)):
        lines.append(f"    V {name} = {_sum(weights)};")
    lines.append("    u = y[x] + h * u; z[x] = u; all_of_it += u * u;")
    lines.append("    v *= h; five += v * v; w *= h; three += w * w; }")
    lines.append("*fifth = five; *third = three; *square = all_of_it; }")
    return "\n".join(lines) + "\n"


def _rows(weights: tuple[float, ...]) -> str:
    return "".join(f"const V *k{i} = k[{i}]; " for i, weight in enumerate(weights) if weight)


def _sum(weights: tuple[float, ...]) -> str:
    return " + ".join(f"{weight!r} * k{i}[x]" for i, weight in enumerate(weights) if weight)


@cache
def library() -> Any:
    """The compiled library; raises ``Unavailable`` where none can be made here, and says why."""
    compiler = os.environ.get("CC") or next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        raise _unavailable("no C compiler was found (looked for CC, cc, gcc and clang)")
    try:
        path = _made(compiler.split())
        found = ctypes.CDLL(str(path))
        found.lora_flow.restype = ctypes.c_int
    except subprocess.CalledProcessError as error:
        told = (error.stderr or "").strip().splitlines()
        raise _unavailable(f"{compiler} failed: {told[0] if told else error}") from None
    except (OSError, AttributeError, subprocess.TimeoutExpired) as error:
        raise _unavailable(f"{compiler}: {error}") from None
    return found


def _unavailable(why: str) -> Unavailable:
    return Unavailable(f"the compiled backend: {why};", "kernel", "a C compiler, or backend numpy")


def _made(compiler: list[str]) -> Path:
    """The path of the library, compiled where the cache does not hold it."""
    home = files(__package__)
    texts = {name: home.joinpath(name).read_text(encoding="utf-8") for name in SOURCES}
    texts["dormand_prince.h"] = stages_source()
    native, target = _target(compiler)
    command = [*compiler, *FLAGS, native]
    made_from = "\0".join([*command, target, *texts.values()])
    name, folder = f"kernel-{_digest(made_from.encode())}", _cache()
    kept = _kept(folder, name)
    if kept is not None:
        return kept
    with tempfile.TemporaryDirectory(dir=folder) as place:
        for source, text in texts.items():
            Path(place, source).write_text(text, encoding="utf-8")
        _run([*command, "flow.c", "-o", "kernel.so", "-lm"], place)
        made = Path(place, "kernel.so")
        path = folder / f"{name}-{_digest(made.read_bytes())}.so"
        os.replace(made, path)
    return path


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:24]


def _kept(folder: Path, name: str) -> Path | None:
    """The library in the cache, where it is what its name says; another one is thrown away.

    A library that was cut short would end the process when it is loaded, with no exception.
    """
    for path in sorted(folder.glob(f"{name}-*.so")):
        if _digest(path.read_bytes()) == path.stem.rpartition("-")[2]:
            return path
        path.unlink(missing_ok=True)
    return None


def _target(compiler: list[str]) -> tuple[str, str]:
    """The flag for this very processor, and the macros that the compiler then defines."""
    for flag in NATIVE:
        try:
            return flag, _run([*compiler, flag, "-dM", "-E", "-x", "c", os.devnull], None)
        except subprocess.CalledProcessError:
            if flag == NATIVE[-1]:
                raise
    raise AssertionError("unreachable")


def _run(command: list[str], place: str | None) -> str:
    done = subprocess.run(
        command, cwd=place, check=True, capture_output=True, text=True, timeout=300
    )
    return done.stdout


def _cache() -> Path:
    """A folder that only this user writes to: in the user's cache, else of this process alone."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = Path(base, "lora_proofs")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = folder.stat()
        if about.st_uid == os.getuid() and not about.st_mode & 0o022 and os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    return _own_folder()


@cache
def _own_folder() -> Path:
    folder = tempfile.mkdtemp(prefix="lora_proofs-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
