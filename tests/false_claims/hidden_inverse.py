"""The derivation uses an inverse that nothing grants: BA = BC gives A = C for nonsingular B."""

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
    strategies,
)
from lora_proofs.mathematics import words as w

EXPECTED_VERDICT = "CERTIFIED"
EXPECTED_REASON = "not proved"

A, B, C = w.Symbol("A", "r", "m"), w.Symbol("B", "r", "r"), w.Symbol("C", "r", "m")
UPDATES = w.Relation(B @ A, "=", B @ C, "same update")
CONCLUSION = w.Relation(A, "=", C, "same factor")


def derive():
    same = assumed("same_update", UPDATES, "the updates agree")
    yield same
    back = w.Inverse(B)
    turned = identity(back @ (B @ A), back @ (B @ C), "times the inverse of B", given=(same,))
    yield turned
    yield identity(A, C, "the inverse cancels", given=(turned,), label="same factor")


def interpret(instance, ctx):
    x = instance.lift(ctx)
    return {A: x.A, B: x.B, C: x.C}


def draw(source, regime):
    r, m = strategies.shape(source, high=3)
    X = strategies.matrix(source, r, m)
    return Instance(regimes=(regime,), A=X, C=X, B=strategies.full_rank_matrix(source, r, r))


def updates_agree(instance, ctx):
    x = instance.lift(ctx)
    yield equal("same update", x.B @ x.A, x.B @ x.C)


def check(instance, ctx):
    x = instance.lift(ctx)
    yield equal("same factor", x.A, x.C)


same_update = Assumption("same_update", "BA = BC", updates_agree, relations=(UPDATES,))
claim = Claim(
    name="tests/hidden-inverse",
    source=Source("tests"),
    statement="BA = BC \\implies A = C",
    assumptions=(same_update,),
    instances=Instances(draw),
    check=check,
    conclusion=(CONCLUSION,),
    derive=derive,
    interpret=interpret,
    controls=(Control(same_update, (Instance(A=[[1]], C=[[2]], B=[[1]]),), why="other updates"),),
)
