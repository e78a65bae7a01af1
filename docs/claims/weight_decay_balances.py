"""Weight decay w on both factors lets the imbalance B'B - AA' decay at the rate 2 w."""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import equal, flows, identity, lora_problems, losses, words

A, B = words.Symbol("A", "r", "m"), words.Symbol("B", "n", "r")
W0, f, w = words.Symbol("W0", "n", "m", latex="W_0"), words.Loss("f", "n", "m"), words.Scalar("w")
G = f.gradient(W0 + B @ A)
LABEL = "rate of B'B - AA'"
RATE = words.along(B.T @ B - A @ A.T, {A: -(B.T @ G) - w * A, B: -(G @ A.T) - w * B})
TOLD = -2 * w * (B.T @ B - A @ A.T)


def derive():
    yield identity(RATE, TOLD, "what the gradient adds to B'B it adds to AA' too", label=LABEL)


def values(instance, ctx):
    x = instance.lift(ctx)
    return {A: x.A0, B: x.B0, W0: x.W0, w: x.w, f: losses.loss_from_instance(instance, ctx)}


def check(instance, ctx, times=2):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    A, B = x.A0, x.B0
    dA, dB = flows.lora_vector_field(loss, x.W0, A, B, ctx)
    dA, dB = dA - x.w * A, dB - x.w * B
    rate = dB.mT @ B + B.mT @ dB - dA @ A.mT - A @ dA.mT
    yield equal(LABEL, rate, -times * x.w * (B.mT @ B - A @ A.mT))


def once(instance, ctx):
    return check(instance, ctx, times=1)


START = Instance(loss="frobenius", W0=[[0]], Y=[[0]], A0=[[1]], B0=[[0]], w=1)

claim = Claim(
    name="outside/weight-decay-balances",
    title="Weight decay balances the factors",
    source=Source("folklore", status="corrected"),
    statement=r"Along $\dot A = -B^\top G - w A$, $\dot B = -G A^\top - w B$ the matrix "
    r"$D = B^\top B - A A^\top$ has $\dot D = -2 w D$.",
    assumptions=(),
    instances=lora_problems(
        regimes=("generic", "zero B0", "rank deficient", "r > min(n, m)"), w="number"
    ),
    check=check,
    conclusion=(words.Relation(RATE, "=", TOLD, LABEL),),
    derive=derive,
    interpret=values,
    controls=(Control(None, (START,), "at the rate w", once),),
)
