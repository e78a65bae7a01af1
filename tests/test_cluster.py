"""A Dask cluster does what processes of this machine do: the address, the words, the answers."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest

from lora_proofs.errors import BadInput, ClusterError
from lora_proofs.language.budget import budget
from lora_proofs.running import cluster
from lora_proofs.running.cluster import Cluster
from lora_proofs.running.records import digest
from lora_proofs.running.scale import Outcome
from lora_proofs.running.verifying import select, verified

QUICK = budget("quick")


@pytest.mark.parametrize(
    "address",
    ["", "host:8786", "http://host:8786", "tcp://host", "tcp://:8786", "tcp://host:0",
     "tcp://host:99999", "tcp://host:8786/path", "tcp://[host:8786"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(BadInput, match="tcp://HOST:PORT"):
        Cluster(address)


def test_a_missing_extra_is_told_with_what_installs_it(monkeypatch):
    monkeypatch.setattr(cluster.util, "find_spec", lambda name: None)
    with pytest.raises(ClusterError, match=r"pip install 'lora_proofs\[cluster\]'"):
        Cluster("tcp://host:8786")


@pytest.mark.parametrize("command", ["verify", "selftest"])
def test_a_cluster_and_a_number_of_processes_exclude_each_other(lora_proofs, command):
    arguments = ("--jobs", "2", "--scheduler", "tcp://host:8786")
    lora_proofs.refuses(command, *arguments, words=["--jobs 2", "tcp://host:8786", "one of them"])


class Sends:
    """A crew that sends a part of the only task, and its process's end."""

    def scatter(self, tasks, heard):
        self.keep(0, {"sweep 0": {"swept": 7}})
        yield 0, Outcome("ended", "it was killed", "sweep")


def test_parts_of_a_claim_that_a_cluster_sends_are_written_down():
    class Book:
        kept = ()

        def known(self, entry):
            return {}

        def keep(self, entry, units):
            self.kept = (entry.name, units)

    entries, book = select(["classical/balancedness"]), Book()
    list(verified(entries, QUICK, 0, 1, lambda *told: None, None, Sends(), book))
    assert book.kept == ("classical/balancedness", {"sweep 0": {"swept": 7}})


# What follows needs the extra. It starts processes that take seconds to load Dask: nightly.

nightly = pytest.mark.nightly
quiet = pytest.mark.filterwarnings("ignore")
"""Dask's own warnings are not what is tested."""


@pytest.fixture(scope="module")
def dask():
    found = pytest.importorskip("distributed")
    for name in ("distributed", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return found


@pytest.fixture(scope="module")
def local(dask):
    """Two workers of this machine, which a nanny replaces where they die."""
    import dask as settings

    told = {
        "distributed.scheduler.allowed-failures": 1,
        # By default a worker that takes 15 s to start again is given up.
        "distributed.deploy.lost-worker-timeout": "10 minutes",
    }
    with (
        settings.config.set(told),
        dask.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as found,
    ):
        yield found.scheduler_address


def run(entries, address=None, heard=lambda entry, stage: None, said=None, limits=QUICK):
    say = (said if said is not None else []).append
    crew = Cluster(address, say) if address else None
    found = {entry.name: r for entry, r in verified(entries, limits, 0, 1, heard, None, crew)}
    return [found[entry.name] for entry in entries]


def without_time(records):
    return [{k: v for k, v in found.items() if k != "seconds"} for found in records]


MANY = """
def too_large(instance, ctx):
    x = ctx.number(instance.x)
    yield at_least("bound", x, ctx.number(0))
def raises(instance, ctx):
    raise ValueError("no")
    yield
false = variant("false", check=too_large)
raises = variant("raises", check=raises)
many = tuple(variant(f"n{k}") for k in range(6))
"""


@nightly
@quiet
def test_records_and_digests_are_those_of_one_process(local, claim_file):
    entries = select([str(claim_file(MANY)), "classical/*"])
    places, said = set(), []
    there = run(entries, local, lambda entry, stage: places.add(stage.partition(" on ")[2]), said)
    here = run(entries)
    assert digest(there) == digest(here)
    assert without_time(there) == without_time(here)
    assert len(places) == 2 and all(place.startswith("tcp://") for place in places)
    assert "workers: 2, tasks at a time: 2" in said[0]


@nightly
@quiet
def test_workers_that_do_not_see_the_file_get_its_text(local, claim_file, monkeypatch):
    entries = select([str(claim_file(MANY))])
    before = cluster.packed

    def elsewhere(task, index, told):
        sent = json.loads(before(task, index, told))
        sent["payload"]["locator"]["path"] = "/nowhere/my_claim.py"
        return json.dumps({**sent, "folder": "/nowhere"})

    monkeypatch.setattr(cluster, "packed", elsewhere)
    assert digest(run(entries, local)) == digest(run(entries))


KILLS = """
import os, pathlib, time
def worker_of_dask():
    server = os.getppid()
    return int(pathlib.Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()[1])
def kills(instance, ctx):
    mark = pathlib.Path(__file__).with_suffix(".killed")
    if not mark.exists() or ALWAYS:
        with mark.open("a") as told:
            told.write("killed\\n")
        os.kill(worker_of_dask(), 9)
        time.sleep(60)
    yield from check(instance, ctx)
kills = variant("kills", check=kills)
many = tuple(variant(f"n{k}") for k in range(6))
"""


@nightly
@quiet
@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
def test_a_task_whose_worker_is_killed_is_done_again(local, claim_file):
    path = claim_file(KILLS.replace("ALWAYS", "False"))
    entries = select([str(path)])
    there = run(entries, local)
    assert path.with_suffix(".killed").read_text() == "killed\n"
    assert without_time(there) == without_time(run(entries))


@nightly
@quiet
@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
def test_a_task_that_kills_every_worker_is_given_up_and_the_others_are_done(local, claim_file):
    path = claim_file(KILLS.replace("ALWAYS", "True"))
    said = []
    found = {told["name"]: told for told in run(select([str(path)]), local, said=said)}
    killed = found.pop("tests/kills")
    assert killed["verdict"] == "INCONCLUSIVE"
    assert "workers of the cluster were lost" in killed["reasons"][0]
    assert {told["verdict"] for told in found.values()} == {"CERTIFIED"}
    # twice before Dask gives up, and twice again when nothing else runs
    assert path.with_suffix(".killed").read_text().count("killed") == 4
    assert any("alone" in told for told in said)


ENDLESS = """
import os, pathlib, time
def endless(instance, ctx):
    pathlib.Path(__file__).with_suffix(".pid").write_text(str(os.getpid()))
    while True:
        time.sleep(0.1)
    yield
endless = variant("endless", check=endless)
"""


def gone(pid, within=20.0):
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@nightly
@quiet
def test_a_run_that_is_left_ends_what_runs_there(local, claim_file):
    path = claim_file(ENDLESS)
    entries = select([str(path)])
    runs = verified(entries, QUICK, 0, 1, lambda *told: None, None, Cluster(local))
    entry, _ = next(runs)
    assert entry.name == "tests/square"
    pid = awaited(path.with_suffix(".pid"))
    runs.close()
    assert gone(pid)


def awaited(file, within=240.0):
    end = time.monotonic() + within
    while not (file.exists() and file.read_text()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return int(file.read_text())


@nightly
@quiet
def test_limits_are_those_of_this_machine(local, claim_file):
    entries = select([str(claim_file(ENDLESS))])
    (stopped, _) = run(entries, local, limits=replace(QUICK, wall=2.0))
    (reason,) = stopped["reasons"]
    assert "in the stage 'sample': the limit that --time-limit set, 2 s" in reason


@nightly
@quiet
@pytest.mark.parametrize("joins_later", [False, True])
def test_other_versions_are_refused_with_both(local, monkeypatch, joins_later):
    before = cluster.about
    monkeypatch.setattr(cluster, "about", lambda: {**before(), "python_flint": "0.0.1"})
    if joins_later:
        monkeypatch.setattr(cluster._Run, "_inspect", lambda self: None)
    ours = before()["python_flint"]
    with pytest.raises(ClusterError, match=f"has python_flint {ours}.*has python_flint 0.0.1"):
        run(select(["classical/balancedness"]), local)


@nightly
@quiet
@pytest.mark.parametrize("listens", [False, True])
def test_a_scheduler_that_does_not_answer_is_told(dask, monkeypatch, listens):
    monkeypatch.setattr(cluster, "CONNECT", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        if not listens:
            server.close()
        with pytest.raises(ClusterError, match="dask scheduler"):
            run(select(["classical/balancedness"]), address)


# Separate processes, and the command line.


@contextmanager
def process(*arguments, cwd=None, **environment):
    """A process that is killed in the end; what it says stays out of the way."""
    found = subprocess.Popen(
        [sys.executable, "-m", "dask", *arguments],
        env={**os.environ, **environment},
        cwd=cwd,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield found
    finally:
        found.kill()
        found.wait()


@contextmanager
def scheduler(tmp_path):
    file = tmp_path / "scheduler.json"
    with process("scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", file) as found:
        end = time.monotonic() + 240
        while not (file.exists() and file.read_text().endswith("}")):
            assert time.monotonic() < end
            time.sleep(0.1)
        yield found, json.loads(file.read_text())["address"]


def worker(address, *arguments, **environment):
    lonely = ("--no-nanny", "--no-dashboard", "--nthreads", "1")
    return process("worker", address, *lonely, *arguments, **environment)


WAITS = """
import pathlib, time
def waits(instance, ctx):
    mark = pathlib.Path(__file__).with_suffix(".go")
    pathlib.Path(__file__).with_suffix(".here").write_text("1")
    while not mark.exists():
        time.sleep(0.05)
    yield from check(instance, ctx)
waits = variant("waits", check=waits)
many = tuple(variant(f"n{k}") for k in range(4))
"""


@nightly
@quiet
def test_the_command_on_separate_processes_of_which_one_is_killed(dask, tmp_path, claim_file):
    path = claim_file(WAITS)
    verify = [sys.executable, "-m", "lora_proofs", "verify", str(path), "classical/balancedness"]
    verify += ["--budget", "quick", "--json", "--certificates", str(tmp_path / "out")]
    with (
        scheduler(tmp_path) as (_, address),
        worker(address) as first,
        subprocess.Popen(
            [*verify, "--scheduler", address, "--ledger", str(tmp_path / "a.sqlite")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as running,
    ):
        awaited(path.with_suffix(".here"))
        first.send_signal(signal.SIGKILL)
        path.with_suffix(".go").touch()
        with worker(address):
            out, err = running.communicate(timeout=180)
    assert running.returncode == 0, err
    told = json.loads(out)
    alone = [*verify, "--jobs", "1", "--ledger", str(tmp_path / "b.sqlite")]
    here = json.loads(subprocess.run(alone, capture_output=True, check=True).stdout)
    assert told["digest"] == here["digest"]
    assert [found(claim) for claim in told["claims"]] == [found(claim) for claim in here["claims"]]
    assert "tests/waits: CERTIFIED" in err and " s on tcp://" in err
    assert (tmp_path / "out" / "classical__balancedness.json").exists()


def found(claim):
    """What a record says of its claim, without what says where and when it was recorded."""
    return [claim[key] for key in ("name", "verdict", "reasons", "samples", "certificates")]


@nightly
@quiet
def test_a_worker_without_this_package_is_told(dask, tmp_path):
    (tmp_path / "lora_proofs.py").write_text("raise ImportError('there is none')\n")
    hidden = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    with scheduler(tmp_path) as (_, address), worker(address, cwd=tmp_path, PYTHONPATH=hidden):
        with dask.Client(address, set_as_default=False) as client:
            client.wait_for_workers(1, timeout=60)
        with pytest.raises(ClusterError, match=r"there is none.*Install lora_proofs"):
            run(select(["classical/balancedness"]), address)


@nightly
@quiet
def test_no_worker_and_no_scheduler_end_a_run(dask, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "LOOK", 0.2)
    monkeypatch.setenv("LORA_PROOFS_WORKER_SECONDS", "1")
    entries, said = select(["classical/balancedness"]), []
    with scheduler(tmp_path) as (running, address):
        with pytest.raises(ClusterError, match="a worker within 1 s"):
            run(entries, address, said=said)
        assert any("waiting for one" in told for told in said)
        monkeypatch.setenv("LORA_PROOFS_WORKER_SECONDS", "60")
        crew = Cluster(address, lambda told: "waiting" in told and running.kill())
        with pytest.raises(ClusterError, match="the scheduler went away"):
            list(verified(entries, QUICK, 0, 1, lambda *told: None, None, crew))


@nightly
@quiet
def test_a_selftest_is_the_same_there(local, lora_proofs, tmp_path):
    command = ("selftest", "classical/eckart-young-mirsky", "--budget", "quick", "--json")
    there = lora_proofs(*command, "--scheduler", local, "--state", tmp_path / "a.sqlite")
    here = lora_proofs(*command, "--jobs", "1", "--state", tmp_path / "b.sqlite")
    assert there.returncode == here.returncode == 0, there.stderr
    found = [json.loads(told.stdout) for told in (there, here)]
    for told in found:
        for claim in told["claims"]:
            del claim["seconds"]
    assert found[0] == found[1]
