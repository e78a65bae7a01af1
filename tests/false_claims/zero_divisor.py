"""The derivation cancels a matrix that may be 0: from h G = 0 it takes h = 0."""

from lora_proofs import (
    Assumption,
    Claim,
    Control,
    Instance,
    Instances,
    Source,
    assumed,
    at_most,
    equal,
    inequality,
    strategies,
)
from lora_proofs.arithmetic import squared_norm
from lora_proofs.mathematics import words as w

EXPECTED_VERDICT = "CERTIFIED"
EXPECTED_REASON = "not proved"

A, G, h = w.Symbol("A", "r", "m"), w.Symbol("G", "n", "m"), w.Scalar("h", nonnegative=True)
STATIONARY = w.Relation(h * G, "=", w.Zero("n", "m"), "no move")
MOVE, LENGTH = h * w.Norm("F", (A,)) ** 2, w.Norm("F", (G,)) ** 2
CONCLUSION = w.Relation(MOVE + LENGTH, "<=", LENGTH, "move of A")


def derive():
    still = assumed("stationary", STATIONARY, "the step does not move W")
    yield still
    yield inequality(
        CONCLUSION.left, LENGTH, "hence h = 0", rule="combine", uses=(still,), label="move of A"
    )


def interpret(instance, ctx):
    x = instance.lift(ctx)
    return {A: x.A, G: x.G, h: x.h}


def draw(source, regime):
    n, m = strategies.shape(source, high=3)
    fields = {"A": strategies.matrix(source, 1, m), "G": strategies.matrix(source, n, m)}
    return Instance(regimes=(regime,), h=0, **fields)


def stationary(instance, ctx):
    x = instance.lift(ctx)
    yield equal("no move", x.h * x.G, 0 * x.G)


def check(instance, ctx):
    x = instance.lift(ctx)
    length = squared_norm(x.G)
    yield at_most("move of A", x.h * squared_norm(x.A) + length, length)


still = Assumption("stationary", "h G = 0", stationary, relations=(STATIONARY,))
claim = Claim(
    name="tests/zero-divisor",
    source=Source("tests"),
    statement=r"h \|A\|_F^2 + \|G\|_F^2 \le \|G\|_F^2",
    assumptions=(still,),
    instances=Instances(draw),
    check=check,
    conclusion=(CONCLUSION,),
    derive=derive,
    interpret=interpret,
    controls=(Control(still, (Instance(A=[[1]], G=[[1]], h=1),), why="with h = 1 it moves"),),
)
