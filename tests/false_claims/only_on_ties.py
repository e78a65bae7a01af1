"""False only on ties: the truncation of E to rank r beats the one with sigma_(r+1) instead."""

from lora_proofs import Claim, Control, Instance, Instances, Source, below, strategies
from lora_proofs.arithmetic import squared_norm

EXPECTED_VERDICT = "REFUTED"
EXPECTED_REASON = "counterexample of kind value, confirmed by exact"


def draw(source, regime):
    kind = source.choice(("distinct", "distinct", "distinct", "tied"))
    values = strategies.spectrum(source, 3, kind)
    E = [[values[i] if i == j else 0 for j in range(3)] for i in range(3)]
    return Instance(regimes=(regime,), E=E, r=source.integer(1, 2))


def errors(instance, ctx):
    """The squared errors of keeping 1..r, and of keeping 1..r-1 and r+1."""
    E, r = instance.lift(ctx).E, int(instance.r)
    best, other = ctx.zeros(3, 3), ctx.zeros(3, 3)
    for i in range(r):
        best[i, i], other[i, i] = E[i, i], E[i, i]
    other[r - 1, r - 1], other[r, r] = ctx.number(0), E[r, r]
    return squared_norm(E - best), squared_norm(E - other)


def check(instance, ctx):
    best, other = errors(instance, ctx)
    yield below("error of E_r", best, other)


def swapped(instance, ctx):
    best, other = errors(instance, ctx)
    yield below("error of the other", other, best)


INSTANCES = Instances(draw, ("diagonal",))
claim = Claim(
    name="tests/only-on-ties",
    source=Source("tests"),
    statement=r"\|E - E_r\|_F < \|E - X\|_F \text{ for the truncation } X \text{ that keeps } "
    r"\sigma_{r+1} \text{ instead of } \sigma_r",
    assumptions=(),
    instances=INSTANCES,
    check=check,
    controls=(Control(None, INSTANCES, why="the other does not beat E_r", check=swapped),),
)
