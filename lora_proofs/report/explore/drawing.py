"""The pictures of a setting: flow, error, the bound of the claim, and the numbers beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from lora_proofs.report.explore import bounds, ranks, steps
from lora_proofs.report.explore.instance import Built, built
from lora_proofs.report.explore.kind import Kind, NoBound, points, rounded
from lora_proofs.report.explore.path import Path, path
from lora_proofs.report.explore.setting import Setting
from lora_proofs.report.figure import Axis, Figure, Plot, Series
from lora_proofs.report.pictures.parts import apart, level

Array = Any
SHOWN = 8
"""Singular values that are drawn; more lines than that nobody tells apart."""
TINY = 1e-14


@dataclass(frozen=True)
class Pictures:
    """What is drawn: ``bound`` is a figure, or ``no_bound`` says why there is none."""

    flow: Figure
    error: Figure
    bound: Figure | None
    no_bound: str
    facts: tuple[tuple[str, str], ...]


@cache
def kinds() -> Mapping[str, Kind]:
    """The kind of bound of each claim that has one.

    >>> kinds()["rushka-klabjan/frobenius-riccati-limit"].loss
    'frobenius'
    """
    return {
        n: kind
        for kind in (*bounds.of_flow(), *ranks.of_rank(), *steps.of_steps())
        for n in kind.names
    }


def pictures(setting: Setting) -> Pictures:
    """Everything that is drawn for a setting; equal settings give equal pictures.

    >>> pictures(Setting()).no_bound
    'Pick a claim to see its bound here.'
    """
    instance = built(setting)
    kind = kinds().get(setting.claim)
    refusal = kind.refusal(instance) if kind else _without(setting.claim)
    p = path(instance, factors=bool(kind and kind.factors and not refusal))
    drawn, refusal = _bound(kind, instance, p, refusal)
    return Pictures(
        _flow(instance, p), ranks.errors(instance, p), drawn, refusal, _facts(instance, p)
    )


def _without(claim: str) -> str:
    if not claim:
        return "Pick a claim to see its bound here."
    return (
        "This claim has no bound that is drawn here: flow and error are those of the instance. "
        "What was found about it stands beside, and in its report."
    )


def _bound(kind: Kind | None, instance: Built, p: Path, refusal: str) -> tuple[Figure | None, str]:
    if kind is None or refusal:
        return None, refusal
    try:
        return kind.draw(instance, p), ""
    except NoBound as why:
        return None, str(why)


def _flow(x: Built, p: Path) -> Figure:
    full = p.loss[0] * np.exp(-(2 * x.setting.n if x.traced else 2) * p.t)
    lines = [
        Series("loss of LoRA", points(p.t, _positive(p.loss)), "line", 1),
        Series("loss of full training", points(p.t, _positive(full)), "line", 2),
    ]
    time = Axis("time t", low=0.0)
    loss = Plot(time, Axis("loss", log=True), tuple(lines))
    values = Plot(time, Axis("singular values", low=0.0), tuple(_values(x, p)))
    told = (
        f"The loss goes from {rounded(p.loss[0])} to {rounded(p.loss[-1])} at "
        f"t = {rounded(p.t[-1])}; the largest singular value of BA ends at "
        f"{rounded(p.values[-1][0])}."
    )
    caption = "Of Y and W₀ the loss and BA depend on Y − W₀ alone." if not x.traced else ""
    return Figure("Flow", caption, told, (loss, values))


def _positive(values: Array) -> Array:
    return np.where(values > TINY, values, np.nan)


def _values(x: Built, p: Path) -> Iterator[Series]:
    """The singular values of BA, in front of those that they may tend to."""
    shown = min(SHOWN, p.values.shape[1])
    ends = [] if x.traced else [float(v) for v in x.sigma[:shown]]
    if ends:
        yield level("singular values of Y − W₀", 0.0, float(p.t[-1]), *ends)
    label = "singular values of BA" + _most(p.values.shape[1])
    yield Series(label, apart(*(points(p.t, p.values[:, i]) for i in range(shown))), "line", 1)


def _most(count: int) -> str:
    return f", the largest {SHOWN}" if count > SHOWN else ""


def _facts(x: Built, p: Path) -> tuple[tuple[str, str], ...]:
    found = [
        ("loss at the start", rounded(p.loss[0])),
        (f"loss at t = {rounded(p.t[-1])}", rounded(p.loss[-1])),
        ("computed by", f"the kernel {p.method}, in floating point"),
        ("its own estimate of its error", rounded(p.error)),
    ]
    if p.why:
        found.append(("where lines end early", p.why))
    return tuple(found)
