"""What a mistyped name, pattern or file was perhaps meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path

MOST = 3
ALIKE = 0.6


def suggestion(target: str, known: Iterable[str]) -> str:
    """Names of claims that a slip of the keyboard would explain.

    >>> suggestion("balancednes", ["classical/balancedness", "classical/gronwall"])
    ' Did you mean classical/balancedness?'
    """
    names = list(known)
    read = {name: name for name in names} | {name.rpartition("/")[2]: name for name in names}
    return _asked(read[close] for close in _close(target, list(read)))


def pattern_suggestion(target: str, known: Iterable[str]) -> str:
    """Patterns of whole families that are near one that matches nothing; else near names.

    >>> known = ["classical/balancedness", "classical/gronwall", "zeng-lee/linear-rank"]
    >>> pattern_suggestion("clasical/*", known), pattern_suggestion("*balancednes*", known)
    (" Did you mean 'classical/*'?", ' Did you mean classical/balancedness?')
    """
    names = list(known)
    families = dict.fromkeys(f"{name.rpartition('/')[0]}/*" for name in names if "/" in name)
    family, _, rest = target.rpartition("/")
    close = _close(f"{family}/*", list(families)) if family else []
    if f"{family}/*" in close or not close:
        return suggestion((rest or target).strip("*?[]"), names)
    return _asked(map(repr, close))


def file_suggestion(path: Path) -> str:
    """Python files beside a path that does not exist whose names are near.

    >>> file_suggestion(Path("nowhere/x.py"))
    ''
    """
    try:
        beside = sorted(file.name for file in path.parent.glob("*.py"))
    except OSError:
        return ""
    return _asked(str(path.parent / name) for name in _close(path.name, beside))


def _close(target: str, known: Sequence[str]) -> list[str]:
    return difflib.get_close_matches(target, known, n=MOST, cutoff=ALIKE)


def _asked(found: Iterable[str]) -> str:
    words = list(dict.fromkeys(found))
    return f" Did you mean {' or '.join(words)}?" if words else ""
