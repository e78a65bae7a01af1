"""The compiled backend of the batched flows: a C kernel for the general Frobenius flow."""
