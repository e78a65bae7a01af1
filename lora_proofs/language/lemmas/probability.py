"""Lemmas about random matrices and expectations."""

from __future__ import annotations

from lora_proofs.symbolic.steps import Lemma

PROBABILITY: tuple[Lemma, ...] = ()
