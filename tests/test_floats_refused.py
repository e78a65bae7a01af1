"""A check of somebody else cannot pass off what it computed in floats as exact."""

from fractions import Fraction

import numpy as np
import pytest

from lora_proofs import Claim, Control, Instance, Source, at_most, instances_of, measures, verify
from lora_proofs.arithmetic import EXACT, ArrayArithmetic, BallArithmetic
from lora_proofs.arithmetic.floats import floats_refused
from lora_proofs.errors import BadInput


def spectral(instance, ctx, factor="1", exact=lambda x: x):
    """||BA||^2 <= ||B||_2^2 ||A||^2 with ||B||_2 from NumPy, which rounds it."""
    x = instance.lift(ctx)
    top = np.linalg.norm(np.array([[float(v) for v in row] for row in instance.B]), 2)
    side = ctx.number(factor) * ctx.number(exact(top * top)) * measures.squared_norm(x.A)
    yield at_most("product", measures.squared_norm(x.B @ x.A), side)


def claim(check):
    return Claim(
        name="test/floats",
        source=Source("tests"),
        statement="|BA|^2 <= |B|_2^2 |A|^2",
        assumptions=(),
        instances=instances_of(B="n x r", A="r x m"),
        check=check,
        controls=(
            Control(
                None,
                (Instance(B=[[1]], A=[[1]]),),
                why="half of it",
                check=lambda i, ctx: spectral(i, ctx, "1/2", Fraction),
            ),
        ),
    )


@pytest.mark.parametrize("slack", ["1", "1001/1000"])
def test_a_bound_computed_in_floats_neither_refutes_nor_certifies(slack):
    found = verify(claim(lambda i, ctx: spectral(i, ctx, slack)), budget="quick")
    assert found.verdict == "INCONCLUSIVE"
    assert "got the float" in found.to_dict()["error"]["message"]


def test_exact_and_ball_numbers_take_no_float_and_float64_does():
    with floats_refused():
        for ctx in (EXACT, BallArithmetic(30)):
            for bad in (0.5, np.float64(0.5), np.float32(0.5)):
                with pytest.raises(BadInput, match="got the float"):
                    ctx.number(bad)
            with pytest.raises(BadInput, match="got the float"):
                ctx.matrix(np.eye(2))
            assert ctx.number(Fraction(0.5)) == ctx.number("1/2")
    assert ArrayArithmetic().number(0.5) == 0.5
    assert EXACT.number(0.5) == EXACT.number("1/2")
