"""What is known of a ReLU instance: when its ranks are enough, and why the least one is not known.

All of it is decided over the rationals.
"""

from __future__ import annotations

from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.arithmetic.dense import product
from lora_proofs.constructions.partition import block_slices
from lora_proofs.constructions.regions import Ball
from lora_proofs.constructions.relu_fnn import Block
from lora_proofs.constructions.relu_minimal import all_live, block_gaps, live_point, nonsingular
from lora_proofs.solving.adaptation_errors import norms
from lora_proofs.solving.adaptation_numbers import upper
from lora_proofs.solving.adaptation_problem import ReluProblem
from lora_proofs.solving.adaptation_relu import ReluReached, exactly
from lora_proofs.solving.decimals import upper_string


def applies(problem: ReluProblem, block: Block) -> bool:
    """Whether the theorem is about the block: its product comes as near as its ranks allow.

    The frozen weights of the block are nonsingular, or there is one; or there is nothing to do.
    """
    weights = [W for W, _ in problem.frozen[block.gap.layers]]
    idle = block.gap.live_gap == 0 or sum(block.ranks) == 0
    return idle or len(weights) == 1 or all(nonsingular(W) for W in weights)


def promised(problem: ReluProblem, found: ReluReached) -> bool:
    """Whether the theorem promises exact adapters of these ranks."""
    return all(block.exact and applies(problem, block) for block in found.built.blocks)


def built_exactly(problem: ReluProblem, balls: BallArithmetic) -> bool:
    """Whether the construction over the rationals is exact on the region."""
    found = exactly(problem, balls)
    return isinstance(found, ReluReached) and bool(found.sup == 0)


def off_by(problem: ReluProblem, found: ReluReached, balls: BallArithmetic) -> list[str]:
    """Of each block about which the theorem says nothing, how far its printed product is away."""
    told = []
    for i, block in enumerate(found.built.blocks, 1):
        if not applies(problem, block):
            weights = [W for W, _ in found.layers[block.gap.layers]]
            off = norms(product(*reversed(weights), ctx=EXACT) - block.gap.wanted, balls)
            far = upper_string(upper(off["spectral"]))
            told.append(f"the printed product of block {i} is within {far} (spectral norm)")
    return told


def least_unknown(problem: ReluProblem) -> str:
    """Which condition of the least rank was not shown; asked for where it is not known."""
    if problem.region is None:
        return "the inputs are not bounded"
    if len(problem.target) > 1:
        return f"the target has {len(problem.target)} layers, and it is proved for one"
    if isinstance(problem.region, Ball):
        inside = problem.region.radius > 0
    else:
        inside = all(a < b for a, b in zip(problem.region.lower, problem.region.upper, strict=True))
    if not inside:
        return "the region has no interior"
    W, b = problem.target[0]
    if len(problem.frozen) == 1:
        (block,) = block_gaps(problem.frozen, problem.target, problem.partition, problem.region)
        if not all_live(W, b, problem.region, block.dead):
            return "an output of the target is not shown to be positive at a point of the region"
    singular = [f"W_{k}" for k, (V, _) in enumerate(problem.frozen, 1) if not nonsingular(V)]
    if singular:
        return f"the frozen weight {singular[0]} is singular"
    if not nonsingular(W):
        return "the weight of the target is singular"
    if live_point(W, b, problem.region) is None:
        return "no point of the region was found where all outputs of the target are positive"
    return "no proof is known"


def blocks_of(problem: ReluProblem) -> dict[int, int]:
    """The number of the block of each frozen layer, both from 1."""
    slices = enumerate(block_slices(problem.partition), 1)
    return {k + 1: i for i, part in slices for k in range(part.start, part.stop)}
