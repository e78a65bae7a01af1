"""Statements around Zeng and Lee, The Expressive Power of Low-Rank Adaptation (arXiv:2310.17513).

Layer 1 acts first; frozen weights W_1, ..., W_L, adapters DW_l = B_l A_l of rank at most R_l and
W_hat_l = W_l + DW_l. The text of the paper was not read: labels say ``as commonly quoted``.
"""
