"""Certificates of where the LoRA flow is at a time, and of the limit that its loss has.

Floats and balls nominate times, steps and singular values. What is written is exact, and every
certificate has passed ``lora_proofs/checker.py`` before it is handed out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from fractions import Fraction
from math import ceil, floor, log10
from pathlib import Path
from typing import Any

from lora_proofs.arithmetic.exact import rational
from lora_proofs.certificates.envelope import certificate
from lora_proofs.certificates.flow_steps import FlowData, Link, each, links, root_above
from lora_proofs.certificates.gap import nominated_time, spectrum
from lora_proofs.checker import Invalid, Malformed, check, sqrt_down, sqrt_up
from lora_proofs.errors import BadInput, ToleranceNotMet
from lora_proofs.solving.flow_field import EnclosedFlow
from lora_proofs.solving.problem import INFINITE, Problem

LARGEST = 100
"""The largest n m r of a flow that is certified: the checker runs on Python's integers."""
DIGITS = 20
ATTEMPTS = 6
AT_TIME = (
    "at time t the LoRA flow from (A0, B0) is within the radius of (A, B), and its loss between "
    "loss_lower and loss_upper"
)
LIMIT = (
    "as t -> infinity the loss of the LoRA flow from (A0, B0) tends to half the sum of "
    "sigma_i(Y - W0)^2 over i > r, which lies between limit_lower and limit_upper"
)


def flow_certificate(
    flow: FlowData, t: Any, *, digits: int = DIGITS, claim: str | None = None
) -> dict[str, Any]:
    """A certificate of kind ``flow``: a ball around (A, B) that the flow is in at time t.

    The radius is at most 10^-digits, relative to the largest entry where that is above 1. Raises
    ``BadInput`` for a flow that is too large, ``ToleranceNotMet`` where errors outgrow the digits.

    >>> told = flow_certificate(FlowData.of([[0]], [[1]], [["1/2"]], [[0]]), 1, digits=8)
    >>> told["kind"], rational(told["radius"]) < Fraction(1, 10**8)
    ('flow', True)
    """
    return _confirmed("flow", claim, AT_TIME, flow_data(flow, rational(t), digits))


def gap_certificate(flow: FlowData, *, claim: str | None = None) -> dict[str, Any]:
    """A certificate of kind ``critical-value-gap``: the exact limit of the Frobenius loss.

    Raises ``BadInput`` for a flow that is too large or of another loss, ``ToleranceNotMet`` where
    no time was found at which the loss is below the second smallest critical value.

    >>> flow = FlowData.of([[0, 0], [0, 0]], [[2, 0], [0, 1]], [[1, 1]], [[0], [0]])
    >>> told = gap_certificate(flow)
    >>> told["limit_lower"], told["limit_upper"], len(told["levels"])
    ('1/2', '1/2', 2)
    """
    if flow.Y is None:
        raise BadInput("certificate: expected the loss frobenius, whose critical values are known")
    _not_too_large(flow)
    t, digits = nominated_time(flow)
    told = flow_data(flow, t, digits)
    for bits in (64, 128, 256, 512, 1024):
        seen = spectrum(flow, bits)
        if seen["second"] is None:  # 0 is the one critical value
            seen["second"] = told["loss_upper"] + 1
        try:
            return _confirmed("critical-value-gap", claim, LIMIT, {**told, **seen})
        except ToleranceNotMet as error:
            refused = error
    raise refused


def _not_too_large(flow: FlowData) -> None:
    n, m = flow.W0.shape
    if n * m * len(flow.A0) > LARGEST:
        raise BadInput(
            f"certificate: expected n m r of at most {LARGEST}, because the checker runs on plain "
            f"integers, got n = {n}, m = {m}, r = {len(flow.A0)}"
        )


def flow_data(flow: FlowData, t: Fraction, digits: int) -> dict[str, Any]:
    """What the certificate says of the flow at time t, for more and more working digits."""
    _not_too_large(flow)
    working = digits + 4
    for _ in range(ATTEMPTS):
        chain = list(links(flow, t, working))
        told = _told(flow, t, chain, digits)
        largest = max([Fraction(1), *(abs(x) for X in "AB" for row in told[X] for x in row)])
        missing = ceil(_log10(told["radius"] / largest) + digits) if told["radius"] else 0
        if missing <= 0:
            return told
        working += missing + 2
    raise ToleranceNotMet(
        f"certificate: {digits} digits at t = {t} were not reached; the bound on the growth of "
        "errors is too large: ask for fewer digits or an earlier time"
    )


def for_problem(problem: Problem, digits: int = DIGITS) -> dict[str, Any]:
    """The certificate of a problem: of its times, several as a bundle, or of its limit.

    Raises ``BadInput`` with the reason where no certificate is known for such a problem.

    >>> from lora_proofs.solving.problem import read_problem
    >>> data = {"loss": "frobenius", "W0": [[0]], "Y": [[1]], "A0": [["1/2"]], "t": "inf"}
    >>> for_problem(read_problem(data))["kind"]
    'critical-value-gap'
    """
    if problem.method != "flow" or problem.adapter != "lora" or not problem.plain:
        raise BadInput(
            "certificate: expected the flow of the adapter lora with scale and rates 1; the "
            "checker knows no other equation"
        )
    flow = FlowData.of(problem.W0, problem.Y, problem.A0, problem.B0)
    if problem.times == INFINITE:
        return gap_certificate(flow)
    found = [flow_certificate(flow, t, digits=digits) for t in problem.times]
    if len(found) == 1:
        return found[0]
    return certificate("bundle", None, "every certificate in it", certificates=found)


def certificates_of(
    flows: Iterable[EnclosedFlow], *, claim: str | None = None, digits: int = 12, work: int = 40
) -> list[dict[str, Any]]:
    """Certificates of flows that ``recorded_flows`` heard of, as far as they are small.

    ``digits`` is the most that is asked of one; flows with n m r ||W0 - Y|| t above ``work`` are
    left out, and so are those whose certificate the checker does not accept.

    >>> from lora_proofs.mathematics.losses import frobenius
    >>> from lora_proofs.solving.flow_field import lora_field, recorded_flows
    >>> with recorded_flows() as flows:
    ...     end = lora_field(frobenius([[1]]), [[0]], [[1]], [[0]]).enclosure("1/2", digits=8)
    >>> [(told["kind"], told["t"]) for told in certificates_of(flows)]
    [('flow', '1/2')]
    """
    found = []
    for one in flows:
        flow = FlowData.of(one.W0, one.Y, one.A0, one.B0)
        size = flow.W0.size * len(flow.A0) * sum(abs(x) for x in flow.C.flat)
        if rational(size) * one.t > work:
            continue
        with suppress(BadInput, ToleranceNotMet):
            asked = min(digits, one.digits)
            found.append(flow_certificate(flow, one.t, digits=asked, claim=claim))
    return found


def write_flow_certificate(problem: Problem, path: str | Path, digits: int = DIGITS) -> str:
    """Write the certificate of a problem, and return its kind; ``BadInput`` as ``for_problem``."""
    told = for_problem(problem, digits)
    try:
        Path(path).write_text(json.dumps(told) + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path}: the certificate cannot be written: {error.strerror}") from None
    return str(told["kind"])


def _confirmed(kind: str, claim: str | None, asserts: str, told: dict[str, Any]) -> dict[str, Any]:
    """The certificate, if the checker accepts it."""
    document = certificate(kind, claim, asserts, **told)
    try:
        check(document)
    except (Invalid, Malformed) as error:
        raise ToleranceNotMet(f"certificate: the checker does not accept it: {error}") from None
    return document


def _told(flow: FlowData, t: Fraction, chain: list[Link], digits: int) -> dict[str, Any]:
    """The flow, the steps, and the ball at their end, around numbers with few decimals."""
    end, error = _end(flow, chain)
    near = {name: each(X, lambda x: _decimal(x, digits + 2)) for name, X in end.items()}
    off = sum((x - y) ** 2 for k in "AB" for x, y in zip(near[k].flat, end[k].flat, strict=True))
    radius = _above(error + root_above(Fraction(off)))
    low, high = _loss_bounds(flow, near, radius, digits)
    return {
        "loss": flow.loss,
        **{name: getattr(flow, name) for name in ("W0", "Y", "A0", "B0")},
        "t": t,
        "steps": [link.told() for link in chain],
        **near,
        "radius": radius,
        "loss_lower": low,
        "loss_upper": high,
    }


def _end(flow: FlowData, chain: list[Link]) -> tuple[dict[str, Any], Fraction]:
    """The middle of the last ball and its radius; the start itself where there is no step."""
    if not chain:
        return {"A": each(flow.A0, rational), "B": each(flow.B0, rational)}, Fraction(0)
    link = chain[-1]
    sums = {"A": sum(link.A), "B": sum(link.B)}
    size = 2**link.bits
    return {k: each(X, lambda x: Fraction(x, size)) for k, X in sums.items()}, link.radius_out


def _decimal(x: Fraction, places: int) -> Fraction:
    return Fraction(round(x * 10**places), 10**places)


def _above(x: Fraction) -> Fraction:
    """x >= 0 rounded up to about two decimal digits."""
    unit = Fraction(10) ** (ceil(_log10(x)) - 2) if x else Fraction(1)
    return ceil(x / unit) * unit


def _log10(x: Fraction) -> float:
    """Of x > 0, nearly; also where floats underflow."""
    p, q = x.as_integer_ratio()
    return log10(2) * (p.bit_length() - q.bit_length())


def _loss_bounds(
    flow: FlowData, end: dict[str, Any], radius: Fraction, digits: int
) -> tuple[Fraction, Fraction]:
    """Decimals around the loss on the ball: a root of 2f moves by |y| radius + radius^2/2."""
    W = each(flow.C, rational) + end["B"] @ end["A"]
    square, reach = (
        sum((x * x for x in v), Fraction(0))
        for v in (flow.roots(W), [*end["A"].flat, *end["B"].flat])
    )
    bits = 64 + 8 * digits
    moved = sqrt_up(reach, 64) * radius + radius**2 / 2
    if moved == 0:
        return square / 2, square / 2
    low = max(sqrt_down(square, bits) - moved, Fraction(0)) ** 2 / 2
    high = (sqrt_up(square, bits) + moved) ** 2 / 2
    unit = Fraction(10) ** (floor(_log10(high - low)) - 2)
    return floor(low / unit) * unit, ceil(high / unit) * unit
