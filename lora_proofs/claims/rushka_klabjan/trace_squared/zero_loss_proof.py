"""The four bounds that decide whether the trace-squared flow reaches zero loss, for all shapes.

With s = sign w0 and w = |w0|: a decay from every start, whose rate is positive off the cones
B0 = A0' and B0 = -A0'; a decay from B0 = -s A0'; an algebraic decay from either cone where w0 = 0;
and from B0 = s A0' a level that is kept. Each flow has symbols of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lora_proofs.claims.rushka_klabjan.trace_squared import rates
from lora_proofs.language.lemmas import comparison as lemma
from lora_proofs.language.lemmas import flows
from lora_proofs.mathematics import words
from lora_proofs.mathematics.notation import HALF, trace_squared_value
from lora_proofs.mathematics.words import (
    Gradient,
    Named,
    Norm,
    Relation,
    Scalar,
    Symbol,
    Trace,
    Word,
    along,
    word,
)
from lora_proofs.symbolic.steps import Step, assumed, cited, identity, inequality

A0, B0 = Symbol("A0", "r", "n", latex="A_0"), Symbol("B0", "n", "r", latex="B_0")
W0, W1 = Symbol("W0", "n", "n", latex="W_0"), Symbol("W1", "n", "n", latex="W_1")
s, w = Scalar("s"), Scalar("w", nonnegative=True)
t = Scalar("t")
KAPPA = Scalar("kappa", nonnegative=True, latex=r"\kappa")
BARRIER = Scalar("b", nonnegative=True)
START_SIZE = words.squared_norm(A0)
START_PRODUCT = words.squared_norm(A0 + B0.T) * words.squared_norm(A0 - B0.T)


@dataclass(frozen=True)
class Flow:
    """A flow with its own symbols: factors, frozen weight, trace, and the trace as a scalar."""

    name: str
    A: Symbol
    B: Symbol
    weight: Symbol
    trace: Scalar
    decay: Scalar

    @property
    def T(self) -> Word:
        """tr W."""
        return Named(f"T_{self.name}", Trace(self.weight + self.B @ self.A))

    @property
    def field(self) -> dict[object, Word]:
        """A' = -T B', B' = -T A' (on the right primes are transposes)."""
        return {self.A: -(self.T * self.B.T), self.B: -(self.T * self.A.T)}

    @property
    def size(self) -> Word:
        """||A||^2 as the square of a norm."""
        return Norm("F", (self.A,)) ** 2

    @property
    def loss(self) -> Word:
        """1/2 (tr W)^2."""
        return trace_squared_value(self.weight + self.B @ self.A)

    @property
    def named_loss(self) -> Word:
        """1/2 (tr W)^2 in the scalar for tr W."""
        return HALF * self.trace**2


def _flow(name: str, weight: Symbol) -> Flow:
    A = Symbol(f"A_{name}", "r", "n", latex=rf"A_{{\mathrm{{{name}}}}}")
    B = Symbol(f"B_{name}", "n", "r", latex=rf"B_{{\mathrm{{{name}}}}}")
    trace = Scalar(f"tr W_{name}", latex=rf"\theta_{{\mathrm{{{name}}}}}")
    return Flow(name, A, B, weight, trace, Scalar(f"E_{name}", latex=rf"E_{{\mathrm{{{name}}}}}"))


ANY, FLEEING = _flow("any", W0), _flow("fleeing", W0)
SLOW, KEPT = _flow("slow", W1), _flow("kept", W0)

SIGNS = (
    Relation(s**2, "=", word(1)),
    Relation(Trace(W0), "=", s * w),
    Relation(word(0), "<=", w),
)
RATES = (
    Relation(word(0), "<=", KAPPA),
    Relation(KAPPA**2, "=", START_PRODUCT),
    Relation(word(0), "<=", BARRIER),
    Relation(BARRIER, "<=", START_SIZE),
    Relation(BARRIER, "<=", w),
)
TRACES = (
    Relation(ANY.trace, "=", ANY.T),
    Relation(FLEEING.trace, "=", FLEEING.T),
    Relation(Trace(W1), "=", word(0)),
)

OFF_LABEL = "loss from any start against its decay at the rate 2 kappa"
FLEEING_LABEL = "loss from B0 = -s A0' against its decay at the rate 4 b"
SLOW_LABEL = "s tr W (1 + 2 ||A0||^2 t) against ||A0||^2, from B0 = s A0' with trace 0"
KEPT_LABEL = "w0^2/2 against the loss from B0 = s A0'"


def _start_loss(B: Word) -> Word:
    return trace_squared_value(W0 + B @ A0)


CONCLUSION = (
    Relation(ANY.named_loss, "<=", ANY.decay * _start_loss(B0), OFF_LABEL),
    Relation(FLEEING.named_loss, "<=", FLEEING.decay * _start_loss(-(s * A0.T)), FLEEING_LABEL),
    Relation(s * SLOW.T * (1 + 2 * START_SIZE * t), "<=", START_SIZE, SLOW_LABEL),
    Relation(HALF * Trace(W0) ** 2, "<=", KEPT.loss, KEPT_LABEL),
)


@dataclass(frozen=True)
class Granted:
    """The relations that the assumptions grant, as steps."""

    one: Step
    sign: Step
    kappa: Step
    start: Step
    capacity: Step
    barrier: Step
    any_trace: Step
    fleeing_trace: Step
    traceless: Step

    @property
    def steps(self) -> tuple[Step, ...]:
        """All of them."""
        return tuple(vars(self).values())


def granted() -> Granted:
    """What the assumptions grant."""
    one, sign = (assumed("signs", x, "s = sign w0, w = |w0|") for x in SIGNS[:2])
    kappa = assumed("rates", RATES[1], "the definition of kappa")
    barrier = assumed("rates", RATES[2], "b = min(||A0||^2, |w0|)")
    start, capacity = (assumed("rates", x, "b = min(||A0||^2, |w0|)") for x in RATES[3:])
    names = [assumed("traces", x, "a name; W1 has the trace 0") for x in TRACES]
    return Granted(one, sign, kappa, start, capacity, barrier, *names)


def _fields() -> Iterator[Step]:
    """The field of every flow is the negative gradient of its loss."""
    for flow in (ANY, FLEEING, SLOW, KEPT):
        yield identity(Gradient(flow.loss, flow.A), flow.T * flow.B.T, "A' is its negative")
        yield identity(Gradient(flow.loss, flow.B), flow.T * flow.A.T, "B' is its negative")


def _on_cone(flow: Flow, sign: Word, one: Step) -> tuple[Step, ...]:
    """The flow from B0 = sign A0' keeps B = sign A'; then tr BA = sign ||A||^2."""
    gap = flow.B - sign * flow.A.T
    rate = identity(
        along(gap, flow.field), (sign * flow.T) * gap, "product rule, s^2 = 1", given=(one,)
    )
    start = identity(sign * A0.T, sign * A0.T, "B0 is this by definition")
    kept = cited(
        lemma.AGREEMENT,
        "the flow stays on the cone",
        substitution={
            lemma.FIRST: flow.B,
            lemma.SECOND: sign * flow.A.T,
            lemma.RATE_OF_GAP: along(gap, flow.field),
            lemma.FACTOR: sign * flow.T,
            lemma.FIRST_START: sign * A0.T,
            lemma.SECOND_START: sign * A0.T,
        },
        discharged_by={"rate": rate, "start": start, "solution": "flows"},
    )
    product = identity(Trace(flow.B @ flow.A), sign * flow.size, "on the cone", given=(kept,))
    return rate, start, kept, product


def _decays(
    flow: Flow, sizes: tuple[Step, ...], slower: Step, exponent: Word, start: Word, label: str
) -> tuple[Step, Step]:
    """The rate -(||A||^2 + ||B||^2)(tr W)^2 of the loss is at most -exponent times the loss."""
    bound = inequality(
        along(flow.loss, flow.field),
        -exponent * flow.named_loss,
        "chain rule: T' = -(||A||^2 + ||B||^2) T",
        rule="combine",
        uses=(*sizes, slower),
    )
    loss = cited(
        flows.GRONWALL,
        "for the loss",
        substitution={
            flows.QUANTITY_RATE: along(flow.loss, flow.field),
            flows.EXPONENT_RATE: -exponent,
            flows.QUANTITY_LATER: flow.named_loss,
            flows.QUANTITY_START: start,
            flows.EXPONENTIAL: flow.decay,
        },
        discharged_by={"rate": bound, "solution": "flows"},
        label=label,
    )
    return bound, loss


def _sizes(flow: Flow, known: Step, B_size: Word, given: tuple[Step, ...]) -> tuple[Step, ...]:
    """What tr W0, ||A||^2 and ||B||^2 are, as rules with one term on the left."""
    frozen = flow.trace - Trace(flow.B @ flow.A)
    return (
        identity(Trace(W0), frozen, "the name of tr W", given=(known,)),
        identity(words.squared_norm(flow.A), flow.size, "by definition"),
        identity(words.squared_norm(flow.B), B_size, "||B||", given=given),
    )


def _from_any_start(known: Granted) -> Iterator[Step]:
    """||A + B'||^2 ||A - B'||^2 is conserved, and at most (||A||^2 + ||B||^2)^2."""
    A, B = ANY.A, ANY.B
    product = words.squared_norm(A + B.T) * words.squared_norm(A - B.T)
    size = words.squared_norm(A) + words.squared_norm(B)
    still = identity(along(product, ANY.field), word(0), "the two rates cancel")
    conserved = cited(
        lemma.CONSERVED,
        "the product keeps its value",
        substitution={
            lemma.RATE: along(product, ANY.field),
            lemma.VALUE: product,
            lemma.START: START_PRODUCT,
        },
        discharged_by={"rate": still, "solution": "flows"},
    )
    squares = ((1, 2 * Trace(B @ A)),)
    below = inequality(
        product, size**2, "the difference is (2 tr BA)^2", rule="sum of squares", squares=squares
    )
    squared = inequality(
        KAPPA**2, size**2, "kappa^2 is the product", rule="combine",
        uses=(known.kappa, conserved, below),
    )  # fmt: skip
    norms = ANY.size + Norm("F", (B,)) ** 2
    root = inequality(KAPPA, norms, "both are nonnegative", rule="square root", uses=(squared,))
    yield from (still, conserved, below, squared, root)
    sizes = _sizes(ANY, known.any_trace, Norm("F", (B,)) ** 2, ())
    slower = inequality(
        KAPPA * ANY.trace**2 - norms * ANY.trace**2, word(0), "kappa is at most the sum",
        rule="combine", uses=(root,),
    )  # fmt: skip
    yield from (*sizes, slower)
    yield from _decays(ANY, sizes, slower, 2 * KAPPA, _start_loss(B0), OFF_LABEL)


def _fleeing(known: Granted) -> Iterator[Step]:
    """||A||^2 solves a logistic equation and stays above b."""
    rate_in_b, start, kept, product = _on_cone(FLEEING, -s, known.one)
    yield from (rate_in_b, start, kept, product)
    size_rate = along(words.squared_norm(FLEEING.A), FLEEING.field)
    logistic = identity(
        size_rate,
        2 * FLEEING.size * (w - FLEEING.size),
        "chain rule, tr BA = -s ||A||^2",
        given=(kept, known.sign, known.one),
    )
    barrier = cited(
        lemma.LOGISTIC_BARRIER,
        "for ||A||^2",
        substitution={
            lemma.RATE: size_rate,
            lemma.VALUE: FLEEING.size,
            lemma.CAPACITY: w,
            lemma.BARRIER: BARRIER,
            lemma.START: START_SIZE,
        },
        discharged_by={
            "rate": logistic,
            "sign": known.barrier,
            "below the start": known.start,
            "below the capacity": known.capacity,
            "solution": "flows",
        },
    )
    yield from (logistic, barrier)
    square = FLEEING.trace**2
    sizes = _sizes(FLEEING, known.fleeing_trace, FLEEING.size, (kept, known.one))
    slower = inequality(
        2 * BARRIER * square - 2 * FLEEING.size * square, word(0), "b is at most ||A||^2",
        rule="combine", uses=(barrier,),
    )  # fmt: skip
    yield from (*sizes, slower)
    start_loss = _start_loss(-(s * A0.T))
    yield from _decays(FLEEING, sizes, slower, 4 * BARRIER, start_loss, FLEEING_LABEL)


def _slow(known: Granted) -> tuple[list[Step], Step, Step]:
    """||A||^2 falls like the solution of a' = -2 a^2."""
    *cone, product = _on_cone(SLOW, s, known.one)
    size_rate = along(words.squared_norm(SLOW.A), SLOW.field)
    equation = identity(
        size_rate,
        -(2 * SLOW.size**2),
        "chain rule, tr W = s ||A||^2",
        given=(cone[-1], known.traceless, known.one),
    )
    squares = ((1, Norm("F", (SLOW.A,))),)
    sign = inequality(word(0), SLOW.size, "a square", rule="sum of squares", squares=squares)
    number = inequality(word(0), word(2), "a number", rule="sum of squares", squares=((2, 1),))
    size = cited(
        lemma.ALGEBRAIC_DECAY,
        "for ||A||^2",
        substitution={
            lemma.RATE: size_rate,
            lemma.VALUE: SLOW.size,
            lemma.CONSTANT: 2,
            lemma.START: START_SIZE,
            lemma.TIME: t,
        },
        discharged_by={"rate": equation, "sign": sign, "constant": number, "solution": "flows"},
    )
    return [*cone, product, equation, sign, number, size], product, size


def derive() -> Iterator[Step]:
    """The rates for every start, then the four bounds."""
    yield from rates.derive()
    known = granted()
    yield from known.steps
    yield from _fields()
    off = list(_from_any_start(known))
    fleeing = list(_fleeing(known))
    slow, product, size = _slow(known)
    *cone, kept_product = _on_cone(KEPT, s, known.one)
    yield from (*off[:-1], *fleeing[:-1], *slow, *cone, kept_product, off[-1], fleeing[-1])
    yield inequality(
        CONCLUSION[2].left,
        CONCLUSION[2].right,
        "s tr W = ||A||^2",
        rule="combine",
        uses=(known.traceless, product, known.one, size),
        label=SLOW_LABEL,
    )
    yield inequality(
        CONCLUSION[3].left,
        CONCLUSION[3].right,
        "s tr W = |w0| + ||A||^2",
        rule="combine",
        uses=(known.sign, kept_product, known.one),
        label=KEPT_LABEL,
    )
