"""The loss 1/2 (tr W)^2: closed forms, limits, and the error relative to full fine-tuning."""
