"""An assumption whose function yields no comparison: it could hide that nothing was assumed."""

from lora_proofs import Assumption, Claim, Control, Instances, Source, at_most, strategies
from lora_proofs.arithmetic import squared_norm

EXPECTED_VERDICT = "INCONCLUSIVE"
EXPECTED_REASON = "assumption 'small_factors' yields no comparison"


def draw(source, regime):
    return strategies.lora_problem(source, regime, loss="frobenius")


def holds(instance, ctx):
    return ()


def check(instance, ctx):
    x = instance.lift(ctx)
    bound = squared_norm(x.B0) * squared_norm(x.A0)
    yield at_most("||BA||_F^2", squared_norm(x.B0 @ x.A0), bound)


def halved(instance, ctx):
    x = instance.lift(ctx)
    bound = squared_norm(x.B0) * squared_norm(x.A0) / 2
    yield at_most("||BA||_F^2", squared_norm(x.B0 @ x.A0), bound)


INSTANCES = Instances(draw, ("generic", "r = 1"))
claim = Claim(
    name="tests/assumption-says-nothing",
    source=Source("tests"),
    statement=r"\|BA\|_F^2 \le \|B\|_F^2 \|A\|_F^2",
    assumptions=(
        Assumption("small_factors", r"\|A\|_F \ll 1", holds, technical="the bound holds anyway"),
    ),
    instances=INSTANCES,
    check=check,
    controls=(Control(None, INSTANCES, why="rank one is tight", check=halved),),
)
