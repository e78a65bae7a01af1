"""What a record says in words, for every face: the terminal, a notebook, a report.

Each function reads a record of ``verify --json`` and tolerates what an older one lacks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

Record = Mapping[str, Any]

LONG = 14
"""Characters of an exact number that are not read at a glance."""
NOT_MEANT = (
    "If it is not meant: state the assumption that excludes it, or say in "
    "Instances(dependent=...) why only what draw gives is an instance"
)
SUPPORTING = ("SUPPORTED", "CERTIFIED", "PROVED")
_WAYS = {
    "sample": "a random draw",
    "sweep": "a random draw of the sweep",
    "targeted": "a search along the draws (targeted)",
    "descent": "a search that walked downhill in the slack (descent)",
    "control": "an instance of a control",
}


def support(record: Record) -> Iterator[str]:
    """What speaks for a claim that held: the least room, the regimes, the bound for a draw.

    >>> for line in support({"verdict": "SUPPORTED", "samples": {
    ...     "instances": 30, "regimes": {"generic": 30}}, "draws": None}):
    ...     print(line)
    no slack to measure: every comparison is an equation or 0 against 0
    regimes covered: generic (30)
    """
    samples = record.get("samples") or {}
    if record.get("verdict") not in SUPPORTING or not samples.get("instances"):
        return
    yield from _slack(samples)
    yield from searched(record.get("search") or {})
    regimes = samples.get("regimes") or {}
    if regimes:
        counts = ", ".join(f"{name} ({count})" for name, count in regimes.items())
        yield f"regimes covered: {counts}"
    if record.get("draws"):
        yield from chance(record["draws"])


def _slack(samples: Record) -> Iterator[str]:
    found = samples.get("smallest_slack")
    relative, place = samples.get("smallest_relative_slack"), samples.get("smallest_at")
    if found in (None, "") or (not place and "smallest_at" in samples):
        yield "no slack to measure: every comparison is an equation or 0 against 0"
        return
    told = f"smallest slack of the samples: {found} in absolute terms"
    if relative not in (None, "") and place:
        told = (
            f"smallest slack of the samples: {relative} of the larger side, met in the regime "
            f"{place['regime']!r}: {compared(place['comparison'])}; the smallest in "
            f"absolute terms, which may be of another sample, is {found}"
        )
    yield told
    if samples.get("tight"):
        held = f"{samples['tight']} of {samples['instances']} instances"
        yield f"equal sides, no room at all, on {held}"


def searched(search: Record) -> Iterator[str]:
    """What the search for a counterexample looked at, and how close it came.

    >>> list(searched({"instances": 40, "ways": {"corners": 40}, "closest": "0.1"}))[0][-50:]
    '; it came to a slack of 0.1 of both sides together'
    """
    if search.get("instances"):
        ways = ", ".join(f"{way} ({count})" for way, count in (search.get("ways") or {}).items())
        closest = search.get("closest")
        told = f"; it came to a slack of {closest} of both sides together" if closest else ""
        yield (
            f"searched for a counterexample on {search['instances']} more instances: "
            f"{ways or 'none'}{told}"
        )


def chance(draws: Record) -> Iterator[str]:
    """The rule of three, as it has to be said.

    >>> next(chance({"draws": 200, "at_most": "3/200", "exactly": "0.0149", "regimes": {}}))[:39]
    'with 95 % confidence, a draw of these r'
    """
    yield (
        "with 95 % confidence, a draw of these regimes, mixed as here, refutes it with a "
        f"probability of at most {_three(draws)} ({draws['draws']} independent draws held); this "
        "is about this distribution of draws, never about all instances"
    )
    each = draws.get("regimes") or {}
    if len(each) > 1:
        bounds = {one["at_most"] for one in each.values()}
        told = ", ".join(f"{name!r} {one['at_most']}" for name, one in each.items())
        whole = f"{bounds.pop()} in each of {len(each)} regimes" if len(bounds) == 1 else told
        yield f"for a draw of one regime, each on its own: at most {whole}"


def _three(draws: Record) -> str:
    exactly = float(draws["exactly"])
    return f"{draws['at_most']} = {3 / draws['draws']:.2g}, exactly {exactly:.3g}"


def compared(comparison: Record) -> str:
    """A comparison on one line.

    >>> compared({"label": "bound", "left": "1", "relation": "<=", "right": "2", "slack": "1"})
    'bound: 1 <= 2'
    """
    left, right = sided(comparison["left"]), sided(comparison["right"])
    return f"{comparison['label']}: {left} {comparison['relation']} {right}"


def sided(value: Any) -> str:
    """One side of a comparison on one line; a matrix by its rows, a large one by its shape.

    >>> sided([["1", "0"], ["0", "1"]])
    '[1 0; 0 1]'
    """
    if not isinstance(value, list):
        return str(value)
    rows = [" ".join(map(str, row)) if isinstance(row, list) else str(row) for row in value]
    text = "[" + ("; " if isinstance(value[0], list) else " ").join(rows) + "]"
    shape = f"a {len(value)} x {len(value[0])} matrix" if isinstance(value[0], list) else text
    return text if len(text) <= 160 else shape


def margin(comparison: Record) -> str:
    """By how much a comparison fails: approximately where exact numbers are long, and relatively.

    >>> margin({"slack": "-2", "relative": "-0.5"})
    'margin: it fails by 2, which is 50 % of the larger side'
    """
    slack = str(comparison.get("slack", "")).removeprefix("-")
    if not slack:
        return ""
    relative = comparison.get("relative")
    share = f", which is {100 * abs(float(relative)):.3g} % of the larger side" if relative else ""
    return f"margin: it fails by {short(slack)}{share}"


def short(number: str) -> str:
    """An exact number as it is, or with three digits where it is long.

    >>> short("1/3"), short("260208914049/144115188075855872")
    ('1/3', 'about 1.81e-06')
    """
    if len(number) <= LONG:
        return number
    try:
        return f"about {float(Fraction(number)):.3g}"
    except (ValueError, OverflowError, ZeroDivisionError):
        return number


def checks(found: Record) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each assumption with what it compared on the counterexample, or that it holds.

    >>> list(checks({"assumptions": {"step": True}, "checks": {"step": [
    ...     {"label": "h", "left": "1/4", "relation": ">=", "right": "0", "slack": "1/4"}]}}))
    [('step', ('h: 1/4 >= 0 holds, slack 1/4',))]
    """
    compared_by = found.get("checks") or {}
    for name in found.get("assumptions") or ():
        lines = [_checked(c) for c in compared_by.get(name) or ()]
        yield str(name), tuple(lines)


def _checked(comparison: Record) -> str:
    room = "" if comparison["relation"] == "=" else f", slack {short(str(comparison['slack']))}"
    return f"{compared(comparison)} holds{room}"


def origin(found: Record) -> Iterator[str]:
    """Who found a counterexample, whether `draw` gives it, and how small it was made.

    >>> list(origin({"found": {"by": "sample", "regime": "ties", "drawn": True},
    ...     "shrunk": {"from": "3 x 3, r = 2", "to": "1 x 1, r = 1", "steps": 4, "judged": 9}}))
    ... # doctest: +NORMALIZE_WHITESPACE
    ["found by a random draw in the regime 'ties'",
     'made small: from 3 x 3, r = 2 to 1 x 1, r = 1 in 4 confirmed steps (9 instances judged)']
    """
    by = found.get("found")
    if isinstance(by, Mapping):
        yield _by(by)
    small = found.get("shrunk")
    if isinstance(small, Mapping):
        yield _small(small)


def _by(by: Record) -> str:
    way = str(by.get("by") or "an unnamed way")
    how = (
        f"the corner {way.removeprefix('corner:').strip()!r}" if "corner" in way else _WAYS.get(way)
    )
    regime = f" in the regime {by['regime']!r}" if by.get("regime") else ""
    given = "" if way in ("sample", "sweep") else "; `draw` gives it, too"
    made = f"; it was made, not drawn: `draw` did not give it. {NOT_MEANT}"
    told = {True: given, False: made}.get(bool(by["drawn"]), "") if "drawn" in by else ""
    return f"found by {how or way}{regime}{told}"


def _small(small: Record) -> str:
    steps = small.get("steps")
    judged = f" ({small['judged']} instances judged)" if small.get("judged") else ""
    if small.get("from") == small.get("to") and not steps:
        return f"nothing simpler that was tried fails: it stands as it was found{judged}"
    plural = "s" if steps != 1 else ""
    confirmed = f" in {steps} confirmed step{plural}" if steps else ""
    if small.get("from") == small.get("to"):
        return f"made simpler at the same size ({small.get('to')}){confirmed}{judged}"
    return f"made small: from {small.get('from')} to {small.get('to')}{confirmed}{judged}"


def settling(record: Record) -> Sequence[str]:
    """What would settle an inconclusive verdict.

    >>> settling({"settle": ["draw more"]})
    ['draw more']
    """
    found = record.get("settle")
    return [str(action) for action in found] if isinstance(found, list | tuple) else []
