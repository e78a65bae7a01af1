"""Floor 4: the theorems, one file each."""
