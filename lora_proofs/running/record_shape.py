"""What a record of a ledger has to be: the kinds of its fields, so that no reader meets another.

What a record lacks is no fault, as earlier versions kept less; nor is what a later one adds.
"""

from __future__ import annotations

import re
from typing import Any

from lora_proofs.running.kinds import (
    COUNT,
    ENCLOSED,
    FINITE,
    FLAG,
    OBJECT,
    SECONDS,
    SOME,
    TEXT,
    WHOLE,
    Kind,
    an,
    by_name,
    many,
    one_of,
    or_null,
    that,
)

_NO_NUMBER = re.compile(r"\[?[-+]?(\+/- )?(nan|inf|infinity)\]?", re.IGNORECASE)


def _is_side(value: Any) -> bool:
    """Words, a number, a row, a matrix."""
    if isinstance(value, list):
        return bool(value) and all(map(_is_side, value))
    return isinstance(value, str) and _NO_NUMBER.fullmatch(value) is None


SIDE = that("text or rows of it, and no NaN or infinity", _is_side)
VERDICT = one_of("PROVED", "CERTIFIED", "SUPPORTED", "REFUTED", "INCONCLUSIVE")
TEXTS, COUNTS = many(TEXT), by_name(COUNT)
NAME_AND_MEANING = that(
    "a name and its meaning",
    lambda value: (
        isinstance(value, list) and len(value) == 2 and all(isinstance(x, str) for x in value)
    ),
)
MATRICES: Kind = OBJECT
"""An instance: whoever replays one reads its numbers with care of its own."""

COMPARISON = an(
    *("label", "left", "relation", "right"),
    label=TEXT,
    left=SIDE,
    relation=one_of("<=", ">=", "=", "<", ">"),
    right=SIDE,
    slack=ENCLOSED,
    radius=ENCLOSED,
    relative=FINITE,
)
LOCATOR = an(module=TEXT, path=TEXT, sha256=TEXT, attribute=TEXT, index=or_null(WHOLE))
COUNTEREXAMPLE = an(
    *("instance", "comparison"),
    instance=MATRICES,
    comparison=COMPARISON,
    kind=TEXT,
    claim=TEXT,
    control=or_null(SOME),
    confirmed_by=TEXT,
    assumptions=by_name(FLAG),
    checks=by_name(many(COMPARISON)),
    cites=TEXTS,
    found=or_null(an(by=TEXT, drawn=FLAG, regime=or_null(TEXT))),
    shrunk=or_null(an(**{"from": TEXT, "to": TEXT, "steps": COUNT, "judged": COUNT})),
    locator=LOCATOR,
    replay=TEXT,
)
CONTROL = an(
    drops=or_null(TEXT),
    why=TEXT,
    outcome=TEXT,
    counterexample=or_null(COUNTEREXAMPLE),
    problem=TEXT,
)
LINE = an(
    **dict.fromkeys(("kind", "latex", "why", "problem", "text"), TEXT),
    rule=or_null(TEXT),
    checked_by=TEXTS,
    ok=FLAG,
)
_LISTS = ("engines", "cites", "prose", "problems", "sentences", "uncontrolled")
DERIVATION = an(
    **dict.fromkeys(_LISTS, TEXTS),
    lines=many(LINE),
    closed=FLAG,
    scope=TEXT,
    names=many(NAME_AND_MEANING),
    concludes=many(NAME_AND_MEANING),
    evaluated_on=COUNT,
    broken_line=TEXT,
    steps=COUNT,
)
_COUNTED = ("instances", "discarded", "undecided", "tight", "rejected", "trivial")
SAMPLES = an(
    **dict.fromkeys(_COUNTED, COUNT),
    **dict.fromkeys(("regimes", "independent", "excluded", "arithmetics"), COUNTS),
    **dict.fromkeys(("shapes_alone", "empty", "constant"), FLAG),
    distinct=or_null(COUNT),
    smallest_slack=ENCLOSED,
    smallest_relative_slack=ENCLOSED,
    smallest_at=or_null(
        an("comparison", comparison=COMPARISON, regime=TEXT, instance=MATRICES),
    ),
    slacks=an(low=WHOLE, high=WHOLE, counts=many(COUNT), zero=COUNT, below=COUNT, above=COUNT),
    conflicts=TEXTS,
    measured=by_name(SIDE),
)
_SWEPT = ("instances", "suspects", "batched", "singly", "discarded", "judged", "undecided", "left")
SWEEP = an(**dict.fromkeys(_SWEPT, COUNT), regimes=COUNTS, why=TEXT, partly=TEXT)
SEARCH = an(instances=COUNT, ways=COUNTS, closest=FINITE, at=or_null(OBJECT))
CERTIFICATES = an(
    instances=COUNT,
    regimes=COUNTS,
    method=TEXT,
    trivial=COUNT,
    cites=TEXTS,
    moved_from=TEXT,
    rejected=TEXTS,
    trusted=TEXTS,
    written=OBJECT,
)
_BOUND = ("draws", "at_most", "exactly")
DRAWN = an(*_BOUND, draws=SOME, at_most=FINITE, exactly=FINITE)
DRAWS = an(
    *_BOUND, draws=SOME, at_most=FINITE, exactly=FINITE, confidence=FINITE, regimes=by_name(DRAWN)
)
RUN = an(
    budget=TEXT,
    seed=WHOLE,
    time_limit=or_null(SECONDS),
    versions=by_name(TEXT),
    key=TEXT,
    source_fingerprint=TEXT,
)
RECORD = an(
    *("name", "verdict"),
    **dict.fromkeys(("name", "title", "note", "statement", "scope"), TEXT),
    **dict.fromkeys(("reasons", "cites", "notes", "settle"), TEXTS),
    source=an(
        **dict.fromkeys(("paper", "label", "status", "evidence"), TEXT), corrected_by=or_null(TEXT)
    ),
    verdict=VERDICT,
    expected=or_null(VERDICT),
    error=or_null(an(**dict.fromkeys(("type", "message", "where", "on", "hint"), TEXT))),
    assumptions=many(an("name", name=TEXT, statement=TEXT, technical=TEXT)),
    derivation=or_null(DERIVATION),
    samples=SAMPLES,
    sweep=or_null(SWEEP),
    search=or_null(SEARCH),
    certificates=CERTIFICATES,
    controls=many(CONTROL),
    counterexample=or_null(COUNTEREXAMPLE),
    draws=or_null(DRAWS),
    seconds=SECONDS,
    shipped=FLAG,
    locator=LOCATOR,
    run=RUN,
)
"""What ``verify`` finds about one claim, as a ledger keeps it."""
