"""Worker processes: answers in plain data, and no process left behind."""

import os
from dataclasses import replace

import pytest

from lora_proofs.errors import ClaimRefused
from lora_proofs.language.budget import budget
from lora_proofs.running.scale import Pool, Task
from lora_proofs.running.verifying import alone, load_seconds, select, verified


def listing(path):
    return Task({"do": "list", "path": str(path)}, 20.0, str(path))


def test_answers_carry_the_index_of_their_task(claim_file):
    paths = [claim_file(f"claim = variant('n{k}')\n", f"file{k}.py") for k in range(3)]
    found = dict(Pool(2).scatter([listing(path) for path in paths]))
    assert sorted(found) == [0, 1, 2]
    assert [found[k].value[0]["name"] for k in range(3)] == [f"tests/n{k}" for k in range(3)]


def test_leaving_early_kills_every_process(claim_file):
    loop = claim_file("while True:\n    pass\n", "loop.py")
    pool = Pool(2)
    runs = pool.scatter([listing(claim_file()), listing(loop)])
    next(runs)
    pids = [worker.process.pid for worker in (*pool.busy, *pool.idle)]
    assert pids
    runs.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_what_a_worker_raises_is_raised_here(tmp_path):
    path = tmp_path / "empty.py"
    path.write_text("")
    with pytest.raises(ClaimRefused, match="found none"):
        alone({"do": "list", "path": str(path)}, 20.0, str(path), str(path))


FOREVER = """
def endless(instance, ctx):
    while True:
        pass
forever = variant("forever", check=endless)
"""
SLOW_TO_SHRINK = """
import time
def slow(instance, ctx):
    if instance.x < 1:
        time.sleep(60)
    yield at_least("x", ctx.number(-1), ctx.number(instance.x))
slow = variant("slow", check=slow, instances=Instances(
    lambda source, regime: Instance(x=source.integer(0, 9) + (0 if source.__class__.__name__ ==
    "HypothesisDraw" else 1))))
"""


def records(path, wall):
    limited = replace(budget("quick"), wall=wall)
    runs = verified(select([str(path)]), limited, 0, 2, lambda entry, stage: None)
    return {entry.name: record for entry, record in runs}


def test_a_claim_that_never_returns_is_stopped_and_the_others_run(claim_file):
    found = records(claim_file(FOREVER), 3.0)
    assert found["tests/square"]["verdict"] == "CERTIFIED"
    (reason,) = found["tests/forever"]["reasons"]
    assert reason == (
        "budget exhausted: stopped in the stage 'sample': the limit of the quick budget, 3 s"
    )


def test_a_counterexample_stands_where_time_runs_out_while_it_shrinks(claim_file):
    found = records(claim_file(SLOW_TO_SHRINK), 4.0)["tests/slow"]
    assert found["verdict"] == "REFUTED"
    assert found["counterexample"]["confirmed_by"] == "exact"
    assert found["notes"] == ["shrinking was cut off after 4 s"]


def test_an_unknown_task_is_an_internal_error(tmp_path):
    with pytest.raises(RuntimeError, match="KeyError"):
        alone({"do": "dance"}, 20.0, "", "dance")


def test_the_limit_on_loading_is_a_number(monkeypatch):
    monkeypatch.setenv("LORA_PROOFS_LOAD_SECONDS", "2.5")
    assert load_seconds() == 2.5
