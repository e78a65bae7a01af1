"""A claim without a control: nothing shows that its check can fail."""

from lora_proofs import Claim, Instances, Source, at_most, strategies

EXPECTED_VERDICT = "refused"
EXPECTED_REASON = "it has no control, so its check could be unable to fail"


def draw(source, regime):
    return strategies.lora_problem(source, regime, loss="frobenius")


def check(instance, ctx):
    x = instance.lift(ctx)
    yield at_most("rank BA", ctx.rank(x.B0 @ x.A0), len(instance.A0))


claim = Claim(
    name="tests/no-control",
    source=Source("tests"),
    statement=r"\operatorname{rank}(BA) \le r",
    assumptions=(),
    instances=Instances(draw),
    check=check,
)
