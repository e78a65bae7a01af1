"""What would settle an inconclusive verdict: for each reason that blocks it, what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lora_proofs.language.budget import BUDGETS, Budget
from lora_proofs.language.evidence import ControlEvidence, Evidence, SampleEvidence
from lora_proofs.language.verdict import DISTINCT, MAX_DISCARDED, PER_REGIME, Verdict, judge

LOWERED = ", whose precision the check itself set to"
"""What follows "undecided in ball arithmetic" where a check left FLINT at fewer bits."""
_LEAVE = (
    "leave flint.ctx.prec and flint.ctx.dps as they are, itself and in what it calls: the budget "
    "sets the precision"
)
MISSES = "the construction misses"
"""How the problem begins of a claim of existence whose construction fails, beyond doubt."""


def actions(evidence: Evidence, budget: Budget) -> tuple[str, ...]:
    """What to do about each reason, in the order of the reasons; nothing where a verdict stands.

    >>> from lora_proofs.language.budget import budget
    >>> actions(Evidence(), budget("quick"))[0]
    'draw instances: none was judged'
    """
    if judge(evidence, budget).verdict != Verdict.INCONCLUSIVE:
        return ()
    stages = (_stopped, _said, _controls, _granted, _drawn, _decided)
    found = (action for stage in stages for action in stage(evidence, budget))
    return tuple(dict.fromkeys(found))


def _stopped(evidence: Evidence, budget: Budget) -> Iterator[str]:
    """A claim that did not come to its end."""
    if evidence.error:
        yield from _mended(evidence.error)
    if "memory" in evidence.exhausted:
        yield (
            "draw smaller instances, or allow more memory: LORA_PROOFS_MEMORY_MB=8192 "
            "lora-proofs verify ..."
        )
    elif evidence.exhausted:
        yield _shortened(evidence.exhausted, budget)


def _shortened(exhausted: str, budget: Budget) -> str:
    """What to do about a claim that took too long, with the limit that it met."""
    stage = re.search(r"stage '([^']*)'", exhausted)
    where = f" (it was in the stage {stage[1]!r})" if stage else ""
    met = re.search(r"([\d.e+]+) s(?:;|$)", exhausted)
    limit = float(met[1]) if met else budget.wall
    if stage and stage[1] == "load":
        return (
            "let the file define its claims and return, with the work inside their functions, or "
            f"allow more than the {limit:g} s that it had: --time-limit {10 * limit:g}"
        )
    return (
        f"draw smaller instances, let the check do less{where}, or allow more than the {limit:g} s "
        f"that it had: --time-limit {10 * limit:g}"
    )


def _mended(error: Mapping[str, str]) -> Iterator[str]:
    """What to do about an exception: what such an error needs, or what any one does."""
    if error.get("hint"):
        yield f"at {error['where']}: {error['hint']}"
        return
    on = f", which was asked about {error['on']}" if error.get("on") else ""
    yield (
        f"mend what raised {error['type']} at {error['where']}{on}; or, if such an instance is no "
        "instance of the claim, let `draw` reject it (raise strategies.Rejected)"
    )


def _said(evidence: Evidence, budget: Budget) -> Iterator[str]:
    """A check that says nothing of its instance."""
    samples = evidence.samples
    if samples.empty:
        yield (
            "yield at least one comparison on every instance, and let `draw` reject those of which "
            "the check has nothing to say"
        )
    if samples.constant and samples.trivial:
        yield "compare the two sides of the statement with each other, not their difference with 0"
    elif samples.constant:
        yield "compute what the check compares from the instance that it is given"
    elif samples.shapes_alone:
        yield (
            "compute what the check compares from the entries; if the statement is about sizes "
            "alone, make them numbers of the instance (n, m, r) in place of matrices"
        )
    for problem in evidence.problems:
        if found := re.match(r"assumption ('.*?') yields no comparison", problem):
            yield f"let the assumption {found[1]} yield at least one comparison, or leave it out"
        elif problem.startswith(MISSES):
            yield "give a better construction (check), or a lower_bound that fails on that instance"
        else:
            yield f"mend this: {problem}"
    if evidence.suspect:
        yield (
            "settle the suspect: give what the check computes there in exact or ball arithmetic, "
            "or compare without floats"
        )


def _controls(evidence: Evidence, budget: Budget) -> Iterator[str]:
    """Controls that were not refuted."""
    for number, control in enumerate(evidence.controls, 1):
        if control.outcome != "refuted":
            yield f"control {number} ({control.why}): {_control(control)}"


def _control(control: ControlEvidence) -> str:
    problem = control.problem
    dropped = re.match(r"the dropped assumption ('.*?') does not fail", problem)
    broken = re.match(r"assumption ('.*?') does not hold", problem)
    if dropped:
        return f"give it an instance that breaks the assumption {dropped[1]}, in exact numbers"
    if broken:
        return f"give it an instance on which the assumption {broken[1]} holds"
    if LOWERED in problem:
        return f"let its check {_LEAVE}"
    if "undecided" in problem or "unavailable" in problem:
        return (
            "its conclusion was not decided: give it an instance on which it fails clearly, in "
            "exact or ball arithmetic"
        )
    if problem.startswith("its conclusion holds"):
        return (
            "it survives: sharpen the check until it fails there, or correct the control, which "
            "may be true"
        )
    return "give it an instance on which its conclusion fails"


def _granted(evidence: Evidence, budget: Budget) -> Iterator[str]:
    """Assumptions that keep out too many draws."""
    samples = evidence.samples
    if not _discards_too_many(samples):
        return
    drawn = samples.instances + samples.discarded
    for name, count in sorted(samples.excluded.items(), key=lambda item: (-item[1], item[0])):
        if count:
            yield (
                f"draw instances that satisfy {name!r}: {count} of {drawn - samples.rejected} "
                "draws broke it"
            )
    if samples.rejected:
        yield (
            f"let `draw` succeed more often: {samples.rejected} of {drawn} draws were rejected by "
            "`draw` itself"
        )
    if samples.conflicts:
        yield "correct one of the assumptions that conflict, or draw instances that meet both"


def _discards_too_many(samples: SampleEvidence) -> bool:
    drawn = samples.instances + samples.discarded
    return bool(drawn) and (samples.instances == 0 or samples.discarded > MAX_DISCARDED * drawn)


def _drawn(evidence: Evidence, budget: Budget) -> Iterator[str]:
    """Too few instances, or too few different ones."""
    samples = evidence.samples
    if not samples.instances:
        if not samples.discarded and not evidence.error and not evidence.exhausted:
            yield "draw instances: none was judged"
        return
    if samples.instances < budget.samples and not _discards_too_many(samples):
        yield (
            f"let `draw` succeed more often: {samples.instances} instances were judged, the "
            f"{budget.name} budget needs {budget.samples}"
        )
    if samples.distinct is not None and samples.distinct < min(samples.instances, DISTINCT):
        yield (
            f"draw more different instances, {DISTINCT} at least (more shapes, more numbers); "
            f"{samples.distinct} differ"
        )
    for regime in evidence.declared_regimes:
        if samples.regimes.get(regime, 0) < PER_REGIME:
            yield (
                f"draw instances of the regime {regime!r} that satisfy the assumptions, or take it "
                "off the list of regimes"
            )


def _decided(evidence: Evidence, budget: Budget) -> Iterator[str]:
    """Instances that no arithmetic decided."""
    if not evidence.samples.undecided:
        return
    lacks = [match for note in evidence.notes if (match := _LACK.search(note))]
    for operation, why, arithmetic in dict.fromkeys(m.groups() for m in lacks):
        yield (
            f"decide {operation}: {why}"
            if why
            else f"a rigorous arithmetic for {operation}, which {arithmetic} arithmetic lacks: "
            "compare what can be computed there, such as squared norms"
        )
    if any(LOWERED in note for note in evidence.notes):
        yield f"let the check {_LEAVE}"
    elif not lacks or any("undecided in" in note for note in evidence.notes):
        yield from _digits(evidence, budget)


_LACK = re.compile(r"([^:()]+?)(?: \((.+)\))? is not available in (\w+) arithmetic")
"""What is lacking, why where that is told, and in which arithmetic."""


def _digits(evidence: Evidence, budget: Budget) -> Iterator[str]:
    more = [b for b in BUDGETS.values() if b.digits > budget.digits]
    digits = f" (--budget {more[0].name} works with {more[0].digits})" if more else ""
    yield (
        f"more digits{digits}, if the sides are close; if they are equal there, no number of "
        "digits will do: compare exact numbers, or a bound with room"
    )
