"""The check rounds to floats, and a true identity misses by an ulp: a suspect, no refutation."""

from lora_proofs import Claim, Control, Instance, Instances, Source, equal, strategies
from lora_proofs.arithmetic import ArrayArithmetic, squared_norm

EXPECTED_VERDICT = "INCONCLUSIVE"
EXPECTED_REASON = "a suspect that exact or ball arithmetic did not confirm"
FLOAT = ArrayArithmetic()


def draw(source, regime):
    return strategies.lora_problem(source, regime, loss="frobenius")


def check(instance, ctx):
    x = instance.lift(FLOAT)
    tenths = sum(x.B0 @ x.A0 / 10 for _ in range(10))
    yield equal("||BA||_F", squared_norm(tenths), squared_norm(x.B0 @ x.A0), radius=0.0)


def doubled(instance, ctx):
    x = instance.lift(ctx)
    yield equal("||BA||_F", squared_norm(x.B0 @ x.A0), 2 * squared_norm(x.B0 @ x.A0))


START = Instance(loss="frobenius", W0=[[0]], Y=[[0]], A0=[[1]], B0=[[2]])
claim = Claim(
    name="tests/rounds-first",
    source=Source("tests"),
    statement=r"\|\sum_{i=1}^{10} \tfrac{1}{10} BA\|_F^2 = \|BA\|_F^2",
    assumptions=(),
    instances=Instances(draw, ("generic", "huge scale")),
    check=check,
    controls=(Control(None, (START,), why="not twice as large", check=doubled),),
)
