"""Two assumptions that no number meets: a step of at most 1/8 and of at least 1/4."""

from lora_proofs import Assumption, Claim, Control, Instance, Instances, Source, at_least, at_most

EXPECTED_VERDICT = "INCONCLUSIVE"
EXPECTED_REASON = "the assumptions 'large_step' and 'small_step' contradict each other"


def draw(source, regime):
    return Instance(h=f"{source.integer(0, 16)}/16", W0=[[source.integer(-3, 3)]])


def small(instance, ctx):
    yield at_most("step", instance.lift(ctx).h, ctx.number("1/8"))


def large(instance, ctx):
    yield at_least("step", instance.lift(ctx).h, ctx.number("1/4"))


def check(instance, ctx):
    x = instance.lift(ctx)
    yield at_most("|(1 - h) w|^2", ((1 - x.h) * x.W0[0, 0]) ** 2, ctx.number(0))


INSTANCES = Instances(draw)
LARGE, SMALL = (Instance(h=h, W0=[[1]]) for h in ("1/2", 0))
small_step = Assumption("small_step", r"h \le 1/8", small)
large_step = Assumption("large_step", r"h \ge 1/4", large)
claim = Claim(
    name="tests/assumptions-contradict",
    source=Source("tests"),
    statement=r"(1 - h) W_0 = 0",
    assumptions=(large_step, small_step),
    instances=INSTANCES,
    check=check,
    controls=(
        Control(small_step, (LARGE,), why="half a step leaves half of W0"),
        Control(large_step, (SMALL,), why="no step leaves all of W0"),
    ),
)
