"""Floor 7: finding claims, running their stages, and recording what was seen."""
