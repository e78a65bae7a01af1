"""Floor 3: what a claim is, what evidence is, and how evidence becomes a verdict."""
