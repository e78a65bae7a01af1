"""What a result depends on besides its claim, budget and seed: the versions of everything."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable
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
    files = sorted(HOME.rglob("*.py"))
    stamps = tuple((str(file), *_stamp(file)) for file in files)
    return {**versions(), "source": _fingerprint(stamps)}


def _stamp(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_mtime_ns, found.st_size


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
