"""The square of a sum, once right and once with the cross term lost."""

from lora_proofs.arithmetic import equal, trace
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import fraction


def draw(source, regime):
    rows = source.integer(1, 3)
    columns = rows if regime == "square" else rows + 1
    matrices = {
        name: [[fraction(source) for _ in range(columns)] for _ in range(rows)] for name in "XY"
    }
    return Instance(regimes=(regime,), scale=fraction(source), **matrices)


def positive(instance, ctx):
    yield equal("scale", ctx.number(instance.scale), ctx.number(instance.scale))


def check(instance, ctx):
    x = instance.lift(ctx)
    S = x.X + x.Y
    yield equal(
        "square of a sum",
        trace(S.mT @ S),
        trace(x.X.mT @ x.X) + 2 * trace(x.X.mT @ x.Y) + trace(x.Y.mT @ x.Y),
    )


def cross_term_lost(instance, ctx):
    x = instance.lift(ctx)
    S = x.X + x.Y
    yield equal("square of a sum", trace(S.mT @ S), trace(x.X.mT @ x.X) + trace(x.Y.mT @ x.Y))


INSTANCES = Instances(draw, ("square", "wide"))
CONTROL = Control(None, INSTANCES, why="the cross term is lost", check=cross_term_lost)
true_claim = Claim(
    name="tests/square-of-a-sum",
    source=Source("tests"),
    statement=r"\|X + Y\|_F^2 = \|X\|_F^2 + 2 \langle X, Y\rangle + \|Y\|_F^2",
    assumptions=(Assumption("scale_is_itself", "s = s", positive, technical="it is a tautology"),),
    instances=INSTANCES,
    check=check,
    controls=(CONTROL,),
)
false_claim = Claim(
    name="tests/cross-term-lost",
    source=Source("tests"),
    statement=r"\|X + Y\|_F^2 = \|X\|_F^2 + \|Y\|_F^2",
    assumptions=(),
    instances=INSTANCES,
    check=cross_term_lost,
    controls=(CONTROL,),
)
