"""At most r singular values of W0 + BA rise above the whole spectrum of W0.

A rank-r update moves the i-th singular value past r others at most (Weyl's inequality).
"""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import at_most, lora_problems


def check(instance, ctx, spared=0):
    x, r = instance.lift(ctx), len(instance.A0) - spared
    values = ctx.singular_values(x.W0 + x.B0 @ x.A0)
    beyond = values[r] if r < len(values) else ctx.number(0)
    yield at_most("singular value r + 1 of W", beyond, ctx.operator_norm(x.W0))


def one_fewer(instance, ctx):
    return check(instance, ctx, spared=1)


RISES = Instance(W0=[[1, 0], [0, 1]], B0=[[1], [0]], A0=[[1, 0]])

claim = Claim(
    name="outside/intruders-above-the-spectrum",
    title="At most r singular values rise above the spectrum",
    source=Source("folklore", status="corrected"),
    statement=r"$\sigma_{r+1}(W_0 + BA) \le \sigma_1(W_0)$.",
    assumptions=(),
    instances=lora_problems(regimes=("generic", "zero B0", "r > min(n, m)")),
    check=check,
    controls=(Control(None, (RISES,), "r values can rise", one_fewer),),
)
