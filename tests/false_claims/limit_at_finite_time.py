"""A limit judged at a finite time: after 4 steps from a saddle both orders still agree closely."""

from lora_proofs import Claim, Control, Instance, Instances, Source, at_most, flows, losses
from lora_proofs.arithmetic import squared_norm

EXPECTED_VERDICT = "refused"
EXPECTED_REASON = "its statement is about a limit at infinity"
STEPS = 4


def draw(source, regime):
    a = source.integer(1, 8)
    return Instance(
        regimes=(regime,), loss="frobenius", W0=[[0]], Y=[[1]], A0=[[f"{a}/16"]], B0=[[f"-{a}/16"]]
    )


def last(method, instance, ctx):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    A, B = list(flows.iterate(method, STEPS, loss, x.W0, x.A0, x.B0, "1/1000", ctx))[-1]
    return B @ A


def within(tolerance):
    def check(instance, ctx):
        gap = last("A-first", instance, ctx) - last("simultaneous", instance, ctx)
        yield at_most("squared gap after 4 steps", squared_norm(gap), ctx.number(tolerance))

    return check


INSTANCES = Instances(draw, ("saddle",))
claim = Claim(
    name="tests/limit-at-finite-time",
    source=Source("tests"),
    statement=r"\lim_{k \to \infty} B_k^{\mathrm{AB}} A_k^{\mathrm{AB}} "
    r"= \lim_{k \to \infty} B_k^{\mathrm{sim}} A_k^{\mathrm{sim}}",
    assumptions=(),
    instances=INSTANCES,
    check=within("1/100"),
    controls=(Control(None, INSTANCES, why="they are not equal", check=within(0)),),
)
