"""Every draw is the same instance, on which a false statement holds: it was tried only once."""

from lora_proofs import Claim, Control, Instance, Instances, Source, at_most
from lora_proofs.arithmetic import squared_norm

EXPECTED_VERDICT = "INCONCLUSIVE"
EXPECTED_REASON = "distinct"


def draw(source, regime):
    return Instance(regimes=(regime,), loss="frobenius", W0=[[3]], Y=[[1]], A0=[[1]], B0=[["1/2"]])


def check(instance, ctx):
    x = instance.lift(ctx)
    yield at_most("||BA||_F^2", squared_norm(x.B0 @ x.A0), squared_norm(x.W0))


def reversed_bound(instance, ctx):
    x = instance.lift(ctx)
    yield at_most("||W0||_F^2", squared_norm(x.W0), squared_norm(x.B0 @ x.A0))


INSTANCES = Instances(draw)
claim = Claim(
    name="tests/one-instance",
    source=Source("tests"),
    statement=r"\|BA\|_F \le \|W_0\|_F",
    assumptions=(),
    instances=INSTANCES,
    check=check,
    controls=(Control(None, INSTANCES, why="the bound the other way", check=reversed_bound),),
)
