"""Deep linear networks: what adapters of given ranks can reach, and what they cannot."""
