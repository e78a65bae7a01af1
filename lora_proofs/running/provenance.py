"""What a result depends on besides its claim, budget and seed: the versions of everything."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent


@cache
def versions() -> dict[str, str]:
    """The versions of everything that a verdict depends on."""
    packages = ("lora_proofs", "sympy", "numpy", "mpmath", "python-flint", "hypothesis")
    found = {name.replace("-", "_"): _version(name) for name in packages}
    return {"lora_proofs": found.pop("lora_proofs"), "python": platform.python_version(), **found}


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    """The versions of packages by their names.

    >>> versions_of(["no-such-package"])
    {'no-such-package': 'unknown (not installed as a package)'}
    """
    return {name: _version(name) for name in packages}


def about() -> dict[str, str]:
    """The versions, and a fingerprint of the text of this package: one that is being changed has
    the same version throughout.
    """
    return {**versions(), "source": _fingerprint(tuple(sorted(_stamps(str(HOME)))))}


def _stamps(folder: str) -> Iterator[tuple[str, int, int]]:
    """The Python files of a folder, when they were last changed, and their sizes."""
    with os.scandir(folder) as found:
        for entry in found:
            if entry.is_dir():
                yield from _stamps(entry.path)
            elif entry.name.endswith(".py"):
                told = entry.stat()
                yield entry.path, told.st_mtime_ns, told.st_size


@cache
def _fingerprint(stamps: tuple[tuple[str, int, int], ...]) -> str:
    found = hashlib.sha256()
    for name, _, size in stamps:
        place = Path(name).relative_to(HOME).as_posix()
        found.update(f"{place}\0{size}\0".encode() + Path(name).read_bytes())
    return found.hexdigest()[:16]


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown (not installed as a package)"
