"""From evidence to verdict: ``judge`` is total and pure; the first rule that fits decides."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from lora_proofs.errors import Contradiction
from lora_proofs.language.budget import Budget
from lora_proofs.language.evidence import CertificateEvidence, Evidence, SampleEvidence

PER_REGIME = 5
MAX_DISCARDED = 0.20
DISTINCT = 12
TRUSTED = "trusted for it: FLINT, wherever no certificate was re-checked"


class Verdict(StrEnum):
    """What is known about a claim."""

    PROVED = "PROVED"
    CERTIFIED = "CERTIFIED"
    SUPPORTED = "SUPPORTED"
    REFUTED = "REFUTED"
    INCONCLUSIVE = "INCONCLUSIVE"


STRENGTH = {
    Verdict.PROVED: 3,
    Verdict.CERTIFIED: 2,
    Verdict.SUPPORTED: 1,
    Verdict.INCONCLUSIVE: 0,
}


def as_expected(found: str, expected: str | None) -> bool:
    """Whether a verdict meets its baseline: equal, or stronger; REFUTED only as equal.

    >>> as_expected("PROVED", "CERTIFIED"), as_expected("REFUTED", "PROVED")
    (True, False)
    """
    if expected is None or found == expected:
        return True
    if Verdict.REFUTED in (found, expected):
        return False
    return STRENGTH[Verdict(found)] >= STRENGTH[Verdict(expected)]


@dataclass(frozen=True)
class Judgement:
    """A verdict, how far it reaches, what it leans on, and why it is not more."""

    verdict: Verdict
    scope: str
    reasons: tuple[str, ...] = ()
    cites: tuple[str, ...] = ()

    def __str__(self) -> str:
        modulo = f", modulo {'; '.join(self.cites)}" if self.cites else ""
        return f"{self.verdict} on {self.scope}{modulo}"


def judge(evidence: Evidence, budget: Budget) -> Judgement:
    """The verdict that the evidence earns, and no more.

    Raises ``Contradiction`` where a closed derivation meets a confirmed counterexample or an
    exact instance breaks a derived line: then the formalisation or the engine is wrong.
    """
    derivation = evidence.derivation
    if derivation and derivation.broken_line:
        raise Contradiction(f"an exact instance breaks the derived line {derivation.broken_line}")
    if evidence.counterexample and derivation and derivation.closed:
        raise Contradiction(
            "a closed derivation and a confirmed counterexample; one of the formalisation, the "
            f"check and the engine is wrong: {evidence.counterexample.get('instance')}"
        )
    if evidence.counterexample:
        cites = tuple(evidence.counterexample.get("cites", ()))
        return Judgement(Verdict.REFUTED, "one exact instance", _refuted_reasons(evidence), cites)
    blocking, weak = _blocking(evidence), _weaknesses(evidence, budget)
    if blocking:
        # Of a claim that was cut short the samples say nothing more.
        more = () if evidence.error or evidence.exhausted else weak
        return Judgement(Verdict.INCONCLUSIVE, "nothing", (*blocking, *more, *evidence.notes))
    if derivation and derivation.closed and not derivation.problems and not weak:
        return Judgement(Verdict.PROVED, derivation.scope, _sampled(evidence), derivation.cites)
    notes = (*_derivation_notes(evidence), *evidence.notes)
    if weak:
        return Judgement(Verdict.INCONCLUSIVE, "nothing", (*weak, *notes))
    if not _uncertified(evidence, budget):
        scope = f"{evidence.certificates.instances} instances"
        method = f"each judged in {evidence.certificates.method} arithmetic; {TRUSTED}"
        return Judgement(Verdict.CERTIFIED, scope, (method, *notes), evidence.certificates.cites)
    scope = f"{evidence.samples.instances} sampled instances in {_regimes(evidence.samples)}"
    return Judgement(Verdict.SUPPORTED, scope, (*_uncertified(evidence, budget), *notes))


def moved_from(evidence: Evidence, budget: Budget) -> str:
    """The verdict that the evidence would earn without certificates; empty where it is the same.

    >>> from lora_proofs.language.budget import budget
    >>> moved_from(Evidence(), budget("quick"))
    ''
    """
    without = judge(replace(evidence, certificates=CertificateEvidence()), budget).verdict
    return "" if without == judge(evidence, budget).verdict else str(without)


def _regimes(samples: SampleEvidence) -> str:
    return f"{len(samples.regimes)} regime" + ("s" if len(samples.regimes) != 1 else "")


def _refuted_reasons(evidence: Evidence) -> tuple[str, ...]:
    found = evidence.counterexample or {}
    told = f"counterexample of kind {found.get('kind')}, confirmed by {found.get('confirmed_by')}"
    return (f"{told} arithmetic; {TRUSTED}",)


def _sampled(evidence: Evidence) -> tuple[str, ...]:
    derivation = evidence.derivation
    if derivation is None:
        return ()
    found = [f"derived lines agree with the check on {derivation.evaluated_on} instances"]
    # The author names what closes a sentence; a reader has to see that it says so.
    found += [f"in words, read by no engine: {said}" for said in derivation.sentences]
    if derivation.uncontrolled:
        found.append(f"granted without a control: {'; '.join(derivation.uncontrolled)}")
    return tuple(found)


def _blocking(evidence: Evidence) -> tuple[str, ...]:
    """What makes any verdict impossible, in the order in which it should be mended."""
    found: list[str] = []
    if evidence.error:
        error = evidence.error
        on = f", on {error['on']}" if error.get("on") else ""
        found.append(f"raised {error['type']}: {error['message']} ({error['where']}{on})")
    if evidence.exhausted:
        found.append(f"budget exhausted: {evidence.exhausted}")
    if evidence.samples.empty:
        found.append("the check yields no comparison: it says nothing")
    if evidence.samples.constant:
        found.append(
            "the check compares 0 with 0 on every instance: it has not shown that it looks at one"
            if evidence.samples.trivial == evidence.samples.instances
            else "the check ignores its input: the same comparisons whatever the instance"
        )
    elif evidence.samples.shapes_alone:
        found.append("the check never depends on the numbers, only on the shapes")
    found.extend(evidence.problems)
    if evidence.suspect:
        found.append(f"a suspect that exact or ball arithmetic did not confirm: {evidence.suspect}")
    for control in evidence.controls:
        if control.outcome != "refuted":
            why = f" ({control.problem})" if control.problem else ""
            found.append(f"a control survived: {control.why}{why}")
    if not evidence.controls and not evidence.error and not evidence.exhausted:
        found.append("no control was run: the check has not shown that it can fail")
    return tuple(found)


def _weaknesses(evidence: Evidence, budget: Budget) -> tuple[str, ...]:
    """What keeps the samples from supporting the claim."""
    samples, found = evidence.samples, []
    drawn = samples.instances + samples.discarded
    if samples.instances == 0:
        none = f"vacuous: the assumptions held on none of {drawn} draws{_excluded(samples)}"
        found.append(none if drawn else "no instance drawn")
        found.extend(samples.conflicts)
    elif drawn and samples.discarded > MAX_DISCARDED * drawn:
        found.append(
            f"{samples.discarded} of {drawn} draws broke an assumption (at most 20 % may)"
            f"{_excluded(samples)}: draw instances that satisfy them"
        )
    if 0 < samples.instances < budget.samples:
        found.append(f"{samples.instances} instances judged, {budget.samples} needed")
    if samples.distinct is not None and samples.distinct < min(samples.instances, DISTINCT):
        found.append(
            f"only {samples.distinct} distinct among {samples.instances} instances, "
            f"{DISTINCT} needed"
        )
    for regime in evidence.declared_regimes:
        count = samples.regimes.get(regime, 0)
        if samples.instances and count < PER_REGIME:
            found.append(f"regime {regime!r} has {count} instances, {PER_REGIME} needed")
    if samples.undecided:
        found.append(f"{samples.undecided} instances undecided at the highest precision tried")
    return tuple(found)


def _excluded(samples: SampleEvidence) -> str:
    """Which assumption excluded how many draws, those that excluded most first."""
    told = sorted(samples.excluded.items(), key=lambda item: (-item[1], item[0]))
    found = [f"{name!r} excluded {count}" for name, count in told if count]
    if samples.rejected:
        found.append(f"`draw` rejected {samples.rejected} itself")
    return f" ({', '.join(found)})" if found else ""


def _uncertified(evidence: Evidence, budget: Budget) -> tuple[str, ...]:
    """Why the instances do not certify; empty where they do."""
    certificates = evidence.certificates
    if certificates.instances < budget.certified:
        judged = f"{certificates.instances} distinct instances judged rigorously"
        return (f"{judged}, {budget.certified} needed to certify",)
    if certificates.trivial == certificates.instances:
        return ("every rigorous instance is trivial (0 against 0)",)
    return tuple(
        f"regime {regime!r} has {certificates.regimes.get(regime, 0)} rigorous instances, "
        f"{budget.certified_per_regime} needed to certify"
        for regime in evidence.declared_regimes
        if certificates.regimes.get(regime, 0) < budget.certified_per_regime
    )


def _derivation_notes(evidence: Evidence) -> tuple[str, ...]:
    derivation = evidence.derivation
    if derivation is None:
        return ()
    prose = tuple(f"not proved: the step {text!r} is prose" for text in derivation.prose)
    return (*prose, *(f"not proved: {problem}" for problem in derivation.problems))
