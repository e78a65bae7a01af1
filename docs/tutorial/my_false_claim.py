"""False, and easy to believe: an A-first step never leaves a larger loss than a simultaneous one.

The A-first step computes the gradient of B after A has moved, so it knows more, and on most starts
with a small step it does better. Not on all.
"""

from lora_proofs import (
    Assumption,
    Claim,
    Control,
    Instance,
    Instances,
    Source,
    at_least,
    at_most,
    flows,
    losses,
    strategies,
)


def draw(source, regime):
    """A Frobenius problem, with a step size h of 1/4, 1/8 or 1/16."""
    h = source.choice(("1/4", "1/8", "1/16"))
    return strategies.lora_problem(source, regime, loss="frobenius", largest=2, h=h)


def loss_after(method, instance, ctx):
    x, loss = instance.lift(ctx), losses.loss_from_instance(instance)
    A, B = flows.METHODS[method](loss, x.W0, x.A0, x.B0, x.h, ctx)
    return loss.value(x.W0 + B @ A, ctx)


def positive_step(instance, ctx):
    yield at_least("h", ctx.number(instance.h), ctx.number(0))


def check(instance, ctx):
    a_first = loss_after("A-first", instance, ctx)
    yield at_most("loss after a step", a_first, loss_after("simultaneous", instance, ctx))


def the_other_way(instance, ctx):
    a_first = loss_after("A-first", instance, ctx)
    yield at_least("loss after a step", a_first, loss_after("simultaneous", instance, ctx))


positive = Assumption("positive_step", r"h \ge 0", positive_step)
BACKWARDS = Instance(loss="frobenius", h="-1/8", W0=[[0]], Y=[[0]], A0=[[1]], B0=[[1]])
START = Instance(loss="frobenius", h="1/8", W0=[[0]], Y=[[3]], A0=[[1]], B0=[[1]])

claim = Claim(
    name="tutorial/a-first-is-never-worse",
    source=Source("tutorial", status="our reading", evidence="recalled"),
    statement=r"f(W_+^{\mathrm{AB}}) \le f(W_+^{\mathrm{sim}})",
    assumptions=(positive,),
    instances=Instances(draw, ("generic", "zero B0", "r = 1")),
    check=check,
    controls=(
        Control(
            positive,
            (BACKWARDS,),
            why="with h < 0 both steps climb, and the A-first one climbs further",
        ),
        Control(None, (START,), why="the A-first step can be better", check=the_other_way),
    ),
)
