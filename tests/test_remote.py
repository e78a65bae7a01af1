"""What a worker of a cluster does, with a worker that only looks like one of Dask."""

import base64
import json
import os
import sys
import types
from dataclasses import replace
from pathlib import Path

import pytest

from lora_proofs.language.budget import budget
from lora_proofs.running import remote
from lora_proofs.running.certificate_files import received
from lora_proofs.running.provenance import about
from lora_proofs.running.remote import companions, packed, unit, unpacked
from lora_proofs.running.verifying import _task, complete, select, verified

QUICK = budget("quick")


class FakeWorker:
    """Runs one task under the key ``key``; ``said`` is the news that it sends."""

    address = "tcp://10.0.0.1:4711"

    def __init__(self):
        self.said = []
        states = {"key": types.SimpleNamespace(state="executing")}
        self.state = types.SimpleNamespace(tasks=states)

    def get_current_task(self):
        return "key"

    def log_event(self, topic, told):
        self.said.append((topic, told["index"], told["stage"], told["place"]))


@pytest.fixture
def worker(monkeypatch):
    found = FakeWorker()
    stub = types.SimpleNamespace(get_worker=lambda: found)
    monkeypatch.setitem(sys.modules, "distributed", stub)
    return found


@pytest.fixture(scope="module", autouse=True)
def bench():
    """Processes are kept from one test to the next, as from one task to the next."""
    yield
    for _, pool in remote._BENCH.waiting:
        pool.close()
    remote._BENCH.waiting.clear()


def one(path):
    """The claim that a file adds to the template's, or that one."""
    *_, entry = sorted(select([str(path)]), key=lambda entry: entry.name != "tests/square")
    return entry


def sent(entry, certificates=None, **run):
    task = _task(entry, QUICK, 0, certificates)
    return packed(task, 5, {"topic": "news", "memory": 4096, "about": about(), **run})


def record(entry, answered):
    outcome, _ = unpacked(json.loads(answered))
    assert outcome.kind == "done"
    return complete(entry, outcome.value, QUICK, 0)


def here(entry):
    ((_, found),) = verified([entry], QUICK, 0, 1, lambda entry, stage: None)
    return found


def without_time(found):
    return {key: value for key, value in found.items() if key != "seconds"}


def test_a_unit_gives_what_a_process_here_gives_and_tells_its_stages(worker, claim_file):
    entry = one(claim_file())
    found = record(entry, unit(sent(entry)))
    assert without_time(found) == without_time(here(entry))
    assert ("news", 5, "sample", "tcp://10.0.0.1:4711") in worker.said


HELPED = """
import pathlib
from helper import bound
from package.inner import zero
def helped(instance, ctx):
    x = ctx.number(instance.x)
    yield at_least("square", x * x, ctx.number(bound + zero))
claim = variant("helped", check=helped, note=pathlib.Path(__file__).name)
"""


@pytest.fixture
def helped(claim_file, tmp_path):
    (tmp_path / "helper.py").write_text("from deeper import bound\n")
    (tmp_path / "deeper.py").write_text("bound = 1000\n")
    (tmp_path / "unrelated.py").write_text("raise SystemExit\n")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("from . import inner\n")
    (tmp_path / "package" / "inner.py").write_text("zero = 0\n")
    return claim_file(HELPED)


def test_a_file_travels_with_what_it_imports_from_beside_it(helped):
    expected = {"my_claim.py", "helper.py", "deeper.py", "package/__init__.py", "package/inner.py"}
    assert set(companions(helped)) == expected


def elsewhere(text, folder="/nowhere/claims"):
    """The same task, sent from a machine where the file stands in another folder."""
    told = json.loads(text)
    told["payload"]["locator"]["path"] = folder + "/my_claim.py"
    return json.dumps({**told, "folder": folder})


def test_a_file_that_the_worker_cannot_see_is_laid_out_there(worker, helped):
    entry = one(helped)
    answered = unit(elsewhere(sent(entry)))
    found = record(entry, answered)
    assert found["verdict"] == "REFUTED"
    assert found["locator"]["path"] == str(helped)
    assert "lora-proofs-" not in answered


RAISES = """
def raises(instance, ctx):
    raise ValueError(__file__)
    yield
claim = variant("raises", check=raises)
"""


def test_what_names_a_place_there_names_the_place_here(worker, claim_file):
    entry = one(claim_file(RAISES))
    message = record(entry, unit(elsewhere(sent(entry))))["error"]["message"]
    assert "/nowhere/claims/my_claim.py" in message


def test_a_file_that_changed_on_its_way_is_no_claim(worker, claim_file):
    entry = one(claim_file())
    told = json.loads(elsewhere(sent(entry)))
    told["files"]["my_claim.py"] = base64.b64encode(b"claim = 5\n").decode()
    outcome, _ = unpacked(json.loads(unit(json.dumps(told))))
    assert outcome.kind == "failed"
    assert "it changed" in outcome.value["message"]


@pytest.mark.parametrize("what", ["python", "python_flint", "source", "a-package-of-claims"])
def test_a_worker_with_other_versions_does_nothing_and_says_which(worker, what):
    (entry,) = select(["classical/balancedness"])
    told = json.loads(unit(sent(entry, about={**about(), what: "0.0"})))
    assert set(told) == {"differs", "place"}
    assert told["differs"][what] != "0.0"
    assert worker.said == []


def test_the_fingerprint_follows_the_text_of_the_package(monkeypatch, tmp_path):
    from lora_proofs.running import provenance

    monkeypatch.setattr(provenance, "HOME", tmp_path)
    prints = []
    for text in ("a = 1", "a = 2", "a = 10"):
        (tmp_path / "module.py").write_text(text)
        os.utime(tmp_path / "module.py", ns=(len(prints), len(prints)))
        prints.append(about()["source"])
    assert len(set(prints)) == 3


def test_certificates_come_back_and_are_checked_where_they_are_kept(worker, tmp_path):
    (entry,) = select(["classical/balancedness"])
    folder = tmp_path / "kept"
    folder.mkdir()
    outcome, bundle = unpacked(json.loads(unit(sent(entry, folder))))
    file = Path(outcome.value["certificates"]["written"]["file"])
    assert file.parent == folder and not file.exists() and "bundle" in bundle
    assert received(outcome.value, bundle) == outcome.value
    assert file.read_text() == bundle
    spoiled = received(outcome.value, bundle[:-9])
    assert spoiled["certificates"]["written"]["file"] is None
    assert spoiled["certificates"]["written"]["problem"]


ENDLESS = """
import os, pathlib, time
def endless(instance, ctx):
    pathlib.Path(__file__).with_suffix(".pid").write_text(str(os.getpid()))
    while True:
        time.sleep(0.1)
    yield
claim = variant("endless", check=endless)
"""


def test_a_task_that_nobody_waits_for_is_ended(worker, claim_file, monkeypatch):
    path = claim_file(ENDLESS)
    entry = one(path)
    monkeypatch.setattr(remote, "WAKE", 0.05)
    worker.log_event = lambda topic, told: worker.state.tasks.pop("key", None)
    with pytest.raises(RuntimeError, match="cancelled"):
        unit(sent(entry))
    if (pid := path.with_suffix(".pid")).exists():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid.read_text()), 0)


def test_limits_hold_on_a_worker(worker, claim_file):
    entry = one(claim_file(ENDLESS))
    task = replace(_task(entry, QUICK, 0, None), seconds=1.0)
    run = {"topic": "news", "memory": 4096, "about": about()}
    outcome, _ = unpacked(json.loads(unit(packed(task, 0, run))))
    assert (outcome.kind, outcome.value, outcome.stage) == ("stopped", "1 s", "sample")


def test_a_process_is_kept_for_the_next_task_and_ends_when_there_is_none(monkeypatch):
    bench, closed = remote._Bench(), []
    first = bench.take(4096)
    bench.put(first)
    assert bench.take(2048) is not first
    assert bench.take(4096) is first
    assert bench.take(4096) is not first
    bench.put(first)
    first.close = lambda: closed.append(first)
    bench.clear()
    assert not closed
    monkeypatch.setattr(remote, "IDLE", 0.0)
    bench.clear()
    assert closed == [first] and bench.take(4096) is not first


def test_parts_that_are_finished_are_sent_on(worker):
    told = []
    worker.log_event = lambda topic, event: told.append((topic, event))
    remote._News("news", 5).keep(0, {"sweep 0": {"swept": 7}})
    assert told == [("news", {"index": 5, "units": '{"sweep 0": {"swept": 7}}'})]
