"""The page about the algorithm: LoRA training, one step in its three modes, and its flow.

The formulas are printed from the same expressions that the derivations are about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lora_proofs.mathematics.notation import GENERIC, A, B, W
from lora_proofs.mathematics.words import Symbol, Word
from lora_proofs.report.records import claim_link, name_of
from lora_proofs.report.text import inlines, paragraph, plain
from lora_proofs.report.tree import Block, Bullets, CodeBlock, DisplayMath, Paragraph, Section
from lora_proofs.symbolic.printing import latex

PAPER = "rushka-klabjan/"
RELATED = (
    "algorithm",
    "lora-flow-equations",
    "first-order-equality",
    "one-step-difference",
    "gradient-flow-limit",
)
A_NEXT, B_NEXT = Symbol("A+", "r", "m", latex="A_+"), Symbol("B+", "n", "r", latex="B_+")
MODES: dict[str, tuple[Word, Word]] = {
    "Simultaneous: both gradients at the same point": GENERIC.simultaneous,
    "A-first: B sees the new A": (GENERIC.a_step(A, B), GENERIC.b_step(A_NEXT, B)),
    "B-first: A sees the new B": (GENERIC.a_step(A, B_NEXT), GENERIC.b_step(A, B)),
}
EXAMPLE = (
    '{"loss": "frobenius", "W0": [[1, 0], [0, 2]], "Y": [[0, 1], [1, 0]],\n'
    ' "A0": [[1, "1/2"]], "method": "A-first", "h": "1/10", "steps": 20}\n'
    "lora-proofs flow instance.json"
)


def algorithm(
    records: Sequence[Mapping[str, Any]], places: Mapping[str, str]
) -> tuple[Section, ...]:
    """The page, where the report has a claim of the gradient-flow paper; else nothing.

    >>> [page.anchor for page in algorithm([{"name": "rushka-klabjan/algorithm"}], {})]
    ['algorithm']
    """
    if not any(name_of(record).startswith(PAPER) for record in records):
        return ()
    return (Section(plain("The algorithm"), tuple(_blocks(places)), "algorithm"),)


def _blocks(places: Mapping[str, str]) -> Iterator[Block]:
    yield _told(
        r"The frozen weight $W_0$ ($n \times m$) is adapted by a product of two factors, $B$ "
        r"($n \times r$) and $A$ ($r \times m$); $G(X)$ is the gradient of the loss $f$ at $X$. "
        r"With a step of size $h$ the factors move in one of three modes (reconstructed: the "
        "paper's own listing was not read)."
    )
    yield DisplayMath(f"W = {latex(W)}")
    for name, (new_A, new_B) in MODES.items():
        yield paragraph(f"{name}.")
        yield DisplayMath(rf"A_+ = {latex(new_A)}, \qquad B_+ = {latex(new_B)}")
    yield _told(
        r"As $h$ tends to 0 with $k h = t$ fixed, each of them follows the gradient flow on every "
        "bounded time, under the assumptions that the claims state."
    )
    flow_A, flow_B = (latex(-word) for word in (B.T @ _gradient(), _gradient() @ A.T))
    yield DisplayMath(rf"\dot A = {flow_A}, \qquad \dot B = {flow_B}")
    known = [PAPER + slug for slug in RELATED if PAPER + slug in places]
    if known:
        yield paragraph("What is shown about it here:")
        yield Bullets(tuple(claim_link(name, places) for name in known))
    yield paragraph("Run it, in any of the modes, on an instance in exact numbers:")
    yield CodeBlock(EXAMPLE)


def _told(text: str) -> Paragraph:
    """A paragraph with formulas between dollar signs."""
    return Paragraph(inlines(text))


def _gradient() -> Word:
    return GENERIC.at(A, B)
