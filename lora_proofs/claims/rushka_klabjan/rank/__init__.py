"""What the flow does to ranks, singular values and rotations of the factors."""
