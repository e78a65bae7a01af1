"""Floor 3: one instance at a time: its flow by the method that fits, its limit, its accuracy."""
