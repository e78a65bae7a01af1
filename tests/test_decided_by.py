"""What an enclosure decided is called so, also where exact code compared it."""

import flint
import pytest

from lora_proofs import Instance
from lora_proofs.arithmetic import EXACT, at_most
from lora_proofs.judging.controls import refute_control
from lora_proofs.judging.evaluation import evaluate


@pytest.mark.parametrize(
    ("left", "decided"), [(flint.fmpq(1, 3), "exact"), (flint.arb("0.5", "0.1"), "ball")]
)
def test_a_ball_that_exact_code_compares_is_no_exact_number(left, decided):
    judged = evaluate(lambda instance, ctx: iter([at_most("h", left, 1)]), Instance(h=1), EXACT)
    assert (judged.arithmetic, judged.decided_by, judged.certifies) == ("exact", decided, True)


def test_a_control_that_an_enclosed_flow_refutes_is_confirmed_by_balls():
    from lora_proofs.claims.rushka_klabjan.frobenius.riccati_limit import SKEWED, claim

    found = refute_control(claim, claim.controls[0], SKEWED, 50).to_dict(claim)
    assert found["confirmed_by"] == "ball" and "+/-" in found["comparison"]["left"]
    assert found["cites"] == ["growth of errors by the logarithmic norm"]
