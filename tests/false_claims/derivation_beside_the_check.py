"""The derivation is sound and beside the point: no comparison of the check carries its label."""

from lora_proofs import Claim, Control, Instances, Source, at_most, equal, strategies
from lora_proofs.arithmetic import squared_norm, trace
from lora_proofs.mathematics import words as w
from lora_proofs.symbolic.steps import identity

EXPECTED_VERDICT = "CERTIFIED"
EXPECTED_REASON = "not proved: what is derived is not what is checked"

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
    bound = squared_norm(x.B0) * squared_norm(x.A0)
    yield at_most("(tr BA)^2", trace(x.B0 @ x.A0) ** 2, bound)


def no_trace(instance, ctx):
    x = instance.lift(ctx)
    yield equal("tr BA", trace(x.B0 @ x.A0), ctx.number(0))


INSTANCES = Instances(draw, ("generic", "cone"))
claim = Claim(
    name="tests/derivation-beside-the-check",
    source=Source("tests"),
    statement=r"(\operatorname{tr} BA)^2 \le \|B\|_F^2 \|A\|_F^2",
    assumptions=(),
    instances=INSTANCES,
    check=check,
    conclusion=(CONCLUSION,),
    derive=derive,
    interpret=interpret,
    controls=(Control(None, INSTANCES, why="the trace is not 0", check=no_trace),),
)
