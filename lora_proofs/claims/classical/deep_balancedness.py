"""Balancedness layer by layer: in a deep linear net every B_l'B_l - A_l A_l' is conserved.

A linear net has the weights V_l = W_l + B_l A_l, l = 1..L, and any differentiable loss f of their
product V_L ... V_1. The gradient of the loss in V_l is G_l = (V_L ... V_{l+1})' G (V_{l-1} ...
V_1)', so each layer flows as one adapter does, A_l' = -B_l' G_l and B_l' = -G_l A_l', and the
rates of B_l'B_l and A_l A_l' agree. The number of layers is fixed: one claim for each L.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison, equal
from lora_proofs.language.claim import Check, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import loss_from_instance
from lora_proofs.mathematics.words import Gradient, Loss, Relation, Symbol, Word, Zero, along, inner
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.matrices import full_rank_matrix, matrix, rank_matrix
from lora_proofs.symbolic.steps import Step, identity

REGIMES = ("generic", "zero B", "rank deficient", "r = 1", "r > min(n, m)", "zero W")


@dataclass(frozen=True)
class Net:
    """The symbols of a linear net with an adapter on each of its layers, the first layer first."""

    layers: int

    @property
    def frozen(self) -> list[Symbol]:
        """W_1, ..., W_L."""
        return [Symbol(f"W{k}", f"n{k}", f"n{k - 1}", latex=f"W_{k}") for k in self.order]

    @property
    def right(self) -> list[Symbol]:
        """A_1, ..., A_L."""
        return [Symbol(f"A{k}", f"r{k}", f"n{k - 1}", latex=f"A_{k}") for k in self.order]

    @property
    def left(self) -> list[Symbol]:
        """B_1, ..., B_L."""
        return [Symbol(f"B{k}", f"n{k}", f"r{k}", latex=f"B_{k}") for k in self.order]

    @property
    def order(self) -> range:
        """1, ..., L."""
        return range(1, self.layers + 1)

    @property
    def loss(self) -> Loss:
        """The loss of the product of the weights."""
        return Loss("f", f"n{self.layers}", "n0")

    @property
    def weights(self) -> list[Symbol]:
        """V_1, ..., V_L, which stand for W_l + B_l A_l."""
        return [Symbol(f"V{k}", f"n{k}", f"n{k - 1}", latex=f"V_{k}") for k in self.order]

    @property
    def gradients(self) -> list[Word]:
        """G_l, the gradient of the loss in the weight of layer l."""
        G = self.loss.gradient(product(self.weights))
        return layer_gradients(self.weights, G, lambda X: X.T)

    @property
    def field(self) -> dict[Any, Word]:
        """A_l' = -B_l' G_l and B_l' = -G_l A_l' for all layers at once."""
        rates: dict[Any, Word] = {}
        for A, B, G in zip(self.right, self.left, self.gradients, strict=True):
            rates |= {A: -(B.T @ G), B: -(G @ A.T)}
        return rates


def product(weights: list[Any]) -> Any:
    """V_L ... V_1."""
    return reduce(lambda below, above: above @ below, weights)


def layer_gradients(weights: list[Any], G: Any, turned: Callable[[Any], Any]) -> list[Any]:
    """(V_L ... V_{l+1})' G (V_{l-1} ... V_1)' for each layer."""
    found = []
    for k in range(len(weights)):
        above, below = weights[k + 1 :], weights[:k]
        here = turned(product(above)) @ G if above else G
        found.append(here @ turned(product(below)) if below else here)
    return found


def label(k: int) -> str:
    """What layer k is compared under."""
    return f"rate of B{k}'B{k} - A{k}A{k}'"


def conclusion(net: Net) -> tuple[Relation, ...]:
    """Nothing moves in any layer."""
    field = net.field
    return tuple(
        Relation(along(B.T @ B - A @ A.T, field), "=", Zero(f"r{k}", f"r{k}"), label(k))
        for k, A, B in zip(net.order, net.right, net.left, strict=True)
    )


def derivation(net: Net) -> Iterator[Step]:
    """The gradients by the chain rule, then the rates."""
    value = net.loss(product(net.weights))
    layers = zip(net.frozen, net.right, net.left, net.weights, net.gradients, strict=True)
    for W, A, B, V, G in layers:
        yield identity(Gradient(value, V), G, f"gradient in the weight {V.name}")
        # df = <G_l, dV_l> with V_l = W_l + B_l A_l.
        first_order = inner(G, W + B @ A)
        yield identity(Gradient(first_order, A), B.T @ G, f"{A.name} flows at its negative")
        yield identity(Gradient(first_order, B), G @ A.T, f"{B.name} flows at its negative")
    for relation in conclusion(net):
        yield identity(relation.left, relation.right, "the two rates cancel", label=relation.label)


def draw(source: Draw, regime: str, layers: int) -> Instance:
    """A net with widths 1..3 and a Frobenius or cubic loss; cubic has no symmetry."""
    smallest = 2 if regime == "rank deficient" else 1
    widths = [source.integer(smallest, 3) for _ in range(layers + 1)]
    fields: dict[str, Any] = {}
    for k in range(1, layers + 1):
        n, m = widths[k], widths[k - 1]
        r = _rank(source, regime, min(n, m))
        fields[f"W{k}"] = 0 * matrix(source, n, m) if regime == "zero W" else matrix(source, n, m)
        fields[f"A{k}"] = _factor(source, regime, r, m)
        B = _factor(source, regime, n, r)
        fields[f"B{k}"] = 0 * B if regime == "zero B" else B
    loss = source.choice(("frobenius", "cubic"))
    n, m = widths[-1], widths[0]
    shapes = {"C": (n, m), "P": (n, n), "Q": (m, m), "R": (n, m)}
    data = {"Y": (n, m)} if loss == "frobenius" else shapes
    drawn = {name: matrix(source, *shape) for name, shape in data.items()}
    return Instance(regimes=(regime,), loss=loss, **fields, **drawn)


def _rank(source: Draw, regime: str, top: int) -> int:
    if regime == "r = 1":
        return 1
    if regime == "r > min(n, m)":
        return top + source.integer(1, 2)
    return source.integer(2 if regime == "rank deficient" else 1, top)


def _factor(source: Draw, regime: str, n: int, m: int) -> Any:
    if regime == "rank deficient":
        return rank_matrix(source, n, m, source.integer(1, min(n, m) - 1))
    return full_rank_matrix(source, n, m)


def rates(instance: Instance, layers: int, ctx: Arithmetic, slow: int = 1) -> Iterator[Any]:
    """(A_l, B_l, A_l', B_l') of the hand-written flow; ``slow`` divides the rate of every A."""
    x = instance.lift(ctx)
    triples = [tuple(getattr(x, f"{s}{k}") for s in "WAB") for k in range(1, layers + 1)]
    weights = [W + B @ A for W, A, B in triples]
    G = loss_from_instance(instance, ctx).gradient(product(weights), ctx)
    gradients = layer_gradients(weights, G, lambda X: X.mT)
    for (_, A, B), here in zip(triples, gradients, strict=True):
        yield A, B, -(B.mT @ here) * (ctx.number(1) / slow), -(here @ A.mT)


def check_of(layers: int, sign: int = -1, slow: int = 1) -> Check:
    """The rate of B_l'B_l -+ A_l A_l' along the hand-written flow."""

    def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
        for k, (A, B, dA, dB) in enumerate(rates(instance, layers, ctx, slow), start=1):
            rate = dB.mT @ B + B.mT @ dB + sign * (dA @ A.mT + A @ dA.mT)
            yield equal(label(k), rate, ctx.zeros(*rate.shape))

    return check


def neighbours(layers: int) -> Check:
    """The balance of unadapted nets, between neighbouring layers: V_1 V_1' - V_2'V_2."""

    def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
        x, moved = instance.lift(ctx), list(rates(instance, layers, ctx))
        (V, dV), (U, dU) = (
            (getattr(x, f"W{k}") + B @ A, dB @ A + B @ dA)
            for k, (A, B, dA, dB) in enumerate(moved[:2], start=1)
        )
        rate = dV @ V.mT + V @ dV.mT - dU.mT @ U - U.mT @ dU
        yield equal("rate of V_1 V_1' - V_2'V_2", rate, ctx.zeros(*rate.shape))

    return check


def interpretation(net: Net) -> Callable[[Instance, Arithmetic], dict[Any, Any]]:
    """The symbols of a net on an instance."""

    def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
        x = instance.lift(ctx)
        symbols = (*net.frozen, *net.right, *net.left)
        values: dict[Any, Any] = {s: getattr(x, s.name) for s in symbols}
        for V, W, B, A in zip(net.weights, net.frozen, net.left, net.right, strict=True):
            values[V] = values[W] + values[B] @ values[A]
        return {**values, net.loss: loss_from_instance(instance, ctx)}

    return interpret


def of_depth(layers: int, name: str) -> Claim:
    """The claim for one number of layers."""
    net = Net(layers)
    instances = Instances(lambda source, regime: draw(source, regime, layers), REGIMES)
    controls = (
        Control(None, instances, "the sum in place of the difference", check_of(layers, sign=1)),
        Control(None, instances, "every A learns half as fast", check_of(layers, slow=2)),
        Control(None, instances, "the balance between neighbouring layers", neighbours(layers)),
    )
    return Claim(
        name=f"classical/deep-balancedness/{name}",
        title=f"Every layer is balanced: {layers} layers",
        source=Source("classical", "", "extension", "recalled"),
        statement=(
            rf"In a linear net of {layers} layers with weights $W_l + B_l A_l$ and any "
            r"differentiable loss of their product, each $B_l^\top B_l - A_l A_l^\top$ is constant "
            r"along the gradient flow of all the factors."
        ),
        assumptions=(),
        instances=instances,
        check=check_of(layers),
        conclusion=conclusion(net),
        derive=lambda: derivation(net),
        interpret=interpretation(net),
        controls=controls,
        note="The number of layers is fixed in each claim; shapes and ranks are free.",
    )


claims = (of_depth(2, "two-layers"), of_depth(3, "three-layers"))
