"""Hypothesis profiles, by HYPOTHESIS_PROFILE: dev by default, ci without chance, nightly at length.

A failure prints one line, ``@reproduce_failure(...)``, that replays it.
"""

import os

from hypothesis import HealthCheck, settings

COMMON = {
    "deadline": None,
    "print_blob": True,
    # Exact arithmetic on a busy machine is slow, and that is no fault of a test.
    "suppress_health_check": [HealthCheck.too_slow],
}
settings.register_profile("dev", max_examples=50, **COMMON)
settings.register_profile("ci", max_examples=100, derandomize=True, database=None, **COMMON)
settings.register_profile("nightly", max_examples=10_000, **COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))
