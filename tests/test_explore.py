"""The interactive page: what it draws is true of the flow, and it answers to nobody else."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
from html.parser import HTMLParser

import numpy as np
import pytest

from lora_proofs.errors import BadInput
from lora_proofs.report.explore.drawing import kinds, pictures
from lora_proofs.report.explore.instance import built
from lora_proofs.report.explore.path import path
from lora_proofs.report.explore.ranks import limits
from lora_proofs.report.explore.server import Server
from lora_proofs.report.explore.setting import LOSSES, MOST, SPECTRA, STARTS, Setting, setting
from lora_proofs.report.explore.shelf import Shelf
from lora_proofs.running.catalogue import shipped_claims
from lora_proofs.running.expected import expected_verdict
from lora_proofs.running.ledger import Ledger

R = "rushka-klabjan/"


# settings


def test_parameters_become_a_setting():
    asked = {"n": "4", "m": "7", "r": "3", "start": "gaussian", "t": "2.5", "loss": "frobenius"}
    assert setting(asked) == Setting(n=4, m=7, r=3, start="gaussian", t=2.5)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"n": "33"}, "n: expected an integer from 1 to 24, got '33'"),
        ({"n": "2.5"}, "n: expected an integer"),
        ({"n": "1e400"}, "n: expected an integer"),
        ({"t": "nan"}, "t: expected a number such as 2 or 0.5"),
        ({"r": "7"}, "r: expected a rank from 1 to min(n, m) = 6, got 7"),
        ({"loss": "hinge"}, "loss: expected one of frobenius, trace-squared"),
        ({"start": "<script>"}, "start: expected one of"),
        ({"values": "1, -2"}, "values: expected a number|values: expected 1 to 24 numbers"),
        ({"values": "1 " * 40}, "values: expected 1 to 24 numbers"),
        ({"claim": "x" * 700}, "claim: expected at most 600 characters"),
        ({"command": "rm"}, "'command': expected one of"),
    ],
)
def test_a_wrong_parameter_says_what_was_expected(asked, words):
    with pytest.raises(BadInput) as error:
        setting(asked)
    assert any(word in str(error.value) for word in words.split("|"))


def test_spectra():
    flat = Setting(n=4, m=4, spectrum="flat", top=1.5).sigma
    ties = Setting(n=4, m=4, spectrum="ties", top=2.0, factor=0.5).sigma
    own = Setting(n=4, m=4, spectrum="custom", values="1, 3").sigma
    assert (flat, ties, own) == ((1.5,) * 4, (2.0, 2.0, 1.0, 1.0), (3.0, 1.0, 0.0, 0.0))


# what is drawn


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("shape", [(3, 5, 2), (1, 1, 1)])
def test_every_setting_is_drawn(loss, start, shape):
    n, m, r = shape
    for spectrum in SPECTRA:
        asked = Setting("", loss, n, m, r, start=start, spectrum=spectrum, t=3.0)
        drawn = pictures(asked)
        assert drawn.flow.plots and drawn.error.plots and drawn.bound is None
    assert drawn == pictures(asked)


def test_where_nothing_is_to_be_learned_no_number_is_made_up():
    for claim in ("", *kinds()):
        loss = kinds()[claim].loss if claim else "frobenius"
        drawn = pictures(Setting(claim, loss or "frobenius", spectrum="custom", values="0"))
        told = [one.told for one in (drawn.flow, drawn.error, drawn.bound) if one]
        assert "nothing to do here" in told[1]
        words = " ".join((*told, *(value for _, value in drawn.facts)))
        assert not {"nan", "inf"} & set(words.replace(".", " ").split()), (claim, words)


def test_no_setting_costs_more_than_a_second_or_so():
    for n in (7, 14, 18, 21, MOST):
        p = path(built(Setting(n=n, m=n, r=n, start="spectral", t=0.1)))
        assert len(p.t) * 2 * n * n <= 17_500  # about half a second of one processor


def test_the_instance_has_its_spectrum_and_starts():
    x = built(Setting(n=5, m=4, r=2, start="spectral", size=0.5))
    assert np.allclose(np.linalg.svd(x.E, compute_uv=False), x.setting.sigma)
    assert np.allclose(x.A0 @ x.A0.T, 0.25 * np.eye(2)) and not x.B0.any()
    assert np.allclose(x.E @ x.A0.T, x.setting.sigma[:2] * x.U[:, :2] * 0.5)


def test_the_flow_descends_from_the_loss_at_its_start():
    x = built(Setting(start="general", n=5, m=4, r=2))
    p = path(x, factors=True)
    assert np.isclose(p.loss[0], np.linalg.norm(x.E - x.B0 @ x.A0) ** 2 / 2)
    assert np.all(np.diff(p.loss) < 0)
    assert np.allclose(p.B @ p.A, p.BA, atol=1e-6)


LATE = [("frobenius", start) for start in ("orthonormal", "spectral", "wrong", "aligned")]
LATE += [("trace-squared", start) for start in ("orthonormal", "gaussian", "aligned", "general")]


@pytest.mark.parametrize(("loss", "start"), LATE)
def test_the_limit_that_is_drawn_is_where_the_flow_ends(loss, start):
    x = built(Setting(loss=loss, start=start, n=4, m=4, r=2, spectrum="decay", t=50.0))
    p = path(x)
    size = np.linalg.norm(x.E) if loss == "frobenius" else np.trace(x.E) / 2
    full = x.E if loss == "frobenius" else -np.trace(x.E) / 4 * np.eye(4)
    assert np.isclose(np.linalg.norm(p.BA[-1] - full) / size, limits(x)[1], atol=1e-4)


UPPER = (
    "full-rank-rate-gradient-inequality", "frobenius-riccati-limit", "frobenius-excess-loss",
    "expressivity-bridge", "trace-squared-zero-loss", "trace-squared-bounded-gradient",
    "norm-bounds", "norm-bound-from-zero", "product-norm", "hoelder-in-time", "flow-existence",
    "nuclear-norm-law", "naive/error-without-flat-start",
)  # fmt: skip
LOWER = (
    "frobenius-spectral-start", "frobenius-general-start", "frobenius-general-zero-b",
    "frobenius-wrong-directions", "frobenius-greedy-limit", "singular-values-grow",
    "trace-squared-balanced-start", "trace-squared-error-lower-bound",
)  # fmt: skip


def sides(name, **more):
    """What a claim's picture measures, and its bound, at the same places."""
    kind = kinds()[R + name]
    r = 5 if "full-rank" in name else 2
    wanted = {"n": 6, "m": 5, "r": r, "loss": kind.loss or "frobenius"}
    start = kind.starts[0] if kind.starts else "gaussian"
    drawn = pictures(Setting(claim=R + name, **{"start": start, **wanted, **more}))
    assert drawn.bound is not None, drawn.no_bound
    measured, bound = (dict(series.points) for series in drawn.bound.plots[0].series[:2])
    return [(measured[x], bound[x]) for x in measured if x in bound]


@pytest.mark.parametrize("name", UPPER)
def test_what_is_measured_stays_below_the_bound_of_a_true_claim(name):
    flat = {"start": "orthonormal"} if name == "naive/error-without-flat-start" else {}
    found = sides(name, seed=3, **flat)
    assert len(found) > 4
    assert all(m <= b * (1 + 1e-6) + 1e-9 for m, b in found)


@pytest.mark.parametrize("name", LOWER)
def test_what_is_measured_stays_above_the_lower_bound_of_a_true_claim(name):
    found = sides(name, seed=3)
    assert len(found) > 4
    assert all(m >= b * (1 - 1e-6) - 1e-9 for m, b in found)


def test_the_constant_of_a_bound_is_that_of_its_claim():
    more = {"n": 2, "m": 2, "r": 1, "start": "spectral", "size": 1.0, "factor": 0.5, "t": 2.0}
    mu, other = (4 + 1 / 4) ** 0.5, (1 + 1 / 4) ** 0.5
    bounds = [bound for _, bound in sides("frobenius-riccati-limit", **more)]
    assert np.isclose(bounds[0], 2 * mu * (5 + 8 * mu))
    assert np.isclose(bounds[-1], bounds[0] * np.exp(-2 * (mu - other)))


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("naive/error-without-dimension", {}),
        ("naive/update-approaches-full", {}),
        ("naive/gaussian-error-vanishes-at-full-rank", {}),
        ("naive/frobenius-error-inverse-root-rank", {"spectrum": "flat"}),
    ],
)
def test_the_law_of_a_false_claim_is_seen_to_be_broken(name, more):
    assert any(m > b + 1e-3 for m, b in sides(name, **more))


def test_the_construction_stands_on_the_staircase():
    asked = Setting(claim="zeng-lee/linear-optimal-error", n=6, m=6, layers=3, r=1)
    least, built_, here = pictures(asked).bound.plots[0].series
    assert np.allclose([y for _, y in least.points], [y for _, y in built_.points], atol=1e-9)
    assert [round(y, 6) for _, y in least.points] == [2.0, round(2 * 0.6**3, 6), 0.0]
    assert here.points == (built_.points[1],)


@pytest.mark.parametrize("loss", LOSSES)
def test_descent_comes_to_the_flow_at_first_order(loss):
    asked = Setting(R + "gradient-flow-limit", loss, 4, 4, 2, start="general", t=2.0)
    *modes, _ = pictures(asked).bound.plots[0].series
    assert [mode.label for mode in modes] == ["simultaneous", "A-first", "B-first"]
    for mode in modes:
        (h, near), (H, far) = mode.points[-1], mode.points[-2]
        assert 2 * h == H and 1.8 < far / near < 2.3


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"claim": R + "trace-squared-zero-loss"}, "choose it to see the bound"),
        ({"claim": R + "frobenius-riccati-limit", "start": "gaussian"}, "assumes another start"),
        ({"claim": R + "frobenius-riccati-limit", "spectrum": "flat"}, "there is a tie"),
        ({"claim": R + "frobenius-riccati-limit", "start": "wrong"}, "misses a leading direction"),
        ({"claim": R + "frobenius-full-rank-rate"}, "choose r = m"),
        ({"claim": "zeng-lee/transformer-threshold"}, "no bound that is drawn here"),
    ],
)
def test_where_a_claim_says_nothing_there_is_a_reason(fields, words):
    drawn = pictures(Setting(**fields))
    assert drawn.bound is None and words in drawn.no_bound


def test_every_claim_with_a_bound_is_shipped():
    assert set(kinds()) <= {entry.name for entry in shipped_claims()}


# the server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    ledger = tmp_path_factory.mktemp("explore") / "empty.sqlite"  # not one that lies about here
    Ledger(ledger).close()
    found = Server(Shelf(shipped_claims(), ledger), 0, told=lambda text: None)
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    found.shutdown()
    thread.join()
    found.server_close()


def ask(server, target="/", method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    host = headers.pop("host", f"127.0.0.1:{server.server_port}")
    connection.putrequest(method, target, skip_host=True)
    for name, value in {"Host": host, **headers}.items():
        if value is not None:
            connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer, body


class Tags(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self, text):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_the_page_says_what_floats_are_and_fetches_nothing_from_elsewhere(server):
    answer, body = ask(server)
    assert answer.status == 200
    assert "they illustrate, and decide nothing" in body
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    for tag, attributes in Tags(body).tags:
        for name, value in attributes.items():
            assert not name.startswith("on") and name != "style", (tag, name)
            if name in ("src", "href", "action"):
                assert value.startswith(("/", "#", "data:,")) and not value.startswith("//")
    scripts = [attributes for tag, attributes in Tags(body).tags if tag == "script"]
    assert scripts == [{"src": "/explore.js", "defer": None}]


def test_every_claim_is_listed_and_none_has_a_verdict_without_a_scope(server):
    _, body = ask(server)
    names = {a["value"] for t, a in Tags(body).tags if t == "input" and a.get("name") == "claim"}
    assert names == {"", *(entry.name for entry in shipped_claims())}
    known = re.findall('class="known">([^<]*)<', body)
    assert len(known) == len(names) - 1
    assert all(text.startswith("not verified in this ledger") for text in known)


def test_the_files_of_the_page(server):
    for target, kind in (("/explore.js", "text/javascript"), ("/explore.css", "text/css")):
        answer, body = ask(server, target)
        assert answer.status == 200 and answer.headers["Content-Type"].startswith(kind) and body
    assert ask(server, "/../../etc/passwd")[0].status == 404


def test_a_moved_slider_gets_the_parts_that_it_changes(server):
    answer, body = ask(server, "/draw?claim=classical/balancedness&n=5&m=4&r=2&t=3")
    parts = json.loads(body)
    assert answer.status == 200
    assert set(parts) == {"flow", "error", "bound", "facts", "told", "claim-told"}
    wanted = expected_verdict("classical/balancedness", "standard")
    assert f"the baseline expects {wanted}" in parts["claim-told"]
    assert "<svg" in parts["bound"] and "<math" in parts["claim-told"]


@pytest.mark.parametrize(
    "host",
    ["evil.test", "evil.test:{port}", "127.0.0.1", "localhost.evil.test:{port}", "", None],
)
def test_another_name_for_this_machine_is_refused(server, host):
    host = host and host.format(port=server.server_port)
    answer, body = ask(server, host=host)
    assert answer.status == 403 and "this machine only" in body


def test_localhost_is_this_machine(server):
    assert ask(server, "/explore.js", host=f"localhost:{server.server_port}")[0].status == 200


def test_another_site_may_lead_here_but_not_ask(server):
    def asked(mode):
        return ask(server, "/explore.js", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode=mode)

    assert asked("no-cors")[0].status == 403
    assert asked("navigate")[0].status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
def test_nothing_but_get(server, method):
    answer, _ = ask(server, method=method)
    assert answer.status == 405 and answer.headers["Allow"] == "GET"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("n=99", "n: expected an integer from 1 to 24"),
        ("claim=<script>alert(1)</script>", "claim: expected the name of a claim on the page"),
        ("values=" + "1" * 5000, "expected a query of at most"),
        ("&".join(f"n{i}=1" for i in range(50)), "at most 40 parameters"),
        ("n=%ff%00", "n: expected an integer"),
        ("n=4&m=4&n=5", "expected each parameter once, got 'n' again"),
        ("spectrum=custom&values=", "values: expected 1 to"),
    ],
)
def test_a_bad_parameter_is_a_400_with_what_was_expected(server, query, words):
    answer, body = ask(server, "/draw?" + query)
    assert answer.status == 400 and words in body
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_a_bad_parameter_of_the_page_is_told_on_it_and_escaped(server):
    answer, body = ask(server, "/?start=<script>alert(1)</script>")
    assert answer.status == 400
    assert "start: expected one of" in body and "<script>alert" not in body


def test_an_unknown_claim_is_told_on_the_page(server):
    answer, body = ask(server, "/?claim=none/such<b>")
    assert answer.status == 404
    assert "no such claim" in body and "none/such&lt;b&gt;" in body and "such<b>" not in body


def test_what_is_no_http_gets_one_line_and_no_traceback(server):
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=30) as client:
        client.sendall(b"\x00\xff nonsense\r\n\r\n")
        answer = client.recv(4096)
    assert answer.startswith(b"Bad HTTP") and b"Traceback" not in answer


def test_it_listens_on_this_machine_alone(server):
    assert server.server_address[0] == "127.0.0.1"


def test_a_port_that_is_taken_is_told(server):
    with pytest.raises(BadInput, match=f"port {server.server_port}: expected one that is free"):
        Server(server.shelf, server.server_port, told=print)


def test_a_recorded_verdict_stands_with_its_scope(tmp_path):
    from lora_proofs.running.ledger import Ledger

    (entry,) = [e for e in shipped_claims() if e.name == "classical/balancedness"]
    ledger = tmp_path / "ledger.sqlite"
    record = {
        "name": entry.name,
        "verdict": "PROVED",
        "scope": "all shapes",
        "cites": ["<b>", "another"],
        "run": {"budget": "quick", "seed": 0},
    }
    with Ledger(ledger) as book:
        book.append(record, place=str(entry.locator), budget="quick", seed=0)
    volume = Shelf([entry], ledger).volume(entry.name)
    assert volume.verdict == "PROVED for all shapes, modulo 2 cited theorems"
    from lora_proofs.report.explore.page import claim_html

    told = claim_html(volume)
    assert "for all shapes, modulo &lt;b&gt;; another" in told and "<b>" not in told


HOSTILE = "<script>alert(1)</script>\u202e\x07</style>${{7*7}}"


def test_a_hostile_claim_is_text(claim_file):
    from dataclasses import replace

    from lora_proofs.report.explore.page import claim_html, page
    from lora_proofs.running.catalogue import file_claims

    (entry,) = file_claims(claim_file("mine = variant('x')\nbase = None\n"))
    told = {**entry.told, "title": HOSTILE, "statement": HOSTILE, "note": HOSTILE}
    told["assumptions"] = [{"name": HOSTILE, "statement": f"$\\text{{{HOSTILE}}}$"}]
    entry = replace(entry, name=HOSTILE, told=told)
    volume = Shelf([entry]).volume(HOSTILE)
    asked = Setting(claim=HOSTILE)
    for text in (claim_html(volume), page(asked, pictures(asked), Shelf([entry]))):
        assert "<script>alert" not in text and "</style>$" not in text and "alert(1)" in text
        assert not set(text) & set("\u202e\x07")
        assert "{{7*7}}" in text


# the command


def test_the_command_prints_the_address_and_ends_with_ctrl_c(lora_proofs, claim_file):
    process = subprocess.Popen(
        lora_proofs.command("explore", claim_file(), "--port", "0", "--no-browser"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=lora_proofs.folder,
        env=lora_proofs.environment(),
    )  # fmt: skip
    try:
        address = process.stdout.readline()
        port = int(re.fullmatch(r"http://127\.0\.0\.1:(\d+)/\n", address)[1])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/draw?n=3&m=3&r=1")
        assert connection.getresponse().status == 200
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out, err) == (0, "", "lora-proofs: stopped\n")


def test_the_command_refuses_what_it_cannot_serve(lora_proofs, server):
    taken = server.server_port
    lora_proofs.refuses("explore", "--port", 70_000, words=["--port: expected a number from 0"])
    lora_proofs.refuses(
        "explore", "--port", taken, "--no-browser", words=[f"port {taken}", "--port 0"]
    )
    lora_proofs.refuses("explore", "--ledger", "none.sqlite", words=["there is no such file"])
    lora_proofs.refuses("explore", "nothing.py", words=["expected a readable Python file"])
