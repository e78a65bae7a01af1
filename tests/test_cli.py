"""The command line: exit codes, documents, and one clear message for everything that is wrong."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from xml.etree import ElementTree

import pytest

from lora_proofs.language.budget import BUDGETS
from lora_proofs.language.lemmas import LEMMAS
from lora_proofs.running.catalogue import shipped_claims
from lora_proofs.running.records import digest, exit_code
from lora_proofs.running.verifying import LOAD_SECONDS, select

FALSE = """
def too_large(instance, ctx):
    x = ctx.number(instance.x)
    yield at_least("square", x * x, ctx.number(1000))
false = variant("false", check=too_large)
"""
RAISES = """
def broken(instance, ctx):
    raise ZeroDivisionError("by zero")
raises = variant("raises", check=broken)
"""
FOREVER = """
def endless(instance, ctx):
    while True:
        pass
forever = variant("forever", check=endless)
"""
MEMORY = """
def greedy(instance, ctx):
    kept = []
    while True:
        kept.append(bytearray(10**7))
greedy = variant("greedy", check=greedy)
"""
EXITS = """
import os
def dies(instance, ctx):
    os._exit(7)
dies = variant("dies", check=dies)
"""
PRINTS = """
import os
def talks(instance, ctx):
    print("said by a claim")
    os.write(1, b"written by a claim\\n")
    return check(instance, ctx)
talks = variant("talks", check=talks)
"""


def clean(done, code):
    """The exit code, and no traceback."""
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done


def one_message(done, code, *words):
    """One message on stderr that has the words."""
    clean(done, code)
    messages = [line for line in done.stderr.splitlines() if line.startswith("lora-proofs: ")]
    assert len(messages) == 1, done.stderr
    assert all(word in messages[0] for word in words), messages[0]
    return done


def verify_json(lora_proofs, *arguments, code=0, **environment):
    done = lora_proofs("verify", "--budget", "quick", "--json", *arguments, **environment)
    document = json.loads(clean(done, code).stdout)
    assert document["exit_code"] == code
    return document, done


def named(document):
    return {claim["name"]: claim for claim in document["claims"]}


# verify


def test_the_document_of_a_run(lora_proofs, claim_file):
    document, _ = verify_json(lora_proofs, claim_file())
    assert set(document) >= {
        "schema_version", "command", "seed", "budget", "digest", "versions", "claims", "summary",
        "exit_code",
    }  # fmt: skip
    assert set(document["versions"]) == {
        "lora_proofs", "python", "sympy", "numpy", "mpmath", "python_flint", "hypothesis",
    }  # fmt: skip
    (claim,) = document["claims"]
    assert set(claim) >= {
        "name", "source", "statement", "verdict", "scope", "reasons", "cites", "expected", "error",
        "assumptions", "derivation", "samples", "sweep", "certificates", "controls",
        "counterexample", "seconds",
    }  # fmt: skip
    assert (claim["verdict"], claim["scope"]) == ("CERTIFIED", "30 instances")
    assert document["summary"]["CERTIFIED"] == 1
    assert document["moved"] == [
        {"name": claim["name"], "from": "SUPPORTED", "to": "CERTIFIED", "instances": 30}
    ]
    assert document["digest"] == digest(document["claims"])


def test_a_false_claim_prints_its_counterexample_and_the_line_that_replays_it(
    lora_proofs, claim_file
):
    done = clean(lora_proofs("verify", claim_file(FALSE), "--budget", "quick"), 1)
    assert "tests/false: REFUTED on one exact instance" in done.stdout
    assert "x = 0" in done.stdout
    line = re.search(r"replay it: lora-proofs (replay \d+)$", done.stdout, re.M)
    replayed = clean(lora_proofs(*line[1].split()), 0)
    assert "confirmed: the counterexample refutes again" in replayed.stdout
    assert "square: 0 >= 1000 fails, slack -1000, in exact arithmetic" in replayed.stdout


def test_an_open_claim_says_what_is_open_before_what_the_run_found(lora_proofs):
    name = "zeng-lee/rank-width-times-depth"
    done = clean(lora_proofs("verify", name, "--budget", "quick"), 0)
    told = done.stdout[done.stdout.index(f"{name}: INCONCLUSIVE") :]
    parts = ("open for targets", "note: ", "what this run found", "the construction misses")
    places = [told.index(part) for part in parts]
    assert places == sorted(places)
    assert "R = 4 suffices by a construction" in told


def test_a_refuted_row_names_the_claim_that_corrects_it(lora_proofs):
    pattern = "zeng-lee/naive/t*"
    done = clean(lora_proofs("verify", pattern, "--budget", "quick"), 0)
    rows = [line for line in done.stdout.splitlines() if line.startswith("zeng-lee/")]
    known = {entry.name for entry in shipped_claims()}
    assert len(rows) == len(select([pattern]))
    assert all(row.rpartition("; corrected by ")[2] in known for row in rows)


def test_what_leans_on_several_theorems_counts_them_and_derive_names_them(lora_proofs):
    name = "zeng-lee/linear-singular-weights"
    done = clean(lora_proofs("verify", name, "--budget", "quick"), 0)
    assert done.stdout.count("modulo 5 cited theorems") == done.stderr.count("modulo 5 cited") == 1
    derived = clean(lora_proofs("derive", name), 0).stdout
    assert "closed for all shapes, modulo 5 cited theorems\n" in derived
    assert "\n  Eckart-Young theorem\n" in derived
    parts = ("claim\n", "\nassumptions\n", "\n  1. ", "\nconclusion\n", "\nmodulo\n")
    places = [derived.index(part) for part in parts]
    assert places == sorted(places)
    ends = derived[derived.index("\nconclusion\n") :]
    assert "rank (L What_l Q) <= rank W_l + R_l" in ends and "adapters: " in derived


def test_names_of_lemmas_read_well_in_a_list():
    assert [x for x in LEMMAS if "," in re.sub(r"\(.*?\)", "", x) or ";" in x] == []


def test_the_help_of_verify_says_how_long_everything_may_take(lora_proofs):
    told = " ".join(lora_proofs.done("verify", "--help").split())
    limits = [f"{found.wall:g}" for found in BUDGETS.values()]
    assert f"{limits[0]}, {limits[1]} or {limits[2]} s, by the budget" in told
    assert f"a file is loaded once to list its claims, within {LOAD_SECONDS:g} s" in told
    assert "LORA_PROOFS_LOAD_SECONDS" in told


def test_every_bad_claim_is_one_row_and_the_others_run(lora_proofs, claim_file):
    path = claim_file(FALSE + RAISES + EXITS + PRINTS)
    document, done = verify_json(lora_proofs, path, "--jobs", "2", code=1)
    found = named(document)
    assert found["tests/square"]["verdict"] == "CERTIFIED"
    assert found["tests/false"]["verdict"] == "REFUTED"
    raises = found["tests/raises"]
    assert raises["verdict"] == "INCONCLUSIVE"
    assert raises["error"]["type"] == "ZeroDivisionError"
    assert raises["error"]["where"].startswith(str(path))
    assert "ended by itself with status 7" in found["tests/dies"]["reasons"][0]
    assert found["tests/talks"]["verdict"] == "CERTIFIED"
    assert "said by a claim" in done.stderr and "written by a claim" in done.stderr


def test_the_claim_that_took_longest_starts_first_and_nothing_else_changes(lora_proofs, claim_file):
    code = """
import time
def slow(instance, ctx):
    time.sleep(0.01)
    yield from check(instance, ctx)
slow = variant("slow", check=slow)
"""
    path = claim_file(FALSE + code)
    runs = [verify_json(lora_proofs, path, "--jobs", "1", code=1) for _ in range(2)]
    (before, first), (after, second) = runs
    assert before["digest"] == after["digest"]
    assert [c["name"] for c in before["claims"]] == [c["name"] for c in after["claims"]]
    assert first.stderr.index("tests/false:") < first.stderr.index("tests/slow:")
    assert second.stderr.index("tests/slow:") < second.stderr.index("tests/false:")


def test_a_claim_that_eats_memory_is_stopped(lora_proofs, claim_file):
    document, _ = verify_json(lora_proofs, claim_file(MEMORY), LORA_PROOFS_MEMORY_MB="1500")
    assert "out of memory" in named(document)["tests/greedy"]["reasons"][0]
    assert named(document)["tests/square"]["verdict"] == "CERTIFIED"


def test_a_file_cannot_change_what_other_claims_come_back_with(lora_proofs, claim_file):
    code = "import lora_proofs.running.runner as r\nr.judge = None\n"
    document, _ = verify_json(
        lora_proofs, claim_file(code), "classical/balancedness", "--jobs", "1", code=1
    )
    assert named(document)["classical/balancedness"]["verdict"] == "PROVED"


def test_a_contradiction_is_an_internal_error(lora_proofs, claim_file):
    code = """
from lora_proofs import equal
from lora_proofs.mathematics.words import Scalar
from lora_proofs.symbolic.steps import identity
X = Scalar("x")
STEP = identity((X + 1) ** 2, X**2 + 2 * X + 1, "expand", label="sum")
def other(instance, ctx):
    x = ctx.number(instance.x)
    yield equal("sum", x, x + 0)
claim = variant("contradiction", check=other, derive=lambda: (STEP,), conclusion=(STEP.relation,),
                interpret=lambda instance, ctx: {X: ctx.number(instance.x)})
"""
    document, _ = verify_json(lora_proofs, claim_file(code), code=3)
    found = named(document)["tests/contradiction"]
    assert found["error"]["type"] == "Contradiction"
    assert found["verdict"] == "INCONCLUSIVE"


def test_a_derivation_that_ends_elsewhere_is_refused(lora_proofs, claim_file):
    code = """
from lora_proofs.mathematics.words import Relation, Scalar
from lora_proofs.symbolic.steps import identity
X = Scalar("x")
claim = variant("elsewhere", derive=lambda: (identity(X + X, 2 * X, "double"),),
                conclusion=(Relation(X, "=", X),),
                interpret=lambda instance, ctx: {X: ctx.number(instance.x)})
"""
    document, _ = verify_json(lora_proofs, claim_file(code), code=4)
    found = named(document)["tests/elsewhere"]
    assert found["error"]["type"] == "ClaimRefused"
    assert "does not end in the conclusion" in found["error"]["message"]


def test_strict_minds_what_is_inconclusive(lora_proofs, claim_file):
    code = "claim = variant('open', instances=Instances(lambda s, r: Instance(x=1)))\n"
    verify_json(lora_proofs, claim_file(code))
    verify_json(lora_proofs, claim_file(code), "--strict", code=6)


def test_the_digest_is_that_of_the_claims_whatever_runs_them(lora_proofs, claim_file, tmp_path):
    path = claim_file(FALSE + "family = tuple(variant(f'n{k}') for k in range(3))\n")
    one, _ = verify_json(lora_proofs, path, "--jobs", "1", code=1)
    two, _ = verify_json(lora_proofs, path, "--jobs", "2", code=1)
    lora_proofs.folder = tmp_path
    elsewhere, _ = verify_json(lora_proofs, path, "--jobs", "auto", code=1)
    assert one["digest"] == two["digest"] == elsewhere["digest"]
    other, _ = verify_json(lora_proofs, path, "--seed", "5", code=1)
    assert other["seed"] == 5


def test_junit_xml(lora_proofs, claim_file, tmp_path):
    path = tmp_path / "junit.xml"
    verify_json(lora_proofs, claim_file(FALSE + RAISES), "--junit-xml", path, code=1)
    suite = ElementTree.parse(path).getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
    cases = {case.get("name"): case for case in suite}
    assert "REFUTED on one exact instance" in cases["false"].find("failure").get("message")
    assert "ZeroDivisionError" in cases["raises"].find("error").text


def start(lora_proofs, *arguments):
    return subprocess.Popen(
        lora_proofs.command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=lora_proofs.folder,
        env=lora_proofs.environment(),
    )


def children(pid):
    listed = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True)
    rows = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()[1:]]
    return [child for child, parent in rows if parent == pid]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_what_is_finished(lora_proofs, claim_file, number):
    process = start(lora_proofs, "verify", claim_file(FOREVER), "--jobs", "2")
    deadline, line = time.monotonic() + 60, ""
    while "tests/square" not in line and time.monotonic() < deadline:
        line = process.stderr.readline()
    workers = children(process.pid)
    assert workers
    process.send_signal(number)
    sent = time.monotonic()
    out, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert time.monotonic() - sent < 5
    assert "interrupted; 1 of 2 claims are finished" in err
    assert "Traceback" not in out + err
    with sqlite3.connect(lora_proofs.folder / ".lora-proofs" / "ledger.sqlite") as ledger:
        assert ledger.execute("SELECT name FROM records").fetchall() == [("tests/square",)]
    ledger.close()
    assert not [pid for pid in workers if os.path.exists(f"/proc/{pid}")]


# Bad input


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["verify", "--jobs", "0"], 4, ["--jobs", "'0'"]),
        (["verify", "--jobs", "many"], 4, ["--jobs", "'many'"]),
        (["verify", "--budget", "huge"], 4, ["quick, standard, deep", "'huge'"]),
        (["verify", "--seed", str(10**30)], 4, ["--seed"]),
        (["verify", "--scheduler", "x:1"], 4, ["--scheduler", "tcp://HOST:PORT", "'x:1'"]),
        (["verify", "no/such-claim"], 4, ["'no/such-claim'"]),
        (["verify", "no/such/*"], 5, ["nothing selected"]),
        (["verify", "missing.py"], 4, ["missing.py", "readable"]),
        (["verify", "clasical/*"], 5, ["nothing selected", "Did you mean 'classical/*'?"]),
        (["verify", "*balancednes"], 5, ["Did you mean classical/balancedness?"]),
        (["verify", "classical/balancedness", "--ledger", "no/l.sqlite"], 4, ["no folder no."]),
        (["selftest", "classical/balancedness", "--state", "no/s.sqlite"], 4, ["no folder no."]),
        (["replay", "my_claim.py"], 4, ["a Python file", "lora-proofs verify my_claim.py"]),
        (["verify", "--junit-xml", "no/dir/x.xml"], 4, ["no/dir/x.xml"]),
        (["verify", "--seed", "x"], 4, ["--seed", "expected an integer, got 'x'"]),
        (["verify", "--time-limit", "x"], 4, ["--time-limit: expected a number of seconds"]),
        (["report", "--seed", "x"], 4, ["--seed: expected an integer, got 'x'"]),
        (["selftest", "--seed", "1.5"], 4, ["--seed: expected an integer, got '1.5'"]),
        (["experiment", "a", "--seed", "x"], 4, ["--seed: expected an integer, got 'x'"]),
        (["experiment", "a", "--seeds", "1e3"], 4, ["--seeds: expected an integer, got '1e3'"]),
        (["adapt", "x.json", "--digits", "x"], 4, ["--digits: expected an integer, got 'x'"]),
        (["flow", "x.json", "--digits", "x"], 4, ["--digits: expected an integer, got 'x'"]),
        (["rank-accuracy", "x.json", "--digits", ""], 4, ["--digits: expected an integer"]),
        (["replay", "x.json", "--control", "x"], 4, ["--control: expected an integer, got 'x'"]),
        (["explore", "--port", "x"], 4, ["--port: expected an integer, got 'x'"]),
        (["show", "classical/balancednes"], 4, ["Did you mean classical/balancedness"]),
        (["show", "classical/*"], 4, ["expected one claim"]),
        (["derive", "classical/balancedness", "--format", "lean"], 4, ["coq", "'lean'"]),
        (["derive", "classical/balancedness", "--format", "x"], 4, ["expected a format"]),
        (["replay", "3"], 4, ["there is no such file"]),
        (["replay", "missing.json"], 4, ["missing.json"]),
        (["report", "-o", "r.html"], 4, ["there is no such file"]),
        (["report"], 4, ["expected -o PATH"]),
        (["report", "-o", "no/dir/r.html"], 4, ["there is no directory"]),
    ],
)
def test_bad_usage_and_bad_input(lora_proofs, arguments, code, words):
    one_message(lora_proofs(*arguments), code, *words)


@pytest.mark.parametrize("arguments", [["--nope"], ["nope"], ["verify", "--jobs"], ["show"]])
def test_usage_errors_exit_4(lora_proofs, arguments):
    done = clean(lora_proofs(*arguments), 4)
    assert "Error" in done.stderr


EVERYWHERE = """
for descriptor in range(3, 12):
    try:
        os.write(descriptor, b"5\\n")
    except OSError:
        pass
"""


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("x = 1\n", "found none"),
        ("raise ValueError('no')\n", "ValueError: no (line 1)"),
        ("def f(:\n", "SyntaxError"),
        ("import os\nos._exit(3)\n", "ended by itself with status 3"),
        ("raise BaseException('no')\n", "BaseException: no (line 1)"),
        (f"import os\n{EVERYWHERE}", "got b'5\\n'"),
        (f"import os\n{EVERYWHERE}".replace("5", '{\\"done\\": 5}'), "no list of claims"),
        ("while True:\n    pass\n", "within 2 s"),
    ],
)
@pytest.mark.parametrize("command", ["verify", "list"])
def test_a_file_that_cannot_be_used(lora_proofs, tmp_path, text, word, command):
    path = tmp_path / "broken.py"
    path.write_text(text)
    one_message(lora_proofs(command, path, LORA_PROOFS_LOAD_SECONDS="2"), 4, str(path), word)


def test_a_file_that_is_no_text(lora_proofs, tmp_path):
    path = tmp_path / "binary.py"
    path.write_bytes(bytes(range(256)) * 10)
    one_message(lora_proofs("verify", path), 4, "binary.py")


def test_a_malformed_ledger_stops_everything_before_it_runs(lora_proofs, tmp_path, claim_file):
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"this is no database " * 100)
    before = path.read_bytes()
    done = lora_proofs("verify", claim_file(), "--ledger", path)
    one_message(done, 4, str(path), "malformed")
    assert path.read_bytes() == before
    one_message(lora_proofs("show", "classical/balancedness", "--ledger", path), 4, "malformed")
    one_message(lora_proofs("replay", "1", "--ledger", path), 4, "malformed")


def test_output_that_cannot_be_written(lora_proofs, claim_file):
    command = " ".join(lora_proofs.command("list", "--json")) + " > /dev/full"
    done = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        cwd=lora_proofs.folder,
        env=lora_proofs.environment(),
    )
    one_message(done, 4, "cannot read or write")


def test_a_reader_that_goes_away_is_no_error_message(lora_proofs):
    command = " ".join(lora_proofs.command("list", "--json")) + " | true"
    done = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        cwd=lora_proofs.folder,
        env=lora_proofs.environment(),
    )
    assert done.stderr == ""


def test_an_internal_error_is_one_line_unless_debugging(monkeypatch, capsys):
    from lora_proofs.cli.guard import attempt

    def broken():
        raise AssertionError("surprise")

    assert attempt(broken) == 3
    told = capsys.readouterr().err
    assert "internal error: AssertionError: surprise at test_cli.py:" in told
    assert "Traceback" not in told
    monkeypatch.setenv("LORA_PROOFS_DEBUG", "1")
    assert attempt(broken) == 3
    assert "Traceback" in capsys.readouterr().err


# The other commands


def test_help_carries_examples(lora_proofs):
    for command in ("list", "show", "derive", "verify", "replay", "report"):
        text = clean(lora_proofs(command, "--help"), 0).stdout
        assert "Examples:" in text and f"lora-proofs {command}" in text


def test_the_version(lora_proofs):
    assert clean(lora_proofs("--version"), 0).stdout.startswith("lora-proofs ")


def test_list_and_show(lora_proofs, claim_file):
    path = claim_file("claim = variant('listed', title='A title')\n")
    told = json.loads(clean(lora_proofs("list", path, "--json"), 0).stdout)
    assert [claim["name"] for claim in told["claims"]] == ["tests/listed", "tests/square"]
    assert "A title" in clean(lora_proofs("list", path), 0).stdout
    shown = clean(lora_proofs("show", f"{path}::tests/listed"), 0).stdout
    assert "x^2 >= 0" in shown and "a bound that is too large" in shown
    assert "not recorded in this ledger" in shown
    verify_json(lora_proofs, path)
    shown = clean(lora_proofs("show", f"{path}::tests/listed"), 0).stdout
    assert "CERTIFIED on 30 instances (record " in shown


def test_control_characters_of_a_claim_do_not_reach_the_terminal(lora_proofs, claim_file):
    path = claim_file("claim = variant('listed', title='A \\x1b[31mtitle')\n")
    assert "\x1b" not in clean(lora_proofs("list", path), 0).stdout


@pytest.mark.parametrize("form", ["text", "latex", "json"])
def test_derive(lora_proofs, form):
    done = clean(lora_proofs("derive", "classical/balancedness", "--format", form), 0)
    if form == "json":
        derived = json.loads(done.stdout)
        assert derived["closed"] and len(derived["lines"]) == 3
    else:
        assert "normal form and explicit entries" in done.stdout


def test_a_claim_without_a_derivation_has_nothing_to_derive(lora_proofs, claim_file):
    one_message(lora_proofs("derive", claim_file()), 4, "judged on instances alone")


def test_a_report_is_written_once_unless_forced(lora_proofs, claim_file):
    path = claim_file(FALSE)
    one_message(lora_proofs("report", path, "-o", "r.html"), 4, "there is no such file")
    verify_json(lora_proofs, path, code=1)
    clean(lora_proofs("report", path, "-o", "r.html"), 0)
    text = (lora_proofs.folder / "r.html").read_text()
    assert "REFUTED" in text and "lora-proofs replay" in text
    one_message(lora_proofs("report", path, "-o", "r.html"), 4, "--force")
    clean(lora_proofs("report", path, "-o", "r.html", "--force", "--format", "markdown"), 0)
    assert (lora_proofs.folder / "r.html").read_text().startswith("# ")
    one_message(lora_proofs("report", "classical/*", "-o", "s.html"), 4, "none of them")
    one_message(lora_proofs("report", path, "-o", "s", "--format", "doc"), 4, "'doc'")


# Exit codes


def row(verdict="PROVED", expected=None, shipped=True, error=None):
    return {"verdict": verdict, "expected": expected, "shipped": shipped, "error": error}


@pytest.mark.parametrize(
    ("rows", "strict", "code"),
    [
        ([row()], False, 0),
        ([row("PROVED", "CERTIFIED")], False, 0),
        ([row("SUPPORTED", "CERTIFIED")], False, 1),
        ([row("REFUTED", "REFUTED")], False, 0),
        ([row("REFUTED", "SUPPORTED")], False, 1),
        ([row("PROVED", "REFUTED")], False, 1),
        ([row("REFUTED", shipped=False)], False, 1),
        ([row("INCONCLUSIVE", shipped=False)], False, 0),
        ([row("INCONCLUSIVE", shipped=False)], True, 6),
        ([row("INCONCLUSIVE", shipped=False, error={"type": "ValueError"})], True, 1),
        ([row("INCONCLUSIVE", error={"type": "ClaimRefused"}), row("REFUTED", "PROVED")], False, 4),
        ([row(error={"type": "Contradiction"}), row(error={"type": "ClaimRefused"})], False, 3),
    ],
)
def test_exit_codes_and_their_order(rows, strict, code):
    assert exit_code(rows, strict=strict) == code


def test_an_error_of_another_file_leaves_standard_output_open():
    code = (
        "import os; from lora_proofs.cli.guard import attempt\n"
        "print(attempt(lambda: os.stat('/no/such/file') and 0)); print('still there')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["4", "still there"]
    assert "/no/such/file: cannot read or write" in done.stderr
