"""Floor 2: exact random instances, drawn by Hypothesis or by a counter-based generator."""
