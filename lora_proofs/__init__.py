"""Derives, tests, attacks and judges the theory of low-rank adaptation (LoRA).

Every public name is loaded when it is first used, so that ``import lora_proofs`` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lora_proofs import constructions, integrate, report, strategies
    from lora_proofs.arithmetic import Comparison, at_least, at_most, below, equal
    from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Paper, Source
    from lora_proofs.language.verdict import Verdict, judge
    from lora_proofs.mathematics import words
    from lora_proofs.mathematics.instance import Instance
    from lora_proofs.running.loading import load_claim
    from lora_proofs.running.replaying import replay
    from lora_proofs.running.result import Result
    from lora_proofs.running.runner import verify
    from lora_proofs.symbolic.steps import assumed, cited, identity, inequality, prose
    from lora_proofs.writing import flows, losses, measures
    from lora_proofs.writing.instances import instances_of
    from lora_proofs.writing.lora_instances import lora_problems

_HOMES = {
    "lora_proofs.arithmetic": ("Comparison", "at_least", "at_most", "below", "equal"),
    "lora_proofs.language.claim": (
        "Assumption",
        "Claim",
        "Control",
        "Instances",
        "Paper",
        "Source",
    ),
    "lora_proofs.language.verdict": ("Verdict", "judge"),
    "lora_proofs.mathematics.instance": ("Instance",),
    "lora_proofs.running.loading": ("load_claim",),
    "lora_proofs.running.replaying": ("replay",),
    "lora_proofs.running.result": ("Result",),
    "lora_proofs.running.runner": ("verify",),
    "lora_proofs.symbolic.steps": ("assumed", "cited", "identity", "inequality", "prose"),
    "lora_proofs.writing.instances": ("instances_of",),
    "lora_proofs.writing.lora_instances": ("lora_problems",),
}
_MODULES = {
    "constructions": "lora_proofs.constructions",
    "flows": "lora_proofs.writing.flows",
    "integrate": "lora_proofs.integrate",
    "losses": "lora_proofs.writing.losses",
    "measures": "lora_proofs.writing.measures",
    "report": "lora_proofs.report",
    "strategies": "lora_proofs.strategies",
    "words": "lora_proofs.mathematics.words",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Assumption",
    "Claim",
    "Comparison",
    "Control",
    "Instance",
    "Instances",
    "Paper",
    "Result",
    "Source",
    "Verdict",
    "assumed",
    "at_least",
    "at_most",
    "below",
    "cited",
    "constructions",
    "equal",
    "flows",
    "identity",
    "inequality",
    "instances_of",
    "integrate",
    "judge",
    "load_claim",
    "lora_problems",
    "losses",
    "measures",
    "prose",
    "replay",
    "report",
    "strategies",
    "verify",
    "words",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("lora_proofs")
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'lora_proofs' has no public name {name!r}; see dir(lora_proofs)")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
