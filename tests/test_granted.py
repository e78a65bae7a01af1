"""An assumption that grants more than it checks proves nothing."""

from lora_proofs import (
    Assumption,
    Claim,
    Control,
    Instance,
    Source,
    assumed,
    at_least,
    below,
    inequality,
    instances_of,
    measures,
    verify,
)
from lora_proofs.mathematics import words as w

X, Y = w.Symbol("X", "n", "n"), w.Symbol("Y", "n", "n")
SIZE = w.Norm("F", (X,)) ** 2 + w.Norm("F", (Y,)) ** 2
AT_LEAST_ONE = w.Relation(w.word(1) - w.Norm("F", (X,)) ** 2, "<=", w.word(0))
CONCLUSION = w.Relation(w.word(1), "<=", SIZE, "size")


def derive():
    granted = assumed("large", AT_LEAST_ONE, "X is not small")
    yield granted
    left, right = CONCLUSION.left, CONCLUSION.right
    yield inequality(left, right, "Y adds", rule="combine", uses=(granted,), label="size")


def check(i, ctx, k=1):
    x = i.lift(ctx)
    yield at_least("size", measures.squared_norm(x.X) + measures.squared_norm(x.Y), ctx.number(k))


def not_singular(i, ctx):
    x = i.lift(ctx).X
    det = x[0, 0] * x[1, 1] - x[0, 1] * x[1, 0]
    yield below("det", ctx.number(0), det * det)


def norm_at_least_one(i, ctx):
    yield at_least("norm", measures.squared_norm(i.lift(ctx).X), ctx.number(1))


def claim(holds, words):
    large = Assumption("large", words, holds, relations=(AT_LEAST_ONE,))
    zero, eye = [[0, 0], [0, 0]], [[1, 0], [0, 1]]
    return Claim(
        name="test/granted",
        source=Source("tests"),
        statement=f"{words} implies 1 <= |X|^2 + |Y|^2 (2 x 2)",
        assumptions=(large,),
        instances=instances_of(X="2 x 2 nonsingular", Y="2 x 2"),
        check=check,
        controls=(
            Control(large, (Instance(X=zero, Y=zero),), "X = 0"),
            Control(None, (Instance(X=eye, Y=zero),), "ten", lambda i, c: check(i, c, 10)),
        ),
        conclusion=(CONCLUSION,),
        derive=derive,
        interpret=lambda i, ctx: {X: i.lift(ctx).X, Y: i.lift(ctx).Y},
    )


def test_what_is_granted_and_not_checked_is_refuted():
    found = verify(claim(not_singular, "det X != 0"), budget="quick")
    assert found.verdict == "REFUTED"
    assert any("grants more than it checks" in x for x in found.to_dict()["derivation"]["problems"])


def test_what_is_granted_and_checked_is_proved():
    found = verify(claim(norm_at_least_one, "|X| >= 1"), budget="quick")
    assert found.verdict == "PROVED"
