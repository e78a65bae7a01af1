"""The notebook face: valid, the same every time, and its cells fail where a record is wrong."""

from __future__ import annotations

import ast
import copy
import json
import shutil
from pathlib import Path

import pytest

from lora_proofs.errors import BadInput
from lora_proofs.language.budget import budget
from lora_proofs.report import document
from lora_proofs.report.figure import Axis, Figure, Plot, Series
from lora_proofs.report.notebook import to_notebook
from lora_proofs.report.tree import Document, Section, Text
from lora_proofs.running.catalogue import file_claims
from lora_proofs.running.runner import verify
from lora_proofs.running.verifying import complete

CLAIMS = Path(__file__).parent / "claims_for_tests" / "true_and_false.py"


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """A false claim and a true one of a file, as the ledger would have them."""
    path = tmp_path_factory.mktemp("claims") / "for_a_notebook.py"
    shutil.copy(CLAIMS, path)
    found = []
    for entry in file_claims(path):
        told = verify(f"{path}::{entry.name}", budget="quick").to_dict()
        whole = complete(entry, told, budget("quick"), 0)
        found.append(json.loads(json.dumps(whole)))
    return found


def cells_of(records, kind="code"):
    made = json.loads(to_notebook(document(records)))
    return ["".join(cell["source"]) for cell in made["cells"] if cell["cell_type"] == kind]


def run(records):
    """Run the code cells from top to bottom, as a kernel would; the names they leave."""
    names: dict = {}
    for source in cells_of(records):
        exec(compile(source, "cell", "exec"), names)
    return names


def test_it_is_a_valid_notebook_with_the_same_bytes_every_time(records):
    nbformat = pytest.importorskip("nbformat")
    text = to_notebook(document(records))
    nbformat.validate(nbformat.reads(text, as_version=4))
    assert text == to_notebook(document(copy.deepcopy(records)))
    ids = [cell["id"] for cell in json.loads(text)["cells"]]
    assert len(ids) == len(set(ids))


def test_the_cells_repeat_the_verdicts_and_the_counterexample(records, capsys):
    names = run(records)
    told = capsys.readouterr().out
    for record in records:
        assert f"As the report shows {record['verdict']} on {record['scope']}, with" in told
    assert names["again"]["confirmed"]
    assert [r["verdict"] for r in records] == ["REFUTED", "CERTIFIED"]


def test_the_text_is_the_report_with_its_formulas(records):
    text = "\n".join(cells_of(records, "markdown"))
    assert "REFUTED" in text and "one exact instance" in text and "$" in text


def test_a_picture_is_there_before_and_after_its_cell_is_run():
    plot = Plot(Axis("t"), Axis("f"), (Series("f", ((0.0, 1.0), (1.0, 2.0))),))
    figure = Figure("<b>Loss</b>", "Its *fall*.", "It grows.", (plot,))
    document = Document("Pictures", (Section((Text("One"),), (figure,)),))
    made = json.loads(to_notebook(document))
    setup, picture = (cell for cell in made["cells"] if cell["cell_type"] == "code")
    (output,) = picture["outputs"]
    names: dict = {}
    exec("".join(setup["source"]), names)
    drawn = eval("".join(picture["source"]), names)._repr_svg_()
    assert drawn == "".join(output["data"]["image/svg+xml"]) and drawn.startswith("<svg")
    words = "".join("".join(cell["source"]) for cell in made["cells"])
    assert "It grows." in words and "<b>" not in words


def changed(record, **fields):
    return {**copy.deepcopy(record), **fields}


def test_a_record_that_claims_more_than_holds_fails_in_its_cell(records):
    with pytest.raises(AssertionError, match="the report shows"):
        run([changed(records[1], scope="every instance")])


def test_a_changed_regime_shows_in_the_digest(records):
    forged = changed(records[1])
    forged["samples"]["regimes"] = {"square": 30}
    with pytest.raises(AssertionError, match="other regimes or counterexamples"):
        run([forged])


def test_a_forged_counterexample_is_noticed_by_its_replay(records):
    forged = changed(records[0], notes=["the search was cut off after 1 s"])  # no digest then
    forged["counterexample"]["comparison"]["left"] = "5"
    with pytest.raises(AssertionError, match="left"):
        run([forged])


def test_a_forged_counterexample_of_a_control_is_noticed(records):
    forged = changed(records[1], notes=["the search was cut off after 1 s"])  # no digest then
    forged["controls"][0]["counterexample"]["comparison"]["slack"] = "-999"
    with pytest.raises(AssertionError, match="slack"):
        run([forged])
    forged = changed(records[1], notes=["the search was cut off after 1 s"])
    forged["controls"][0]["counterexample"]["assumptions"] = {"made_up": True}
    with pytest.raises(AssertionError, match="made_up"):
        run([forged])


def test_forged_counts_and_another_statement_are_noticed(records):
    forged = changed(records[1])
    forged["samples"]["instances"] = 10**6
    with pytest.raises(AssertionError, match="samples, instances"):
        run([forged])
    with pytest.raises(AssertionError, match="the report shows 1 = 1"):
        run([changed(records[1], statement="1 = 1")])


def test_a_file_that_changed_or_went_away_is_told(records):
    path = Path(records[0]["locator"]["path"])
    text = path.read_text()
    try:
        path.write_text(text + "\n# another line\n")
        with pytest.raises(BadInput, match="it changed"):
            run(records[:1])
        path.unlink()
        with pytest.raises(BadInput, match="expected a readable Python file of claims"):
            run(records[:1])
    finally:
        path.write_text(text)


class Found:
    """A result as ``compare`` looks at it."""

    def __init__(self, verdict, scope="x", digest="d"):
        self.verdict, self.scope, self.digest = verdict, scope, digest


@pytest.mark.parametrize(
    ("budget", "found", "shown", "fails"),
    [
        ("quick", "PROVED", "PROVED", ""),
        ("quick", "PROVED", "CERTIFIED", "the report shows"),
        ("standard", "SUPPORTED", "CERTIFIED", ""),
        ("standard", "INCONCLUSIVE", "REFUTED", ""),
        ("standard", "REFUTED", "CERTIFIED", "contradiction"),
        ("standard", "SUPPORTED", "REFUTED", "contradiction"),
    ],
)
def test_compare_allows_what_a_smaller_budget_explains_and_nothing_else(
    budget, found, shown, fails
):
    names: dict = {}
    exec(cells_of([])[0], names)
    if not fails:
        assert names["compare"](Found(found), budget, shown, "x", "d").verdict == found
        return
    with pytest.raises(AssertionError, match=fails):
        names["compare"](Found(found), budget, shown, "x", "d")


def test_with_a_larger_budget_a_weaker_verdict_fails():
    names: dict = {}
    exec(cells_of([])[0], names)
    names["BUDGET"] = "deep"
    with pytest.raises(AssertionError, match="weaker"):
        names["compare"](Found("SUPPORTED"), "quick", "CERTIFIED", "x")


@pytest.mark.parametrize(("seconds", "told"), [(275.4, "It took 275 s."), (2.0, ""), ("x", "")])
def test_a_claim_that_takes_long_says_so_beforehand(records, seconds, told):
    text = "\n".join(cells_of([changed(records[1], seconds=seconds)], "markdown"))
    assert ("It took" in text) == bool(told) and told in text


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"run": {}}, "with which budget and seed"),
        ({"run": {"budget": "huge", "seed": 0}}, "with which budget and seed"),
        ({"run": {"budget": "quick", "seed": "0; import os"}}, "with which budget and seed"),
        ({"reasons": ["stopped in the stage 'sweep': 20 s"]}, "a limit on time or memory"),
        ({"error": {"type": "ProcessEnded", "message": "killed"}}, "its process ended"),
    ],
)
def test_a_record_that_cannot_be_repeated_says_why(records, fields, why):
    forged = [changed(records[1], **fields)]
    assert len(cells_of(forged)) == 1
    assert why in "\n".join(cells_of(forged, "markdown"))


HOSTILE = [
    "x'); import os; os.system('touch here'); ('",
    'x"""\nimport os\n"""',
    "x\\",
    "a\nb\rc\x00\u2028\u202e\ud800",
    "{{ 7 * 7 }}",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_record_says_is_data_in_its_cells(records, text):
    forged = changed(records[0], name=text, scope=text, verdict=text)
    forged["locator"] = {"path": text, "sha256": text}
    forged["counterexample"]["instance"] = {text: text, "X": [[text]]}
    forged["counterexample"]["comparison"] = {"label": text, "left": text}
    forged["controls"] = [{"why": text, "counterexample": forged["counterexample"]}]
    made = to_notebook(document([forged]))
    assert not set(made) & set("\x00\u202e\ud800")
    _, *cells = cells_of([forged])
    assert len(cells) == 3
    for cell in cells:
        tree = ast.parse(cell)
        called = {ast.unparse(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
        loads = {"load_claim", "verify", "compare", "judge_again", "print", "len"}
        assert called <= loads
        assert not any(isinstance(n, ast.Import | ast.ImportFrom) for n in ast.walk(tree))


@pytest.mark.nightly
def test_a_kernel_runs_it_from_top_to_bottom(records, tmp_path):
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    made = nbformat.reads(to_notebook(document(records)), as_version=4)
    done = client.NotebookClient(made, timeout=300, resources={"metadata": {"path": tmp_path}})
    done.execute()
    outputs = [out for cell in made.cells for out in cell.get("outputs", ())]
    assert any("text/html" in out.get("data", {}) for out in outputs)
