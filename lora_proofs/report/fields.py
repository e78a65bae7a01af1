r"""What the fields of exact instances mean: those that no statement names, in words.

A statement speaks of a spectrum or a loss; an instance carries its numbers under a name. What is
said here of a name holds in every claim of ours of that source; a claim whose names mean something
of its own stands in ``OF_CLAIM``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lora_proofs.report.fields_of_claims import OF_CLAIM
from lora_proofs.report.records import Record, part, parts

LOSSES: Mapping[str, str] = {
    "frobenius": r"$f(W) = \tfrac12 \|W - Y\|_F^2$",
    "trace-squared": r"$f(W) = \tfrac12 (\operatorname{tr} W)^2$",
    "linear": r"$f(W) = \operatorname{tr}(C^\top W)$",
    "log-cosh": r"$f(W) = \sum_{ij} \log\cosh(W_{ij} - Y_{ij})$",
    "concave-square": r"$f(W) = -\tfrac12 \|W\|_F^2$",
    "hoelder-kink": r"$f(W) = \tfrac12 \|W - Y\|_F^2 - \tfrac23 |W_{12} - W_{21}|^{3/2}$",
    "quartic": r"$f(W) = \tfrac14 \|W - Y\|_F^4$",
    "cubic": r"$f(W) = \operatorname{tr}(C^\top W) + \tfrac12 \operatorname{tr}(W^\top P W Q) + "
    r"\tfrac13 \operatorname{tr}((W R^\top)^3)$, a loss without symmetry, with the matrices $C$, "
    r"$P$, $Q$ and $R$ of the instance",
}
_NUMBERED = (
    (r"W(\d)", r"frozen weight $W_{}$ of layer {}"),
    (r"Wbar(\d)", r"weight $\bar W_{}$ of layer {} of the target"),
    (r"bbar(\d)", r"bias $\bar b_{}$ of layer {} of the target"),
    (r"b(\d)", r"bias $b_{}$ of layer {}"),
    (r"DW(\d)", r"update $\Delta W_{}$ of layer {}"),
    (r"U(\d)", r"left singular vectors of the gap of block {}"),
    (r"V(\d)", r"right singular vectors of the gap of block {}"),
    (r"sigma(\d)", r"singular values of the gap of block {}"),
)
"""Fields of networks that stand once for each layer, or for each block of frozen layers."""
_FACTORS = {
    "W0": "frozen weight",
    "A0": "right factor at time 0",
    "B0": "left factor at time 0",
    "Y": r"target of the loss, where it has one",
}
_FLOW = {
    **_FACTORS,
    "Lf": r"Lipschitz constant $L_f$ of $\nabla f$",
    "phi": r"$\varphi = w_0/n$",
    "fstar": r"lower bound $f_*$ of the loss",
    "steps": "number of steps of gradient descent",
    "values": "singular values, the diagonal of a diagonal $E$",
    "law": "distribution of the entries of $A_0$",
    "probabilities": "probabilities of the values, the points, of a finite distribution",
    "floor": r"lower bound $f_*$ of the loss",
    "modes": "modes of gradient descent that are compared",
    "mode": "mode of gradient descent that is looked at",
}
_NETWORK = {
    "target": "weight of the linear target, or all weights of a transformer target",
    "frozen": "all weights of the frozen transformer",
    "adapted": "all weights of the adapted transformer",
    "Lbar": r"number $\bar L$ of layers of the target",
    "rank": "rank $R$ of every adapter",
    "ranks": r"ranks $R_1, \dots, R_L$ of the adapters",
    "partition": "how many frozen layers stand for each target layer",
    "lower": "least entries of the inputs",
    "upper": "largest entries of the inputs",
    "sigma": r"singular values of $E$, the gap between the target and the product of the layers",
}
_WEIGHTS = (
    r"block$i$.head$h$.Q, K, V, O: the matrices $W_Q, W_K, W_V, W_O$ of a head, which statements "
    r"write $Q, K, V, O$; block$i$.W1, b1, W2, b2: both layers of block $i$; Wo: the last weight"
)
OF_PAPER: Mapping[str, Mapping[str, str]] = {
    "rushka-klabjan": _FLOW,
    "zeng-lee": _NETWORK,
    "classical": {
        **_FACTORS,
        "values": "singular values of $E$",
        "S_r": "sum of the $r$ largest squares",
    },
}


def instances(record: Record) -> Iterator[Record]:
    """Every instance that the chapter of a claim prints.

    >>> [dict(one) for one in instances({"search": {"at": {"h": 1}}}) if one]
    [{'h': 1}]
    """
    yield part(part(record, "counterexample"), "instance")
    for control in parts(record, "controls"):
        yield part(part(control, "counterexample"), "instance")
    yield part(part(part(record, "samples"), "smallest_at"), "instance")
    yield part(part(record, "search"), "at")


def meanings(record: Record) -> dict[str, str]:
    """The fields of the printed instances that have a meaning here, in the order they are met.

    >>> source = {"paper": "zeng-lee"}
    >>> meanings({"shipped": True, "source": source, "search": {"at": {"rank": 1, "x": 1}}})
    {'rank': 'rank $R$ of every adapter'}
    """
    if not record.get("shipped"):
        return _of_problems(record)
    paper = OF_PAPER.get(str(part(record, "source").get("paper")), {})
    known = {**paper, **OF_CLAIM.get(str(record.get("name")), {})}
    found: dict[str, str] = {}
    for instance in instances(record):
        found |= dict(_of(instance, known, part(record, "source").get("paper") == "zeng-lee"))
    return found


def _of_problems(record: Record) -> dict[str, str]:
    """A claim of one's own uses letters as it likes; a problem with a loss of ours has its fields.

    >>> list(_of_problems({"search": {"at": {"loss": "trace-squared", "W0": [[1]], "c": 2}}}))
    ['loss = trace-squared', 'W0']
    """
    found: dict[str, str] = {}
    for instance in instances(record):
        if str(instance.get("loss")) in LOSSES:
            found |= dict(_of(instance, _FACTORS, False))
    return found


def _layer(name: str) -> Iterator[tuple[str, str]]:
    """A field of a layer of a network."""
    for shape, meaning in _NUMBERED:
        if match := re.fullmatch(shape, name):
            yield name, meaning.replace("{}", match[1])


def _of(
    instance: Mapping[Any, Any], known: Mapping[str, str], numbered: bool
) -> Iterator[tuple[str, str]]:
    for name, value in instance.items():
        if name == "loss" and value in LOSSES:
            yield f"loss = {value}", LOSSES[value]
        elif name in known:
            yield str(name), known[name]
        elif numbered:
            yield from _layer(str(name))
        if name in ("frozen", "target", "adapted") and isinstance(value, Mapping):
            yield "block1", _WEIGHTS
