"""The interactive page: flow, error and bounds of an instance that moves, beside a claim."""

from lora_proofs.report.explore.server import serve

__all__ = ["serve"]
