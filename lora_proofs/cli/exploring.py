"""``explore``: the interactive page, served to this machine alone."""

from __future__ import annotations

import os
import sys
import webbrowser
from typing import Annotated

import typer

from lora_proofs.cli.options import DEFAULT_LEDGER, LedgerPath, Targets, note, whole
from lora_proofs.errors import BadInput

PORT, MOST_PORT = 8765, 65_535


def explore(
    targets: Targets = None,
    port: Annotated[
        int,
        typer.Option(
            metavar="N", parser=whole("--port"), help="The port on 127.0.0.1; 0 finds a free one."
        ),
    ] = PORT,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")
    ] = True,
    ledger: LedgerPath = DEFAULT_LEDGER,
) -> int:
    """Serve a page to explore flow, error and bounds of an instance, beside a claim.

    \b
    The page is for this machine only, and nothing leaves it. Its pictures are in floating point:
    they illustrate and decide nothing. Verdicts are read from the ledger. Ctrl-C ends it.

    \b
    Examples:
      lora-proofs explore
      lora-proofs explore --port 0 --no-browser
      lora-proofs explore my_claim.py --ledger runs/ledger.sqlite
    """
    if not 0 <= port <= MOST_PORT:
        raise BadInput(f"--port: expected a number from 0 to {MOST_PORT}, got {port}")
    from lora_proofs.report.explore.server import serve
    from lora_proofs.report.explore.shelf import Shelf
    from lora_proofs.running.selecting import select

    shelf = Shelf(select(targets or []), ledger)
    if ledger != DEFAULT_LEDGER:
        shelf.volumes()  # a ledger that was named has to be there

    def ready(address: str) -> None:
        print(address, flush=True)
        if browser and _has_screen():
            webbrowser.open(address)

    serve(shelf, port, ready=ready, told=lambda text: note(f"lora-proofs: {text}"))
    return 0


def _has_screen() -> bool:
    """Whether a browser would have a window: one in the terminal would be in the way."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
