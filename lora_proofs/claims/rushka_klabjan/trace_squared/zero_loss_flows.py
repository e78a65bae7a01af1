"""The four flows of the zero-loss theorem on an instance, and the four bounds that are checked.

Each instance gives a start (A0, B0), a time t and a number y >= 1. The flows from any start and
from the fleeing cone are followed to t in closed form. On the other two cones ||A|| shrinks by y,
which is exact, and the time on the slow one follows from y.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    Comparison,
    at_least,
    at_most,
    equal,
    squared_norm,
    trace,
)
from lora_proofs.claims.rushka_klabjan.trace_squared import orbit
from lora_proofs.claims.rushka_klabjan.trace_squared import zero_loss_proof as proof
from lora_proofs.language.claim import Assumption
from lora_proofs.mathematics.flows import trace_squared_closed_form
from lora_proofs.mathematics.instance import Instance


def numbers(instance: Instance) -> dict[str, Any]:
    """s, w, ||A0||^2, kappa^2, b and the time on the slow cone, exactly."""
    x = instance.lift(EXACT)
    w0, a = trace(x.W0), squared_norm(x.A0)
    w = abs(w0)
    product = squared_norm(x.A0 + x.B0.mT) * squared_norm(x.A0 - x.B0.mT)
    slow = (x.y * x.y - 1) / (2 * a) if a != 0 else x.t
    s = EXACT.number(-1 if w0 < 0 else 1)
    return {"s": s, "w": w, "a": a, "kappa^2": product, "b": min(a, w), "slow": slow}


def traceless(instance: Instance) -> Any:
    """W1: W0 with its trace taken off the first entry."""
    W1 = EXACT.matrix(instance.W0)
    W1[0, 0] -= trace(W1)
    return W1


def to_time_t(instance: Instance, B0: Any, ctx: Arithmetic) -> tuple[Any, Any, Any]:
    """(A, B, tr W) at time t from (A0, B0); from (0, 0) nothing moves."""
    x = instance.lift(EXACT)
    if squared_norm(x.A0) + squared_norm(B0) == 0:
        return ctx.matrix(x.A0), ctx.matrix(B0), ctx.number(trace(x.W0))
    end = trace_squared_closed_form(instance.W0, instance.A0, B0, instance.t, ctx)
    return end.A, end.B, end.trace_W


def fleeing_start(instance: Instance) -> Any:
    """-s A0'."""
    return -numbers(instance)["s"] * instance.lift(EXACT).A0.mT


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The symbols of all four flows."""
    x, exact, k = instance.lift(ctx), instance.lift(EXACT), numbers(instance)
    kappa = ctx.sqrt(ctx.number(k["kappa^2"]))
    values = {
        **orbit.interpret(instance, ctx),
        proof.W0: x.W0,
        proof.W1: ctx.matrix(traceless(instance)),
        proof.A0: x.A0,
        proof.B0: x.B0,
        proof.s: ctx.number(k["s"]),
        proof.w: ctx.number(k["w"]),
        proof.t: ctx.number(k["slow"]),
        proof.KAPPA: kappa,
        proof.BARRIER: ctx.number(k["b"]),
        proof.ANY.decay: ctx.exp(-2 * kappa * x.t),
        proof.FLEEING.decay: ctx.exp(-4 * ctx.number(k["b"]) * x.t),
    }
    for flow, B0 in ((proof.ANY, exact.B0), (proof.FLEEING, fleeing_start(instance))):
        values[flow.A], values[flow.B], values[flow.trace] = to_time_t(instance, B0, ctx)
    shrunk = exact.A0 / exact.y
    for flow in (proof.SLOW, proof.KEPT):
        values[flow.A] = ctx.matrix(shrunk)
        values[flow.B] = ctx.matrix(k["s"] * shrunk.mT)
    return values


def bounds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The four bounds, exactly where that is possible."""
    k, x = numbers(instance), instance.lift(EXACT)
    kappa = ctx.sqrt(ctx.number(k["kappa^2"]))
    yield _decay(proof.OFF_LABEL, instance, x.B0, 2 * kappa, ctx)
    rate = 4 * ctx.number(k["b"])
    yield _decay(proof.FLEEING_LABEL, instance, fleeing_start(instance), rate, ctx)
    yield from on_shrinking_cones(instance)


def on_shrinking_cones(instance: Instance) -> Iterator[Comparison]:
    """The slow cone and the kept one, where A = A0/y and B = s A'."""
    k, x = numbers(instance), instance.lift(EXACT)
    A = x.A0 / x.y
    BA = k["s"] * (A.mT @ A)
    fallen = k["s"] * trace(traceless(instance) + BA)
    yield at_most(proof.SLOW_LABEL, fallen * (1 + 2 * k["a"] * k["slow"]), k["a"])
    yield at_least(proof.KEPT_LABEL, trace(x.W0 + BA) ** 2 / 2, trace(x.W0) ** 2 / 2)


def _decay(label: str, instance: Instance, B0: Any, rate: Any, ctx: Arithmetic) -> Comparison:
    """The loss at time t against that of the start; the same number where nothing has moved."""
    x = instance.lift(EXACT)
    start = trace(x.W0 + B0 @ x.A0) ** 2 / 2
    if x.t == 0 or start == 0 or squared_norm(x.A0) + squared_norm(B0) == 0:
        return at_most(label, start, start)
    _, _, trace_W = to_time_t(instance, B0, ctx)
    return at_most(label, trace_W**2 / 2, ctx.exp(-rate * ctx.number(x.t)) * ctx.number(start))


def holds_signs(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """s^2 = 1, tr W0 = s w, w >= 0."""
    k = numbers(instance)
    yield equal("s^2", k["s"] ** 2, 1)
    yield equal("tr W0", trace(EXACT.matrix(instance.W0)), k["s"] * k["w"])
    yield at_least("w", k["w"], 0)


def holds_rates(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """kappa has a square that is not negative; 0 <= b <= ||A0||^2, |w0|."""
    k = numbers(instance)
    yield at_least("kappa^2", k["kappa^2"], 0)
    yield at_least("b", k["b"], 0)
    yield at_most("b against ||A0||^2", k["b"], k["a"])
    yield at_most("b against |w0|", k["b"], k["w"])


def holds_traces(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """tr W1 = 0."""
    yield equal("tr W1", trace(traceless(instance)), 0)


def holds_flows(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The times are not negative."""
    yield at_least("t", EXACT.number(instance.t), 0)
    yield at_least("time on the slow cone", numbers(instance)["slow"], 0)


ASSUMPTIONS = (
    Assumption(
        "signs",
        r"$s = \pm 1$ and $w = |w_0|$ with $w_0 = \mathrm{tr} W_0 = s w$",
        holds_signs,
        technical="it gives names",
        relations=proof.SIGNS,
    ),
    Assumption(
        "rates",
        r"$\kappa \ge 0$ with $\kappa^2 = \|A_0 + B_0^\top\|_F^2\,\|A_0 - B_0^\top\|_F^2$, and "
        r"$b = \min(\|A_0\|_F^2, |w_0|)$",
        holds_rates,
        technical="it gives names",
        relations=proof.RATES,
    ),
    Assumption(
        "traces",
        r"$\theta$ is $\mathrm{tr} W$ along the flows from any start and from $B_0 = -s A_0^\top$; "
        r"$W_1$ is a weight with $\mathrm{tr} W_1 = 0$",
        holds_traces,
        technical="it gives names",
        relations=proof.TRACES,
    ),
    Assumption(
        "flows",
        r"the factors are those of the LoRA gradient flows at a time $t \ge 0$: any from "
        r"$(A_0, B_0)$, fleeing from $(A_0, -s A_0^\top)$ and kept from $(A_0, s A_0^\top)$, all "
        r"with $W_0$ frozen, and slow from $(A_0, s A_0^\top)$ with $W_1$ frozen; "
        r"$E = e^{-2\kappa t}$ for any start, $E = e^{-4bt}$ for the fleeing one",
        holds_flows,
        technical="it says what the symbols are",
    ),
)
