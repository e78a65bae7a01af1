"""Floor 5: one instance against one claim: drawn, evaluated, refuted, in rising arithmetic."""
