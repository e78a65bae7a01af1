"""``verify --certificates`` and ``check``: files that are whole, ours, re-checked, and the same."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lora_proofs import checker
from lora_proofs.certificates.envelope import certificate
from lora_proofs.language.budget import BUDGETS
from lora_proofs.mathematics.instance import Instance
from lora_proofs.running import certificate_files, certifying
from lora_proofs.running.records import exit_code
from lora_proofs.running.runner import run_to_the_end

QUICK = BUDGETS["quick"]
OLD = certificate("product", None, "old", factors=[[[2]], [[3]]], equals=[[6]], ranks={})
POSITIVE = """
from lora_proofs import Assumption, below

def is_positive(instance, ctx):
    yield below("0 < x", 0, ctx.number(instance.x))

def claimed(instance, ctx):
    x = ctx.number(instance.x)
    yield at_least("x + 1/x", x + 1 / x, ctx.number(2))

def positive_draw(source, regime):
    return Instance(regimes=(regime,), x=abs(fraction(source, size=9)) + 1)

positive = Assumption("positive", "x > 0", is_positive)
good = variant(
    "good",
    assumptions=(positive,),
    check=claimed,
    instances=Instances(positive_draw, ("generic", "doubled")),
    controls=(Control(positive, (Instance(x=-1),), why="a negative x"),),
)
"""
FALSE = """
def too_large(instance, ctx):
    yield at_least("square", ctx.number(instance.x) * ctx.number(instance.x), ctx.number(1000))
false = variant("false", check=too_large)
"""


def records(out):
    return {claim["name"]: claim for claim in json.loads(out)["claims"]}


@pytest.fixture
def written(lora_proofs, claim_file, tmp_path):
    """Certificates of two claims, the record of the run, and where they are."""
    path = claim_file(POSITIVE + FALSE)
    out = tmp_path / "out"
    done = lora_proofs(
        "verify", f"{path}", "--budget", "quick", "--certificates", out, "--json", "--jobs", "1"
    )
    return records(done.stdout), out, done


def test_the_bundle_holds_instances_counterexamples_and_controls(written, lora_proofs):
    found, out, done = written
    assert done.returncode == 1, "a claim of the file is refuted"
    good = found["tests/good"]["certificates"]["written"]
    assert Path(good["file"]) == out / "tests__good.json"
    assert (good["instances"], good["controls"], good["without_given_numbers"]) == (2, 1, 3)
    false = found["tests/false"]["certificates"]["written"]
    assert false["counterexamples"] == 1
    assert found["tests/false"]["certificates"]["trusted"] == []
    assert found["tests/good"]["certificates"]["trusted"] == []
    assert any("re-checked by the" in reason for reason in found["tests/good"]["reasons"])
    told = lora_proofs.done("check", out)
    assert told.count("valid: instance") >= 5


def test_the_checker_alone_accepts_the_files(written):
    _, out, _ = written
    alone = [sys.executable, "-I", "-S", checker.__file__, *map(str, sorted(out.glob("*.json")))]
    done = subprocess.run(alone, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("valid: bundle") == len(list(out.glob("*.json")))


def test_files_and_records_do_not_depend_on_the_number_of_processes(
    written, lora_proofs, claim_file, tmp_path
):
    found, out, _ = written
    other = tmp_path / "other"
    path = claim_file(POSITIVE + FALSE)
    again = lora_proofs(
        "verify", path, "--budget", "quick", "--certificates", other, "--json", "--jobs", "2"
    )
    assert {p.name: p.read_bytes() for p in out.iterdir()} == {
        p.name: p.read_bytes() for p in other.iterdir()
    }
    for name, record in records(again.stdout).items():
        assert record["certificates"]["trusted"] == found[name]["certificates"]["trusted"]
        assert record["verdict"] == found[name]["verdict"]


def test_a_changed_digit_is_noticed_also_where_the_digest_fits(written, lora_proofs, tmp_path):
    _, out, _ = written
    told = json.loads((out / "tests__good.json").read_text())
    inner = next(c for c in told["certificates"] if c["outcome"] == "fails")
    inner["inputs"]["x"] = 1
    spoiled = tmp_path / "spoiled.json"
    spoiled.write_text(json.dumps(told))
    assert lora_proofs("check", spoiled).returncode == 1
    inner["digest"] = checker.digest_of(inner)
    told["digest"] = checker.digest_of(told)
    spoiled.write_text(json.dumps(told))
    done = lora_proofs("check", spoiled)
    assert done.returncode == 1
    assert "no comparison fails" in done.stderr or "does not hold" in done.stderr


def test_a_file_in_the_way_is_refused_and_left_alone(lora_proofs, claim_file, tmp_path):
    path = claim_file(POSITIVE)
    blocked = tmp_path / "a_file"
    blocked.write_text("mine")
    lora_proofs.refuses("verify", path, "--certificates", blocked, words=["expected a folder"])
    out = tmp_path / "out"
    out.mkdir()
    (out / "tests__good.json").write_text('{"mine": 1}')
    lora_proofs.refuses("verify", path, "--certificates", out, words=["no certificate of"])
    assert (out / "tests__good.json").read_text() == '{"mine": 1}'
    assert blocked.read_text() == "mine"


def test_our_own_file_is_replaced_whole(lora_proofs, claim_file, tmp_path):
    path, out = claim_file(POSITIVE), tmp_path / "out"
    out.mkdir()
    (out / "tests__good.json").write_text(json.dumps(OLD))
    lora_proofs.done("verify", path, "--budget", "quick", "--certificates", out)
    told = json.loads((out / "tests__good.json").read_text())
    assert told["kind"] == "bundle"
    assert sorted(p.name for p in out.iterdir()) == ["tests__good.json", "tests__square.json"]


def test_check_tells_invalid_from_no_certificate(lora_proofs, tmp_path):
    nothing = tmp_path / "nothing.json"
    nothing.write_text("[[[")
    assert lora_proofs("check", nothing).returncode == 4
    assert lora_proofs("check", tmp_path / "absent.json").returncode == 4
    empty = tmp_path / "empty"
    empty.mkdir()
    lora_proofs.refuses("check", empty, words=["no .json file"])
    told = json.loads(lora_proofs("check", nothing, "--json").stdout)
    assert told["exit_code"] == 4 and "not a certificate" in told["files"][0]["error"]


def test_check_loads_nothing_but_the_command_line():
    program = (
        "import sys; from lora_proofs.cli import run; run(['check', 'absent.json']);"
        "print([m for m in ('flint', 'sympy', 'numpy', 'mpmath') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


# --- the stage itself -----------------------------------------------------------------------------


def with_certificates(claim, folder):
    record = run_to_the_end(claim, QUICK, 0).to_dict()
    return record, certificate_files.with_certificates(claim, record, QUICK, 0, folder)


def test_a_certificate_that_the_checker_rejects_is_said_aloud(template, tmp_path, monkeypatch):
    real = certifying.instance_certificate

    def forged(*arguments, **options):
        made = {**real(*arguments, **options), "comparisons": [[0, "<", 0, "forged"]]}
        return {**made, "digest": checker.digest_of(made)}

    monkeypatch.setattr(certifying, "instance_certificate", forged)
    before, after = with_certificates(template.base, tmp_path)
    assert after["certificates"]["rejected"]
    assert after["verdict"] == before["verdict"]
    (path,) = tmp_path.iterdir()
    told = json.loads(path.read_text())
    assert {made["outcome"] for made in told["certificates"]} == {"fails"}, "0 < 0 does fail"
    assert exit_code([{**after, "shipped": True, "expected": None}]) == 3


def test_a_counterexample_that_needs_more_bits_gets_them(template, tmp_path):
    from lora_proofs import at_most, below

    def close(instance, ctx):
        x = ctx.number(instance.x)
        yield at_most("e^(x/x)", ctx.exp(1 + x * x - x * x), ctx.number(3))

    def too_close(instance, ctx):
        near = ctx.exp(ctx.number(1)) * (1 + ctx.number(2) ** -200)
        yield below("e (1 + 2^-200) against e", near, ctx.exp(1 + 0 * ctx.number(instance.x)))

    control = template.Control(None, template.INSTANCES, why="too close", check=too_close)
    claim = template.variant("close", check=close, controls=(control,), arithmetics=("ball",))
    _, after = with_certificates(claim, tmp_path)
    assert after["certificates"]["rejected"] == []
    assert after["certificates"]["written"]["controls"] == 1
    told = json.loads((tmp_path / "tests__close.json").read_text())
    bits = {made["outcome"]: made["bits"] for made in told["certificates"]}
    assert bits["holds"] == 128 and bits["fails"] == 512


def test_what_the_checker_leaves_open_is_trusted_and_not_written(template, tmp_path):
    def stated(instance, ctx):
        x = ctx.number(instance.x)
        yield template.at_least("square", x * x, ctx.number(-2), radius=instance.x * 0 + 1)

    claim = template.variant("stated", check=stated)
    _, after = with_certificates(claim, tmp_path)
    assert after["certificates"]["written"].get("instances", 0) == 0
    assert any("error bound" in sentence for sentence in after["certificates"]["trusted"])
    assert after["certificates"]["written"]["controls"] == 1


def test_regimes_beyond_the_most_are_named(template, tmp_path, monkeypatch):
    monkeypatch.setattr(certifying, "MOST_INSTANCES", 1)
    _, after = with_certificates(template.base, tmp_path)
    assert after["certificates"]["written"]["instances"] == 1
    assert after["certificates"]["trusted"][0].startswith("the regimes 'doubled'")


def test_a_failure_of_the_stage_changes_no_verdict(template, tmp_path, monkeypatch):
    monkeypatch.setattr(certificate_files, "certificates_of", lambda *a: 1 / 0)
    before, after = with_certificates(template.base, tmp_path)
    assert after["verdict"] == before["verdict"]
    assert "ZeroDivisionError" in after["certificates"]["rejected"][0]


def test_a_stage_that_is_stopped_keeps_the_record():
    record = {"reasons": ["because"], "certificates": {"instances": 3}, "verdict": "CERTIFIED"}
    kept = certificate_files.cut_off(record, "120 s")
    assert kept["verdict"] == "CERTIFIED" and kept["certificates"]["instances"] == 3
    assert kept["certificates"]["written"]["file"] is None
    assert "stopped after 120 s" in kept["reasons"][-1]


def test_certificates_have_a_time_of_their_own(lora_proofs, claim_file, tmp_path, monkeypatch):
    monkeypatch.setattr("lora_proofs.running.verifying.SECONDS", 0.001)
    path, out = claim_file("claim = base\n"), tmp_path / "out"
    out.mkdir()
    (out / "tests__square.json").write_text(json.dumps(OLD))
    done = lora_proofs(
        "verify", path, "--budget", "quick", "--certificates", out, "--json", "--jobs", "1"
    )
    (record,) = records(done.stdout).values()
    assert (done.returncode, record["verdict"]) == (0, "CERTIFIED")
    assert record["certificates"]["instances"] >= 12
    assert record["certificates"]["written"]["file"] is None
    assert "stopped after 0.001 s" in record["reasons"][-1]
    assert list(out.iterdir()) == []


def test_a_bundle_that_is_too_much_loses_its_longest_certificate(monkeypatch):
    found = certifying.Written()
    for size in (1, 3):
        M = [[1] * size for _ in range(size)]
        found.keep("instances", certificate("product", None, f"{size}", factors=[M], equals=M))
    real = checker.check

    def limited(document):
        if len(document["certificates"]) > 1:
            raise checker.Malformed("checking this would take too long")
        return []

    monkeypatch.setattr(checker, "check", limited)
    made = certificate_files._fitting("tests/x", found)
    assert real is not limited
    assert [c["asserts"] for c in made["certificates"]] == ["1"]
    assert found.counts["instances"] == 1 and len(found.trusted) == 1


def test_the_assumptions_that_a_control_keeps_are_in_its_certificate(lora_proofs, claim_file):
    from lora_proofs.running.catalogue import load_file

    claim = load_file(claim_file(POSITIVE, "positive.py")).good
    record = run_to_the_end(claim, QUICK, 0).to_dict()
    found = certifying.certificates_of(claim, record, QUICK, 0)
    held = [c for c in found.certificates if c["outcome"] == "holds"]
    (dropped,) = (c for c in found.certificates if c["outcome"] == "fails")
    assert all([row[3] for row in c["assumptions"]] == ["positive: 0 < x"] for c in held)
    assert dropped["assumptions"] == []
    assert dropped["inputs"] == {"x": -1}
    assert Instance.from_json(record["controls"][0]["counterexample"]["instance"]).x == -1


# --- what is in the way, and what cannot be written -----------------------------------------------


def test_a_file_of_another_claim_of_that_name_is_not_replaced(lora_proofs, claim_file, tmp_path):
    path, out = claim_file("claim = base\n"), tmp_path / "out"
    lora_proofs.done("verify", path, "--budget", "quick", "--certificates", out)
    before = (out / "tests__square.json").read_bytes()
    assert path.name in json.loads(before)["asserts"]
    other = path.with_name("elsewhere.py")
    other.write_text(path.read_text())
    words = ["elsewhere.py:", path.name, "name another folder"]
    lora_proofs.refuses("verify", other, "--certificates", out, words=words)
    assert (out / "tests__square.json").read_bytes() == before
    path.write_text(path.read_text() + "\n# a later version\n")
    lora_proofs.done("verify", path, "--budget", "quick", "--certificates", out)
    assert (out / "tests__square.json").read_bytes() != before


def test_a_link_to_nothing_is_no_folder(lora_proofs, claim_file, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "absent")
    words = ["expected a folder", "link to nothing"]
    lora_proofs.refuses("verify", claim_file(""), "--certificates", link, words=words)


def test_what_cannot_be_written_is_said_and_ends_with_4(lora_proofs, claim_file, tmp_path):
    out = tmp_path / "out"
    vanishing = f"""
import shutil

def vanishing(instance, ctx):
    shutil.rmtree({str(out)!r}, ignore_errors=True)
    yield from check(instance, ctx)

claim = variant("vanishing", check=vanishing)
"""
    path = claim_file(vanishing)
    options = ("--budget", "quick", "--certificates", out, "--jobs", "1")
    done = lora_proofs("verify", f"{path}::tests/vanishing", *options)
    assert done.returncode == 4, done.stdout + done.stderr
    assert "not written: " in done.stdout and "No such file or directory" in done.stdout


def test_a_full_disk_leaves_no_file_that_looks_like_this_runs(template, tmp_path, monkeypatch):
    stale = tmp_path / "tests__square.json"
    stale.write_text(json.dumps(OLD))

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(certificate_files.os, "replace", full)
    before, after = with_certificates(template.base, tmp_path)
    assert after["verdict"] == before["verdict"]
    assert certificate_files.problems([after]) == [f"{stale}: No space left on device"]
    assert any("No space left" in reason for reason in after["reasons"])
    certificate_files.clear_stale(tmp_path, after)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_written_and_a_file_of_others_are_not_cleared(template, tmp_path):
    _, after = with_certificates(template.base, tmp_path)
    certificate_files.clear_stale(tmp_path, after)
    (path,) = tmp_path.iterdir()
    path.write_text("mine")
    certificate_files.clear_stale(tmp_path, {"name": "tests/square", "certificates": {}})
    assert path.read_text() == "mine"


def test_only_what_is_left_of_dead_processes_is_swept_up(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    names = {
        who: tmp_path / f".tests__square.json.{pid}.part"
        for who, pid in (("own", os.getpid()), ("ended", ended.pid), ("other", os.getppid()))
    }
    for path in names.values():
        path.touch()
    certificate_files.sweep_up(tmp_path)
    assert list(tmp_path.iterdir()) == [names["other"]]
