"""What a worker process can be asked to do: plain data in, plain data out.

The unit of work is one claim. Its stages share the instances that were drawn and stop at the
first refutation, a claim takes well under the cost of starting a process for each of its stages,
and a claim is what is killed, retried and recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lora_proofs.errors import BadInput

Tell = Callable[[Mapping[str, Any]], None]


def perform(task: Mapping[str, Any], tell: Tell) -> Any:
    """Do one task; ``tell`` hears of the stages of a verification."""
    actions: dict[str, Callable[[Mapping[str, Any], Tell], Any]] = {
        "list": _list,
        "installed": _installed,
        "verify": _verify,
        "derive": _derive,
        "replay": _replay,
        "selftest": _selftest,
    }
    return actions[task["do"]](task, tell)


def _list(task: Mapping[str, Any], tell: Tell) -> list[dict[str, Any]]:
    from lora_proofs.running.catalogue import file_claims

    return [entry.to_dict() for entry in file_claims(Path(task["path"]))]


def _installed(task: Mapping[str, Any], tell: Tell) -> list[dict[str, Any]]:
    from lora_proofs.running.catalogue import installed_claims

    return [entry.to_dict() for entry in installed_claims()]


def _claim(task: Mapping[str, Any]) -> Any:
    from lora_proofs.running.catalogue import Locator, load

    return load(Locator(**task["locator"]))


def _verify(task: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    from lora_proofs.language.budget import budget
    from lora_proofs.running.result import Result
    from lora_proofs.running.resuming import resumed
    from lora_proofs.running.runner import run_to_the_end
    from lora_proofs.running.units import Teller, Units

    def progress(stage: str, standing: Result | None) -> None:
        tell({"stage": stage, "standing": standing and standing.to_dict()})

    claim, given = _claim(task), budget(task["budget"])
    units = Units(task.get("units") or {}, Teller(tell).keep)
    seed = task["seed"]
    record = (
        resumed(
            claim, given, seed, units, lambda s, standing: tell({"stage": s, "standing": standing})
        )
        or run_to_the_end(claim, given, seed, progress, units).to_dict()
    )
    if not task.get("certificates") or record["error"]:
        return record
    from lora_proofs.running.catalogue import Locator
    from lora_proofs.running.certificate_files import STAGE, source_of, with_certificates

    tell({"stage": STAGE, "standing": record})
    folder, source = Path(task["certificates"]), source_of(Locator(**task["locator"]))
    return with_certificates(claim, record, given, task["seed"], folder, source)


def _derive(task: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    from dataclasses import asdict

    from lora_proofs.running.deriving import derive_claim
    from lora_proofs.symbolic.printing import relation_text

    claim = _claim(task)
    if task.get("coq"):
        return _coq(claim)
    derived = derive_claim(claim)
    if derived is None:
        raise BadInput(
            f"{claim.name}: expected a claim with a derivation; this one is judged on instances "
            "alone. See `lora-proofs show` for what it states"
        )
    lines = [asdict(line) for line in derived.evidence.lines]
    if task.get("sympy"):
        from lora_proofs.running.deriving import in_sympy

        for line, step in zip(lines, derived.steps, strict=True):
            line["sympy"] = in_sympy(step)
    conclusion = [relation_text(relation) for relation in claim.conclusion]
    told = {"lines": lines, "name": claim.name, "conclusion": conclusion}
    return {**asdict(derived.evidence), **told}


def _coq(claim: Any) -> dict[str, Any]:
    from lora_proofs.running.exporting import source_of

    source, told = source_of(claim)
    return {"source": source, "covered": str(told)}


def _replay(task: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    from lora_proofs.running.replaying import replay_on

    return replay_on(_claim(task), task["counterexample"], task["digits"])


def _selftest(task: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    from lora_proofs.language.budget import budget
    from lora_proofs.mutating.hunting import hunt
    from lora_proofs.running.catalogue import Locator, home_of

    home = home_of(Locator(**task["locator"]))
    return hunt(_claim(task), budget(task["budget"]), task["seed"], home)
