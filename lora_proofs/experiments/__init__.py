"""The experiments of a paper, rerun: batched NumPy that nominates and never decides."""
