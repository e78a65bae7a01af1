"""The pictures: that they show what the theory says, each beside a claim that exists."""

from __future__ import annotations

import tomllib
from html import escape
from importlib.resources import files
from itertools import pairwise
from math import isfinite, isnan
from xml.etree import ElementTree

import pytest

from lora_proofs.report.axes import number
from lora_proofs.report.figure import Series
from lora_proofs.report.html import to_html
from lora_proofs.report.numbers import in_words
from lora_proofs.report.pictures import PICTURES, for_claim, picture
from lora_proofs.report.pictures.parts import slope
from lora_proofs.report.pictures.slacks import slack_distribution
from lora_proofs.report.pictures.staircase import SIGMA
from lora_proofs.report.svg import to_svg
from lora_proofs.report.tree import Document


def series(which: str, label: str, plot: int = 0) -> Series:
    return next(s for s in picture(which).plots[plot].series if s.label.startswith(label))


def values(which: str, label: str, plot: int = 0) -> list[float]:
    return [y for _, y in series(which, label, plot).points]


def test_every_picture_belongs_to_claims_that_exist():
    rows = tomllib.loads(files("lora_proofs.claims").joinpath("baseline.toml").read_text())
    assert {name for claims in PICTURES.values() for name in claims} <= set(rows)


@pytest.mark.parametrize("which", PICTURES)
def test_a_picture_is_finite_drawn_and_modest(which):
    figure = picture(which)
    assert "decide nothing" in figure.caption
    assert len(figure.told) > 100
    drawn = to_svg(figure)
    assert ElementTree.fromstring(drawn).tag.endswith("svg")
    assert len(drawn.encode()) < 25_000
    for plot in figure.plots:
        assert plot.series
        assert all(s.label and f">{s.label}</text>" in drawn for s in plot.series)
        assert all(isfinite(y) or isnan(x) for s in plot.series for x, y in s.points)


@pytest.mark.parametrize("which", PICTURES)
def test_the_words_beside_a_picture_have_the_numbers_of_every_series(which):
    figure = picture(which)
    page, words = to_html(Document("", (figure,))), in_words(figure)
    shown = page[page.index("The picture in words") :]
    for one in (one for plot in figure.plots for one in plot.series):
        ends = [f"({number(x, 4)}, {number(y, 4)}" for x, y in (one.points[0], one.points[-1])]
        for told in (escape(one.label), *ends):
            assert told in shown
        assert f"{one.label}: {ends[0]}" in words and ends[1] in words


def test_the_frobenius_flow_ends_in_the_best_approximation():
    for which in ("flow.frobenius_flow", "flow.spectral_start"):
        for label, end in (("σ₁", 3.0), ("σ₂", 2.0)):
            assert values(which, label)[-1] == pytest.approx(end, abs=0.01)
        assert values(which, "closed form", 1)[-1] == pytest.approx(0.625, abs=0.01)
    assert values("flow.wrong_directions", "closed form", 1)[-1] == pytest.approx(5, abs=0.01)


def test_integrated_marks_lie_on_the_closed_form():
    line, marks = (dict(series("flow.frobenius_flow", n, 1).points) for n in ("closed", "Runge"))
    assert len(marks) == 13
    assert all(line[t] == pytest.approx(y, abs=1e-6) for t, y in marks.items())


def test_the_trace_squared_loss_goes_to_zero_except_from_the_cone():
    assert values("flow.trace_squared_flow", "LoRA, B₀ = 0")[-1] < 1e-8
    assert values("flow.trace_squared_flow", "LoRA, B₀ = A")[-1] == pytest.approx(2, abs=1e-3)


def test_orders_of_convergence():
    first = picture("order.order_of_convergence").plots[0].series
    assert [round(slope(s.points), 1) for s in first] == [1, 1, 1, 1]
    assert [round(slope(s.points), 1) for s in picture("order.one_step").plots[0].series] == [2, 2]


def test_the_rank_law_is_met_and_random_starts_lie_above():
    law = values("rank_law.rank_law", "√")
    assert values("rank_law.rank_law", "orthonormal") == pytest.approx(law, abs=1e-9)
    band = series("rank_law.rank_law", "Gaussian A₀")
    assert all(low > y for (_, low), y in list(zip(band.points, law, strict=True))[1:])
    mean = values("rank_law.rank_law", "Gaussian: ")
    inside = zip(band.points, mean, band.upper, strict=True)
    assert all(low < y < high for (_, low), y, (_, high) in list(inside)[1:])
    assert values("rank_law.rank_law", "rows of")[-1] == pytest.approx((3 * 16 / 5 - 1) ** 0.5)


def test_construction_and_descent_stand_on_the_staircase():
    least = [*SIGMA[::2], 0.0]
    assert values("staircase.staircase", "construction") == pytest.approx(least, abs=1e-9)
    assert values("staircase.staircase", "gradient") == pytest.approx(least[1:], abs=1e-3)


def test_simultaneous_steps_stay_on_the_line_and_sequential_ones_leave_it():
    run = series("saddle.saddle", "simultaneous").points
    assert all(a == -b for a, b in run)
    assert abs(run[-1][0]) < 0.01
    for method, sign in (("A-first", -1), ("B-first", 1)):
        a, b = series("saddle.saddle", method).points[-1]
        assert a * b == pytest.approx(1, abs=0.01)
        assert a * sign > 0


def record(name: str = "my/claim", **slacks: object) -> dict[str, object]:
    spread = {"low": -12, "high": 0, "counts": [0] * 20 + [1, 2, 0, 5], **slacks}
    place = {"regime": "<b>tie</b>", "comparison": {"label": "bound"}}
    samples = {"slacks": spread, "smallest_relative_slack": "0.0123", "smallest_at": place}
    return {"name": name, "samples": samples}


def test_the_slack_distribution_counts_every_instance_and_names_the_smallest():
    (figure,) = for_claim(record(zero=4, below=1, above=2))
    bars = [s for s in figure.plots[0].series if s.look == "bars"]
    assert sum(y for s in bars for _, y in s.points) == 15
    assert [(s.label, s.points[0][1]) for s in bars[1:]] == [
        ("equal sides", 4),
        ("less", 1),
        ("more than 1", 2),
    ]
    assert series_named(figure, "smallest: 0.0123").points[0][0] == pytest.approx(-1.91, abs=0.01)
    assert "15 instances" in figure.told
    assert "regime <b>tie</b> (bound)" in figure.told
    assert "<b>" not in to_svg(figure)
    assert all(one.label for one in figure.plots[0].series)
    beside = "equal sides: 4; less: 1; more than 1: 2"
    told = f"0.01 to 0.0316: 1; 0.0316 to 0.1: 2; 0.316 to 1: 5; {beside}"
    assert told in in_words(figure)
    assert to_svg(figure).count("<path") > 4


def series_named(figure, label):
    return next(s for s in figure.plots[0].series if s.label == label)


def test_bars_do_not_lie_on_each_other():
    (figure,) = for_claim(record(zero=4, below=1, above=2))
    bars = [s for s in figure.plots[0].series if s.look == "bars"]
    spans = sorted((l[0], r[0]) for s in bars for l, r in zip(s.points, s.upper, strict=True))
    assert all(end <= start + 1e-9 for (_, end), (start, _) in pairwise(spans))


@pytest.mark.parametrize(
    "slacks",
    [
        {"counts": []},
        {"counts": None},
        {"counts": [1]},
        {"counts": "many"},
        {"low": "-inf"},
        {"low": None},
        {"low": 3},
        {"low": -1e300},
        {"counts": [1] * 10_000},
        {"counts": [float("nan"), -3]},
    ],
)
def test_what_no_run_records_is_not_drawn(slacks):
    assert slack_distribution(record(**slacks)) == ()


def test_a_claim_without_a_fitting_picture_gets_none():
    assert for_claim({"name": "my/claim"}) == ()
    assert for_claim({}) == ()


def test_what_is_left_of_0_is_rounding_and_no_number():
    assert values("staircase.staircase", "construction")[-1] == 0.0
