"""The derivation ends in something else than the conclusion: in the rate of B'B."""

from lora_proofs import (
    Claim,
    Control,
    Instance,
    Instances,
    Source,
    equal,
    flows,
    losses,
    strategies,
)
from lora_proofs.mathematics import words as w
from lora_proofs.symbolic.steps import identity

EXPECTED_VERDICT = "refused"
EXPECTED_REASON = "the conclusion"

A, B = w.Symbol("A", "r", "m"), w.Symbol("B", "n", "r")
G = w.Symbol("G", "n", "m")
RATES = {A: -(B.T @ G), B: -(G @ A.T)}
CONCLUSION = w.Relation(w.along(B.T @ B - A @ A.T, RATES), "=", w.Zero("r", "r"), "balance")


def derive():
    half = -(A @ G.T @ B)
    yield identity(w.along(B.T @ B, RATES), half + half.T, "the product rule", label="balance")


def rates(instance, ctx):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    dA, dB = flows.lora_vector_field(loss, x.W0, x.A0, x.B0, ctx)
    return dB.mT @ x.B0 + x.B0.mT @ dB, dA @ x.A0.mT + x.A0 @ dA.mT


def interpret(instance, ctx):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    return {A: x.A0, B: x.B0, G: loss.gradient(x.W0 + x.B0 @ x.A0, ctx)}


def check(instance, ctx):
    of_BtB, of_AAt = rates(instance, ctx)
    yield equal("balance", of_BtB - of_AAt, 0 * of_BtB)


def only_B(instance, ctx):
    of_BtB, _ = rates(instance, ctx)
    yield equal("balance", of_BtB, 0 * of_BtB)


START = Instance(loss="frobenius", W0=[[0]], Y=[[1]], A0=[[1]], B0=[[2]])
claim = Claim(
    name="tests/derives-something-else",
    source=Source("tests"),
    statement=r"\frac{d}{dt} (B^\top B - A A^\top) = 0",
    assumptions=(),
    instances=Instances(
        lambda source, regime: strategies.lora_problem(source, regime, loss="frobenius", largest=2)
    ),
    check=check,
    conclusion=(CONCLUSION,),
    derive=derive,
    interpret=interpret,
    controls=(Control(None, (START,), why="B'B alone moves", check=only_B),),
)
