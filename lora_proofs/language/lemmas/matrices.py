"""Lemmas about matrices: spectra, ranks and best approximation."""

from __future__ import annotations

from lora_proofs.symbolic.steps import Lemma

MATRICES: tuple[Lemma, ...] = ()
