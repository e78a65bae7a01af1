"""The derivation is met by balls so wide that they agree with anything; the check is false."""

import flint
import numpy as np

from lora_proofs import Claim, Control, Instance, Instances, Source, at_most, strategies
from lora_proofs.arithmetic import squared_norm, trace
from lora_proofs.mathematics.words import Relation, Size, Symbol, Trace
from lora_proofs.symbolic.steps import inequality

EXPECTED_VERDICT = "CERTIFIED"
EXPECTED_REASON = "not proved: no derived line could be evaluated on an instance"

A = Symbol("A", "n", "n")
LEFT, RIGHT = Trace(A) ** 2, Trace(A) ** 2 + 0 * Size("n")


def draw(source, regime):
    size = source.integer(1, 3)
    return Instance(regimes=(regime,), A=strategies.matrix(source, size, size))


def wide(instance, ctx):
    values = ctx.zeros(len(instance.A), len(instance.A))
    for index in np.ndindex(values.shape):
        values[index] = flint.arb(0, 10**9)
    return {A: values}


def check(instance, ctx):
    X = instance.lift(ctx).A
    yield at_most("trace", trace(X) ** 2, 3 * squared_norm(X))  # false where n is 4


def turned(instance, ctx):
    X = instance.lift(ctx).A
    yield at_most("trace", trace(X) ** 2 + 1, trace(X) ** 2)


claim = Claim(
    name="tests/wide-balls",
    source=Source("tests"),
    statement=r"(tr A)^2 \le 3 \|A\|_F^2 for every n x n matrix A",
    assumptions=(),
    instances=Instances(draw),
    check=check,
    conclusion=(Relation(LEFT, "<=", RIGHT, "trace"),),
    derive=lambda: [inequality(LEFT, RIGHT, "clear", rule="combine", label="trace")],
    interpret=wide,
    controls=(Control(None, Instances(draw), why="1 is added", check=turned),),
)
