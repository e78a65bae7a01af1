"""A limit in words, judged after four steps: that the loss is at its infimum eventually."""

from lora_proofs import Claim, Control, Instance, Instances, Source, at_most

EXPECTED_VERDICT = "refused"
EXPECTED_REASON = "its statement is about a limit at infinity"


def draw(source, regime):
    return Instance(w=f"{source.integer(1, 8)}/8")


def after_four_steps(bound):
    def check(instance, ctx):
        yield at_most("loss", (instance.lift(ctx).w / 16) ** 2, ctx.number(bound))

    return check


INSTANCES = Instances(draw)
claim = Claim(
    name="tests/eventually",
    source=Source("tests"),
    statement=r"$w_{k+1} = w_k / 2$ reaches the loss $0$ eventually",
    assumptions=(),
    instances=INSTANCES,
    check=after_four_steps("1/100"),
    controls=(Control(None, INSTANCES, why="it is not 0", check=after_four_steps(0)),),
)
