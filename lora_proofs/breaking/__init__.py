"""Floor 6: looking for a counterexample where random draws have none, and making it small."""
