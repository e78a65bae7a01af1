"""Where claims are found: the shipped package, installed packages, and files anywhere.

A claim is found by looking for module-level ``Claim`` values, or tuples of them. Nothing is listed
by hand, and a claim in the package and one in a user's file are found alike.
"""

from __future__ import annotations

import fnmatch
import hashlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from importlib import import_module, metadata
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType
from typing import Any

from lora_proofs.errors import BadInput, ClaimRefused, NothingSelected
from lora_proofs.judging.raising import shown
from lora_proofs.language.claim import Claim
from lora_proofs.language.validate import validate
from lora_proofs.running.result import describe
from lora_proofs.running.suggesting import file_suggestion, pattern_suggestion, suggestion

SHIPPED = "lora_proofs.claims"
GROUP = "lora_proofs.claims"
_HOME = Path(__file__).resolve().parent.parent / "claims"


@dataclass(frozen=True)
class Locator:
    """Where a claim stands: module or file with its SHA-256, attribute, place in a tuple."""

    module: str = ""
    path: str = ""
    sha256: str = ""
    attribute: str = ""
    index: int | None = None

    def __str__(self) -> str:
        place = f"[{self.index}]" if self.index is not None else ""
        return f"{self.path or self.module}:{self.attribute}{place}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Entry:
    """A claim that was found: its name, its place, what it says, and whether it is shipped."""

    name: str
    locator: Locator
    shipped: bool
    told: dict[str, Any] = field(repr=False, hash=False, compare=False)

    @property
    def home(self) -> str:
        """Whose code it is, where it is not ours: the file or the module of another package."""
        return "" if self.shipped else self.locator.path or self.locator.module

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as ``list --json`` prints it."""
        return {**self.told, "locator": self.locator.to_dict(), "shipped": self.shipped}


def claims_in(module: ModuleType) -> Iterator[tuple[str, int | None, Claim]]:
    """The module-level claims in order: attribute, place in a tuple (or ``None``), claim."""
    for attribute, value in list(vars(module).items()):
        if isinstance(value, Claim):
            yield attribute, None, value
        elif isinstance(value, tuple | list) and all(isinstance(c, Claim) for c in value):
            yield from ((attribute, k, claim) for k, claim in enumerate(value))


def _entries(module: ModuleType, shipped: bool, place: Locator) -> Iterator[tuple[Claim, Entry]]:
    for attribute, index, claim in claims_in(module):
        validate(claim)
        locator = replace(place, attribute=attribute, index=index)
        yield claim, Entry(claim.name, locator, shipped, describe(claim))


def _distinct(found: Iterable[tuple[Claim, Entry]]) -> tuple[Entry, ...]:
    """One entry for each claim: a value that a second module imports is no second claim."""
    kept: dict[int, tuple[Claim, Entry, bool]] = {}
    for claim, entry in found:
        at_home = getattr(claim.check, "__module__", None) == entry.locator.module
        if id(claim) not in kept or (at_home and not kept[id(claim)][2]):
            kept[id(claim)] = (claim, entry, at_home)
    entries = tuple(entry for _, entry, _ in kept.values())
    refuse_duplicates(entries)
    return tuple(sorted(entries, key=lambda entry: entry.name))


def refuse_duplicates(entries: Iterable[Entry]) -> None:
    """Raise ``ClaimRefused`` where two claims share a name, with both places."""
    places: dict[str, Locator] = {}
    for entry in entries:
        other = places.setdefault(entry.name, entry.locator)
        if other != entry.locator:
            raise ClaimRefused(
                f"two claims are named {entry.name!r}: {other} and {entry.locator}; rename one"
            )


@cache
def shipped_claims(folder: str = "") -> tuple[Entry, ...]:
    """Every claim of the package, or of one paper's folder in it, by name."""
    where = f"{SHIPPED}.{folder}".rstrip(".")
    try:
        package = import_module(where)
    except ModuleNotFoundError:
        return ()
    names = [info.name for info in walk_packages(package.__path__, where + ".")]
    return _distinct(
        pair for name in names for pair in _entries(imported(name), True, Locator(name))
    )


def shipped_near(target: str) -> tuple[Entry, ...]:
    """The claims of the package among which a name or a pattern finds what it fits.

    A name begins with the folder of its paper, so nothing else is imported where that is said.
    """
    paper, slash, _ = target.partition("/")
    folder = paper.replace("-", "_")
    known = slash and folder.isidentifier() and (_HOME / folder / "__init__.py").is_file()
    return shipped_claims(folder if known else "")


@cache
def installed_claims() -> tuple[Entry, ...]:
    """Every claim that another package names under the entry-point group ``lora_proofs.claims``.

    Its modules are imported: only in a process that can be killed.
    """
    names = installed_modules()
    return _distinct(
        pair for name in names for pair in _entries(imported(name), False, Locator(name))
    )


def installed_modules() -> tuple[str, ...]:
    """The modules of claims that other packages name."""
    return tuple(sorted({point.value for point in metadata.entry_points(group=GROUP)}))


def imported(name: str) -> ModuleType:
    """A module of claims; ``ClaimRefused`` where importing it raises."""
    try:
        return import_module(name)
    except Exception as error:
        raise ClaimRefused(
            f"{name}: a module of claims that raises when it is imported: {shown(error)}"
        ) from error


def read_file(path: Path) -> tuple[bytes, str]:
    """The text of a claim file and its SHA-256; ``BadInput`` where it cannot be read."""
    if path.is_dir():
        raise BadInput(
            f"{path}: expected a Python file of claims, it is a folder; name a file in it"
        )
    try:
        text = path.read_bytes()
    except OSError as error:
        meant = file_suggestion(path) if isinstance(error, FileNotFoundError) else ""
        raise BadInput(
            f"{path}: expected a readable Python file of claims: {error.strerror or error}"
            f"{meant and '.'}{meant}"
        ) from None
    return text, hashlib.sha256(text).hexdigest()


def load_file(path: Path, sha256: str = "") -> ModuleType:
    """Execute a file of claims as a module. Only ever in a process that can be killed.

    Raises ``BadInput`` where it cannot be read or has changed, ``ClaimRefused`` where it raises.
    """
    text, digest = read_file(path)
    if sha256 and digest != sha256:
        raise BadInput(
            f"{path}: expected the file with SHA-256 {sha256[:12]}..., it is now {digest[:12]}...: "
            "it changed. Verify it again"
        )
    # A copy of a file elsewhere is another module: what a claim says of its place depends on it.
    where = hashlib.sha256(str(path.resolve()).encode("utf-8", "surrogateescape")).hexdigest()
    name = f"lora_proofs_file_{where[:8]}_{digest[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    module = _module(name, path)
    try:
        exec(compile(text, str(path), "exec"), module.__dict__)
    except ClaimRefused as refusal:
        del sys.modules[name]
        raise ClaimRefused(f"{path}: {refusal}") from None
    except BaseException as error:
        del sys.modules[name]
        raise ClaimRefused(
            f"{path}: expected a file that defines claims, it raises when it is loaded: "
            f"{shown(error)}{_line(error, path)}"
        ) from error
    return module


def _module(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and pickles look a module up by its name while it is being executed.
    sys.modules[name] = module
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)
    return module


def _line(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError):
        return ""
    trace, line = error.__traceback__, 0
    while trace is not None:
        line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == str(path) else line
        trace = trace.tb_next
    return f" (line {line})" if line else ""


def file_claims(path: Path) -> tuple[Entry, ...]:
    """The claims that a file defines; those that it imports from elsewhere are not its own.

    Raises ``ClaimRefused`` for a file without claims. Only in a process that can be killed.
    """
    module = load_file(path)
    _, digest = read_file(path)
    place, elsewhere = Locator("", str(path.resolve()), digest), _claims_elsewhere(module)
    found = [
        (claim, entry)
        for claim, entry in _entries(module, False, place)
        if id(claim) not in elsewhere
    ]
    if not found:
        raise ClaimRefused(
            f"{path}: expected a module-level Claim, or a tuple of them; found none. Write "
            "`claim = Claim(name=..., ...)` at the top level of the file"
        )
    return _distinct(found)


def _claims_elsewhere(module: ModuleType) -> set[int]:
    others = [m for m in list(sys.modules.values()) if m is not module and m is not None]
    return {
        id(claim)
        for other in others
        if getattr(other, "__name__", "").partition(".")[0] != "__main__"
        and hasattr(other, "__dict__")
        and Claim in map(type, list(vars(other).values()))
        for _, _, claim in claims_in(other)
    }


def load(locator: Locator) -> Claim:
    """The claim at a locator. A file is executed: only in a process that can be killed."""
    found = getattr(home_of(locator), locator.attribute)
    claim = found if locator.index is None else found[locator.index]
    assert isinstance(claim, Claim)
    return claim


def home_of(locator: Locator) -> ModuleType:
    """The module that a claim's text stands in. A file is executed, as by ``load``."""
    if locator.path:
        return load_file(Path(locator.path), locator.sha256)
    return imported(locator.module)


def is_pattern(target: str) -> bool:
    """Whether a target is a glob, which may fit several claims."""
    return any(c in target for c in "*?[")


def is_path(target: str) -> bool:
    """Whether a target names a file rather than a claim."""
    return target.partition("::")[0].endswith(".py")


def module_of(path: Path) -> str:
    """The module that a path inside the shipped claims stands for, or nothing."""
    try:
        inside = path.resolve().relative_to(_HOME)
    except ValueError:
        return ""
    return ".".join((SHIPPED, *inside.with_suffix("").parts))


def named(target: str, known: Sequence[Entry]) -> list[Entry]:
    """The claims that a name or a glob selects; a name that fits none raises, with suggestions."""
    if is_pattern(target):
        return [entry for entry in known if fnmatch.fnmatchcase(entry.name, target)]
    found = [entry for entry in known if entry.name == target]
    if found:
        return found
    if Path(target).is_dir():
        raise BadInput(
            f"{target}: expected a claim or a Python file, it is a folder; name a file in it"
        )
    if Path(f"{target}.py").is_file():
        raise BadInput(f"no claim has the name {target!r}; did you mean {target}.py?")
    meant = suggestion(target, (entry.name for entry in known))
    raise BadInput(
        f"expected a claim's name, a pattern or a path to a .py file; got {target!r}, which no "
        f"claim has.{meant} `lora-proofs list` shows every name"
    )


def nothing(targets: Sequence[str]) -> NothingSelected:
    """What to raise where the targets select no claim."""
    what = ", ".join(map(repr, targets)) if targets else "no target"
    names = [entry.name for entry in shipped_claims()]
    meant = "".join(dict.fromkeys(pattern_suggestion(target, names) for target in targets))
    return NothingSelected(
        f"nothing selected: no claim matches {what}.{meant} `lora-proofs list` shows every name"
    )
