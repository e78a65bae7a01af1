"""``rank-accuracy``: how accurate LoRA of each rank is in the limit, beside full fine-tuning."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from lora_proofs.cli.documents import read_json
from lora_proofs.cli.flowing import MOST_DIGITS, InstancePath
from lora_proofs.cli.options import AsJson, emit, note, say, whole
from lora_proofs.errors import BadInput

MOST_RANKS = 10_000


def rank_accuracy(
    instance: InstancePath,
    ranks: Annotated[
        str | None, typer.Option(metavar="1..N", help="Ranks such as 1..8, 4 or 1,2,4.")
    ] = None,
    digits: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=whole("--digits"),
            help="Right digits of every number; without it, floats.",
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N", parser=whole("--seed"), help="Seed of the starts orthonormal and gaussian."
        ),
    ] = 0,
    as_json: AsJson = False,
) -> int:
    """Show rank against accuracy: where the flow from B0 = 0 ends at each rank.

    \b
    The instance is that of the command flow without t and B0; in place of A0 it may have
      start     orthonormal, spectral-W0, spectral-residual or gaussian
    An explicit A0 is used by its leading rows.
    Large matrices may stand in factors, W0 or Y or E = Y - W0 as {"U": n x k, "V": m x k} for
    U V': then ranks go to k by default, and updates are not printed.

    \b
    Examples:
      lora-proofs rank-accuracy instance.json
      lora-proofs rank-accuracy instance.json --ranks 1..4 --digits 30 --json
    """
    from lora_proofs.solving.answer import rank_document
    from lora_proofs.solving.rank_accuracy import rank_accuracy as solve
    from lora_proofs.solving.rank_accuracy import read_rank_problem
    from lora_proofs.solving.rank_factors import factored_accuracy, in_factors, read_factored
    from lora_proofs.solving.rank_factors_answer import factored_document

    def at(rank: int) -> None:
        note(f"rank {rank}")

    if digits is not None and not 1 <= digits <= MOST_DIGITS:
        raise BadInput(f"--digits: expected a number from 1 to {MOST_DIGITS}, got {digits}")
    what = 'an instance such as {"loss": "frobenius", "W0": [[...]], "Y": [[...]], "start": ...}'
    data, wanted = read_json(instance, what), None if ranks is None else _ranks(ranks)
    if in_factors(data):
        large = factored_accuracy(read_factored(data, seed), wanted, digits or 17, at)
        document = factored_document(large, digits)
    else:
        found = solve(read_rank_problem(data, seed), wanted, digits or 17, at)
        document = rank_document(found, digits)
    if as_json:
        emit(document)
    else:
        for line in shown(document):
            say(line)
    return 0


def _ranks(text: str) -> list[int]:
    """Ranks from 1..8, 4 or 1,2,4."""
    wanted: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,6})(?:\.\.(\d{1,6}))?\s*", part)
        if not match:
            raise BadInput(f"--ranks: expected ranks such as 1..8, 4 or 1,2,4; got {text!r}")
        first, last = int(match[1]), int(match[2] or match[1])
        if not 1 <= first <= last <= MOST_RANKS:
            raise BadInput(
                f"--ranks: expected 1 <= first <= last <= {MOST_RANKS}, got {part.strip()!r}"
            )
        wanted += range(first, last + 1)
    return sorted(set(wanted))


def shown(document: Mapping[str, Any]) -> Iterator[str]:
    """A row for each rank."""
    full = document["full"]
    yield f"loss {document['loss']}, start {document['start']}, B0 = 0, in the limit"
    yield f"full fine-tuning: limit loss {full['limit_loss']}, update of size {full['update_norm']}"
    yield f"relative error: distance to it, over {document['normaliser']}"
    yield f"bound: {document['bound_means']}"
    yield ""
    head = ("rank", "limit loss", "relative error", "bound", "rate", "verdict")
    rows = [head, *(_row(point) for point in document["ranks"])]
    widths = [max(len(row[k]) for row in rows) for k in range(len(head))]
    for row in rows:
        yield "  ".join(
            f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)
        ).rstrip()
    for point in document["ranks"]:
        for reason in point["reasons"]:
            yield f"rank {point['rank']}: {reason}"


def _row(point: Mapping[str, Any]) -> tuple[str, ...]:
    names = ("rank", "limit_loss", "relative_error", "bound", "rate", "verdict")
    return tuple("-" if point[name] is None else str(point[name]) for name in names)
