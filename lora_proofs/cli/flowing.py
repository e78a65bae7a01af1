"""``flow``: the gradient flow of one instance, at finite times or in the limit."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lora_proofs.cli.documents import read_json
from lora_proofs.cli.guard import EXIT_BAD_INPUT
from lora_proofs.cli.options import AsJson, emit, note, say, whole
from lora_proofs.errors import BadInput, ToleranceNotMet

if TYPE_CHECKING:
    from lora_proofs.solving.problem import Problem

MOST_DIGITS = 10_000
SECONDS_BETWEEN = 5.0

InstancePath = Annotated[
    str, typer.Argument(metavar="INSTANCE.json", help="The instance; - reads standard input.")
]


def solve_flow(
    instance: InstancePath,
    digits: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=whole("--digits"),
            help="Right digits of every number; without it, floats.",
        ),
    ] = None,
    certify: Annotated[
        bool, typer.Option("--certify", help="Every number as an enclosure that surely holds.")
    ] = False,
    certificate: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Write a certificate of the flow, or of its limit, for `lora-proofs check`.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Solve the gradient flow of an instance, in closed form where one is known.

    \b
    The instance is a JSON object:
      loss      frobenius (1/2 ||W - Y||_F^2) or trace-squared (1/2 (tr W)^2)
      W0        frozen weight, n x m         Y     target, n x m (frobenius)
      A0        r x m                        B0    n x r (0 if left out)
      t         a number, a list of numbers, or "inf"
      scale     s in W = W0 + s B A          eta_A, eta_B   learning rates
      adapter   lora or full                 method         flow, simultaneous, A-first, B-first
                                             (the last three take h and steps in place of t)
    Entries are integers, floats, or strings such as "-3/4" and "0.1", which are exact.

    \b
    Examples:
      lora-proofs flow instance.json
      lora-proofs flow instance.json --digits 40 --json
      lora-proofs flow instance.json --certify
      lora-proofs flow instance.json --certify --certificate flow.json
      echo '{"loss": "trace-squared", "W0": [[2]], "A0": [[1]], "t": "inf"}' | lora-proofs flow -
    """
    from lora_proofs.solving.answer import answer
    from lora_proofs.solving.problem import read_problem

    if digits is not None and not 1 <= digits <= MOST_DIGITS:
        raise BadInput(f"--digits: expected a number from 1 to {MOST_DIGITS}, got {digits}")
    if digits is not None and certify:
        raise BadInput(
            "--certify: expected no --digits beside it, because an enclosure says itself how many "
            "digits are right; leave one of them out"
        )
    if certificate is not None and not certify:
        raise BadInput("--certificate: expected --certify beside it, as it is about enclosures")
    what = 'an instance such as {"loss": "frobenius", "W0": [[...]], "Y": [[...]], ...}'
    problem = read_problem(read_json(instance, what))
    document = answer(problem, digits, Reached(), certify)
    if as_json:
        emit(document)
    else:
        for line in shown(document):
            say(line)
    return 0 if certificate is None else _certified(problem, certificate)


def _certified(problem: Problem, path: str) -> int:
    """Write the certificate; where there is none the answer stands, and the exit code says so."""
    from lora_proofs.certificates.flow import write_flow_certificate

    try:
        kind = write_flow_certificate(problem, path)
    except (BadInput, ToleranceNotMet) as why:
        note(f"lora-proofs: the answer above stands, but no certificate was written: {why}")
        return EXIT_BAD_INPUT
    note(f"a certificate of kind {kind} is written to {path}")
    return 0


class Reached:
    """Says on stderr, every few seconds of a long run, which time is reached or taken up."""

    def __init__(self) -> None:
        self.said = time.monotonic()

    def __call__(self, t: Fraction) -> None:
        if time.monotonic() - self.said > SECONDS_BETWEEN:
            self.said = time.monotonic()
            note(f"at t = {float(t):.4g}")


def shown(document: Mapping[str, Any]) -> Iterator[str]:
    """The answer for people."""
    if "limit_loss" in document:
        yield from _limit(document)
        return
    states = document.get("states", [document])
    for state in states:
        yield from _state(state)
    bound = document["error_bound"]
    kind = "a bound that surely holds" if bound["rigorous"] else "an estimate"
    yield f"method {document['method']}"
    yield f"error of A, B and W at most {bound['value']}, of the loss {bound['loss']} ({kind})"
    if document.get("cites"):
        yield f"cites: {'; '.join(document['cites'])}"


def _state(state: Mapping[str, Any]) -> Iterator[str]:
    if state["t"] is not None:
        yield f"t = {state['t']}"
    for name in ("A", "B", "W"):
        if state[name] is not None:
            yield from _rows(name, state[name])
    yield f"  loss = {_number(state['loss'])}"
    told = state["invariants"]
    drift = told["BtB_minus_AAt_drift"]
    at_most = drift if not isinstance(drift, Mapping) else _number(drift)
    moved = "" if drift is None else f", B'B - AA' has moved by at most {at_most}"
    yield f"  the loss has fallen by {_number(told['loss_decrease'])}{moved}"


def _number(x: Any) -> Any:
    """A number, or the enclosure of one."""
    if not isinstance(x, Mapping):
        return x
    return x["mid"] if x["rad"] == "0" else f"{x['mid']} +- {x['rad']}"


def _rows(name: str, rows: Any) -> Iterator[str]:
    from lora_proofs.cli.outcome import matrix

    for k, row in enumerate(rows):
        shown = matrix([[_number(x) for x in row]])
        yield f"  {name if k == 0 else ' ' * len(name)} {'=' if k == 0 else ' '} {shown}"


def _limit(document: Mapping[str, Any]) -> Iterator[str]:
    loss = document["limit_loss"]
    yield "t -> infinity"
    yield f"  limit loss = {'open' if loss is None else _number(loss)}"
    named = {"limit_BA": "limit of W - W0", "limit_A": "limit of A", "limit_B": "limit of B"}
    for field, name in named.items():
        if document.get(field) is not None:
            yield from _rows(name, document[field])
    if document["rate"] is not None:
        yield f"  rate of W = {_number(document['rate'])}"
    if document.get("rate_lower_bound") is not None:
        yield f"  rate of A, B and W at least {_number(document['rate_lower_bound'])}"
    if loss is not None:
        proved = "proved" if document["rigorous"] else "exact for this start, unstable"
        yield f"  argument: {document['argument']} ({proved})"
    for reason in document["reasons"]:
        yield f"  {reason}"
    if document["cites"]:
        yield f"  cites: {'; '.join(document['cites'])}"
