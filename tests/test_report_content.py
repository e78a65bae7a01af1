"""What a report says of a claim, and how it shows what was proved and what was not."""

import copy
import importlib
import re

import pytest

from lora_proofs.language.lemmas import LEMMAS
from lora_proofs.mathematics import literature
from lora_proofs.report import document, render
from lora_proofs.report.build import pictures
from lora_proofs.report.exact import name_latex
from lora_proofs.report.figure import Figure
from lora_proofs.report.leaning import references
from lora_proofs.report.symbols import used
from lora_proofs.report.tree import Callout, Judged, Section, Table, Text
from lora_proofs.report.works import WORKS, bibtex, works_of


def record(name="my/claim", verdict="PROVED", scope="all shapes", **more):
    return {"name": name, "verdict": verdict, "scope": scope, "statement": "$x = x$", **more}


ALL = (
    record("a/universal"),
    record("a/modulo", cites=["squeeze theorem"]),
    record("a/fixed", scope="shapes with the fixed dimensions 1"),
    record("a/certified", "CERTIFIED", "30 instances"),
    record("a/supported", "SUPPORTED", "the sampled regimes"),
    record("a/refuted", "REFUTED", "one exact instance"),
    record("a/open", "INCONCLUSIVE", "nothing"),
)


def told(*records, history=None):
    return render(records, "markdown", history)


def sections(blocks):
    for block in blocks:
        if isinstance(block, Section):
            yield block
            yield from sections(block.blocks)


def section(tree, anchor):
    (found,) = [one for one in sections(tree.blocks) if one.anchor == anchor]
    return found


# What was found, by how far it reaches


def names_in(group):
    (table,) = [block for block in group.blocks if isinstance(block, Table)]
    return [row[0][-1].text for row in table.rows]


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("universal", ["a/universal", "a/modulo"]),
        ("fixed", ["a/fixed"]),
        ("certified", ["a/certified"]),
        ("supported", ["a/supported"]),
        ("refuted", ["a/refuted"]),
        ("open", ["a/open"]),
    ],
)
def test_each_claim_stands_in_the_group_of_its_reach(key, names):
    assert names_in(section(document(ALL), f"reach-{key}")) == names


def test_no_count_is_of_two_groups():
    (counts,) = [b for b in section(document(ALL), "summary").blocks if isinstance(b, Table)]
    shown = [(row[0][0].text, row[1][0].text, row[2][0].text) for row in counts.rows]
    assert shown == [
        ("Proved for all shapes", "2 claims", "1 of them"),
        ("Proved for fixed shapes", "1 claim", "none"),
        ("Certified on instances", "1 claim", "none"),
        ("Supported by samples", "1 claim", "none"),
        ("Refuted", "1 claim", "none"),
        ("Open", "1 claim", "–"),
    ]
    (only,) = [b for b in section(document(ALL[3:4]), "summary").blocks if isinstance(b, Table)]
    assert [row[1][0].text for row in only.rows] == ["none", "none", "1 claim"] + 3 * ["none"]


def strings(node):
    """Every text of a tree that is not a verdict."""
    if isinstance(node, str):
        yield node
    elif not isinstance(node, Judged):
        parts = node if isinstance(node, tuple) else getattr(node, "__dict__", {}).values()
        for part in parts:
            yield from strings(part)


def test_a_verdict_never_stands_without_its_scope():
    tree = document(ALL)
    words = {"PROVED", "CERTIFIED", "SUPPORTED", "REFUTED"}
    legend = section(tree, "verdicts")
    outside = [b for b in tree.blocks if b is not legend]
    alone = [text for block in outside for text in strings(block) if text.strip() in words]
    assert alone == []
    assert Judged("CERTIFIED", "30 instances") in {
        node
        for callout in section(tree, "claim-a-certified").blocks
        if isinstance(callout, Callout)
        for block in callout.blocks
        for node in getattr(block, "content", ())
    }


# What a verdict leans on


def test_cited_theorems_have_their_statements_and_references():
    line = {"kind": "cited", "rule": "squeeze theorem", "ok": True}
    derivation = {"lines": [line, line], "engines": ["normal form", "explicit entries"]}
    text = told(record(cites=["squeeze theorem", literature.WEYL.name], derivation=derivation))
    rows = [line for line in text.splitlines() if line.startswith(("| squeeze", "| Weyl"))]
    assert "Rudin, Principles of Mathematical Analysis, Theorem 3.19" in rows[0]
    assert rows[0].endswith("| a lemma on the fixed list, in 2 lines |")
    assert "Horn and Johnson, Matrix Analysis, 4.3 and 7.3" in rows[1]
    assert rows[1].endswith("| said by the code that uses it |")
    assert "decided by normal form and explicit entries" in text


def test_every_theorem_that_may_be_cited_is_found():
    heard = [one.name for one in vars(literature).values() if isinstance(one, literature.Cited)]
    for name in (*LEMMAS, *heard):
        assert references([name]), name


def test_hypotheses_in_words_stand_with_what_the_verdict_leans_on():
    reason = "in words, read by no engine: lemma: a hypothesis <- assumption 'a'"
    text = told(record(reasons=[reason, "derived lines agree"]))
    opening, _, leaning = text.partition("### What it leans on")
    chapter = opening.split("## my/claim")[-1]
    assert "One hypothesis that is in words and read by no engine" in chapter
    assert "a hypothesis" not in chapter and "derived lines agree" in chapter
    assert "- lemma: a hypothesis" in leaning


def test_what_was_trusted_is_said():
    certificates = {"instances": 3, "method": "exact and ball", "trusted": ["that X is Y"]}
    text = told(record(verdict="CERTIFIED", scope="3 instances", certificates=certificates))
    assert "exact rational arithmetic of FLINT and ball arithmetic of FLINT" in text
    assert "Trusted, not re-checked: that X is Y." in text


# Notation


def test_symbols_are_explained_where_they_are_used():
    ours = {"shipped": True, "source": {"paper": "rushka-klabjan"}}
    found = {**record(), **ours, "statement": "$\\|W - Y\\|_F$ with $\\sigma_1$, not W0 nor h"}
    assert [known.latex for known in used(found)] == ["W", "Y", "\\|X\\|_F", "\\sigma_k(X)"]
    text = told(found)
    assert "## Notation" in text and "target of the Frobenius loss" in text
    assert "**Notation, unless the statement says otherwise:** $W$ adapted weight" in text
    assert used({**found, "shipped": False}) == []
    assert "## Notation" not in told({**found, "shipped": False})


@pytest.mark.parametrize(("name", "latex"), [("RA", "R_A"), ("Lf", "L_f"), ("M2", "M_{2}")])
def test_constants_have_their_names(name, latex):
    assert name_latex(name) == latex


# Evidence


def test_certificates_are_linked_and_their_names_are_no_scheme():
    def link(file):
        written = {"file": file, "instances": 12}
        return told(record(certificates={"instances": 12, "method": "exact", "written": written}))

    assert "](file:///tmp/a%20b.json)" in link("/tmp/a b.json")
    assert "lora-proofs check '/tmp/a b.json'" in link("/tmp/a b.json")
    assert "(instances: 12)" in link("out/a.json")
    assert "](javascript%3Aalert%281%29)" in link("javascript:alert(1)")


def test_the_smallest_slack_has_its_place_and_its_precision():
    comparison = {"label": "bound", "left": "1", "relation": "<=", "right": "2", "slack": "1"}
    place = {"regime": "ties", "instance": {"h": "1/3"}}
    for radius, words in (
        ("0", "; the sides are exact."),
        ("1e-55", "is known up to `1e-55`."),
        ("[1.7e-59 ± 1.6e-84]", "is known up to `1.7e-59`."),
    ):
        at = {**place, "comparison": {**comparison, "relative": "0.5", "radius": radius}}
        text = told(record(samples={"instances": 9, "smallest_at": at}))
        words = (
            words,
            "Smallest slack of the samples: `0.5` of the larger side, met in the regime",
        )
        assert "regime ties: bound" in text and all(x in text for x in words)


def test_the_instance_on_which_the_search_came_closest_is_shown():
    search = {"instances": 9, "closest": "0.1", "at": {"h": "1/7"}}
    text = told(record(search=search))
    assert "came closest, at a slack of `0.1` of both sides together" in text and "1/7" in text
    assert "came closest" not in told(record(search={**search, "at": None}))


def test_digits_are_those_of_the_budget():
    samples = {"instances": 30, "arithmetics": {"ball": 30}}
    text = told(record(samples=samples, run={"budget": "deep"}))
    assert "Arithmetic that rounds has 100 digits or more" in text


def test_long_exact_numbers_are_never_cut():
    number = "7" * 5000 + "/" + "3" * 5001
    comparison = {"label": "x", "left": number, "relation": "<=", "right": "0", "slack": number}
    counterexample = {"instance": {"X": [[number]]}, "comparison": comparison}
    controls = [{"outcome": "refuted", "counterexample": counterexample}]
    assert told(record(controls=controls)).count(number) == 3


def test_a_control_says_which_assumptions_hold_on_its_counterexample():
    found = {"instance": {"x": 1}, "assumptions": {"kept": True}, "confirmed_by": "exact"}
    controls = [{"outcome": "refuted", "drops": "other", "counterexample": found}]
    text = told(record(controls=controls))
    assert "Confirmed by exact rational arithmetic. On it hold: `kept`." in text


def test_a_picture_that_claims_share_stands_once():
    claims = [
        record(f"rushka-klabjan/{x}") for x in ("first-order-equality", "one-step-difference")
    ]
    first, second = map(tuple, pictures(claims, ["claim-1", "claim-2"]))
    (figure,) = first
    assert isinstance(figure, Figure)
    (line,) = second
    assert line.content[0] == Text(f"{figure.title}: the picture stands at ")
    assert line.content[1].target == "#claim-1"


# The end


def test_every_work_is_named_by_some_lemma_and_each_reference_by_a_work():
    everything = [lemma.reference for lemma in LEMMAS.values()]
    everything += [
        o.reference for o in vars(literature).values() if isinstance(o, literature.Cited)
    ]
    assert works_of(everything) == sorted(WORKS, key=lambda work: work.key)
    ours = [text for text in everything if not works_of([text])]
    assert all(text.startswith("the text of lora_proofs.") for text in ours), ours


def test_bibtex_is_balanced_and_says_what_was_read():
    text = bibtex([lemma.reference for lemma in LEMMAS.values()])
    assert text.count("{") == text.count("}")
    keys = re.findall(r"^@\w+\{([a-z0-9-]+),$", text, re.M)
    assert keys[:2] == ["rushka-klabjan", "zeng-lee"] and len(keys) == len(set(keys)) > 15
    assert text.count("Only abstracts and summaries were read") == 2
    assert "eprint = {2602.10212}," in text and "year = {2026}," in text
    for entry in text.split("\n\n"):
        assert re.fullmatch(r"@\w+\{[^\n]+,\n(  \w+ = \{[^\n]*\},\n)+\}", entry), entry


def test_only_cited_works_are_listed():
    text = told(record(cites=["squeeze theorem"]))
    assert "rudin-1976" in text and "horn-johnson-2013" not in text


def test_papers_and_own_sources_are_listed_where_a_claim_names_them():
    own = told(record(source={"paper": "my-notes"}))
    assert "@misc{my-notes," in own and "arXiv:" not in own
    paper = told(record(source={"paper": "zeng-lee"}))
    assert "arXiv:2310.17513" in paper and "2602.10212" not in paper and "the paper only" in paper


def test_a_control_says_what_its_counterexample_leans_on():
    found = {"confirmed_by": "ball", "cites": ["squeeze theorem"]}
    text = told(record(controls=[{"outcome": "refuted", "counterexample": found}]))
    assert "Confirmed by ball arithmetic. It leans on: squeeze theorem." in text
    (row,) = [line for line in text.splitlines() if line.startswith("| squeeze theorem")]
    assert "in control 1 alone" in row and "rudin-1976" in text
    both = record(cites=["squeeze theorem"], controls=[{"counterexample": found}])
    assert "in control 1 alone" not in told(both)


def test_a_stage_that_a_limit_cut_off_stands_beside_the_scope():
    text = told(record(notes=["the search was cut off after 20.0 s"], run={"time_limit": 20.0}))
    assert text.count("all shapes (the search cut off by a limit)") == 2
    assert "| time limit | `20.0 s` |" in text
    assert "cut off" not in told(record())


def test_a_counterexample_is_said_to_be_in_no_column_of_what_held():
    samples = {"instances": 1, "regimes": {"flat": 1}}
    said = "on which it fails beyond doubt, is none of these"
    assert said in told(record(samples=samples, counterexample={"confirmed_by": "exact"}))
    assert said not in told(record(samples=samples))


def test_the_fate_of_each_suspect_is_said():
    text = told(record(sweep={"instances": 300, "suspects": 75, "judged": 6}))
    assert "75 suspects, 6 of them judged rigorously; 69 more suspects" in text
    assert "more suspect" not in told(record(sweep={"instances": 9, "suspects": 6, "judged": 6}))


# Determinism and text that steers


def test_signs_that_hide_are_replaced_before_any_face_sees_them():
    tree = document([record(name="a\u200bb", note="x\u202ey\x1b", statement="$\u2066x$")])
    assert not any(re.search("[\u200b\u202e\x1b\u2066]", text) for text in strings(tree.blocks))
    assert tree.records[0]["name"] == "a\u200bb"


def test_equal_records_give_equal_trees_and_stay_as_they_were():
    records = copy.deepcopy(list(ALL))
    assert document(records) == document(copy.deepcopy(records))
    assert records == list(ALL)


# The derivation: what it ends in


def test_a_derivation_shows_what_it_ends_in_and_what_a_lemma_says_in_words():
    cited = {"kind": "cited", "latex": "", "text": "", "why": "so it tends to 0", "ok": True,
             "rule": "squeeze theorem", "checked_by": ["lemma: squeeze theorem"]}  # fmt: skip
    line = {**cited, "kind": "identity", "latex": "e = h", "rule": "", "why": "given"}
    derivation = {
        "closed": True, "scope": "all shapes", "lines": [line, cited],
        "concludes": [["e = h", "e = h"]],
        "names": [["LK/2", r"\tfrac12 LK = \tfrac{1}{2} L K"], ["C", "C = 2 L"]],
    }  # fmt: skip
    text = told(record(derivation=derivation))
    assert "It ends in what the claim gives as its conclusion:\n\n- $e = h$" in text
    assert "- line 2, in words: what the squeeze theorem says" in text
    assert "squeeze theorem: If $0 \\le e (h)" in text
    assert "$C = 2 L$" in text and "L K$\n" not in text  # a name that is its own formula
    open_one = {**derivation, "closed": False}
    assert "It is to end in what the claim" in told(record(derivation=open_one))
    assert "conclusion:" not in told(record(derivation={**derivation, "concludes": []}))


def test_slack_and_radius_are_explained():
    assert "The slack of a comparison is the room that it leaves" in told(record())


def test_a_proof_by_hand_can_be_read_where_a_verdict_leans_on_it():
    for name, cited in literature.BY_HAND.items():
        text = told(record(verdict="REFUTED", scope="one exact instance", cites=[name]))
        assert f"**{name[0].upper()}{name[1:]}**, read by no engine:" in text
        proof = importlib.import_module(cited.reference.removeprefix("the text of ")).__doc__
        assert proof is not None and proof.strip().splitlines()[0] in text
    assert "read by no engine" not in told(record(cites=["squeeze theorem"]))


# Records that no run wrote, or that are about other words


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"derivation": None}, "it is PROVED, and has no closed derivation"),
        ({"controls": [{"outcome": "survived", "why": "x"}]}, "a control was not refuted"),
        ({"verdict": "REFUTED", "counterexample": None}, "it is REFUTED, and has no counter"),
    ],
)
def test_a_record_that_contradicts_its_verdict_is_looked_at_first(more, words):
    text = told(record(**more))
    assert "**Look at these first**" in text and words in text
    assert "Look at these first" not in told(record())


def test_a_correction_that_was_recorded_of_other_words_shows_no_verdict():
    false = record(verdict="REFUTED", scope="one exact instance", source={"corrected_by": "b/c"})
    right = {"name": "b/c", "statement": "$y = y$", "stale": "the claim has changed since"}
    text = told(false, history={"beside": {"b/c": right}})
    assert "its record is not about this: the claim has changed since" in text
