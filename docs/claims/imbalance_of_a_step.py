"""What one step of gradient descent does to B'B - AA', exactly: it adds a term of order h^2."""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import equal, flows, identity, lora_problems, losses, words

A, B = words.Symbol("A", "r", "m"), words.Symbol("B", "n", "r")
W0, f, h = words.Symbol("W0", "n", "m", latex="W_0"), words.Loss("f", "n", "m"), words.Scalar("h")
G = f.gradient(W0 + B @ A)
LABEL = "change of B'B - AA'"


def imbalance(A, B):
    return B.T @ B - A @ A.T


CHANGE = imbalance(A - h * (B.T @ G), B - h * (G @ A.T)) - imbalance(A, B)
TOLD = h**2 * (A @ G.T @ G @ A.T - B.T @ G @ G.T @ B)


def derive():
    yield identity(CHANGE, TOLD, "the terms of order h cancel", label=LABEL)


def values(instance, ctx):
    x = instance.lift(ctx)
    return {A: x.A0, B: x.B0, W0: x.W0, h: x.h, f: losses.loss_from_instance(instance, ctx)}


def check(instance, ctx, share=1):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    A1, B1 = flows.simultaneous_step(loss, x.W0, x.A0, x.B0, x.h, ctx)
    G = loss.gradient(x.W0 + x.B0 @ x.A0, ctx)
    GA, BG = G @ x.A0.mT, x.B0.mT @ G
    told = ctx.number(share) * x.h * x.h * (GA.mT @ GA - BG @ BG.mT)
    yield equal(LABEL, imbalance(A1, B1) - imbalance(x.A0, x.B0), told)


def half(instance, ctx):
    return check(instance, ctx, share="1/2")


START = Instance(loss="frobenius", W0=[[0]], Y=[[1]], A0=[[1]], B0=[[0]], h=1)

claim = Claim(
    name="outside/imbalance-of-a-step",
    title="What a step does to the balance",
    source=Source("folklore", status="corrected"),
    statement=r"One step of gradient descent changes $B^\top B - A A^\top$ by "
    r"$h^2 \left(A G^\top G A^\top - B^\top G G^\top B\right)$.",
    assumptions=(),
    instances=lora_problems(h="number in (0, 1]"),
    check=check,
    conclusion=(words.Relation(CHANGE, "=", TOLD, LABEL),),
    derive=derive,
    interpret=values,
    controls=(Control(None, (START,), "half of it", half),),
)
