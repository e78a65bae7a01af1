"""Floor 2: normal form, differentials, derivation steps, second engine, SymPy in and out, LaTeX."""
