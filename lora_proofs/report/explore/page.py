"""The page as HTML, and the parts of it that a moved slider replaces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from html import escape
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from lora_proofs.report.cleaning import clean, cleaned
from lora_proofs.report.explore.drawing import Pictures, kinds
from lora_proofs.report.explore.setting import LIMITS, LOSSES, SPECTRA, STARTS, Setting
from lora_proofs.report.explore.shelf import Shelf, Volume
from lora_proofs.report.figure import Figure, Series
from lora_proofs.report.marks import sample
from lora_proofs.report.mathml import Malformed, to_mathml
from lora_proofs.report.records import STATUSES, part
from lora_proofs.report.svg import STYLE, to_svg
from lora_proofs.report.text import blocks
from lora_proofs.report.tree import Block, Code, DisplayMath, Inline, Math, Paragraph, Text

WARNING = (
    "These pictures are computed in floating point: they illustrate, and decide nothing. What is "
    "known about a claim is its verdict, within its scope, which exact or ball arithmetic decided."
)
TONES = {"PROVED": "good", "CERTIFIED": "sure", "SUPPORTED": "part", "REFUTED": "bad"}


def page(setting: Setting, found: Pictures | None, shelf: Shelf, problem: str = "") -> str:
    """The whole page; without pictures it tells the problem in their place."""
    volumes = shelf.volumes()
    text = _template().render(
        setting=setting,
        volumes=_grouped(volumes),
        presets={name: _preset(name) for name in volumes},
        parts=parts(setting, found, volumes.get(setting.claim)) if found else {},
        problem=problem,
        warning=WARNING,
        limits=LIMITS,
        losses=LOSSES,
        spectra=SPECTRA,
        starts=STARTS,
    )
    return cleaned(text)


def parts(setting: Setting, found: Pictures, volume: Volume | None) -> dict[str, str]:
    """What depends on the setting, as HTML by the id of its place."""
    bound = _figure(found.bound) if found.bound else f"<p>{escape(found.no_bound)}</p>"
    rows = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in found.facts)
    return {
        "flow": _figure(found.flow),
        "error": _figure(found.error),
        "bound": bound,
        "facts": f"<dl>{rows}</dl>",
        "told": escape(f"{found.flow.told} {found.error.told}"),
        "claim-told": claim_html(volume) if volume else _NO_CLAIM,
    }


_NO_CLAIM = "<p>Pick a claim to see what it says, and what is known about it.</p>"


def _figure(figure: Figure) -> str:
    """A figure with its keys below each other, so that no name jumps while a slider moves."""
    drawn = "".join(map(_plot, _plots(figure)))
    caption = f"{figure.caption} {figure.told}".strip()
    return f"<figure>{drawn}<figcaption>{escape(caption)}</figcaption></figure>"


def _plots(figure: Figure) -> Iterator[Figure]:
    return (replace(figure, plots=(plot,)) for plot in figure.plots)


def _plot(figure: Figure) -> str:
    (plot,) = figure.plots
    bare = replace(plot, series=tuple(replace(s, label="") for s in plot.series))
    keys = "".join(f"<li>{_key(s)} {escape(s.label)}</li>" for s in plot.series if s.label)
    return f"{to_svg(replace(figure, plots=(bare,)))}<ul class='keys'>{keys}</ul>"


def _key(one: Series) -> str:
    look = 'class="lora-figure" viewBox="0 0 24 16" fill="none" aria-hidden="true"'
    return f"<svg {look}>{sample(one, 2, 8)}</svg>"


def claim_html(volume: Volume) -> str:
    """What a claim says and what is known about it; everything in it is escaped.

    The verdict comes first, with its scope.
    """
    told, name = volume.told, escape(clean(volume.name))
    status = str(part(told, "source").get("status") or "")
    meaning = f"{status} ({STATUSES[status]})" if status in STATUSES else status
    corrected = part(told, "source").get("corrected_by")
    lines = [
        f"<h3>{_inlines(Paragraph((Text(volume.title),)))}</h3>",
        f"<p>{_verdict(volume)}</p>",
        _blocks(str(told.get("statement") or "")),
        f"<p class='soft'><code>{name}</code>. Status: {escape(meaning)}.",
        f" {escape(volume.provenance)}</p>" if volume.provenance else "</p>",
        f"<p>Corrected by <code>{escape(str(corrected))}</code>.</p>" if corrected else "",
        _assumptions(told),
    ]
    return "".join(lines)


def _verdict(volume: Volume) -> str:
    found = volume.judged
    if found is None:
        return f"{escape(volume.verdict)}. <code>{escape(volume.command)}</code>"
    tone = TONES.get(found.verdict, "open")
    return (
        f'<strong class="verdict {tone}">{escape(found.verdict)}</strong> '
        f"<span>{escape(found.reach)}</span>"
    )


def _assumptions(told: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<li><code>{escape(str(a['name']))}</code>: {_blocks(str(a['statement']), bare=True)}</li>"
        for a in told.get("assumptions") or ()
    )
    return f"<p>It assumes</p><ul>{rows}</ul>" if rows else ""


def _blocks(text: str, *, bare: bool = False) -> str:
    return "".join(_block(block, bare) for block in blocks(text))


def _block(block: Block, bare: bool) -> str:
    if isinstance(block, DisplayMath):
        return f'<div class="display">{_math(block.latex, display=True)}</div>'
    assert isinstance(block, Paragraph)
    return _inlines(block) if bare else f"<p>{_inlines(block)}</p>"


def _inlines(paragraph: Paragraph) -> str:
    return "".join(map(_inline, paragraph.content))


def _inline(node: Inline) -> str:
    match node:
        case Math(latex):
            return _math(latex)
        case Code(text):
            return f"<code>{escape(text)}</code>"
        case Text(text):
            return escape(text)
    raise AssertionError(f"a statement holds no {node.tag}")


def _math(latex: str, *, display: bool = False) -> str:
    try:
        return to_mathml(latex, display=display)
    except Malformed:
        return f"<code>{escape(latex)}</code>"


def _grouped(volumes: Mapping[str, Volume]) -> dict[str, list[Volume]]:
    """The claims by paper; those with a bound that is drawn come first."""
    groups: dict[str, list[Volume]] = {}
    for name, volume in sorted(volumes.items(), key=lambda pair: (pair[0] not in kinds(), pair[0])):
        drawn = "with a bound that is drawn" if name in kinds() else "flow and error only"
        groups.setdefault(f"{name.partition('/')[0]}, {drawn}", []).append(volume)
    return dict(sorted(groups.items(), key=lambda pair: (not pair[0].endswith("drawn"), pair[0])))


def _preset(name: str) -> str:
    """The loss and the starts that a claim assumes, for the script to choose."""
    kind = kinds().get(name)
    return f"{kind.loss};{','.join(kind.starts)}" if kind else ";"


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("lora_proofs.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["made"] = Markup
    return environment.get_template("explore.html.j2")


@lru_cache(maxsize=4)
def asset(name: str) -> str:
    """The text of a file that the page loads."""
    from importlib.resources import files

    text = (files("lora_proofs.report") / "templates" / name).read_text(encoding="utf-8")
    return text + STYLE if name.endswith(".css") else text
