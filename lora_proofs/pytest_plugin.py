"""A claim as a pytest test: ``test_x = as_test(claim)``, with options and the marker lora_proofs.

``--lora-proofs-budget`` and ``--lora-proofs-seed`` hold for every claim; a test that is marked
``@pytest.mark.lora_proofs(budget="standard", seed=3)`` has its own. Tests made by ``as_test`` carry
the marker, so that ``-m lora_proofs`` selects them and ``-m "not lora_proofs"`` leaves them out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from lora_proofs.errors import BadInput

if TYPE_CHECKING:
    from lora_proofs.language.claim import Claim

MARKER = "lora_proofs"
BUDGET, SEED = "--lora-proofs-budget", "--lora-proofs-seed"
BUDGETS = ("quick", "standard", "deep")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that hold for every claim."""
    group = parser.getgroup("lora_proofs", "verification of claims")
    group.addoption(
        BUDGET,
        choices=BUDGETS,
        default="quick",
        help="how much evidence as_test(claim) gathers (default: quick)",
    )
    group.addoption(
        SEED,
        type=int,
        default=0,
        metavar="N",
        help="the seed of the instances that as_test(claim) draws (default: 0)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, so that strict markers know it."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(budget, seed): a claim that is verified; its own budget and seed, where given",
    )


def as_test(
    claim: Claim | str,
    *,
    expect: str = "SUPPORTED",
    budget: str | None = None,
    seed: int | None = None,
) -> Callable[[pytest.FixtureRequest], None]:
    """A test that verifies a claim and fails where its verdict is weaker than ``expect``.

    ``claim`` is a claim, its name, or ``file.py::NAME``, as for ``verify``; a text is read at once.
    A claim that is false on purpose says ``expect="REFUTED"``. ``budget`` and ``seed`` are those of
    the command line, unless they are given here or by the marker. Raises ``BadInput`` for no
    claim, and for a verdict or a budget that does not exist.
    """
    from lora_proofs.language.verdict import Verdict
    from lora_proofs.running.loading import the_claim

    if expect not in list(Verdict):
        raise BadInput(f"as_test: expected expect among {', '.join(Verdict)}; got {expect!r}")
    own = {k: v for k, v in (("budget", budget), ("seed", seed)) if v is not None}
    _checked(own)
    known = the_claim(claim)

    def test(request: pytest.FixtureRequest) -> None:
        told = settings(request)
        problem = shortcoming(known, told["budget"], told["seed"], expect)
        if problem:
            pytest.fail(problem, pytrace=False)

    test.__doc__ = known.statement
    marked: Callable[[pytest.FixtureRequest], None] = pytest.mark.lora_proofs(**own)(test)
    return marked


def settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Budget and seed of a test: of the last marker that names one, else of the command line."""
    told: dict[str, Any] = {
        "budget": request.config.getoption(BUDGET, default="quick"),
        "seed": request.config.getoption(SEED, default=0),
    }
    found = [m for node in request.node.listchain() for m in node.own_markers]
    for marker in found:  # from the session down to the test, and as they were applied to it
        if marker.name == MARKER:
            _checked(marker.kwargs, marker.args)
            told.update(marker.kwargs)
    return told


def _checked(own: dict[str, Any], rest: tuple[Any, ...] = ()) -> None:
    """Raise ``BadInput`` for anything but a budget and a seed."""
    budget, seed = own.get("budget", "quick"), own.get("seed", 0)
    whole = isinstance(seed, int) and not isinstance(seed, bool)
    if rest or not set(own) <= {"budget", "seed"} or budget not in BUDGETS or not whole:
        raise BadInput(
            f"{MARKER}: expected budget= one of {', '.join(BUDGETS)} and seed= a whole number, got "
            f"{(*rest, own)!r}"
        )


def shortcoming(claim: Claim, budget: str, seed: int, expect: str) -> str:
    """Why a claim's verdict is not what a test expects, or nothing."""
    from lora_proofs.cli.outcome import attention
    from lora_proofs.language.verdict import as_expected
    from lora_proofs.running.runner import verify

    result = verify(claim, budget=budget, seed=seed)
    if as_expected(str(result.verdict), expect):
        return ""
    record = {**result.to_dict(), "expected": expect}
    found = record["counterexample"]
    if not found:
        return "\n".join(attention(record))
    # What the record says of a replay speaks of a result, which a test does not show.
    record["counterexample"] = {**found, "replay": ""}
    return "\n".join([*attention(record), *_again(claim, found["instance"])])


def _again(claim: Claim, instance: dict[str, Any]) -> Iterator[str]:
    """A counterexample as one line of JSON, and what replays it."""
    from lora_proofs.judging.counterexample import replaying_command

    command = replaying_command(claim)
    yield f"  the counterexample{', to be saved as counterexample.json' if command else ''}:"
    yield json.dumps({"claim": claim.name, "instance": instance})
    if command:
        yield f"  replay it: {command}"
    else:
        yield "  no file has the claim; replay it in Python, where LINE is the line above:"
        yield "    lora_proofs.replay(claim, json.loads(LINE))"
