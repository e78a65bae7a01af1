"""The JUnit XML file of a run: one test case for each claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from lora_proofs.cli.guard import printable
from lora_proofs.cli.outcome import attention, judgement
from lora_proofs.running.records import exit_code


def junit(records: Sequence[Mapping[str, Any]]) -> str:
    """The records as JUnit XML: a failure for a verdict that is not as expected."""
    suite = ElementTree.Element("testsuite", name="lora-proofs", tests=str(len(records)))
    for record in records:
        _case(suite, record)
    for kind in ("failure", "error"):
        suite.set(f"{kind}s", str(len(suite.findall(f"testcase/{kind}"))))
    suite.set("time", f"{sum(record['seconds'] for record in records):.3f}")
    ElementTree.indent(suite)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, "unicode") + "\n"
    )


def _case(suite: ElementTree.Element, record: Mapping[str, Any]) -> None:
    folder, _, name = record["name"].rpartition("/")
    seconds = f"{record['seconds']:.3f}"
    case = ElementTree.SubElement(suite, "testcase", classname=folder, name=name, time=seconds)
    if exit_code([record]):
        kind = "error" if record["error"] else "failure"
        told = ElementTree.SubElement(case, kind, message=printable(judgement(record)))
        told.text = printable("\n".join(attention(record)))
    ElementTree.SubElement(case, "system-out").text = printable(judgement(record))
