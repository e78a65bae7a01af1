"""Floor 3: certificates, the plain data that ``lora_proofs/checker.py`` re-verifies."""
