"""The derivation covers one comparison of the check; a false one rides along with it."""

from lora_proofs import Claim, Control, Instances, Source, equal, strategies
from lora_proofs.arithmetic import squared_norm, trace
from lora_proofs.mathematics import words as w
from lora_proofs.symbolic.steps import identity

EXPECTED_VERDICT = "CERTIFIED"
EXPECTED_REASON = "not proved"

A, B = w.Symbol("A", "r", "n"), w.Symbol("B", "n", "r")
CONCLUSION = w.Relation(w.Trace(B @ A), "=", w.Trace(A @ B), "trace is cyclic")


def derive():
    yield identity(CONCLUSION.left, CONCLUSION.right, "cyclicity", label="trace is cyclic")


def interpret(instance, ctx):
    x = instance.lift(ctx)
    return {A: x.A0, B: x.B0}


def draw(source, regime):
    return strategies.lora_problem(source, regime, loss="trace-squared")


def check(instance, ctx):
    x = instance.lift(ctx)
    yield equal("trace is cyclic", trace(x.B0 @ x.A0), trace(x.A0 @ x.B0))
    yield equal("||W||_F^2", squared_norm(x.W0 + x.B0 @ x.A0), squared_norm(x.W0))


def doubled(instance, ctx):
    x = instance.lift(ctx)
    yield equal("||W||_F^2", squared_norm(x.W0 + x.B0 @ x.A0), 1 + squared_norm(x.W0))


INSTANCES = Instances(draw, ("zero B0",))
claim = Claim(
    name="tests/partly-derived",
    source=Source("tests"),
    statement=r"\operatorname{tr}(BA) = \operatorname{tr}(AB) \text{ and } \|W\|_F = \|W_0\|_F",
    assumptions=(),
    instances=INSTANCES,
    check=check,
    conclusion=(CONCLUSION,),
    derive=derive,
    interpret=interpret,
    controls=(Control(None, INSTANCES, why="the norm does not grow by 1", check=doubled),),
)
