"""A claim as a pytest test: ``test_x = as_test(claim)``, with ``--lora-proofs-budget``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from lora_proofs.errors import BadInput

if TYPE_CHECKING:
    from lora_proofs.language.claim import Claim

OPTION = "--lora-proofs-budget"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that sets the budget of every claim."""
    group = parser.getgroup("lora_proofs", "verification of claims")
    group.addoption(
        OPTION,
        choices=("quick", "standard", "deep"),
        default="quick",
        help="how much evidence as_test(claim) gathers (default: quick)",
    )


def as_test(
    claim: Claim, *, expect: str = "SUPPORTED", seed: int = 0
) -> Callable[[pytest.FixtureRequest], None]:
    """A test that verifies a claim and fails where its verdict is weaker than ``expect``.

    A claim that is false on purpose says ``expect="REFUTED"``. Raises ``BadInput`` for a verdict
    that does not exist.
    """
    from lora_proofs.language.verdict import Verdict

    if expect not in list(Verdict):
        raise BadInput(f"as_test: expected expect among {', '.join(Verdict)}; got {expect!r}")

    def test(request: pytest.FixtureRequest) -> None:
        budget = request.config.getoption(OPTION, default="quick")
        problem = shortcoming(claim, str(budget), seed, expect)
        if problem:
            pytest.fail(problem, pytrace=False)

    test.__doc__ = claim.statement
    return test


def shortcoming(claim: Claim, budget: str, seed: int, expect: str) -> str:
    """Why a claim's verdict is not what a test expects, or nothing."""
    from lora_proofs.cli.outcome import attention
    from lora_proofs.language.verdict import as_expected
    from lora_proofs.running.runner import verify

    result = verify(claim, budget=budget, seed=seed)
    if as_expected(str(result.verdict), expect):
        return ""
    return "\n".join(attention({**result.to_dict(), "expected": expect}))
