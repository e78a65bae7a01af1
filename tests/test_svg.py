"""Figures as SVG: what is drawn, where its names stand, and that no text in it does anything."""

from __future__ import annotations

import re
from itertools import combinations
from math import inf, nan
from xml.etree import ElementTree

import pytest

from lora_proofs.report.axes import Scale, number, scale, ticks
from lora_proofs.report.figure import HUES, Axis, Figure, Plot, Series
from lora_proofs.report.frame import framed, pieces
from lora_proofs.report.labels import dense, placed
from lora_proofs.report.marks import DARK, DASHES, LIGHT, marked
from lora_proofs.report.svg import STYLE, to_svg

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = (
    "<script>alert(1)</script>\"' onload=x ]]> &amp; \x00\x1b\u202e\ud800 \\input{/etc/passwd}"
)
CURVE = tuple((k / 10, (k / 10) ** 2) for k in range(11))


T, F = Axis("t"), Axis("f")


def figure(*series: Series, x: Axis = T, y: Axis = F, text: str = "F") -> Figure:
    return Figure(text, text, text, (Plot(x, y, series, title=text),))


def coordinates(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path)]


def paths(drawn: str, hue: int) -> list[str]:
    root = ElementTree.fromstring(drawn)
    return [p.get("d", "") for p in root.iter(f"{SVG}path") if p.get("class") == f"h{hue}"]


def test_hostile_text_is_text():
    drawn = to_svg(
        figure(Series(HOSTILE, CURVE), x=Axis(HOSTILE), y=Axis(HOSTILE), text=HOSTILE), alone=True
    )
    root = ElementTree.fromstring(drawn)
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "style", "g", "path", "text"}
    names = {name for element in root.iter() for name in element.attrib}
    assert not any(name.startswith("on") or "href" in name or name == "id" for name in names)
    assert not re.search("[\x00-\x08\x1b\u202e\ud800]", drawn)
    told = [element.text or "" for element in root.iter(f"{SVG}text")]
    assert any("<script>alert(1)</script>" in text for text in told)


def test_title_and_words_are_there_for_those_who_do_not_see_it():
    root = ElementTree.fromstring(to_svg(Figure("Loss", "c", "It falls.", ())))
    assert (root.find(f"{SVG}title").text, root.find(f"{SVG}desc").text) == ("Loss", "It falls.")
    assert root.get("role") == "img"
    assert root.get("aria-label") == "Loss. It falls."


def test_equal_figures_give_equal_bytes():
    one = figure(Series("a", CURVE, "both"), Series("b", CURVE, "band", 2, CURVE))
    first = to_svg(one)
    to_svg.cache_clear()
    assert to_svg(one) == first


def test_hues_differ_in_dash_or_marker_and_have_contrast():
    looks = [(DASHES[k], marked([(0.0, 0.0)], k).split(" d=")[1]) for k in range(HUES)]
    assert len(set(looks)) == len({marker for _, marker in looks}) == HUES
    assert len(set(DASHES[1:])) == HUES - 1
    assert min(contrast(c, "#ffffff") for c in LIGHT) >= 3
    assert min(contrast(c, "#12161b") for c in DARK) >= 3
    assert all(colour in STYLE for colour in (*LIGHT, *DARK))


def contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dark = sorted((light(one), light(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_curves_end_at_the_frame_and_break_at_what_is_no_number():
    wild = Series("f", ((-5.0, -5.0), (5.0, 5.0), (nan, 0.0), (0.5, inf), (0.2, 0.8), (0.8, 0.8)))
    one = figure(wild, x=Axis("x", low=0.0, high=1.0), y=Axis("y", low=0.0, high=1.0))
    frame = framed(one.plots[0])
    lines = pieces(frame, wild.points)
    assert len(lines) == 2
    assert lines[0] == [(frame.left, frame.bottom), (frame.right, frame.top)]
    assert all(
        frame.has(place) for path in paths(to_svg(one), 1) for place in coordinates(path)[:2]
    )


def test_a_log_axis_leaves_out_what_is_not_positive():
    series = Series("f", ((1.0, 1.0), (10.0, 0.0), (100.0, -1.0)), "marks")
    one = figure(series, x=Axis("h", log=True), y=Axis("e", log=True))
    markers = [path for path in paths(to_svg(one), 1) if path.count("M") == 1]
    assert len(markers) == 2  # the point that has a place, and the key


def test_names_stand_in_the_frame_apart_and_near_their_curves():
    up = tuple((k / 20, k / 20) for k in range(21))
    down = tuple((x, 1 - y) for x, y in up)
    plot = Plot(Axis("x"), Axis("y"), (Series("rising", up), Series("falling", down, hue=2)))
    frame = framed(plot)
    curves = [[p for line in pieces(frame, s.points) for p in dense(line)] for s in plot.series]
    first, second = placed(frame, ["rising", "falling"], curves, [], 13.0)
    assert first and second and not first.meets(second, 0.0)
    for box, curve in ((first, curves[0]), (second, curves[1])):
        assert frame.has((box.x, box.y))
        assert frame.has((box.x + box.width, box.y + box.height))
        covered = [
            (x, y)
            for c in curves
            for x, y in c
            if box.x < x < box.x + box.width and box.y < y < box.y + box.height
        ]
        assert not covered
        assert min(abs(x - box.x - box.width / 2) + abs(y - box.y) for x, y in curve) < 120


def test_names_of_curves_that_coincide_do_not_cover_each_other():
    plot = Plot(Axis("x"), Axis("y"), tuple(Series(f"curve {k}", CURVE) for k in range(4)))
    frame = framed(plot)
    curves = [[p for line in pieces(frame, s.points) for p in dense(line)] for s in plot.series]
    boxes = placed(frame, [s.label for s in plot.series], curves, [], 13.0)
    assert all(a and b and not a.meets(b, 0.0) for a, b in combinations(boxes, 2))


@pytest.mark.parametrize(
    ("low", "high", "log"),
    [
        (0.0, 1.0, False),
        (-3e-7, 2e-7, False),
        (1e5, 1.00001e5, False),
        (0.0, 37.0, False),
        (1e-14, 1.0, True),
        (0.003, 0.3, True),
        (2.0, 5.0, True),
        (1e-300, 1e300, True),
    ],
)
def test_ticks_are_few_between_the_limits_and_all_different(low, high, log):
    found = ticks(Axis("x", log=log), Scale(low, high, log), 5)
    values = [value for value, _ in found]
    assert 2 <= len(values) <= 9
    assert values == sorted(values)
    assert len({text for _, text in found}) == len(found)
    slack = 0.011 * (high if log else high - low)
    assert low - slack <= values[0]
    assert values[-1] <= high + slack


def test_ticks_of_counts_are_whole_and_named_ticks_are_kept():
    values = [v for v, _ in ticks(Axis("n", whole=True), Scale(0.0, 2.2, False), 5)]
    assert values == [0.0, 1.0, 2.0]
    named = Axis("x", named=((0.0, "zero"), (9.0, "outside")))
    assert ticks(named, Scale(-1.0, 1.0, False), 5) == [(0.0, "zero")]


def test_an_axis_spans_its_data_even_when_there_is_none():
    assert scale(Axis("x"), []).high > scale(Axis("x"), []).low
    assert scale(Axis("x", log=True), [0.0, nan]).low > 0
    assert scale(Axis("x", low=0.0, high=0.0), []).high > 0
    assert number(-1e-12).startswith("−")


def test_a_series_that_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="look"):
        Series("f", (), "spiral")
    with pytest.raises(ValueError, match="hue"):
        Series("f", (), hue=HUES)
    with pytest.raises(ValueError, match="upper"):
        Series("f", CURVE, "band")
