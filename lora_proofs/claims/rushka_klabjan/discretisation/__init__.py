"""Gradient descent against its flow: order, leading error, drift, rates and scales."""
