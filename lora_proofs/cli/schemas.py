"""``schema``: the JSON Schema (2020-12) of every document that a command reads or prints.

What a document must have is required; it may have more, as later versions do.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from lora_proofs.cli.options import emit, say
from lora_proofs.cli.schema_parts import (
    ANY,
    BUDGETS,
    COUNT,
    DEFINITIONS,
    FLAG,
    LISTED,
    NUMBER,
    PRINTED,
    RECORD,
    TEXT,
    VERDICTS,
    WHOLE,
    Schema,
    an,
    by_name,
    either,
    many,
    one_of,
    or_null,
    printed,
    ref,
)
from lora_proofs.errors import BadInput

DIALECT = "https://json-schema.org/draft/2020-12/schema"

STATE = {
    "t": or_null(either(NUMBER, TEXT)),
    "A": or_null(ref("printed")),
    "B": or_null(ref("printed")),
    "W": ref("printed"),
    "loss": PRINTED,
    "invariants": an(BtB_minus_AAt_drift=or_null(PRINTED), loss_decrease=PRINTED),
}
ANSWERED = {"method": TEXT, "error_bound": ref("rigour")}
PROBLEM: dict[str, Schema] = {
    "Y": ref("matrix"),
    "scale": NUMBER,
    "eta_A": NUMBER,
    "eta_B": NUMBER,
}
LOSS = one_of("frobenius", "trace-squared")
LAYER = an(W=ref("matrix"), b=many(NUMBER))
MODEL = either(many(ref("matrix")), many(LAYER), ref("matrix"), an(blocks=many(ANY)))
ADAPTER = either(
    an(layer=COUNT, B=ref("printed"), A=ref("printed")),
    an(
        block=or_null(COUNT),
        head=or_null(COUNT),
        matrix=one_of("Q", "K", "V", "O", "W1", "W2", "Wo"),
        B=ref("printed"),
        A=ref("printed"),
    ),
)
FACTORS = an(U=ref("matrix"), V=ref("matrix"))
"""A matrix U V' in factors."""
MUTANT = an({"why": TEXT, "reason": TEXT}, outcome=one_of("refuted", "survived", "equivalent"))

SCHEMAS: dict[str, tuple[str, Schema]] = {
    "verify": (
        "what `verify --json` prints",
        printed(
            "verify",
            {"moved": many(ANY)},
            seed=WHOLE,
            budget=one_of(*BUDGETS),
            digest={"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
            versions=ref("versions"),
            claims=many(RECORD),
            summary=an(**dict.fromkeys(VERDICTS, COUNT)),
            exit_code=COUNT,
        ),
    ),
    "derive": (
        "what `derive --format json` prints",
        printed(
            "derive",
            name=TEXT,
            closed=FLAG,
            scope=TEXT,
            cites=many(TEXT),
            lines=many(ANY),
            conclusion=many(TEXT),
        ),
    ),
    "counterexample": ("a counterexample, as `replay` reads it", ref("counterexample")),
    "list": ("what `list --json` prints", printed("list", claims=many(an(**LISTED)))),
    "show": (
        "what `show --json` prints",
        printed("show", **LISTED, last=or_null(an(verdict=one_of(*VERDICTS), scope=TEXT))),
    ),
    "replay": (
        "what `replay --json` prints",
        printed(
            "replay",
            claim=TEXT,
            control=or_null(WHOLE),
            instance=ANY,
            confirmed=FLAG,
            confirmed_by=or_null(one_of("exact", "ball")),
            comparison=or_null(ref("comparison")),
            cites=many(TEXT),
            assumptions=by_name(TEXT),
            locator=ref("locator"),
            reason=TEXT,
        ),
    ),
    "selftest": (
        "what `selftest --json` prints",
        printed(
            "selftest",
            {"budget": one_of(*BUDGETS), "seed": WHOLE, "claims": many(ANY), "exit_code": COUNT},
            score=or_null({"type": "number", "minimum": 0, "maximum": 1}),
            mutants=COUNT,
            refuted=COUNT,
            survivors=many(ANY),
        ),
    ),
    "check": (
        "what `check --json` prints",
        printed(
            "check",
            files=many(an(file=TEXT, exit_code=COUNT, lines=many(TEXT), error=or_null(TEXT))),
            exit_code=COUNT,
        ),
    ),
    "flow-instance": (
        "an instance that `flow` reads",
        an(
            {
                **PROBLEM,
                "A0": ref("matrix"),
                "B0": ref("matrix"),
                "t": either(NUMBER, {"const": "inf"}, many(NUMBER)),
                "adapter": one_of("lora", "full"),
                "method": one_of("flow", "simultaneous", "A-first", "B-first"),
                "h": NUMBER,
                "steps": COUNT,
            },
            loss=LOSS,
            W0=ref("matrix"),
        ),
    ),
    "flow": (
        "what `flow --json` prints: a state, several, or a limit",
        either(
            printed("flow", **STATE, **ANSWERED),
            printed("flow", states=many(an(**STATE)), **ANSWERED),
            printed(
                "flow",
                {"limit_BA": or_null(ref("printed")), "rate": or_null(PRINTED)},
                t={"const": "inf"},
                limit_loss=or_null(PRINTED),
                rigorous=FLAG,
                argument=TEXT,
                cites=many(TEXT),
                reasons=many(TEXT),
            ),
        ),
    ),
    "rank-accuracy-instance": (
        "an instance that `rank-accuracy` reads",
        an(
            {
                **PROBLEM,
                "A0": ref("matrix"),
                "start": one_of("orthonormal", "spectral-W0", "spectral-residual", "gaussian"),
                **dict.fromkeys(("W0", "Y", "E"), either(ref("matrix"), FACTORS)),
            },
            loss=LOSS,
        ),
    ),
    "rank-accuracy": (
        "what `rank-accuracy --json` prints",
        printed(
            "rank-accuracy",
            loss=LOSS,
            start=TEXT,
            normaliser=TEXT,
            full=an(limit_loss=PRINTED, update=or_null(ref("printed")), update_norm=PRINTED),
            ranks=many(
                an(
                    rank=COUNT,
                    limit_loss=or_null(PRINTED),
                    update=or_null(ref("printed")),
                    relative_error=or_null(PRINTED),
                    bound=or_null(PRINTED),
                    verdict=TEXT,
                )
            ),
            error_bound=ref("rigour"),
        ),
    ),
    "adapt-instance": (
        "an instance that `adapt` reads",
        an(
            {
                "ball": an(center=many(NUMBER), radius=NUMBER),
                "box": an(lower=many(NUMBER), upper=many(NUMBER)),
                "partition": either({"const": "uniform"}, many(COUNT)),
                "second_moment": ref("matrix"),
            },
            kind=one_of("linear", "relu-fnn", "transformer"),
            frozen=MODEL,
            target=MODEL,
            rank=either(COUNT, many(COUNT)),
        ),
    ),
    "adapt": (
        "what `adapt --json` prints",
        printed(
            "adapt",
            {"optimal_error": an(spectral=or_null(PRINTED), frobenius=or_null(PRINTED))},
            adapters=many(ADAPTER),
            biases=many({}),
            sufficient_rank=or_null(either(COUNT, many(COUNT))),
            minimal_exact_rank=or_null(either(COUNT, many(COUNT))),
            achieved_error=ANY,
            gaps={},
            largest_adapter_norm={},
            conditioning=or_null(PRINTED),
            verdict=TEXT,
            reasons=many(TEXT),
        ),
    ),
    "certificate": (
        "the envelope of a certificate, whatever its kind",
        an(
            format={"const": "lora-proofs certificate"},
            version={"const": 1},
            kind=TEXT,
            claim=or_null(TEXT),
            asserts=TEXT,
            digest={"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
        ),
    ),
}
"""Of each document: what it is, and what fits."""


def print_schema(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="A document. None lists all.", show_default=False),
    ] = None,
) -> int:
    """Print the JSON Schema of a document, or the names of all.

    \b
    Examples:
      lora-proofs schema                       which documents there are
      lora-proofs schema verify > verify.schema.json
      lora-proofs schema flow-instance         of a file that a command reads
    """
    if name is not None:
        emit(schema(name))
        return 0
    width = max(map(len, SCHEMAS))
    for known, (what, _) in SCHEMAS.items():
        say(f"{known:<{width}}  {what}")
    return 0


def schema(name: str) -> dict[str, Any]:
    """The schema of a document, with the parts that it refers to.

    Raises ``BadInput`` for a name that no document has.

    >>> schema("certificate")["properties"]["version"]
    {'const': 1}
    """
    if name not in SCHEMAS:
        raise BadInput(f"expected a document among {', '.join(SCHEMAS)}; got {name!r}")
    what, body = SCHEMAS[name]
    parts = _parts(body)
    defined = {"$defs": {part: DEFINITIONS[part] for part in sorted(parts)}} if parts else {}
    return {"$schema": DIALECT, "title": name, "description": what, **body, **defined}


def _parts(body: Schema) -> set[str]:
    """The names of the parts that a schema refers to, at any depth."""
    found: set[str] = set()
    waiting = [body]
    while waiting:
        text = json.dumps(waiting.pop())
        new = {part for part in DEFINITIONS if json.dumps(ref(part)) in text} - found
        found |= new
        waiting += [DEFINITIONS[part] for part in new]
    return found
