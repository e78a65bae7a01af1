"""The derivation cites its own claim as a lemma: that proves nothing."""

from lora_proofs import Claim, Control, Instances, Source, equal, strategies
from lora_proofs.arithmetic import squared_norm, trace
from lora_proofs.mathematics import words as w
from lora_proofs.symbolic.steps import Lemma, cited

EXPECTED_VERDICT = "refused"
EXPECTED_REASON = "the lemma 'tests/cites-itself' is not on the list of lemmas"

A, B = w.Symbol("A", "r", "n"), w.Symbol("B", "n", "r")
CONCLUSION = w.Relation(w.Trace(B @ A), "=", w.Trace(A @ B), "trace is cyclic")


ITSELF = Lemma(
    "tests/cites-itself", r"\operatorname{tr}(BA) = \operatorname{tr}(AB)", "here", {}, CONCLUSION
)


def derive():
    yield cited(ITSELF, "this very claim")


def interpret(instance, ctx):
    x = instance.lift(ctx)
    return {A: x.A0, B: x.B0}


def draw(source, regime):
    return strategies.lora_problem(source, regime, loss="trace-squared")


def check(instance, ctx):
    x = instance.lift(ctx)
    yield equal("trace is cyclic", trace(x.B0 @ x.A0), trace(x.A0 @ x.B0))


def norms(instance, ctx):
    x = instance.lift(ctx)
    yield equal("norms agree", squared_norm(x.B0 @ x.A0), squared_norm(x.A0 @ x.B0))


INSTANCES = Instances(draw, ("generic", "cone"))
claim = Claim(
    name="tests/cites-itself",
    source=Source("tests"),
    statement=r"\operatorname{tr}(BA) = \operatorname{tr}(AB)",
    assumptions=(),
    instances=INSTANCES,
    check=check,
    conclusion=(CONCLUSION,),
    derive=derive,
    interpret=interpret,
    controls=(Control(None, INSTANCES, why="the norms do not agree", check=norms),),
)
