"""Worker processes: answers in plain data, and no process left behind."""

import os
from dataclasses import replace

import pytest

from lora_proofs.errors import ClaimRefused
from lora_proofs.language.budget import budget
from lora_proofs.running import scale
from lora_proofs.running.records import exit_code
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
met = set()
def slow(instance, ctx):
    met.add(instance.x)
    if len(met) > 4:
        time.sleep(60)
    yield at_least("x", ctx.number(-1), ctx.number(instance.x))
slow = variant("slow", check=slow, instances=Instances(
    lambda source, regime: Instance(x=source.integer(0, 10**6))))
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
        "budget exhausted: stopped in the stage 'sample': the limit that --time-limit set, 3 s"
    )


def test_a_counterexample_stands_where_time_runs_out_while_it_shrinks(claim_file):
    found = records(claim_file(SLOW_TO_SHRINK), 4.0)["tests/slow"]
    assert found["verdict"] == "REFUTED"
    assert found["counterexample"]["confirmed_by"] == "exact"
    assert found["notes"] == ["shrinking was cut off after 4 s"]
    assert found["seconds"] == 4.0


WRITES = """
import os
def writes(instance, ctx):
    for descriptor in range(3, 12):
        try:
            os.write(descriptor, {text!r})
        except OSError:
            pass
    yield from check(instance, ctx)
writes = variant("writes", check=writes)
"""


@pytest.mark.parametrize(
    "text",
    [b"garbage\n", b"5\n", b"\n", b"[" * 99_999 + b"\n", b'{"stage": 5, "standing": null}\n',
     b'{"stage": "judge", "standing": {"verdict": "PROVED"}}\n', b'{"failed": "no"}\n',
     b'{"done": {"verdict": "PROVED"}}\n', b"no end of line"],
    ids=lambda text: text.decode()[:12].strip(),
)  # fmt: skip
def test_a_claim_that_writes_to_every_descriptor_spoils_its_own_answer_alone(claim_file, text):
    found = records(claim_file(WRITES.format(text=text)), 20.0)
    assert found["tests/square"]["verdict"] == "CERTIFIED"
    error = found["tests/writes"]["error"]
    assert error["type"] == "ChannelSpoiled"
    assert "every file descriptor" in error["message"]


ENDS = """
import os
def ends(instance, ctx):
    {code}
    yield from check(instance, ctx)
ends = variant("ends", check=ends)
"""


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("os._exit(0)", "the claim's process ended by itself with status 0, in the stage 'sample'"),
        ("os.kill(os.getpid(), 9)", "was killed by signal 9, perhaps for memory, in the stage"),
        ("os.kill(os.getpid(), 15)", "the claim's process was killed by signal 15, in the stage"),
    ],
)
def test_a_process_that_ends_by_itself_is_an_error_of_its_claim(claim_file, code, message):
    found = records(claim_file(ENDS.format(code=code)), 20.0)
    assert found["tests/square"]["verdict"] == "CERTIFIED"
    error = found["tests/ends"]["error"]
    assert error["type"] == "ProcessEnded"
    assert message in error["message"]


def test_a_process_that_closes_its_channel_and_goes_on_is_killed(claim_file, monkeypatch):
    monkeypatch.setattr(scale, "GRACE", 0.2)
    code = "import time; os.closerange(1, 99); time.sleep(99)"
    error = records(claim_file(ENDS.format(code=code)), 60.0)["tests/ends"]["error"]
    assert error["type"] == "ProcessEnded"
    assert "closed the channel" in error["message"]


RAISES = """
class Stop(BaseException):
    pass
class Silent(Exception):
    def __str__(self):
        raise self
def {name}(instance, ctx):
    {code}
    yield
raises = variant("raises", check={name})
"""


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ("raise Stop('no')", "Stop", "no"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise Silent", "Silent", "its text cannot be read: __str__ raises Silent"),
    ],
)
def test_whatever_a_check_raises_is_its_own_error(claim_file, code, kind, message, capfd):
    found = records(claim_file(RAISES.format(name="raising", code=code)), 20.0)
    assert found["tests/square"]["verdict"] == "CERTIFIED"
    error = found["tests/raises"]["error"]
    assert (error["type"], error["message"]) == (kind, message)
    assert exit_code(list(found.values())) == 1
    assert "Traceback" not in capfd.readouterr().err


def test_an_answer_that_is_no_plain_data_is_an_error(claim_file, capfd):
    code = 'odd = variant("odd", measure=lambda ctx: {"odd": object()})\n'
    error = records(claim_file(code), 20.0)["tests/odd"]["error"]
    assert error["type"] == "TypeError"
    assert "Traceback" not in capfd.readouterr().err


def test_an_unknown_task_is_an_internal_error(tmp_path):
    with pytest.raises(RuntimeError, match="KeyError"):
        alone({"do": "dance"}, 20.0, "", "dance")


def test_the_limit_on_loading_is_a_number(monkeypatch):
    monkeypatch.setenv("LORA_PROOFS_LOAD_SECONDS", "2.5")
    assert load_seconds() == 2.5
