"""``adapt``: adapters that turn a frozen model into a target, or as near as their ranks allow."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lora_proofs.cli.documents import read_json
from lora_proofs.cli.flowing import InstancePath
from lora_proofs.cli.guard import EXIT_BAD_INPUT
from lora_proofs.cli.options import AsJson, emit, note, say, whole
from lora_proofs.errors import BadInput, ToleranceNotMet

if TYPE_CHECKING:
    from lora_proofs.solving.adaptation import Adapted

MOST_DIGITS = 200
SECONDS_BETWEEN = 2.0


def adapt_model(
    instance: InstancePath,
    digits: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=whole("--digits"),
            help="Decimal entries that reach the best error to N digits; without it, floats.",
        ),
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Over the rationals, where the construction allows it.")
    ] = False,
    certificate: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="Write a certificate for `lora-proofs check`."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Build adapters of given ranks for a frozen model and a target, and say how well they do.

    \b
    The instance is a JSON object, layer 1 acts first:
      kind      linear, relu-fnn or transformer
      frozen    linear: [W1, W2, ...]; relu-fnn: [{"W": ..., "b": ...}, ...];
                transformer: {"blocks": [{"heads": [{"Q", "K", "V", "O"}],
                "W1", "b1", "W2", "b2"}], "Wo"}
      target    linear: one matrix, no larger than the product; otherwise a model like frozen
                (relu-fnn: no deeper)
      rank      a number, or a list with one for each layer (a transformer takes a number)
      ball      {"center": [...], "radius": r}, relu-fnn; or
      box       {"lower": [...], "upper": [...]}, which a certificate of --exact needs
      partition relu-fnn: "uniform", or block lengths such as [2, 3]
      second_moment   linear: E xx' of the inputs; the mean error is then the least
    Entries are integers, floats, or strings such as "-3/4" and "0.1", which are exact.

    \b
    Errors are measured from the entries that are printed, and rounded up. The verdict is one of
    exact, exact up to rounding, optimal, upper bound, not known, unreliable; reasons say why.

    \b
    Examples:
      lora-proofs adapt instance.json
      lora-proofs adapt instance.json --digits 50 --json
      lora-proofs adapt instance.json --exact --certificate adapters.json
    """
    from lora_proofs.solving.adaptation import adapt
    from lora_proofs.solving.adaptation_large import is_large, read_large
    from lora_proofs.solving.adaptation_problem import read_adaptation

    if digits is not None and not 1 <= digits <= MOST_DIGITS:
        raise BadInput(f"--digits: expected a number from 1 to {MOST_DIGITS}, got {digits}")
    what = 'an instance such as {"kind": "linear", "frozen": [...], "target": ..., "rank": 1}'
    data = read_json(instance, what)
    large = is_large(data) and digits is None and not exact and certificate is None
    problem = read_large(data) if large else read_adaptation(data)
    del data  # the rows of a large model take more room than its matrices
    adapted = adapt(problem, digits, exact, At())
    code = 0 if certificate is None else _certified(adapted, certificate)
    if as_json:
        emit(adapted.document)
    else:
        for line in shown(adapted.document):
            say(line)
    return code


def _certified(adapted: Adapted, path: str) -> int:
    """Write the certificate; where there is none the answer stands, and the exit code says so."""
    from lora_proofs.certificates.adaptation import write_adaptation_certificate

    try:
        kind = write_adaptation_certificate(adapted, path)
    except (BadInput, ToleranceNotMet) as why:
        note(f"lora-proofs: the answer stands, but no certificate was written: {why}")
        return EXIT_BAD_INPUT
    adapted.document["certificate"] = path
    note(f"a certificate of kind {kind} is written to {path}")
    return 0


class At:
    """Says on stderr what a long run is at, once it has taken a while."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def __call__(self, text: str) -> None:
        if time.monotonic() - self.began > SECONDS_BETWEEN:
            note(text)


def shown(document: Mapping[str, Any]) -> Iterator[str]:
    """The answer for people; the entries of the adapters are in the JSON."""
    yield f"{document['kind']}: {document['verdict']}"
    yield from map("  ".__add__, _errors(document))
    yield from _thresholds(document)
    yield from _adapters(document)
    yield f"method: {document['method']}; {document['entries']}"
    for reason in document["reasons"]:
        yield f"reason: {reason}"
    if document["cites"]:
        yield f"cites: {'; '.join(document['cites'])}"
    if document["certificate"]:
        yield f"certificate: {document['certificate']}"


def _errors(document: Mapping[str, Any]) -> Iterator[str]:
    """The achieved error beside the least one, as each kind of model has them."""
    achieved = document["achieved_error"]
    if document["kind"] == "linear":
        for norm, bound in document["lower_bound"].items():
            least = document["optimal_error"][norm]
            beside = f"at least {bound}" if least is None else least
            yield f"{norm} error {achieved[norm]}, optimal {beside}"
    elif document["kind"] == "relu-fnn":
        yield f"error at most {achieved['sup_where_measured']} on {achieved['measured_on']}"
        yield "  in the Euclidean norm of the outputs, at every point"
        bound = document["theorem_bound"]
        told = "none, a frozen weight is singular" if bound is None else f"{bound}, before rounding"
        yield f"the theorem's bound in the same norm: {told}"
        if achieved["sampled"] is not None:
            yield f"sampled: largest {achieved['sampled']['largest']:.3g}"
    else:
        bound = achieved["column_bound"]
        relative = achieved["sampled"]["relative"]
        told = "beyond floats" if relative is None else f"{relative}, Frobenius norm"
        yield f"relative error on sampled inputs {told}"
        yield f"products within {achieved['residual']} of the target's, relatively, Frobenius norm"
        yield f"error of an output column at most {bound['error']}, Euclidean norm"
        yield f"  for inputs with columns of norm at most {bound['columns_of_norm']}"


def _thresholds(document: Mapping[str, Any]) -> Iterator[str]:
    def known(name: str) -> Any:
        return "not known" if document[name] is None else document[name]

    if document["kind"] == "transformer":
        ranks = f"rank {document['rank']} for every matrix"
    else:
        ranks = _listed("rank", document["ranks"])
    partition = document.get("partition")
    blocks = f" in {_blocks(partition)}" if partition else ""
    yield f"{ranks}{blocks}; {_listed('rank gap', document['gaps'])}"
    yield f"sufficient rank {known('sufficient_rank')}, least {known('minimal_exact_rank')}"


def _blocks(partition: Sequence[int]) -> str:
    layers = f"{', '.join(map(str, partition))} layer{'s' * (list(partition) != [1])}"
    return f"one block of {layers}" if len(partition) == 1 else f"blocks of {layers}"


def _listed(name: str, numbers: Sequence[Any]) -> str:
    return f"{name}{'s' * (len(numbers) != 1)} {', '.join(map(str, numbers))}"


def _adapters(document: Mapping[str, Any]) -> Iterator[str]:
    used = [one for one in document["adapters"] if one["B"]]
    numbers = sum(len(one["B"]) * len(one["B"][0]) + sum(map(len, one["A"])) for one in used)
    yield (
        f"{len(used)} of {len(document['adapters'])} weights have an adapter, of {numbers} numbers "
        f"in all; largest norm of B A {document['largest_adapter_norm']}"
    )
    condition = document["conditioning"]
    none = "no number, a frozen product is singular or floats take it for singular"
    told = none if condition is None else f"{condition:.3g}"
    yield f"condition of the frozen weights: {told}"
