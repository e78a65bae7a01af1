"""The explicit bound between iterates and flow, on Frobenius, trace-squared and log-cosh losses.

The same bound as in gradient-flow-limit, judged on instances whose flow is enclosed, so that its
constants are seen to hold and its slack is on record.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison, at_most
from lora_proofs.claims.rushka_klabjan.discretisation import gradient_flow_limit as limit
from lora_proofs.claims.rushka_klabjan.discretisation import limit_runs as runs
from lora_proofs.claims.rushka_klabjan.discretisation import nearly_attained as near
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.problems import lora_problem

LOSSES = ("frobenius", "trace-squared", "log-cosh")


def draw(source: Draw, regime: str) -> Instance:
    """A small problem of one loss, from a general start or from B0 = 0."""
    if regime == SMALL_STEP:
        return small_step(source)
    loss, start = regime.split(", ")
    steps = source.choice((2, 4))
    problem = lora_problem(source, start, loss=loss, largest=2)
    small = limit.scaled_down(problem, source.choice((Fraction(1, 8), Fraction(1, 4))), steps)
    return small.replace(regimes=(regime,))


def far_start(source: Draw) -> Instance:
    """One short step of numbers, far from Y: instances on which the bound is near."""
    a, sign = Fraction(source.integer(50, 100)), source.choice((1, -1))
    return Instance(
        loss="frobenius", W0=[[0]], Y=[[10**6]], A0=[[a]], B0=[[sign * a]],
        T=INSTANT, h=INSTANT, steps=1, regimes=(SMALL_STEP,),
    )  # fmt: skip


def small_step(source: Draw) -> Instance:
    """A far start with constants that leave little room: |ab| <= 10^4."""
    start = far_start(source)
    R, M = runs.up(2 * start.A0[0][0] ** 2) + 1, Fraction(10**6 + 10**4 + 1)
    fields = {"RA": R, "RB": R, "M2": M, "MF": M, "Lf": 1, "K": runs.up(2 * (M * R) ** 2)}
    return start.replace(**fields)


SMALL_STEP, INSTANT = "one small step", Fraction(1, 10**12)
DRAWN = tuple(f"{loss}, {start}" for loss in LOSSES for start in ("generic", "zero B0"))
SMOOTH = Instances(draw, DRAWN)
INSTANCES = Instances(draw, (*DRAWN, SMALL_STEP))


def order_four(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A bound of order h^4 in place of h: too small for a fine step."""
    last = int(instance.steps)
    for mode, left, right in runs.errors(instance, ctx, last):
        yield at_most(
            f"{mode}: error against the bound times h^3", left, right * ctx.number(instance.h) ** 3
        )


def shaved(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The constant of the simultaneous step without its Euler defect: C_sim = 0."""
    for mode, left, right in runs.errors(instance, ctx, int(instance.steps)):
        if mode == "simultaneous":
            yield at_most("simultaneous: error with C_sim = 0", left, 0 * right)


def half_the_bound(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Half of the bound for simultaneous steps, a quarter for the sequential ones."""
    for mode, left, right in runs.errors(instance, ctx, 1):
        part = Fraction(1, 2) if mode == "simultaneous" else Fraction(1, 4)
        yield at_most(f"{mode}: error against {part} of the bound", left, right * ctx.number(part))


def less(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """99.5 % of the bound for the first step."""
    for mode, left, right in runs.errors(instance, ctx, 1):
        part = ctx.number(Fraction(995, 1000))
        yield at_most(f"{mode}: error against 0.995 of the bound", left, right * part)


def measure(ctx: Arithmetic) -> dict[str, str]:
    """The observed order of each mode on one problem per loss, from h = 1/64 to h = 1/128."""
    found = {}
    for loss, fields in MEASURED.items():
        coarse, fine = (
            list(runs.final_errors(problem(loss, fields, steps), ctx)) for steps in (16, 32)
        )
        for mode, a, b in zip(runs.MODES, coarse, fine, strict=True):
            order = ctx.log(a / b) / ctx.log(ctx.number(2))
            found[f"order of convergence, {loss}, {mode}"] = order.str(4, radius=False)
    return found


def problem(loss: str, fields: dict[str, Any], steps: int) -> Instance:
    """A fixed problem run to T = 1/4."""
    horizon = Fraction(1, 4)
    timed = Instance(loss=loss, **fields, T=horizon, h=horizon / steps, steps=steps)
    return runs.with_constants(timed)


ALONE = (near.A_ALONE, near.B_ALONE, near.LONG_A, near.LONG_B)
TIGHT = Instance(
    loss="frobenius", W0=[[0]], Y=[[10**6]], A0=[[100]], B0=[[100]], T=INSTANT, h=INSTANT,
    steps=1, RA=143, RB=143, M2=990001, MF=990001, Lf=1, K=200220000,
)  # fmt: skip
START = {"W0": [["1/2", "1/4"], ["0", "1"]], "A0": [["1", "1/2"]], "B0": [["1/2"], ["-1/4"]]}
TARGET = {"Y": [["2", "0"], ["1", "-1"]]}
MEASURED = {
    "frobenius": {**START, **TARGET},
    "trace-squared": START,
    "log-cosh": {**START, **TARGET},
}

claim = Claim(
    name="rushka-klabjan/limit-bound",
    title="The explicit bound between iterates and flow",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=limit.claim.statement.split(" In particular")[0],
    assumptions=limit.ASSUMPTIONS,
    instances=INSTANCES,
    check=runs.bound_at_every_step,
    controls=(
        *limit.CONTROLS,
        Control(None, ALONE, "99.5 % of the bound, for a step that moves one factor alone", less),
        Control(None, (near.REST,), "a strict bound: at rest both sides are 0", limit.strictly),
        Control(None, SMOOTH, "the Euler defect is left out of C_sim", shaved),
        Control(None, SMOOTH, "a bound of order h^4 in place of h", order_four),
        Control(
            None,
            (TIGHT,),
            "half of the bound, or a quarter for a sequential mode: a step far from Y attains 0.66 "
            "and 0.28",
            half_the_bound,
        ),
    ),
    arithmetics=("ball", "multiprecision"),
    measure=measure,
    note=(
        "A step far from Y attains 0.66 of the bound, or all but a thousandth of it where one "
        "factor moves alone; over longer times it is loose and grows like e^{LT}."
    ),
)
