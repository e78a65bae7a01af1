"""A budget with more digits says no less: flows are enclosed to as many as their claim chooses."""

from dataclasses import replace

from lora_proofs.claims.rushka_klabjan.frobenius.full_rank_rate import claim
from lora_proofs.language.budget import budget
from lora_proofs.running.runner import run_to_the_end


def test_a_proof_stays_one_with_a_hundred_digits():
    quick = replace(budget("quick"), swept=0, searched=0)
    for digits in (budget("quick").digits, budget("deep").digits):
        result = run_to_the_end(claim, replace(quick, digits=digits), 0)
        assert result.verdict == "PROVED", result.reasons
