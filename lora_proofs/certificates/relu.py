"""Certificates that an adapted ReLU network is its target on a whole box (kind "relu")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lora_proofs.arithmetic.exact import EXACT
from lora_proofs.certificates.envelope import certificate
from lora_proofs.checker import SIDE
from lora_proofs.constructions.regions import Box, vector
from lora_proofs.errors import BadInput
from lora_proofs.mathematics.relu_network import Layer

ASSERTS = "two ReLU networks have the same outputs on a whole box"


def relu_certificate(
    adapted: Sequence[Layer], target: Sequence[Layer], box: Box, *, claim: str | None = None
) -> dict[str, Any]:
    """A certificate of equality on a box, for ``lora_proofs/checker.py``; it is not checked here.

    Both networks are exact layers (W, b), with a ReLU after every layer. The checker has none after
    the last one, so an identity layer follows. It takes layers of at most 256 units: ``BadInput``
    beyond.

    >>> from lora_proofs.checker import check_relu
    >>> adapted, target = [([[1]], [1]), ([[2]], [-2])], [([[2]], [0])]
    >>> check_relu(relu_certificate(adapted, target, Box([-1], [1])))
    ['checked: 1 outputs agree on the box, where 1 units may switch']
    """
    first, second = _layers("adapted", adapted), _layers("target", target)
    ends = {"lower": vector(box.lower, EXACT), "upper": vector(box.upper, EXACT)}
    if box.dimension > SIDE:
        raise BadInput(f"box: the checker takes at most {SIDE} inputs, got {box.dimension}")
    return certificate("relu", claim, ASSERTS, first=first, second=second, box=ends)


def _layers(name: str, layers: Sequence[Layer]) -> list[dict[str, Any]]:
    """The layers as the checker reads them, with an identity after the last ReLU."""
    if not 1 <= len(layers) < SIDE:
        raise BadInput(
            f"{name}: the checker takes between 1 and {SIDE - 1} layers, got {len(layers)}"
        )
    found = [{"W": EXACT.matrix(W), "b": vector(b, EXACT)} for W, b in layers]
    for depth, layer in enumerate(found, 1):
        if max(layer["W"].shape) > SIDE:
            raise BadInput(
                f"{name}[{depth}]: the checker takes at most {SIDE} units a layer, got W "
                f"{layer['W'].shape}"
            )
    outputs = len(found[-1]["b"])
    return [*found, {"W": EXACT.identity(outputs), "b": np.array([0] * outputs)}]
