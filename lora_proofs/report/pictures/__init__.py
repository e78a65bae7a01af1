"""Pictures of claims: computed by the package's kernels and closed forms, as format-free figures.

Each picture is computed once in a process. A claim without a fitting picture gets none.
"""

from __future__ import annotations

from importlib import import_module

from lora_proofs.report.figure import Figure
from lora_proofs.report.pictures.slacks import slack_distribution
from lora_proofs.report.records import Record, name_of

_RK, _ZL = "rushka-klabjan/", "zeng-lee/"
PICTURES = {
    "flow.frobenius_flow": (
        _RK + "frobenius-riccati",
        _RK + "frobenius-riccati-limit",
        _RK + "frobenius-riccati-closed-form",
        _RK + "frobenius-general-zero-b",
        _RK + "lora-flow-equations",
    ),
    "flow.spectral_start": (_RK + "frobenius-spectral-start", _RK + "frobenius-decoupling"),
    "flow.wrong_directions": (_RK + "frobenius-wrong-directions", _RK + "frobenius-zero-entries"),
    "flow.trace_squared_flow": (
        _RK + "trace-squared-closed-form",
        _RK + "trace-squared-zero-loss",
        _RK + "trace-squared-limit-from-zero-b",
    ),
    "order.order_of_convergence": (
        _RK + "gradient-flow-limit",
        _RK + "limit-bound",
        _RK + "order-of-the-gap",
        _RK + "leading-error",
    ),
    "order.one_step": (_RK + "first-order-equality", _RK + "one-step-difference"),
    "rank_law.rank_law": (
        _RK + "trace-squared-error-orthogonal-rows",
        _RK + "trace-squared-error-lower-bound",
        _RK + "trace-squared-expected-error-gaussian",
        _RK + "trace-squared-relative-error",
    ),
    "staircase.staircase": (
        _ZL + "linear-optimal-error",
        _ZL + "linear-lower-bound",
        _ZL + "linear-exact-threshold",
    ),
    "saddle.saddle": (_RK + "limits-at-infinity",),
}


def for_claim(record: Record) -> tuple[Figure, ...]:
    """The pictures of a recorded claim, and the distribution of its slacks where it has one.

    >>> [figure.title for figure in for_claim({"name": "rushka-klabjan/limits-at-infinity"})]
    ['Where the orders of updates part']
    >>> for_claim({"name": "my/claim"})
    ()
    """
    name = name_of(record)
    chosen = [which for which, claims in PICTURES.items() if name in claims]
    return (*map(picture, chosen), *slack_distribution(record))


def picture(which: str) -> Figure:
    """One of ``PICTURES``, such as ``order.one_step``."""
    module, function = which.split(".")
    found: Figure = getattr(import_module(f"lora_proofs.report.pictures.{module}"), function)()
    return found
