"""Statements around Rushka and Klabjan, Rank-Accuracy Trade-off for LoRA (arXiv:2602.10212)."""
