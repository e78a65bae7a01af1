"""An assumption about B is used for another matrix: B = 0 grants nothing about C."""

from lora_proofs import (
    Assumption,
    Claim,
    Control,
    Instance,
    Instances,
    Source,
    assumed,
    equal,
    identity,
    strategies,
)
from lora_proofs.mathematics import words as w

EXPECTED_VERDICT = "SUPPORTED"
EXPECTED_REASON = "not proved"

A, B, C = w.Symbol("A", "r", "m"), w.Symbol("B", "n", "r"), w.Symbol("C", "n", "r")
ZERO = w.Relation(B, "=", w.Zero("n", "r"), "B is 0")
CONCLUSION = w.Relation(C @ A, "=", w.Zero("n", "m"), "update")


def derive():
    zero = assumed("zero_B", ZERO, "the factor is 0", substitution={B: C})
    yield zero
    yield identity(CONCLUSION.left, CONCLUSION.right, "0 A = 0", given=(zero,), label="update")


def interpret(instance, ctx):
    x = instance.lift(ctx)
    return {A: x.A, B: x.B, C: x.C}


def draw(source, regime):
    n, m = strategies.shape(source, high=3)
    zero = [[0]] * n
    return Instance(regimes=(regime,), A=strategies.matrix(source, 1, m), B=zero, C=zero)


def starts_at_zero(instance, ctx):
    x = instance.lift(ctx)
    yield equal("B is 0", x.B, 0 * x.B)


def check(instance, ctx):
    x = instance.lift(ctx)
    yield equal("update", x.C @ x.A, 0 * (x.C @ x.A))


zero_B = Assumption("zero_B", "B = 0", starts_at_zero, relations=(ZERO,))
claim = Claim(
    name="tests/assumption-turned",
    source=Source("tests"),
    statement="C A = 0",
    assumptions=(zero_B,),
    instances=Instances(draw),
    check=check,
    conclusion=(CONCLUSION,),
    derive=derive,
    interpret=interpret,
    controls=(Control(zero_B, (Instance(A=[[1]], B=[[1]], C=[[1]]),), why="both are 1"),),
)
