"""What the schemas of several documents share: words, numbers, and parts with a name."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
WHOLE: Schema = {"type": "integer"}
FLOAT: Schema = {"type": "number"}
ANY: Schema = {"type": "object"}
VERDICTS = ("PROVED", "CERTIFIED", "SUPPORTED", "REFUTED", "INCONCLUSIVE")
BUDGETS = ("quick", "standard", "deep")


def one_of(*words: Any) -> Schema:
    """One of some values."""
    return {"enum": list(words)}


def either(*schemas: Schema) -> Schema:
    """What fits at least one of some schemas."""
    return {"anyOf": list(schemas)}


def or_null(schema: Schema) -> Schema:
    """What fits, or null."""
    return either(schema, {"type": "null"})


def many(schema: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": schema}


def by_name(schema: Schema) -> Schema:
    """An object whose names are free, and whose values fit."""
    return {"type": "object", "additionalProperties": schema}


def an(optional: dict[str, Schema] | None = None, /, **fields: Schema) -> Schema:
    """An object that has the fields, and perhaps the optional ones, and perhaps others."""
    known = {**fields, **(optional or {})}
    return {"type": "object", "properties": known, "required": list(fields)}


def ref(name: str) -> Schema:
    """A definition that several documents share."""
    return {"$ref": f"#/$defs/{name}"}


def printed(command: str, optional: dict[str, Schema] | None = None, /, **fields: Schema) -> Schema:
    """A document that a command prints under ``--json``."""
    return an(optional, schema_version={"const": 1}, command={"const": command}, **fields)


# An exact number: an integer, a decimal or a fraction as text. A float is its binary value.
EXACT: Schema = {"type": "string", "pattern": r"^\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?(/[0-9]+)?\s*$"}
NUMBER = either(FLOAT, EXACT)
PRINTED = either(FLOAT, TEXT, ref("enclosure"))
ROWS = many(many(NUMBER))

DEFINITIONS: dict[str, Schema] = {
    "enclosure": an(mid=TEXT, rad=TEXT),
    "matrix": ROWS,
    "printed": many(many(PRINTED)),
    "source": an(paper=TEXT, label=TEXT, status=TEXT, evidence=TEXT, corrected_by=or_null(TEXT)),
    "assumption": an(name=TEXT, statement=TEXT, technical=TEXT),
    "locator": an(module=TEXT, path=TEXT, sha256=TEXT, attribute=TEXT, index=or_null(WHOLE)),
    "error": an({"on": TEXT, "hint": TEXT}, type=TEXT, message=TEXT, where=TEXT),
    "versions": by_name(TEXT),
    "comparison": an(
        label=TEXT, left={}, relation=one_of("<=", ">=", "=", "<"), right={}, slack={}, radius={}
    ),
    "counterexample": an(
        {
            "claim": TEXT,
            "cites": many(TEXT),
            "control": WHOLE,
            "checks": by_name(many(ANY)),
            "found": ANY,
            "shrunk": ANY,
            "locator": ref("locator"),
        },
        kind=one_of("value", "trap", "invariance", "lower-bound"),
        instance=ANY,
        comparison=ref("comparison"),
        confirmed_by=one_of("exact", "ball"),
        assumptions=by_name({"const": True}),
        replay=TEXT,
    ),
    "control": an(
        {"problem": TEXT},
        drops=or_null(TEXT),
        why=TEXT,
        outcome=one_of("refuted", "survived"),
        counterexample=or_null(ref("counterexample")),
    ),
    "expected": an(**{budget: or_null(one_of(*VERDICTS)) for budget in BUDGETS}),
    "rigour": an({"loss": {}, "factors": {}}, value=TEXT, rigorous=FLAG),
    "errors": an(spectral=PRINTED, frobenius=PRINTED),
}

STATED = {
    "name": TEXT,
    "source": ref("source"),
    "statement": TEXT,
    "assumptions": many(ref("assumption")),
}
SLACKS = an(low=WHOLE, high=WHOLE, counts=many(COUNT), zero=COUNT, below=COUNT, above=COUNT)
"""Instances by the least relative slack of each, in equal steps of log10."""
RECORD = an(
    {
        "title": TEXT,
        "note": TEXT,
        "search": or_null(ANY),
        "run": ANY,
        "notes": many(TEXT),
        "settle": many(TEXT),
        "draws": or_null(an(draws=COUNT, at_most=TEXT, exactly=TEXT, confidence=TEXT, regimes=ANY)),
    },
    **STATED,
    verdict=one_of(*VERDICTS),
    scope=TEXT,
    reasons=many(TEXT),
    cites=many(TEXT),
    expected=or_null(one_of(*VERDICTS)),
    error=or_null(ref("error")),
    derivation=or_null(an(steps=COUNT, closed=FLAG, engines=many(TEXT))),
    samples=an(
        {"slacks": either({"const": {}}, SLACKS)},
        instances=COUNT,
        discarded=COUNT,
        undecided=COUNT,
        smallest_slack=TEXT,
        regimes=by_name(COUNT),
    ),
    sweep=or_null(an(instances=COUNT, suspects=COUNT)),
    certificates=an(instances=COUNT, method=TEXT),
    controls=many(ref("control")),
    counterexample=or_null(ref("counterexample")),
    seconds={"type": "number", "minimum": 0},
)
LISTED: dict[str, Schema] = {
    **STATED,
    "controls": many(an(drops=or_null(TEXT), why=TEXT)),
    "regimes": many(TEXT),
    "derived": FLAG,
    "locator": ref("locator"),
    "shipped": FLAG,
    "expected": ref("expected"),
}
