"""``schema``: what commands print fits the schemas, and what is broken does not."""

import json
import re

import pytest

from lora_proofs.cli.schema_parts import DEFINITIONS
from lora_proofs.cli.schemas import SCHEMAS, schema
from lora_proofs.running.selftesting import document

TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}
KEYWORDS = {
    *("$schema", "$defs", "$ref", "title", "description", "type", "properties", "required"),
    *("additionalProperties", "items", "anyOf", "enum", "const", "pattern", "minimum", "maximum"),
}


def problems(value, by, root, where="$"):
    """Where a value does not fit a schema, for the keywords that ours use."""
    assert by.keys() <= KEYWORDS, by.keys() - KEYWORDS
    if "$ref" in by:
        by = root["$defs"][by["$ref"].removeprefix("#/$defs/")]
    if "anyOf" in by:
        found = [problems(value, one, root, where) for one in by["anyOf"]]
        return [] if [] in found else min(found, key=len)
    if ("const" in by and value != by["const"]) or ("enum" in by and value not in by["enum"]):
        return [f"{where}: {value!r}"]
    kind = by.get("type")
    if kind and (not isinstance(value, TYPES[kind]) or (type(value) is bool and kind != "boolean")):
        return [f"{where}: expected {kind}, got {value!r}"]
    if isinstance(value, str) and "pattern" in by and not re.search(by["pattern"], value):
        return [f"{where}: {value!r} does not match {by['pattern']}"]
    if (
        not by.get("minimum", value) <= value <= by.get("maximum", value)
        if kind in ("integer", "number")
        else False
    ):
        return [f"{where}: {value!r} is out of range"]
    if isinstance(value, list) and "items" in by:
        return [
            p for k, x in enumerate(value) for p in problems(x, by["items"], root, f"{where}[{k}]")
        ]
    if not isinstance(value, dict):
        return []
    missing = [f"{where}: no {name}" for name in by.get("required", ()) if name not in value]
    rest = by.get("additionalProperties", {})
    parts = by.get("properties", {})
    inside = [
        p
        for name, x in value.items()
        for p in problems(x, parts.get(name, rest), root, f"{where}.{name}")
    ]
    return missing + inside


def unfit(name, value):
    return problems(value, schema(name), schema(name))


@pytest.fixture
def printed(lora_proofs):
    """The document that a command prints."""

    def run(*arguments, code=0):
        done = lora_proofs(*arguments)
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    return run


FALSE = """
from lora_proofs import Assumption
def low(instance, ctx):
    x = ctx.number(instance.x)
    yield at_least("square", ctx.number(2), x * x)
def some(instance, ctx):
    yield at_least("some", ctx.number(instance.x) ** 2, ctx.number(1))
some = Assumption("some", "x^2 >= 1", some, technical="by hand")
false = variant("false", check=low, assumptions=(some,))
def raises(instance, ctx):
    raise ValueError("no")
    yield
raises = variant("raises", check=raises)
"""


def test_a_run_a_counterexample_and_its_replay(printed, claim_file):
    path = claim_file(FALSE)
    run = printed("verify", path, "--budget", "quick", "--jobs", "1", "--json", code=1)
    assert unfit("verify", run) == []
    records = {record["name"]: record for record in run["claims"]}
    assert unfit("counterexample", records["tests/false"]["counterexample"]) == []
    assert records["tests/raises"]["error"]
    control = records["tests/square"]["controls"][0]["counterexample"]
    assert unfit("counterexample", control) == []
    replayed = printed("replay", str(records["tests/false"]["record"]), "--json")
    assert unfit("replay", replayed) == []
    assert replayed["confirmed"]


def test_what_is_broken_does_not_fit(printed, claim_file):
    run = printed("verify", claim_file(), "--budget", "quick", "--jobs", "1", "--json")
    for name in schema("verify")["required"]:
        assert unfit("verify", {k: v for k, v in run.items() if k != name}) == [f"$: no {name}"]
    (record,) = run["claims"]
    for name in ("verdict", "scope", "samples", "controls", "counterexample"):
        rest = {k: v for k, v in record.items() if k != name}
        assert unfit("verify", {**run, "claims": [rest]}) == [f"$.claims[0]: no {name}"]
    changed = {**record, "verdict": "TRUE"}
    assert unfit("verify", {**run, "claims": [changed]}) == ["$.claims[0].verdict: 'TRUE'"]
    assert unfit("verify", {**run, "digest": "sha256:0"})
    assert unfit("verify", {**run, "later": 1}) == []


def test_lists_and_one_claim(printed):
    listed = printed("list", "classical/*", "--json")
    assert unfit("list", listed) == []
    assert unfit("show", printed("show", "classical/balancedness", "--json")) == []
    derived = printed("derive", "classical/balancedness", "--format", "json")
    assert unfit("derive", derived) == []


FLOW = {"loss": "frobenius", "W0": [[1, 2], [3, 4]], "Y": [[0, 1], [1, 0]], "A0": [["1/2", 1]]}


@pytest.mark.parametrize(
    ("t", "options"),
    [("1/2", []), ("1/2", ["--certify"]), ([0, "1/2"], ["--digits", "10"]), ("inf", [])],
)
def test_a_flow_and_its_instance(printed, lora_proofs, t, options):
    instance = {**FLOW, "t": t}
    assert unfit("flow-instance", instance) == []
    assert unfit("flow-instance", {**instance, "W0": [["1/x"]]})
    (lora_proofs.folder / "i.json").write_text(json.dumps(instance))
    answer = printed("flow", "i.json", *options, "--json")
    assert unfit("flow", answer) == []
    state = next(name for name in ("states", "limit_loss", "W") if name in answer)
    assert unfit("flow", {k: v for k, v in answer.items() if k != state})


def test_rank_against_accuracy(printed, lora_proofs):
    instance = {**FLOW, "start": "orthonormal"}
    del instance["A0"]
    assert unfit("rank-accuracy-instance", instance) == []
    assert unfit("rank-accuracy-instance", {**instance, "start": "anywhere"})
    (lora_proofs.folder / "i.json").write_text(json.dumps(instance))
    answer = printed("rank-accuracy", "i.json", "--json")
    assert unfit("rank-accuracy", answer) == []
    assert unfit("rank-accuracy", {**answer, "ranks": [{}]})


LINEAR = {"kind": "linear", "frozen": [[[1, 0], [0, 2]]], "target": [[1, 1], [0, 2]], "rank": 1}
LAYER = {"W": [[1, 0], [0, 1]], "b": ["1/2", 0]}
RELU = {
    "kind": "relu-fnn",
    "frozen": [LAYER, LAYER],
    "target": [{"W": [[1, 1], [0, 1]], "b": [0, 1]}],
    "rank": 2,
    "box": {"lower": [-1, -1], "upper": [1, 1]},
}
HEAD = {name: [[1, 0], [0, 1]] for name in "QKVO"}
BLOCK = {
    "heads": [HEAD],
    "W1": [[1, 0], [0, 1]],
    "b1": [0, 0],
    "W2": [[1, 0], [0, 1]],
    "b2": [0, 0],
}
MODEL = {"blocks": [BLOCK], "Wo": [[1, 0], [0, 1]]}
TURNED = {"blocks": [BLOCK], "Wo": [[2, 0], [0, 1]]}
TRANSFORMER = {"kind": "transformer", "frozen": MODEL, "target": TURNED, "rank": 1}


@pytest.mark.parametrize(
    ("instance", "options"),
    [(LINEAR, []), (LINEAR, ["--exact"]), (RELU, []), (TRANSFORMER, [])],
    ids=["linear", "exact", "relu", "transformer"],
)
def test_adapters_and_their_instance(printed, lora_proofs, instance, options):
    assert unfit("adapt-instance", instance) == []
    assert unfit("adapt-instance", {**instance, "kind": "other"})
    (lora_proofs.folder / "i.json").write_text(json.dumps(instance))
    answer = printed("adapt", "i.json", *options, "--json")
    assert unfit("adapt", answer) == []
    assert unfit("adapt", {**answer, "adapters": [{"B": []}]})


def test_certificates_and_what_the_checker_says(printed, lora_proofs):
    (lora_proofs.folder / "i.json").write_text(json.dumps({**FLOW, "t": "1/8"}))
    lora_proofs("flow", "i.json", "--certify", "--certificate", "c.json")
    certificate = json.loads((lora_proofs.folder / "c.json").read_text())
    assert unfit("certificate", certificate) == []
    assert unfit("certificate", {**certificate, "format": "other"})
    assert unfit("check", printed("check", "c.json", "--json")) == []


def test_the_selftest():
    told = document((), {}, budget="quick", seed=0)
    assert unfit("selftest", told) == []
    assert unfit("selftest", {**told, "score": 2})


def test_names_are_listed_and_each_has_a_schema_that_is_whole(lora_proofs):
    listed = lora_proofs("schema")
    assert [line.split()[0] for line in listed.stdout.splitlines()] == list(SCHEMAS)
    for name in SCHEMAS:
        found = schema(name)
        text = json.dumps(found)
        assert found["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        used = set(re.findall(r'"\$ref": "#/\$defs/([^"]+)"', text))
        assert used == set(found.get("$defs", ())) <= set(DEFINITIONS)
        assert '"additionalProperties": false' not in text
    assert json.loads(lora_proofs("schema", "adapt").stdout) == schema("adapt")


def test_an_unknown_name_is_refused(lora_proofs):
    lora_proofs.refuses("schema", "nothing", words=["verify, ", "'nothing'"])
