"""A small server of the page, on this machine only: GET from 127.0.0.1, and nothing is stored."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from lora_proofs.errors import BadInput, LoraProofsError
from lora_proofs.report.explore.drawing import Pictures, pictures
from lora_proofs.report.explore.page import asset, page, parts
from lora_proofs.report.explore.setting import Setting, setting
from lora_proofs.report.explore.shelf import Shelf

HOST, PORT = "127.0.0.1", 8765
MOST_QUERY = 4_000
PATIENCE = 20.0
"""Seconds that a connection may stay silent."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "font-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
ASSETS = {
    "/explore.js": ("explore.js", "text/javascript; charset=utf-8"),
    "/explore.css": ("explore.css", "text/css; charset=utf-8"),
}
HTML, JSON, PLAIN = "text/html; charset=utf-8", "application/json", "text/plain; charset=utf-8"
Answer = tuple[int, str, str]
"""Status, type and body."""


class Server(ThreadingHTTPServer):
    """The page on a port of this machine; port 0 takes a free one.

    Raises ``BadInput`` where the port is taken or not ours to take.
    """

    daemon_threads = True
    allow_reuse_port = False

    def __init__(self, shelf: Shelf, port: int = PORT, *, told: Callable[[str], None]) -> None:
        self.shelf, self.told = shelf, told
        self.drawing = Lock()
        try:
            super().__init__((HOST, port), Handler)
        except OSError as error:
            why = (
                "it is in use" if error.errno == errno.EADDRINUSE else str(error.strerror or error)
            )
            raise BadInput(
                f"port {port}: expected one that is free on {HOST}, {why}; name another with "
                "--port N, or let --port 0 find one"
            ) from None

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self.server_port}/"

    def hosts(self) -> frozenset[str]:
        """The names under which a browser may ask; any other is another site's name for us."""
        names = (HOST, "localhost")
        with_port = {f"{name}:{self.server_port}" for name in names}
        return frozenset(with_port | ({*names} if self.server_port == 80 else set()))

    def drawn(self, asked: Setting) -> Pictures:
        """The pictures of a setting, one request at a time: small machines have few processors."""
        with self.drawing:
            return _pictures(asked)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle is nothing to tell."""


@lru_cache(maxsize=64)
def _pictures(asked: Setting) -> Pictures:
    return pictures(asked)


class Handler(BaseHTTPRequestHandler):
    """GET / and what the page loads; everything else is refused in a sentence."""

    server: Server
    timeout = PATIENCE
    server_version, sys_version = "lora-proofs", ""

    def do_GET(self) -> None:
        """Answer, or say what was expected."""
        refusal = self._refusal()
        if refusal:
            self._send((403, PLAIN, refusal))
            return
        try:
            self._send(self._answer())
        except LoraProofsError as error:
            self._send((400, PLAIN, str(error)))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        except Exception as error:
            self.server.told(f"internal error: {type(error).__name__}: {error}")
            self._send((500, PLAIN, f"internal error: {type(error).__name__}"))

    def _refused(self) -> None:
        self.close_connection = True
        self._send((405, PLAIN, "expected GET: nothing here can be changed"), {"Allow": "GET"})

    do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_TRACE = _refused
    do_CONNECT = _refused

    def _refusal(self) -> str:
        """Why a request is not from this machine's user: another name for us, another site."""
        if self.headers.get_all("Host", []) not in [[host] for host in self.server.hosts()]:
            return f"expected the address {self.server.address}: this page is for this machine only"
        other = self.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")
        if other and self.headers.get("Sec-Fetch-Mode") != "navigate":
            return "expected a request of this page, not of another site"
        return ""

    def _answer(self) -> Answer:
        url = urlsplit(self.path)
        if url.path in ASSETS:
            name, kind = ASSETS[url.path]
            return 200, kind, asset(name)
        if url.path == "/":
            return self._page(url.query)
        if url.path == "/draw":
            return self._draw(url.query)
        return 404, PLAIN, "expected /: there is one page"

    def _page(self, query: str) -> Answer:
        try:
            asked = _asked(query)
        except BadInput as error:
            return 400, HTML, page(Setting(), None, self.server.shelf, str(error))
        unknown = self._unknown(asked)
        if unknown:
            return 404, HTML, page(Setting(), None, self.server.shelf, unknown)
        return 200, HTML, page(asked, self.server.drawn(asked), self.server.shelf)

    def _unknown(self, asked: Setting) -> str:
        names = {entry.name for entry in self.server.shelf.entries}
        if not asked.claim or asked.claim in names:
            return ""
        return f"no such claim: expected the name of a claim on the page, got {asked.claim!r}"

    def _draw(self, query: str) -> Answer:
        asked = _asked(query)
        volume = self.server.shelf.volume(asked.claim) if asked.claim else None
        if asked.claim and volume is None:
            raise BadInput(self._unknown(asked))
        return 200, JSON, json.dumps(parts(asked, self.server.drawn(asked), volume))

    def _send(self, answer: Answer, more: dict[str, str] | None = None) -> None:
        status, kind, text = answer
        body = text.encode("utf-8", "replace")
        self.send_response(status)
        for name, value in {**HEADERS, **(more or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """A request that is no HTTP we know, told in plain text with the same headers."""
        self.close_connection = True
        self.command = getattr(self, "command", None) or "GET"
        self.request_version = getattr(self, "request_version", "") or "HTTP/1.0"
        self._send((int(code), PLAIN, message or "expected a GET request"))

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged: standard output has the address, and nobody watches requests."""


def _asked(query: str) -> Setting:
    if len(query) > MOST_QUERY:
        raise BadInput(f"expected a query of at most {MOST_QUERY} characters, got {len(query)}")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=40, errors="replace")
    except ValueError:
        raise BadInput("expected at most 40 parameters") from None
    asked = dict(pairs)
    if len(asked) < len(pairs):
        again = next(name for k, (name, _) in enumerate(pairs) if name in dict(pairs[:k]))
        raise BadInput(f"expected each parameter once, got {again[:40]!r} again")
    # A field that is left empty says nothing, but for a list that is asked for.
    wanted = {"claim", "values"} if asked.get("spectrum") == "custom" else {"claim"}
    return setting({name: value for name, value in pairs if value or name in wanted})


def serve(
    shelf: Shelf,
    port: int = PORT,
    *,
    ready: Callable[[str], None],
    told: Callable[[str], None],
) -> None:
    """Serve the page until the process is interrupted; ``ready`` hears the address.

    Raises ``BadInput`` for a port that is not free.
    """
    with Server(shelf, port, told=told) as server:
        ready(server.address)
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            told("stopped")
