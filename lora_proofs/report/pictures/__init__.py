"""Pictures of claims: computed by the package's kernels and closed forms, as format-free figures.

Each picture is computed once in a process. A claim without a fitting picture gets none.
"""

from __future__ import annotations

from importlib import import_module

from lora_proofs.report.figure import Figure
from lora_proofs.report.pictures.slacks import slack_distribution
from lora_proofs.report.records import Record, name_of


def _of(paper: str, names: str) -> tuple[str, ...]:
    return tuple(f"{paper}/{name}" for name in names.split())


PICTURES = {
    "flow.frobenius_flow": _of(
        "rushka-klabjan",
        "frobenius-riccati frobenius-riccati-limit frobenius-riccati-closed-form "
        "frobenius-general-zero-b frobenius-excess-loss lora-flow-equations expressivity-bridge",
    ),
    "flow.spectral_start": _of(
        "rushka-klabjan", "frobenius-spectral-start frobenius-decoupling frobenius-half-time"
    ),
    "flow.wrong_directions": _of(
        "rushka-klabjan",
        "frobenius-wrong-directions frobenius-zero-entries naive/spectral-start-any-direction "
        "naive/zero-entry-does-no-harm",
    ),
    "flow.trace_squared_flow": _of(
        "rushka-klabjan",
        "trace-squared-closed-form trace-squared-zero-loss trace-squared-limit-from-zero-b "
        "naive/trace-squared-always-zero-loss",
    ),
    "order.order_of_convergence": _of(
        "rushka-klabjan",
        "gradient-flow-limit limit-bound limit-without-bounded-iterates bound-between-orders "
        "order-of-the-gap leading-error naive/same-iterates-at-fixed-step",
    ),
    "order.one_step": _of(
        "rushka-klabjan",
        "first-order-equality one-step-difference one-step-difference-general one-step-bound",
    ),
    "rank_law.rank_law": _of(
        "rushka-klabjan",
        "trace-squared-error-orthogonal-rows trace-squared-error-lower-bound "
        "trace-squared-expected-error-gaussian trace-squared-relative-error "
        "naive/gaussian-error-vanishes-at-full-rank naive/error-without-dimension "
        "naive/error-without-flat-start naive/update-approaches-full",
    ),
    "staircase.staircase": _of(
        "zeng-lee",
        "linear-optimal-error linear-lower-bound linear-exact-threshold "
        "linear-nonsingular-weights-suffice monotone-in-rank",
    ),
    "saddle.saddle": _of("rushka-klabjan", "limits-at-infinity naive/same-limit-at-infinite-time"),
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
