"""One step of an enclosure: a polynomial, its defect, and a tube that errors do not leave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from operator import add
from typing import Any

import flint

from lora_proofs.errors import NotUnderstood
from lora_proofs.integrate.logarithmic_norm import BITS, Free, Rates, Sharp
from lora_proofs.integrate.majorant import Majorant, constants, majorants, tanh_on_a_ball
from lora_proofs.integrate.norms import frobenius
from lora_proofs.integrate.series import Series
from lora_proofs.integrate.tanh_model import TanhPath
from lora_proofs.integrate.tape import Node, Tape
from lora_proofs.mathematics.losses import LogCosh


class StepTooLong(Exception):
    """A bound that cannot be had on a step of this length; a shorter one is tried."""


@dataclass(frozen=True, eq=False)
class Path:
    """What is known of a step before its length is chosen."""

    coefficients: dict[Any, list[Any]]  # exact
    norms: dict[Any, flint.arb_poly]  # majorants of the coefficients
    local: flint.arb_poly  # at h: a bound of the integral of the defect over [0, h]
    sizes: list[flint.arb]  # p_k of the logarithmic norm
    order: int
    reach: flint.arb | None  # all of it holds up to here; None: for all times


@dataclass(frozen=True, eq=False)
class Stepper:
    """The bounds on a step, for one field with one bound of its logarithmic norm."""

    tape: Tape  # the field, and the growth word where the bound needs it
    values: Mapping[Any, Any]
    scales: Mapping[Any, Any]  # sqrt of the weights of the moving symbols
    norm: Free | Sharp
    series: Series
    probe: Series
    fixed: dict[int, flint.arb]
    inner: tuple[int, ...]

    @classmethod
    def of(
        cls, tape: Tape, short: Tape, values: Mapping[Any, Any], scales: Any, bound: str
    ) -> Stepper:
        """``short`` is the tape of the field alone, ``bound`` is "free" or "sharp"."""
        norm = Free(tape, scales) if bound == "free" else Sharp(tape, scales)
        beyond = tape.nodes[len(short.nodes) :]
        source = tape if any(node.op == "gradient" for node in beyond) else short
        probe = Series(tape, values)
        nodes = probe.at({symbol: values[symbol] for symbol in scales})
        _check(tape, values)
        with flint.ctx.workprec(BITS):
            fixed = constants(tape, nodes)
        series = Series(source, values)
        return cls(tape, values, scales, norm, series, probe, fixed, _inner(source))

    def growth_at(self, point: Mapping[Any, Any]) -> flint.arb:
        """An upper bound of the logarithmic norm at every point of a box."""
        with flint.ctx.workprec(BITS):
            return self.norm.at(self.probe.at(point))

    def path(self, start: Mapping[Any, Any], order: int) -> Path:
        """The Taylor polynomial from an exact start, with its majorants.

        The defect y~' - F(y~) has coefficients (k + 1) c_{k+1} - F(c)_k. Below the order they are
        the rounding of the Taylor coefficients; from there on the majorant of F bounds them.
        """
        y, gaps = self.series.centred_flow(start, order)
        with flint.ctx.workprec(BITS):
            norms = {s: flint.arb_poly([frobenius(c) for c in cs]) for s, cs in y.items()}
            paths: list[TanhPath] = []
            known = {i: [_norm(c) for c in self.series.series[i]] for i in self.inner}
            found = majorants(self.tape, norms, self.fixed, self._tanh(paths), inner=known)
            reaches = [path.reach for path in paths if path.reach is not None]
            return Path(
                y,
                norms,
                _defect(found, gaps, self.scales, order).integral(),
                self.norm.sizes(found),
                order,
                reduce(flint.arb.min, reaches) if reaches else None,
            )

    def _tanh(self, paths: list[TanhPath]) -> Any:
        """Majorants of the gradients on the path; they leave a note of how far they hold."""

        def gradient(position: int, node: Node, point: Majorant) -> Majorant:
            w, u = self.series.series[node.args[0]], self.series.series[position]
            paths.append(TanhPath([u[0] * 0 if x is None else x for x in w], u))
            return paths[-1].majorant(point)

        return gradient

    def radius(self, path: Path, rates: Rates, h: flint.arb, before: flint.arb) -> flint.arb:
        """A bound of the error at the end of the step, or ``StepTooLong``.

        With mu(t) + K rho for the logarithmic norm on the tube of radius rho, the error is at most
        |e(0)| e^{int mu + K rho h} + int delta e^{int mu_+ + K rho h} at the end, and never more
        than (|e(0)| + int delta) e^{int mu_+ + K rho h}. Where that is below rho, no error leaves
        the tube, by continuity.
        """
        with flint.ctx.workprec(BITS):
            local = path.local(h).abs_upper()
            total, positive = rates.total(h), rates.positive(h)
            reached = before + local
            tube = (2 * reached * positive.exp()).upper()
            for _ in range(6):
                slack = self._lipschitz(path, h, tube) * tube * h
                worst = (positive + slack).exp()
                peak = (reached * worst).upper()
                if peak < tube or peak == 0:
                    return (before * (total + slack).exp() + local * worst).upper()
                if not slack < 1:
                    break
                tube = 2 * peak
        raise StepTooLong

    def _lipschitz(self, path: Path, h: flint.arb, tube: flint.arb) -> flint.arb:
        sizes = {s: (path.norms[s](h) + tube / d).upper() for s, d in self.scales.items()}
        bends = isinstance(self.norm, Sharp)
        found = majorants(self.tape, sizes, self.fixed, tanh_on_a_ball, bends=bends)
        return self.norm.lipschitz(found)


def _defect(
    found: Mapping[Any, Majorant], gaps: Mapping[Any, list[Any]], scales: Any, order: int
) -> flint.arb_poly:
    """A majorant of the weighted norm of the defect."""
    rounding = [flint.arb(0)] * order
    for symbol, balls in gaps.items():
        for k, ball in enumerate(balls):
            rounding[k] = rounding[k] + (k + 1) * scales[symbol] * frobenius(ball)
    bounds = [flint.arb_poly([0]) + found[s].bound * d for s, d in scales.items()]
    tail = reduce(add, bounds).coeffs()[order:]
    return flint.arb_poly([x.upper() for x in (*rounding, *tail)])


def _norm(coefficient: Any) -> flint.arb:
    return flint.arb(0) if coefficient is None else frobenius(coefficient)


def _inner(tape: Tape) -> tuple[int, ...]:
    """The moving products that enter another product of moving factors."""
    used: set[int] = set()
    for node in tape.nodes:
        if node.op in ("matmul", "scale") and not any(tape.nodes[i].fixed for i in node.args):
            used.update(node.args)
    return tuple(i for i in sorted(used) if tape.nodes[i].op in ("matmul", "scale", "trace"))


def _check(tape: Tape, values: Mapping[Any, Any]) -> None:
    """Raise ``NotUnderstood`` for a gradient that has no majorant."""
    beyond = [False] * len(tape.nodes)
    for i, node in enumerate(tape.nodes):
        beyond[i] = any(beyond[k] for k in node.args)
        if node.op != "gradient" or node.fixed:
            continue
        if beyond[i] or not isinstance(values[node.data], LogCosh):
            raise NotUnderstood(f"no enclosure is known for the gradient of {node.data.name!r}")
        beyond[i] = True


def as_ball(x: Fraction) -> flint.arb:
    """An enclosure of a rational number."""
    return flint.arb(flint.fmpq(x.numerator, x.denominator))
