"""A false statement of existence: no adapter of rank r beats the singular values beyond r."""

from lora_proofs import Claim, Control, Instance, Instances, Source, at_most, strategies
from lora_proofs.arithmetic import squared_norm

EXPECTED_VERDICT = "REFUTED"
EXPECTED_REASON = "counterexample of kind lower-bound, confirmed by exact"


def draw(source, regime):
    values = strategies.spectrum(source, 3, regime)
    E = [[values[i] if i == j else 0 for j in range(3)] for i in range(3)]
    return Instance(regimes=(regime,), E=E, r=source.integer(1, 2))


def tail(E, r):
    return sum(E[i, i] ** 2 for i in range(r, 3))


def promised(E, r):
    return tail(E, r) / 2


def check(instance, ctx):
    E, r = instance.lift(ctx).E, int(instance.r)
    update = ctx.zeros(3, 3)
    for i in range(r):
        update[i, i] = E[i, i]
    yield at_most("error of the construction", squared_norm(E - update), promised(E, r))


def lower_bound(instance, ctx):
    E, r = instance.lift(ctx).E, int(instance.r)
    yield at_most("least error of rank r", tail(E, r), promised(E, r))


def exact_fit(instance, ctx):
    E, r = instance.lift(ctx).E, int(instance.r)
    yield at_most("least error of rank r", tail(E, r), ctx.number(0))


INSTANCES = Instances(draw, ("distinct", "flat"))
claim = Claim(
    name="tests/too-good-to-exist",
    source=Source("tests"),
    statement=r"\exists A, B: \|E - BA\|_F^2 \le \tfrac12 \sum_{i > r} \sigma_i^2",
    assumptions=(),
    instances=INSTANCES,
    check=check,
    lower_bound=lower_bound,
    kind="lower-bound",
    controls=(Control(None, INSTANCES, why="no adapter fits exactly", check=exact_fit),),
)
