"""Plausible, and false: the sharpness at zero loss is that of the larger factor alone.

A direction that moves both factors meets both.
"""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import at_most, instances_of, measures


def check(instance, ctx, share=1):
    x = instance.lift(ctx)
    length = measures.squared_norm(x.dA) + measures.squared_norm(x.dB)
    curvature = measures.squared_norm(x.dB @ x.A + x.B @ x.dA)
    larger = max(measures.squared_norm(x.A), measures.squared_norm(x.B))
    yield at_most("second derivative", curvature, ctx.number(share) * larger * length)


def half(instance, ctx):
    return check(instance, ctx, share="1/2")


ALONG_A = Instance(A=[[0]], B=[[1]], dA=[[1]], dB=[[0]])

claim = Claim(
    name="outside/sharpness-of-the-larger-factor",
    title="Sharpness is that of the larger factor",
    source=Source("folklore", status="our reading", corrected_by="outside/sharpness-at-zero-loss"),
    statement=r"Where $BA = Y$, the largest eigenvalue of the Hessian of $\tfrac12\|BA - Y\|_F^2$ "
    r"in $(A, B)$ is at most $\max(\|A\|_F^2, \|B\|_F^2)$.",
    assumptions=(),
    instances=instances_of(A="r x m", B="n x r", dA="r x m", dB="n x r"),
    check=check,
    controls=(Control(None, (ALONG_A,), "half of it", half),),
)
