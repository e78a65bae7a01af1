"""The derivation leans on more than its assumption checks: orthonormal rows for one length."""

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
)
from lora_proofs.arithmetic import squared_norm
from lora_proofs.mathematics import words as w

EXPECTED_VERDICT = "contradiction"
EXPECTED_REASON = "an exact instance breaks the derived line"

A, B = w.Symbol("A", "r", "m"), w.Symbol("B", "n", "r")
ORTHONORMAL = w.Relation(A @ A.T, "=", w.Identity("r"), "orthonormal rows")
CONCLUSION = w.Relation(w.squared_norm(B @ A), "=", w.squared_norm(B), "the update is as long as B")


def derive():
    rows = assumed("unit_rows", ORTHONORMAL, "the rows of A are orthonormal")
    yield rows
    yield identity(
        CONCLUSION.left, CONCLUSION.right, "AA' = I", given=(rows,), label=CONCLUSION.label
    )


def interpret(instance, ctx):
    x = instance.lift(ctx)
    return {A: x.A0, B: x.B0}


def draw(source, regime):
    a = source.choice((("3/5", "4/5"), (1, 0), ("5/13", "12/13")))
    B0 = [[1, 0]] if regime == "along" else [[source.integer(1, 5), 0]]
    return Instance(regimes=(regime,), A0=[a, a], B0=B0)


def unit_rows(instance, ctx):
    A0 = instance.lift(ctx).A0
    yield equal("squared length of A", squared_norm(A0), ctx.number(2))


def check(instance, ctx):
    x = instance.lift(ctx)
    yield equal(CONCLUSION.label, squared_norm(x.B0 @ x.A0), squared_norm(x.B0))


grants = Assumption("unit_rows", r"A A^\top = I", unit_rows, relations=(ORTHONORMAL,))
LONG = Instance(A0=[[2, 0], [0, 1]], B0=[[1, 0]])
claim = Claim(
    name="tests/assumption-grants-more",
    source=Source("tests"),
    statement=r"\|BA\|_F = \|B\|_F",
    assumptions=(grants,),
    instances=Instances(draw, ("along", "any length")),
    check=check,
    conclusion=(CONCLUSION,),
    derive=derive,
    interpret=interpret,
    controls=(Control(grants, (LONG,), why="a longer row"),),
)
