"""Transformers: what adapters on attention, the last layers and all biases can and cannot reach."""
