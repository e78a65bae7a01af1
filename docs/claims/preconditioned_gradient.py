"""LoRA follows a preconditioned gradient: along its flow W moves at the rate -(G A'A + BB'G)."""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import equal, flows, identity, lora_problems, losses, words

A, B = words.Symbol("A", "r", "m"), words.Symbol("B", "n", "r")
W0, f = words.Symbol("W0", "n", "m", latex="W_0"), words.Loss("f", "n", "m")
W = W0 + B @ A
G = f.gradient(W)
RATE = words.along(W, {A: -(B.T @ G), B: -(G @ A.T)})
TOLD = -(G @ A.T @ A + B @ B.T @ G)


def derive():
    yield identity(RATE, TOLD, "the product rule", label="rate of W")


def values(instance, ctx):
    x = instance.lift(ctx)
    return {A: x.A0, B: x.B0, W0: x.W0, f: losses.loss_from_instance(instance, ctx)}


def check(instance, ctx, sign=1):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    dA, dB = flows.lora_vector_field(loss, x.W0, x.A0, x.B0, ctx)
    G = loss.gradient(x.W0 + x.B0 @ x.A0, ctx)
    told = G @ x.A0.mT @ x.A0 + sign * x.B0 @ x.B0.mT @ G
    yield equal("rate of W", dB @ x.A0 + x.B0 @ dA, -told)


def difference(instance, ctx):
    return check(instance, ctx, sign=-1)


ONES = Instance(loss="frobenius", W0=[[0]], Y=[[0]], A0=[[1]], B0=[[1]])

claim = Claim(
    name="outside/preconditioned-gradient",
    title="LoRA follows a preconditioned gradient",
    source=Source("folklore", status="corrected"),
    statement=r"Along the flow of the factors, $\dot W = -(G A^\top A + B B^\top G)$.",
    assumptions=(),
    instances=lora_problems(regimes=("generic", "zero B0", "rank deficient", "r > min(n, m)")),
    check=check,
    conclusion=(words.Relation(RATE, "=", TOLD, "rate of W"),),
    derive=derive,
    interpret=values,
    controls=(Control(None, (ONES,), "the difference of the two terms", difference),),
)
