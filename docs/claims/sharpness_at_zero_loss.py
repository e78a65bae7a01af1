"""How sharp the loss of the factors is where it is 0: sigma_1(A)^2 + sigma_1(B)^2 at most.

At BA = Y the second derivative of 1/2 ||BA - Y||^2 along (dA, dB) is ||dB A + B dA||^2.
"""

from lora_proofs import Claim, Control, Instance, Source
from lora_proofs import at_most, instances_of, measures


def check(instance, ctx, share=1):
    x = instance.lift(ctx)
    sharpness = ctx.operator_norm(x.A) ** 2 + ctx.operator_norm(x.B) ** 2
    length = measures.squared_norm(x.dA) + measures.squared_norm(x.dB)
    curvature = measures.squared_norm(x.dB @ x.A + x.B @ x.dA)
    yield at_most("second derivative", curvature, ctx.number(share) * sharpness * length)


def one_per_cent_less(instance, ctx):
    return check(instance, ctx, share="99/100")


SHARPEST = Instance(A=[[1, 0]], B=[[1], [0]], dA=[[1, 0]], dB=[[1], [0]])

claim = Claim(
    name="outside/sharpness-at-zero-loss",
    title="Sharpness at zero loss",
    source=Source("folklore", status="corrected"),
    statement=r"Where $BA = Y$, the largest eigenvalue of the Hessian of $\tfrac12\|BA - Y\|_F^2$ "
    r"in $(A, B)$ is at most $\sigma_1(A)^2 + \sigma_1(B)^2$.",
    assumptions=(),
    instances=instances_of(A="r x m", B="n x r", dA="r x m", dB="n x r"),
    check=check,
    controls=(Control(None, (SHARPEST,), "singular vectors attain it", one_per_cent_less),),
)
