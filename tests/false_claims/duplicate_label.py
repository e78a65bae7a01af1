"""Two comparisons share the label of the conclusion: one is derived, the other is false."""

from lora_proofs import Claim, Control, Instance, Instances, Source, at_most, equal, strategies
from lora_proofs.arithmetic import squared_norm, trace
from lora_proofs.mathematics.words import Relation, Symbol, Trace
from lora_proofs.symbolic.steps import identity

EXPECTED_VERDICT = "contradiction"
EXPECTED_REASON = "what is derived is not what is checked. Under the label 'trace'"

A = Symbol("A", "n", "n")
CONCLUSION = Relation(Trace(A), "=", Trace(A.T), "trace")


def draw(source, regime):
    size = source.integer(1, 3)
    return Instance(regimes=(regime,), A=strategies.matrix(source, size, size))


def check(instance, ctx):
    X = instance.lift(ctx).A
    yield equal("trace", trace(X), trace(X.mT))
    yield at_most("trace", trace(X) ** 2, 3 * squared_norm(X))  # false where n is 4


def shifted(instance, ctx):
    X = instance.lift(ctx).A
    yield equal("trace", trace(X), trace(X) + 2)


claim = Claim(
    name="tests/duplicate-label",
    source=Source("tests"),
    statement=r"tr A = tr A' and (tr A)^2 \le 3 \|A\|_F^2 for every n x n matrix A",
    assumptions=(),
    instances=Instances(draw),
    check=check,
    conclusion=(CONCLUSION,),
    derive=lambda: [identity(Trace(A), Trace(A.T), "the same diagonal", label="trace")],
    interpret=lambda instance, ctx: {A: instance.lift(ctx).A},
    controls=(Control(None, Instances(draw), why="2 is added", check=shifted),),
)
