"""A true statement of existence, tested with a construction that misses: this refutes nothing.

There is an adapter of rank r that leaves the error of the singular values beyond r; keeping the
last r diagonal entries instead of the first is merely a bad choice.
"""

from lora_proofs import Claim, Control, Instance, Instances, Source, at_most, strategies
from lora_proofs.arithmetic import squared_norm

EXPECTED_VERDICT = "INCONCLUSIVE"
EXPECTED_REASON = "one construction missed"


def draw(source, regime):
    values = strategies.spectrum(source, 3, regime)
    E = [[values[i] if i == j else 0 for j in range(3)] for i in range(3)]
    return Instance(regimes=(regime,), E=E, r=source.integer(1, 2))


def tail(E, r):
    return sum(E[i, i] ** 2 for i in range(r, 3))


def check(instance, ctx):
    E, r = instance.lift(ctx).E, int(instance.r)
    update = ctx.zeros(3, 3)
    for i in range(3 - r, 3):
        update[i, i] = E[i, i]
    yield at_most("error of the construction", squared_norm(E - update), tail(E, r))


def exact_fit(instance, ctx):
    E, r = instance.lift(ctx).E, int(instance.r)
    yield at_most("least error of rank r", tail(E, r), ctx.number(0))


INSTANCES = Instances(draw, ("distinct", "flat"))
claim = Claim(
    name="tests/bad-construction",
    source=Source("tests"),
    statement=r"\exists A, B: \|E - BA\|_F^2 \le \sum_{i > r} \sigma_i^2",
    assumptions=(),
    instances=INSTANCES,
    check=check,
    kind="lower-bound",
    controls=(Control(None, INSTANCES, why="no adapter fits exactly", check=exact_fit),),
)
