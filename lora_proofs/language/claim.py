"""A theorem as a value: ``Claim`` and the parts it is made of.

What is malformed is refused where it is declared, with a message that says what to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lora_proofs.arithmetic.comparison import Comparison
from lora_proofs.arithmetic.context import Arithmetic
from lora_proofs.errors import ClaimRefused
from lora_proofs.language.limits import about_infinity
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.words import Relation, Word
from lora_proofs.strategies.draw import Draw
from lora_proofs.symbolic.steps import Step

Check = Callable[[Instance, Arithmetic], Iterable[Comparison]]

STATUSES = (
    "stated",
    "reconstructed",
    "corrected",
    "extension",
    "as commonly quoted",
    "our reading",
)
EVIDENCE = ("read", "summary", "recalled")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*(/[a-z0-9]+(-[a-z0-9]+)*)*")


@dataclass(frozen=True)
class Paper:
    """A paper: its key in claim names, authors, title and identifier."""

    key: str
    authors: str
    title: str
    identifier: str


RUSHKA_KLABJAN = Paper(
    "rushka-klabjan",
    "Rushka and Klabjan",
    "Rank-Accuracy Trade-off for LoRA: A Gradient-Flow Analysis",
    "arXiv:2602.10212",
)
ZENG_LEE = Paper(
    "zeng-lee",
    "Zeng and Lee",
    "The Expressive Power of Low-Rank Adaptation",
    "arXiv:2310.17513",
)
PAPERS = (RUSHKA_KLABJAN, ZENG_LEE)


@dataclass(frozen=True)
class Source:
    """Where a statement comes from, and how much of it was read.

    ``status`` is one of ``STATUSES``, ``evidence`` one of ``EVIDENCE``; ``corrected_by`` names
    the claim that is true where this one is false.

    >>> Source("rushka-klabjan", "Theorem 2.4", "reconstructed", "summary").status
    'reconstructed'
    """

    paper: str
    label: str = ""
    status: str = "our reading"
    evidence: str = "recalled"
    corrected_by: str | None = None

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise ClaimRefused(
                f"Source: expected a status among {', '.join(STATUSES)}; got {self.status!r}"
            )
        if self.evidence not in EVIDENCE:
            raise ClaimRefused(
                f"Source: expected evidence among {', '.join(EVIDENCE)}; got {self.evidence!r}"
            )


@dataclass(frozen=True)
class Instances:
    """How instances are drawn: ``draw(source, regime)`` for each declared regime.

    ``regimes`` are the names that draws are counted by; none of them may stay empty.
    ``dependent`` says why only what ``draw`` gives is an instance, where fields hang together in
    a way that no assumption states ("V spans the kernel of X"): then the search for a
    counterexample changes what is drawn, and never the fields themselves. ``admits(instance)`` says
    of an instance that was made, not drawn, whether it is one of these; an exception means no.
    ``instances_of`` and ``lora_problems`` make it from their words.
    """

    draw: Callable[[Draw, str], Instance]
    regimes: tuple[str, ...] = ("generic",)
    dependent: str = ""
    admits: Callable[[Instance], bool] | None = None

    def __post_init__(self) -> None:
        if not self.regimes or len(set(self.regimes)) != len(self.regimes):
            raise ClaimRefused(
                f"Instances: expected one or more distinct regimes, got {self.regimes!r}"
            )
        if not isinstance(self.dependent, str):
            raise ClaimRefused(
                "Instances: expected in `dependent` a sentence that says why only what draw gives "
                f"is an instance, got {self.dependent!r}"
            )


@dataclass(frozen=True)
class Assumption:
    """A hypothesis: its statement in LaTeX, and comparisons that decide it on an instance.

    ``relations`` are what a derivation may use under the assumption's name; their symbols in
    ``pattern`` stand for any expression. ``technical`` says why no counterexample is expected
    without it; otherwise a ``Control`` must drop it.
    """

    name: str
    statement: str
    holds: Callable[[Instance, Arithmetic], Iterable[Comparison]]
    technical: str = ""
    relations: tuple[Relation, ...] = ()
    pattern: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Control:
    """A negative control: it must be refuted, or the check has no power.

    With ``drops`` an assumption is broken on the instances while all others hold; with ``None``
    the conclusion is sharpened or falsified by ``check``.
    """

    drops: Assumption | None = None
    instances: Instances | tuple[Instance, ...] = ()
    why: str = ""
    check: Check | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.drops, Assumption | None):
            raise ClaimRefused(
                f"Control {self.why!r}: expected in `drops` an Assumption itself, not its name, or "
                f"None; got {self.drops!r}"
            )
        if self.drops is None and self.check is None:
            raise ClaimRefused(
                f"Control {self.why!r}: it drops no assumption and has no check of its own. "
                "Give drops=ASSUMPTION, or check=... that states the falsified conclusion"
            )
        if not self.why:
            raise ClaimRefused("Control: expected a sentence in `why`, got an empty one")
        if isinstance(self.instances, Instance):
            raise ClaimRefused(
                f"Control {self.why!r}: instances is a tuple; write instances=({self.instances!r},)"
            )


@dataclass(frozen=True)
class Claim:
    """A theorem: statement, assumptions, how to draw and check instances, how it is derived.

    ``conclusion`` is what ``derive`` must end in, and ``interpret(instance, ctx)`` gives the
    symbols of derived lines their values on an instance, so that what is derived is what is
    checked. ``kind`` says what a failing instance is: a ``value``, a ``trap``, an ``invariance``
    or a ``lower-bound``.

    A claim of existence ("there are adapters such that ...") has the kind ``lower-bound``: its
    ``check`` compares one construction, which supports but never refutes, and ``lower_bound``
    compares what no choice can beat, which alone refutes. ``limit`` says how a statement about
    t -> infinity is made one about finite times (a rate, a Lyapunov or conserved quantity, a
    closed form, a trap). Raises ``ClaimRefused`` for a claim without controls, for an assumption
    with neither a control nor ``technical``, and for a limit at infinity without ``limit``.
    """

    name: str
    source: Source
    statement: str
    assumptions: tuple[Assumption, ...]
    instances: Instances
    check: Check
    conclusion: tuple[Relation, ...] = ()
    derive: Callable[[], Iterable[Step]] | None = None
    interpret: Callable[[Instance, Arithmetic], Mapping[Any, Any]] | None = None
    check_batch: Callable[..., Any] | None = None
    controls: tuple[Control, ...] = ()
    kind: str = "value"
    lower_bound: Check | None = None
    limit: str = ""
    arithmetics: tuple[str, ...] = ("exact", "ball", "multiprecision")
    title: str = ""
    note: str = ""
    measure: Callable[[Arithmetic], Mapping[str, str]] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise ClaimRefused(
                f"expected a claim name such as 'my-notes/rank-bound', got {self.name!r}; use "
                "lower-case words joined by '-' and parts joined by '/'"
            )
        self._check_tuple("assumptions", Assumption)
        self._check_tuple("controls", Control)
        if not self.controls:
            raise ClaimRefused(
                f"{self.name}: it has no control, so its check could be unable to fail. Add "
                "controls=(Control(None, INSTANCES, why=..., check=a false variant),)"
            )
        self._check_assumptions()
        if bool(self.conclusion) != bool(self.derive):
            missing = "derive" if self.conclusion else "conclusion"
            raise ClaimRefused(
                f"{self.name}: conclusion and derive come together; {missing} is missing"
            )
        if self.derive and not self.interpret:
            raise ClaimRefused(
                f"{self.name}: a derivation needs interpret=..., which gives its symbols values on "
                "an instance, so that what is derived is what is checked"
            )
        self._check_kind()

    def _check_tuple(self, part: str, kind: type) -> None:
        values = getattr(self, part)
        if not isinstance(values, tuple | list) or not all(isinstance(v, kind) for v in values):
            raise ClaimRefused(
                f"{self.name}: {part}: expected a tuple of {kind.__name__}(...), (x,) for a single "
                f"one; got {values!r}"
            )

    def _check_kind(self) -> None:
        if self.kind not in ("value", "trap", "invariance", "lower-bound"):
            raise ClaimRefused(
                f"{self.name}: expected kind value, trap, invariance or lower-bound, got "
                f"{self.kind!r}"
            )
        if self.lower_bound and self.kind != "lower-bound":
            raise ClaimRefused(
                f"{self.name}: it has a lower_bound but the kind {self.kind!r}. Say "
                'kind="lower-bound" if it claims that something exists'
            )
        finite = self.limit or self.kind in ("trap", "invariance")
        if not finite and about_infinity(self.statement):
            raise ClaimRefused(
                f"{self.name}: its statement is about a limit at infinity, of which finite times "
                "prove and refute nothing. Say in limit=... how the check makes it finite: a rate, "
                "a Lyapunov or conserved quantity, a closed form, a trap"
            )

    def _check_assumptions(self) -> None:
        names = [assumption.name for assumption in self.assumptions]
        for name in names:
            if names.count(name) > 1:
                raise ClaimRefused(f"{self.name}: two assumptions are named {name!r}; rename one")
        dropped = {control.drops.name for control in self.controls if control.drops}
        for name in sorted(dropped - set(names)):
            raise ClaimRefused(
                f"{self.name}: a control drops {name!r}, which is not an assumption of this claim; "
                f"its assumptions are {', '.join(names) or 'none'}"
            )
        for assumption in self.assumptions:
            if assumption.name not in dropped and not assumption.technical:
                raise ClaimRefused(
                    f"{self.name}: assumption {assumption.name!r} has no control. Add "
                    f'Control({assumption.name}, ...) or say technical="why none exists"'
                )
