"""Readings of the gradient-flow results that are false, each beside the one that is true."""
