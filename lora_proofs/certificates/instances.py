"""Certificates of instances: where a claim holds, and where a false one fails."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lora_proofs.certificates.envelope import certificate
from lora_proofs.certificates.program import Program, Side, as_json, fused
from lora_proofs.certificates.tape import Untraceable
from lora_proofs.certificates.tracing import Run, inputs
from lora_proofs.mathematics.instance import Instance

MOST_NODES = 20_000
MOST_BYTES = 2_000_000
BITS = (128, 512, 2048)
"""Bits that the checker rounds to, where it has to; more where fewer leave something open."""


def instance_certificate(
    claim: str,
    asserts: str,
    instance: Instance,
    assumptions: Mapping[str, Run],
    check: Run,
    outcome: str,
    bits: int = BITS[0],
) -> dict[str, Any]:
    """The certificate that recorded runs of the assumptions and of the check amount to.

    ``outcome`` is "holds" (every comparison) or "fails" (those that do). Raises ``Untraceable``
    where the program is too long.
    """
    program = Program()
    facts: list[Side] = []
    for name, run in assumptions.items():
        facts += [*_named(program, run, run.compared, f"{name}: "), *_branches(program, run)]
    facts += _branches(program, check)
    told = program.add(check.tape, check.compared if outcome == "holds" else check.failing)
    nodes, (granted, compared) = fused(program.nodes, [_distinct(facts), told])
    if len(nodes) > MOST_NODES:
        raise Untraceable(
            f"its program has {len(nodes)} operations, at most {MOST_NODES} are written"
        )
    made = certificate(
        "instance",
        claim,
        asserts,
        inputs=_used(instance, nodes),
        nodes=as_json(nodes),
        assumptions=granted,
        comparisons=compared,
        outcome=outcome,
        bits=bits,
    )
    if (size := len(json.dumps(made))) > MOST_BYTES:
        raise Untraceable(f"its certificate has {size} bytes, at most {MOST_BYTES} are written")
    return made


def _used(instance: Instance, nodes: list[Any]) -> dict[str, Any]:
    names = {node[1] for node in nodes if node[0] == "input"}
    return {name: value for name, value in inputs(instance).items() if name in names}


def _named(program: Program, run: Run, sides: tuple[Side, ...], prefix: str) -> list[Side]:
    return [(a, rel, b, prefix + label) for a, rel, b, label in program.add(run.tape, sides)]


def _branches(program: Program, run: Run) -> list[Side]:
    return program.add(run.tape, run.branches)


def _distinct(sides: list[Side]) -> list[Side]:
    first: dict[Any, Side] = {}
    for side in sides:
        first.setdefault((side[:3], side[3] if side[3] != "branch" else ""), side)
    return list(first.values())


def given_in(made: Mapping[str, Any]) -> int:
    """How many numbers of a certificate are taken on trust."""
    return sum(node[0] == "given" for node in made.get("nodes", ()))
