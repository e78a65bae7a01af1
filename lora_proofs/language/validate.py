"""Refusing at load what would only fail while it runs: parts of a claim of the wrong kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from lora_proofs.errors import ClaimRefused
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.words import Relation

ARITHMETICS = ("exact", "ball", "multiprecision", "array")


def validate(claim: Claim) -> None:
    """Raise ``ClaimRefused`` where a part of a claim is not what its name says."""
    name = claim.name
    _texts(name, claim, "statement", "title", "note", "limit", "kind")
    _is(name, "source", claim.source, Source)
    _is(name, "instances", claim.instances, Instances)
    _each(name, "assumptions", claim.assumptions, Assumption)
    _each(name, "controls", claim.controls, Control)
    _each(name, "conclusion", claim.conclusion, Relation)
    _functions(name, "check", claim.check)
    optional = ("derive", "interpret", "check_batch", "lower_bound")
    _functions(name, "one of its functions", *filter(None, (getattr(claim, k) for k in optional)))
    _arithmetics(claim)
    _drawn(name, claim.instances)
    for assumption in claim.assumptions:
        _assumption(name, assumption)
    for control in claim.controls:
        _control(name, control)


def _refuse(name: str, part: str, expected: str, got: Any) -> ClaimRefused:
    shown = repr(got)
    short = shown if len(shown) < 80 else shown[:77] + "..."
    return ClaimRefused(f"{name}: {part}: expected {expected}, got {type(got).__name__}={short}")


def _is(name: str, part: str, value: Any, kind: type) -> None:
    if not isinstance(value, kind):
        raise _refuse(name, part, f"{kind.__name__}(...)", value)


def _each(name: str, part: str, values: Any, kind: type) -> None:
    if not isinstance(values, tuple):
        raise _refuse(name, part, f"a tuple of {kind.__name__}, (x,) for a single one", values)
    for value in values:
        _is(name, part, value, kind)


def _texts(name: str, value: Any, *parts: str) -> None:
    for part in parts:
        if not isinstance(getattr(value, part), str):
            raise _refuse(name, part, "text", getattr(value, part))


def _functions(name: str, part: str, *values: Callable[..., Any] | Any) -> None:
    for value in values:
        if not callable(value):
            raise _refuse(name, part, "a function", value)


def _arithmetics(claim: Claim) -> None:
    names: Iterable[Any] = claim.arithmetics
    if not isinstance(names, tuple) or not names or not set(names) <= set(ARITHMETICS):
        expected = f"a tuple of some of {', '.join(ARITHMETICS)}"
        raise _refuse(claim.name, "arithmetics", expected, names)


def _drawn(name: str, instances: Instances) -> None:
    _functions(name, "the draw of its instances", instances.draw)
    if instances.admits is not None:
        _functions(name, "what its instances admit", instances.admits)
    if not isinstance(instances.regimes, tuple):
        raise _refuse(name, "regimes", "a tuple of names, (x,) for a single one", instances.regimes)
    for regime in instances.regimes:
        _is(name, "regimes", regime, str)


def _assumption(name: str, assumption: Assumption) -> None:
    _texts(name, assumption, "name", "statement", "technical")
    _functions(name, f"assumption {assumption.name!r}", assumption.holds)


def _control(name: str, control: Control) -> None:
    _texts(name, control, "why")
    part = f"control {control.why!r}"
    if control.check is not None:
        _functions(name, part, control.check)
    if control.drops is not None:
        _is(name, part, control.drops, Assumption)
    if isinstance(control.instances, Instances):
        _drawn(name, control.instances)
    else:
        _each(name, part, control.instances, Instance)
        if not control.instances:
            raise _refuse(name, part, "at least one instance", control.instances)
