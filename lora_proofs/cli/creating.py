"""``new``: a file with a claim that verifies as it stands, to be changed into your own."""

from __future__ import annotations

import importlib.util
import keyword
import re
import sys
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from lora_proofs.cli.options import note
from lora_proofs.errors import BadInput

KINDS = ("inequality", "flow", "existence", "loss")
_WORD = re.compile(r"[a-z0-9]+")


def new_claim(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The Python file to write.")],
    like: Annotated[
        str, typer.Option("--like", metavar="CLAIM", help="Start from a shipped claim.")
    ] = "",
    kind: Annotated[
        str, typer.Option("--kind", metavar="|".join(KINDS), help="Start from an example.")
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> int:
    """Write a claim file that verifies as it stands; change it into your own claim.

    A claim's name follows the file's: my_rank_bound.py holds my/rank-bound. Without options it is
    an inequality about B A; --kind starts from another example, --like from a shipped claim.

    \b
    Examples:
      lora-proofs new my_rank_bound.py && lora-proofs verify my_rank_bound.py
      lora-proofs new my_flow.py --kind flow
      lora-proofs new my_limit.py --like rushka-klabjan/limit-bound
    """
    name = name_of(file)
    if like and kind:
        raise BadInput("new: expected --like or --kind, got both; leave one out")
    text = _alike(like, name) if like else template(kind or KINDS[0], name)
    _write(file, text, force)
    note(f"wrote {file}: the claim {name}; next: lora-proofs verify {file}")
    return 0


def name_of(file: Path) -> str:
    """The name of the claim that a file is for; ``BadInput`` where it cannot be a module.

    >>> name_of(Path("notes/my_rank_bound.py")), name_of(Path("x.py"))
    ('my/rank-bound', 'my/x')
    """
    if file.suffix != ".py":
        raise BadInput(f"{file}: expected a Python file to write, such as my_claim.py")
    stem = file.stem
    if keyword.iskeyword(stem):
        raise BadInput(f"{file}: {stem!r} is a Python keyword; choose a name such as my_{stem}.py")
    words = _WORD.findall(stem.lower())
    if not (stem.isidentifier() and stem.isascii() and words):
        raise BadInput(
            f"{file}: expected a file name that Python can import, letters, digits and _ alone and "
            f"no digit first, such as my_claim.py; got {file.name!r}"
        )
    if _shadows(file):
        raise BadInput(
            f"{file}: it would hide the module {stem!r} from every file beside it; choose a name "
            f"such as my_{stem}.py"
        )
    return "my/" + "-".join(words[1:] if words[0] == "my" and len(words) > 1 else words)


def _shadows(file: Path) -> bool:
    """Whether another module that Python can import has the name of the file."""
    if file.stem in sys.builtin_module_names:
        return True
    found = importlib.util.find_spec(file.stem)
    if found is None:
        return False
    # The file itself, written before, is no other module; nor is a folder without a package.
    return found.origin is not None and Path(found.origin).resolve() != file.resolve()


def template(kind: str, name: str) -> str:
    """The example of a kind, as a claim of that name; ``BadInput`` for another kind."""
    if kind not in KINDS:
        raise BadInput(f"--kind: expected one of {', '.join(KINDS)}; got {kind!r}")
    found = resources.files("lora_proofs.cli").joinpath("templates", f"{kind}.txt")
    return found.read_text(encoding="utf-8").replace("@NAME@", name)


def _alike(like: str, name: str) -> str:
    """The source of a shipped claim, as a claim of a new name."""
    from lora_proofs.running.catalogue import named, shipped_claims
    from lora_proofs.running.copying import copied

    if like.endswith(".py"):
        raise BadInput(
            f"--like: expected the name of a shipped claim, got the path {like!r}; copy the file "
            "instead, and change the name of its claim"
        )
    found = named(like, shipped_claims())
    if len(found) != 1:
        raise BadInput(f"--like: expected the name of one claim, got {like!r}: {len(found)} fit")
    return copied(found[0], name)


def _write(file: Path, text: str, force: bool) -> None:
    if file.is_dir():
        raise BadInput(f"{file}: expected a file to write, it is a directory")
    if not file.parent.is_dir():
        raise BadInput(f"{file}: cannot be written, there is no directory {file.parent}")
    try:
        with file.open("w" if force else "x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise BadInput(
            f"{file}: it exists; name another file, or say --force to overwrite it"
        ) from None
    except OSError as error:
        raise BadInput(f"{file}: cannot be written: {error.strerror or error}") from None
