"""Every exception of lora_proofs, and the wording rule that they share.

A message says what was expected, what came (name, value, shape), where, and what to do.
Each exception carries the exit code that the command line answers with.
"""

from __future__ import annotations


class LoraProofsError(Exception):
    """Base of every exception that lora_proofs raises on purpose."""

    exit_code = 3


class BadInput(LoraProofsError):
    """Input, usage or an output path that cannot be used as given."""

    exit_code = 4


class ClaimRefused(BadInput):
    """A claim that is malformed: refused when it is loaded, before anything runs."""


class LedgerError(BadInput):
    """A ledger that cannot be opened, read or written."""


class ClusterError(BadInput):
    """A cluster that cannot be reached, or whose workers cannot be used."""


class NothingSelected(LoraProofsError):
    """Targets that select no claim."""

    exit_code = 5


class ShapeMismatch(BadInput):
    """Matrices whose shapes do not fit the operation."""


class NotUnderstood(LoraProofsError):
    """An expression or a step outside what the symbolic engine can handle: never taken as 0."""

    exit_code = 4


class Unavailable(LoraProofsError):
    """An operation that an arithmetic lacks; the runner goes on to the next arithmetic."""

    def __init__(self, operation: str, arithmetic: str, hint: str = "") -> None:
        self.operation = operation
        self.arithmetic = arithmetic
        super().__init__(
            f"{operation} is not available in {arithmetic} arithmetic"
            + (f": {hint}" if hint else "")
        )


class Contradiction(LoraProofsError):
    """A derivation and an exact instance disagree: the formalisation or the engine is wrong."""


class ToleranceNotMet(LoraProofsError):
    """An accuracy that cannot be reached for this input: it blows up, or is too sensitive."""

    exit_code = 4
