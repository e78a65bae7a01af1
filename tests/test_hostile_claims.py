"""Claims that loop, eat memory, print, crash or change global state: the others do not notice."""

import atexit
import decimal
import gc
import json
import locale
import logging
import math
import os
import random
import signal
import subprocess
import sys
import threading
import time
import warnings
from dataclasses import replace
from pathlib import Path

import flint
import mpmath
import numpy as np
import pytest

from lora_proofs.arithmetic.comparison import Comparison
from lora_proofs.language.budget import budget
from lora_proofs.running import isolation, runner, scale
from lora_proofs.running.catalogue import load_file
from lora_proofs.running.isolation import preserved
from lora_proofs.running.records import digest
from lora_proofs.running.runner import verify
from lora_proofs.running.scale import Pool, Task
from lora_proofs.running.verifying import select, verified

CLAIMS = Path(__file__).parent / "claims_for_tests"
TEMPLATE, HOSTILE = ((CLAIMS / name).read_text() for name in ("template.py", "hostile.py"))
LIMIT = 8.0


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A file of hostile claims with two victims among them, and a file with one more."""
    folder = tmp_path_factory.mktemp("claims")
    (folder / "hostile.py").write_text(f"{TEMPLATE}\n\n{HOSTILE}")
    (folder / "other.py").write_text(f"{TEMPLATE}\n\nbase = variant('other')\n")
    return str(folder / "hostile.py"), str(folder / "other.py")


def records(entries, jobs, limit=LIMIT):
    limited = replace(budget("quick"), wall=limit)
    runs = verified(entries, limited, 0, jobs, lambda entry, stage: None)
    return {entry.name: record for entry, record in runs}


def told(record):
    """A record to the letter, without what the clock says."""
    return json.dumps({k: v for k, v in record.items() if k != "seconds"}, sort_keys=True)


def cut(record):
    """Whether the clock ended its search, as it may on a busy machine."""
    return any("was cut off" in note for note in record["notes"])


def untimed(record):
    """The same, without the limit that it ran under."""
    return told({k: v for k, v in record.items() if k != "run"})


@pytest.fixture(scope="module")
def entries(files):
    """The claims of both files, by name."""
    return {entry.name: entry for entry in select(files)}


@pytest.fixture(scope="module")
def alone(entries):
    """The record of victims from a run that has nothing else."""
    found = [records([entries[name]], 1) for name in ("tests/false", "tests/other")]
    return {name: record for run in found for name, record in run.items()}


SLOW = {f"tests/loops-{where}" for where in "draw assumption check control measure message".split()}


@pytest.fixture(scope="module")
def runs(entries):
    """Everything, with one, two and eight processes; few claims that loop where these are few."""

    def without(names):
        return [entry for name, entry in entries.items() if name not in names]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LORA_PROOFS_MEMORY_MB", "1500")
        found = {1: records(without(SLOW), 1), 8: records(without(()), 8)}
        if os.environ.get("LORA_PROOFS_NIGHTLY"):
            found[2] = records(without(SLOW - {"tests/loops-draw", "tests/loops-control"}), 2)
        return found


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.nightly), 8])
def test_no_claim_changes_the_record_of_another(runs, alone, jobs):
    found = runs[jobs]
    for name, record in alone.items():
        assert told(found[name]) == told(record)
        assert digest([found[name]]) == digest([record])
    assert found["tests/square"]["verdict"] == "CERTIFIED"
    assert found["tests/false"]["counterexample"]["instance"]["x"] == 2


def test_a_fresh_process_finds_what_a_fork_finds(entries, alone, monkeypatch):
    monkeypatch.setattr(scale, "FORKS", False)
    found = records([entries["tests/a-turned"], entries["tests/false"]], 1, 60.0)
    assert untimed(found["tests/false"]) == untimed(alone["tests/false"])


def test_the_number_of_processes_changes_no_record(runs):
    for name, record in runs[8].items():
        for jobs in sorted(set(runs) - {8}):
            found = runs[jobs].get(name)
            if found is None or name in ("tests/stops-parent", *SLOW):
                continue
            assert found["verdict"] == record["verdict"]
            if not cut(found) and not cut(record):
                assert told(found) == told(record)


@pytest.mark.parametrize("where", ["draw", "assumption", "check", "control", "measure", "message"])
def test_a_claim_that_loops_is_stopped_and_says_where_and_by_which_limit(runs, where):
    found = runs[8][f"tests/loops-{where}"]
    stage = where if where in ("control", "measure") else "sample"
    assert found["verdict"] == "INCONCLUSIVE"
    assert found["reasons"][0] == (
        f"budget exhausted: stopped in the stage {stage!r}: the limit that --time-limit set, 8 s"
    )


def test_a_claim_that_eats_memory_says_so(runs):
    for found in runs.values():
        for name in ("lists", "arrays"):
            record = found[f"tests/memory-{name}"]
            assert record["verdict"] == "INCONCLUSIVE"
            assert record["reasons"][0] == "budget exhausted: out of memory in the stage 'sample'"
        error = found["tests/memory-rationals"]["error"]["message"]
        assert "killed by signal 6, perhaps for memory" in error


@pytest.mark.parametrize(("how", "number"), [("segfault", 11), ("parent", 9)])
def test_a_crash_is_an_error_of_its_own_claim(runs, how, number):
    for found in runs.values():
        error = found[f"tests/stops-{how}"]["error"]
        assert error["type"] == "ProcessEnded"
        assert f"killed by signal {number}" in error["message"]


def test_a_claim_may_turn_everything_and_leave_processes(runs):
    for found in runs.values():
        assert found["tests/leaves-process"]["verdict"] == "CERTIFIED"
        assert found["tests/a-turned"]["error"]


def test_under_json_what_claims_print_is_not_on_stdout(lora_proofs, files):
    target = f"{files[0]}::tests/leaves-prints"
    done = lora_proofs("verify", target, "--budget", "quick", "--json", "--jobs", "1")
    (record,) = json.loads(done.stdout)["claims"]
    assert record["verdict"] == "CERTIFIED"
    ways = ("printed", "printed past it", "written", "echoed", "printed late")
    assert [way for way in ways if f"{way} by a claim" not in done.stderr] == []
    assert "by a claim" not in done.stdout


LEAVES = """
import os, time
if not os.fork():
    with open(__file__ + ".part", "w") as file:
        file.write(str(os.getpid()))
    os.rename(__file__ + ".part", __file__ + ".pid")
    time.sleep(99)
while not os.path.exists(__file__ + ".pid"):
    time.sleep(0.01)
"""


def runs_still(pid):
    """Whether a process runs: neither gone nor waiting for its parent to take notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_what_a_claim_leaves_behind_ends_with_it(tmp_path):
    path = tmp_path / "leaves.py"
    path.write_text(TEMPLATE + LEAVES)
    pool = Pool(1)
    found = pool.scatter([Task({"do": "list", "path": str(path)}, 60.0, str(path))])
    assert next(found)[1].kind == "done"
    pid, deadline = int(Path(f"{path}.pid").read_text()), time.monotonic() + 10
    while runs_still(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not runs_still(pid)
    (worker,) = pool.idle
    found.close()
    assert worker.process.returncode == 0


# In one process


READ = {
    "mpmath": lambda: (mpmath.mp.prec, mpmath.iv.prec),
    "flint": lambda: flint.ctx.prec,
    "numpy": lambda: (np.geterr(), np.get_printoptions()),
    "seeds": lambda: (random.getstate(), np.random.get_state()[1].tolist()),
    "decimal": lambda: decimal.getcontext().prec,
    "locale": lambda: locale.setlocale(locale.LC_ALL),
    "sys": lambda: (sys.getrecursionlimit(), sys.get_int_max_str_digits(), sys.stdout, sys.stderr),
    "hooks": lambda: (sys.excepthook, threading.excepthook, sys.gettrace()),
    "lists": lambda: (list(sys.path), list(sys.argv)),
    "system": lambda: (dict(os.environ), os.getcwd()),
    "signals": lambda: (signal.getsignal(signal.SIGTERM), signal.getitimer(signal.ITIMER_REAL)),
    "warnings": lambda: list(warnings.filters),
    "logging": lambda: (logging.root.level, logging.root.manager.disable, logging.root.handlers[:]),
    "gc": lambda: (gc.isenabled(), gc.get_threshold()),
    "builtins": lambda: (sorted, min, math.sqrt),
    "runner": lambda: (runner.judge, runner.sample),
    "classes": lambda: (Comparison.to_dict, "__bool__" in vars(Comparison)),
    "modules": lambda: sys.modules["lora_proofs.judging.evaluation"],
}


@pytest.fixture
def hostile(files):
    """The module of the hostile claims, in this process: none of them runs by being read."""
    return load_file(Path(files[0]))


def test_what_a_claim_turns_is_put_back(hostile):
    before = {piece: read() for piece, read in READ.items()}
    with preserved(0, "turned"):
        hostile.turn_everything()
        turned = {piece for piece, read in READ.items() if read() != before[piece]}
    assert {piece for piece, read in READ.items() if read() != before[piece]} == set()
    # Without this, a piece that is not turned would pass; the locale has a test of its own.
    assert turned | {"locale"} == set(READ)


def test_a_locale_is_put_back(monkeypatch):
    before = locale.setlocale(locale.LC_ALL)
    other = "C" if before != "C" else "C.UTF-8"
    with preserved():
        locale.setlocale(locale.LC_ALL, other)
    assert locale.setlocale(locale.LC_ALL) == before


def test_one_piece_that_cannot_be_put_back_keeps_no_other(monkeypatch, tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    with preserved():
        os.chdir("/")
        folder.rmdir()
        sys.setrecursionlimit(55_555)
        flint.ctx.prec = 7
    assert (sys.getrecursionlimit(), flint.ctx.prec) != (55_555, 7)


def test_symbolic_switches_are_put_back_also_where_the_claim_loads_sympy():
    code = (
        "import sys\nfrom lora_proofs.running.isolation import preserved\n"
        "assert 'sympy' not in sys.modules\n"
        "with preserved():\n"
        "    from sympy.core.parameters import global_parameters as g\n    g.evaluate = False\n"
        "assert g.evaluate and g.distribute and not g.exp_is_pow\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_claim_that_draws_from_global_generators_comes_back_the_same(template):
    def draw(source, regime):
        return template.Instance(x=random.randint(1, 10**6) + int(np.random.randint(10**6)))

    claim = template.variant("globals", instances=template.Instances(draw))
    state = random.getstate()
    first = told(verify(claim, "quick").to_dict())
    random.seed(), np.random.seed()
    second = told(verify(claim, "quick").to_dict())
    assert first == second
    assert first != told(verify(claim, "quick", seed=1).to_dict())
    random.setstate(state)


def test_verify_in_this_process_puts_everything_back_and_prints(hostile, capsys):
    before = {piece: read() for piece, read in READ.items()}
    hostile.said.clear()
    found = verify(hostile.turned, "quick")
    assert found.to_dict()["error"]
    assert {piece: read() for piece, read in READ.items()} == before
    verify(hostile.crashes[3], "quick")
    atexit.unregister(print)
    assert "printed by a claim" in capsys.readouterr().out


def test_names_that_an_import_adds_stay():
    code = (
        "import lora_proofs.running.runner, sys\n"
        "from lora_proofs.running.isolation import preserved\n"
        "assert 'lora_proofs.report' not in sys.modules\n"
        "with preserved():\n    import lora_proofs.report.text\n"
        "assert lora_proofs.report.text\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_only_the_main_thread_sets_handlers():
    def run():
        with preserved():
            pass

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert isolation._folder() == os.getcwd()
