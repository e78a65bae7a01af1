"""Certificates of instances: where a claim holds, and where a false one fails."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic.exact import decimal, rational
from lora_proofs.certificates.envelope import certificate
from lora_proofs.certificates.program import Program, Side, as_json, fused, reached
from lora_proofs.certificates.tape import Untraceable
from lora_proofs.certificates.tracing import Run, inputs
from lora_proofs.mathematics.instance import Instance

MOST_NODES = 60_000
MOST_BYTES = 6_000_000
SIMPLE = (100, 10_000)
"""The greatest numerator or denominator of a simple fraction, and the greatest small integer."""
DECISIONS, CONSTANTS = "decisions taken", "comparisons that"
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
    notes = _notes(program, [*assumptions.values(), check], told)
    nodes, (granted, compared) = fused(program.nodes, [_distinct(facts), told])
    nodes += [("given", 0, 0, note) for note in notes]
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


def _notes(program: Program, runs: list[Run], told: list[Side]) -> list[str]:
    """What a reader has to trust although no number of the program is given for it."""
    ways = dict.fromkeys(run.left for run in runs if run.left)
    notes = [f"{DECISIONS} outside of this program: {way}" for way in ways]
    if count := _unfounded(program, told):
        notes.append(f"{CONSTANTS} no entry of the instance enters, as they stand: {count}")
    return notes


def _unfounded(program: Program, told: list[Side]) -> int:
    """How many comparisons no entry enters, where 0 = 0 and 1 = 1 are but entries of matrices."""
    founded, trivial = program.from_instance(), {("number", Fraction(n)) for n in (0, 1)}
    rest = [(a, b) for a, _, b, _ in told if not founded[a] and not founded[b]]
    if len(rest) == len(told):
        return len(rest)
    return sum(a != b or program.nodes[a] not in trivial for a, b in rest)


def constants_in(made: Mapping[str, Any]) -> list[str]:
    """The numbers that comparisons are of, and neither small integers nor simple fractions.

    >>> nodes = [["number", 7], ["number", "1/2"], ["number", "355/1130"], ["add", 0, 2]]
    >>> constants_in({"nodes": nodes, "comparisons": [[0, "<=", 3, "label"]]})
    ['71/226']
    """
    nodes = made.get("nodes", ())
    used = reached(nodes, (k for a, _, b, _ in made.get("comparisons", ()) for k in (a, b)))
    found = {rational(nodes[k][1]) for k in used if nodes[k][0] == "number"}
    odd = (x for x in found if max(abs(x.numerator), x.denominator) > SIMPLE[x.denominator == 1])
    return [decimal(x) for x in sorted(odd)]


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
