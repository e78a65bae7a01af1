"""Lemmas about gradient flows: comparison, existence, and limits at infinite time."""

from __future__ import annotations

from lora_proofs.symbolic.steps import Lemma

FLOWS: tuple[Lemma, ...] = ()
