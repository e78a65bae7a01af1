"""The stage certificates: what a verification found, as files that a stranger can re-check.

It comes after judging and changes no verdict. What cannot be written down for the checker, or what
the checker leaves open, is named as trusted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lora_proofs import checker
from lora_proofs.arithmetic.leaning import afresh
from lora_proofs.certificates.flow import certificates_of as flow_certificates
from lora_proofs.certificates.instances import (
    BITS,
    CONSTANTS,
    DECISIONS,
    constants_in,
    given_in,
    instance_certificate,
)
from lora_proofs.certificates.tape import Untraceable
from lora_proofs.certificates.tracing import Run, trace
from lora_proofs.judging.counterexample import instance_size, refuting
from lora_proofs.judging.drawing import draw_one
from lora_proofs.judging.evaluation import RIGOROUS, evaluate, ladder, settle
from lora_proofs.judging.raising import shown
from lora_proofs.language.budget import Budget
from lora_proofs.language.claim import Check, Claim
from lora_proofs.mathematics.instance import Instance
from lora_proofs.solving.flow_field import recorded_flows

MOST_INSTANCES = 8
"""Certificates of instances on which a claim holds; one a regime as far as they reach."""
MOST_FLOWS = 4
"""Enclosed flows of a claim that get a certificate of their own."""
MOST_CONSTANTS = 12
DRAWS = 3
"""Draws of a regime, of which the smallest that is covered is written."""
OPEN = ("undecided", "may be", "may not be", "in intervals only")
LIMITS = ("more than", "too long", "beyond", "at most")


class Rejected(Exception):
    """A certificate of ours that the checker finds false: an error of ours."""


@dataclass
class Written:
    """The certificates of a claim so far, by what they show, and what is trusted instead."""

    certificates: list[dict[str, Any]] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    trusted: dict[str, None] = field(default_factory=dict)
    rejected: list[str] = field(default_factory=list)

    def keep(self, kind: str, made: dict[str, Any]) -> None:
        """Take over a certificate that the checker accepted."""
        self.certificates.append(made)
        self.kinds.append(kind)
        self.counts[kind] += 1

    def drop(self, made: dict[str, Any], why: str) -> None:
        """Leave out a certificate that is too much for one file together with the others."""
        place = self.certificates.index(made)
        del self.certificates[place]
        kind = self.kinds.pop(place)
        self.counts[kind] -= 1
        self.trust(f"{made['asserts']}: left out: {why}")

    def trust(self, sentence: str) -> None:
        """Name what the checker does not re-check."""
        self.trusted[sentence] = None


def certificates_of(claim: Claim, record: Mapping[str, Any], budget: Budget, seed: int) -> Written:
    """The certificates of a claim that was verified with this record, each one re-checked."""
    found = Written()
    chosen: list[Instance] = []
    makers: dict[str, Callable[[], None]] = {
        "instances": lambda: chosen.extend(_instances(claim, record, budget, seed, found)),
        "flows": lambda: _flows(claim, chosen, budget, found),
        "counterexamples": lambda: _counterexample(claim, record, budget, found),
        "controls": lambda: _controls(claim, record, budget, found),
        "derivation": lambda: _derivation(claim, record, found),
    }
    for name, make in makers.items():
        try:
            make()
        except Rejected as error:
            found.rejected.append(f"{name}: {error}")
        except Exception as error:
            found.trust(f"{name}: no certificate could be made: {shown(error)}")
    for lemma in record["cites"]:
        found.trust(f"cited, not shown: {lemma}")
    _count_given(found)
    return found


def _count_given(found: Written) -> None:
    given = Counter(
        node[3]
        for made in found.certificates
        for node in made.get("nodes", ())
        if node[0] == "given"
    )
    for why, count in sorted(given.items()):
        noted = why.startswith((DECISIONS, CONSTANTS))
        found.trust(f"in {count} certificates: {why}" if noted else f"{count} given numbers: {why}")
    stated = dict.fromkeys(x for made in found.certificates for x in constants_in(made))
    if stated:
        shown_ones = [x if len(x) < 40 else f"{x[:20]}... ({len(x)} characters)" for x in stated]
        more = ", ..." if len(stated) > MOST_CONSTANTS else ""
        told = ", ".join(shown_ones[:MOST_CONSTANTS]) + more
        found.trust(f"that {len(stated)} constants are of the claim, not of the instance: {told}")


# --- instances ------------------------------------------------------------------------------------


def _instances(
    claim: Claim, record: Mapping[str, Any], budget: Budget, seed: int, found: Written
) -> Iterator[Instance]:
    """The smallest covered instance of each regime, of the first draws."""
    _say_beyond(claim, found)
    for regime in claim.instances.regimes[:MOST_INSTANCES]:
        reasons: list[str] = []
        for instance in sorted(_drawn(claim, regime, seed), key=instance_size):
            made = _held(claim, instance, budget, regime, reasons)
            if made:
                found.keep("instances", made[0])
                for sentence in made[1]:
                    found.trust(sentence)
                yield instance
                break
        else:
            if record["counterexample"]:
                continue  # a false claim holds where it does: nothing is trusted for it
            why = reasons[-1] if reasons else "no draw satisfies the assumptions"
            found.trust(f"regime {regime!r}: no certificate of an instance: {why}")


def _flows(claim: Claim, chosen: list[Instance], budget: Budget, found: Written) -> None:
    """Certificates of flows that the check encloses on the chosen instances."""
    with recorded_flows() as flows, afresh():
        for instance in chosen:
            settle(claim.check, instance, ladder(RIGOROUS, budget.digits))
    made = flow_certificates(flows[:MOST_FLOWS], claim=claim.name)
    for one in made:
        found.keep("flows", one)
    if flows:
        found.trust(
            f"{len(made)} of {len(flows)} flows that were enclosed have a certificate of their "
            "own; that given numbers are theirs is not re-checked"
        )


def _say_beyond(claim: Claim, found: Written) -> None:
    beyond = claim.instances.regimes[MOST_INSTANCES:]
    if beyond:
        names = ", ".join(map(repr, beyond))
        found.trust(f"the regimes {names}: no certificate, {MOST_INSTANCES} regimes are written")


def _drawn(claim: Claim, regime: str, seed: int) -> Iterator[Instance]:
    for k in range(DRAWS):
        instance = draw_one(claim.instances, regime, seed, claim.name, "sample", regime, k)
        if instance is not None:
            yield instance


def _held(
    claim: Claim, instance: Instance, budget: Budget, regime: str, reasons: list[str]
) -> tuple[dict[str, Any], list[str]] | None:
    told = f"the claim holds on an instance of the regime {regime!r}"
    try:
        return _made(claim, claim.check, instance, budget, "holds", told, None)
    except Untraceable as why:
        reasons.append(str(why))
        return None


def _counterexample(
    claim: Claim, record: Mapping[str, Any], budget: Budget, found: Written
) -> None:
    told = record["counterexample"]
    check = refuting(claim)
    if not told or check is None:
        return
    instance = Instance.from_json(told["instance"])
    words = "the claim is false: it fails on this instance"
    _add(found, "counterexamples", claim, check, instance, budget, words, None)


def _controls(claim: Claim, record: Mapping[str, Any], budget: Budget, found: Written) -> None:
    for control, told in zip(claim.controls, record["controls"], strict=False):
        if not told["counterexample"]:
            continue
        instance = Instance.from_json(told["counterexample"]["instance"])
        check = control.check or claim.lower_bound or claim.check
        without = f"without {control.drops.name!r}" if control.drops else "with a false conclusion"
        words = f"the claim {without} is false ({control.why})"
        dropped = control.drops.name if control.drops else None
        _add(found, "controls", claim, check, instance, budget, words, dropped)


def _add(
    found: Written,
    kind: str,
    claim: Claim,
    check: Check,
    instance: Instance,
    budget: Budget,
    words: str,
    dropped: str | None,
) -> None:
    try:
        made, lacks = _made(claim, check, instance, budget, "fails", words, dropped)
    except Untraceable as why:
        found.trust(f"{words}: no certificate: {why}")
        return
    found.keep(kind, made)
    for sentence in lacks:
        found.trust(sentence)


def _made(
    claim: Claim,
    check: Check,
    instance: Instance,
    budget: Budget,
    outcome: str,
    words: str,
    dropped: str | None,
) -> tuple[dict[str, Any], list[str]]:
    """A certificate that the checker accepts, and which assumptions it does not cover."""
    runs, lacks = {}, []
    for assumption in claim.assumptions:
        if assumption.name == dropped:
            continue
        try:
            runs[assumption.name] = followed(assumption.holds, instance, budget.digits, "holds")
        except Untraceable as why:
            lacks.append(f"assumption {assumption.name!r} where {words}: {why}")
    run = followed(check, instance, budget.digits, outcome)
    asserts = f"{claim.name}: {words}"
    if lacks:
        missing = [a.name for a in claim.assumptions if a.name not in (*runs, dropped)]
        asserts += f"; not re-checked here: {', '.join(missing)}"
    return _accepted(claim.name, asserts, instance, runs, run, outcome), lacks


def followed(check: Check, instance: Instance, digits: int, outcome: str) -> Run:
    """The recorded run of a check in the first rigorous arithmetic that gives the outcome."""
    last = "no rigorous arithmetic was tried"
    for ctx in ladder(RIGOROUS, digits):
        try:
            judged = evaluate(check, instance, ctx)
        except Exception as error:
            last = shown(error)
            continue
        if judged.rigorous and judged.outcome == outcome:
            return trace(check, instance, ctx, judged.comparisons)
        last = judged.why or f"it {judged.outcome} in {ctx.name} arithmetic"
    raise Untraceable(last)


def _accepted(
    name: str,
    asserts: str,
    instance: Instance,
    runs: Mapping[str, Run],
    run: Run,
    outcome: str,
) -> dict[str, Any]:
    """The certificate with as many bits as the checker needs; ``Untraceable`` where none do."""
    problem = ""
    for bits in BITS:
        made = instance_certificate(name, asserts, instance, runs, run, outcome, bits)
        problem = refused(made)
        if not problem:
            return made
    raise Untraceable(f"the checker leaves it open: {problem}")


def refused(made: dict[str, Any]) -> str:
    """Why the checker leaves a certificate open, or nothing; ``Rejected`` where it is false."""
    try:
        checker.check(made)
    except checker.Invalid as error:
        if any(sign in str(error) for sign in OPEN) or _leaves_open(made, error):
            return str(error)
        raise Rejected(f"{made['asserts']}: {error}") from None
    except checker.Malformed as error:
        if is_limit(error):
            return str(error)
        raise Rejected(f"{made['asserts']}: {error}") from None
    return ""


def _leaves_open(made: dict[str, Any], error: checker.Invalid) -> bool:
    """Whether a counterexample has too few bits: it is not shown to hold, either."""
    if "no comparison fails" not in str(error):
        return False
    other = {**made, "outcome": "holds"}
    try:
        checker.check({**other, "digest": checker.digest_of(other)})
    except checker.Invalid as second:
        return any(sign in str(second) for sign in OPEN)
    return False


def is_limit(error: Exception) -> bool:
    """Whether the checker says that a certificate is too large for it, rather than wrong."""
    return any(sign in str(error) for sign in LIMITS)


# --- derivations ----------------------------------------------------------------------------------


def _derivation(claim: Claim, record: Mapping[str, Any], found: Written) -> None:
    if not claim.derive or not (record["derivation"] or {}).get("closed"):
        return
    from lora_proofs.certificates.derivation import derivation_certificates
    from lora_proofs.running.deriving import derive_claim

    made, left_out = derivation_certificates(claim, derive_claim(claim))
    for one in made:
        if problem := refused(one):
            found.trust(f"a certificate of the kind {one['kind']!r}: {problem}")
        else:
            found.keep("derivation", one)
    for sentence in left_out:
        found.trust(sentence)


def summary(found: Written) -> dict[str, int]:
    """How many certificates show what, and in how many every comparison is re-checked."""
    whole = sum(made["kind"] == "instance" and not given_in(made) for made in found.certificates)
    return {**dict(sorted(found.counts.items())), "without_given_numbers": whole}
