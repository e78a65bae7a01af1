"""Floor 2: integrators that run derived words, in floats, in many digits, or enclosed."""
