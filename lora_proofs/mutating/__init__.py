"""Floor 6: claims that are false by one slip of the pen, and whether the verifier notices."""
