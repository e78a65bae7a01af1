"""The loss 1/2 ||W - Y||_F^2: closed forms, limits, saddles, rates, and best approximation."""
