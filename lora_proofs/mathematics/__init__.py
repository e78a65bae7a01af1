"""Floor 1: what the papers talk about (instances, words, losses, adapters, flows)."""
