"""A derived line leans on a symbol without a value: no instance could ever break it."""

from lora_proofs import Claim, Control, Instance, Instances, Source, equal, strategies
from lora_proofs.arithmetic import trace
from lora_proofs.mathematics.words import Scalar, Symbol, Trace
from lora_proofs.symbolic.steps import identity

EXPECTED_VERDICT = "CERTIFIED"
EXPECTED_REASON = "not proved: line 1 was never evaluated on an instance"

A, u = Symbol("A", "n", "n"), Scalar("u")


def derive():
    yield identity(u * Trace(A), Trace(u * A.T), "of a number that no instance has")
    yield identity(Trace(A), Trace(A.T), "the same diagonal", label="trace")


def draw(source, regime):
    size = source.integer(1, 3)
    return Instance(regimes=(regime,), A=strategies.matrix(source, size, size))


def shifted_by(number):
    def check(instance, ctx):
        X = instance.lift(ctx).A
        yield equal("trace", trace(X), trace(X.mT) + number)

    return check


claim = Claim(
    name="tests/line-never-evaluated",
    source=Source("tests"),
    statement="tr A = tr A' for every n x n matrix A",
    assumptions=(),
    instances=Instances(draw),
    check=shifted_by(0),
    conclusion=(list(derive())[-1].relation,),
    derive=derive,
    interpret=lambda instance, ctx: {A: instance.lift(ctx).A},
    controls=(Control(None, Instances(draw), why="2 is added", check=shifted_by(2)),),
)
