"""The report: what every face says about a claim, and that equal records give equal bytes."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from lora_proofs.errors import BadInput
from lora_proofs.report import FORMATS, document, render
from lora_proofs.report.tree import Judged, Section

RUN = {
    "seed": 0,
    "budget": "standard",
    "versions": {"lora_proofs": "0.1.0", "python": "3.11.7", "sympy": "1.14.0"},
}


def _line(latex: str, why: str, kind: str = "identity", **extra: Any) -> dict[str, Any]:
    base = {"kind": kind, "latex": latex, "why": why, "rule": "", "ok": True, "problem": ""}
    return {**base, "checked_by": ["normal form", "explicit entries"], "text": "", **extra}


PROVED: dict[str, Any] = {
    "name": "rushka-klabjan/lora-flow-equations",
    "title": "The LoRA flow follows the projected gradient",
    "source": {
        "paper": "rushka-klabjan",
        "label": "",
        "status": "reconstructed",
        "evidence": "summary",
        "corrected_by": None,
    },
    "statement": "For a differentiable loss $f$ with gradient $G = \\nabla f(W)$ and "
    "$W = W_0 + BA$, the gradient flow of $g(A, B) = f(W_0 + BA)$ is "
    "$$\\dot A = -B^\\top G, \\qquad \\dot B = -G A^\\top.$$",
    "note": "The sign of $G$ is the loss's, not the error's.",
    "verdict": "PROVED",
    "scope": "all shapes",
    "expected": "PROVED",
    "reasons": ["derived lines agree with the check on 12 exact instances"],
    "cites": ["mean value inequality"],
    "assumptions": [
        {
            "name": "differentiable",
            "statement": "$f$ is differentiable",
            "technical": "no gradient",
        },
        {"name": "finite_horizon", "statement": "$t \\in [0, T]$ with $T < \\infty$"},
    ],
    "derivation": {
        "steps": 4,
        "closed": True,
        "scope": "all shapes",
        "engines": ["normal form", "explicit entries"],
        "cites": ["mean value inequality"],
        "prose": [],
        "problems": [],
        "evaluated_on": 12,
        "lines": [
            _line(
                "D g(A, B)[X, 0] = \\left\\langle \\nabla f\\left(W_{0} + B A\\right),\\, B X "
                "\\right\\rangle = \\operatorname{tr}\\left(X^\\top B^\\top G\\right)",
                "chain rule along $A \\mapsto A + \\varepsilon X$",
            ),
            _line(
                "Z = \\begin{pmatrix} B \\\\ A^\\top \\end{pmatrix}, \\qquad \\dot Z = "
                "-\\begin{bmatrix} 0 & G \\\\ G^\\top & 0 \\end{bmatrix} Z",
                "both factors at once",
            ),
            _line(
                "\\left\\lVert \\frac{\\theta(t + h) - \\theta(t)}{h} \\right\\rVert \\le K",
                "the speed is bounded on $[0, T]$",
                kind="cited",
                rule="lemma",
                checked_by=["normal form"],
            ),
            _line(
                "\\lVert A B \\rVert_F^2 \\le \\lVert A \\rVert_2^2 \\, \\lVert B \\rVert_F^2 "
                "\\le \\left(R_A^2 + R_B^2\\right) \\sqrt{w_0^2 + q^2 - p^2} + \\frac{L K}{2} h "
                "+ \\tfrac12 \\left(e^{LT} - 1\\right) + \\lim_{h \\to 0} x_h "
                "+ \\left(M_2 + R_A R_B L_f\\right) R_B M_F",
                "norms multiply",
                kind="inequality",
                rule="submultiplicative",
            ),
        ],
    },
    "samples": {
        "instances": 200,
        "discarded": 3,
        "undecided": 0,
        "smallest_slack": "0",
        "regimes": {"generic": 129, "rank deficient": 71},
        "arithmetics": {"exact": 200},
        "measured": {"order of convergence": "0.9998"},
    },
    "sweep": {"instances": 5000, "suspects": 0},
    "certificates": {
        "instances": 12,
        "method": "exact",
        "regimes": {"generic": 8, "rank deficient": 4},
    },
    "controls": [
        {
            "drops": "finite_horizon",
            "why": "the two orders end in different places as $t \\to \\infty$",
            "outcome": "refuted",
            "problem": "",
            "counterexample": {
                "kind": "value",
                "instance": {
                    "W0": [[1, "-3/4"], ["2/5", 0]],
                    "B": [["1/2"], [1]],
                    "A": [[3, "-1/7"]],
                    "h": "1/10",
                    "loss": "frobenius",
                    "regimes": ["generic"],
                },
                "comparison": {
                    "label": "final loss",
                    "left": "12345678901234567890123456789/98765432109876543210987654321",
                    "relation": "<=",
                    "right": "1/10",
                    "slack": "-11/400",
                    "radius": "0",
                },
                "confirmed_by": "exact",
            },
        }
    ],
    "counterexample": None,
    "error": None,
    "seconds": 1.4,
    "run": RUN,
}

REFUTED: dict[str, Any] = {
    "name": "rushka-klabjan/naive/same-limit-at-infinite-time",
    "title": "Both orders of the step end in the same place",
    "source": {
        "paper": "rushka-klabjan",
        "label": "",
        "status": "our reading",
        "evidence": "summary",
        "corrected_by": "rushka-klabjan/lora-flow-equations",
    },
    "statement": "For every start, $\\lim_{t \\to \\infty} W$ is the same for both orders.",
    "verdict": "REFUTED",
    "scope": "one exact instance",
    "expected": "REFUTED",
    "reasons": ["counterexample of kind trap, confirmed by exact"],
    "cites": [],
    "assumptions": [],
    "derivation": None,
    "samples": {"instances": 0, "discarded": 0, "undecided": 0, "regimes": {}},
    "controls": [
        {"drops": None, "why": "the other sign of the step", "outcome": "refuted"},
    ],
    "counterexample": {
        "kind": "trap",
        "instance": {
            "A0": [["1/2"]],
            "B0": [["-1/2"]],
            "W0": [[0] * 9, ["123456789/1000", "-1/3", 4, 5, 6, 7, 8, 9, "22222222/33333333"]],
            "problem": {"eta_A": 1, "h": "1/10"},
        },
        "comparison": {
            "label": "loss after 40 steps",
            "left": "1/2",
            "relation": "=",
            "right": "0",
        },
        "confirmed_by": "exact",
        "assumptions": {"finite_start": True},
        "replay": "lora-proofs replay 17",
    },
    "run": RUN,
}

OPEN: dict[str, Any] = {
    "name": "my-notes/rank-bound",
    "source": {"paper": "my notes", "status": "our reading", "evidence": "recalled"},
    "statement": "The rank of $BA$ is at most $r$, and $f(x) = \\begin{cases} x & x > 0 \\\\ 0 & "
    "\\text{otherwise} \\end{cases}$.",
    "verdict": "INCONCLUSIVE",
    "scope": "nothing",
    "expected": "SUPPORTED",
    "reasons": ["a control survived: rank r - 1 (every draw had rank 1)"],
    "derivation": {
        "steps": 2,
        "closed": False,
        "lines": [
            _line(
                "\\operatorname{rank}(BA) \\le r", "", ok=False, problem="the normal forms differ"
            ),
            {"kind": "prose", "latex": "", "why": "the rest is clear", "ok": True},
        ],
        "prose": ["the rest is clear"],
        "problems": ["line 1: the normal forms differ by $B A$"],
        "cites": ["a lemma that is not there"],
    },
    "controls": [
        {
            "drops": None,
            "why": "rank r - 1",
            "outcome": "survived",
            "problem": "every draw had rank 1",
        }
    ],
    "error": {"type": "ZeroDivisionError", "message": "division by zero", "where": "claim.py:12"},
    "run": RUN,
}

RECORDS = [PROVED, REFUTED, OPEN]


TEXTS = sorted(name for name, face in FORMATS.items() if not face.binary)


@pytest.fixture(params=TEXTS)
def face(request: pytest.FixtureRequest) -> str:
    return render(RECORDS, request.param)


def _plain(text: str) -> str:
    """The text without what a face sets between its letters."""
    for sign, shown in (("\\ensuremath{\\checkmark}", "✓"), ("\\ensuremath{\\times}", "✗")):
        text = text.replace(sign, shown)
    text = text.replace("\\allowbreak{}", "").replace("{}", "")
    return text.replace("\\", "").replace("&#39;", "'")


@pytest.mark.parametrize(
    "told",
    [
        "The LoRA flow follows the projected gradient",
        "reconstructed (made precise here from a summary)",
        "only a summary was read",
        "derived lines agree with the check on 12 exact instances.",
        "chain rule along",
        "checked by normal form and explicit entries.",
        "by the rule submultiplicative, checked by",
        "no engine checks this step",
        "not closed: the normal forms differ.",
        "200 instances judged one by one; 3 more discarded",
        "rank deficient",
        "5,000 instances swept in floating point",
        "12 instances judged rigorously in exact arithmetic.",
        "order of convergence",
        "✓ refuted",
        "✗ survived",
        "12345678901234567890123456789/98765432109876543210987654321",
        "Of kind trap",
        "lora-proofs replay 17",
        "ZeroDivisionError: division by zero (claim.py:12)",
        "The baseline expects SUPPORTED",
        "a lemma that is not there",
        "not on the list of lemmas",
        "for all shapes, modulo mean value inequality",
        "only abstracts and summaries were available",
        "arXiv:2602.10212",
        "my notes",
    ],
)
def test_every_face_tells(face: str, told: str) -> None:
    assert told in _plain(face)


def test_same_records_give_same_bytes(face: str) -> None:
    again = {kind: render(copy.deepcopy(RECORDS), kind) for kind in TEXTS}
    assert face in again.values()


def test_unknown_format_names_those_that_exist() -> None:
    with pytest.raises(BadInput, match="html, pdf, latex, markdown, notebook; got 'doc'"):
        render(RECORDS, "doc")


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize(
    "records",
    [
        [],
        [{}],
        [{"name": "x"}, {"name": "x"}],
        [dict.fromkeys(PROVED)],
        [{"derivation": {"lines": [{}, None]}, "controls": [{}], "samples": {}, "source": "?"}],
        [{"counterexample": {"instance": [1], "comparison": "?", "assumptions": {"a": None}}}],
        [{"statement": 3, "reasons": "text", "cites": None, "verdict": "ODD", "expected": "ODDER"}],
    ],
    ids=["none", "empty", "twice", "nulls", "bare parts", "bare witness", "odd types"],
)
def test_missing_parts_are_said_not_raised(kind: str, records: list[dict[str, Any]]) -> None:
    assert "Bibliography" in render(records, kind)


def test_a_verdict_has_no_way_to_lose_its_scope() -> None:
    for kind in TEXTS:
        text = render([{"name": "a", "verdict": "CERTIFIED"}], kind)
        assert text.count("a scope that was not recorded") == 2


def test_verdicts_are_counted_apart() -> None:
    text = render(
        [{"verdict": "PROVED", "scope": "s"}, {"verdict": "CERTIFIED", "scope": "s"}], "html"
    )
    assert text.count("<td>1</td>") == 2
    assert "<td>2</td>" not in text


def test_refuted_claims_stand_beside_what_corrects_them() -> None:
    text = render(RECORDS, "markdown")
    row = next(line for line in text.split("\n") if line.startswith("| Both") and "modulo" in line)
    assert "**REFUTED** on one exact instance" in row
    assert "[rushka-klabjan/lora-flow-equations](#claim-rushka-klabjan-lora-flow-equations)" in row
    assert "**PROVED** for all shapes" in row


def test_weak_and_unexpected_claims_come_first() -> None:
    text = render(RECORDS, "markdown")
    assert text.index("Look at these first") < text.index("## What was found")
    first = text[: text.index("## What was found")]
    assert "my-notes/rank-bound" in first
    assert "lora-flow-equations" not in first


def test_what_is_open_stands_with_the_claim_that_is_to_be_looked_at() -> None:
    text = render([{**OPEN, "verdict": "INCONCLUSIVE", "note": "Open at D = 5."}], "markdown")
    assert "Open at D = 5." in text[: text.index("## What was found")]


def test_time_is_printed_only_where_it_is_recorded() -> None:
    late = {**PROVED, "run": {**RUN, "recorded_at": "2026-01-02T03:04:05Z"}}
    assert "2026-" not in render([PROVED], "html")
    assert "2026-01-02T03:04:05Z" in render([late], "html")


def test_differing_runs_are_told_claim_by_claim() -> None:
    other = {**OPEN, "run": {**RUN, "seed": 5}}
    tree = document([PROVED, other])
    titles = [b.title[0] for b in tree.blocks if isinstance(b, Section) and b.anchor]
    text = render([PROVED, other], "markdown")
    assert titles
    assert text.count("### Run") == 2
    assert "How it was run" not in text


def test_tree_prints_verdicts_only_as_judged() -> None:
    index = render([PROVED], "markdown")
    assert Judged("PROVED", "all shapes").scope in index


def test_matrices_that_differ_are_shown_side_by_side() -> None:
    comparison = {
        "label": "B",
        "left": [["1/2", 0]],
        "relation": "=",
        "right": [[0, 0]],
        "slack": "-1",
    }
    record = {"name": "a", "counterexample": {"instance": {}, "comparison": comparison}}
    assert (
        "\\begin{bmatrix} 1/2 & 0 \\end{bmatrix} = \\begin{bmatrix} 0 & 0 \\end{bmatrix}"
        in render([record], "markdown")
    )


def test_small_matrices_share_a_line_and_large_ones_do_not() -> None:
    small = {"X": [[1]], "Y": [[2]]}
    large = {"X": [["1/1000000000"] * 4], "Y": [["1/1000000000"] * 4]}
    for instance, lines in ((small, 1), (large, 2)):
        record = {"name": "a", "counterexample": {"instance": instance}}
        assert render([record], "markdown").count("$$\n") == 2 * lines


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("\\|X\\| \\le 1", "$\\Vert X \\Vert \\le 1$"),
        ("s = s", "$s = s$"),
        ("the scale s is 1", "the scale s is 1"),
        ("costs \\$5 and $x$", "costs \\$5 and $x$"),
    ],
)
def test_statements_may_leave_out_their_dollars(statement: str, shown: str) -> None:
    assert f"\n{shown}\n" in render([{"name": "a", "statement": statement}], "markdown")
