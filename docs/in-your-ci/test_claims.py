"""The claims of this repository, as tests."""

from my_claim import claim

from lora_proofs.pytest_plugin import as_test

test_the_bound = as_test(claim)  # SUPPORTED or better, with the budget of the command line
test_the_bound_is_certified = as_test(claim, expect="CERTIFIED", seed=3)
