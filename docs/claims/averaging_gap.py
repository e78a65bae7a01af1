"""Averaging factors misses a quarter of the product of their differences.

So averaging is exact where the adapters share one factor.
"""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import equal, identity, instances_of, words

B1, B2 = words.Symbol("B1", "n", "r", latex="B_1"), words.Symbol("B2", "n", "r", latex="B_2")
A1, A2 = words.Symbol("A1", "r", "m", latex="A_1"), words.Symbol("A2", "r", "m", latex="A_2")
LABEL = "4 times what averaging the factors misses"
MISSED = 2 * (B1 @ A1 + B2 @ A2) - (B1 + B2) @ (A1 + A2)
DIFFERENCES = (B1 - B2) @ (A1 - A2)


def derive():
    yield identity(MISSED, DIFFERENCES, "both are multiplied out", label=LABEL)


def values(instance, ctx):
    x = instance.lift(ctx)
    return {B1: x.B1, B2: x.B2, A1: x.A1, A2: x.A2}


def check(instance, ctx, times=1):
    x = instance.lift(ctx)
    missed = 2 * (x.B1 @ x.A1 + x.B2 @ x.A2) - (x.B1 + x.B2) @ (x.A1 + x.A2)
    yield equal(LABEL, missed, times * (x.B1 - x.B2) @ (x.A1 - x.A2))


def twice(instance, ctx):
    return check(instance, ctx, times=2)


APART = Instance(B1=[[1]], A1=[[1]], B2=[[0]], A2=[[0]])

claim = Claim(
    name="outside/averaging-gap",
    title="What averaging the factors misses",
    source=Source("folklore", status="corrected"),
    statement=r"$\tfrac12(B_1 A_1 + B_2 A_2) - \tfrac12(B_1 + B_2)\,\tfrac12(A_1 + A_2) "
    r"= \tfrac14 (B_1 - B_2)(A_1 - A_2)$.",
    assumptions=(),
    instances=instances_of(B1="n x r", A1="r x m", B2="n x r", A2="r x m"),
    check=check,
    conclusion=(words.Relation(MISSED, "=", DIFFERENCES, LABEL),),
    derive=derive,
    interpret=values,
    controls=(Control(None, (APART,), "twice the product of differences", twice),),
)
