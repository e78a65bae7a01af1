"""The derivation takes a scaling for nonnegative, which no assumption says and every draw obeys."""

from lora_proofs import Claim, Control, Instance, Instances, Source, at_most, inequality, strategies
from lora_proofs.mathematics import words as w

EXPECTED_VERDICT = "CERTIFIED"
EXPECTED_REASON = "not proved"

A, C = w.Symbol("A", "r", "m"), w.Symbol("C", "r", "m")
s = w.Scalar("s", nonnegative=True)
LEFT, RIGHT = w.Norm("F", (A + s * C,)), w.Norm("F", (A,)) + s * w.Norm("F", (C,))
CONCLUSION = w.Relation(LEFT, "<=", RIGHT, "norm of the sum")


def derive():
    yield inequality(LEFT, RIGHT, "triangle inequality", rule="triangle", label="norm of the sum")


def interpret(instance, ctx):
    x = instance.lift(ctx)
    return {A: x.A, C: x.C, s: x.s}


def draw(source, regime):
    r, m = strategies.shape(source, high=2)
    fields = {name: strategies.matrix(source, r, m) for name in "AC"}
    return Instance(regimes=(regime,), s=source.integer(1, 9), **fields)


def with_factor(factor):
    def check(instance, ctx):
        x = instance.lift(ctx)
        right = ctx.frobenius_norm(x.A) + factor * x.s * ctx.frobenius_norm(x.C)
        yield at_most("norm of the sum", ctx.frobenius_norm(x.A + x.s * x.C), right)

    return check


START = Instance(A=[[1]], C=[[1]], s=1)
claim = Claim(
    name="tests/hidden-sign",
    source=Source("tests"),
    statement=r"\|A + s C\|_F \le \|A\|_F + s \|C\|_F \text{ for every real } s",
    assumptions=(),
    instances=Instances(draw),
    check=with_factor(1),
    conclusion=(CONCLUSION,),
    derive=derive,
    interpret=interpret,
    controls=(Control(None, (START,), why="without the second term", check=with_factor(0)),),
)
