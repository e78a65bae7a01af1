"""One small claim for each verdict that instances can earn: norms of an adapter BA."""

from lora_proofs import Assumption, Claim, Control, Instance, Instances, Source, at_most, strategies
from lora_proofs.arithmetic import squared_norm


def draw(source, regime):
    A = strategies.matrix(source, 2, 3) if regime == "generic" else [[1, 0, 0], [0, 0, 0]]
    return Instance(A=A, B=strategies.matrix(source, 2, 2))


def draw_signs(source, regime):
    return Instance(
        A=[[source.integer(-1, 1) for _ in range(3)]], B=strategies.matrix(source, 3, 1)
    )


def product(factor):
    def check(instance, ctx):
        x = instance.lift(ctx)
        bound = ctx.number(factor) * squared_norm(x.B) * squared_norm(x.A)
        yield at_most("||BA||^2 against ||B||^2 ||A||^2", squared_norm(x.B @ x.A), bound)

    return check


def lengths(instance, ctx):
    x = instance.lift(ctx)
    norm = ctx.frobenius_norm
    yield at_most("||BA|| against ||B|| ||A||", norm(x.B @ x.A), norm(x.B) * norm(x.A))


def no_growth(instance, ctx):
    x = instance.lift(ctx)
    yield at_most("||BA||^2 against ||B||^2", squared_norm(x.B @ x.A), squared_norm(x.B))


def bounded_by(bound):
    def holds(instance, ctx):
        yield at_most("||A||^2", squared_norm(instance.lift(ctx).A), ctx.number(bound))

    return holds


INSTANCES = Instances(draw, ("generic", "A of rank 1"))
ONES = Instance(A=[[1, 1, 1], [1, 1, 1]], B=[[1, 1], [1, 1]])
LARGE = Instance(A=[[3]], B=[[1]])
SOURCE = Source("examples")
tight = Control(None, (ONES,), why="all ones are tight", check=product("99/100"))
at_most_two = Assumption("at_most_two", r"\|A\|_F^2 \le 2", bounded_by(2))
tiny = Assumption("tiny", r"\|A\|_F^2 \le 1/100", bounded_by("1/100"))

certified = Claim(
    name="examples/certified",
    source=SOURCE,
    statement=r"\|BA\|_F^2 \le \|B\|_F^2 \, \|A\|_F^2",
    assumptions=(),
    instances=INSTANCES,
    check=product(1),
    controls=(tight,),
)
supported = Claim(
    name="examples/supported",
    source=SOURCE,
    statement=r"\|BA\|_F \le \|B\|_F \, \|A\|_F",
    assumptions=(),
    instances=Instances(draw),
    check=lengths,
    controls=(tight,),
    arithmetics=("multiprecision",),
)
refuted = Claim(
    name="examples/refuted",
    source=SOURCE,
    statement=r"\|BA\|_F^2 \le \|B\|_F^2",
    assumptions=(at_most_two,),
    instances=Instances(draw_signs),
    check=no_growth,
    controls=(Control(at_most_two, (LARGE,), why="A = 3 makes it three times as long"),),
)
inconclusive = Claim(
    name="examples/inconclusive",
    source=SOURCE,
    statement=r"\|BA\|_F^2 \le \|B\|_F^2",
    assumptions=(tiny,),
    instances=INSTANCES,
    check=no_growth,
    controls=(Control(tiny, (LARGE,), why="A = 3 makes it three times as long"),),
)
