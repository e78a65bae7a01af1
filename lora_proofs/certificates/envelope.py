"""The envelope of a certificate: what it asserts, its exact data as text, and its digest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lora_proofs.arithmetic.exact import decimal, rational
from lora_proofs.checker import digest_of
from lora_proofs.errors import BadInput

FORMAT, VERSION = "lora-proofs certificate", 1
LARGEST = 2**53
"""Whole numbers below this are written as JSON numbers; every reader keeps them exact."""


def certificate(kind: str, claim: str | None, asserts: str, **data: Any) -> dict[str, Any]:
    """A certificate of a kind, with its numbers as exact text and its digest.

    ``data`` holds numbers (int, Fraction, fmpq), matrices (rows or arrays), texts, lists and
    objects of them. Raises ``BadInput`` for a float and for anything else.

    >>> told = certificate("product", None, "a product", factors=[[["1/2", 3]]])
    >>> told["factors"], told["digest"].partition(":")[0]
    ([[['1/2', 3]]], 'sha256')
    """
    head = {"format": FORMAT, "version": VERSION, "kind": kind, "claim": claim, "asserts": asserts}
    told = {**head, **{name: plain(value, name) for name, value in data.items()}}
    return {**told, "digest": digest_of(told)}


def plain(value: Any, where: str = "certificate") -> Any:
    """Exact data as JSON: whole numbers as they are, fractions and long numbers as text.

    >>> plain({"x": [rational("-3/4"), 2]})
    {'x': ['-3/4', 2]}
    """
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, np.ndarray):
        return plain(value.tolist(), where)
    if isinstance(value, list | tuple):
        return [plain(x, where) for x in value]
    if isinstance(value, Mapping):
        return {str(k): plain(x, f"{where}.{k}") for k, x in value.items()}
    return number(value, where)


def number(value: Any, where: str = "certificate") -> int | str:
    """One exact number as JSON.

    >>> number(rational("6/3")), number("0.25"), len(str(number(10**400)))
    (2, '1/4', 401)
    """
    if isinstance(value, float | np.floating):
        raise BadInput(f"{where}: expected an exact number, got the float {value!r}")
    x = value if type(value) is int else rational(value)
    small = x.denominator == 1 and -LARGEST < x < LARGEST
    return int(x) if small else decimal(x)
