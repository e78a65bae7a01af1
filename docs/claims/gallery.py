"""Writes index.md, the gallery: each claim of this folder with the verdict that a run comes to.

python docs/claims/gallery.py [JOBS]
"""

import re
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from runpy import run_path

from lora_proofs import Claim, Result, verify

HERE = Path(__file__).parent
PAGE = HERE / "index.md"
SYMBOLS = {"A0": "A_0", "A1": "A_1", "A2": "A_2", "B0": "B_0", "B1": "B_1", "B2": "B_2"}
SYMBOLS |= {"W0": "W_0", "dA": r"\dot A", "dB": r"\dot B", "alpha": r"\alpha"}
SPACE = r", \quad "
WORDS = {"<=": r"\le", ">=": r"\ge", "<": "<", "=": "="}


def files() -> list[Path]:
    """The claim files, by name."""
    return sorted(path for path in HERE.glob("*.py") if path.name != "gallery.py")


def claim_in(path: Path) -> Claim:
    """The claim that a file defines."""
    claim = run_path(str(path))["claim"]
    assert isinstance(claim, Claim)
    return claim


def in_order(claims: dict[Path, Claim]) -> list[tuple[Path, Claim]]:
    """Each claim that is true, after those that it corrects."""

    def place(item: tuple[Path, Claim]) -> tuple[str, bool, str]:
        path, claim = item
        return claim.source.corrected_by or claim.name, claim.source.corrected_by is None, path.name

    return sorted(claims.items(), key=place)


def matrix(value: object) -> str:
    """A number or a matrix of an instance, or of a comparison, in LaTeX."""
    if not isinstance(value, list):
        text = str(value).replace("+/-", r"\pm")
        return text.rstrip("0").rstrip(".") if re.fullmatch(r"-?\d+\.\d+", text) else text
    if len(value) == len(value[0]) == 1:
        return matrix(value[0][0])
    rows = r" \\ ".join(" & ".join(map(str, row)) for row in value)
    return rf"\begin{{pmatrix}} {rows} \end{{pmatrix}}"


def counterexample(found: dict[str, object]) -> Iterator[str]:
    """The instance in exact numbers, and what fails on it."""
    instance, told = found["instance"], found["comparison"]
    assert isinstance(instance, dict) and isinstance(told, dict)
    fields = {k: v for k, v in instance.items() if k not in ("loss", "regimes")}
    shown = (rf"{SYMBOLS.get(name, name)} = {matrix(value)}" for name, value in fields.items())
    yield f"Counterexample: ${SPACE.join(shown)}$."
    sides = f"{matrix(told['left'])} {WORDS[told['relation']]} {matrix(told['right'])}"
    yield f"What fails there, of {told['label']}: ${sides}$."


def section(path: Path, claim: Claim, result: Result) -> Iterator[str]:
    """What the page says of one claim."""
    source = claim.source
    yield f"### {claim.title}"
    yield claim.statement
    yield from (f"Assumed: {shown(a.statement)}." for a in claim.assumptions)
    yield f"**{result.verdict}** on {str(result.judgement).partition(' on ')[2]}; {source.status}."
    if result.counterexample:
        yield from counterexample(result.counterexample)
    if source.corrected_by:
        yield f"Corrected by `{source.corrected_by}`."
    yield f"`{claim.name}`, [{path.name}]({path.name})"


def shown(statement: str) -> str:
    """The statement of an assumption, which may be bare mathematics."""
    return statement if "$" in statement else f"${statement}$"


INTRODUCTION = """\
# A gallery of outside claims

Statements about low-rank adaptation and matrix factorisations that stand in neither of the two
papers, each written as a user would write it, in a file of its own. About half are false: as they
are commonly said, or as one may read them. Each of those stands before the claim that corrects it.
Nothing here is a claim of an author whose text was read; "as commonly quoted" means recalled.

This page is the outcome of `verify` with the budget `standard` and seed 0. `python
docs/claims/gallery.py` writes it anew."""


def verified(path: Path) -> tuple[str, str]:
    """The row of the table and the section of a claim, from a verification of it."""
    claim = claim_in(path)
    result = verify(claim)
    row = f"| [{claim.title}]({path.name}) | {result.verdict} |"
    return row, "\n\n".join(section(path, claim, result))


def main(jobs: int) -> None:
    """Verify every claim of the folder and write the page."""
    claims = in_order({path: claim_in(path) for path in files()})
    with ProcessPoolExecutor(jobs) as pool:
        rows, sections = zip(*pool.map(verified, [path for path, _ in claims]), strict=True)
    table = "\n".join(["| claim | verdict |", "|---|---|", *rows])
    parts = [INTRODUCTION, table, "## Claim by claim", *sections]
    PAGE.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
