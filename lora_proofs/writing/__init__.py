"""Floor 3: what a claim file is written with: ready-made instances, losses, flows, measures."""
