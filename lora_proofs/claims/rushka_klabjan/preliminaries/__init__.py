"""The algorithm, its flow, and what holds on every bounded time: existence, bounds, regularity."""
