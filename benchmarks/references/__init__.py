"""What the kernels are held against: many digits, balls and exact rationals."""
